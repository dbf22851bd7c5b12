/** Record batches for tests of the log, and what is in them. */
import { RecordBatch, batchesIn } from '../../protocol/batch.ts'
import { buildBatch, recordsIn, type BatchOptions, type LogRecord, type NewRecord } from '../../protocol/records.ts'
import type { Chunks } from '../../protocol/schema.ts'

/** 2027-01-15T08:00:00Z: tests do not depend on the day they run. */
export const T0 = 1_800_000_000_000

/** A batch of records with these values, one after the other in time. */
export function batchOf (values: readonly (string | Buffer)[], options: BatchOptions = {}): RecordBatch {
  const first = options.nowMs ?? T0
  return buildBatch(values.map((value, i) => ({ key: null, value: Buffer.from(value), timestampMs: first + i })), options)
}

/** A batch of one record that is so many bytes long in all, and says `name` at its beginning. */
export function batchOfSize (sizeBytes: number, name = '', options: BatchOptions = {}): RecordBatch {
  for (let length = sizeBytes - 61; length >= 0; length--) {
    const batch = batchOf([Buffer.from(name.padEnd(length, '.').slice(0, length))], options)
    if (batch.sizeBytes === sizeBytes) return batch
  }
  throw new Error(`there is no batch of ${sizeBytes} bytes`)
}

/** A batch of records with keys; a null value deletes. */
export function keyedBatch (rows: readonly (readonly [key: string, value: string | null])[], options: BatchOptions = {}): RecordBatch {
  const records: NewRecord[] = rows.map(([key, value]) =>
    ({ key: Buffer.from(key), value: value === null ? null : Buffer.from(value), timestampMs: options.nowMs ?? T0 }))
  return buildBatch(records, options)
}

/** A copy of a batch, as a producer that sends it again would make one. */
export function copyOf (batch: RecordBatch): RecordBatch {
  return new RecordBatch(Buffer.from(batch.bytes))
}

export function batchesOf (chunks: Chunks): RecordBatch[] {
  return [...batchesIn(Buffer.concat(chunks))]
}

export function recordsOf (chunks: Chunks): LogRecord[] {
  return batchesOf(chunks).flatMap(batch => [...recordsIn(batch)])
}

export function valuesOf (chunks: Chunks): string[] {
  return recordsOf(chunks).map(({ value }) => String(value))
}

/** A generator of numbers in [0, 1) that gives the same ones for the same seed. */
export function seeded (seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x9e3779b9) >>> 0
    let mixed = state
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad)
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32
  }
}
