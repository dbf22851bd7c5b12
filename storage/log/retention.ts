/**
 * Deleting whole segments from the front of a log: those before its start offset, those whose youngest record is too old,
 * and those beyond the size it may have. The last segment goes only when all of it is too old.
 */
import { type Log } from './log.ts'

/** Returns how many segments were deleted. */
export async function retain (log: Log, nowMs: number): Promise<number> {
  const { retentionMs, retentionBytes, deletes } = log.config
  const segments = [...log.segments]
  const last = segments.at(-1)!
  let excessBytes = deletes && retentionBytes >= 0 ? log.sizeBytes - retentionBytes : 0
  let count = 0
  for (const segment of segments) {
    const isTooOld = deletes && retentionMs >= 0 && segment.size > 0 && nowMs - await segment.youngestTimestamp() > retentionMs
    const isTooMuch = excessBytes > 0 && excessBytes >= segment.size && segment !== last
    const isBeforeStart = segment.nextOffset <= log.startOffset && segment !== last
    if (!isTooOld && !isTooMuch && !isBeforeStart) break
    if (segment === last) await log.rollNow()
    excessBytes -= segment.size
    count++
  }
  await log.removeFirst(count)
  return count
}
