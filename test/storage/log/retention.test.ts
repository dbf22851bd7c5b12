import t, { type Test } from 'tap'
import type { LogConfig } from '../../../storage/log/config.ts'
import type { Log } from '../../../storage/log/log.ts'
import { retain } from '../../../storage/log/retention.ts'
import { T0, batchOfSize, seeded } from '../../support/batches.ts'
import { appendAll, openLog, readAll } from '../../support/logs.ts'

/** A log whose segments hold one record each, of these times; they are 1000 bytes long. */
async function logOf (t: Test, times: readonly number[], config: Partial<LogConfig>): Promise<Log> {
  const { log } = await openLog(t, { config: { segmentBytes: 1000, segmentMs: Infinity, ...config } })
  await appendAll(log, times.map(nowMs => batchOfSize(1000, '', { nowMs })))
  return log
}

/** What is left: the first offset, and the segments with their first offsets. */
const left = (log: Log): [number, number[]] => [log.startOffset, log.segments.map(segment => segment.baseOffset)]

t.test('a segment goes when its youngest record is older than retention.ms, and not a millisecond earlier', async t => {
  const log = await logOf(t, [T0, T0 + 10, T0 + 20, T0 + 30], { retentionMs: 100 })
  t.equal(await retain(log, T0 + 100), 0)
  t.equal(await retain(log, T0 + 111), 2)
  t.strictSame(left(log), [2, [2, 3]])
  t.strictSame((await readAll(log)).map(record => record.offset), [2, 3])
  t.throws(() => log.read(1, 1, true), { code: 'OFFSET_OUT_OF_RANGE' })
})

t.test('old segments behind a younger one stay until that goes', async t => {
  const log = await logOf(t, [T0, T0 + 500, T0, T0, T0 + 900], { retentionMs: 100 })
  t.equal(await retain(log, T0 + 200), 1)
  t.strictSame(left(log), [1, [1, 2, 3, 4]])
  t.equal(await retain(log, T0 + 601), 3)
})

t.test('the last segment goes when nothing in it is to stay, and its offsets are not given out again', async t => {
  const log = await logOf(t, [T0, T0 + 10], { retentionMs: 100 })
  t.equal(await retain(log, T0 + 1000), 2)
  t.strictSame(left(log), [2, [2]])
  t.equal(await retain(log, T0 + 1000), 0, 'an empty one stays')
  t.equal(await appendAll(log, [batchOfSize(100)]), 2)
})

t.test('records without a time are never too old', async t => {
  const log = await logOf(t, [-1, T0], { retentionMs: 1 })
  t.equal(await retain(log, T0 + 1e9), 0)
})

t.test('segments go that are not needed to keep retention.bytes, but never the last one', async t => {
  const log = await logOf(t, [T0, T0, T0, T0, T0], { retentionBytes: 2500 })
  t.equal(await retain(log, T0), 2, 'what is left is more than that, never less')
  t.strictSame([left(log), log.sizeBytes], [[2, [2, 3, 4]], 3000])
  log.config = { ...log.config, retentionBytes: 3000 }
  t.equal(await retain(log, T0), 0)
  log.config = { ...log.config, retentionBytes: 0 }
  t.equal(await retain(log, T0), 2)
  t.strictSame(left(log), [4, [4]])
})

t.test('what was deleted by request goes whatever the policy, in whole segments', async t => {
  const log = await logOf(t, [T0, T0, T0, T0], { retentionMs: 1, retentionBytes: 0, deletes: false, compacts: true })
  t.equal(await retain(log, T0 + 1e9), 0, 'a topic that is only compacted keeps the rest')
  log.deleteBefore(2)
  t.equal(await retain(log, T0), 2)
  t.strictSame(left(log), [2, [2, 3]])
  log.deleteBefore(4)
  t.equal(await retain(log, T0), 2)
  t.strictSame([left(log), log.endOffset], [[4, [4]], 4])
})

t.test('a limit of -1 is none', async t => {
  const log = await logOf(t, [T0, T0, T0], { retentionMs: -1, retentionBytes: -1 })
  t.equal(await retain(log, T0 + 1e12), 0)
})

t.test('whatever the limits, as many of the oldest segments go as one of them asks for', async t => {
  const random = seeded(11)
  const upTo = (limit: number): number => Math.floor(random() * limit)
  for (let i = 0; i < 60; i++) {
    const times = Array.from({ length: 1 + upTo(8) }, () => T0 + upTo(100))
    const [retentionMs, retentionBytes, deletedTo] = [upTo(3) === 0 ? -1 : upTo(100), upTo(3) === 0 ? -1 : upTo(9000), upTo(times.length + 1)]
    const log = await logOf(t, times, { retentionMs, retentionBytes })
    log.deleteBefore(deletedTo)
    const isOld = (offset: number): boolean => offset < deletedTo || (retentionMs >= 0 && T0 + 100 - times[offset]! > retentionMs)
    let gone = 0
    while (gone < times.length) {
      const isLast = gone === times.length - 1
      const isTooMuch = retentionBytes >= 0 && !isLast && (times.length - gone - 1) * 1000 >= retentionBytes
      if (!isOld(gone) && !isTooMuch) break
      gone++
    }
    const title = `case ${i}: ${JSON.stringify({ times: times.map(ms => ms - T0), retentionMs, retentionBytes, deletedTo })}`
    if (await retain(log, T0 + 100) !== gone || log.startOffset !== Math.max(deletedTo, gone)) {
      return t.strictSame(left(log), [Math.max(deletedTo, gone), gone], title)
    }
  }
  t.pass()
})
