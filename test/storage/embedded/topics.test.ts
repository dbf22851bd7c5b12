import t from 'tap'
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { errors } from '../../../protocol/errors.ts'
import { Metadata } from '../../../protocol/messages/03-metadata.ts'
import { CreateTopics } from '../../../protocol/messages/19-create-topics.ts'
import { CreatePartitions } from '../../../protocol/messages/37-create-partitions.ts'
import { MAX_PARTITIONS } from '../../../storage/embedded/topics.ts'
import { Client, LATEST, nameOf, newName } from '../../engine/suite/kit.ts'
import { Fault, failOnce } from '../../support/fault-fs.ts'
import { crashImage, openEngine, partitionFolders } from './support.ts'

async function create (client: Client, name: string, numPartitions = 1): Promise<string> {
  const { topics } = await client.call(CreateTopics, { topics: [{ name, numPartitions, replicationFactor: 1, assignments: [], configs: [] }] })
  return nameOf(topics[0]!.errorCode)
}

t.test('a topic of the server\'s own name cannot be made, by no one', async t => {
  const { client, engine } = await openEngine(t, t.testdir())
  t.equal(await create(client, '__barnabas_metadata'), 'INVALID_TOPIC_EXCEPTION')
  const { topics } = await client.call(Metadata, { topics: [{ name: '__barnabas_metadata' }], allowAutoTopicCreation: true })
  t.equal(nameOf(topics[0]!.errorCode), 'INVALID_TOPIC_EXCEPTION')
  await engine.close()
})

t.test('whoever asks for a topic while it is made gets that one', async t => {
  const { client, engine } = await openEngine(t, t.testdir())
  const name = newName()
  const made = await Promise.all(Array.from({ length: 20 }, () => engine.topics!.ensure(name, 3)))
  t.equal(new Set(made.map(({ id }) => id)).size, 1)
  t.equal((await client.ready(name, 3)).id, made[0]!.id)
  await engine.close()
})

t.test('making and deleting at once ends in one or the other, and never in half of it', async t => {
  const folder = t.testdir()
  const { client, engine } = await openEngine(t, folder)
  for (let round = 0; round < 10; round++) {
    const topic = await client.topic(2)
    await client.append(topic, ['old'])
    const results = await Promise.all([
      client.deleteTopic({ name: topic.name }), create(client, topic.name, 2), client.deleteTopic({ name: topic.name }), create(client, topic.name, 3)
    ])
    const now = engine.topics!.get(topic.name)
    if (now === undefined) {
      t.strictSame(partitionFolders(folder), [], results.join())
    } else {
      t.not(now.id, topic.id)
      t.equal(await client.append(now, ['new']), 0, results.join())
      t.equal(partitionFolders(folder).length, now.partitions.length)
      t.equal(await client.deleteTopic(now), 'NONE')
    }
  }
  t.strictSame(partitionFolders(folder), [])
  await engine.close()
})

t.test('appends go on or are refused while their topic is deleted, and none is left without an answer', async t => {
  const { client, engine } = await openEngine(t, t.testdir())
  const topic = await client.topic(4)
  const writers = Array.from({ length: 8 }, async (_, i) => {
    for (;;) {
      const { errorCode } = await client.produce(topic, [{ key: null, value: null }], { partition: i % 4 })
      if (errorCode !== errors.NONE) return nameOf(errorCode)
    }
  })
  t.equal(await client.deleteTopic({ name: topic.name }), 'NONE')
  for (const error of await Promise.all(writers)) t.match(error, /^(UNKNOWN_TOPIC_ID|UNKNOWN_TOPIC_OR_PARTITION|KAFKA_STORAGE_ERROR)$/)
  await engine.close()
})

t.test('clients cannot write to a topic of the server\'s own', async t => {
  const { client, engine } = await openEngine(t, t.testdir())
  const { name, id, partitions } = engine.topics!.get('__consumer_offsets')!
  const { errorCode } = await client.produce({ name, id }, [{ key: Buffer.from('k'), value: null }])
  t.equal(nameOf(errorCode), 'INVALID_TOPIC_EXCEPTION')
  t.equal(partitions[0]!.log.endOffset, 0)
  t.equal(await client.deleteTopic({ name }), 'INVALID_TOPIC_EXCEPTION')
  await engine.close()
})

t.test('the id that a deletion was asked for by is that of the topic that goes', async t => {
  const { client, engine } = await openEngine(t, t.testdir())
  const old = await client.topic()
  await client.deleteTopic({ name: old.name })
  await client.topic(1, {}, old.name)
  await t.rejects(engine.topics!.delete(old.name, old.id), { code: 'UNKNOWN_TOPIC_OR_PARTITION' })
  t.ok(engine.topics!.get(old.name))
  await engine.close()
})

t.test('a topic of the longest name can be made, grown and deleted', async t => {
  const folder = t.testdir()
  const { client, engine } = await openEngine(t, folder)
  const name = 't-'.padEnd(249, 'x')
  mkdirSync(join(folder, `${name}-0`))
  writeFileSync(join(folder, `${name}-0`, '00000000000000000000.log'), 'from somewhere else')
  const topic = await client.topic(1, {}, name)
  await client.append(topic, ['a'])
  t.equal(await client.deleteTopic({ name }), 'NONE')
  t.strictSame(partitionFolders(folder), [])
  await engine.close()
})

t.test('files that lie where a new partition would be are set aside, neither read nor deleted', async t => {
  const folder = t.testdir({ 't-found-0': { '00000000000000000000.log': 'not ours' }, 't-found-1': { note: 'nor this' } })
  const { client, engine } = await openEngine(t, folder)
  const topic = await client.topic(1, {}, 't-found')
  t.equal(await client.append(topic, ['a']), 0)
  await client.call(CreatePartitions, { topics: [{ name: topic.name, count: 2, assignments: null }], timeoutMs: 1000, validateOnly: false })
  const aside = readdirSync(folder).filter(name => name.endsWith('-stray')).sort()
  t.equal(aside.length, 2)
  t.equal(readFileSync(join(folder, aside[0]!, '00000000000000000000.log'), 'utf8'), 'not ours')
  t.equal(readFileSync(join(folder, aside[1]!, 'note'), 'utf8'), 'nor this')
  await engine.close()
})

t.test('a topic that the disk does not take leaves nothing behind, and can be made later', async t => {
  const failures: [what: string, kind: 'open' | 'makeDirectory' | 'write' | 'syncDirectory', path: string, skipped: number][] = [
    ['no descriptors are left for its third partition', 'open', '00000000000000000000.log', 2],
    ['its folder cannot be made', 'makeDirectory', '-3', 0],
    ['its entry cannot be written', 'write', '.log', 0]
  ]
  for (const [what, kind, path, skipped] of failures) {
    const folder = t.testdir()
    const { client, engine, fs } = await openEngine(t, folder)
    const before = fs.openFiles
    const name = newName()
    failOnce(fs, kind, 'ENOSPC', { path, skipped })
    t.equal(await create(client, name, 5), 'KAFKA_STORAGE_ERROR', what)
    t.strictSame(partitionFolders(folder), [], what)
    t.equal(fs.openFiles, before, what)
    t.equal(engine.topics!.get(name), undefined)
    t.equal(await create(client, name, 5), 'NONE')
    t.equal(engine.state, 'ready')
    await engine.close()
    t.equal(fs.openFiles, 0)
  }
})

t.test('partitions that the disk does not take leave the topic as it was', async t => {
  const folder = t.testdir()
  const { client, engine, fs } = await openEngine(t, folder)
  const topic = await client.topic(2)
  await client.append(topic, ['a'], 1)
  failOnce(fs, 'open', 'EMFILE', { path: '.log', skipped: 1 })
  const grow = async (): Promise<string> => {
    const { results } = await client.call(CreatePartitions, {
      topics: [{ name: topic.name, count: 4, assignments: null }], timeoutMs: 1000, validateOnly: false
    })
    return nameOf(results[0]!.errorCode)
  }
  t.equal(await grow(), 'KAFKA_STORAGE_ERROR')
  t.equal(partitionFolders(folder).length, 2)
  t.strictSame(await client.values(topic, 1), ['a'])
  t.equal(await grow(), 'NONE')
  t.equal(await client.append(topic, ['b'], 3), 0)
  await engine.close()
})

t.test('requests cannot open more partitions than there may be, not even all at once', async t => {
  const folder = t.testdir()
  const { client, engine } = await openEngine(t, folder)
  const room = MAX_PARTITIONS - 1 // one holds the groups
  const names = Array.from({ length: 6 }, newName)
  const { topics } = await client.call(CreateTopics, {
    topics: names.map(name => ({ name, numPartitions: room, replicationFactor: 1, assignments: [], configs: [] })), validateOnly: true
  })
  t.strictSame(topics.map(({ errorCode }) => nameOf(errorCode)), names.map(() => 'NONE'))
  t.equal(await create(client, newName(), room + 1), 'INVALID_PARTITIONS')
  const held = Promise.withResolvers<void>()
  const { engine: slow, client: other, fs } = await openEngine(t, join(folder, 'slow'))
  fs.before = ({ kind }) => kind === 'makeDirectory' ? held.promise : undefined
  const results = [create(other, 'a', 6000), create(other, 'b', 6000), create(other, 'c', 2_000_000_000)]
  t.strictSame(await Promise.all(results.slice(1)), ['INVALID_PARTITIONS', 'INVALID_PARTITIONS'])
  fs.before = ({ kind }) => { if (kind === 'makeDirectory') throw new Fault('EMFILE') }
  held.resolve()
  t.equal(await results[0], 'KAFKA_STORAGE_ERROR')
  t.equal(await create(other, 'd', 9_999), 'KAFKA_STORAGE_ERROR', 'and what was not made takes no room')
  await Promise.all([engine.close(), slow.close()])
})

t.test('a deletion that a crash has cut short is finished, and does not touch a later topic of the name', async t => {
  const folder = t.testdir()
  const { client, engine, fs } = await openEngine(t, folder)
  const [gone, again] = [await client.topic(2), await client.topic(2)]
  for (const topic of [gone, again]) await client.append(topic, ['old'])
  fs.before = ({ kind, path }) => { if (kind === 'remove' && /-\d$/.test(path)) throw new Fault('EIO') }
  for (const topic of [gone, again]) t.equal(await client.deleteTopic({ name: topic.name }), 'KAFKA_STORAGE_ERROR')
  fs.before = () => {}
  t.equal(partitionFolders(folder).length, 4)
  const later = await client.topic(1, {}, again.name)
  await client.append(later, ['new'])

  const { client: next, engine: restarted } = await openEngine(t, crashImage(t, folder))
  t.equal(restarted.topics!.get(gone.name), undefined)
  t.strictSame(await next.values(restarted.topics!.get(again.name)!), ['new'])
  await restarted.close()
  await engine.close()
  const { engine: third } = await openEngine(t, folder)
  t.equal(partitionFolders(folder).filter(name => name.startsWith(gone.name)).length, 0)
  t.equal(existsSync(join(folder, `${again.name}-0`)), true)
  await third.close()
})

t.test('offsets of a topic that was deleted are not those of the next one of its name', async t => {
  const { client, engine } = await openEngine(t, t.testdir())
  const topic = await client.topic()
  for (let i = 0; i < 3; i++) await client.append(topic, ['x'])
  engine.topics!.partition(topic.name, 0)!.log.deleteBefore(3)
  t.equal(await client.deleteTopic({ name: topic.name }), 'NONE')
  const again = await client.topic(1, {}, topic.name)
  t.equal(await client.offset(again, LATEST), 0)
  t.equal(await client.append(again, ['y']), 0)
  await engine.close()
})
