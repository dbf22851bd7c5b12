/**
 * One record of Confluent's REST Proxy v3: from the JSON of a request to a record, and from its outcome to a receipt.
 */
import { KafkaError } from '../protocol/errors.ts'
import type { Header } from '../protocol/records.ts'
import { timestampJson } from '../src/client/json.ts'
import type { OutgoingRecord, Receipt } from '../src/client/producer.ts'
import { parseTime } from '../src/client/start.ts'
import { decodeBase64 } from './base64.ts'
import { ConfluentError, confluentErrorOf, type ConfluentErrorBody } from './problem.ts'
import type { Check } from './validation.ts'

type DataType = 'BINARY' | 'JSON' | 'STRING'

interface Data {
  readonly type: DataType
  readonly data?: unknown
}

interface RecordV3 {
  readonly partition_id?: number | null
  readonly headers?: readonly { readonly name: string, readonly value?: string | null }[] | null
  readonly key?: Data | null
  readonly value?: Data | null
  readonly timestamp?: string | null
}

/** A record and the types that its receipt repeats. */
export interface ParsedRecord {
  readonly record: OutgoingRecord
  readonly keyType: DataType | undefined
  readonly valueType: DataType | undefined
}

const SCHEMA_FIELDS = ['subject', 'subject_name_strategy', 'schema_id', 'schema_version', 'schema']

/** Throws ConfluentError where it is not a record. */
export function parseRecord (value: unknown, check: Check): ParsedRecord {
  for (const part of ['key', 'value'] as const) refuseSchemas(part, (value as Record<string, unknown>)[part])
  const [fault] = check(value, 'record')
  if (fault !== undefined) throw refused(`${fault.in} ${fault.detail}.`)
  const record = value as RecordV3
  const timestampMs = typeof record.timestamp === 'string' ? parseTime(record.timestamp) : Date.now()
  if (Number.isNaN(timestampMs)) throw refused(`record/timestamp "${record.timestamp}" is not an ISO 8601 time.`)
  return {
    record: {
      partition: record.partition_id ?? undefined,
      key: bytesOf('key', record.key),
      value: bytesOf('value', record.value),
      headers: (record.headers ?? []).map(({ name, value = null }, i): Header =>
        ({ key: name, value: value === null ? null : encoded(`headers/${i}/value`, () => decodeBase64(value)) })),
      timestampMs
    },
    keyType: record.key?.type,
    valueType: record.value?.type
  }
}

function refuseSchemas (part: string, data: unknown): void {
  if (typeof data !== 'object' || data === null) return
  const { type } = data as { type?: unknown }
  if (type === undefined || type === 'AVRO' || type === 'JSONSCHEMA' || type === 'PROTOBUF' || SCHEMA_FIELDS.some(field => field in data)) {
    throw refused(`record/${part}: formats that need a schema are not there yet; give it the type BINARY, JSON or STRING, and no schema.`)
  }
}

function bytesOf (part: string, data: Data | null | undefined): Buffer | null {
  if (data?.data === undefined || data.data === null) return null
  const { type, data: content } = data
  return encoded(`${part}/data`, () => {
    if (type === 'BINARY') return decodeBase64(content)
    if (type === 'JSON') return Buffer.from(JSON.stringify(content))
    if (typeof content !== 'string') throw new TypeError('must be a string, as the type is STRING')
    return Buffer.from(content)
  })
}

function encoded (place: string, encode: () => Buffer): Buffer {
  try {
    return encode()
  } catch (error) {
    throw refused(`record/${place} ${(error as Error).message}.`)
  }
}

/** Within a stream, Confluent's proxy reports these with the status as the code, and the code in the message. */
function refused (detail: string): ConfluentError {
  return new ConfluentError(422, `Error: 42206 : Payload error. ${detail}`)
}

export function receiptJson (clusterId: string, topic: string, { record, keyType, valueType }: ParsedRecord, receipt: Receipt): string {
  const { partition, offset, timestampMs } = receipt
  return `{"error_code":200,"cluster_id":${JSON.stringify(clusterId)},"topic_name":${JSON.stringify(topic)},"partition_id":${partition},"offset":${offset}` +
    `,"timestamp":${timestampJson(timestampMs)}${sizeJson('key', keyType, record.key)}${sizeJson('value', valueType, record.value)}}`
}

function sizeJson (part: 'key' | 'value', type: DataType | undefined, bytes: Buffer | null): string {
  return type === undefined ? '' : `,"${part}":{"type":"${type}","size":${bytes?.length ?? 0}}`
}

/** The error that stands in the place of a receipt. */
export function errorJson (error: unknown, record?: OutgoingRecord): string {
  return JSON.stringify(itemOf(error, record))
}

function itemOf (error: unknown, record: OutgoingRecord | undefined): ConfluentErrorBody {
  if (error instanceof KafkaError && error.code === 'UNKNOWN_TOPIC_OR_PARTITION') {
    return { error_code: record?.partition === undefined ? 40401 : 40402, message: error.message }
  }
  return confluentErrorOf(error)
}
