/**
 * What holds for values of any type and for scalars: `type`, `enum`, `const`, numbers, strings, `not`, `if`.
 */
import type { Incompatibility } from '../format.ts'
import { difference, quote } from './difference.ts'
import type { Comparison } from './compatibility.ts'
import type { Found } from './difference.ts'
import { keyOf } from './equality.ts'
import type { JsonType, Limit, Subschema } from './subschema.ts'
import { ANYTHING, limitOf, typeOf, typesOf, viewOf } from './view.ts'
import type { View } from './view.ts'

const ALL: readonly JsonType[] = ['array', 'boolean', 'null', 'number', 'object', 'string']

export function compareValues (comparison: Comparison, writer: View, reader: Subschema, path: string): Incompatibility[] {
  const types = typesOf(writer)
  const has = (...wanted: readonly JsonType[]): boolean => types === null || wanted.some(type => types.has(type))
  const values = valuesOf(writer, types)
  comparison.spend(values?.length ?? 0)
  return [
    ...compareTypes(types, reader, path),
    ...reader.enums.flatMap(allowed => compareEnums(types, values, allowed, path)),
    ...(has('number', 'integer') ? compareNumbers(writer, values, reader, path) : []),
    ...(has('string') ? compareStrings(writer, values, reader, path) : []),
    ...compareNot(comparison, writer, reader, path),
    ...compareConditions(comparison, writer, reader, path)
  ]
}

function compareTypes (types: ReadonlySet<JsonType> | null, { types: taken }: Subschema, path: string): Incompatibility[] {
  if (taken === null) return []
  const given = types === null ? ALL : [...types]
  const lost = given.filter(type => !taken.includes(type) && !(type === 'integer' && taken.includes('number')))
  if (lost.length === 0) return []
  const isNarrowed = types === null || lost.length < given.length || (lost.length === 1 && lost[0] === 'number' && taken.includes('integer'))
  return [difference(isNarrowed ? 'TYPE_NARROWED' : 'TYPE_CHANGED', path,
    `The %s schema takes ${taken.join(' or ')}, and the %s one has ${types === null ? 'any type' : given.join(' or ')}`, ...lost)]
}

/** All that the writer may write, where it lists it; those that another part of it refuses are among them. */
function valuesOf ({ parts }: View, types: ReadonlySet<JsonType> | null): readonly unknown[] | null {
  const lists = parts.flatMap(part => part.enums)
  if (lists.length === 0) return null
  const [first, ...others] = lists.map(list => new Map(list.map(value => [keyOf(value), value])))
  return [...first!].filter(([key, value]) => others.every(other => other.has(key)) &&
    (types === null || types.has(typeOf(value)) || (Number.isInteger(value) && types.has('number')))).map(([, value]) => value)
}

function compareEnums (
  types: ReadonlySet<JsonType> | null, values: readonly unknown[] | null, allowed: readonly unknown[], path: string
): Incompatibility[] {
  // Types with values that can be counted.
  const given = values ?? (types !== null && [...types].every(type => type === 'boolean' || type === 'null')
    ? [...types].flatMap(type => type === 'null' ? [null] : [true, false])
    : null)
  const at = `${path}/enum`
  if (given === null) return [difference('ENUM_ARRAY_NARROWED', at, 'The %s schema takes one of a few values only, and the %s one any')]
  const taken = new Set(allowed.map(keyOf))
  const lost = given.filter(value => !taken.has(keyOf(value)))
  if (lost.length === 0) return []
  const known = new Set(given.map(keyOf))
  const isChanged = allowed.some(value => !known.has(keyOf(value)))
  return [difference(isChanged ? 'ENUM_ARRAY_CHANGED' : 'ENUM_ARRAY_NARROWED', at,
    `The %s schema does not take ${lost.slice(0, 8).map(quote).join(', ')}, which the %s one does`, ...lost.slice(0, 20).map(value => JSON.stringify(value)))]
}

/** `maximum` to `MAXIMUM`, `maxLength` to `MAX_LENGTH`. */
const nameOf = (limit: Limit): string => limit.replace(/[A-Z]/g, letter => `_${letter}`).toUpperCase()

/** The end of the name says in which direction it went, and that is the wrong one. */
export function compareLimit (writer: View, reader: Subschema, limit: Limit, path: string, implied?: number): Incompatibility[] {
  const bound = reader.limits[limit]
  if (bound === undefined) return []
  const isUpper = limit.startsWith('max')
  if (!isUpper && bound === 0) return []
  const own = limitOf(writer, limit)
  if ([own, implied].some(one => one !== undefined && (isUpper ? one <= bound : one >= bound))) return []
  return [limitDifference(limit, isUpper, own, bound, path)]
}

function limitDifference (limit: Limit, isUpper: boolean, before: number | undefined, now: number, path: string): Incompatibility {
  const direction = before === undefined ? 'ADDED' : isUpper ? 'DECREASED' : 'INCREASED'
  return difference(`${nameOf(limit)}_${direction}`, `${path}/${limit}`,
    `The %s schema has ${limit} ${now}, and the %s one ${before === undefined ? 'has none' : before}`)
}

function compareNumbers (writer: View, values: readonly unknown[] | null, reader: Subschema, path: string): Incompatibility[] {
  const found: Incompatibility[] = []
  const numbers = values?.filter(value => typeof value === 'number') ?? null
  for (const isUpper of [true, false]) {
    const [inclusive, exclusive] = isUpper ? ['maximum', 'exclusiveMaximum'] as const : ['minimum', 'exclusiveMinimum'] as const
    const ownInclusive = limitOf(writer, inclusive)
    const ownExclusive = limitOf(writer, exclusive)
    const reached = numbers === null ? undefined : isUpper ? Math.max(...numbers) : Math.min(...numbers)
    // Whether no value of the writer goes beyond a bound, or reaches it.
    const within = (value: number | undefined, bound: number): boolean => value !== undefined && (isUpper ? value <= bound : value >= bound)
    const below = (value: number | undefined, bound: number): boolean => within(value, bound) && value !== bound
    const top = reader.limits[inclusive]
    if (top !== undefined && ![ownInclusive, ownExclusive, reached].some(value => within(value, top))) {
      found.push(limitDifference(inclusive, isUpper, ownInclusive ?? ownExclusive, top, path))
    }
    const open = reader.limits[exclusive]
    if (open !== undefined && !below(ownInclusive, open) && !within(ownExclusive, open) && !below(reached, open)) {
      found.push(limitDifference(exclusive, isUpper, ownExclusive, open, path))
    }
  }
  const divisor = reader.limits.multipleOf
  if (divisor === undefined) return found
  const own = writer.parts.map(part => part.limits.multipleOf).filter(value => value !== undefined)
  const types = typesOf(writer)
  if (types !== null && !types.has('number')) own.push(1)
  if (own.some(one => divides(divisor, one)) || numbers?.every(value => divides(divisor, value as number)) === true) return found
  const said = limitOf(writer, 'multipleOf')
  const change = said === undefined ? 'ADDED' : divides(said, divisor) ? 'EXPANDED' : 'CHANGED'
  found.push(difference(`MULTIPLE_OF_${change}`, `${path}/multipleOf`,
    `The %s schema has multipleOf ${divisor}, and the %s one ${said ?? 'has none'}`))
  return found
}

/** As doubles divide: 0.1 divides 0.3. */
const divides = (divisor: number, value: number): boolean => Math.abs(Math.round(value / divisor) - value / divisor) < 1e-9

function compareStrings (writer: View, values: readonly unknown[] | null, reader: Subschema, path: string): Incompatibility[] {
  const lengths = values?.filter(value => typeof value === 'string').map(value => [...value].length)
  const found = [
    ...compareLimit(writer, reader, 'maxLength', path, lengths === undefined ? undefined : Math.max(...lengths)),
    ...compareLimit(writer, reader, 'minLength', path, lengths === undefined ? undefined : Math.min(...lengths))
  ]
  if (reader.pattern === null) return found
  const own = writer.parts.map(part => part.pattern).filter(pattern => pattern !== null)
  if (own.includes(reader.pattern)) return found
  found.push(difference(own.length === 0 ? 'PATTERN_ADDED' : 'PATTERN_CHANGED', `${path}/pattern`,
    `The %s schema has the pattern ${quote(reader.pattern)}, and the %s one ${own.length === 0 ? 'has none' : quote(own[0])}`))
  return found
}

/** What the reader excludes, the writer has to exclude. */
function compareNot (comparison: Comparison, writer: View, { not }: Subschema, path: string): Incompatibility[] {
  if (not === null || not.always === false) return []
  const excluded = viewOf(not)
  const types = typesOf(writer)
  const others = typesOf(excluded)
  if (types !== null && others !== null && ![...types].some(type => overlaps(type, others))) return []
  if (writer.parts.some(part => part.not !== null && comparison.fits(excluded, part.not))) return []
  return [difference('NOT_TYPE_EXTENDED', `${path}/not`, 'The %s schema excludes values that the %s one does not exclude')]
}

const overlaps = (type: JsonType, types: ReadonlySet<JsonType>): boolean =>
  types.has(type) || (type === 'integer' && types.has('number')) || (type === 'number' && types.has('integer'))

function compareConditions (comparison: Comparison, writer: View, reader: Subschema, path: string): Incompatibility[] {
  const { if: condition } = reader
  if (condition === null) return []
  const branches = ['then', 'else'] as const
  const results = writer.parts.filter(part => part.if !== null && isSame(comparison, part.if, condition)).map(part => branches.flatMap((branch): Found =>
    reader[branch] === null ? [] : comparison.compare(viewOf(part[branch] ?? ANYTHING), reader[branch], `${path}/${branch}`)))
  if (results.some(result => result.length === 0)) return []
  const unconditional = branches.flatMap((branch): Found => reader[branch] === null ? [] : comparison.compare(writer, reader[branch], `${path}/${branch}`))
  return unconditional.length === 0 ? [] : [...results[0] ?? unconditional]
}

const isSame = (comparison: Comparison, one: Subschema, other: Subschema): boolean =>
  comparison.fits(viewOf(one), other) && comparison.fits(viewOf(other), one)
