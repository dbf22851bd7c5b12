/**
 * The shared tail. However many readers follow a partition, it is fetched once and every record is turned into JSON
 * once: readers at the same offset share one Fetch, and what it brought is kept for a while, by the offset it began at.
 *
 * A feed is pulled. It holds nothing for a reader that does not ask, so a slow reader costs no memory; it comes back
 * with its offset and is served from the kept blocks or from the log.
 *
 * Feeds are per principal: a reader never gets bytes that were fetched under someone else's permissions.
 */
import { batchesIn } from '../../protocol/batch.ts'
import { complete } from '../../protocol/defaults.ts'
import { errors, KafkaError } from '../../protocol/errors.ts'
import { Fetch } from '../../protocol/messages/01-fetch.ts'
import { recordsIn } from '../../protocol/records.ts'
import { newest, type Context, type Dispatch } from '../../protocol/rpc.ts'
import type { Chunks, Response } from '../../protocol/schema.ts'
import { recordJson } from './json.ts'
import { kafkaError } from './producer.ts'

/** Consecutive records of one partition, as JSON. Immutable and shared between readers. */
export interface Block {
  /** The offset that was asked for; the first record may lie behind it where compaction left a gap. */
  readonly from: number
  /** The offset after the last record, where the next block begins. */
  readonly next: number
  readonly offsets: readonly number[]
  /** One line of JSON for each offset. */
  readonly lines: readonly string[]
  /** Where doors keep the frames they have encoded from the whole block, by sub-protocol. */
  readonly frames: Map<string, Buffer>
}

/** Bytes that one Fetch asks for, and kept blocks of one feed: a page of a stream, not of a bulk copy. */
const FETCH_BYTES = 256 * 1024
const KEPT_BYTES = 1024 * 1024
const FETCH_WAIT_MS = 10_000

/** One for all: an error made for each abort would cost more than the abort. */
const NOBODY_WAITS = new Error('nobody waits for these records any more')

interface Pending {
  readonly promise: Promise<Block>
  readonly controller: AbortController
  readers: number
}

export class Feed {
  readonly #dispatch: Dispatch
  readonly #context: Context
  readonly #topic: string
  readonly #topicId: string
  readonly #partition: number
  readonly #kept = new Map<number, Block>()
  #keptBytes = 0
  /** The highest offset that kept blocks reach to. */
  #keptEnd = 0
  readonly #pending = new Map<number, Pending>()
  readonly #onIdle: () => void
  #users = 0

  constructor (dispatch: Dispatch, context: Context, topic: string, topicId: string, partition: number, onIdle: () => void) {
    this.#dispatch = dispatch
    this.#context = context
    this.#topic = topic
    this.#topicId = topicId
    this.#partition = partition
    this.#onIdle = onIdle
  }

  retain (): this {
    this.#users++
    return this
  }

  release (): void {
    if (--this.#users === 0) this.#onIdle()
  }

  /**
   * The block that begins at `offset`; waits for it until `signal` is aborted, and rejects with the signal's reason then.
   * Rejects with KafkaError, OFFSET_OUT_OF_RANGE among them.
   */
  async read (offset: number, signal: AbortSignal): Promise<Block> {
    signal.throwIfAborted()
    const kept = this.kept(offset)
    if (kept !== undefined) return kept
    const pending = this.#pending.get(offset) ?? this.#start(offset)
    pending.readers++
    try {
      return await orAborted(pending.promise, signal)
    } finally {
      // The last reader takes the long poll with it, if it is still going on.
      if (--pending.readers === 0 && this.#forget(offset, pending)) pending.controller.abort(NOBODY_WAITS)
    }
  }

  /** The block that begins at `offset`, if it is at hand. */
  kept (offset: number): Block | undefined {
    return this.#kept.get(offset) ?? this.#restOfKept(offset)
  }

  /** What a kept block holds from `offset` on: for a reader that could not take the whole of it. */
  #restOfKept (offset: number): Block | undefined {
    if (offset >= this.#keptEnd) return undefined
    for (const block of this.#kept.values()) {
      if (offset <= block.from || offset >= block.next) continue
      const first = block.offsets.findIndex(one => one >= offset)
      if (first === -1) return { ...emptyBlock(offset), next: block.next }
      return { from: offset, next: block.next, offsets: block.offsets.slice(first), lines: block.lines.slice(first), frames: new Map() }
    }
    return undefined
  }

  #start (offset: number): Pending {
    const controller = new AbortController()
    const pending = { promise: this.#fetch(offset, controller.signal), controller, readers: 0 }
    this.#pending.set(offset, pending)
    const forget = (): boolean => this.#forget(offset, pending)
    // Both ways out: a fetch whose readers have all left must not end in an unhandled rejection.
    pending.promise.then(forget, forget)
    return pending
  }

  #forget (offset: number, pending: Pending): boolean {
    return this.#pending.get(offset) === pending && this.#pending.delete(offset)
  }

  async #fetch (offset: number, signal: AbortSignal): Promise<Block> {
    for (;;) {
      signal.throwIfAborted()
      const response = await this.#dispatch(Fetch, complete(Fetch.request, {
        maxWaitMs: FETCH_WAIT_MS,
        minBytes: 1,
        maxBytes: FETCH_BYTES,
        topics: [{
          topic: this.#topic,
          topicId: this.#topicId,
          partitions: [{ partition: this.#partition, fetchOffset: offset, partitionMaxBytes: FETCH_BYTES }]
        }]
      }), { ...this.#context, version: newest(Fetch), signal })
      const block = this.#toBlock(offset, response)
      if (block.next === offset) continue
      this.#keep(offset, block)
      return block
    }
  }

  #toBlock (offset: number, response: Response<typeof Fetch>): Block {
    if (response.errorCode !== errors.NONE) throw kafkaError(response.errorCode)
    const partition = response.responses[0]?.partitions[0]
    if (partition === undefined) return emptyBlock(offset)
    if (partition.errorCode !== errors.NONE) throw kafkaError(partition.errorCode)
    return render(this.#topic, this.#partition, offset, partition.records ?? [])
  }

  #keep (offset: number, block: Block): void {
    this.#kept.set(offset, block)
    this.#keptBytes += sizeOf(block)
    this.#keptEnd = Math.max(this.#keptEnd, block.next)
    for (const [oldest, dropped] of this.#kept) {
      if (this.#keptBytes <= KEPT_BYTES) return
      this.#kept.delete(oldest)
      this.#keptBytes -= sizeOf(dropped)
    }
  }
}

/** The feeds of one gateway. */
export class Feeds {
  readonly #dispatch: Dispatch
  readonly #feeds = new Map<string, Feed>()

  constructor (dispatch: Dispatch) {
    this.#dispatch = dispatch
  }

  /** How many partitions are being followed: for the metrics. */
  get size (): number {
    return this.#feeds.size
  }

  /** The caller releases the feed when it is done. */
  follow (context: Context, topic: string, topicId: string, partition: number): Feed {
    const { principal, door } = context
    const key = JSON.stringify([principal.type, principal.name, door, topicId, topic, partition])
    let feed = this.#feeds.get(key)
    if (feed === undefined) {
      feed = new Feed(this.#dispatch, context, topic, topicId, partition, () => this.#feeds.delete(key))
      this.#feeds.set(key, feed)
    }
    return feed.retain()
  }
}

function render (topic: string, partition: number, from: number, chunks: Chunks): Block {
  const topicJson = JSON.stringify(topic)
  const offsets: number[] = []
  const lines: string[] = []
  let next = from
  for (const chunk of chunks) {
    for (const batch of batchesIn(chunk)) {
      next = Math.max(next, batch.nextOffset)
      if (batch.isControl) continue
      try {
        for (const record of recordsIn(batch)) {
          if (record.offset < from) continue
          offsets.push(record.offset)
          lines.push(recordJson(topicJson, partition, record))
        }
      } catch (error) {
        // One batch that cannot be read is shown as such; the readers move on behind it.
        const offset = Math.max(from, offsets.length > 0 ? offsets.at(-1)! + 1 : from, batch.baseOffset)
        offsets.push(offset)
        lines.push(unreadableJson(topicJson, partition, offset, batch.nextOffset, error as Error))
      }
    }
  }
  return { from, next, offsets, lines, frames: new Map() }
}

function unreadableJson (topicJson: string, partition: number, offset: number, next: number, error: Error): string {
  const code = error instanceof KafkaError ? error.code : 'CORRUPT_MESSAGE'
  return `{"topic":${topicJson},"partition":${partition},"offset":${offset},"error":{"code":"${code}",` +
    `"message":${JSON.stringify(`The records from here to offset ${next - 1} cannot be read: ${error.message}`)}}}`
}

const emptyBlock = (offset: number): Block => ({ from: offset, next: offset, offsets: [], lines: [], frames: new Map() })

/** Roughly what a block holds; strings of one-byte characters take one byte each. */
function sizeOf (block: Block): number {
  let size = 256
  for (const line of block.lines) size += line.length + 32
  return size
}

/** The promise, unless the signal is aborted first; leaves no listener behind on a signal that outlives it. */
function orAborted<T> (promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      const reason = signal.reason as Error
      reject(reason)
    }
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
