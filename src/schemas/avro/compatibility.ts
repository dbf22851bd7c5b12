/**
 * Whether what was written with one schema can be read with another: schema resolution (Avro specification, "Schema
 * Resolution") as Apache Avro's SchemaCompatibility for Java judges it, in the words of Confluent's registry.
 *
 * It is Java's walk step for step: pairs are remembered with the place where they were first met, and the branches of a union
 * are looked at as roots of their own, which is why some paths begin there. `logicalType` plays no part.
 */
import { SchemaError, type Incompatibility } from '../format.ts'
import { isNamed, PRIMITIVES, simpleName, type EnumType, type Field, type FixedType, type NamedType, type RecordType, type Type } from './schema.ts'

/** Pairs of types; unions of unions of large records are what takes most. Some tens of milliseconds. */
const MAX_STEPS = 100_000
const MAX_DEPTH = 600
/** What was found is repeated by all who need it. */
const MAX_FOUND = 1000

type Kind = 'NAME_MISMATCH' | 'FIXED_SIZE_MISMATCH' | 'MISSING_ENUM_SYMBOLS' | 'READER_FIELD_MISSING_DEFAULT_VALUE' | 'TYPE_MISMATCH' | 'MISSING_UNION_BRANCH'
type Found = ReadonlySet<Mismatch>

/** From the inside out. Most are of no use to anybody, so that paths are only made of those that are. */
interface Place {
  readonly outer: Place | null
  readonly name: string | number
}

interface Mismatch {
  readonly kind: Kind
  readonly place: Place | null
  readonly info: string
}

const NOTHING: Found = new Set()
const PROMOTIONS: Readonly<Record<string, readonly string[]>> = {
  long: ['int'], float: ['int', 'long'], double: ['int', 'long', 'float'], bytes: ['string'], string: ['bytes']
}

/** Empty if nothing stands in the way. Throws SchemaError where that would take too long to find out. */
export function incompatibilitiesOf (reader: Type, writer: Type): readonly Incompatibility[] {
  return Array.from(new Comparison().pair(reader, writer, null), incompatibilityOf)
}

class Comparison {
  readonly #results = new Map<Type, Map<Type, Found>>()
  #steps = 0
  #depth = 0

  /** `place` is the path from the root, or from the branch of a union. */
  pair (reader: Type, writer: Type, place: Place | null): Found {
    this.#step()
    if (isSimple(reader) && isSimple(writer)) return reader.kind === writer.kind ? NOTHING : this.#otherKind(reader, writer, place)
    const known = this.#results.get(reader)?.get(writer)
    if (known !== undefined) return known
    if (++this.#depth > MAX_DEPTH) throw tooMuch()
    let results = this.#results.get(reader)
    if (results === undefined) this.#results.set(reader, results = new Map())
    // Compatible unless proven otherwise: this ends types that contain themselves.
    results.set(writer, NOTHING)
    const found = reader.kind === writer.kind ? this.#sameKind(reader, writer, place) : this.#otherKind(reader, writer, place)
    results.set(writer, found)
    this.#depth--
    return found
  }

  #step (): void {
    if (++this.#steps > MAX_STEPS) throw tooMuch()
  }

  #sameKind (reader: Type, writer: Type, place: Place | null): Found {
    if (reader.kind === 'array' && writer.kind === 'array') return this.pair(reader.items, writer.items, within(place, 'items'))
    if (reader.kind === 'map' && writer.kind === 'map') return this.pair(reader.values, writer.values, within(place, 'values'))
    if (reader.kind === 'union' && writer.kind === 'union') return this.#unions(reader, writer.types, place)
    if (!isNamed(reader) || !isNamed(writer)) return NOTHING
    const found = new Set<Mismatch>()
    if (!isCalled(reader, writer)) found.add(mismatch('NAME_MISMATCH', within(place, 'name'), `expected: ${writer.fullName}`))
    if (reader.kind === 'fixed') this.#fixed(reader, writer as FixedType, place, found)
    if (reader.kind === 'enum') this.#enums(reader, writer as EnumType, place, found)
    if (reader.kind === 'record') this.#records(reader, writer as RecordType, place, found)
    return found
  }

  #unions (reader: Type, branches: readonly Type[], place: Place | null): Found {
    const found = new Set<Mismatch>()
    branches.forEach((branch, i) => {
      if (this.pair(reader, branch, null).size > 0) found.add(missingBranch(within(place, i), branch))
    })
    return found
  }

  #otherKind (reader: Type, writer: Type, place: Place | null): Found {
    if (writer.kind === 'union') {
      const found = new Set<Mismatch>()
      writer.types.forEach((branch, i) => addAll(found, this.pair(reader, branch, within(place, i))))
      return found
    }
    if (reader.kind === 'union') {
      for (const branch of reader.types) if (this.pair(branch, writer, null).size === 0) return NOTHING
      return new Set([missingBranch(place, writer)])
    }
    if (PROMOTIONS[reader.kind]?.includes(writer.kind)) return NOTHING
    return new Set([mismatch('TYPE_MISMATCH', place, `reader type: ${word(reader)} not compatible with writer type: ${word(writer)}`)])
  }

  #fixed (reader: FixedType, writer: FixedType, place: Place | null, found: Set<Mismatch>): void {
    if (reader.size !== writer.size) found.add(mismatch('FIXED_SIZE_MISMATCH', within(place, 'size'), `expected: ${writer.size}, found: ${reader.size}`))
  }

  #enums (reader: EnumType, writer: EnumType, place: Place | null, found: Set<Mismatch>): void {
    const missing = writer.symbols.filter(symbol => !reader.indexBySymbol.has(symbol)).sort()
    this.#steps += writer.symbols.length >> 4
    if (missing.length > 0 && reader.default === null) found.add(mismatch('MISSING_ENUM_SYMBOLS', within(place, 'symbols'), `[${missing.join(', ')}]`))
  }

  #records (reader: RecordType, writer: RecordType, place: Place | null, found: Set<Mismatch>): void {
    for (const field of reader.fields) {
      this.#step()
      const at = within(within(place, 'fields'), field.position)
      const written = writtenAs(field, writer)
      if (written !== undefined) {
        addAll(found, this.pair(field.type, written.type, within(at, 'type')))
      } else if (field.default === undefined) {
        // Java looks whether the default of an enum would do, and compares it with the record.
        if (field.type.kind === 'enum' && field.type.default !== null) addAll(found, this.pair(field.type, writer, within(at, 'type')))
        else found.add(mismatch('READER_FIELD_MISSING_DEFAULT_VALUE', at, field.name))
      }
    }
  }
}

const SIMPLE = new Set<string>(PRIMITIVES)
const isSimple = (type: Type): boolean => SIMPLE.has(type.kind)

/** By its last name alone, or by an alias. */
const isCalled = (reader: NamedType, writer: NamedType): boolean => simpleName(reader.fullName) === simpleName(writer.fullName) ||
  // One without a namespace is written `.Name` there where the type has one.
  reader.aliases.some(alias => (alias.includes('.') || reader.namespace === null ? alias : `.${alias}`) === writer.fullName)

function writtenAs (field: Field, writer: RecordType): Field | undefined {
  const names = [field.name, ...field.aliases].filter(name => writer.fieldByName.has(name))
  if (names.length > 1) {
    throw new SchemaError(`The field "${field.name}" of the reader matches ${names.length} fields of the writer: ${names.slice(0, 10).join(', ')}`)
  }
  return names[0] === undefined ? undefined : writer.fieldByName.get(names[0])
}

function addAll (found: Set<Mismatch>, more: Found): void {
  for (const one of more) {
    if (found.size >= MAX_FOUND) return
    found.add(one)
  }
}

const tooMuch = (): SchemaError => new SchemaError('These two schemas take too long to compare: they have too many pairs of types that could match')

const word = (type: Type): string => type.kind.toUpperCase()
const missingBranch = (place: Place | null, writer: Type): Mismatch =>
  mismatch('MISSING_UNION_BRANCH', place, `reader union lacking writer type: ${word(writer)}`)

const mismatch = (kind: Kind, place: Place | null, info: string): Mismatch => ({ kind, place, info })

const within = (outer: Place | null, name: string | number): Place => ({ outer, name })

function incompatibilityOf ({ kind, place, info }: Mismatch): Incompatibility {
  const names: (string | number)[] = []
  for (let at = place; at !== null; at = at.outer) names.unshift(at.name)
  const path = `/${names.join('/')}`
  return { type: kind, path, description: describe(kind, path, info), additionalInfo: info }
}

function describe (type: Kind, path: string, info: string): string {
  switch (type) {
    case 'NAME_MISMATCH': return `The name of the schema has changed (path '${path}')`
    case 'FIXED_SIZE_MISMATCH': return `The size of FIXED type field at path '${path}' in the %s schema does not match with the %s schema`
    case 'TYPE_MISMATCH': return `The type (path '${path}') of a field in the %s schema does not match with the %s schema`
    case 'MISSING_ENUM_SYMBOLS': return `The %s schema is missing enum symbols '${info}' at path '${path}' in the %s schema`
    case 'MISSING_UNION_BRANCH': return `The %s schema is missing a type inside a union field at path '${path}' in the %s schema`
    case 'READER_FIELD_MISSING_DEFAULT_VALUE':
      return `The field '${info}' at path '${path}' in the %s schema has no default value and is missing in the %s schema`
  }
}
