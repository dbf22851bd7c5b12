/** What an engine does when the disk refuses something while it runs. */
import t from 'tap'
import { errors } from '../../../protocol/errors.ts'
import { DeleteRecords } from '../../../protocol/messages/21-delete-records.ts'
import { IncrementalAlterConfigs } from '../../../protocol/messages/44-incremental-alter-configs.ts'
import { ListOffsets } from '../../../protocol/messages/02-list-offsets.ts'
import { Metadata } from '../../../protocol/messages/03-metadata.ts'
import { InitProducerId } from '../../../protocol/messages/22-init-producer-id.ts'
import { EARLIEST, LATEST, batchOf, nameOf, newName, valuesOf } from '../../engine/suite/kit.ts'
import { commit, committed } from '../../engine/suite/groups.ts'
import { Fault } from '../../support/fault-fs.ts'
import { systemError } from '../../support/memory-fs.ts'
import { crashImage, openEngine, type Opened } from './support.ts'

/** A disk that takes no more bytes of any kind, or takes some of a write. */
function fill (fs: Opened['fs'], writtenBytes = 0): void {
  fs.before = ({ kind }) => { if (['write', 'replaceFile', 'writeFile'].includes(kind)) throw new Fault('ENOSPC', kind === 'write' ? writtenBytes : 0) }
}

t.test('a full disk refuses appends and nothing else, and takes them again when there is room', async t => {
  const folder = t.testdir()
  const { client, engine, fs } = await openEngine(t, folder)
  const topic = await client.topic()
  await client.append(topic, ['before'])
  await commit(client, 'group', topic, [[0, 1, '']])
  for (const partly of [0, 40]) {
    fill(fs, partly)
    for (let i = 0; i < 3; i++) t.equal(nameOf((await client.produce(topic, batchOf(['refused']))).errorCode), 'KAFKA_STORAGE_ERROR')
    t.strictSame(await commit(client, 'group', topic, [[0, 9, '']]), ['COORDINATOR_NOT_AVAILABLE'])
    t.strictSame(await committed(client, 'group', topic, [0]), [[1, '']])
    t.strictSame(valuesOf(await client.fetch(topic, 0)).slice(0, 1), ['before'])
    t.equal(engine.state, 'ready')
    fs.before = () => {}
    await client.append(topic, [`after ${partly}`])
  }
  t.strictSame(await client.values(topic), ['before', 'after 0', 'after 40'])
  t.strictSame(await commit(client, 'group', topic, [[0, 3, '']]), ['NONE'])

  const { client: next, engine: recovered } = await openEngine(t, crashImage(t, folder))
  t.strictSame(await next.values(topic), ['before', 'after 0', 'after 40'], 'which a crash does not change')
  t.strictSame(await committed(next, 'group', topic, [0]), [[3, '']])
  await Promise.all([recovered.close(), engine.close()])
})

t.test('on a full disk every request is answered with an error of its own', async t => {
  const { client, engine, fs } = await openEngine(t, t.testdir())
  const topic = await client.topic()
  await client.append(topic, ['a', 'b'])
  fill(fs)
  const [created] = (await client.call(Metadata, { topics: [{ name: newName() }], allowAutoTopicCreation: true })).topics
  t.equal(nameOf(created!.errorCode), 'KAFKA_STORAGE_ERROR')
  t.equal(await client.deleteTopic({ name: topic.name }), 'KAFKA_STORAGE_ERROR')
  const { topics } = await client.call(DeleteRecords, { timeoutMs: 1000, topics: [{ name: topic.name, partitions: [{ partitionIndex: 0, offset: 1 }] }] })
  t.match(topics[0]!.partitions[0], { errorCode: errors.KAFKA_STORAGE_ERROR, lowWatermark: -1 })
  const { responses } = await client.call(IncrementalAlterConfigs, {
    resources: [{ resourceType: 2, resourceName: topic.name, configs: [{ name: 'retention.ms', configOperation: 0, value: '5' }] }], validateOnly: false
  })
  t.equal(nameOf(responses[0]!.errorCode), 'KAFKA_STORAGE_ERROR')
  t.equal(engine.topics!.get(topic.name)!.configs.size, 0)
  const { errorCode } = await client.call(InitProducerId, { transactionalId: null, transactionTimeoutMs: 0 })
  t.equal(nameOf(errorCode), 'KAFKA_STORAGE_ERROR')
  fs.before = () => {}
  t.equal(await client.deleteTopic({ name: topic.name }), 'NONE', 'and all goes on when there is room')
  t.ok(await client.producerId() >= 0)
  await engine.close()
})

t.test('a producer whose batch the disk has refused goes on with that batch, not with the next', async t => {
  const { client, engine, fs } = await openEngine(t, t.testdir())
  const topic = await client.topic()
  const producerId = await client.producerId()
  const send = async (baseSequence: number): Promise<string> => {
    const { errorCode, baseOffset } = await client.produce(topic, batchOf([`${baseSequence}`], { producerId, producerEpoch: 0, baseSequence }))
    return errorCode === errors.NONE ? `at ${baseOffset}` : nameOf(errorCode)
  }
  fill(fs)
  t.strictSame(await Promise.all([send(0), send(1), send(2)]), new Array(3).fill('KAFKA_STORAGE_ERROR'))
  fs.before = () => {}
  t.equal(await send(1), 'OUT_OF_ORDER_SEQUENCE_NUMBER')
  t.strictSame(await Promise.all([0, 1, 2].map(send)), ['at 0', 'at 1', 'at 2'])
  t.equal(await send(1), 'at 1')
  t.strictSame(await client.values(topic), ['0', '1', '2'])
  await engine.close()
})

t.test('when a sync fails nothing more is acknowledged there, what is there is still read, and others go on', async t => {
  const folder = t.testdir()
  const { client, engine, fs } = await openEngine(t, folder)
  const [broken, sound] = [await client.topic(), await client.topic()]
  const producer = { producerId: await client.producerId(), producerEpoch: 0 }
  await client.append(broken, ['before'], 0, { ...producer, baseSequence: 0 })
  fs.before = ({ kind, path }) => { if (kind === 'sync' && path.includes(broken.name)) throw systemError('EIO', path) }
  const send = async (baseSequence: number): Promise<unknown[]> => {
    const { errorCode, baseOffset } = await client.produce(broken, batchOf(['lost'], { ...producer, baseSequence }))
    return [nameOf(errorCode), baseOffset]
  }
  t.strictSame(await send(1), ['KAFKA_STORAGE_ERROR', -1])
  fs.before = () => {}
  t.equal(engine.state, 'failed')
  t.match(engine.failure, /The disk failed under .*EIO.*mend the disk and start again/)
  t.strictSame(await send(2), ['KAFKA_STORAGE_ERROR', -1], 'also when the disk seems to work again')
  t.strictSame(await send(1), ['KAFKA_STORAGE_ERROR', -1], 'also what it would know as a repetition')
  t.strictSame(await send(0), ['NONE', 0], 'but for what was durable before')
  t.strictSame(await client.values(broken), ['before'])
  t.equal(await client.offset(broken, LATEST), 1)
  t.equal(await client.append(sound, ['goes on']), 0)
  await engine.close()
  const { client: next, engine: again } = await openEngine(t, folder)
  t.equal((await next.values(broken))[0], 'before')
  t.strictSame(await next.values(sound), ['goes on'])
  t.equal(again.state, 'ready', 'after a new start everything is checked and taken again')
  t.equal(nameOf((await next.produce(broken, batchOf(['after']))).errorCode), 'NONE')
  await again.close()
})

t.test('a stop after a failed sync leaves no clean marker', async t => {
  const folder = t.testdir()
  const { client, engine, fs } = await openEngine(t, folder)
  const topic = await client.topic()
  fs.before = ({ kind, path }) => { if (kind === 'sync') throw systemError('EIO', path) }
  await client.produce(topic, batchOf(['x']))
  fs.before = () => {}
  await engine.close()
  t.equal(fs.trace.includes('replaceFile .kafka_cleanshutdown'), false)
  t.equal(fs.openFiles, 0)
})

t.test('a sync that fails at the very stop leaves none either', async t => {
  const folder = t.testdir()
  const { client, engine, fs } = await openEngine(t, folder, { durability: 'os' })
  const topic = await client.topic()
  await client.append(topic, ['x'])
  fs.before = ({ kind, path }) => { if (kind === 'sync') throw systemError('EIO', path) }
  await engine.close()
  t.equal(fs.trace.includes('replaceFile .kafka_cleanshutdown'), false)
})

t.test('a file that cannot be read is an error of its partition alone', async t => {
  const { client, engine, fs } = await openEngine(t, t.testdir(), { tailBytes: 0 })
  const [bad, good] = [await client.topic(), await client.topic()]
  const large = 'a'.repeat(20_000)
  for (const topic of [bad, good]) await client.append(topic, [large])
  fs.before = ({ kind, path }) => { if (kind === 'read' && path.includes(bad.name)) throw systemError('EIO', path) }
  t.equal(nameOf((await client.fetch(bad, 0, { maxWaitMs: 60_000 })).errorCode), 'KAFKA_STORAGE_ERROR')
  t.strictSame(valuesOf(await client.fetch(good, 0)), [large])
  const { topics } = await client.call(ListOffsets, {
    replicaId: -1,
    topics: [bad, good].map(({ name }) => ({ name, partitions: [{ partitionIndex: 0, timestamp: 0 }, { partitionIndex: 0, timestamp: EARLIEST }] }))
  })
  t.strictSame(topics.map(({ partitions }) => partitions.map(({ errorCode }) => nameOf(errorCode))), [['KAFKA_STORAGE_ERROR', 'NONE'], ['NONE', 'NONE']])
  fs.before = () => {}
  t.strictSame(valuesOf(await client.fetch(bad, 0)), [large])
  t.equal(engine.state, 'ready')
  await engine.close()
})
