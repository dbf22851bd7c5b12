/**
 * Where a consumer of a group is in each of its partitions: what was committed, and where nothing was, what it was told to
 * begin with.
 */
import { KafkaError } from '../../protocol/errors.ts'
import type { Context, Dispatch } from '../../protocol/rpc.ts'
import { ConsumerError } from './consumer-error.ts'
import { byTopic, fetchOffsets, type GroupOffset, type PartitionAt } from './group-offsets.ts'
import { EARLIEST, LATEST, offsetsAt } from './start.ts'

/** Where to begin where nothing is committed, or what is committed is not there any more: Kafka's `auto.offset.reset`. */
export type Reset = 'earliest' | 'latest' | 'none'

export interface Position extends PartitionAt {
  /** The offset of the next record; null until it has been found out. */
  next: number | null
  /** What the group is known to have committed. */
  committed: number | null
  /** Whether records were handed out of it that are not committed. */
  isPending: boolean
  /** What was committed is not in the log: it is not asked for once more. */
  outOfRange: boolean
}

const keyOf = ({ topic, partition }: PartitionAt): string => `${partition} ${topic}`

export class Positions {
  #positions = new Map<string, Position>()

  get all (): readonly Position[] {
    return [...this.#positions.values()]
  }

  get size (): number {
    return this.#positions.size
  }

  /** Whether records were handed out that are not committed. */
  get arePending (): boolean {
    return this.all.some(({ isPending }) => isPending)
  }

  get (at: PartitionAt): Position | undefined {
    return this.#positions.get(keyOf(at))
  }

  /** False once the partition was given away, or assigned anew, or sought in: what is found out about it then comes too late. */
  isCurrent (position: Position): boolean {
    return this.get(position) === position
  }

  /** Throws ConsumerError for a partition that is not assigned. */
  need (at: PartitionAt): Position {
    const position = this.get(at)
    if (position === undefined) {
      throw new ConsumerError('illegal-state', `Partition ${at.partition} of ${at.topic} is not assigned to this consumer instance: ` +
        'GET its assignments to see which are.')
    }
    return position
  }

  /** These partitions and no others; with `keep`, those that were there before stay where they are. */
  assign (partitions: Iterable<PartitionAt>, keep: boolean): void {
    const before = this.#positions
    this.#positions = new Map()
    for (const { topic, partition } of partitions) {
      const key = keyOf({ topic, partition })
      const kept = keep ? before.get(key) : undefined
      this.#positions.set(key, kept ?? { topic, partition, next: null, committed: null, isPending: false, outOfRange: false })
    }
  }

  /** Moves a position. Whoever has to do with the one before is done with it. */
  seek (position: Position, next: number): void {
    this.#positions.set(keyOf(position), { ...position, next })
  }

  /** What a commit without a word about offsets commits. */
  commitable (onlyNew: boolean): GroupOffset[] {
    return this.all.flatMap(({ topic, partition, next, committed }) =>
      next === null || (onlyNew && next === committed) ? [] : [{ topic, partition, offset: next, metadata: '' }])
  }

  committed (offsets: readonly GroupOffset[]): void {
    for (const one of offsets) {
      const position = this.get(one)
      if (position === undefined) continue
      position.committed = one.offset
      if (position.next === null || one.offset >= position.next) position.isPending = false
    }
  }

  /**
   * Finds out where to begin, where that is not known yet. What is found out of another generation's partitions is left alone:
   * others may have read on in them since. Rejects with KafkaError; with ConsumerError where it is for the caller to say.
   */
  async locate (dispatch: Dispatch, context: Context, groupId: string, reset: Reset): Promise<void> {
    const unknown = this.all.filter(({ next }) => next === null)
    if (unknown.length === 0) return
    const asked = new Map(unknown.map(position => [keyOf(position), position]))
    for (const found of await fetchOffsets(dispatch, context, groupId, unknown.filter(({ outOfRange }) => !outOfRange))) {
      const position = asked.get(keyOf(found))
      if (position === undefined || position.next !== null || !this.isCurrent(position)) continue
      position.next = position.committed = found.offset
    }
    const without = unknown.filter(position => position.next === null && this.isCurrent(position))
    if (without.length === 0) return
    if (reset === 'none') {
      const { topic, partition, outOfRange } = without[0]!
      throw new ConsumerError('illegal-state', `${outOfRange ? 'What is committed is not in the log any more' : 'Nothing is committed'} of partition ` +
        `${partition} of ${topic}, and auto.offset.reset is none: POST to positions where to begin.`)
    }
    for (const [topic, positions] of byTopic(without)) {
      const offsets = await offsetsAt(dispatch, context, topic, positions.map(({ partition }) => partition), reset === 'earliest' ? EARLIEST : LATEST)
      for (const position of positions) {
        const offset = offsets.get(position.partition)
        if (offset === undefined) throw new KafkaError('UNKNOWN_SERVER_ERROR', `The log did not say where partition ${position.partition} of ${topic} begins.`)
        position.next ??= offset
        position.outOfRange = false
      }
    }
  }
}
