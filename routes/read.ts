/**
 * Reading a topic: what is asked for, and then a page or a stream of it. All of it goes through src/client, so however many
 * readers follow a partition, it is fetched and turned into JSON once.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Context } from '../protocol/rpc.ts'
import { Consumer } from '../src/client/consumer.ts'
import { EARLIEST, LATEST, offsetsAt, parseStart, type Start } from '../src/client/start.ts'
import type { Contract } from './contract.ts'
import { contextOf, type HttpDoor } from './door.ts'
import { FORMS, formOf } from './form.ts'
import { DEFAULT_PAGE, MAX_PAGE, pageOf } from './page.ts'
import { Problem } from './problem.ts'
import { followLines, followEvents } from './follow.ts'

interface Query {
  from: string
  partition?: number
  offset?: number
  limit?: number
  wait?: string
  last_event_id?: string
}

interface Route {
  Params: { topic: string }
  Querystring: Query
}

const MAX_WAIT_MS = 60_000

export function reading (app: FastifyInstance, door: HttpDoor, contract: Contract): void {
  app.route<Route>({
    ...contract.route('readRecords'),
    handler: async (request, reply) => {
      const { params: { topic }, query } = request
      const form = formOf(request)
      if (form === null) throw new Problem('not-acceptable', `Records can be had as ${FORMS.join(', ')}; Accept asks for "${request.headers.accept}".`)
      const waitMs = waitOf(query.wait)
      if (form === 'application/json' && (query.limit ?? 0) > MAX_PAGE) {
        throw new Problem('invalid-parameter', `A page has ${MAX_PAGE} records at most: ask for the next one with its cursor, or for application/x-ndjson.`)
      }
      const context = contextOf(request, form === 'text/event-stream' ? 'sse' : 'http')
      const consumer = await open(door, context, request)
      reply.header('vary', 'accept, origin').header('cache-control', 'no-store')
      const { limit } = query
      const bounds = { limit, waitMs, expiresAtMs: request.identity?.expiresAtMs ?? null }
      if (form === 'text/event-stream') return await followEvents(door, context, reply, consumer, topic, bounds)
      if (form === 'application/x-ndjson') return await followLines(door, context, reply, consumer, topic, bounds)
      return await answerPage(door, context, reply, consumer, topic, query, waitMs ?? 0)
    }
  })

  app.route<{ Params: { topic: string, partition: number, offset: number } }>({
    ...contract.route('getRecord'),
    handler: async (request, reply) => {
      const { topic, partition, offset } = request.params
      const context = contextOf(request)
      const consumer = await Consumer.open(door.dispatch, door.feeds, context, [topic], { kind: 'earliest' }, partition)
      try {
        const { earliest, latest } = await endsOf(door, context, topic, partition)
        const missing = new Problem('unknown-record', `Partition ${partition} of ${topic} has no record ${offset}; it holds offsets ` +
          `from ${earliest} to before ${latest}, of which some may have been removed by compaction.`, { earliest, latest })
        if (offset < earliest || offset >= latest) throw missing
        consumer.seek(topic, partition, offset)
        const delivery = await consumer.next({ records: 1, bytes: 1 }, door.draining, () => consumer.partitions[0]!.next >= latest)
        if (delivery?.kind !== 'records' || delivery.block.offsets[0] !== offset) throw missing
        reply.header('content-type', 'application/json; charset=utf-8')
        const [line] = delivery.block.lines
        door.quotas.charge(context, 'consumer', Buffer.byteLength(line!))
        return line
      } finally {
        consumer.close()
      }
    }
  })
}

async function answerPage (
  door: HttpDoor, context: Context, reply: FastifyReply, consumer: Consumer, topic: string, query: Query, waitMs: number
): Promise<string> {
  const limit = query.limit ?? DEFAULT_PAGE
  const page = await pageOf(door, context, reply, consumer, topic, limit, waitMs)
  door.quotas.charge(context, 'consumer', Buffer.byteLength(page.json))
  const next = new URLSearchParams({ from: page.cursor, limit: String(limit) })
  if (query.partition !== undefined) next.set('partition', String(query.partition))
  if (query.wait !== undefined) next.set('wait', query.wait)
  reply
    .header('content-type', 'application/json; charset=utf-8')
    .header('link', `</topics/${encodeURIComponent(topic)}/records?${next.toString()}>; rel="next"`)
  return page.json
}

/** A consumer at the place that the request names. */
async function open (door: HttpDoor, context: Context, request: FastifyRequest<Route>): Promise<Consumer> {
  const { params: { topic }, query: { from, partition, offset, last_event_id: lastEventId } } = request
  const resumed = request.headers['last-event-id'] as string | undefined ?? lastEventId
  if (offset !== undefined && resumed === undefined) {
    if (partition === undefined) throw new Problem('invalid-parameter', 'offset needs a partition: offsets are counted in each partition.')
    const consumer = await Consumer.open(door.dispatch, door.feeds, context, [topic], { kind: 'earliest' }, partition)
    const { earliest, latest } = await endsOf(door, context, topic, partition)
    if (offset < earliest || offset > latest) {
      consumer.close()
      throw new Problem('offset-out-of-range', `Partition ${partition} of ${topic} holds offsets from ${earliest} to before ${latest}.`, { earliest, latest })
    }
    consumer.seek(topic, partition, offset)
    return consumer
  }
  return await Consumer.open(door.dispatch, door.feeds, context, [topic], startOf(topic, resumed ?? from), partition ?? null)
}

function startOf (topic: string, text: string): Start {
  let start: Start
  try {
    start = parseStart(text)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw new Problem('invalid-parameter', error.message)
  }
  if (start.kind === 'cursor' && !start.cursor.has(topic)) {
    throw new Problem('invalid-parameter', `The cursor is a place in ${[...start.cursor.keys()].join(', ') || 'no topic'}, not in ${topic}.`)
  }
  return start
}

async function endsOf (door: HttpDoor, context: Context, topic: string, partition: number): Promise<{ earliest: number, latest: number }> {
  const at = async (end: number): Promise<number> => (await offsetsAt(door.dispatch, context, topic, [partition], end)).get(partition)!
  return { earliest: await at(EARLIEST), latest: await at(LATEST) }
}

/** In ms; undefined if nothing was said. */
function waitOf (text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const waitMs = Number.parseFloat(text) * (text.endsWith('ms') ? 1 : 1000)
  if (waitMs > MAX_WAIT_MS) throw new Problem('invalid-parameter', `wait is ${MAX_WAIT_MS / 1000} s at most; ask again when it is over.`)
  return waitMs
}
