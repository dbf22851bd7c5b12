/**
 * Producing as Confluent's REST Proxy v3 does: one JSON object or a stream of them, answered one by one, in order, while the
 * body is still being sent. The status is 200 before the first record is read.
 */
import type { FastifyInstance } from 'fastify'
import type { Readable } from 'node:stream'
import { KafkaError } from '../protocol/errors.ts'
import { produce, type Outcome } from '../src/client/producer.ts'
import type { Contract } from './contract.ts'
import { contextOf, type HttpDoor } from './door.ts'
import { parseExact } from '../src/schemas/exact-json.ts'
import { Flight } from './flight.ts'
import { ObjectSplitter } from './json-stream.ts'
import { paced, refuseTheGone } from './pace.ts'
import { ConfluentError, Problem } from './problem.ts'
import { Leaving, ResponseStream } from './stream.ts'
import { chunksOf } from './upload.ts'
import { errorJson, parseRecord, readyRecord, receiptJson, type ParsedRecord, type ReadyRecord } from './v3-record.ts'
import { SchemaStream } from './v3-schemas.ts'
import { checkCluster } from './v3-topics.ts'

/** Confluent's clients split receipts at this. */
const SEPARATOR = '\r\n'

/** A record, or why what was sent is none. */
type Item = ParsedRecord | ConfluentError

export function v3Records (app: FastifyInstance, door: HttpDoor, contract: Contract): void {
  const check = contract.check('ProduceRequestV3')

  app.route<{ Params: { cluster_id: string, topic_name: string }, Body: Readable | undefined }>({
    ...contract.route('produceRecordsV3'),
    // What the stream holds is checked object by object.
    schema: { params: contract.route('produceRecordsV3').schema.params },
    handler: async (request, reply) => {
      const { params: { cluster_id: clusterId, topic_name: topic }, body } = request
      checkCluster(door, clusterId)
      if (body === undefined) throw new ConfluentError(400, 'The body is empty: send a JSON object for each record.')
      const context = contextOf(request)
      const leaving = new Leaving(reply, door.draining)
      const stream = new ResponseStream(reply, { 'content-type': 'application/json' })

      const schemas = new SchemaStream(door, context, topic)
      const flight = new Flight<Item>(async batch => {
        await paced(door.quotas, context, ['producer', 'request'], leaving.signal)
        refuseTheGone(door, leaving.signal)
        const ready: (ReadyRecord | Error)[] = []
        for (const item of batch) ready.push(item instanceof ConfluentError ? item : readyRecord(item) ?? await schemas.ready(item))
        const records = ready.flatMap(item => item instanceof Error ? [] : [item.record])
        const outcomes = records.length === 0 ? [] : await outcomesOf(records.length, produce(door.dispatch, context, topic, records))
        let next = 0
        let receipts = ''
        for (const item of ready) {
          if (item instanceof Error) {
            receipts += errorJson(item) + SEPARATOR
            continue
          }
          const outcome = outcomes[next++]!
          receipts += (outcome instanceof KafkaError ? errorJson(outcome, item.record) : receiptJson(clusterId, topic, item, outcome)) + SEPARATOR
        }
        await stream.write(receipts)
      })

      try {
        const splitter = new ObjectSplitter(door.maxBodyBytes)
        for await (const chunk of chunksOf(body, leaving.signal)) {
          for (const bytes of splitter.push(chunk)) {
            if (flight.isFull(bytes.length)) await flight.room()
            flight.add(itemOf(parseExact(bytes.toString())), bytes.length)
          }
          flight.go()
        }
        if (!splitter.atBoundary && !leaving.signal.aborted) throw new SyntaxError('the body ends within an object')
        await flight.done()
        if (door.draining.aborted) await stream.write(errorJson(new ConfluentError(50302, 'The server is about to stop.')) + SEPARATOR)
      } catch (error) {
        await flight.done().catch(() => {})
        const malformed = error instanceof SyntaxError
        if (!malformed && !(error instanceof Problem)) request.log.error({ err: error, topic }, 'a stream of records failed')
        await stream.write(errorJson(malformed ? new ConfluentError(400, `The body is not a stream of JSON objects: ${error.message}.`) : error) + SEPARATOR)
      } finally {
        leaving.release()
        stream.end()
      }
      return reply
    }
  })

  function itemOf (value: unknown): Item {
    try {
      return parseRecord(value, check)
    } catch (error) {
      if (error instanceof ConfluentError) return error
      throw error
    }
  }
}

/** Where the topic as a whole is out of reach, every record is told so, and the stream goes on. */
async function outcomesOf (count: number, produced: Promise<Outcome[]>): Promise<Outcome[]> {
  try {
    return await produced
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    return new Array<Outcome>(count).fill(error)
  }
}
