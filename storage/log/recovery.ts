/**
 * Making a segment sound again after a crash, or when the disk has spoiled it.
 *
 * A crash can tear the last write: bytes behind the last sound batch, with nothing sound behind them, are cut off. Damage
 * with sound batches behind it is something else: those batches were acknowledged, so they are kept. The damaged bytes
 * alone are set aside, in a file of their own (`<base>-<position>.damaged`), and the segment is written anew without
 * them; its offsets then have a gap, as after compaction.
 */
import { join } from 'node:path'
import { BATCH_HEADER_BYTES, LOG_OVERHEAD_BYTES, RecordBatch } from '../../protocol/batch.ts'
import { type LogObserver } from './config.ts'
import { type FileSystem, type LogFile } from './fs.ts'
import { readAt, scan } from './scan.ts'
import { Segment, baseOffsetIn, segmentName } from './segment.ts'

export interface RecoverOptions {
  readonly fs: FileSystem
  readonly directory: string
  readonly baseOffset: number
  readonly indexIntervalBytes: number
  readonly observer: LogObserver
  /** Whether unsound bytes at the end may be a write that a crash has torn. */
  readonly mayBeTorn: boolean
}

/** `[from, to)` bytes of a segment that hold no sound batch, and the offsets that are lost with them. */
interface Damage {
  readonly from: number
  readonly to: number
  readonly fromOffset: number
  readonly toOffset: number
}

/** The base offsets of the segments in a folder, ascending. Finishes or undoes a compaction that a crash has cut short. */
export async function segmentsIn (fs: FileSystem, directory: string): Promise<number[]> {
  const bases: number[] = []
  for (const name of await fs.list(directory)) {
    const base = baseOffsetIn(name)
    if (base !== null) bases.push(base)
    else if (name.endsWith('.cleaned') || name.endsWith('.tmp')) await fs.remove(join(directory, name))
  }
  return bases.sort((a, b) => a - b)
}

/** Checks every batch of a segment, repairs it and rebuilds its indexes. */
export async function recoverSegment (options: RecoverOptions): Promise<Segment> {
  const { fs, directory, baseOffset, indexIntervalBytes, observer, mayBeTorn } = options
  const path = join(directory, segmentName(baseOffset))
  const size = await fs.size(path)
  const file = await fs.open(path)
  const damages: Damage[] = []
  let end = size
  let expected = baseOffset
  for (let position = 0; position < size;) {
    const sound = await checkFrom(file, position, size, expected)
    expected = sound.nextOffset
    if (sound.end === size) break
    const next = await findSound(file, sound.end, size, expected)
    if (next === null && mayBeTorn) {
      end = sound.end
      await file.truncate(end)
      await file.sync()
      observer.truncated(path, size - end)
      break
    }
    const damage = { from: sound.end, to: next?.position ?? size, fromOffset: expected, toOffset: next?.batch.baseOffset ?? expected }
    damages.push(damage)
    position = damage.to
  }
  if (damages.length > 0) await rewriteWithout(damages, file, path, end, options)
  await file.close()
  const segment = await Segment.open(fs, directory, baseOffset, indexIntervalBytes)
  await segment.reindex()
  if (!mayBeTorn) await segment.seal()
  return segment
}

/** How far sound batches with rising offsets go from `position` on. */
async function checkFrom (file: LogFile, position: number, size: number, expected: number): Promise<{ end: number, nextOffset: number }> {
  for await (const { batches } of scan(file, position, size)) {
    for (const batch of batches) {
      if (batch.baseOffset < expected || batch.lastOffset < batch.baseOffset) return { end: position, nextOffset: expected }
      expected = batch.nextOffset
      position += batch.sizeBytes
    }
  }
  return { end: position, nextOffset: expected }
}

const SEARCH_BYTES = 4 * 1024 * 1024

/** The next sound batch behind `position`, wherever it begins; its offsets may not be lower than `expected`. */
async function findSound (
  file: LogFile, position: number, size: number, expected: number
): Promise<{ position: number, batch: RecordBatch } | null> {
  for (let start = position; start + BATCH_HEADER_BYTES <= size; start += SEARCH_BYTES) {
    const buffer = await readAt(file, start, Math.min(SEARCH_BYTES + BATCH_HEADER_BYTES, size - start))
    const last = Math.min(SEARCH_BYTES, buffer.length - BATCH_HEADER_BYTES + 1)
    for (let at = start === position ? 1 : 0; at < last; at++) {
      if (!looksLikeBatch(buffer, at, expected, size - start - at)) continue
      const batch = new RecordBatch(await readAt(file, start + at, buffer.readInt32BE(at + 8) + LOG_OVERHEAD_BYTES))
      if (batch.isSound) return { position: start + at, batch }
    }
  }
  return null
}

/** A cheap look before the checksum: the magic byte, a length that fits, an offset that can follow. */
function looksLikeBatch (buffer: Buffer, at: number, expected: number, left: number): boolean {
  if (buffer[at + 16] !== 2) return false
  const size = buffer.readInt32BE(at + 8) + LOG_OVERHEAD_BYTES
  if (size < BATCH_HEADER_BYTES || size > left) return false
  const offset = buffer.readBigInt64BE(at)
  return offset >= BigInt(expected) && offset < BigInt(expected) + 0x80000000n
}

async function rewriteWithout (damages: readonly Damage[], file: LogFile, path: string, end: number, options: RecoverOptions): Promise<void> {
  const { fs, directory, baseOffset, observer } = options
  const stem = path.slice(0, -'.log'.length)
  const draft = `${path}.cleaned`
  await fs.remove(draft)
  const copy = await fs.open(draft, true)
  let written = 0
  let kept = 0
  for (const { from, to } of [...damages, { from: end, to: end }]) {
    written += await copyRange(file, kept, from, copy, written)
    kept = to
  }
  await copy.sync()
  await copy.close()
  for (const { from, to, fromOffset, toOffset } of damages) {
    const aside = `${stem}-${from}.damaged`
    await fs.remove(aside)
    const target = await fs.open(aside, true)
    await copyRange(file, from, to, target, 0)
    await target.sync()
    await target.close()
    observer.quarantined(aside, to - from, fromOffset, toOffset)
  }
  await fs.rename(draft, join(directory, segmentName(baseOffset)))
  await fs.syncDirectory(directory)
}

const COPY_BYTES = 1024 * 1024

async function copyRange (from: LogFile, start: number, end: number, to: LogFile, position: number): Promise<number> {
  for (let at = start; at < end; at += COPY_BYTES) {
    await to.write([await readAt(from, at, Math.min(COPY_BYTES, end - at))], position + at - start)
  }
  return end - start
}
