/**
 * One record as JSON, the same at every door:
 * `{"topic","partition","offset","timestamp","key","value","headers":[{"name","value"}]}`.
 *
 * A value that is JSON is embedded as it was written, byte for byte, so that no number loses digits; other text is a
 * string; other bytes are base64 and marked so: `"valueEncoding":"base64"`, `"keyEncoding":"base64"`, and in a header
 * `"encoding":"base64"`. A key is text or base64, never embedded. The result is one line.
 */
import { isUtf8 } from 'node:buffer'
import type { Header, LogRecord } from '../../protocol/records.ts'

export function recordJson (topicJson: string, partition: number, record: LogRecord): string {
  const { key, value } = record
  let out = `{"topic":${topicJson},"partition":${partition},"offset":${record.offset},"timestamp":${timestampJson(record.timestampMs)},"key":`
  if (key === null) out += 'null'
  else if (isUtf8(key)) out += JSON.stringify(key.toString())
  else out += `"${key.toString('base64')}","keyEncoding":"base64"`
  out += ',"value":'
  if (value === null) out += 'null'
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
