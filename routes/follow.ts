/**
 * Records as they come: server-sent events, or a line each. A stream holds an offset per partition and nothing else; what it
 * sends is made once for all who follow, and nothing is fetched while its peer does not read.
 */
import type { FastifyReply } from 'fastify'
import type { Context } from '../protocol/rpc.ts'
import type { Consumer, Gap, Piece } from '../src/client/consumer.ts'
import type { HttpDoor } from './door.ts'
import { caughtUpWith, gapJson } from './page.ts'
import { paced } from './pace.ts'
import { asProblem, Problem, problemOf } from './problem.ts'
import { worked } from './quotas.ts'
import { Leaving, ResponseStream } from './stream.ts'

export interface Bounds {
  /** Records after which the stream ends. */
  readonly limit: number | undefined
  /** How long a record may take to come before the stream ends. */
  readonly waitMs: number | undefined
  /** When the reader's proof of identity runs out, in ms since the epoch. */
  readonly expiresAtMs: number | null
}

/** What makes one kind of stream differ from the other. */
interface Form {
  readonly stat: 'sse' | 'ndjson'
  readonly headers: Readonly<Record<string, string>>
  readonly opening: (cursor: string) => string
  readonly records: (piece: Piece, consumer: Consumer) => string
  readonly gap: (json: string, cursor: string) => string
  readonly problem: (json: string) => string
  /** Sent when nothing has been for a while, so that neither peer nor proxy takes the connection for dead. */
  readonly heartbeat: string
  readonly goodbye: () => string
}

/** What is sent at a time, unless a single record is larger. */
const PIECE_BYTES = 64 * 1024
const HEARTBEAT_MS = 20_000
/** How long a browser waits before it connects again. */
const RETRY_MS = 2_000

const events: Form = {
  stat: 'sse',
  // Proxies must neither keep the stream nor wait for its end.
  headers: { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' },
  // An id without data: a browser that loses the connection before the first record resumes from here, too.
  opening: cursor => `retry: ${RETRY_MS}\nid: ${cursor}\n\n`,
  records: (piece, consumer) => {
    let text = ''
    for (let i = 0; i < piece.count; i++) text += `id: ${consumer.cursorBehind(piece, i + 1)}\ndata: ${piece.block.lines[i]!}\n\n`
    return text
  },
  gap: (json, cursor) => `event: gap\nid: ${cursor}\ndata: ${json}\n\n`,
  problem: json => `event: problem\ndata: ${json}\n\n`,
  heartbeat: ':\n\n',
  // Not all at once when many have to find another server.
  goodbye: () => `retry: ${RETRY_MS + Math.floor(Math.random() * RETRY_MS)}\n\n`
}

const lines: Form = {
  stat: 'ndjson',
  headers: { 'content-type': 'application/x-ndjson', 'x-accel-buffering': 'no' },
  opening: () => '',
  records: ({ block, count }) => (count === block.lines.length ? block.lines : block.lines.slice(0, count)).join('\n') + '\n',
  gap: json => `{"gap":${json}}\n`,
  problem: json => `{"problem":${json}}\n`,
  heartbeat: '',
  goodbye: () => ''
}

export const followEvents = (...args: FollowArguments): Promise<FastifyReply> => follow(events, ...args)
export const followLines = (...args: FollowArguments): Promise<FastifyReply> => follow(lines, ...args)

type FollowArguments = [door: HttpDoor, context: Context, reply: FastifyReply, consumer: Consumer, topic: string, bounds: Bounds]

/** Answers until the bounds are reached, the peer leaves or the process begins to stop. Closes the consumer. */
async function follow (form: Form, ...[door, context, reply, consumer, topic, bounds]: FollowArguments): Promise<FastifyReply> {
  const leaving = new Leaving(reply, door.draining)
  try {
    const caughtUp = bounds.waitMs === undefined ? undefined : await caughtUpWith(door, context, consumer, topic)
    const stream = new ResponseStream(reply, form.headers)
    door.stats.streams[form.stat]++
    try {
      await stream.write(form.opening(consumer.cursor))
      await send(form, stream, leaving, door, context, consumer, bounds, caughtUp)
      if (door.draining.aborted) await stream.write(form.goodbye())
    } catch (error) {
      if (asProblem(error).slug === 'internal-error') reply.log.error({ err: error, topic }, 'a stream failed')
      await stream.write(form.problem(JSON.stringify(problemOf(error))))
    } finally {
      door.stats.streams[form.stat]--
      stream.end()
    }
    return reply
  } finally {
    leaving.release()
    consumer.close()
  }
}

async function send (
  form: Form, stream: ResponseStream, leaving: Leaving, { quotas }: HttpDoor, context: Context, consumer: Consumer,
  { limit = Infinity, waitMs, expiresAtMs }: Bounds, caughtUp: (() => boolean) | undefined
): Promise<void> {
  let left = limit
  let enough = caughtUp
  let idleSince = Date.now()
  const patienceMs = (): number => {
    const now = Date.now()
    const patience = enough !== undefined || waitMs === undefined ? HEARTBEAT_MS : Math.min(HEARTBEAT_MS, idleSince + waitMs - now)
    return expiresAtMs === null ? patience : Math.max(0, Math.min(patience, expiresAtMs - now))
  }
  let signal = leaving.within(patienceMs())
  while (left > 0) {
    if (await paced(quotas, context, ['consumer', 'request'], leaving.signal, { lasting: heartbeats(form, stream) })) {
      idleSince = Date.now()
      signal = leaving.within(patienceMs())
    }
    if (expiresAtMs !== null && Date.now() >= expiresAtMs) {
      throw new Problem('unauthenticated', 'The credentials have expired: ask again with new ones, from behind the last record.')
    }
    const delivery = await consumer.next({ records: left, bytes: PIECE_BYTES }, signal, enough)
    if (leaving.signal.aborted) return
    if (delivery !== null) {
      if (delivery.kind === 'records') left -= delivery.count
      const frame = worked(quotas, context, () => frameOf(form, delivery, consumer))
      await stream.write(frame)
      quotas.charge(context, 'consumer', Buffer.byteLength(frame))
      if (enough !== undefined || waitMs === undefined) continue
      idleSince = Date.now()
    } else if (enough?.() === true) {
      // What was there when the request came has been sent; from here on it depends on what comes.
      if (waitMs === 0) return
      enough = undefined
      idleSince = Date.now()
    } else if (enough === undefined && waitMs !== undefined && Date.now() - idleSince >= waitMs) {
      return
    } else {
      await stream.write(form.heartbeat)
    }
    signal = leaving.within(patienceMs())
  }
}

/** For a stream that stands still, so that it is not taken for dead. */
function heartbeats (form: Form, stream: ResponseStream): () => Promise<void> {
  let last = Date.now()
  return async () => {
    if (Date.now() - last < HEARTBEAT_MS) return
    last = Date.now()
    await stream.write(form.heartbeat)
  }
}

function frameOf (form: Form, delivery: Piece | Gap, consumer: Consumer): string | Buffer {
  if (delivery.kind === 'gap') return form.gap(gapJson(delivery), consumer.cursor)
  // Where a cursor is the place in a single partition, all readers of a block are sent the same bytes.
  const { block, count } = delivery
  if (count < block.lines.length || (form === events && consumer.partitions.length > 1)) return form.records(delivery, consumer)
  let frame = block.frames.get(form.stat)
  if (frame === undefined) block.frames.set(form.stat, frame = Buffer.from(form.records(delivery, consumer)))
  return frame
}
