/** recoverSegment by itself, on segments whose damage is known to the byte; corruption.test.ts spoils whole logs at random. */
import t from 'tap'
import { join } from 'node:path'
import type { RecordBatch } from '../../../protocol/batch.ts'
import { recoverSegment, type RecoverOptions, type Recovered } from '../../../storage/log/recovery.ts'
import { indexPaths, segmentName } from '../../../storage/log/segment.ts'
import { T0, batchOf, batchOfSize, batchesOf } from '../../support/batches.ts'
import { FaultFileSystem, failOnce } from '../../support/fault-fs.ts'
import { FOLDER, Watch, appendAll, openLog } from '../../support/logs.ts'
import { MemoryFileSystem } from '../../support/memory-fs.ts'

const BASE = 40
const PATH = join(FOLDER, segmentName(BASE))

/** Batches of these sizes, one record each, with the offsets that they have in the segment. */
function stamped (...sizes: readonly number[]): RecordBatch[] {
  return sizes.map((size, i) => {
    const batch = batchOfSize(size, `${i}`, { nowMs: T0 + i })
    batch.stamp(BASE + i, 0)
    return batch
  })
}

interface World {
  readonly fs: FaultFileSystem
  readonly watch: Watch
  readonly recover: (options?: Partial<RecoverOptions>) => Promise<Recovered>
  /** What a reader finds in the segment that was recovered. */
  readonly offsets: (recovered: Recovered) => Promise<number[]>
}

async function worldOf (...parts: readonly (Buffer | RecordBatch)[]): Promise<World> {
  const fs = new FaultFileSystem(new MemoryFileSystem())
  const watch = new Watch()
  await fs.makeDirectory(FOLDER)
  await fs.writeFile(PATH, Buffer.concat(parts.map(part => 'bytes' in part ? part.bytes : part)))
  const usual = { fs, directory: FOLDER, baseOffset: BASE, indexIntervalBytes: 256, observer: watch, endOffset: Infinity, hasGaps: false, syncedOffset: 0 }
  return {
    fs,
    watch,
    recover: options => recoverSegment({ ...usual, ...options }),
    offsets: async ({ segment }) => batchesOf((await segment.read(BASE, Infinity, true)) ?? []).map(batch => batch.baseOffset)
  }
}

t.test('a torn tail is cut off the last segment, and its offsets are free again', async t => {
  for (const torn of [batchOf(['never acknowledged']).bytes.subarray(0, 50), Buffer.alloc(300), Buffer.from([0])]) {
    const { fs, watch, recover, offsets } = await worldOf(...stamped(300, 400), torn)
    const recovered = await recover()
    t.match(recovered, { nextOffset: BASE + 2, isDamaged: false, segment: { size: 700, nextOffset: BASE + 2 } })
    t.strictSame([watch.truncations, watch.quarantines, await fs.size(PATH)], [[torn.length], [], 700])
    t.strictSame(await offsets(recovered), [BASE, BASE + 1])
    t.strictSame(fs.traceOf('truncate', 'sync'), ['truncate', 'sync'].map(kind => `${kind} ${segmentName(BASE)}`), 'what is counted on is on the disk')
  }
})

t.test('a sound segment stays as it is', async t => {
  const { fs, watch, recover } = await worldOf(...stamped(300, 400))
  t.match(await recover({ syncedOffset: BASE + 2 }), { nextOffset: BASE + 2, isDamaged: false })
  t.strictSame([watch.truncations, watch.quarantines, await fs.list(FOLDER)], [[], [], [segmentName(BASE)]])
  const empty = await worldOf()
  t.match(await empty.recover(), { nextOffset: BASE, isDamaged: false, segment: { size: 0 } })
})

t.test('damage with sound batches behind it is set aside, every byte of it, and the rest is served', async t => {
  const [first, second, third] = stamped(300, 400, 500) as [RecordBatch, RecordBatch, RecordBatch]
  second.bytes[399]! ^= 1
  const { fs, watch, recover, offsets } = await worldOf(first, second, third)
  const recovered = await recover()
  t.match(recovered, { nextOffset: BASE + 3, isDamaged: true, segment: { size: 800, hasGaps: true } })
  t.strictSame(await offsets(recovered), [BASE, BASE + 2])
  const aside = join(FOLDER, '00000000000000000040-300.damaged')
  t.strictSame(watch.quarantines, [{ path: aside, bytes: 400, fromOffset: BASE + 1, toOffset: BASE + 2 }])
  t.ok((await fs.readFile(aside)).equals(second.bytes))
  t.ok((await fs.readFile(PATH)).equals(Buffer.concat([first.bytes, third.bytes])))
  t.strictSame((await fs.list(FOLDER)).length, 2, 'and no draft is left')
})

t.test('what was set aside earlier under the same name stays', async t => {
  const [first, second, third] = stamped(300, 400, 500) as [RecordBatch, RecordBatch, RecordBatch]
  const { fs, watch, recover } = await worldOf(first, Buffer.alloc(400), third)
  await fs.writeFile(join(FOLDER, '00000000000000000040-300.damaged'), second.bytes)
  await recover()
  t.match(watch.quarantines, [{ path: join(FOLDER, '00000000000000000040-300-1.damaged'), bytes: 400 }])
  t.ok((await fs.readFile(join(FOLDER, '00000000000000000040-300.damaged'))).equals(second.bytes))
})

t.test('a bad end is no torn write where more is known to have been there', async t => {
  const known: { readonly [what: string]: [Partial<RecoverOptions>, lost: number] } = {
    'because it was synced': [{ syncedOffset: BASE + 2 }, BASE + 2],
    'because another segment follows': [{ endOffset: BASE + 5 }, BASE + 5]
  }
  for (const [what, [options, toOffset]] of Object.entries(known)) {
    const [first, second] = stamped(300, 400) as [RecordBatch, RecordBatch]
    second.bytes[399]! ^= 1
    const { fs, watch, recover } = await worldOf(first, second)
    t.match(await recover(options), { nextOffset: toOffset, isDamaged: true, segment: { size: 300 } }, what)
    t.strictSame(watch.truncations, [], what)
    t.match(watch.quarantines, [{ bytes: 400, fromOffset: BASE + 1, toOffset }], what)
    t.ok((await fs.readFile(watch.quarantines[0]!.path)).equals(second.bytes), what)
  }
})

t.test('rebuilt indexes are, byte for byte, those that were written when the segment was', async t => {
  const { log, fs } = await openLog(null, { startOffset: BASE, config: { segmentBytes: 7000, indexIntervalBytes: 512 } })
  // Times that also stand still and go back.
  await appendAll(log, Array.from({ length: 150 }, (_, i) => batchOf([`${i}`, 'x'.repeat(i % 90)], { nowMs: T0 + 100 * (i % 40) })))
  t.ok(log.segmentCount > 1)
  await log.close()
  const names = (await fs.list(FOLDER)).filter(name => name.endsWith('.log')).sort()
  for (const [i, name] of names.entries()) {
    const path = join(FOLDER, name)
    const before = await Promise.all(indexPaths(path).map(index => fs.readFile(index)))
    t.ok(before.every(bytes => bytes.length > 12), `${name} has entries`)
    const [baseOffset, endOffset] = [Number(name.slice(0, 20)), i + 1 < names.length ? Number(names[i + 1]!.slice(0, 20)) : Infinity]
    const observer = new Watch()
    for (const index of indexPaths(path)) await fs.remove(index)
    const options = { fs, directory: FOLDER, baseOffset, endOffset, indexIntervalBytes: 512, observer, hasGaps: false, syncedOffset: 0 }
    const { segment } = await recoverSegment(options)
    await segment.seal(observer)
    await segment.close()
    for (const [j, index] of indexPaths(path).entries()) t.equal((await fs.readFile(index)).toString('hex'), before[j]!.toString('hex'), index)
  }
})

t.test('what fails leaves no file open, and the segment as it was', async t => {
  for (const kind of ['read', 'write', 'sync', 'rename', 'syncDirectory'] as const) {
    const [first, , third] = stamped(300, 400, 500) as [RecordBatch, RecordBatch, RecordBatch]
    const { fs, recover } = await worldOf(first, Buffer.alloc(400), third)
    failOnce(fs, kind, 'EIO')
    await t.rejects(recover(), { code: 'EIO' }, kind)
    t.equal(fs.openFiles, 0, kind)
    t.equal(await fs.size(PATH), 1200, kind)
  }
})
