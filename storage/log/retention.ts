/**
 * Deleting whole segments from the front of a log: those before its start offset, those whose youngest record is too old,
 * and those beyond the size it may have. The last segment goes only when no record in it is to stay.
 */
import type { Log } from './log.ts'
import type { Segment } from './segment.ts'

/** Returns how many segments were deleted. */
export async function retain (log: Log, nowMs: number): Promise<number> {
  return await log.mending(async () => {
    // What is appended while we look is in the new segment then, and stays.
    if (await isOutdated(log.segments.at(-1)!, log, nowMs)) await log.rollNow()
    const { deletes, retentionBytes } = log.config
    let excessBytes = deletes && retentionBytes >= 0 ? log.sizeBytes - retentionBytes : 0
    let offset = 0
    for (const segment of log.segments.slice(0, -1)) {
      const isTooMuch = excessBytes > 0 && excessBytes >= segment.size
      if (!isTooMuch && !await isOutdated(segment, log, nowMs)) break
      excessBytes -= segment.size
      offset = segment.nextOffset
    }
    return offset === 0 ? 0 : await log.removeBefore(offset)
  })
}

/** Whether every record of a segment is too old, or was deleted by request. Those without a time are never too old. */
async function isOutdated (segment: Segment, { config: { deletes, retentionMs }, startOffset }: Log, nowMs: number): Promise<boolean> {
  if (segment.nextOffset <= startOffset) return true
  if (!deletes || retentionMs < 0) return false
  const { timestampMs } = await segment.youngest()
  return timestampMs >= 0 && nowMs - timestampMs > retentionMs
}
