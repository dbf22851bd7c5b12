/** Whether defaults fit their types: asked only of new schemas, and only where the registry validates them. */
import { SchemaError } from '../format.ts'
import { isNumber, isObject, numberText, writeJson, type Json } from './json.ts'
import type { Field, Type } from './schema.ts'

/** Defaults within defaults within … : a record whose default needs that very record has none. */
const MAX_DEPTH = 200
/** Values looked at: defaults of defaults multiply. */
const MAX_VALUES = 100_000

interface Budget { values: number }

export function checkDefault (field: Field, place: string): void {
  if (!fits(field.type, field.default, 0, { values: MAX_VALUES })) {
    const found = writeJson(field.default!).slice(0, 100)
    throw new SchemaError(`Avro schema, at ${place}: the default ${found} of the field "${field.name.slice(0, 100)}" does not fit its type`)
  }
}

function fits (type: Type, value: Json | undefined, depth: number, budget: Budget): boolean {
  if (value === undefined || depth > MAX_DEPTH || --budget.values < 0) return false
  switch (type.kind) {
    case 'null': return value === null
    case 'boolean': return typeof value === 'boolean'
    case 'int': return isInteger(value, 31n)
    case 'long': return isInteger(value, 63n)
    // What is no number is kept as text.
    case 'float': case 'double': return isNumber(value) || value === 'NaN' || value === 'Infinity' || value === '-Infinity'
    case 'string': return typeof value === 'string'
    case 'bytes': return isBytes(value)
    case 'fixed': return isBytes(value) && value.length === type.size
    case 'enum': return typeof value === 'string' && type.indexBySymbol.has(value)
    case 'array': return Array.isArray(value) && (value as readonly Json[]).every(item => fits(type.items, item, depth + 1, budget))
    case 'map': return isObject(value) && Object.values(value).every(item => fits(type.values, item, depth + 1, budget))
    case 'union': return type.types.some(branch => fits(branch, value, depth + 1, budget))
    case 'record': return isObject(value) && type.fields.every(field =>
      fits(field.type, Object.hasOwn(value, field.name) ? value[field.name] : field.default, depth + 1, budget))
  }
}

const isBytes = (value: Json): value is string => typeof value === 'string' && !/[^\0-\u00ff]/.test(value)

function isInteger (value: Json, bits: bigint): boolean {
  if (!isNumber(value)) return false
  const text = numberText(value)
  if (!/^-?\d{1,20}$/.test(text)) return false
  const number = BigInt(text)
  return number >= -(1n << bits) && number < 1n << bits
}
