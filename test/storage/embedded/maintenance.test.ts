import t from 'tap'
import { mock } from 'node:test'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { recordsIn } from '../../../protocol/records.ts'
import type { FileSystem } from '../../../storage/log/fs.ts'
import { TailBudget } from '../../../storage/log/tail.ts'
import { Maintenance } from '../../../storage/embedded/maintenance.ts'
import { MetadataLog } from '../../../storage/embedded/metadata.ts'
import type { Partition } from '../../../storage/embedded/partition.ts'
import { Topics } from '../../../storage/embedded/topics.ts'
import { commit, committed } from '../../engine/suite/groups.ts'
import { EARLIEST } from '../../engine/suite/kit.ts'
import { T0, batchOf, batchOfSize, keyedBatch } from '../../support/batches.ts'
import { FaultFileSystem, failOnce } from '../../support/fault-fs.ts'
import { Watch, configOf, openLog } from '../../support/logs.ts'
import { MemoryFileSystem } from '../../support/memory-fs.ts'
import { until } from '../../support/until.ts'
import { openEngine } from './support.ts'

const DAY_MS = 86_400_000

interface House {
  readonly topics: Topics
  readonly metadata: MetadataLog
  readonly maintenance: Maintenance
  readonly watch: Watch
  readonly fs: FaultFileSystem
  checkpoints: number
}

/** Topics without an engine around them, on a disk in memory. */
async function newHouse (inner: FileSystem = new MemoryFileSystem()): Promise<House> {
  const fs = new FaultFileSystem(inner)
  const watch = new Watch()
  const { log } = await openLog(null, { fs, directory: '/data/metadata', config: configOf({ segmentBytes: 1000, compacts: true, deletes: false }) })
  const metadata = await MetadataLog.open(log)
  const topics = new Topics({
    fs,
    dataDirectory: '/data',
    metadata,
    defaults: { retentionMs: -1, segmentBytes: 1024 },
    partitionOptions: directory => ({ directory, fs, durability: 'fsync', tailBudget: new TailBudget(0), observer: watch }),
    onDelete: async () => {}
  })
  const maintenance = new Maintenance({ fs, topics, metadata, observer: watch, checkpoint: async () => { house.checkpoints++ } })
  const house: House = { topics, metadata, watch, fs, checkpoints: 0, maintenance }
  return house
}

async function partitionOf (topics: Topics, name: string, configs: Record<string, string> = {}): Promise<Partition> {
  return (await topics.create(name, 1, new Map(Object.entries(configs)))).partitions[0]!
}

/** Appends batches of 1000 bytes, each of which fills a segment. */
async function fill (partition: Partition, count: number, firstMs = T0): Promise<void> {
  for (let i = 0; i < count; i++) {
    const batch = batchOfSize(1000, '', { nowMs: firstMs + i })
    partition.append(batch)
    await partition.log.committed(batch.nextOffset)
  }
}

async function valuesIn (partition: Partition): Promise<string[]> {
  const values: string[] = []
  for await (const batches of partition.log.batches(partition.log.startOffset)) {
    for (const batch of batches) for (const { key, value } of recordsIn(batch)) values.push(`${key}=${value}`)
  }
  return values
}

t.test('records that are older than retention.ms go, of topics that delete', async t => {
  const { topics, maintenance } = await newHouse()
  const short = await partitionOf(topics, 'short', { 'retention.ms': String(DAY_MS), 'message.timestamp.after.max.ms': String(100 * 365 * DAY_MS) })
  const long = await partitionOf(topics, 'long', { 'message.timestamp.after.max.ms': String(100 * 365 * DAY_MS) })
  const kept = await partitionOf(topics, 'kept', { 'cleanup.policy': 'compact', 'retention.ms': '1' })
  for (const partition of [short, long]) await fill(partition, 5)
  kept.append(keyedBatch([['k', 'v']], { nowMs: Date.now() }))
  await maintenance.run(T0 + DAY_MS)
  t.equal(short.log.startOffset, 0)
  await maintenance.run(T0 + DAY_MS + 3)
  t.equal(short.log.startOffset, 3)
  await maintenance.run(T0 + 1000 * DAY_MS)
  t.strictSame([short.log.startOffset, short.log.endOffset, long.log.startOffset, kept.log.startOffset], [5, 5, 0, 0])
})

t.test('what is beyond retention.bytes goes, oldest first', async t => {
  const { topics, maintenance } = await newHouse()
  const partition = await partitionOf(topics, 'small', { 'retention.bytes': '2500', 'message.timestamp.after.max.ms': String(100 * 365 * DAY_MS) })
  await fill(partition, 6)
  await maintenance.run(T0)
  t.equal(partition.log.startOffset, 3)
})

t.test('records that were deleted by request leave the disk', async t => {
  const { topics, maintenance } = await newHouse()
  const partition = await partitionOf(topics, 'a', { 'message.timestamp.after.max.ms': String(100 * 365 * DAY_MS) })
  await fill(partition, 4)
  partition.log.deleteBefore(2)
  t.equal(partition.log.segmentCount, 4)
  await maintenance.run(T0)
  t.equal(partition.log.segmentCount, 2)
})

t.test('a compacted topic keeps the last record of each key', async t => {
  const { topics, maintenance } = await newHouse()
  const partition = await partitionOf(topics, 'a', { 'cleanup.policy': 'compact' })
  for (let i = 0; i < 60; i++) partition.append(keyedBatch([[`k${i % 3}`, `v${i}`.padEnd(50, '.')]], { nowMs: Date.now() }))
  await partition.log.committed(60)
  const before = partition.log.sizeBytes
  await maintenance.run(Date.now())
  t.ok(partition.log.sizeBytes < before / 2)
  const last = new Map((await valuesIn(partition)).map(text => text.split('=') as [string, string]))
  t.strictSame([...last].map(([key, value]) => `${key} ${value.replaceAll('.', '')}`).sort(), ['k0 v57', 'k1 v58', 'k2 v59'])
})

t.test('the metadata log is compacted too, and checkpoints are written', async t => {
  const house = await newHouse()
  for (let i = 0; i < 50; i++) await house.metadata.set('key', { i })
  const before = house.metadata.log.sizeBytes
  await house.maintenance.run(Date.now())
  t.ok(house.metadata.log.sizeBytes < before / 2)
  t.equal(house.metadata.log.failure, null)
  t.equal(house.checkpoints, 1)
})

t.test('a log that fails is reported, and does not keep the others from their turn', async t => {
  const { topics, maintenance, fs, watch } = await newHouse()
  const soon = { 'retention.ms': '1', 'message.timestamp.after.max.ms': String(100 * 365 * DAY_MS) }
  const [first, second] = [await partitionOf(topics, 'a', soon), await partitionOf(topics, 'b', soon)]
  await fill(first, 3)
  await fill(second, 3)
  failOnce(fs, 'remove', 'EIO')
  await maintenance.run(T0 + DAY_MS)
  t.match(watch.failures, [{ code: 'EIO' }])
  t.equal(second.log.startOffset, 3)
})

t.test('producers that were silent for a day are forgotten', async t => {
  const { topics, maintenance } = await newHouse()
  const partition = await partitionOf(topics, 'a')
  const send = (baseSequence: number): number =>
    partition.append(batchOf(['x'], { producerId: 1, producerEpoch: 0, baseSequence, nowMs: Date.now() })).baseOffset
  t.equal(send(0), 0)
  await maintenance.run(Date.now() + DAY_MS - 60_000)
  t.throws(() => send(5), { code: 'OUT_OF_ORDER_SEQUENCE_NUMBER' })
  await maintenance.run(Date.now() + DAY_MS + 60_000)
  t.equal(send(5), 1)
})

t.test('a topic that is deleted while it is compacted is gone at once, and the next of its name is whole', async t => {
  const house = await newHouse()
  const { topics, maintenance, fs, watch } = house
  const configs = new Map([['cleanup.policy', 'compact']])
  const partition = await partitionOf(topics, 'a', Object.fromEntries(configs))
  for (let i = 0; i < 60; i++) partition.append(keyedBatch([['k', `${i}`.padEnd(50)]], { nowMs: Date.now() }))
  await partition.log.committed(60)
  const reached = Promise.withResolvers<void>()
  const held = Promise.withResolvers<void>()
  fs.before = ({ kind, path }) => {
    if (kind !== 'write' || !path.endsWith('.cleaned')) return
    reached.resolve()
    return held.promise
  }
  const round = maintenance.run(Date.now())
  await reached.promise
  const deleting = topics.delete('a', topics.get('a')!.id)
  const making = topics.create('a', 1, configs)
  t.equal(topics.get('a'), topics.get('a'))
  held.resolve()
  await Promise.all([round, deleting])
  const [again] = (await making).partitions as [Partition]
  again.append(keyedBatch([['new', 'record']], { nowMs: Date.now() }))
  await again.log.committed(1)
  t.strictSame(await valuesIn(again), ['new=record'])
  t.strictSame(watch.failures, [], 'which is no failure of the disk')
  t.strictSame((await fs.list('/data/a-0')).filter(name => /cleaned|swap/.test(name)), [])
})

t.test('when it is told to stop, it begins nothing more', async t => {
  const house = await newHouse()
  await partitionOf(house.topics, 'a')
  await house.maintenance.stop()
  await house.maintenance.run(Date.now())
  t.equal(house.checkpoints, 0)
})

t.test('an engine tends to its logs, those of groups included, every half minute', async t => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  const folder = t.testdir()
  const { client, engine } = await openEngine(t, folder)
  const topic = await client.topic(1, { 'retention.ms': '1000', 'segment.bytes': '1024' })
  for (let i = 0; i < 3; i++) await client.append(topic, [{ key: null, value: Buffer.alloc(600), timestampMs: 1000 }])
  t.equal(await client.offset(topic, EARLIEST), 0)
  mock.timers.tick(30_000)
  await until(() => engine.topics!.partition(topic.name, 0)!.log.startOffset === 3)
  await until(() => readdirSync(folder).includes('log-start-offset-checkpoint'))

  await engine.topics!.configure('__consumer_offsets', have => new Map([...have, ['segment.bytes', '1024'], ['min.cleanable.dirty.ratio', '0']]))
  for (let i = 0; i < 60; i++) await commit(client, 'group', topic, [[0, i, '']])
  const { log } = engine.topics!.partition('__consumer_offsets', 0)!
  const before = log.sizeBytes
  mock.timers.tick(30_000)
  await until(() => log.sizeBytes < before / 2)
  t.strictSame(await committed(client, 'group', topic, [0]), [[59, '']])
  await engine.close()
  const again = await openEngine(t, folder)
  t.strictSame(await committed(again.client, 'group', topic, [0]), [[59, '']], 'and what is left is enough')
  t.equal(await again.client.append(topic, ['next']), 3)
  await again.engine.close()
})

t.test('when an engine stops, compaction does not hold it up', async t => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  const folder = t.testdir()
  const { client, engine, fs, watch } = await openEngine(t, folder)
  const topic = await client.topic(1, { 'cleanup.policy': 'compact', 'segment.bytes': '1024' })
  for (let i = 0; i < 20; i++) await client.append(topic, [{ key: Buffer.from('k'), value: Buffer.alloc(300) }])
  const reached = Promise.withResolvers<void>()
  const held = Promise.withResolvers<void>()
  fs.before = ({ kind, path }) => {
    if (kind !== 'read' || !path.includes(topic.name)) return
    reached.resolve()
    return held.promise
  }
  mock.timers.tick(30_000)
  await reached.promise
  const closing = engine.close()
  await until(() => fs.trace.includes('close 00000000000000000000.log'))
  held.resolve()
  await closing
  t.strictSame(watch.failures, [])
  t.ok(readdirSync(folder).includes('.kafka_cleanshutdown'))
  t.equal(fs.openFiles, 0)
  const again = await openEngine(t, folder)
  t.equal(again.engine.topics!.partition(topic.name, 0)!.log.endOffset, 20)
  t.strictSame(readdirSync(join(folder, `${topic.name}-0`)).filter(name => /cleaned|swap/.test(name)), [])
  await again.engine.close()
})
