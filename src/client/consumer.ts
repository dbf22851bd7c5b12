/**
 * Reads topics without a group: keeps one offset per partition and hands out records in pieces as large as the reader can
 * take just now. All waiting happens inside `next`; between two calls a consumer is a map of numbers.
 *
 * Nothing is skipped in silence: where the log no longer holds the next offset, or the topic is another one of the same
 * name, `next` answers with a gap first.
 */
import { KafkaError } from '../../protocol/errors.ts'
import type { Context, Dispatch } from '../../protocol/rpc.ts'
import type { Block } from './block.ts'
import { encodeCursor, type Cursor, type TopicPosition } from './cursor.ts'
import type { Feeds, Reader } from './feed.ts'
import { describeTopic } from './producer.ts'
import { EARLIEST, LATEST, offsetsAt, type Start } from './start.ts'

/** A run of records: the first `count` of a block. */
export interface Piece {
  readonly kind: 'records'
  readonly topic: string
  readonly partition: number
  readonly block: Block
  readonly count: number
}

/** Records between `requested` and `actual` cannot be had. */
export interface Gap {
  readonly kind: 'gap'
  readonly topic: string
  readonly partition: number
  readonly requested: number
  readonly actual: number
  /** `retention`: deleted by age, size or request. `truncated`: the log ends before. `recreated`: another topic of that name. */
  readonly reason: 'retention' | 'truncated' | 'recreated'
}

export type Delivery = Piece | Gap

/** What a reader can take: at least one record is given, whatever its size. */
export interface Room {
  readonly records: number
  readonly bytes: number
}

interface Position {
  readonly topic: string
  readonly partition: number
  readonly feed: Reader
  next: number
  /** A gap that the reader has not been told of yet. */
  gap: Gap | null
}

interface Ready {
  readonly position: Position
  readonly block: Block
}

/** How often new partitions are looked for. */
const REFRESH_MS = 30_000

/** One for all: an error made for each withdrawal would cost more than the rest of it. */
const WITHDRAWN = new Error('another partition was first')

export class Consumer {
  readonly #dispatch: Dispatch
  readonly #feeds: Feeds
  readonly #context: Context
  readonly #topicIds = new Map<string, string>()
  readonly #only: number | null
  #positions: Position[] = []
  /** Rotates, so that a busy partition does not starve the others. */
  #turn = 0
  #refreshTimer: NodeJS.Timeout | undefined
  #refreshDue = false
  /** Ends the waiting that goes on just now. */
  #withdraw: AbortController | null = null
  #closed = false

  private constructor (dispatch: Dispatch, feeds: Feeds, context: Context, only: number | null) {
    this.#dispatch = dispatch
    this.#feeds = feeds
    this.#context = context
    this.#only = only
  }

  /**
   * Begins at `start` in every partition of `topics`, or in partition `only` of each. Rejects with KafkaError if a topic
   * is out of reach; topics are not created by reading.
   */
  static async open (
    dispatch: Dispatch, feeds: Feeds, context: Context, topics: readonly string[], start: Start, only: number | null = null
  ): Promise<Consumer> {
    const consumer = new Consumer(dispatch, feeds, context, only)
    try {
      for (const topic of topics) await consumer.#add(topic, start)
    } catch (error) {
      consumer.close()
      throw error
    }
    consumer.#refreshLater()
    return consumer
  }

  /** Where the reader is: what was handed out lies before it. */
  get cursor (): string {
    return this.#cursorWith(null, 0)
  }

  /** Where a reader is that has the first `count` records of a piece, the last one that `next` handed out. */
  cursorBehind (piece: Piece, count: number): string {
    const position = this.#positions.find(p => p.topic === piece.topic && p.partition === piece.partition)
    return count === piece.count || position === undefined ? this.cursor : this.#cursorWith(position, piece.block.offsets[count - 1]! + 1)
  }

  #cursorWith (moved: Position | null, to: number): string {
    const cursor = new Map<string, TopicPosition & { offsets: Map<number, number> }>()
    for (const position of this.#positions) {
      const { topic, partition, next } = position
      let entry = cursor.get(topic)
      if (entry === undefined) cursor.set(topic, entry = { topicId: this.#topicIds.get(topic)!, offsets: new Map() })
      entry.offsets.set(partition, position === moved ? to : next)
    }
    return encodeCursor(cursor as Cursor)
  }

  get partitions (): readonly { readonly topic: string, readonly partition: number, readonly next: number }[] {
    return this.#positions
  }

  /** Moves one partition; the next records come from there. */
  seek (topic: string, partition: number, offset: number): void {
    const position = this.#positions.find(p => p.topic === topic && p.partition === partition)
    if (position === undefined) throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION')
    position.next = offset
    position.gap = null
  }

  /**
   * The next records of some partition, or a gap; null when `signal` is aborted first, or as soon as there is `enough`,
   * which is how a reader bounds its waiting. Rejects with KafkaError when a topic is gone or forbidden.
   */
  async next (room: Room, signal: AbortSignal, enough: () => boolean = () => false): Promise<Delivery | null> {
    while (!signal.aborted && !enough()) {
      if (this.#refreshDue) await this.#refresh()
      const gap = this.#takeGap()
      if (gap !== null) return gap
      const ready = await this.#firstReady(signal)
      if (ready === null) continue
      const { position, block } = ready
      if (block.lines.length === 0) {
        position.next = block.next // only control records: nothing to show
        continue
      }
      return this.#take(position, block, room)
    }
    return null
  }

  close (): void {
    this.#closed = true
    clearTimeout(this.#refreshTimer)
    for (const { feed } of this.#positions) feed.release()
    this.#positions = []
  }

  #take (position: Position, block: Block, room: Room): Piece {
    let bytes = block.lines[0]!.length
    let count = 1
    while (count < block.lines.length && count < room.records && bytes + block.lines[count]!.length <= room.bytes) {
      bytes += block.lines[count]!.length
      count++
    }
    position.next = count === block.lines.length ? block.next : block.offsets[count]!
    return { kind: 'records', topic: position.topic, partition: position.partition, block, count }
  }

  #takeGap (): Gap | null {
    for (const position of this.#positions) {
      if (position.gap === null) continue
      const gap = position.gap
      position.gap = null
      position.next = gap.actual
      return gap
    }
    return null
  }

  /**
   * Takes what some partition has at hand, or else asks every partition's feed and takes the first that has something; null
   * to look again. The rest are withdrawn.
   */
  async #firstReady (signal: AbortSignal): Promise<Ready | null> {
    const first = this.#turn++ % this.#positions.length
    const inTurn = [...this.#positions.slice(first), ...this.#positions.slice(0, first)]
    for (const position of inTurn) {
      const block = position.feed.kept(position.next)
      if (block !== undefined) return { position, block }
    }
    const withdraw = this.#withdraw = new AbortController()
    // Not AbortSignal.any: this runs for every delivery of every reader, and leaves nothing behind on `signal`.
    const onAbort = (): void => withdraw.abort(WITHDRAWN)
    signal.addEventListener('abort', onAbort)
    try {
      return await Promise.race(inTurn.map(position => this.#ask(position, withdraw.signal)))
    } finally {
      signal.removeEventListener('abort', onAbort)
      withdraw.abort(WITHDRAWN)
    }
  }

  async #ask (position: Position, signal: AbortSignal): Promise<Ready | null> {
    try {
      return { position, block: await position.feed.read(position.next, signal) }
    } catch (error) {
      if (signal.aborted) return null
      if (!(error instanceof KafkaError) || error.code !== 'OFFSET_OUT_OF_RANGE') throw error
      position.gap = await this.#gapAt(position)
      return null
    }
  }

  /** Null where the offset is in range again by the time we look: then it is asked for once more. */
  async #gapAt ({ topic, partition, next }: Position): Promise<Gap | null> {
    const end = async (which: number): Promise<number> =>
      (await offsetsAt(this.#dispatch, this.#context, topic, [partition], which)).get(partition)!
    const earliest = await end(EARLIEST)
    if (next < earliest) return { kind: 'gap', topic, partition, requested: next, actual: earliest, reason: 'retention' }
    const latest = await end(LATEST)
    return next <= latest ? null : { kind: 'gap', topic, partition, requested: next, actual: latest, reason: 'truncated' }
  }

  /** Begins to read a topic: where the start says, and from the earliest record in partitions it does not speak of. */
  async #add (topic: string, start: Start): Promise<void> {
    const { topicId, partitionCount } = await describeTopic(this.#dispatch, this.#context, topic, false, 'READ')
    if (this.#only !== null && this.#only >= partitionCount) {
      throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', `Topic ${topic} has no partition ${this.#only}: it has ${partitionCount}.`)
    }
    this.#topicIds.set(topic, topicId)
    const partitions = this.#only === null ? Array.from({ length: partitionCount }, (_, i) => i) : [this.#only]
    const known = start.kind === 'cursor' ? start.cursor.get(topic) : undefined
    const sameTopic = known?.topicId === topicId
    const unknown = partitions.filter(partition => !(sameTopic && known.offsets.has(partition)))
    const offsets = unknown.length === 0
      ? new Map<number, number>()
      : await offsetsAt(this.#dispatch, this.#context, topic, unknown, timestampOf(start))
    for (const partition of partitions) {
      const requested = known?.offsets.get(partition)
      const next = offsets.get(partition) ?? requested!
      const gap: Gap | null = known !== undefined && !sameTopic && requested !== undefined
        ? { kind: 'gap', topic, partition, requested, actual: next, reason: 'recreated' }
        : null
      this.#positions.push({ topic, partition, next, gap, feed: this.#feeds.follow(this.#context, topic, topicId, partition) })
    }
  }

  /** New partitions are looked for even while every known one is silent. */
  #refreshLater (): void {
    if (this.#only !== null) return
    this.#refreshTimer = setTimeout(() => {
      this.#refreshDue = true
      this.#withdraw?.abort(WITHDRAWN)
    }, REFRESH_MS).unref()
  }

  /** Finds partitions that have been added since, which are read from their beginning. */
  async #refresh (): Promise<void> {
    this.#refreshDue = false
    for (const [topic, topicId] of this.#topicIds) {
      const { partitionCount } = await describeTopic(this.#dispatch, this.#context, topic, false, 'READ')
      if (this.#closed) return
      const have = this.#positions.filter(position => position.topic === topic).length
      for (let partition = have; partition < partitionCount; partition++) {
        this.#positions.push({ topic, partition, next: 0, gap: null, feed: this.#feeds.follow(this.#context, topic, topicId, partition) })
      }
    }
    this.#refreshLater()
  }
}

function timestampOf (start: Start): number {
  if (start.kind === 'time') return start.timestampMs
  return start.kind === 'latest' ? LATEST : EARLIEST
}
