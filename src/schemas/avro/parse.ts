/**
 * From the text of a schema, and of those that it refers to, to types.
 *
 * It takes what Apache Avro's parser for Java takes, which is what Confluent's registry uses: names may be used before they are
 * defined, and defined again if the definition is the same. `strict` is what the specification says on top of that.
 */
import { SchemaError, type Source } from '../format.ts'
import { checkDefault } from './defaults.ts'
import { isObject, javaDouble, rawNumber, readJson, type Json, type JsonObject } from './json.ts'
import { logicalOf } from './logical.ts'
import { Names, qualified } from './names.ts'
import { shapeOf } from './print.ts'
import {
  isNamed, labelOf, partsOf, PRIMITIVES, type ArrayType, type EnumType, type Field, type FixedType, type MapType, type NamedType,
  type PrimitiveKind, type PrimitiveType, type Props, type RecordType, type Type, type UnionType
} from './schema.ts'

/** Types, fields and symbols, references included. */
const MAX_PARTS = 10_000
const MAX_DEPTH = 200
const MAX_FIXED_BYTES = 2 ** 31 - 1 - 8

const RESERVED = ['doc', 'fields', 'items', 'name', 'namespace', 'size', 'symbols', 'values', 'type', 'aliases']
const RESERVED_IN_TYPE = new Set(RESERVED)
const RESERVED_IN_ENUM = new Set([...RESERVED, 'default'])
const RESERVED_IN_FIELD = new Set(['default', 'doc', 'name', 'order', 'type', 'aliases'])

type Writable<T> = { -readonly [K in keyof T]: T[K] }

export interface Parsed {
  readonly root: Type
  /** What the references define themselves (not within): those names stand for it in the text. */
  readonly referenced: readonly string[]
  readonly parts: number
}

/** Throws SchemaError. */
export function parseAvro (source: Source, strict: boolean): Parsed {
  const parser = new Parser(strict)
  const referenced: string[] = []
  for (const { name, text } of source.references) {
    try {
      const type = parser.parse(text)
      if (isNamed(type)) referenced.push(type.fullName)
    } catch (error) {
      if (error instanceof SchemaError) throw new SchemaError(`In the reference "${name}": ${error.message}`)
      throw error
    }
  }
  return { root: parser.parse(source.text), referenced, parts: parser.parts }
}

class Parser {
  parts = 0
  readonly #strict: boolean
  readonly #names: Names
  /** What is to be done when all names of a text are known. */
  #later: (() => void)[] = []

  constructor (strict: boolean) {
    this.#strict = strict
    this.#names = new Names(strict)
  }

  parse (text: string): Type {
    let root: Type | undefined
    this.#later = []
    this.#type(readJson(text), null, '', 0, type => { root = type })
    // What is done later may be more: forEach sees what is added.
    this.#later.forEach(finish => finish())
    measure(root!)
    return root!
  }

  #count (place: string): void {
    if (++this.parts > MAX_PARTS) throw new SchemaError(at(place, `more than ${MAX_PARTS} types, fields and symbols`))
  }

  /** `done` is given the type: at once, or when its name is known. */
  #type (json: Json, namespace: string | null, place: string, depth: number, done: (type: Type) => void): void {
    this.#count(place)
    if (depth > MAX_DEPTH) throw new SchemaError(at(place, `types nested deeper than ${MAX_DEPTH}`))
    if (typeof json === 'string') return this.#byName(json, namespace, place, done)
    if (Array.isArray(json)) return done(this.#union(json as readonly Json[], namespace, place, depth))
    if (!isObject(json)) throw new SchemaError(at(place, `expected a type (a name, an object or an array), found ${brief(json)}`))
    const kind = own(json, 'type')
    if (typeof kind !== 'string') throw new SchemaError(at(place, `expected an attribute "type" that is a string, found ${brief(kind)}`))
    switch (kind) {
      case 'record': case 'error': return this.#record(json, kind === 'error', namespace, place, depth, done)
      case 'enum': return done(this.#defined(this.#enum(json, namespace, place), place))
      case 'fixed': return done(this.#defined(this.#fixed(json, namespace, place), place))
      case 'array': case 'map': return done(this.#container(json, kind, namespace, place, depth))
    }
    if (!isPrimitive(kind)) return this.#byName(kind, namespace, place, done)
    const props = propsOf(json, RESERVED_IN_TYPE)
    done({ kind, props, logical: logicalOf(kind, props) })
  }

  #byName (name: string, namespace: string | null, place: string, done: (type: Type) => void): void {
    if (isPrimitive(name)) return done(primitive(name))
    const known = this.#names.find(name, namespace)
    if (known !== undefined) return done(known)
    this.#later.push(() => {
      const type = this.#names.find(name, namespace)
      if (type === undefined) {
        throw new SchemaError(at(place, `unknown type "${short(qualified(name, namespace))}": expected one of ${PRIMITIVES.join(', ')}, record, enum, ` +
          'fixed, array, map, or the name of a type that this schema or one of its references defines'))
      }
      done(type)
    })
  }

  #union (json: readonly Json[], namespace: string | null, place: string, depth: number): UnionType {
    const types: Type[] = []
    json.forEach((branch, i) => this.#type(branch, namespace, `${place}/${i}`, depth + 1, type => { types[i] = type }))
    this.#later.push(() => {
      const labels = new Set<string>()
      types.forEach((type, i) => {
        if (type.kind === 'union') throw new SchemaError(at(`${place}/${i}`, 'a union directly within a union: put its branches into the outer one'))
        const label = labelOf(type)
        if (labels.has(label)) throw new SchemaError(at(`${place}/${i}`, `the union has two branches "${short(label)}": no reader could tell them apart`))
        labels.add(label)
      })
    })
    return { kind: 'union', types }
  }

  #container (json: JsonObject, kind: 'array' | 'map', namespace: string | null, place: string, depth: number): Type {
    const attribute = kind === 'array' ? 'items' : 'values'
    const inner = own(json, attribute)
    if (inner === undefined) {
      throw new SchemaError(at(place, `${kind === 'array' ? 'an array' : 'a map'} needs the attribute "${attribute}": the type of what is in it`))
    }
    const type = { kind, props: propsOf(json, RESERVED_IN_TYPE), logical: null } as Record<string, unknown>
    this.#type(inner, namespace, `${place}/${attribute}`, depth + 1, found => { type[attribute] = found })
    return type as unknown as ArrayType | MapType
  }

  #record (json: JsonObject, isError: boolean, namespace: string | null, place: string, depth: number, done: (type: Type) => void): void {
    const fields: Field[] = []
    const fieldByName = new Map<string, Field>()
    const record: RecordType = { kind: 'record', ...this.#named(json, 'record', namespace, place, RESERVED_IN_TYPE), isError, fields, fieldByName }
    const first = this.#names.define(record)
    const list = own(json, 'fields')
    if (!Array.isArray(list)) throw new SchemaError(at(place, `the record "${short(record.fullName)}" needs the attribute "fields": an array`))
    for (const [position, one] of (list as readonly Json[]).entries()) {
      const within = `${place}/fields/${position}`
      const field = this.#field(one, position, record, within, depth)
      if (fieldByName.has(field.name)) throw new SchemaError(at(within, `the record "${short(record.fullName)}" has two fields "${short(field.name)}"`))
      fields.push(field)
      fieldByName.set(field.name, field)
    }
    if (first !== null) this.#compareLater(first, record, place)
    done(first ?? record)
  }

  #field (json: Json, position: number, record: RecordType, place: string, depth: number): Field {
    this.#count(place)
    if (!isObject(json)) throw new SchemaError(at(place, `expected a field (an object with "name" and "type"), found ${brief(json)}`))
    const name = own(json, 'name')
    this.#names.check(name, 'the name of a field', place)
    const inner = own(json, 'type')
    if (inner === undefined) throw new SchemaError(at(place, `the field "${short(name)}" needs the attribute "type"`))
    const order = own(json, 'order')
    const field = {
      name,
      position,
      doc: textOf(json, 'doc'),
      default: own(json, 'default'),
      order: orderOf(order, place),
      aliases: aliasesOf(json, place),
      props: propsOf(json, RESERVED_IN_FIELD)
    } as unknown as Writable<Field>
    this.#type(inner, record.namespace, `${place}/type`, depth + 1, type => { field.type = type })
    this.#later.push(() => {
      if (field.default === undefined) return
      field.default = numberDefault(field.default, field.type, place)
      if (this.#strict) checkDefault(field, `${place}/default`)
    })
    return field
  }

  #enum (json: JsonObject, namespace: string | null, place: string): EnumType {
    const named = this.#named(json, 'enum', namespace, place, RESERVED_IN_ENUM)
    const list = own(json, 'symbols')
    if (!Array.isArray(list)) throw new SchemaError(at(place, `the enum "${short(named.fullName)}" needs the attribute "symbols": an array of names`))
    const symbols = list as readonly string[]
    const seen = new Map<string, number>()
    symbols.forEach((symbol, i) => {
      this.#count(place)
      this.#names.check(symbol, 'a symbol of an enum', `${place}/symbols/${i}`)
      if (seen.has(symbol)) throw new SchemaError(at(`${place}/symbols/${i}`, `the enum "${short(named.fullName)}" has the symbol "${short(symbol)}" twice`))
      seen.set(symbol, i)
    })
    if (this.#strict && symbols.length === 0) throw new SchemaError(at(place, `the enum "${short(named.fullName)}" has no symbols: nothing could be written`))
    const fallback = textOf(json, 'default')
    if (fallback !== null && !seen.has(fallback)) {
      throw new SchemaError(at(place, `the default "${short(fallback)}" of the enum "${short(named.fullName)}" is none of its symbols`))
    }
    return { kind: 'enum', ...named, symbols, indexBySymbol: seen, default: fallback }
  }

  #fixed (json: JsonObject, namespace: string | null, place: string): FixedType {
    const size = own(json, 'size')
    if (typeof size !== 'number' || !Number.isInteger(size) || size < 0 || size > MAX_FIXED_BYTES) {
      throw new SchemaError(at(place, `a fixed needs the attribute "size": a number of bytes from 0 to ${MAX_FIXED_BYTES}, found ${brief(size)}`))
    }
    if (this.#strict && size === 0) throw new SchemaError(at(place, 'a fixed of size 0 holds nothing: give it a size of 1 or more'))
    const named = this.#named(json, 'fixed', namespace, place, RESERVED_IN_TYPE)
    return { kind: 'fixed', ...named, size, logical: logicalOf('fixed', named.props, size) }
  }

  #named (json: JsonObject, kind: string, namespace: string | null, place: string, reserved: ReadonlySet<string>) {
    const name = this.#names.fullName(own(json, 'name'), textOf(json, 'namespace') ?? namespace, kind, place)
    return {
      ...name,
      doc: textOf(json, 'doc'),
      aliases: [...new Set(aliasesOf(json, place).map(alias => this.#names.alias(alias, name.namespace, place)))],
      props: propsOf(json, reserved),
      logical: null
    }
  }

  #defined<T extends EnumType | FixedType> (type: T, place: string): NamedType {
    const first = this.#names.define(type)
    if (first !== null) this.#compareLater(first, type, place)
    return first ?? type
  }

  #compareLater (first: NamedType, again: NamedType, place: string): void {
    this.#later.push(() => {
      if (shapeOf(first) !== shapeOf(again)) throw new SchemaError(at(place, `"${short(again.fullName)}" is defined twice, and differently`))
    })
  }
}

/** What every walk over the types relies on: names may have joined to more depth what was shallow in the text. */
function measure (root: Type): void {
  const seen = new Set<Type>()
  const visit = (type: Type, depth: number): void => {
    if (depth > MAX_DEPTH) throw new SchemaError(`Types are nested deeper than ${MAX_DEPTH}, counted through their names`)
    if (seen.has(type)) return
    seen.add(type)
    for (const part of partsOf(type)) visit(part, depth + 1)
  }
  visit(root, 0)
}

const isPrimitive = (name: string): name is PrimitiveKind => (PRIMITIVES as readonly string[]).includes(name)
const NO_PROPS: Props = new Map()
/** An object of its own for each mention: compatibility.ts tells types apart by identity. */
const primitive = (kind: PrimitiveKind): PrimitiveType => ({ kind, props: NO_PROPS, logical: null })

const own = (json: JsonObject, key: string): Json | undefined => Object.hasOwn(json, key) ? json[key] : undefined
const textOf = (json: JsonObject, key: string): string | null => {
  const value = own(json, key)
  return typeof value === 'string' ? value : null
}

function propsOf (json: JsonObject, reserved: ReadonlySet<string>): Props {
  const entries = Object.entries(json).filter(([key]) => !reserved.has(key))
  return entries.length === 0 ? NO_PROPS : new Map(entries)
}

function aliasesOf (json: JsonObject, place: string): readonly string[] {
  const aliases = own(json, 'aliases')
  if (aliases === undefined) return []
  if (!Array.isArray(aliases) || !aliases.every(alias => typeof alias === 'string')) {
    throw new SchemaError(at(place, `"aliases" is an array of names, found ${brief(aliases)}`))
  }
  return [...new Set(aliases as string[])]
}

function orderOf (order: Json | undefined, place: string): Field['order'] {
  const name = order === undefined ? 'ascending' : typeof order === 'string' ? order.toLowerCase() : ''
  if (name === 'ascending' || name === 'descending' || name === 'ignore') return name
  throw new SchemaError(at(place, `"order" is ascending, descending or ignore, found ${brief(order)}`))
}

/** Java takes a text for the default of a float or double, and keeps the number. */
function numberDefault (value: Json, type: Type, place: string): Json {
  if (typeof value !== 'string' || (type.kind !== 'float' && type.kind !== 'double')) return value
  const number = value.trim() === '' ? NaN : Number(value)
  if (Number.isNaN(number) && value !== 'NaN') throw new SchemaError(at(place, `the default of a ${type.kind} is a number, found ${brief(value)}`))
  return Number.isFinite(number) ? rawNumber(javaDouble(number).replace('E', 'e')) : value
}

const at = (place: string, what: string): string => `Avro schema, at ${place === '' ? 'its root' : place}: ${what}`
const short = (text: unknown): string => {
  const all = String(text)
  return all.length > 100 ? `${all.slice(0, 100)}…` : all
}
const brief = (value: Json | undefined): string => value === undefined ? 'nothing' : short(JSON.stringify(value))
