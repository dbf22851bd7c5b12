/**
 * Texts in five drafts to subschemas in the words of one. Every keyword that we act on is checked for its shape, which makes
 * meta-schemas unnecessary; what a draft does not know is ignored, as JSON Schema asks (core 4.3.1).
 */
import type { RE2JS } from 're2js'
import { SchemaError } from '../format.ts'
import type { Source } from '../format.ts'
import { knows } from './draft.ts'
import { compilePattern } from './pattern.ts'
import { MAX_SUBSCHEMAS, Resources, escapePointer, isObject } from './resources.ts'
import type { JsonObject, Place, Target } from './resources.ts'
import { COUNT_LIMITS, NUMBER_LIMITS, Subschema } from './subschema.ts'
import type { JsonType, Limit } from './subschema.ts'
import { shorten } from './words.ts'

const TYPES: ReadonlySet<unknown> = new Set(['array', 'boolean', 'integer', 'null', 'number', 'object', 'string'])
const MAX_PATTERNS = 500
/** Of all enums together: each is a key to be looked up by, and compared with those of other versions. */
const MAX_ENUM_VALUES = 20_000
/** Instructions of all automata together: repetitions are written out, so a short expression may be a long one. */
const MAX_PROGRAM = 20_000

export interface Built {
  readonly root: Subschema
  readonly title: string | null
  /** Of all that is reached from the root. */
  readonly size: number
  readonly patterns: ReadonlyMap<string, RE2JS>
}

/** Throws SchemaError. */
export function build (source: Source, strict: boolean): Built {
  const builder = new Builder(source, strict)
  const { schema } = builder.resources.root
  const root = builder.build()
  const title = isObject(schema) && typeof schema['title'] === 'string' && schema['title'] !== '' ? schema['title'] : null
  return { root, title, size: builder.size, patterns: builder.patterns }
}

class Builder {
  readonly resources: Resources
  readonly patterns = new Map<string, RE2JS>()
  size = 0
  #program = 0
  #enumValues = 0
  readonly #strict: boolean
  readonly #built = new Map<object, Subschema>()
  /** Filled one after the other: a chain of references costs no stack. */
  readonly #queue: [Subschema, JsonObject, Place][] = []

  constructor (source: Source, strict: boolean) {
    this.#strict = strict
    this.resources = new Resources(source, strict)
  }

  build (): Subschema {
    const root = this.#subschema(this.resources.root)
    for (let next = this.#queue.pop(); next !== undefined; next = this.#queue.pop()) this.#fill(...next)
    return root
  }

  #subschema ({ schema, place }: Target): Subschema {
    if (++this.size > MAX_SUBSCHEMAS) throw new SchemaError(`The schema has too many parts: more than ${MAX_SUBSCHEMAS} subschemas`)
    if (typeof schema === 'boolean') return new Subschema(place.path, schema)
    if (!isObject(schema)) fail(place.path, 'an object, true or false', schema)
    let made = this.#built.get(schema)
    if (made === undefined) {
      made = new Subschema(place.path, null)
      this.#built.set(schema, made)
      this.#queue.push([made, schema, this.resources.place(schema) ?? place])
    }
    return made
  }

  #fill (into: Subschema, schema: JsonObject, place: Place): void {
    const { draft, path } = place
    into.hasDefault = 'default' in schema
    const tags = schema['confluent:tags']
    if (Array.isArray(tags)) into.tags = tags.filter(tag => typeof tag === 'string')
    for (const keyword of ['$ref', '$dynamicRef', '$recursiveRef']) {
      const ref = schema[keyword]
      if (ref === undefined || (keyword !== '$ref' && !knows(draft, keyword))) continue
      const at = `${path}/${keyword}`
      if (typeof ref !== 'string') fail(at, 'a URI reference', ref)
      const target = keyword === '$ref' ? this.resources.resolve(ref, place, at) : this.resources.resolveDynamic(ref, place, at)
      into.refs = [...into.refs, this.#subschema(target)]
      // Up to draft-07, what stands beside a $ref is not there (core 8.3).
      if (draft <= 7 || Object.keys(schema).length === 1) {
        into.isBare = true
        return
      }
    }
    const reader = new Reader(schema, place, (value, at) => this.#subschema({ schema: value, place: { ...place, path: at } }))
    this.#values(into, reader, draft === 4)
    this.#arrays(into, reader, draft)
    this.#objects(into, reader)
    for (const keyword of ['allOf', 'anyOf', 'oneOf'] as const) into[keyword] = reader.list(keyword, this.#strict)
    into.not = reader.one('not')
    into.if = reader.one('if')
    if (into.if !== null) for (const keyword of ['then', 'else'] as const) into[keyword] = reader.one(keyword)
    for (const keyword of ['unevaluatedItems', 'unevaluatedProperties'] as const) into[keyword] = reader.one(keyword)
  }

  #values (into: Subschema, reader: Reader, isDraft4: boolean): void {
    const type = reader.value('type')
    if (type !== undefined) {
      const types = Array.isArray(type) ? type : [type]
      if (types.length === 0 || !types.every(one => TYPES.has(one))) reader.fail('type', `one of ${[...TYPES].join(', ')}, or several in an array`)
      into.types = [...new Set(types as JsonType[])]
    }
    const values = reader.value('enum')
    if (values !== undefined) {
      if (!Array.isArray(values)) reader.fail('enum', 'an array')
      if (this.#strict && values.length === 0) reader.fail('enum', 'at least one value')
      if ((this.#enumValues += values.length) > MAX_ENUM_VALUES) throw new SchemaError(`The enums of the schema have more than ${MAX_ENUM_VALUES} values`)
      into.enums = [values]
    }
    if (reader.has('const')) into.enums = [...into.enums, [reader.value('const')]]
    const limits: Partial<Record<Limit, number>> = {}
    for (const limit of NUMBER_LIMITS) {
      const value = reader.value(limit)
      if (value === undefined) continue
      if (isDraft4 && limit.startsWith('exclusive')) this.#exclusive(limits, reader, limit, value)
      else if (typeof value !== 'number' || !Number.isFinite(value)) reader.fail(limit, 'a number')
      else if (limit === 'multipleOf' && value <= 0) reader.fail(limit, 'a number greater than 0')
      else limits[limit] ??= value
    }
    for (const limit of COUNT_LIMITS) {
      const value = reader.value(limit)
      if (value === undefined) continue
      if (typeof value !== 'number' || !Number.isInteger(value) || value < 0) reader.fail(limit, 'an integer of 0 or more')
      limits[limit] = value
    }
    into.limits = limits
    const pattern = reader.value('pattern')
    if (pattern !== undefined) {
      if (typeof pattern !== 'string') reader.fail('pattern', 'a regular expression')
      into.pattern = this.#pattern(pattern, reader.at('pattern'))
    }
    const format = reader.value('format')
    if (format !== undefined && typeof format !== 'string') reader.fail('format', 'a string')
    into.format = format ?? null
  }

  /** Draft-04: a boolean that says how its neighbour is meant. */
  #exclusive (limits: Partial<Record<Limit, number>>, reader: Reader, limit: Limit, value: unknown): void {
    if (typeof value !== 'boolean') reader.fail(limit, 'true or false, as draft-04 has it')
    const inclusive = limit === 'exclusiveMaximum' ? 'maximum' : 'minimum'
    const bound = limits[inclusive]
    if (!value || bound === undefined) return
    limits[limit] = bound
    delete limits[inclusive]
  }

  #arrays (into: Subschema, reader: Reader, draft: number): void {
    const unique = reader.value('uniqueItems')
    if (unique !== undefined && typeof unique !== 'boolean') reader.fail('uniqueItems', 'true or false')
    into.uniqueItems = unique ?? false
    into.contains = reader.one('contains')
    if (draft < 2020 && Array.isArray(reader.value('items'))) {
      into.prefixItems = reader.list('items', false)
      into.items = reader.one('additionalItems')
    } else {
      into.prefixItems = reader.list('prefixItems', this.#strict)
      into.items = reader.one('items')
    }
  }

  #objects (into: Subschema, reader: Reader): void {
    into.properties = reader.map('properties')
    into.patternProperties = reader.map('patternProperties')
    for (const pattern of into.patternProperties.keys()) this.#pattern(pattern, reader.at('patternProperties'))
    into.additionalProperties = reader.one('additionalProperties')
    into.propertyNames = reader.one('propertyNames')
    // Draft-03 had booleans here, and such schemas are around.
    const required = reader.value('required')
    if (required !== undefined && (typeof required !== 'boolean' || this.#strict)) into.required = reader.names('required', required, this.#strict)
    const schemas = reader.map('dependentSchemas')
    const names = new Map<string, readonly string[]>()
    for (const [key, value] of reader.entries('dependentRequired')) {
      names.set(key, reader.names(`dependentRequired/${escapePointer(key)}`, value, this.#strict))
    }
    for (const [key, value] of reader.entries('dependencies')) {
      const at = `dependencies/${escapePointer(key)}`
      if (Array.isArray(value)) names.set(key, reader.names(at, value, this.#strict))
      else schemas.set(key, reader.child(value, at))
    }
    into.dependentSchemas = schemas
    into.dependentRequired = names
  }

  #pattern (source: string, where: string): string {
    if (!this.patterns.has(source)) {
      if (this.patterns.size >= MAX_PATTERNS) throw new SchemaError(`The schema has more than ${MAX_PATTERNS} regular expressions`)
      const automaton = compilePattern(source, where)
      this.patterns.set(source, automaton)
      if ((this.#program += automaton.programSize()) > MAX_PROGRAM) {
        throw new SchemaError(`${where}: the regular expressions of the schema repeat too much: ${this.#program} instructions, and at most ${MAX_PROGRAM}`)
      }
    }
    return source
  }
}

/** The keywords of one schema, as far as its draft knows them. */
class Reader {
  readonly #schema: JsonObject
  readonly #place: Place
  readonly #make: (value: unknown, path: string) => Subschema

  constructor (schema: JsonObject, place: Place, make: (value: unknown, path: string) => Subschema) {
    this.#schema = schema
    this.#place = place
    this.#make = make
  }

  has (keyword: string): boolean {
    return Object.hasOwn(this.#schema, keyword) && knows(this.#place.draft, keyword)
  }

  value (keyword: string): unknown {
    return this.has(keyword) ? this.#schema[keyword] : undefined
  }

  at (keyword: string): string {
    return `${this.#place.path}/${keyword}`
  }

  fail (keyword: string, expected: string): never {
    fail(this.at(keyword), expected, this.value(keyword))
  }

  child (value: unknown, path: string): Subschema {
    return this.#make(value, this.at(path))
  }

  one (keyword: string): Subschema | null {
    const value = this.value(keyword)
    return value === undefined ? null : this.child(value, keyword)
  }

  list (keyword: string, isStrict: boolean): Subschema[] {
    const value = this.value(keyword)
    if (value === undefined) return []
    if (!Array.isArray(value) || (isStrict && value.length === 0)) this.fail(keyword, isStrict ? 'an array of at least one schema' : 'an array of schemas')
    return value.map((one, index) => this.child(one, `${keyword}/${index}`))
  }

  entries (keyword: string): [string, unknown][] {
    const value = this.value(keyword)
    if (value === undefined) return []
    if (!isObject(value)) this.fail(keyword, 'an object')
    return Object.keys(value).map(key => {
      // Half of a surrogate pair: it can stand in no URI, and in no UTF-8 that a payload is written in.
      if (!key.isWellFormed()) fail(this.at(keyword), 'names in Unicode', key)
      return [key, value[key]]
    })
  }

  map (keyword: string): Map<string, Subschema> {
    return new Map(this.entries(keyword).map(([key, value]) => [key, this.child(value, `${keyword}/${escapePointer(key)}`)]))
  }

  names (path: string, value: unknown, isStrict: boolean): readonly string[] {
    if (!Array.isArray(value) || !value.every(name => typeof name === 'string')) fail(this.at(path), 'an array of names', value)
    if (isStrict && new Set(value).size < value.length) fail(this.at(path), 'each name once', value)
    return [...new Set(value as string[])]
  }
}

function fail (path: string, expected: string, found: unknown): never {
  throw new SchemaError(`${path}: expected ${expected}, found ${shorten(found)}`)
}
