/**
 * Appending over plain HTTP: a body is a record, or with `application/x-ndjson` every line of it is. Confluent's media types
 * take the same paths to their own API.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Readable } from 'node:stream'
import { KafkaError } from '../protocol/errors.ts'
import { timestampJson } from '../src/client/json.ts'
import { produce } from '../src/client/producer.ts'
import type { Contract } from './contract.ts'
import { contextOf, type HttpDoor } from './door.ts'
import { appendLines, type BulkReceipt, type Target } from './ndjson.ts'
import { isConfluentV2, Problem } from './problem.ts'
import { encodeText, serdeFor } from './schema-json.ts'
import { Leaving } from './stream.ts'
import { v2Producer } from './v2-records.ts'

interface Route {
  Params: { topic: string, partition?: number }
  Querystring: { key?: string, partition?: number, tombstone?: boolean }
  Body: Buffer | Readable | undefined
}

const EMPTY = Buffer.alloc(0)

export function records (app: FastifyInstance, door: HttpDoor, contract: Contract): void {
  const produceV2 = v2Producer(door, contract)

  const handler = async (request: FastifyRequest<Route>, reply: FastifyReply): Promise<unknown> => {
    const { params, query, body = EMPTY } = request
    const partition = params.partition ?? query.partition
    if (isConfluentV2(request.mediaType)) {
      reply.header('content-type', 'application/vnd.kafka.v2+json')
      return produceV2(request, params.topic, partition, body as Buffer)
    }
    const { topic } = params
    const serde = serdeFor(door, contextOf(request), topic)
    const key = query.key === undefined ? null : encodeText(serde, topic, 'key', Buffer.from(query.key))
    if (!Buffer.isBuffer(body)) return await many(request, reply, { topic, key, partition })
    const value = valueOf(body, query.tombstone === true)
    return await one(request, reply, { topic, key, partition }, value === null || isOpaque(request) ? value : encodeText(serde, topic, 'value', value))
  }

  /** The hot path: no schema, no object is serialised, nothing is made that could be aborted. */
  async function one (request: FastifyRequest<Route>, reply: FastifyReply, { topic, key, partition }: Target, value: Buffer | null): Promise<string> {
    const [outcome] = await produce(door.dispatch, contextOf(request), topic, [{ key, value, partition }])
    if (outcome instanceof KafkaError) throw outcome
    const { partition: index, offset, timestampMs } = outcome!
    reply.code(201)
      .header('content-type', 'application/json; charset=utf-8')
      .header('location', `/topics/${encodeURIComponent(topic)}/partitions/${index}/records/${offset}`)
    return `{"topic":${JSON.stringify(topic)},"partition":${index},"offset":${offset},"timestamp":${timestampJson(timestampMs)}}`
  }

  async function many (request: FastifyRequest<Route>, reply: FastifyReply, target: Target): Promise<BulkReceipt> {
    if (request.query.tombstone === true) throw new Problem('invalid-parameter', 'tombstone=true is for a single record: application/x-ndjson has none.')
    const leaving = new Leaving(reply, door.draining)
    try {
      const receipt = await appendLines(door, contextOf(request), request.body as Readable, target, leaving.signal)
      reply.code(201)
      return receipt
    } finally {
      leaving.release()
    }
  }

  for (const operationId of ['produce', 'produceRecords', 'produceToPartition']) app.route<Route>({ ...contract.route(operationId), handler })
}

/** Whoever says that these are bytes has encoded them. */
const isOpaque = ({ mediaType }: FastifyRequest): boolean => mediaType === 'application/octet-stream'

function valueOf (body: Buffer, tombstone: boolean): Buffer | null {
  if (!tombstone) return body
  if (body.length > 0) throw new Problem('invalid-parameter', 'With tombstone=true the body must be empty: a tombstone has no value.')
  return null
}
