/**
 * Finding sound batches in bytes: in a buffer, and through a file from one batch to the next. Reads in windows, so that a
 * segment of any size costs the memory of one window.
 */
import { BATCH_HEADER_BYTES, RecordBatch, batchSizeAt } from '../../protocol/batch.ts'
import type { LogFile } from './fs.ts'

const WINDOW_BYTES = 1024 * 1024

/**
 * Sound batches from `position` to `end`, a window at a time. Stops where something else follows: whoever needs the whole
 * range compares `end` with where the last batch ended.
 */
export async function * scan (file: LogFile, position: number, end: number): AsyncGenerator<RecordBatch[], void, void> {
  while (position < end) {
    let buffer = await readAt(file, position, Math.min(WINDOW_BYTES, end - position))
    const first = batchSizeAt(buffer, 0)
    if (first > buffer.length && first <= end - position) buffer = await readAt(file, position, first)
    const batches = soundBatches(buffer)
    if (batches.length === 0) return
    for (const { sizeBytes } of batches) position += sizeBytes
    yield batches
  }
}

/** The sound batches at the beginning of a buffer, up to one that is damaged or cut off. */
export function soundBatches (buffer: Buffer): RecordBatch[] {
  const batches: RecordBatch[] = []
  for (let position = 0; ;) {
    const batch = soundBatchAt(buffer, position)
    if (batch === null) return batches
    batches.push(batch)
    position += batch.sizeBytes
  }
}

/** The batch that begins at `position`, if it is all there and sound. */
export function soundBatchAt (buffer: Buffer, position: number): RecordBatch | null {
  const size = batchSizeAt(buffer, position)
  if (size < BATCH_HEADER_BYTES || position + size > buffer.length) return null
  const batch = new RecordBatch(buffer.subarray(position, position + size))
  return batch.isSound ? batch : null
}

/** As many of `length` bytes as the file has at `position`. */
export async function readAt (file: LogFile, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(length)
  const filled = await file.read(buffer, position)
  return filled === length ? buffer : buffer.subarray(0, filled)
}
