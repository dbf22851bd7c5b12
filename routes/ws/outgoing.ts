/**
 * Records as a `produce` message has them, turned into records for the log; the mirror image of src/client/json.ts. A
 * value that is a string is stored as its text, any other JSON as JSON text, and bytes come as base64 with
 * `"valueEncoding":"base64"`; keys and header values are text or base64. Where the topic has a schema, JSON is stored as what
 * the schema makes of it, keys too; base64 is stored as it is.
 */
import type { Header } from '../../protocol/records.ts'
import { KafkaError } from '../../protocol/errors.ts'
import type { Attempt } from '../../src/client/produce-each.ts'
import { decodeBase64 } from '../base64.ts'
import { Problem } from '../problem.ts'

const FIELDS: ReadonlySet<string> = new Set(['key', 'keyEncoding', 'value', 'valueEncoding', 'partition', 'headers'])
const HEADER_FIELDS: ReadonlySet<string> = new Set(['name', 'value', 'encoding'])

/** What a schema makes of JSON; null where there is none for this part. Throws KafkaError. */
export type Encode = (part: 'key' | 'value', value: unknown) => Buffer | null

/** A record that does not fit its schema is a KafkaError among the others. Throws Problem that names what is no record at all. */
export function outgoingRecords (value: unknown, encode: Encode): Attempt[] {
  if (!Array.isArray(value) || value.length === 0) throw invalid('records must be a list of at least one record')
  return value.map((record, i) => {
    try {
      return outgoingRecord(record, `records[${i}]`, encode)
    } catch (error) {
      if (error instanceof KafkaError) return error
      throw error
    }
  })
}

function outgoingRecord (record: unknown, at: string, encode: Encode): Attempt {
  if (!isObject(record)) throw invalid(`${at} must be an object`)
  refuseUnknown(record, FIELDS, at)
  const { key = null, keyEncoding, value, valueEncoding, partition, headers = [] } = record
  if (value === undefined) throw invalid(`${at}.value is missing; null is a value, and deletes its key in a compacted topic`)
  if (partition !== undefined && !(Number.isSafeInteger(partition) && (partition as number) >= 0)) {
    throw invalid(`${at}.partition must be the number of a partition`)
  }
  if (!Array.isArray(headers)) throw invalid(`${at}.headers must be a list of {"name","value"}`)
  const encoded = (part: 'key' | 'value', data: unknown, encoding: unknown): Buffer | null =>
    data === null || encoding !== undefined ? null : encode(part, data)
  return {
    key: encoded('key', key, keyEncoding) ?? bytesOf(key, keyEncoding, `${at}.key`),
    value: encoded('value', value, valueEncoding) ?? (valueEncoding === undefined && typeof value !== 'string' && value !== null
      ? Buffer.from(JSON.stringify(value))
      : bytesOf(value, valueEncoding, `${at}.value`)),
    headers: headers.map((header, i) => headerOf(header, `${at}.headers[${i}]`)),
    partition: partition as number | undefined
  }
}

function headerOf (header: unknown, at: string): Header {
  if (!isObject(header)) throw invalid(`${at} must be {"name","value"}`)
  refuseUnknown(header, HEADER_FIELDS, at)
  const { name, value, encoding } = header
  if (typeof name !== 'string') throw invalid(`${at}.name must be a string`)
  if (value === undefined) throw invalid(`${at}.value is missing`)
  return { key: name, value: bytesOf(value, encoding, `${at}.value`) }
}

function bytesOf (value: unknown, encoding: unknown, at: string): Buffer | null {
  if (encoding !== undefined && encoding !== 'base64') throw invalid(`The encoding of ${at} must be "base64", or left out`)
  if (value === null) return null
  if (typeof value !== 'string') throw invalid(`${at} must be a string or null`)
  if (encoding === undefined) return Buffer.from(value)
  try {
    return decodeBase64(value)
  } catch (error) {
    throw invalid(`${at} ${(error as Error).message}`)
  }
}

export function isObject (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A field that we do not know would be obeyed by nobody: better to say so. */
export function refuseUnknown (object: Record<string, unknown>, known: ReadonlySet<string>, at: string): void {
  for (const name of Object.keys(object)) {
    if (!known.has(name)) throw invalid(`${at} has a field ${JSON.stringify(name.slice(0, 40))}; known are ${[...known].join(', ')}`)
  }
}

/** `detail` is a sentence without its full stop. */
export const invalid = (detail: string): Problem => new Problem('invalid-request', `${detail}.`)
