/**
 * The JSON inside schemas: read with each number as it was written, and written as Apache Avro for Java writes it (that is,
 * Jackson's defaults), because registries compare schemas by that text.
 */
import { SchemaError } from '../format.ts'

export type Json = null | boolean | number | string | readonly Json[] | RawNumber | JsonObject
export interface JsonObject { readonly [key: string]: Json }
/** JSON.rawJSON: a number as the characters it was written with. */
export interface RawNumber { readonly rawJSON: string }

/** Longer ones are refused: nothing that people write comes near it. */
export const MAX_SCHEMA_LENGTH = 1_000_000
const MAX_JSON_DEPTH = 800

/** Numbers of which a double does not know how they were written. */
const NUMBERS_TO_KEEP = /\d[.eE]|\d{16}|-0/

// JSON.parse source text access (ECMAScript 2026), which TypeScript does not know yet.
const { rawJSON, isRawJSON, parse } = JSON as unknown as {
  rawJSON: (text: string) => RawNumber
  isRawJSON: (value: unknown) => boolean
  parse: (text: string, reviver: (key: string, value: Json, context: { source?: string }) => Json) => Json
}

export const isRaw = (value: unknown): value is RawNumber => isRawJSON(value)
export const rawNumber = rawJSON
export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !isRawJSON(value)
export const isNumber = (value: unknown): value is number | RawNumber => typeof value === 'number' || isRawJSON(value)

/** The characters of a number. */
export const numberText = (value: number | RawNumber): string => typeof value === 'number' ? String(value) : value.rawJSON

/** Throws SchemaError. */
export function readJson (text: string): Json {
  if (text.length > MAX_SCHEMA_LENGTH) throw new SchemaError(`The schema has ${text.length} characters; at most ${MAX_SCHEMA_LENGTH} are taken`)
  checkDepth(text)
  try {
    if (!NUMBERS_TO_KEEP.test(text)) return JSON.parse(text) as Json
    return parse(text, (_, value, { source }) =>
      typeof value === 'number' && source !== undefined && String(value) !== source ? rawJSON(source) : value)
  } catch (error) {
    throw new SchemaError(`An Avro schema is JSON, which this text is not: ${(error as Error).message}`)
  }
}

/** Before anything recurses. */
function checkDepth (text: string): void {
  let depth = 0
  let inString = false
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (inString) {
      if (code === 0x5c) i++
      else if (code === 0x22) inString = false
    } else if (code === 0x22) {
      inString = true
    } else if (code === 0x7b || code === 0x5b) {
      if (++depth > MAX_JSON_DEPTH) throw new SchemaError(`The schema is nested deeper than ${MAX_JSON_DEPTH} brackets`)
    } else if (code === 0x7d || code === 0x5d) {
      depth--
    }
  }
}

/** `sorted`: keys in the order of their characters. */
export function writeJson (value: Json, sorted = false): string {
  if (typeof value === 'string') return quote(value)
  if (value === null || typeof value === 'boolean') return String(value)
  if (isNumber(value)) return javaNumber(numberText(value))
  if (Array.isArray(value)) return `[${(value as readonly Json[]).map(item => writeJson(item, sorted)).join(',')}]`
  const object = value as JsonObject
  const keys = sorted ? Object.keys(object).sort() : Object.keys(object)
  return `{${keys.map(key => `${quote(key)}:${writeJson(object[key]!, sorted)}`).join(',')}}`
}

/** Java writes the hexadecimal digits of its escapes large. */
export function quote (text: string): string {
  const quoted = JSON.stringify(text)
  if (!quoted.includes('\\u')) return quoted
  return quoted.replace(/\\(u[0-9a-f]{4}|.)/g, (all, escape: string) => escape.length > 1 ? `\\u${escape.slice(1).toUpperCase()}` : all)
}

function javaNumber (text: string): string {
  if (text === '-0') return '0'
  return /^-?\d+$/.test(text) ? text : javaDouble(Number(text))
}

/** As Double.toString says it: `1.0`, `1.0E7`. What is no number is a string. */
export function javaDouble (value: number): string {
  if (!Number.isFinite(value)) return quote(String(value))
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0'
  const size = Math.abs(value)
  if (size >= 1e-3 && size < 1e7) return Number.isInteger(value) ? `${value}.0` : String(value)
  const [digits, exponent] = value.toExponential().split('e') as [string, string]
  return `${digits.includes('.') ? digits : `${digits}.0`}E${Number(exponent)}`
}
