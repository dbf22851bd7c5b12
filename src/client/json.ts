/**
 * One record as JSON, the same at every door:
 * `{"topic","partition","offset","timestamp","key","value","headers":[{"name","value"}]}`.
 *
 * A value that is JSON is embedded as it was written, byte for byte, so that no number loses digits; other text is a
 * string; other bytes are base64 and marked so: `"valueEncoding":"base64"`, `"keyEncoding":"base64"`, and in a header
 * `"encoding":"base64"`. A key is text or base64, never embedded. The result is one line.
 *
 * Bytes that name the schema they were written with are shown as the JSON that it makes of them, keys too. Where it cannot, the
 * record says so beside the bytes: `"error":{"code","message"}`.
 */
import { isUtf8 } from 'node:buffer'
import type { Header, LogRecord } from '../../protocol/records.ts'

/**
 * JSON, on one line, of bytes that name a schema; null if they name none that is known. Throws an Error whose message says
 * why they cannot be read.
 */
export type Decode = (topic: string, bytes: Buffer, headers: readonly Header[], part: 'key' | 'value') => string | null

export function recordJson (topicJson: string, partition: number, record: LogRecord, topic = '', decode: Decode | null = null): string {
  return decode === null || !mayNameSchema(record) ? plainJson(topicJson, partition, record) : decodedJson(topicJson, partition, record, topic, decode)
}

/** Framed bytes begin with a byte that no text begins with; and there are headers for it. */
function mayNameSchema ({ key, value, headers }: LogRecord): boolean {
  return (value !== null && value[0]! <= 1) || (key !== null && key[0]! <= 1) || headers.some(({ key }) => key.endsWith('_schema_id'))
}

function decodedJson (topicJson: string, partition: number, record: LogRecord, topic: string, decode: Decode): string {
  let error: Error | null = null
  const decoded = (part: 'key' | 'value'): string | null => {
    const bytes = record[part]
    try {
      return bytes === null ? null : decode(topic, bytes, record.headers, part)
    } catch (cause) {
      error ??= new Error(`The ${part} cannot be read: ${(cause as Error).message}.`)
      return null
    }
  }
  const key = decoded('key')
  const value = decoded('value')
  if (error !== null) {
    const code = `"error":{"code":"INVALID_RECORD","message":${JSON.stringify((error as Error).message)}}`
    return plainJson(topicJson, partition, record, key, value).slice(0, -1) + `,${code}}`
  }
  return plainJson(topicJson, partition, record, key, value)
}

/** `keyJson` and `valueJson` stand for the bytes. */
function plainJson (topicJson: string, partition: number, record: LogRecord, keyJson: string | null = null, valueJson: string | null = null): string {
  const { key, value } = record
  let out = `{"topic":${topicJson},"partition":${partition},"offset":${record.offset},"timestamp":${timestampJson(record.timestampMs)},"key":`
  if (keyJson !== null) out += keyJson
  else if (key === null) out += 'null'
  else if (isUtf8(key)) out += JSON.stringify(key.toString())
  else out += `"${key.toString('base64')}","keyEncoding":"base64"`
  out += ',"value":'
  if (valueJson !== null) out += valueJson
  else if (value === null) out += 'null'
  else if (!isUtf8(value)) out += `"${value.toString('base64')}","valueEncoding":"base64"`
  else out += textJson(value.toString())
  return out + `,"headers":[${record.headers.map(headerJson).join(',')}]}`
}

function headerJson ({ key, value }: Header): string {
  const name = `{"name":${JSON.stringify(key)},"value":`
  if (value === null) return name + 'null}'
  if (isUtf8(value)) return name + JSON.stringify(value.toString()) + '}'
  return name + `"${value.toString('base64')}","encoding":"base64"}`
}

/** Text that is JSON stands as it is; line breaks in it can only be white space and would split NDJSON and SSE. */
function textJson (text: string): string {
  if (!isJson(text)) return JSON.stringify(text)
  return /[\r\n]/.test(text) ? text.replaceAll(/[\r\n]+/g, ' ') : text
}

const JSON_START = /^[\s]*[[{"\-0-9tfn]/

function isJson (text: string): boolean {
  if (!JSON_START.test(text)) return false
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

let lastMs = -1
let lastJson = 'null'

/** ISO 8601 in UTC, or null where the log has no usable time. The last one is kept: records of one millisecond come together. */
export function timestampJson (timestampMs: number): string {
  if (timestampMs !== lastMs) {
    lastMs = timestampMs
    lastJson = timestampMs < 0 || timestampMs > 8.64e15 ? 'null' : `"${new Date(timestampMs).toISOString()}"`
  }
  return lastJson
}
