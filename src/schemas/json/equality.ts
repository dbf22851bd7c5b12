/**
 * Equality of JSON values (JSON Schema core 4.2.2) in time that grows with their size: by a text that equal values share.
 */
import type { Work } from './work.ts'

const isScalar = (value: unknown): boolean => typeof value !== 'object' || value === null

/** Characters of text that are written in a unit of work. */
const CHARS_PER_UNIT = 8
/** Characters of two strings that are compared in a unit of work. */
const CHARS_COMPARED_PER_UNIT = 256

/** JSON.stringify writes null for a number beyond a double. */
function scalarTextOf (value: unknown, work: Work | null): string {
  const text = typeof value === 'number' ? String(value) : JSON.stringify(value)
  work?.spend(1 + Math.floor(text.length / CHARS_PER_UNIT))
  return text
}

/** Of arrays and objects; keys in order. Throws WorkExceeded. */
function textOf (value: unknown, work: Work | null): string {
  if (isScalar(value)) return scalarTextOf(value, work)
  work?.spend(1)
  if (Array.isArray(value)) return `[${value.map(item => textOf(item, work)).join()}]`
  const object = value as Readonly<Record<string, unknown>>
  return `{${Object.keys(object).sort().map(key => `${scalarTextOf(key, work)}:${textOf(object[key], work)}`).join()}}`
}

/** Equal values have equal texts. */
export const keyOf = (value: unknown): string => textOf(value, null)

/** Whether a value is one of those of an `enum`. */
export function membership (values: readonly unknown[], work: Work): (value: unknown) => boolean {
  const scalars = new Set(values.filter(isScalar))
  const texts = new Set(values.filter(value => !isScalar(value)).map(keyOf))
  return value => {
    if (!isScalar(value)) return texts.size > 0 && texts.has(textOf(value, work))
    if (typeof value === 'string') work.spend(Math.floor(value.length / CHARS_COMPARED_PER_UNIT))
    return scalars.has(value)
  }
}

export function hasDuplicates (items: readonly unknown[], work: Work): boolean {
  const scalars = new Set()
  const texts = new Set<string>()
  for (const item of items) {
    work.spend(1)
    if (isScalar(item)) {
      if (scalars.size === scalars.add(item).size) return true
    } else if (texts.size === texts.add(textOf(item, work)).size) return true
  }
  return false
}
