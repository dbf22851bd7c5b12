/**
 * A page: what is there now, or with some patience the next thing that comes, and a cursor that continues behind it.
 */
import type { FastifyReply } from 'fastify'
import type { Context } from '../protocol/rpc.ts'
import type { Consumer, Delivery } from '../src/client/consumer.ts'
import { LATEST, offsetsAt } from '../src/client/start.ts'
import type { HttpDoor } from './door.ts'
import { Leaving } from './stream.ts'

export const DEFAULT_PAGE = 100
export const MAX_PAGE = 10_000
/** Where a page ends however many records were asked for: it is held in memory as a whole. */
const PAGE_BYTES = 4 * 1024 * 1024

export interface Page {
  readonly json: string
  readonly cursor: string
}

/** Closes the consumer. */
export async function pageOf (
  door: HttpDoor, context: Context, reply: FastifyReply, consumer: Consumer, topic: string, limit: number, waitMs: number
): Promise<Page> {
  const lines: string[] = []
  const gaps: string[] = []
  let bytes = 0
  const leaving = new Leaving(reply, door.draining)
  const take = (delivery: Delivery | null): void => {
    if (delivery?.kind === 'gap') gaps.push(gapJson(delivery))
    if (delivery?.kind !== 'records') return
    for (const line of delivery.block.lines.slice(0, delivery.count)) {
      lines.push(line)
      bytes += line.length
    }
  }
  const room = (): { records: number, bytes: number } => ({ records: limit - lines.length, bytes: PAGE_BYTES - bytes })
  const isFull = (): boolean => lines.length >= limit || bytes >= PAGE_BYTES
  try {
    const caughtUp = await caughtUpWith(door, context, consumer, topic)
    for (let more = true; more && !isFull();) {
      const delivery = await consumer.next(room(), leaving.signal, caughtUp)
      take(delivery)
      more = delivery !== null
    }
    if (lines.length === 0 && gaps.length === 0 && waitMs > 0) {
      take(await consumer.next(room(), leaving.within(waitMs)))
    }
    const { cursor } = consumer
    return { cursor, json: `{"records":[${lines.join(',')}],"cursor":"${cursor}","gaps":[${gaps.join(',')}]}` }
  } finally {
    leaving.release()
    consumer.close()
  }
}

/** Whether the consumer has reached what is the end of every partition now. */
export async function caughtUpWith (door: HttpDoor, context: Context, consumer: Consumer, topic: string): Promise<() => boolean> {
  const ends = await offsetsAt(door.dispatch, context, topic, consumer.partitions.map(({ partition }) => partition), LATEST)
  return () => consumer.partitions.every(({ partition, next }) => next >= (ends.get(partition) ?? 0))
}

export function gapJson (gap: Extract<Delivery, { kind: 'gap' }>): string {
  const { topic, partition, requested, actual, reason } = gap
  return JSON.stringify({ topic, partition, requested, actual, reason })
}
