/**
 * One record of Confluent's REST Proxy v3: from the JSON of a request to a record, and from its outcome to a receipt. A part
 * that is written with a schema becomes bytes later, since the schema may have to be registered.
 */
import { KafkaError } from '../protocol/errors.ts'
import type { Header } from '../protocol/records.ts'
import { timestampJson } from '../src/client/json.ts'
import type { OutgoingRecord, Receipt } from '../src/client/producer.ts'
import { parseTime } from '../src/client/start.ts'
import { decodeBase64 } from './base64.ts'
import { ConfluentError, confluentErrorOf, type ConfluentErrorBody } from './problem.ts'
import type { SchemaVersion, SubjectNameStrategy } from '../src/schemas/model.ts'
import { restTypeOf, schemaTypes, type RestSchemaType, type SchemaSpec } from './schema-choice.ts'
import type { Check } from './validation.ts'

type PlainType = 'BINARY' | 'JSON' | 'STRING'

interface Data {
  /** Without it the schema says what it is. */
  readonly type?: PlainType | RestSchemaType
  readonly data?: unknown
  readonly subject?: string
  readonly subject_name_strategy?: keyof typeof STRATEGIES
  readonly schema_id?: number
  readonly schema_version?: number
  readonly schema?: string
}

const STRATEGIES = {
  TOPIC_NAME: 'TopicName', RECORD_NAME: 'RecordName', TOPIC_RECORD_NAME: 'TopicRecordName'
} as const satisfies Record<string, SubjectNameStrategy>

interface RecordV3 {
  readonly partition_id?: number | null
  readonly headers?: readonly { readonly name: string, readonly value?: string | null }[] | null
  readonly key?: Data | null
  readonly value?: Data | null
  readonly timestamp?: string | null
}

const SCHEMA_FIELDS = ['subject', 'subject_name_strategy', 'schema_id', 'schema_version', 'schema'] as const

/** A key or value: bytes, or what a schema is to make bytes of. */
export type ParsedPart =
  | { readonly type: PlainType, readonly spec: null, readonly bytes: Buffer | null }
  | { readonly spec: SchemaSpec, readonly data: unknown }

export interface ParsedRecord {
  readonly record: Omit<OutgoingRecord, 'key' | 'value'>
  readonly key: ParsedPart | null
  readonly value: ParsedPart | null
}

/** A part that is ready, as its receipt tells of it. */
export interface ReadyPart {
  readonly type: PlainType | RestSchemaType
  readonly bytes: Buffer | null
  readonly schema: SchemaVersion | null
}

export interface ReadyRecord {
  readonly record: OutgoingRecord
  readonly key: ReadyPart | null
  readonly value: ReadyPart | null
}

/** Throws ConfluentError where it is not a record. */
export function parseRecord (value: unknown, check: Check): ParsedRecord {
  const [fault] = check(value, 'record')
  if (fault !== undefined) throw refused(`${fault.in} ${fault.detail}.`)
  const record = value as RecordV3
  const timestampMs = typeof record.timestamp === 'string' ? parseTime(record.timestamp) : Date.now()
  if (Number.isNaN(timestampMs)) throw refused(`record/timestamp "${record.timestamp}" is not an ISO 8601 time.`)
  return {
    record: {
      partition: record.partition_id ?? undefined,
      headers: (record.headers ?? []).map(({ name, value = null }, i): Header =>
        ({ key: name, value: value === null ? null : encoded(`headers/${i}/value`, () => decodeBase64(value)) })),
      timestampMs
    },
    key: partOf('key', record.key),
    value: partOf('value', record.value)
  }
}

/** The record, if nothing of it waits for a schema. */
export function readyRecord ({ record, key, value }: ParsedRecord): ReadyRecord | null {
  const [readyKey, readyValue] = [plain(key), plain(value)]
  if (readyKey === undefined || readyValue === undefined) return null
  return withParts(record, readyKey, readyValue)
}

export const withParts = (record: ParsedRecord['record'], key: ReadyPart | null, value: ReadyPart | null): ReadyRecord =>
  ({ record: { ...record, key: key?.bytes ?? null, value: value?.bytes ?? null }, key, value })

/** Undefined for what needs a schema. */
export function plain (part: ParsedPart | null): ReadyPart | null | undefined {
  if (part === null) return null
  return part.spec === null ? { type: part.type, bytes: part.bytes, schema: null } : undefined
}

function partOf (part: 'key' | 'value', data: Data | null | undefined): ParsedPart | null {
  if (data === null || data === undefined) return null
  const { type } = data
  if (type === 'BINARY' || type === 'JSON' || type === 'STRING') {
    const named = SCHEMA_FIELDS.find(field => field in data)
    if (named !== undefined) throw refused(`record/${part}: ${named} is for formats that have a schema; the type is ${type}.`)
    return { type, spec: null, bytes: bytesOf(part, data) }
  }
  return { spec: specOf(part, data), data: data.data ?? null }
}

/** Confluent's rules: a type needs the schema's text, and without a type there is an id, a version, or the newest one. */
function specOf (part: string, { type, subject, subject_name_strategy: strategy, schema_id: id, schema_version: version, schema: text }: Data): SchemaSpec {
  const wrong = (detail: string): ConfluentError => refused(`record/${part}: ${detail}.`)
  if (type !== undefined && (id !== undefined || version !== undefined)) {
    throw wrong('with a type comes the text of the schema, and neither schema_id nor schema_version')
  }
  if (type !== undefined && text === undefined) throw wrong(`the type ${type} needs the text of the schema; leave it out for the newest schema of the subject`)
  if (type === undefined && text !== undefined) throw wrong('the text of a schema needs its type: AVRO, JSONSCHEMA or PROTOBUF')
  if (id !== undefined && version !== undefined) throw wrong('schema_id or schema_version, one of the two')
  if (subject !== undefined && strategy !== undefined) throw wrong('subject or subject_name_strategy, one of the two')
  if (text === undefined && id === undefined && strategy !== undefined && strategy !== 'TOPIC_NAME') {
    throw wrong(`${strategy} goes by the name in a schema: give the schema or its id, or the subject`)
  }
  return {
    type: type === undefined ? null : schemaTypes[type as RestSchemaType],
    text,
    id,
    version,
    subject,
    strategy: strategy === undefined ? undefined : STRATEGIES[strategy]
  }
}

function bytesOf (part: string, data: Data): Buffer | null {
  if (data.data === undefined || data.data === null) return null
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

function refused (detail: string): ConfluentError {
  return new ConfluentError(42206, `Payload error. ${detail}`)
}

export function receiptJson (clusterId: string, topic: string, { key, value }: ReadyRecord, receipt: Receipt): string {
  const { partition, offset, timestampMs } = receipt
  return `{"error_code":200,"cluster_id":${JSON.stringify(clusterId)},"topic_name":${JSON.stringify(topic)},"partition_id":${partition},"offset":${offset}` +
    `,"timestamp":${timestampJson(timestampMs)}${partJson('key', key)}${partJson('value', value)}}`
}

function partJson (name: 'key' | 'value', part: ReadyPart | null): string {
  if (part === null) return ''
  const { schema, bytes } = part
  const known = schema === null
    ? `"type":"${part.type}"`
    : `"type":"${restTypeOf(schema.schemaType)}","subject":${JSON.stringify(schema.subject)},"schema_id":${schema.id},"schema_version":${schema.version}`
  return `,"${name}":{${known},"size":${bytes?.length ?? 0}}`
}

/** The error that stands in the place of a receipt. */
export function errorJson (error: unknown, record?: Pick<OutgoingRecord, 'partition'>): string {
  return JSON.stringify(itemOf(error, record))
}

function itemOf (error: unknown, record: Pick<OutgoingRecord, 'partition'> | undefined): ConfluentErrorBody {
  if (error instanceof KafkaError && error.code === 'UNKNOWN_TOPIC_OR_PARTITION') {
    return { error_code: record?.partition === undefined ? 40401 : 40402, message: error.message }
  }
  const body = confluentErrorOf(error)
  // Within a stream, Confluent's proxy reports these with the status as the code, and the code in the message.
  return Math.floor(body.error_code / 100) === 422 ? { error_code: 422, message: `Error: ${body.error_code} : ${body.message}` } : body
}
