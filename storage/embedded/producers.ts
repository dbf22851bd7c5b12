/**
 * Idempotent producers of one partition (KIP-98): what each has appended last, so that a batch sent twice is appended
 * once and a gap is refused. The last five batches are remembered, because that many may be in flight.
 *
 * A batch counts from the moment it is appended, before it is durable: the next one in the pipeline follows on it. Should
 * the disk refuse it after all, `truncate` takes it back.
 */
import { type RecordBatch } from '../../protocol/batch.ts'
import { KafkaError } from '../../protocol/errors.ts'

export interface RememberedBatch {
  readonly firstSequence: number
  readonly lastSequence: number
  readonly baseOffset: number
  readonly lastOffset: number
  readonly timestampMs: number
}

export interface ProducerEntry {
  epoch: number
  /** Oldest first, at most REMEMBERED. */
  batches: RememberedBatch[]
  /** When the producer was last heard of, by the server's clock. */
  usedAtMs: number
}

const REMEMBERED = 5

export class Producers {
  readonly #entries = new Map<number, ProducerEntry>()

  get size (): number {
    return this.#entries.size
  }

  /**
   * The batch that this one repeats, or null if it is new and follows on the last. Throws KafkaError
   * OUT_OF_ORDER_SEQUENCE_NUMBER or INVALID_PRODUCER_EPOCH. A producer that nothing is known of may begin anywhere: its
   * records may have been deleted by retention.
   */
  check (batch: RecordBatch): RememberedBatch | null {
    const entry = this.#entries.get(batch.producerId)
    if (entry === undefined) return null
    const { producerEpoch, baseSequence, lastSequence } = batch
    if (producerEpoch < entry.epoch) {
      throw new KafkaError('INVALID_PRODUCER_EPOCH', `Producer ${batch.producerId} sent epoch ${producerEpoch}, but ${entry.epoch} is in use.`)
    }
    const last = entry.batches.at(-1)
    if (producerEpoch > entry.epoch) {
      if (baseSequence === 0 || last === undefined) return null
      throw outOfOrder(batch, 0)
    }
    const repeated = entry.batches.find(one => one.firstSequence === baseSequence && one.lastSequence === lastSequence)
    if (repeated !== undefined) return repeated
    const expected = last === undefined ? baseSequence : (last.lastSequence + 1) % 0x80000000
    if (baseSequence !== expected) throw outOfOrder(batch, expected)
    return null
  }

  /** Remembers a batch that has its offsets: one that was just appended, or one found in the log at start. */
  remember (batch: RecordBatch, nowMs: number): void {
    if (batch.producerId < 0) return
    let entry = this.#entries.get(batch.producerId)
    if (entry === undefined || entry.epoch !== batch.producerEpoch) {
      entry = { epoch: batch.producerEpoch, batches: [], usedAtMs: nowMs }
      this.#entries.set(batch.producerId, entry)
    }
    entry.usedAtMs = nowMs
    entry.batches.push({
      firstSequence: batch.baseSequence,
      lastSequence: batch.lastSequence,
      baseOffset: batch.baseOffset,
      lastOffset: batch.lastOffset,
      timestampMs: batch.maxTimestamp
    })
    if (entry.batches.length > REMEMBERED) entry.batches.shift()
  }

  /** Forgets batches from `offset` on, which are not in the log after all. */
  truncate (offset: number): void {
    for (const [id, entry] of this.#entries) {
      entry.batches = entry.batches.filter(batch => batch.lastOffset < offset)
      if (entry.batches.length === 0) this.#entries.delete(id)
    }
  }

  /** Forgets producers that have been silent since `timeMs` (`producer.id.expiration.ms`). */
  expire (timeMs: number): void {
    for (const [id, entry] of this.#entries) if (entry.usedAtMs < timeMs) this.#entries.delete(id)
  }

  /** What is known of everything before `offset`. */
  snapshot (offset: number): Array<{ producerId: number } & ProducerEntry> {
    const rows = []
    for (const [producerId, { epoch, batches, usedAtMs }] of this.#entries) {
      const before = batches.filter(batch => batch.lastOffset < offset)
      if (before.length > 0) rows.push({ producerId, epoch, batches: before, usedAtMs })
    }
    return rows
  }

  restore (rows: ReturnType<Producers['snapshot']>): void {
    for (const { producerId, epoch, batches, usedAtMs } of rows) this.#entries.set(producerId, { epoch, batches: [...batches], usedAtMs })
  }
}

function outOfOrder (batch: RecordBatch, expected: number): KafkaError {
  return new KafkaError('OUT_OF_ORDER_SEQUENCE_NUMBER',
    `Producer ${batch.producerId} sent sequence number ${batch.baseSequence}, but ${expected} comes next.`)
}
