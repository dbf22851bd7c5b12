/**
 * Which branch of a union a JSON value is meant for. Avro's JSON encoding says it: `{"string":"a"}`. Otherwise the value is looked
 * at, one level deep, and the most specific branch that takes it is the one; there is no way back from there, so that no value
 * can make us try for long.
 */
import type { Encoding } from './encode.ts'
import { isDecimalText, unscaledOf } from './decimal.ts'
import { isNumber, isObject, numberText } from './json.ts'
import { isDecimal } from './logical.ts'
import { labelOf, simpleName, isNamed, type FixedType, type PrimitiveType, type RecordType, type Type, type UnionType } from './schema.ts'

export interface Choice {
  readonly index: number
  readonly value: unknown
}

export const NOT_FINITE: ReadonlyMap<string, number> = new Map([['NaN', NaN], ['Infinity', Infinity], ['-Infinity', -Infinity]])

/** Null: no branch takes it. */
export function chooseBranch ({ types }: UnionType, value: unknown, encoding: Encoding): Choice | null {
  const isNull = types.findIndex(type => type.kind === 'null')
  if (value === null && isNull >= 0) return { index: isNull, value }
  if (encoding === 'default') {
    const index = types.findIndex(type => rank(type, value, encoding) > 0)
    return index < 0 ? null : { index, value }
  }
  const tagged = choiceByTag(types, value, encoding)
  if (tagged !== null) return tagged
  // Whoever has no choice hears from the branch itself what is wrong.
  if (types.length === (isNull >= 0 ? 2 : 1) && value !== null) return { index: isNull === 0 ? 1 : 0, value }
  const index = bestOf(types, value, encoding)
  return index < 0 ? null : { index, value }
}

function choiceByTag (types: readonly Type[], value: unknown, encoding: Encoding): Choice | null {
  if (!isObject(value)) return null
  const [tag, ...others] = Object.keys(value)
  if (tag === undefined || others.length > 0) return null
  const inner = value[tag]
  let index = types.findIndex(type => labelOf(type) === tag)
  if (index < 0) {
    const called = types.flatMap((type, i) => isNamed(type) && simpleName(type.fullName) === tag ? [i] : [])
    index = called.length === 1 ? called[0]! : -1
  }
  if (index < 0) return null
  const mayBePlain = encoding !== 'tagged' && types.some(type => type.kind === 'map' || (type.kind === 'record' && type.fieldByName.has(tag)))
  return !mayBePlain || rank(types[index]!, inner, encoding) > 0 ? { index, value: inner } : null
}

function bestOf (types: readonly Type[], value: unknown, encoding: Encoding): number {
  let best = -1
  let bestRank = 0
  types.forEach((type, i) => {
    const rankHere = rank(type, value, encoding)
    if (rankHere > bestRank) [best, bestRank] = [i, rankHere]
  })
  return best
}

/** How well a value fits, looking no deeper than the fields of a record: 0 is not at all. */
function rank (type: Type, value: unknown, encoding: Encoding, depth = 0): number {
  switch (type.kind) {
    case 'null': return value === null ? 9 : 0
    case 'boolean': return typeof value === 'boolean' ? 9 : 0
    case 'int': return longOf('int', value) === null ? 0 : 9
    case 'long': return longOf('long', value) === null ? 0 : typeof value === 'string' ? 3 : 8
    case 'double': return isReal(value) ? 6 : typeof value === 'string' && NOT_FINITE.has(value) ? 3 : 0
    case 'float': return isReal(value) ? 5 : typeof value === 'string' && NOT_FINITE.has(value) ? 2 : 0
    case 'enum': return typeof value === 'string' && type.indexBySymbol.has(value) ? 9 : 0
    case 'string': return typeof value === 'string' ? type.logical?.name !== 'uuid' || isUuid(value) ? 8 : 6 : 0
    case 'fixed': case 'bytes': return rankBytes(type, value, encoding)
    case 'array': return Array.isArray(value) ? 9 : 0
    case 'map': return isObject(value) ? 5 : 0
    case 'union': return depth > 1 ? 1 : Math.max(0, ...type.types.map(branch => rank(branch, value, encoding, depth + 1)))
    case 'record': return !isObject(value) ? 0 : depth > 0 ? 6 : rankRecord(type, value, encoding)
  }
}

function rankBytes (type: FixedType | PrimitiveType, value: unknown, encoding: Encoding): number {
  if (isDecimal(type)) {
    const text = isNumber(value) ? numberText(value) : typeof value === 'bigint' ? String(value) : encoding === 'any' ? value : null
    if (typeof text === 'string' && isDecimalText(text)) return unscaledOf(text, type.logical.precision, type.logical.scale) === null ? 0 : 7
  }
  if (typeof value !== 'string' || !isLatin1(value)) return 0
  if (type.kind !== 'fixed') return 4
  return value.length === type.size || (type.logical?.name === 'uuid' && isUuid(value)) ? 7 : 0
}

/** A record has the keys and needs no others; one that has nothing to add goes before one that fills in defaults. */
function rankRecord (type: RecordType, value: Readonly<Record<string, unknown>>, encoding: Encoding): number {
  const keys = Object.keys(value)
  if (keys.length > type.fields.length) return 0
  for (const key of keys) {
    const field = type.fieldByName.get(key)
    if (field === undefined) return 0
    // A union within is tagged as the value is, which only it can tell.
    if (field.type.kind !== 'union' && rank(field.type, value[key], encoding, 1) === 0) return 0
  }
  for (const field of type.fields) if (field.default === undefined && !Object.hasOwn(value, field.name)) return 0
  return keys.length === type.fields.length ? 8 : 6 + keys.length / (type.fields.length + 1)
}

const isReal = (value: unknown): boolean => isNumber(value) && Number.isFinite(Number(numberText(value)))

/** An integer of 32 or 64 bits; null if it is none. A long may be a string of digits, as those write it who have no integers of that size. */
export function longOf (kind: 'int' | 'long', value: unknown): number | bigint | null {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return kind === 'long' || (value | 0) === value ? value : null
  const isText = typeof value === 'bigint' || (typeof value === 'string' && kind === 'long' && /^-?\d{1,19}$/.test(value))
  const integer = isText ? BigInt(value) : isNumber(value) ? unscaledOf(numberText(value), 20, 0) : null
  if (integer === null || integer !== BigInt.asIntN(kind === 'int' ? 32 : 64, integer)) return null
  return integer
}

export const isLatin1 = (text: string): boolean => !/[^\0-\u00ff]/.test(text)
export const isUuid = (text: string): boolean => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)
