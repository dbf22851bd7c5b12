/** How a person is told what was expected and what was found. */
import { isRaw } from './json.ts'
import { isDecimal } from './logical.ts'
import { labelOf, type Type } from './schema.ts'

const MAX_NAMES = 12

export function expectationOf (type: Type): string {
  if (isDecimal(type)) return `decimal of at most ${type.logical.precision} digits, ${type.logical.scale} of them after the point`
  switch (type.kind) {
    case 'enum': return `one of ${list(type.symbols.map(symbol => `"${cut(symbol)}"`))}`
    case 'union': {
      const branches = list(type.types.map(branch => cut(labelOf(branch))))
      return type.types.length === 0 ? 'nothing: the union is empty' : `${type.types.length > 1 ? 'one of ' : ''}${branches}`
    }
    case 'record': return `record ${cut(type.fullName)}`
    case 'fixed': return type.logical?.name === 'uuid' ? 'uuid' : `fixed of ${type.size} bytes`
    default: return type.kind
  }
}

function list (names: readonly string[]): string {
  return names.length <= MAX_NAMES ? names.join(', ') : `${names.slice(0, MAX_NAMES).join(', ')} and ${names.length - MAX_NAMES} more`
}

/** `string "abc"`, `number 1.5`, `nothing`. */
export function describe (value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (typeof value === 'string') return `string ${JSON.stringify(cut(value))}`
  if (typeof value === 'boolean') return String(value)
  if (typeof value === 'number' || typeof value === 'bigint') return `number ${value}`
  if (isRaw(value)) return `number ${cut(value.rawJSON)}`
  return Array.isArray(value) ? 'an array' : 'an object'
}

const cut = (text: string): string => text.length > 64 ? `${text.slice(0, 64)}…` : text
