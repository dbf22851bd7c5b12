/**
 * Producing as Confluent's REST Proxy v2 does: `{"records":[{"key","value","partition"}]}`, with JSON or base64 inside.
 * The answer is 200 whatever becomes of the records: each has an offset or an error. A JSON null is no value, a tombstone.
 */
import type { FastifyRequest } from 'fastify'
import { errorRow, KafkaError } from '../protocol/errors.ts'
import { produce, type OutgoingRecord, type Outcome } from '../src/client/producer.ts'
import { decodeBase64 } from './base64.ts'
import type { Contract } from './contract.ts'
import { contextOf, type HttpDoor } from './door.ts'
import { parseExact } from '../src/schemas/exact-json.ts'
import { ConfluentError, confluentCodeOf } from './problem.ts'
import { worked } from './quotas.ts'

interface ProduceRequestV2 {
  readonly records: readonly { readonly key?: unknown, readonly value?: unknown, readonly partition?: number | null }[]
}

interface OffsetV2 {
  readonly partition: number | null
  readonly offset: number | null
  readonly error_code: number | null
  readonly error: string | null
}

export interface ProduceResponseV2 {
  readonly offsets: readonly OffsetV2[]
  readonly key_schema_id: null
  readonly value_schema_id: null
}

/** How a format turns a member of the request into bytes. */
type Encode = (data: unknown) => Buffer

const FORMATS: Readonly<Record<string, Encode>> = {
  'application/vnd.kafka.json.v2+json': encodeJson,
  'application/vnd.kafka.binary.v2+json': decodeBase64,
  // Confluent's default.
  'application/vnd.kafka.v2+json': decodeBase64
}

export type V2Producer = (request: FastifyRequest, topic: string, partition: number | undefined, body: Buffer) => Promise<ProduceResponseV2>

export function v2Producer (door: HttpDoor, contract: Contract): V2Producer {
  const check = contract.check('ProduceRequestV2')

  return async (request, topic, partition, body) => {
    const encode = FORMATS[request.mediaType ?? '']
    if (encode === undefined) {
      throw new ConfluentError(415, `${request.mediaType} is not supported here: schema-bound formats are not there yet, ` +
        'use application/vnd.kafka.json.v2+json or application/vnd.kafka.binary.v2+json.')
    }
    const context = contextOf(request)
    const records = worked(door.quotas, context, () => recordsIn(body, encode, partition))
    const outcomes = await produce(door.dispatch, context, topic, records).catch((error: unknown) => { throw wholeTopic(error, topic) })
    if (partition !== undefined && outcomes.every(isUnknownPartition)) throw new ConfluentError(40402, (outcomes[0] as KafkaError).message)
    return { offsets: outcomes.map(offsetOf), key_schema_id: null, value_schema_id: null }
  }

  function recordsIn (body: Buffer, encode: Encode, partition: number | undefined): OutgoingRecord[] {
    const parsed = parseBody(body)
    const [fault] = check(parsed, 'body')
    if (fault !== undefined) throw new ConfluentError(42203, `${fault.in} ${fault.detail}.`)
    return (parsed as ProduceRequestV2).records.map((record, i): OutgoingRecord => ({
      key: bytesOf(record.key, encode, `records/${i}/key`),
      value: bytesOf(record.value, encode, `records/${i}/value`),
      partition: partition ?? record.partition ?? undefined
    }))
  }
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
