/** Record batches that Kafka's own code wrote, as `scripts/record-fixtures.ts` recorded them. */
import type { LogRecord } from '../../../protocol/records.ts'
import { readFixture } from './fixtures.ts'

interface RecordRow {
  readonly offset: number
  readonly timestampMs: number
  readonly key: string | null
  readonly value?: string | null
  /** A value too long to be recorded: a text, so many times. */
  readonly repeated?: string
  readonly times?: number
  readonly headers: readonly { readonly key: string, readonly value: string | null }[]
}

interface BatchRow {
  readonly title: string
  readonly hex: string
  /** By the name of our getter. */
  readonly batch: { readonly [name: string]: number | boolean }
  readonly records: readonly RecordRow[]
}

export interface RecordedBatch {
  readonly title: string
  readonly bytes: Buffer
  readonly batch: { readonly [name: string]: number | boolean }
  readonly records: readonly LogRecord[]
}

const decoded = (base64: string | null): Buffer | null => base64 === null ? null : Buffer.from(base64, 'base64')

function recordOf ({ offset, timestampMs, key, value, repeated, times, headers }: RecordRow): LogRecord {
  return {
    offset,
    timestampMs,
    key: decoded(key),
    value: repeated === undefined ? decoded(value!) : Buffer.from(repeated.repeat(times!)),
    headers: headers.map(header => ({ key: header.key, value: decoded(header.value) }))
  }
}

/** By title. A fresh copy each time: a batch is written to when it is stamped. */
export function recordedBatches (): Map<string, RecordedBatch> {
  return new Map(readFixture<BatchRow>('batches').map(({ title, hex, batch, records }) =>
    [title, { title, bytes: Buffer.from(hex, 'hex'), batch, records: records.map(recordOf) }]))
}
