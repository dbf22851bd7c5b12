/**
 * Idempotent producers of one partition (KIP-98): what each has appended last, so that a batch sent twice is appended
 * once and a gap is refused.
 *
 * A batch counts from the moment it is appended, before it is durable: the next one in the pipeline follows on it. Should
 * the disk refuse it after all, `truncate` takes it back, and the producer has to go on where it stood before: what it
 * sent behind the refused batch must not overtake it.
 */
import type { RecordBatch } from '../../protocol/batch.ts'
import { KafkaError } from '../../protocol/errors.ts'

export interface RememberedBatch {
  readonly firstSequence: number
  readonly lastSequence: number
  readonly baseOffset: number
  readonly lastOffset: number
  readonly timestampMs: number
}

interface ProducerEntry {
  readonly epoch: number
  /** Oldest first: the last REMEMBERED of those that are committed, and every later one. */
  batches: RememberedBatch[]
  nextSequence: number
  /** When the producer was last heard of, by the server's clock. */
  usedAtMs: number
}

/** What a snapshot keeps of a producer. */
export interface ProducerRow {
  readonly producerId: number
  readonly epoch: number
  readonly usedAtMs: number
  readonly batches: readonly RememberedBatch[]
}

/** As many as an idempotent producer may have in flight on one connection. */
const REMEMBERED = 5
/** Sequence numbers go from 0 to 2^31 - 1 and begin again. */
const SEQUENCES = 0x80000000

export class Producers {
  readonly #entries = new Map<number, ProducerEntry>()

  get size (): number {
    return this.#entries.size
  }

  /**
   * The batch that this one repeats, or null if it is new and follows on the last. Throws KafkaError
   * OUT_OF_ORDER_SEQUENCE_NUMBER or INVALID_PRODUCER_EPOCH. A producer that nothing is known of may begin anywhere: its
   * records may have been deleted, and it forgotten. A new epoch begins at 0.
   */
  check (batch: RecordBatch): RememberedBatch | null {
    const entry = this.#entries.get(batch.producerId)
    if (entry === undefined) return null
    const { producerEpoch, baseSequence, lastSequence } = batch
    if (producerEpoch < entry.epoch) {
      throw new KafkaError('INVALID_PRODUCER_EPOCH', `Producer ${batch.producerId} sent epoch ${producerEpoch}, but ${entry.epoch} is in use.`)
    }
    if (producerEpoch === entry.epoch) {
      const repeated = entry.batches.find(one => one.firstSequence === baseSequence && one.lastSequence === lastSequence)
      if (repeated !== undefined) return repeated
    }
    const expected = producerEpoch === entry.epoch ? entry.nextSequence : 0
    if (baseSequence !== expected) {
      throw new KafkaError('OUT_OF_ORDER_SEQUENCE_NUMBER',
        `Producer ${batch.producerId} sent sequence number ${baseSequence}, but ${expected} comes next.`)
    }
    return null
  }

  /**
   * Remembers a batch that has its offsets: one that was just appended, or one found in the log at start. What lies before
   * `committedOffset` will not be taken back.
   */
  remember (batch: RecordBatch, nowMs: number, committedOffset: number): void {
    if (batch.producerId < 0) return
    let entry = this.#entries.get(batch.producerId)
    if (entry === undefined || entry.epoch !== batch.producerEpoch) {
      entry = { epoch: batch.producerEpoch, batches: [], nextSequence: 0, usedAtMs: nowMs }
      this.#entries.set(batch.producerId, entry)
    }
    const { baseSequence: firstSequence, lastSequence, baseOffset, lastOffset, maxTimestamp: timestampMs } = batch
    entry.usedAtMs = nowMs
    entry.nextSequence = (lastSequence + 1) % SEQUENCES
    entry.batches.push({ firstSequence, lastSequence, baseOffset, lastOffset, timestampMs })
    while (entry.batches.length > REMEMBERED && entry.batches[REMEMBERED]!.lastOffset < committedOffset) entry.batches.shift()
  }

  /** Forgets batches from `offset` on, which are not in the log after all. */
  truncate (offset: number): void {
    for (const entry of this.#entries.values()) {
      const first = entry.batches.findIndex(batch => batch.lastOffset >= offset)
      if (first === -1) continue
      entry.nextSequence = entry.batches[first]!.firstSequence
      entry.batches.length = first
    }
  }

  /** Forgets producers that have been silent since `timeMs` (`producer.id.expiration.ms`). */
  expire (timeMs: number): void {
    for (const [id, entry] of this.#entries) if (entry.usedAtMs < timeMs) this.#entries.delete(id)
  }

  /** What is known of everything before `offset`. */
  snapshot (offset: number): ProducerRow[] {
    const rows = []
    for (const [producerId, { epoch, batches, usedAtMs }] of this.#entries) {
      const before = batches.filter(batch => batch.lastOffset < offset)
      if (before.length > 0) rows.push({ producerId, epoch, usedAtMs, batches: before })
    }
    return rows
  }

  static restore (rows: readonly ProducerRow[]): Producers {
    const producers = new Producers()
    for (const { producerId, epoch, usedAtMs, batches } of rows) {
      const nextSequence = (batches.at(-1)!.lastSequence + 1) % SEQUENCES
      producers.#entries.set(producerId, { epoch, usedAtMs, batches: [...batches], nextSequence })
    }
    return producers
  }
}
