import t from 'tap'
import { join } from 'node:path'
import { realFileSystem } from '../../../storage/log/fs.ts'
import { LEADER_EPOCH } from '../../../storage/log/log.ts'
import { TailBudget } from '../../../storage/log/tail.ts'
import { T0, batchOf, batchOfSize, batchesOf, copyOf, valuesOf } from '../../support/batches.ts'
import { FaultFileSystem } from '../../support/fault-fs.ts'
import { FOLDER, appendAll, openLog, readAll, readValues } from '../../support/logs.ts'
import { MemoryFileSystem } from '../../support/memory-fs.ts'

const storageError = { code: 'KAFKA_STORAGE_ERROR' }
const outOfRange = { code: 'OFFSET_OUT_OF_RANGE' }
const names = (lines: readonly string[]): string[] => lines.filter(line => line.endsWith('.log'))

t.test('a batch gets the next offsets and is stored byte for byte', async t => {
  const { log, fs } = await openLog(t)
  const batches = [batchOf(['a', 'b']), batchOf(['c'], { compression: 'gzip', producerId: 5, producerEpoch: 1, baseSequence: 7 }), batchOf(['d'])]
  const sent = batches.map(copyOf)
  t.strictSame(batches.map(batch => log.append(batch)), [0, 2, 3])
  t.equal(log.endOffset, 4)
  await log.committed(4)
  for (const [i, batch] of sent.entries()) batch.stamp([0, 2, 3][i]!, LEADER_EPOCH)
  const file = await fs.readFile(join(FOLDER, '00000000000000000000.log'))
  t.ok(file.equals(Buffer.concat(sent.map(batch => batch.bytes))), 'stamped, and else as it came')
  t.strictSame(await readValues(log), ['a', 'b', 'c', 'd'])
})

t.test('a new log begins where it is told to', async t => {
  const { log, fs } = await openLog(t, { startOffset: 4711 })
  t.match(log, { startOffset: 4711, endOffset: 4711, committedOffset: 4711, segmentCount: 1, sizeBytes: 0 })
  t.equal(log.append(batchOf(['a'])), 4711)
  await log.committed(4712)
  t.strictSame(await fs.list(FOLDER), ['00000000000000004711.log'])
})

t.test('what comes while a round is under way goes out together in the next one', async t => {
  const fs = new FaultFileSystem(new MemoryFileSystem())
  const { log, watch } = await openLog(t, { fs })
  const isSyncing = Promise.withResolvers<void>()
  const goOn = Promise.withResolvers<void>()
  fs.before = ({ kind }) => {
    if (kind !== 'sync') return
    isSyncing.resolve()
    return goOn.promise
  }
  const acknowledged: number[] = []
  const acknowledge = (offset: number): Promise<void> => log.committed(offset).then(() => { acknowledged.push(offset) })
  log.append(batchOf(['first']))
  const waiting = [acknowledge(1)]
  await isSyncing.promise
  for (let i = 1; i <= 20; i++) {
    log.append(batchOf([String(i)]))
    waiting.push(acknowledge(i + 1))
  }
  await new Promise(resolve => setImmediate(resolve))
  t.strictSame(acknowledged, [], 'nobody is told before the sync')
  t.equal(log.committedOffset, 0)
  goOn.resolve()
  await Promise.all(waiting)
  t.strictSame(names(fs.traceOf('write', 'sync')), ['write', 'sync', 'write', 'sync'].map(kind => `${kind} 00000000000000000000.log`))
  t.strictSame(acknowledged, Array.from({ length: 21 }, (_, i) => i + 1), 'in order')
  t.equal(watch.syncs, 2)
  t.equal((await readAll(log)).length, 21)
})

t.test('batches of one turn of the event loop share a round', async t => {
  const fs = new FaultFileSystem(new MemoryFileSystem())
  const { log } = await openLog(t, { fs })
  for (let i = 0; i < 10; i++) queueMicrotask(() => log.append(batchOf([String(i)])))
  await new Promise(resolve => process.nextTick(resolve))
  await log.committed(10)
  t.equal(names(fs.traceOf('write')).length, 1)
})

t.test('`written` comes before the sync, `committed` after it', async t => {
  const fs = new FaultFileSystem(new MemoryFileSystem())
  const { log } = await openLog(t, { fs })
  const order: string[] = []
  fs.before = ({ kind }) => { order.push(kind) }
  log.append(batchOf(['a']))
  await Promise.all([
    log.committed(1).then(() => order.push('committed')),
    log.written(1).then(() => order.push('written'))
  ])
  t.ok(order.indexOf('write') < order.indexOf('written') && order.indexOf('sync') < order.indexOf('committed'))
  await t.resolves(log.committed(1), 'and at once where it is so already')
})

t.test('with durability `os` nobody waits for the disk', async t => {
  const fs = new FaultFileSystem(new MemoryFileSystem())
  const { log } = await openLog(t, { fs, durability: 'os' })
  await appendAll(log, [batchOf(['a']), batchOf(['b'])])
  t.strictSame(fs.traceOf('sync'), [])
  t.strictSame(await readValues(log), ['a', 'b'])
})

t.test('readers do not see what is not committed', async t => {
  const fs = new FaultFileSystem(new MemoryFileSystem())
  for (const tailBudget of [new TailBudget(0), new TailBudget(1e6)]) {
    const directory = `/data/uncommitted-${tailBudget.usedBytes}`
    const { log } = await openLog(null, { fs, tailBudget, directory })
    await log.read(0, 1, true)
    await appendAll(log, [batchOf(['a'])])
    const goOn = Promise.withResolvers<void>()
    fs.before = ({ kind }) => kind === 'sync' ? goOn.promise : undefined
    log.append(batchOf(['b']))
    await log.written(2)
    t.match(log, { endOffset: 2, committedOffset: 1 })
    t.strictSame(await readValues(log), ['a'])
    t.strictSame(valuesOf(await log.read(0, 1e6, true)), ['a'], 'nor behind what is')
    t.strictSame(await log.read(1, 1e6, true), [], 'the end is no error')
    t.throws(() => log.read(2, 1e6, true), outOfRange)
    t.strictSame(await log.findTime(0), { offset: 0, timestampMs: T0 })
    t.match(await log.findYoungest(), { offset: 0 })
    goOn.resolve()
    await log.committed(2)
    t.strictSame(await readValues(log), ['a', 'b'])
    await log.close()
    fs.before = () => {}
    await fs.remove(directory)
  }
})

t.test('memory and file give the same bytes', async t => {
  const { log } = await openLog(t, { tailBudget: new TailBudget(1e6), config: { segmentBytes: 1024 } })
  const { log: cold } = await openLog(t, { config: { segmentBytes: 1024 } })
  const batches = Array.from({ length: 40 }, (_, i) => batchOf([`value ${i}`, 'x'.repeat(i * 7)]))
  await appendAll(cold, batches.map(copyOf))
  await log.read(0, 1, true) // who waits for the first record is a reader
  await appendAll(log, batches)
  for (let offset = 0; offset < 80; offset++) {
    const hot = log.read(offset, 1, true)
    t.notOk(hot instanceof Promise, 'at once')
    t.ok(Buffer.concat(await hot).equals(Buffer.concat(await cold.read(offset, 1, true))), `offset ${offset}`)
  }
})

for (const tail of [0, 1e6]) {
  t.test(`a read keeps to its limits, ${tail === 0 ? 'from the file' : 'from memory'}`, async t => {
    const { log } = await openLog(t, { tailBudget: new TailBudget(tail) })
    await log.read(0, 1, true)
    await appendAll(log, [batchOfSize(100, 'a'), batchOfSize(8000, 'b'), batchOfSize(200, 'c')])
    t.equal(log.read(0, 1, true) instanceof Promise, tail === 0)
    const sizes = async (offset: number, maxBytes: number, atLeastOne: boolean): Promise<number[]> =>
      batchesOf(await log.read(offset, maxBytes, atLeastOne)).map(batch => batch.sizeBytes)
    t.strictSame(await sizes(0, 99, false), [])
    t.strictSame(await sizes(0, 99, true), [100], 'at least one batch')
    t.strictSame(await sizes(0, 0, true), [100])
    t.strictSame(await sizes(0, 100, false), [100])
    t.strictSame(await sizes(0, 8099, false), [100], 'only whole ones')
    t.strictSame(await sizes(0, 8100, false), [100, 8000])
    t.strictSame(await sizes(1, 10, true), [8000], 'larger than any window')
    t.strictSame(await sizes(1, 7999, false), [])
    t.strictSame(await sizes(0, 1e9, false), [100, 8000, 200])
  })
}

t.test('a read begins with the batch that holds the offset', async t => {
  const { log } = await openLog(t)
  await appendAll(log, [batchOf(['0', '1', '2']), batchOf(['3', '4'])])
  t.strictSame(valuesOf(await log.read(2, 1, true)), ['0', '1', '2'])
  t.strictSame(valuesOf(await log.read(3, 1, true)), ['3', '4'])
  t.throws(() => log.read(-1, 1, true), outOfRange)
  t.throws(() => log.read(6, 1, true), outOfRange)
})

t.test('a reader goes through many segments, in steps of any size', async t => {
  const { log } = await openLog(t, { config: { segmentBytes: 2048 } })
  const values = Array.from({ length: 400 }, (_, i) => `value ${i}`)
  await appendAll(log, values.map(value => batchOf([value])))
  t.ok(log.segmentCount > 10)
  for (const maxBytes of [1, 100, 1000, 5000, 1e6]) t.strictSame(await readValues(log, 0, maxBytes), values, `${maxBytes} bytes`)
  for (let offset = 0; offset < values.length; offset += 7) t.strictSame(valuesOf(await log.read(offset, 1, true)), [values[offset]])
})

t.test('many readers at once each get what they ask for', async t => {
  const { log } = await openLog(t, { config: { segmentBytes: 2048 } })
  const values = Array.from({ length: 300 }, (_, i) => `value ${i}`)
  await appendAll(log, values.map(value => batchOf([value])))
  const read = await Promise.all(values.map((_, offset) => log.read(offset, 1, true)))
  t.strictSame(read.map(chunks => valuesOf(chunks)[0]), values)
})

t.test('a segment is full when it would grow beyond its size', async t => {
  const { log, fs } = await openLog(t, { config: { segmentBytes: 1000 } })
  await appendAll(log, [batchOfSize(500), batchOfSize(500)])
  t.equal(log.segmentCount, 1, 'filled to the last byte')
  await appendAll(log, [batchOfSize(100)])
  t.equal(log.segmentCount, 2)
  await appendAll(log, [batchOfSize(2000)])
  t.equal(log.segmentCount, 3, 'a batch larger than a segment has one to itself')
  const logs = names(await fs.list(FOLDER))
  t.strictSame(logs.sort(), [0, 2, 3].map(base => `0000000000000000000${base}.log`))
  t.ok((await fs.list(FOLDER)).includes('00000000000000000000.index'), 'a full one has its indexes on disk')
})

t.test('a segment is full when its records span too much time', async t => {
  const { log } = await openLog(t, { config: { segmentMs: 1000 } })
  const at = (nowMs: number): Promise<number> => appendAll(log, [batchOf(['x'], { nowMs })])
  await at(T0)
  await at(T0 + 1000)
  await at(T0 - 5000)
  t.equal(log.segmentCount, 1)
  await at(T0 + 1001)
  t.equal(log.segmentCount, 2)
  await at(T0 + 2001)
  t.equal(log.segmentCount, 2, 'the time counts from the first batch of the new one')
})

t.test('a round may fill several segments, and only full ones are closed', async t => {
  const { log } = await openLog(t, { config: { segmentBytes: 1000 } })
  for (let i = 0; i < 20; i++) log.append(batchOfSize(300, String(i)))
  await log.committed(20)
  t.strictSame(log.segments.map(({ baseOffset, size }) => [baseOffset, size]), [0, 3, 6, 9, 12, 15, 18].map(base => [base, base === 18 ? 600 : 900]))
  t.equal((await readAll(log)).length, 20)
})

t.test('rolling calls back before the first batch of the new segment is written', async t => {
  const fs = new FaultFileSystem(new MemoryFileSystem())
  const { log } = await openLog(t, {
    fs, config: { segmentBytes: 1000 }, onRoll: async base => { fs.trace.push(`roll ${base}`) }
  })
  await appendAll(log, [batchOfSize(900), batchOfSize(900)])
  const order = fs.trace.filter(line => /^(roll|write) /.test(line))
  t.strictSame(order, ['write 00000000000000000000.log', 'roll 1', 'write 00000000000000000001.log'])
  t.equal(log.recoveryPoint, 1)
})

t.test('a roll that cannot leave its notes behind is a roll all the same', async t => {
  const { log, watch } = await openLog(t, { config: { segmentBytes: 1000 }, onRoll: async () => { throw new Error('no room') } })
  await appendAll(log, [batchOfSize(900), batchOfSize(900)])
  t.equal(log.segmentCount, 2)
  t.match(watch.failures, [{ message: 'no room' }])
})

t.test('with durability `os` full segments are synced behind the back of the writers, oldest first', async t => {
  const fs = new FaultFileSystem(new MemoryFileSystem())
  const { log } = await openLog(t, { fs, durability: 'os', config: { segmentBytes: 1000 } })
  const goOn = Promise.withResolvers<void>()
  fs.before = ({ kind }) => kind === 'sync' ? goOn.promise : undefined
  await appendAll(log, [0, 1, 2, 3].map(() => batchOfSize(900)))
  t.match(log, { committedOffset: 4, recoveryPoint: 0 })
  goOn.resolve()
  await log.close()
  t.strictSame(fs.traceOf('sync'), [0, 1, 2, 3].map(base => `sync 0000000000000000000${base}.log`))
  t.equal(log.recoveryPoint, 4)
})

t.test('rolling now begins a new segment, but never an empty one behind an empty one', async t => {
  const { log } = await openLog(t)
  await log.rollNow()
  t.equal(log.segmentCount, 1)
  await appendAll(log, [batchOf(['a'])])
  await Promise.all([log.rollNow(), log.rollNow()])
  t.equal(log.segmentCount, 2)
  await appendAll(log, [batchOf(['b'])])
  t.strictSame(await readValues(log), ['a', 'b'])
})

t.test('rolling now finds its turn while writers never pause', async t => {
  const { log } = await openLog(t)
  await appendAll(log, [batchOf(['x'])])
  const stop = new AbortController()
  const writing = (async () => {
    while (!stop.signal.aborted) {
      // Always one round ahead of what it waits for.
      const batch = batchOf(['x'])
      log.append(batch)
      await log.written(batch.nextOffset)
    }
  })()
  await log.rollNow()
  stop.abort()
  await writing
  await log.committed(log.endOffset)
  t.equal(log.segmentCount, 2)
  t.equal((await readAll(log)).length, log.endOffset)
})

t.test('what is appended during a roll goes into the new segment', async t => {
  const fs = new FaultFileSystem(new MemoryFileSystem())
  const { log } = await openLog(t, { fs })
  await appendAll(log, [batchOf(['a'])])
  fs.before = ({ kind }) => { if (kind === 'syncDirectory') log.append(batchOf(['b'])) }
  await log.rollNow()
  fs.before = () => {}
  await log.committed(2)
  t.strictSame(log.segments.map(segment => segment.baseOffset), [0, 1])
  t.strictSame(await readValues(log), ['a', 'b'])
})

t.test('deleting by request moves the beginning', async t => {
  const { log } = await openLog(t)
  await appendAll(log, [batchOf(['0', '1', '2']), batchOf(['3'])])
  log.deleteBefore(2)
  t.equal(log.startOffset, 2)
  t.throws(() => log.read(1, 1, true), outOfRange)
  t.strictSame(await readValues(log), ['2', '3'])
  log.deleteBefore(1)
  t.equal(log.startOffset, 2, 'but never back')
  t.throws(() => log.deleteBefore(5), outOfRange)
})

t.test('bytes that can be read are announced', async t => {
  const { log } = await openLog(t, { config: { segmentBytes: 1000 } })
  let announced = 0
  log.onCommit = bytes => { announced += bytes }
  for (let i = 0; i < 5; i++) log.append(batchOfSize(400))
  await log.committed(5)
  t.equal(announced, 2000)
})

t.test('an offset that is waited for out of order is answered when it is reached', async t => {
  const { log } = await openLog(t)
  const order: number[] = []
  for (let i = 0; i < 3; i++) log.append(batchOf(['x']))
  await Promise.all([3, 1, 2].map(offset => log.committed(offset).then(() => order.push(offset))))
  t.strictSame(order, [1, 2, 3])
})

t.test('closing finishes what was appended, and then nothing is taken any more', async t => {
  const fs = new FaultFileSystem(new MemoryFileSystem())
  const { log } = await openLog(null, { fs, config: { segmentBytes: 1000 } })
  for (let i = 0; i < 5; i++) log.append(batchOfSize(400, String(i)))
  const committed = log.committed(5)
  await Promise.all([log.close(), log.close()])
  await t.resolves(committed)
  t.match(log, { committedOffset: 5, recoveryPoint: 5, failure: null })
  t.equal(fs.openFiles, 0)
  t.throws(() => log.append(batchOf(['late'])), storageError)
  await t.rejects(log.committed(6), storageError, 'nor waited for')
  await t.rejects(async () => log.read(0, 1, true), storageError)
  const again = await openLog(t, { fs, recoveryPoint: Infinity })
  t.equal(again.log.endOffset, 5)
  t.equal((await readAll(again.log)).length, 5)
})

t.test('discarding lets go without a word to the disk', async t => {
  const fs = new FaultFileSystem(new MemoryFileSystem())
  const { log, watch } = await openLog(null, { fs })
  await appendAll(log, [batchOf(['a'])])
  const before = fs.trace.length
  log.append(batchOf(['b']))
  const waiting = t.rejects(log.committed(2), storageError)
  await log.discard()
  await waiting
  t.strictSame(fs.trace.slice(before), ['close 00000000000000000000.log'])
  t.strictSame(watch.failures, [])
})

t.test('the clean stop of an idle log costs no sync', async t => {
  const fs = new FaultFileSystem(new MemoryFileSystem())
  const { log } = await openLog(null, { fs })
  await appendAll(log, [batchOf(['a'])])
  await log.close()
  t.equal(fs.traceOf('sync').length, 1)
})

t.test('the same on a real disk', async t => {
  const directory = join(t.testdir(), 'deep', 't-0')
  const options = { fs: realFileSystem, directory, config: { segmentBytes: 4096 } }
  const values = Array.from({ length: 200 }, (_, i) => `value ${i}`)
  const { log } = await openLog(null, options)
  for (const value of values) log.append(batchOf([value]))
  await log.committed(200)
  t.strictSame(await readValues(log), values)
  await log.close()
  for (const recoveryPoint of [Infinity, 0, 100]) {
    const { log: again, watch } = await openLog(null, { ...options, recoveryPoint })
    t.strictSame(await readValues(again), values, `recovery point ${recoveryPoint}`)
    t.match(watch, { truncations: [], quarantines: [], failures: [] })
    await again.close()
  }
  await t.rejects(openLog(null, { ...options, directory: join(directory, '00000000000000000000.log') }), { code: 'EEXIST' })
})
