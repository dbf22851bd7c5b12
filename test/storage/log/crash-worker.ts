/**
 * A mixed workload is run once, with every change to the disk written down. Then the log is opened on the disk as a crash
 * might have left it, at every point and in every way that `crashStates` knows, and has to keep what it has promised.
 *
 * As a thread of its own, where tap does not watch every promise: there are very many.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { RecordBatch } from '../../../protocol/batch.ts'
import { recordsIn } from '../../../protocol/records.ts'
import { Checkpoint } from '../../../storage/log/checkpoint.ts'
import { compact } from '../../../storage/log/compaction.ts'
import type { LogConfig } from '../../../storage/log/config.ts'
import type { Log } from '../../../storage/log/log.ts'
import { retain } from '../../../storage/log/retention.ts'
import type { FileSystem } from '../../../storage/log/fs.ts'
import { T0, batchOf, batchOfSize, keyedBatch, seeded } from '../../support/batches.ts'
import { crashStates, type CrashState } from '../../support/crash-states.ts'
import { Fault, FaultFileSystem, type Call } from '../../support/fault-fs.ts'
import { openLog, type Watch } from '../../support/logs.ts'
import { MemoryFileSystem, type Change } from '../../support/memory-fs.ts'

const POINTS = '/data/recovery-point-offset-checkpoint'
const STARTS = '/data/log-start-offset-checkpoint'
const random = seeded(4711)
const upTo = (limit: number): number => Math.floor(random() * limit)

/** Something that was true from a certain number of changes on. */
interface Since<T> { readonly count: number, readonly what: T }

interface Acknowledged { readonly offset: number, readonly nextOffset: number, readonly bytes: Buffer }

interface Workload {
  readonly fs: MemoryFileSystem
  readonly config: Partial<LogConfig>
  /** Every batch that was ever appended, by its offset, as it was stored: several where all but the last were refused. */
  readonly appended: ReadonlyMap<number, readonly Buffer[]>
  readonly acknowledged: readonly Since<Acknowledged>[]
  /** Records before this offset were free to go. */
  readonly deleted: readonly Since<number>[]
  /** Keys that were overruled by then were free to go. */
  readonly compacted: readonly Since<number>[]
}

interface Plan {
  readonly config: Partial<LogConfig>
  readonly steps: number
  readonly batchAt: (step: number) => RecordBatch
  /** What is done after each step. */
  readonly between?: (step: number, log: Log, fs: FileSystem) => Promise<void>
  /** Called before every operation on the disk. */
  readonly fault?: (call: Call) => void
}

async function run ({ config, steps, batchAt, between, fault }: Plan): Promise<Workload> {
  const fs = new MemoryFileSystem()
  const faulty = new FaultFileSystem(fs)
  await fs.makeDirectory('/data')
  const { log } = await openLog(null, { fs: faulty, config })
  if (fault !== undefined) faulty.before = fault
  const points = new Checkpoint(fs, POINTS)
  const starts = new Checkpoint(fs, STARTS)
  const appended = new Map<number, Buffer[]>()
  const acknowledged: Since<Acknowledged>[] = []
  const deleted: Since<number>[] = []
  const compacted: Since<number>[] = []
  for (let step = 0; step < steps; step++) {
    const waiting = Array.from({ length: 1 + upTo(3) }, async () => {
      const batch = batchAt(step)
      const offset = log.append(batch)
      appended.set(offset, [...appended.get(offset) ?? [], batch.bytes])
      await log.committed(batch.nextOffset)
      acknowledged.push({ count: fs.changes.length, what: { offset, nextOffset: batch.nextOffset, bytes: batch.bytes } })
    })
    await Promise.allSettled(waiting)
    const { length: count } = fs.changes
    await between?.(step, log, faulty)
    deleted.push({ count, what: log.startOffset })
    compacted.push({ count, what: log.endOffset })
    if (step % 4 === 3) {
      await points.write([{ topic: 't', partition: 0, offset: log.recoveryPoint }])
      await starts.write([{ topic: 't', partition: 0, offset: log.startOffset }])
    }
  }
  await log.close()
  return { fs, config, appended, acknowledged, deleted, compacted }
}

const latest = <T>(list: readonly Since<T>[], count: number): T | undefined => list.findLast(one => one.count < count)?.what

async function open (disk: CrashState['disk'], config: Partial<LogConfig>): Promise<{ log: Log, watch: Watch, fs: MemoryFileSystem }> {
  const fs = new MemoryFileSystem(disk)
  const recoveryPoint = (await new Checkpoint(fs, POINTS).read()).get('t-0') ?? 0
  const startOffset = (await new Checkpoint(fs, STARTS).read()).get('t-0') ?? 0
  return { ...await openLog(null, { fs, config, recoveryPoint, startOffset }), fs }
}

async function batchesIn (log: Log): Promise<Map<number, RecordBatch>> {
  const found = new Map<number, RecordBatch>()
  let expected = -1
  for await (const batches of log.batches(0)) {
    for (const batch of batches) {
      if (batch.baseOffset < expected) throw new Error(`offset ${batch.baseOffset} comes after ${expected - 1}`)
      expected = batch.nextOffset
      found.set(batch.baseOffset, batch)
    }
  }
  return found
}

const described = (disk: CrashState['disk']): string => [...disk.contents()].map(([path, bytes]) => `${path} ${bytes.toString('latin1')}`).join()

/** What is wrong in a state, or null. */
async function violation (state: CrashState, load: Workload): Promise<string | null> {
  const { log, watch, fs } = await open(state.disk, load.config)
  const found = await batchesIn(log)
  const promised = load.acknowledged.filter(({ count }) => count <= state.count).map(({ what }) => what)
  const start = latest(load.deleted, state.count) ?? 0
  const end = Math.max(0, ...promised.map(({ nextOffset }) => nextOffset))
  if (log.endOffset < end) return `the log ends at ${log.endOffset}, ${end} was acknowledged`
  if (log.startOffset > start) return `the log begins at ${log.startOffset}, only ${start} was asked for`
  if (watch.failures.length > 0) return `failures: ${watch.failures.join()}`
  const wrong = load.compacted.length === 0 || !load.config.compacts
    ? missingBatch(found, promised, load, start)
    : missingRecord(found, promised, load, latest(load.compacted, state.count) ?? 0)
  if (wrong !== null) return wrong
  const before = described(state.disk)
  await log.discard()
  const again = await open(state.disk, load.config)
  if (described(state.disk) !== before) return 'a second start changes something'
  const next = again.log.append(batchOf(['after the crash']))
  if (next < end) return `offset ${next} is given out again`
  await again.log.committed(next + 1)
  if (!(await batchesIn(again.log)).has(next)) return 'nothing can be appended'
  await again.log.discard()
  return fs.changes.some(change => change.kind === 'remove' && change.path.endsWith('.log')) && !load.config.compacts ? 'a segment was removed' : null
}

function missingBatch (found: ReadonlyMap<number, RecordBatch>, promised: readonly Acknowledged[], load: Workload, start: number): string | null {
  for (const [offset, { bytes }] of found) {
    if (!load.appended.get(offset)?.some(one => one.equals(bytes))) return `offset ${offset} holds something else`
  }
  const missing = promised.find(({ offset, nextOffset, bytes }) => nextOffset > start && !found.get(offset)?.bytes.equals(bytes))
  return missing === undefined ? null : `offset ${missing.offset} is missing`
}

function missingRecord (found: ReadonlyMap<number, RecordBatch>, promised: readonly Acknowledged[], load: Workload, compactedTo: number): string | null {
  const there = new Map([...found.values()].flatMap(batch => [...recordsIn(batch)]).map(record => [record.offset, record]))
  const overruled = new Map<string, number>()
  for (const { bytes } of load.acknowledged.map(({ what }) => what)) {
    for (const { key, offset } of recordsOf(bytes)) if (offset < compactedTo) overruled.set(String(key), offset)
  }
  for (const { bytes } of promised) {
    for (const { offset, key, value } of recordsOf(bytes)) {
      const record = there.get(offset)
      if (record === undefined && (overruled.get(String(key)) ?? -1) <= offset) return `offset ${offset} is missing`
      if (record !== undefined && (String(record.key) !== String(key) || String(record.value) !== String(value))) return `offset ${offset} holds something else`
    }
  }
  return null
}

const recordsOf = (bytes: Buffer): ReturnType<typeof recordsIn> => recordsIn(new RecordBatch(bytes))

const workloads: { readonly [name: string]: () => Promise<Workload> } = {
  appending: () => run({
    config: { segmentBytes: 4096, retentionBytes: 9000 },
    steps: 24,
    batchAt: step => batchOfSize(100 + upTo(1500), `step ${step}`),
    async between (step, log) {
      if (step % 5 === 4) await retain(log, T0)
      if (step % 11 === 10) await log.rollNow()
      if (step % 13 === 12) log.deleteBefore(log.startOffset + 3)
    }
  }),

  compacting () {
    const state = { cleanedTo: 0 }
    const keys = ['a', 'b', 'c', 'd', 'e', 'f']
    let number = 0
    const record = (): readonly [string, string | null] => [keys[upTo(6)]!, upTo(5) === 0 ? null : `value ${number++}`.repeat(1 + upTo(9))]
    return run({
      config: { segmentBytes: 1024, compacts: true, deletes: false, minCleanableDirtyRatio: 0 },
      steps: 16,
      batchAt: () => keyedBatch(Array.from({ length: 1 + upTo(4) }, record), { compression: upTo(3) === 0 ? 'gzip' : 'none' }),
      between: async (step, log, fs) => { if (step % 4 === 3) await compact(log, fs, state, T0) }
    })
  },

  'a full disk': () => run({
    config: { segmentBytes: 4096 },
    steps: 24,
    batchAt: step => batchOfSize(100 + upTo(1500), `step ${step}`),
    fault ({ kind, path, bytes }) {
      if (kind === 'write' && path.endsWith('.log') && upTo(3) === 0) throw new Fault('ENOSPC', upTo(bytes))
      if (kind === 'open' && upTo(4) === 0) throw new Fault('ENOSPC')
    }
  })
}

const load = await workloads[workerData as string]!()
const { changes } = load.fs
const violations: string[] = []
let states = 0
for (const state of crashStates(changes)) {
  states++
  const wrong = await violation(state, load).catch((error: Error) => error.stack)
  if (wrong !== null) violations.push(`after ${state.count} of ${changes.length} changes, ${state.what}: ${wrong}`)
}
const count = (kind: Change['kind'], path: string): number => changes.filter(change => change.kind === kind && JSON.stringify(change).includes(path)).length
parentPort!.postMessage({
  states,
  violations,
  removed: count('remove', '.log"'),
  replaced: count('rename', '.log.swap","to"'),
  refused: [...load.appended.values()].flat().length - load.acknowledged.length
})
