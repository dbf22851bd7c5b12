/**
 * Values and names as a person reads them, cut to a length that fits a line.
 */

const MAX_CHARS = 60
const MAX_LISTED = 8

const cut = (text: string): string => text.length > MAX_CHARS ? `${text.slice(0, MAX_CHARS)}…` : text

/** `string "abc"`, `number 1`, `null`, `an array of 3`, `an object with "a", "b"`. Looks at the outermost level only. */
export function shorten (value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (typeof value === 'string') return `string ${JSON.stringify(cut(value))}`
  if (Array.isArray(value)) return `an array of ${value.length}`
  if (typeof value !== 'object') return `${typeof value} ${String(value)}`
  const keys = Object.keys(value)
  return keys.length === 0 ? 'an object without properties' : `an object with ${listed(keys)}`
}

/** `"a", "b" and 3 more`. */
export function listed (values: readonly unknown[]): string {
  const shown = values.slice(0, MAX_LISTED).map(value => cut(typeof value === 'object' && value !== null ? shorten(value) : JSON.stringify(value)))
  const rest = values.length - shown.length
  return rest > 0 ? `${shown.join(', ')} and ${rest} more` : shown.join(', ')
}

/** `a.b[2]` from the pointer `/a/b/2`, as the value has it: a name that is no identifier is quoted. */
export function pathOf (pointer: string, value: unknown): string {
  let path = ''
  let at = value
  for (const token of pointer.split('/').slice(1)) {
    const key = token.replaceAll('~1', '/').replaceAll('~0', '~')
    if (Array.isArray(at)) path += `[${key}]`
    else path += /^[\w$-]+$/.test(key) ? `${path === '' ? '' : '.'}${key}` : `[${JSON.stringify(cut(key))}]`
    at = (at as Readonly<Record<string, unknown>> | undefined)?.[key]
    if (path.length > 300) return `${path.slice(0, 300)}…`
  }
  return path
}
