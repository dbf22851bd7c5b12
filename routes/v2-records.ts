/**
 * Producing as Confluent's REST Proxy v2 does: `{"records":[{"key","value","partition"}]}`, with JSON or base64 inside, or with JSON
 * that a schema makes bytes of, which is given by its text or id, or else is the newest one of the topic.
 * The answer is 200 whatever becomes of the records: each has an offset or an error. A JSON null is no value, a tombstone.
 */
import type { FastifyRequest } from 'fastify'
import { errorRow, KafkaError } from '../protocol/errors.ts'
import { produceEach, type Attempt } from '../src/client/produce-each.ts'
import type { Outcome } from '../src/client/producer.ts'
import type { SchemaType, SchemaVersion } from '../src/schemas/model.ts'
import type { Part } from '../src/schemas/naming.ts'
import { decodeBase64 } from './base64.ts'
import type { Contract } from './contract.ts'
import { contextOf, type HttpDoor } from './door.ts'
import type { Context } from '../protocol/rpc.ts'
import { parseExact } from '../src/schemas/exact-json.ts'
import { ConfluentError, confluentCodeOf } from './problem.ts'
import { chooseSchema, type SchemaSpec } from './schema-choice.ts'
import { encodeJson as encodeBySchema, serdeOrRefused } from './schema-json.ts'
import { worked } from './quotas.ts'

interface ProduceRequestV2 {
  readonly records: readonly { readonly key?: unknown, readonly value?: unknown, readonly partition?: number | null }[]
  readonly key_schema?: string | null
  readonly key_schema_id?: number | null
  readonly value_schema?: string | null
  readonly value_schema_id?: number | null
}

interface OffsetV2 {
  readonly partition: number | null
  readonly offset: number | null
  readonly error_code: number | null
  readonly error: string | null
}

export interface ProduceResponseV2 {
  readonly offsets: readonly OffsetV2[]
  readonly key_schema_id: number | null
  readonly value_schema_id: number | null
}

/** How a format turns a member of the request into bytes. */
type Encode = (data: unknown) => Buffer

const FORMATS: Readonly<Record<string, Encode>> = {
  'application/vnd.kafka.json.v2+json': encodeJson,
  'application/vnd.kafka.binary.v2+json': decodeBase64,
  // Confluent's default.
  'application/vnd.kafka.v2+json': decodeBase64
}

const SCHEMA_FORMATS: Readonly<Record<string, SchemaType>> = {
  'application/vnd.kafka.avro.v2+json': 'AVRO',
  'application/vnd.kafka.jsonschema.v2+json': 'JSON',
  'application/vnd.kafka.protobuf.v2+json': 'PROTOBUF'
}

/** Confluent's codes for records that come without the schema that they need. */
const MISSING_SCHEMA = { key: 42201, value: 42202 } as const satisfies Record<Part, number>

export type V2Producer = (request: FastifyRequest, topic: string, partition: number | undefined, body: Buffer) => Promise<ProduceResponseV2>

export function v2Producer (door: HttpDoor, contract: Contract): V2Producer {
  const check = contract.check('ProduceRequestV2')

  return async (request, topic, partition, body) => {
    const mediaType = request.mediaType ?? ''
    const context = contextOf(request)
    const parsed = worked(door.quotas, context, () => readRequest(body))
    const type = SCHEMA_FORMATS[mediaType]
    if (type !== undefined) {
      const serde = serdeOrRefused(door, context, topic)
      const [key, value] = [await schemaFor(context, topic, 'key', type, parsed), await schemaFor(context, topic, 'value', type, parsed)]
      const encoding = (part: Part, schema: SchemaVersion | null) => (data: unknown): Buffer =>
        encodeBySchema(serde, topic, part, data, { schema: schema!, tagged: true })!
      const attempts = worked(door.quotas, context, () => attemptsIn(parsed, encoding('key', key), encoding('value', value), partition))
      return await answer(context, topic, partition, attempts, key?.id, value?.id)
    }
    const encode = FORMATS[mediaType]
    if (encode === undefined) throw new ConfluentError(415, `${request.mediaType} is not supported here: use one of ${KNOWN.join(', ')}.`)
    return await answer(context, topic, partition, worked(door.quotas, context, () => attemptsIn(parsed, encode, encode, partition)))
  }

  async function answer (
    context: Context, topic: string, partition: number | undefined, attempts: readonly Attempt[], keySchema?: number, valueSchema?: number
  ): Promise<ProduceResponseV2> {
    const outcomes = await produceEach(door.dispatch, context, topic, attempts).catch((error: unknown) => { throw wholeTopic(error, topic) })
    if (partition !== undefined && outcomes.every(isUnknownPartition)) throw new ConfluentError(40402, (outcomes[0] as KafkaError).message)
    return { offsets: outcomes.map(offsetOf), key_schema_id: keySchema ?? null, value_schema_id: valueSchema ?? null }
  }

  function readRequest (body: Buffer): ProduceRequestV2 {
    const parsed = parseBody(body)
    const [fault] = check(parsed, 'body')
    if (fault !== undefined) throw new ConfluentError(42203, `${fault.in} ${fault.detail}.`)
    return parsed as ProduceRequestV2
  }

  /** Null where no record has this part. */
  async function schemaFor (context: Context, topic: string, part: Part, type: SchemaType, request: ProduceRequestV2): Promise<SchemaVersion | null> {
    if (request.records.every(record => (record[part] ?? null) === null)) return null
    const [text, id] = [request[`${part}_schema`] ?? undefined, request[`${part}_schema_id`] ?? undefined]
    if (text === undefined && id === undefined && door.serde?.schema(topic, part) === undefined) {
      throw new ConfluentError(MISSING_SCHEMA[part], `The request has ${part}s and no schema for them: give it as ${part}_schema or ${part}_schema_id, ` +
        `or register one for the ${part}s of ${topic}.`)
    }
    return await chooseSchema(door, context, topic, part, { type, text, id } satisfies SchemaSpec)
  }
}

const KNOWN = [...Object.keys(FORMATS).slice(0, -1), ...Object.keys(SCHEMA_FORMATS)]

/** What does not fit its schema is an error of that record alone; what is not of the format fails the request, as at Confluent's. */
function attemptsIn ({ records }: ProduceRequestV2, encodeKey: Encode, encodeValue: Encode, partition: number | undefined): Attempt[] {
  return records.map((record, i): Attempt => {
    try {
      return {
        key: bytesOf(record.key, encodeKey, `records/${i}/key`),
        value: bytesOf(record.value, encodeValue, `records/${i}/value`),
        partition: partition ?? record.partition ?? undefined
      }
    } catch (error) {
      if (error instanceof KafkaError) return error
      throw error
    }
  })
}

function parseBody (body: Buffer): unknown {
  try {
    return parseExact(body.toString())
  } catch (error) {
    throw new ConfluentError(400, `The body is not JSON: ${(error as Error).message}.`)
  }
}

function bytesOf (data: unknown, encode: Encode, place: string): Buffer | null {
  if (data === null || data === undefined) return null
  try {
    return encode(data)
  } catch (error) {
    if (error instanceof KafkaError) throw error
    throw new ConfluentError(42203, `${place} ${(error as Error).message}.`)
  }
}

/** Throws RangeError where it is nested too deeply. */
export function encodeJson (data: unknown): Buffer {
  return Buffer.from(JSON.stringify(data))
}

function wholeTopic (error: unknown, topic: string): unknown {
  return error instanceof KafkaError && error.code === 'UNKNOWN_TOPIC_OR_PARTITION' ? new ConfluentError(40401, `There is no topic ${topic}.`) : error
}

const isUnknownPartition = (outcome: Outcome): boolean => outcome instanceof KafkaError && outcome.code === 'UNKNOWN_TOPIC_OR_PARTITION'

function offsetOf (outcome: Outcome): OffsetV2 {
  if (!(outcome instanceof KafkaError)) return { partition: outcome.partition, offset: outcome.offset, error_code: null, error: null }
  return { partition: null, offset: null, error_code: recordErrorCode(outcome), error: outcome.message }
}

/** Clients of v2 know few codes for a single record: who may not, what may be tried again, and the rest. */
function recordErrorCode (error: KafkaError): number {
  if (isUnknownPartition(error)) return 40402
  const code = confluentCodeOf(error)
  if (code === 40101 || code === 40301) return code
  return errorRow(error.errorCode).retriable ? 50003 : 50002
}
