/**
 * Making a segment sound again after a crash, or when the disk has spoiled it.
 *
 * A crash can tear the last write: bytes behind the last sound batch, with nothing sound behind them, are cut off. Damage
 * with sound batches behind it is something else: those batches were acknowledged, so they are kept. The damaged bytes
 * alone are set aside, in a file of their own (`<base>-<position>.damaged`), and the segment is written anew without
 * them; its offsets then have a gap, as after compaction.
 */
import { join } from 'node:path'
import type { LogObserver } from './config.ts'
import { Contents } from './contents.ts'
import type { FileSystem, LogFile } from './fs.ts'
import { readAt } from './scan.ts'
import { Segment, segmentName } from './segment.ts'
import { Survey, type Damage } from './survey.ts'
import { DRAFT } from './tidy.ts'

export interface RecoverOptions {
  readonly fs: FileSystem
  readonly directory: string
  readonly baseOffset: number
  readonly indexIntervalBytes: number
  readonly observer: LogObserver
  /** Where the next segment begins, or this one is known to end; else Infinity. */
  readonly endOffset: number
  /** Whether offsets may be missing anywhere, as compaction leaves it. */
  readonly hasGaps: boolean
  /** Everything before was synced. What is missing behind it may be a write that a crash has torn. */
  readonly syncedOffset: number
}

export interface Recovered {
  readonly segment: Segment
  /** The first offset that may be given to a record behind it: more than its end if some were lost there. */
  readonly nextOffset: number
  readonly isDamaged: boolean
}

/** Checks every batch of a segment, repairs it, rebuilds its indexes and makes what is left durable. */
export async function recoverSegment (options: RecoverOptions): Promise<Recovered> {
  const { fs, directory, baseOffset, endOffset, hasGaps, syncedOffset, indexIntervalBytes, observer } = options
  const path = join(directory, segmentName(baseOffset))
  let file = await fs.open(path)
  try {
    const contents = new Contents(baseOffset, indexIntervalBytes)
    const survey = new Survey(baseOffset, endOffset, hasGaps, batch => contents.note(batch))
    const size = await fs.size(path)
    await survey.read(file, size)
    const { damages } = survey
    if (survey.isTorn && endOffset === Infinity && survey.nextOffset >= syncedOffset) {
      damages.pop()
      await file.truncate(survey.end)
      observer.truncated(path, size - survey.end)
    }
    const nextOffset = damages.at(-1)?.to === size ? damages.at(-1)!.toOffset : survey.nextOffset
    if (damages.length > 0) {
      const damaged = file
      file = await rewriteWithout(damages, damaged, survey.end, path, options)
      await damaged.close()
    }
    // What is found here will be read and counted on, whether its writer had synced it or not.
    await file.sync()
    return { segment: new Segment(fs, file, path, contents, indexIntervalBytes), nextOffset, isDamaged: damages.length > 0 }
  } catch (error) {
    await file.close()
    throw error
  }
}

async function rewriteWithout (
  damages: readonly Damage[], file: LogFile, end: number, path: string, { fs, directory, observer }: RecoverOptions
): Promise<LogFile> {
  for (const { from, to, fromOffset, toOffset } of damages) {
    const aside = await freeName(fs, `${path.slice(0, -'.log'.length)}-${from}`, '.damaged')
    await (await copyOf(fs, aside, file, [{ from, to }])).close()
    observer.quarantined(aside, to - from, fromOffset, toOffset)
  }
  const draft = path + DRAFT
  await fs.remove(draft)
  const sound = [...damages, { from: end, to: end }].map(({ from }, i) => ({ from: damages[i - 1]?.to ?? 0, to: from }))
  const copy = await copyOf(fs, draft, file, sound)
  try {
    // The damaged bytes have their place before they are gone from their old one.
    await fs.syncDirectory(directory)
    await fs.rename(draft, path)
    await fs.syncDirectory(directory)
    return copy
  } catch (error) {
    await copy.close()
    throw error
  }
}

/** A name that no file has: what was set aside earlier stays. */
async function freeName (fs: FileSystem, stem: string, end: string): Promise<string> {
  for (let i = 0; ; i++) {
    const name = `${stem}${i === 0 ? '' : `-${i}`}${end}`
    if (await fs.size(name) < 0) return name
  }
}

const COPY_BYTES = 1024 * 1024

/** A new file of these ranges of another one, synced. */
async function copyOf (fs: FileSystem, path: string, file: LogFile, ranges: ReadonlyArray<{ readonly from: number, readonly to: number }>): Promise<LogFile> {
  const copy = await fs.open(path, true)
  try {
    let position = 0
    for (const { from, to } of ranges) {
      for (let at = from; at < to; at += COPY_BYTES) {
        const bytes = await readAt(file, at, Math.min(COPY_BYTES, to - at))
        await copy.write([bytes], position)
        position += bytes.length
      }
    }
    await copy.sync()
    return copy
  } catch (error) {
    await copy.close()
    throw error
  }
}
