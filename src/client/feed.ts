/**
 * The shared tail. However many readers follow a partition, it is fetched once and every record is turned into JSON
 * once: readers at the same offset share one Fetch, and what it brought is kept for a while, by the offset it began at.
 *
 * A feed is pulled. It holds nothing for a reader that does not ask, so a slow reader costs no memory; it comes back
 * with its offset and is served from the kept blocks or from the log.
 *
 * What is fetched is fetched in the name of the process, for whoever follows. So each reader passes the gate, as itself,
 * before it is given a block, and once more where it had to wait for it.
 */
import { complete } from '../../protocol/defaults.ts'
import { errors } from '../../protocol/errors.ts'
import { Fetch } from '../../protocol/messages/01-fetch.ts'
import { internalPrincipal, newest, type Context, type Dispatch } from '../../protocol/rpc.ts'
import type { Response } from '../../protocol/schema.ts'
import { emptyBlock, render, sizeOf, type Block } from './block.ts'
import { failure, kafkaError } from './failures.ts'
import type { Decode } from './json.ts'
import { openGate, type ReadGate } from './read-gate.ts'

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
  /** For each reader that waits: whether it still may. */
  readonly #rechecks = new Set<() => void>()
  readonly #decode: Decode | null
  readonly #onIdle: () => void
  #users = 0

  constructor (
    dispatch: Dispatch, context: Context, topic: string, topicId: string, partition: number, decode: Decode | null, onIdle: () => void
  ) {
    this.#decode = decode
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
   * Rejects with KafkaError, OFFSET_OUT_OF_RANGE among them, and with what `admit` throws when access changes meanwhile.
   */
  async read (offset: number, signal: AbortSignal, admit: () => void = () => {}): Promise<Block> {
    signal.throwIfAborted()
    const kept = this.kept(offset)
    if (kept !== undefined) return kept
    const pending = this.#pending.get(offset) ?? this.#start(offset)
    pending.readers++
    try {
      return await this.#unlessEnded(pending.promise, signal, admit)
    } finally {
      // The last reader takes the long poll with it, if it is still going on.
      if (--pending.readers === 0 && this.#forget(offset, pending)) pending.controller.abort(NOBODY_WAITS)
    }
  }

  /** Who may read has changed: those who wait are asked about anew. */
  recheck (): void {
    for (const recheck of [...this.#rechecks]) recheck()
  }

  /** The promise, unless the signal is aborted or the reader turned away first. Leaves nothing behind when that is so. */
  #unlessEnded<T> (promise: Promise<T>, signal: AbortSignal, admit: () => void): Promise<T> {
    return new Promise((resolve, reject) => {
      const end = (error: Error): void => {
        release()
        reject(error)
      }
      const onAbort = (): void => end(signal.reason as Error)
      const recheck = (): void => {
        try {
          admit()
        } catch (error) {
          end(error as Error)
        }
      }
      const release = (): void => {
        signal.removeEventListener('abort', onAbort)
        this.#rechecks.delete(recheck)
      }
      signal.addEventListener('abort', onAbort)
      this.#rechecks.add(recheck)
      promise.then(value => { release(); resolve(value) }, end)
    })
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
    if (partition.errorCode !== errors.NONE) throw failure(Fetch, partition.errorCode, this.#topic)
    return render(this.#topic, this.#partition, offset, partition.records ?? [], this.#decode)
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

/** One reader's way to a feed. */
export class Reader {
  readonly #feed: Feed
  readonly #admit: () => void

  constructor (feed: Feed, admit: () => void) {
    this.#feed = feed
    this.#admit = admit
  }

  /** As Feed's. Rejects with KafkaError TOPIC_AUTHORIZATION_FAILED as soon as the reader may not read any more. */
  async read (offset: number, signal: AbortSignal): Promise<Block> {
    this.#admit()
    const block = await this.#feed.read(offset, signal, this.#admit)
    this.#admit()
    return block
  }

  /** As Feed's. Throws KafkaError TOPIC_AUTHORIZATION_FAILED. */
  kept (offset: number): Block | undefined {
    this.#admit()
    return this.#feed.kept(offset)
  }

  /** To be called once. */
  release (): void {
    this.#feed.release()
  }
}

/** The feeds of one gateway. */
export class Feeds {
  readonly #dispatch: Dispatch
  readonly #gate: ReadGate
  readonly #decode: Decode | null
  readonly #feeds = new Map<string, Feed>()

  /** `decode` is for bytes that name their schema. */
  constructor (dispatch: Dispatch, gate: ReadGate = openGate, decode: Decode | null = null) {
    this.#dispatch = dispatch
    this.#gate = gate
    this.#decode = decode
  }

  /** How many partitions are being followed: for the metrics. */
  get size (): number {
    return this.#feeds.size
  }

  /** Some permission was given or taken away: readers that wait for records need not wait to learn that they may not. */
  accessChanged (): void {
    for (const feed of [...this.#feeds.values()]) feed.recheck()
  }

  /** The caller releases the reader when it is done. Throws KafkaError TOPIC_AUTHORIZATION_FAILED. */
  follow (context: Context, topic: string, topicId: string, partition: number): Reader {
    const admit = (): void => this.#gate.admit(context, topic)
    admit()
    const { door } = context
    const key = JSON.stringify([door, topicId, topic, partition])
    let feed = this.#feeds.get(key)
    if (feed === undefined) {
      const shared: Context = { ...context, principal: internalPrincipal, clientId: '', address: '' }
      feed = new Feed(this.#dispatch, shared, topic, topicId, partition, this.#decode, () => this.#feeds.delete(key))
      this.#feeds.set(key, feed)
    }
    return new Reader(feed.retain(), admit)
  }
}
