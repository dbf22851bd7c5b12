import t, { type Test } from 'tap'
import { CONTROL, DELETE_HORIZON, type RecordBatch } from '../../../protocol/batch.ts'
import { buildBatch, recordsIn, type LogRecord } from '../../../protocol/records.ts'
import { compact, type CompactionState } from '../../../storage/log/compaction.ts'
import type { LogConfig } from '../../../storage/log/config.ts'
import type { FileSystem } from '../../../storage/log/fs.ts'
import type { Log } from '../../../storage/log/log.ts'
import { T0, batchOf, keyedBatch, seeded } from '../../support/batches.ts'
import { appendAll, openLog } from '../../support/logs.ts'

type Rows = Parameters<typeof keyedBatch>[0]

const RETENTION_MS = 1000
const config = { compacts: true, deletes: false, minCleanableDirtyRatio: 0, deleteRetentionMs: RETENTION_MS }

interface World { readonly log: Log, readonly fs: FileSystem, readonly state: CompactionState }

/** A log in which each of these lies in a segment of its own, and the last one has nothing in it yet. */
async function worldOf (t: Test, segments: readonly (readonly RecordBatch[])[], own: Partial<LogConfig> = {}): Promise<World> {
  const { log, fs } = await openLog(t, { config: { ...config, ...own } })
  for (const batches of segments) {
    await appendAll(log, batches)
    await log.rollNow()
  }
  return { log, fs, state: { cleanedTo: 0 } }
}

const bytesOf = (text: string | null): Buffer | null => text === null ? null : Buffer.from(text)
const textOf = ({ offset, key, value }: LogRecord): string => `${offset} ${key}=${value}`

async function batchesOf (log: Log): Promise<RecordBatch[]> {
  const found: RecordBatch[] = []
  for await (const batches of log.batches(log.startOffset)) found.push(...batches)
  return found
}

const left = async (log: Log): Promise<string[]> => (await batchesOf(log)).flatMap(batch => [...recordsIn(batch)].map(textOf))

t.test('the last record of each key stays, at the offset it had', async t => {
  const { log, fs, state } = await worldOf(t, [[keyedBatch([['a', '1'], ['b', '1']])], [keyedBatch([['a', '2'], ['c', '1'], ['a', '3']])]])
  await appendAll(log, [keyedBatch([['b', '2']])])
  const before = log.sizeBytes
  t.equal(await compact(log, fs, state, T0), before - log.sizeBytes)
  t.strictSame(await left(log), ['1 b=1', '3 c=1', '4 a=3', '5 b=2'], 'what is in the last segment overrules nothing yet')
  t.strictSame([log.endOffset, log.segmentCount, state.cleanedTo], [6, 2, 5], 'small neighbours are one segment')
})

t.test('a tombstone stays for delete.retention.ms after the first pass that met it', async t => {
  const { log, fs, state } = await worldOf(t, [[keyedBatch([['a', '1'], ['b', '1']])], [keyedBatch([['a', null], ['b', null], ['b', '2']])]])
  const passAt = async (nowMs: number): Promise<string[]> => {
    await appendAll(log, [keyedBatch([['other', String(nowMs)]])])
    await log.rollNow()
    await compact(log, fs, state, nowMs)
    return (await left(log)).filter(text => !text.includes('other'))
  }
  t.strictSame(await passAt(T0 + 5), ['2 a=null', '4 b=2'])
  const [batch] = await batchesOf(log)
  t.strictSame([batch!.attributes & DELETE_HORIZON, batch!.baseTimestamp, batch!.maxTimestamp], [DELETE_HORIZON, T0 + 5 + RETENTION_MS, T0],
    'the batch says until when (KIP-534), and its records keep their times')
  t.strictSame(await passAt(T0 + 4 + RETENTION_MS), ['2 a=null', '4 b=2'])
  t.strictSame(await passAt(T0 + 5 + RETENTION_MS), ['4 b=2'])
})

t.test('records without a key go; control batches and what nobody can read stay as they are', async t => {
  const control = batchOf(['x'], { attributes: CONTROL })
  const unreadable = keyedBatch([['a', '1']], { compression: 'gzip' })
  unreadable.bytes.fill(0, 61)
  unreadable.seal()
  const { log, fs, state } = await worldOf(t, [[batchOf(['no key']), control, unreadable, keyedBatch([['a', '2']])]])
  await compact(log, fs, state, T0)
  t.strictSame((await batchesOf(log)).map(batch => batch.baseOffset), [1, 2, 3])
  t.ok((await batchesOf(log))[1]!.bytes.equals(unreadable.bytes))
})

t.test('a batch that loses records keeps its offsets, its producer and its compression', async t => {
  const options = { producerId: 7, producerEpoch: 2, baseSequence: 100, compression: 'gzip' } as const
  const headers = [{ key: 'h', value: Buffer.from('v') }]
  const record = (key: string, timestampMs: number) => ({ key: Buffer.from(key), value: Buffer.from('x'), timestampMs, headers })
  const batch = buildBatch([record('a', T0 + 1), record('b', T0 + 2), record('a', T0 + 3), record('c', T0)], options)
  const { log, fs, state } = await worldOf(t, [[keyedBatch([['z', '1']]), batch, keyedBatch([['c', '2']])]])
  await compact(log, fs, state, T0 + 3)
  const kept = (await batchesOf(log))[1]!
  t.match(kept, { baseOffset: 1, lastOffset: 4, recordCount: 2, compression: 1, isSound: true })
  t.match(kept, { producerId: 7, producerEpoch: 2, baseSequence: 100, lastSequence: 103 }, 'so that its last sequence number is still known')
  t.strictSame([...recordsIn(kept)].map(({ offset, timestampMs, headers }) => [offset, timestampMs, headers]),
    [[2, T0 + 2, headers], [3, T0 + 3, headers]])
})

t.test('a batch of which all is kept stays byte for byte', async t => {
  // We would count its times from another one.
  const batch = keyedBatch([['a', '1'], ['b', '1']], { compression: 'zstd', baseTimestampMs: T0 - 500 })
  const { log, fs, state } = await worldOf(t, [[batch]])
  t.equal(await compact(log, fs, state, T0), 0)
  t.ok((await batchesOf(log))[0]!.bytes.equals(batch.bytes))
})

t.test('what is too young, or too little, is not worth a pass', async t => {
  const rows: Rows = [['a', '1'], ['a', '2']]
  const young = await worldOf(t, [[keyedBatch(rows)], [keyedBatch(rows, { nowMs: T0 + 10 })], [keyedBatch(rows)]], { minCompactionLagMs: 100 })
  t.equal(await compact(young.log, young.fs, young.state, T0 + 99), 0)
  t.ok(await compact(young.log, young.fs, young.state, T0 + 109) > 0)
  t.strictSame(await left(young.log), ['1 a=2', '2 a=1', '3 a=2', '4 a=1', '5 a=2'], 'nothing behind a segment that is too young')

  const { log, fs, state } = await worldOf(t, [[keyedBatch([['a', '1'.repeat(1000)]])]], { minCleanableDirtyRatio: 0.5 })
  await compact(log, fs, state, T0)
  await appendAll(log, [keyedBatch([['a', '2']])])
  await log.rollNow()
  t.equal(await compact(log, fs, state, T0), 0)
  log.config = { ...log.config, minCleanableDirtyRatio: 0.01 }
  t.ok(await compact(log, fs, state, T0) > 1000)
})

t.test('without a lag, a record from the future holds nothing up', async t => {
  const { log, fs, state } = await worldOf(t, [[keyedBatch([['a', '1'], ['a', '2']])]])
  t.ok(await compact(log, fs, state, T0 - 1000) > 0)
})

t.test('what it leaves is whole for a topic that is compacted no longer, after a clean stop and after a crash', async t => {
  const one = (key: string): RecordBatch => keyedBatch([[key, '1']])
  const { log, fs, state } = await worldOf(t, [[one('a'), one('b'), one('c')], [one('d'), one('e'), one('f')], [one('b'), one('c'), one('d'), one('f')]],
    { segmentBytes: 250 })
  await compact(log, fs, state, T0)
  const expected = await left(log)
  t.ok(expected.includes('4 e=1'), 'with a gap on both sides of the only record in its segment')
  await log.close()
  for (const wasClean of [true, false]) {
    const { log: again, watch } = await openLog(t, { fs, config: { compacts: false }, recoveryPoint: wasClean ? log.recoveryPoint : 0, wasClean })
    t.strictSame([await left(again), watch.quarantines], [expected, []])
    await again.close()
  }
})

/** A naive log: every record that is left, and the time from which a tombstone may go. */
type Spec = { offset: number, key: string | null, value: string | null, horizonMs: number }[]

t.test('whatever is written, what is left is what a walk over all records leaves', async t => {
  for (let seed = 1; seed <= 12; seed++) {
    const random = seeded(seed)
    const upTo = (limit: number): number => Math.floor(random() * limit)
    const { log, fs, state } = await worldOf(t, [], { segmentBytes: 600 + upTo(3000) })
    let spec: Spec = []
    for (let pass = 0; pass < 6; pass++) {
      for (let i = 0; i < 10; i++) {
        const rows = Array.from({ length: 1 + upTo(4) }, () => [upTo(8) === 0 ? null : `k${upTo(40)}`, upTo(4) === 0 ? null : `${pass}.${i}`] as const)
        const records = rows.map(([key, value]) => ({ key: bytesOf(key), value: bytesOf(value), timestampMs: T0 }))
        const base = await appendAll(log, [buildBatch(records, { compression: upTo(3) === 0 ? 'gzip' : 'none' })])
        spec.push(...rows.map(([key, value], j) => ({ offset: base + j, key, value, horizonMs: Infinity })))
      }
      await log.rollNow()
      const nowMs = T0 + pass * 300 + upTo(200)
      await compact(log, fs, state, nowMs)
      const last = new Map(spec.map(({ key, offset }) => [key, offset]))
      spec = spec.filter(({ offset, key, value, horizonMs }) => key !== null && last.get(key) === offset && (value !== null || nowMs < horizonMs))
      for (const one of spec) if (one.horizonMs === Infinity) one.horizonMs = nowMs + RETENTION_MS
      const expected = spec.map(({ offset, key, value }) => `${offset} ${key}=${value}`)
      const found = await left(log)
      if (found.join() !== expected.join()) return t.strictSame(found, expected, `seed ${seed}, pass ${pass}`)
    }
    const { log: again } = await openLog(t, { fs, config })
    t.equal((await left(again)).join(), (await left(log)).join(), `seed ${seed}: and after a restart`)
  }
})
