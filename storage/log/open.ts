/**
 * Opening the folder of a log: finishes what a crash has cut short, checks the segments that it may have left unsound, and
 * makes sure that no offset is given out twice.
 */
import { dirname, join } from 'node:path'
import type { LogConfig, LogObserver } from './config.ts'
import type { FileSystem } from './fs.ts'
import { recoverSegment, type Recovered } from './recovery.ts'
import { DamagedSegmentError, Segment } from './segment.ts'
import { COMPACTED, tidy } from './tidy.ts'

export interface OpenOptions {
  readonly directory: string
  readonly fs: FileSystem
  readonly config: LogConfig
  readonly observer: LogObserver
  /** Everything before this offset was synced. */
  readonly recoveryPoint: number
  /** The log was closed properly: segments are checked only if there is reason to. */
  readonly wasClean: boolean
  /** Where a log that is not there yet begins. */
  readonly startOffset: number
}

/** The segments in a folder, ascending; the last one is ready to be written. There is at least one. */
export async function openSegments (options: OpenOptions): Promise<Segment[]> {
  const { directory, fs, startOffset, wasClean } = options
  await fs.makeDirectory(directory)
  const bases = await tidy(fs, directory)
  const wasCompacted = await fs.size(join(directory, COMPACTED)) >= 0
  const segments: Segment[] = []
  try {
    let last: Recovered | undefined
    for (const [i, base] of bases.entries()) {
      last = await openSegment(options, base, bases[i + 1] ?? Infinity, wasCompacted)
      segments.push(last.segment)
    }
    // Offsets that are lost at the end are not given out again: the name of a new segment keeps them. Nor are gaps
    // continued: in a segment that is written every offset follows on the one before, so that a wrong one shows.
    const isFit = last !== undefined && last.nextOffset === last.segment.nextOffset && (!last.isDamaged || last.segment.size === 0)
    if (!isFit) segments.push(await begin(options, last?.nextOffset ?? startOffset, last?.segment))
    // A crash of the process alone leaves names that the disk does not know yet.
    if (!wasClean) for (const one of [directory, dirname(directory)]) await fs.syncDirectory(one)
    return segments
  } catch (error) {
    for (const segment of segments) await segment.close()
    throw error
  }
}

async function begin ({ fs, directory, config, observer }: OpenOptions, baseOffset: number, last: Segment | undefined): Promise<Segment> {
  await last?.seal(observer)
  const segment = await Segment.create(fs, directory, baseOffset, config.indexIntervalBytes)
  await fs.syncDirectory(directory)
  return segment
}

/** `endOffset` is where the next segment begins, or Infinity for the last one. */
async function openSegment (options: OpenOptions, baseOffset: number, endOffset: number, wasCompacted: boolean): Promise<Recovered> {
  const { directory, fs, observer, recoveryPoint, wasClean, config: { indexIntervalBytes } } = options
  const isLast = endOffset === Infinity
  // The last one has never been compacted.
  const hasGaps = wasCompacted && !isLast
  if (wasClean || endOffset <= recoveryPoint) {
    const segment = await Segment.open(fs, directory, baseOffset, endOffset, indexIntervalBytes, hasGaps)
    if (!isLast) return { segment, nextOffset: endOffset, isDamaged: false }
    try {
      await segment.resume()
      return { segment, nextOffset: segment.nextOffset, isDamaged: false }
    } catch (error) {
      await segment.close()
      if (!(error instanceof DamagedSegmentError)) throw error
    }
  }
  const { segment, nextOffset, isDamaged } = await recoverSegment({
    fs, directory, baseOffset, indexIntervalBytes, observer, endOffset, hasGaps, syncedOffset: wasClean ? Infinity : recoveryPoint
  })
  if (!isLast) {
    segment.nextOffset = endOffset
    await segment.seal(observer)
  }
  // Everything before the recovery point was on the disk: if it is gone, its offsets are not free for that.
  const isShort = isLast && nextOffset < recoveryPoint
  if (isShort) observer.quarantined(segment.path, 0, nextOffset, recoveryPoint)
  return { segment, nextOffset: isShort ? recoveryPoint : nextOffset, isDamaged }
}
