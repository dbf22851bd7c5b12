/**
 * Walks a segment from batch to batch and stops at the first that is not sound. Reads in windows, so that a segment of
 * any size costs the memory of one window.
 */
import { BATCH_HEADER_BYTES, RecordBatch, batchSizeAt } from '../../protocol/batch.ts'
import { type LogFile } from './fs.ts'

const WINDOW_BYTES = 1024 * 1024

export interface Window {
  /** Where the first of `batches` begins. */
  readonly position: number
  readonly batches: readonly RecordBatch[]
}

/**
 * Sound batches from `position` to `end`, a window at a time. Returns the position behind the last of them: `end` if the
 * whole range is sound.
 */
export async function * scan (file: LogFile, position: number, end: number): AsyncGenerator<Window, number, void> {
  while (position < end) {
    let buffer = await readAt(file, position, Math.min(WINDOW_BYTES, end - position))
    const first = batchSizeAt(buffer, 0)
    if (first > buffer.length && first <= end - position) buffer = await readAt(file, position, first)
    const { batches, bytes, damaged } = soundBatches(buffer)
    if (batches.length === 0) return position
    yield { position, batches }
    position += bytes
    if (damaged) return position
  }
  return position
}

/** The sound batches at the beginning of a buffer. What is merely cut off at its end is not damaged. */
export function soundBatches (buffer: Buffer): { batches: RecordBatch[], bytes: number, damaged: boolean } {
  const batches: RecordBatch[] = []
  let position = 0
  for (;;) {
    const size = batchSizeAt(buffer, position)
    if (size === -1) return { batches, bytes: position, damaged: false }
    if (size < BATCH_HEADER_BYTES) return { batches, bytes: position, damaged: true }
    if (position + size > buffer.length) return { batches, bytes: position, damaged: false }
    const batch = new RecordBatch(buffer.subarray(position, position + size))
    if (!batch.isSound) return { batches, bytes: position, damaged: true }
    batches.push(batch)
    position += size
  }
}

/** As many of `length` bytes as the file has at `position`. */
export async function readAt (file: LogFile, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(length)
  const filled = await file.read(buffer, position)
  return filled === length ? buffer : buffer.subarray(0, filled)
}
