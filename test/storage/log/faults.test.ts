/** What the log does when the disk refuses, at every single operation of a mixed workload. */
import t from 'tap'
import type { RecordBatch } from '../../../protocol/batch.ts'
import { Checkpoint } from '../../../storage/log/checkpoint.ts'
import { compact } from '../../../storage/log/compaction.ts'
import type { LogConfig } from '../../../storage/log/config.ts'
import type { Log } from '../../../storage/log/log.ts'
import { retain } from '../../../storage/log/retention.ts'
import { T0, batchOf, batchOfSize, batchesOf, keyedBatch, valuesOf } from '../../support/batches.ts'
import { Fault, FaultFileSystem, failOnce, type Call } from '../../support/fault-fs.ts'
import { appendAll, openLog, readAll, readValues } from '../../support/logs.ts'
import { MemoryFileSystem } from '../../support/memory-fs.ts'

const storageError = { code: 'KAFKA_STORAGE_ERROR' }

interface Outcome {
  readonly log: Log
  readonly memory: MemoryFileSystem
  readonly fs: FaultFileSystem
  readonly acknowledged: ReadonlyMap<number, RecordBatch>
  readonly failed: Call | undefined
  readonly operations: number
}

interface Workload {
  readonly config: Partial<LogConfig>
  readonly batchAt: (step: number) => RecordBatch
  readonly maintain: (log: Log, fs: FaultFileSystem) => Promise<unknown>
}

const workloads: { readonly [name: string]: Workload } = {
  'rolling and retention': {
    config: { segmentBytes: 2048, retentionBytes: 6000 },
    batchAt: step => batchOfSize(300 + step * 10, `step ${step}`),
    maintain: log => retain(log, T0)
  },
  compaction: {
    config: { segmentBytes: 1024, compacts: true, deletes: false, minCleanableDirtyRatio: 0 },
    batchAt: step => keyedBatch([[`key ${step % 3}`, `value ${step} `.repeat(20)]]),
    maintain: (log, fs) => compact(log, fs, { cleanedTo: 0 }, T0)
  }
}

/** Runs a workload in which operation number `failing` goes wrong. */
async function run ({ config, batchAt, maintain }: Workload, failing: number, code: string): Promise<Outcome> {
  const memory = new MemoryFileSystem()
  const fs = new FaultFileSystem(memory)
  const { log } = await openLog(null, { fs, config })
  const points = new Checkpoint(fs, '/data/points')
  const acknowledged = new Map<number, RecordBatch>()
  let operations = 0
  let failed: Call | undefined
  fs.before = call => {
    if (operations++ !== failing) return
    failed = call
    throw new Fault(code, Math.floor(call.bytes / 2))
  }
  const append = async (step: number): Promise<void> => {
    const batch = batchAt(step)
    const offset = log.append(batch)
    await log.committed(batch.nextOffset)
    acknowledged.set(offset, batch)
  }
  for (let step = 0; step < 30; step += 2) {
    await Promise.allSettled([append(step), append(step + 1)])
    if (step % 10 === 8) await maintain(log, fs).catch(() => {})
    await points.write([{ topic: 't', partition: 0, offset: log.recoveryPoint }]).catch(() => {})
  }
  await readAll(log).catch(() => {})
  fs.before = () => {}
  return { log, memory, fs, acknowledged, failed, operations }
}

/** Acknowledged batches that a log has lost, by offset, and those that hold something else. */
async function lost (log: Log, { acknowledged }: Outcome, keyed: boolean): Promise<string[]> {
  const found = new Map((await readAll(log)).map(record => [record.offset, String(record.value)]))
  const latest = new Map<string, number>()
  const rows = [...acknowledged].flatMap(([offset, batch]) => valuesOf([batch.bytes]).map(value => ({ offset, value })))
  for (const { offset } of rows) latest.set(keyed ? String(offset % 3) : String(offset), offset)
  return rows
    .filter(({ offset, value }) => offset >= log.startOffset && found.get(offset) !== value)
    .filter(({ offset }) => found.has(offset) || !keyed || [...latest.values()].includes(offset))
    .map(({ offset }) => `offset ${offset}`)
}

for (const [name, workload] of Object.entries(workloads)) {
  for (const code of ['ENOSPC', 'EIO']) {
    t.test(`${name}: every operation fails once with ${code}`, async t => {
      const { operations, fs, log } = await run(workload, Infinity, code)
      await log.close()
      t.equal(fs.openFiles, 0)
      t.ok(operations > 100, `${operations} operations`)
      for (let failing = 0; failing < operations; failing++) {
        const outcome = await run(workload, failing, code)
        const { log, fs, memory, failed } = outcome
        const title = `operation ${failing}, ${failed?.kind} of ${failed?.path}`
        if (failed === undefined) t.fail(`${failing}: nothing failed`)
        const keyed = name === 'compaction'
        t.strictSame(await lost(log, outcome, keyed), [], `${title}: what was acknowledged is read`)
        if (log.failure === null) {
          await appendAll(log, [batchOf(['it goes on'])])
        } else {
          t.ok(['sync', 'syncDirectory', 'rename', 'remove'].includes(failed!.kind), `${title}: stops the log`)
          t.throws(() => log.append(batchOf(['no'])), storageError)
        }
        const { committedOffset } = log
        await log.close()
        t.equal(fs.openFiles, 0, `${title}: closes every file`)
        const again = await openLog(null, { fs: memory, config: workload.config })
        t.strictSame(await lost(again.log, outcome, keyed), [], `${title}: and is there after a restart`)
        t.ok(again.log.endOffset >= committedOffset)
        await again.log.close()
      }
    })
  }
}

t.test('a full disk: who cannot be served is told, nobody else loses anything, and the log goes on when there is room', async t => {
  const memory = new MemoryFileSystem()
  const fs = new FaultFileSystem(memory)
  const truncated: number[] = []
  const { log, watch } = await openLog(t, { fs, onTruncate: offset => truncated.push(offset) })
  await appendAll(log, [batchOf(['before'])])
  let isFull = true
  fs.before = ({ kind, bytes }) => { if (isFull && kind === 'write') throw new Fault('ENOSPC', bytes - 1) }
  const refused = [batchOf(['1', '2']), batchOf(['3'])].map(batch => {
    log.append(batch)
    return Promise.allSettled([log.written(batch.nextOffset), log.committed(batch.nextOffset)])
  })
  for (const results of await Promise.all(refused)) t.match(results, [{ reason: storageError }, { reason: storageError }])
  t.strictSame(truncated, [1], 'whoever counts on offsets is told that they are free again')
  t.match(log, { endOffset: 1, committedOffset: 1, failure: null, sizeBytes: log.segments[0]!.size })
  t.match(watch.failures, [{ code: 'ENOSPC' }])
  t.strictSame(await readValues(log), ['before'])
  isFull = false
  await appendAll(log, [batchOf(['after'])])
  t.strictSame(await readValues(log), ['before', 'after'])
  const again = await openLog(t, { fs: memory })
  t.strictSame(await readValues(again.log), ['before', 'after'], 'nothing of what was refused comes back')
})

t.test('what comes while a failed write is taken back is refused with it, what comes afterwards is not', async t => {
  const fs = new FaultFileSystem(new MemoryFileSystem())
  const { log } = await openLog(t, { fs })
  const outcomes: string[] = []
  const append = (name: string): void => {
    const batch = batchOf([name])
    log.append(batch)
    log.committed(batch.nextOffset).then(() => outcomes.push(`${name} at ${batch.baseOffset}`), () => outcomes.push(`${name} refused`))
  }
  let writes = 0
  fs.before = ({ kind }) => {
    if (kind === 'write' && writes++ === 1) throw new Fault('ENOSPC', 10)
    if (kind === 'truncate') append('during')
  }
  append('first')
  await log.committed(1)
  append('failed')
  await t.rejects(log.written(2), storageError)
  append('later')
  await log.committed(2)
  t.strictSame(outcomes, ['first at 0', 'failed refused', 'during refused', 'later at 1'])
  t.strictSame(await readValues(log), ['first', 'later'])
})

t.test('of a round that fails in its second segment, the first one stays and is acknowledged', async t => {
  const fs = new FaultFileSystem(new MemoryFileSystem())
  const { log } = await openLog(t, { fs, config: { segmentBytes: 1000 } })
  failOnce(fs, 'write', 'ENOSPC', { path: '00000000000000000002.log' })
  const results = await Promise.allSettled([0, 1, 2, 3].map(i => {
    const batch = batchOfSize(450, String(i))
    log.append(batch)
    return log.committed(batch.nextOffset)
  }))
  t.strictSame(results.map(({ status }) => status), ['fulfilled', 'fulfilled', 'rejected', 'rejected'])
  t.match(log, { endOffset: 2, committedOffset: 2 })
  await appendAll(log, [batchOfSize(450, 'x')])
  t.equal((await readAll(log)).length, 3)
})

t.test('after a failed sync nothing is acknowledged any more, and what was committed is still read', async t => {
  const fs = new FaultFileSystem(new MemoryFileSystem())
  const { log, watch } = await openLog(null, { fs, config: { segmentBytes: 1000 } })
  await appendAll(log, [batchOfSize(450, 'a'), batchOfSize(450, 'b'), batchOfSize(450, 'c')])
  failOnce(fs, 'sync', 'EIO')
  log.append(batchOf(['unknown']))
  const [written, committed] = await Promise.allSettled([log.written(4), log.committed(4)])
  t.equal(written.status, 'fulfilled', 'it is in the file')
  t.match(committed, { reason: storageError })
  fs.before = () => {}
  t.match(log.failure, { code: 'EIO' })
  t.throws(() => log.append(batchOf(['no'])), storageError)
  await t.rejects(log.committed(4), storageError, 'nor is it waited for: a later sync that works would prove nothing')
  t.equal(log.committedOffset, 3)
  t.equal((await readAll(log)).length, 3)
  t.strictSame(batchesOf(await log.read(2, 1e6, true)).map(batch => batch.baseOffset), [2], 'and no more than that')
  await log.rollNow()
  t.equal(log.segmentCount, 2)
  t.match(watch.failures, [{ code: 'EIO' }], 'said once')
  const syncs = fs.traceOf('sync').length
  await log.close()
  t.equal(fs.traceOf('sync').length, syncs, 'the clean end makes no other try')
  t.ok(log.recoveryPoint <= 3)
})

t.test('with durability `os` a sync that fails in the background stops the log as well', async t => {
  const fs = new FaultFileSystem(new MemoryFileSystem())
  const { log } = await openLog(t, { fs, durability: 'os', config: { segmentBytes: 1000 } })
  failOnce(fs, 'sync', 'EIO')
  await appendAll(log, [batchOfSize(900)])
  t.equal(log.failure, null)
  log.append(batchOfSize(900))
  await t.rejects(log.committed(2), storageError)
  t.match(log.failure, { code: 'EIO' })
  t.throws(() => log.append(batchOf(['no'])), storageError)
  t.equal(log.recoveryPoint, 0)
})

t.test('a file that cannot be cut back after a failed write stops the log', async t => {
  const fs = new FaultFileSystem(new MemoryFileSystem())
  const { log } = await openLog(t, { fs })
  fs.before = ({ kind }) => { if (kind === 'write' || kind === 'truncate') throw new Fault('EIO', 10) }
  log.append(batchOf(['x']))
  await t.rejects(log.committed(1), storageError)
  t.match(log.failure, { code: 'EIO' })
})

t.test('a read that the disk refuses is an error of that read alone', async t => {
  const fs = new FaultFileSystem(new MemoryFileSystem())
  const { log, watch } = await openLog(t, { fs })
  await appendAll(log, [batchOf(['a'])])
  failOnce(fs, 'read', 'EIO')
  await t.rejects(async () => log.read(0, 1, true), storageError)
  t.match(watch.failures, [{ code: 'EIO' }])
  t.strictSame(await readValues(log), ['a'])
})

t.test('a log that cannot be opened leaves no file open', async t => {
  const memory = new MemoryFileSystem()
  const { log } = await openLog(null, { fs: memory, config: { segmentBytes: 500 } })
  await appendAll(log, Array.from({ length: 10 }, () => batchOfSize(300)))
  await log.discard()
  for (const kind of ['open', 'read', 'sync', 'size', 'list'] as const) {
    const fs = new FaultFileSystem(memory)
    failOnce(fs, kind, 'EIO', { skipped: 3 })
    if (kind === 'list') failOnce(fs, kind, 'EIO', { skipped: 1 })
    await t.rejects(openLog(null, { fs }), { code: 'EIO' }, kind)
    t.equal(fs.openFiles, 0, kind)
  }
})
