/**
 * JSON as bytes and text, from strangers: how deep, how long, and without a rounded number where that matters.
 */
import { isUtf8 } from 'node:buffer'
import { PayloadError, SchemaError } from '../format.ts'

const MAX_SCHEMA_CHARS = 1_000_000
const MAX_SCHEMA_DEPTH = 128
/** Of payloads: far below what the stack of a validator carries. */
export const MAX_DEPTH = 256

const QUOTE = 0x22
const BACKSLASH = 0x5C

/** `label` is the name of the reference, for messages; empty for the schema itself. Throws SchemaError. */
export function parseSchemaText (text: string, label: string): unknown {
  const what = label === '' ? 'The schema' : `The reference ${JSON.stringify(label)}`
  if (text.length > MAX_SCHEMA_CHARS) throw new SchemaError(`${what} is too long: ${text.length} characters; at most ${MAX_SCHEMA_CHARS} are taken`)
  if (isTooDeep(Buffer.from(text), MAX_SCHEMA_DEPTH)) throw new SchemaError(`${what} is nested too deeply: more than ${MAX_SCHEMA_DEPTH} levels`)
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    throw new SchemaError(`${what} is not JSON: ${(error as Error).message}`)
  }
}

/** Throws PayloadError where the bytes are not one JSON text in UTF-8 (RFC 8259). */
export function textOf (bytes: Buffer): string {
  if (bytes.length === 0) throw new PayloadError({ path: '', expected: 'JSON', found: 'no bytes' })
  if (!isUtf8(bytes)) {
    throw new PayloadError({ path: '', expected: 'JSON in UTF-8', found: `bytes that are not UTF-8 (the first is 0x${bytes.toString('hex', 0, 1)})` })
  }
  if (isTooDeep(bytes, MAX_DEPTH)) throw new PayloadError({ path: '', expected: `JSON of at most ${MAX_DEPTH} levels`, found: 'more' })
  return bytes.toString()
}

/** Throws PayloadError. Numbers are doubles. */
export function valueOf (text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    throw new PayloadError({ path: '', expected: 'JSON', found: `what is none: ${(error as Error).message.slice(0, 100)}` })
  }
}

/**
 * Line breaks stand between the tokens of JSON only: strings hold them escaped. A run of blanks is looked at from its start and
 * not from each of its blanks, so that the time grows with the length.
 */
export const onOneLine = (text: string): string => /[\n\r]/.test(text) ? text.replace(/(?<![\t ])[\t ]*[\n\r][\t\n\r ]*/g, '').trim() : text

/** As `valueOf`, but numbers beyond a double, all of which are whole, are its greatest and not Infinity. */
export const clampedValueOf = (text: string): unknown =>
  JSON.parse(text, (_, value: unknown) => value === Infinity ? Number.MAX_VALUE : value === -Infinity ? -Number.MAX_VALUE : value) as unknown

/** 199 digits and an exponent of two are still less than 1.8e308. Digits are counted once, and not from each of them. */
export const mayOverflow = (text: string): boolean => /(?<!\d)\d{200}|[eE]\+?\d{3}/.test(text)

/** Brackets outside strings. The text need not be JSON. */
function isTooDeep (bytes: Buffer, limit: number): boolean {
  if (bytes.length <= limit) return false
  let depth = 0
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!
    if (byte === QUOTE) {
      for (at++; at < bytes.length && bytes[at] !== QUOTE; at++) if (bytes[at] === BACKSLASH) at++
      // { and [, } and ]: they differ in one bit.
    } else if ((byte | 0x20) === 0x7B) {
      if (++depth > limit) return true
    } else if ((byte | 0x20) === 0x7D) depth--
  }
  return false
}
