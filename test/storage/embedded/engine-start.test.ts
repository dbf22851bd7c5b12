/** How an engine begins and ends, and what it does when it cannot. */
import t, { type Test } from 'tap'
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { KafkaError } from '../../../protocol/errors.ts'
import { Metadata } from '../../../protocol/messages/03-metadata.ts'
import { JoinGroup } from '../../../protocol/messages/11-join-group.ts'
import { DeleteRecords } from '../../../protocol/messages/21-delete-records.ts'
import type { Kind } from '../../support/fault-fs.ts'
import { systemError } from '../../support/memory-fs.ts'
import { commit, committed } from '../../engine/suite/groups.ts'
import { EARLIEST, LATEST, batchOf, batchesOf, nameOf } from '../../engine/suite/kit.ts'
import { crashImage, newEngine, openEngine, type Opened } from './support.ts'

const CLEAN_STOP = '.kafka_cleanshutdown'
const LOCK_HOLDER = '.lock-holder'
const isClean = (folder: string): boolean => existsSync(join(folder, CLEAN_STOP))

/** The sentence of the KafkaError that an engine answers with while it is not open. */
async function refusal ({ client }: Opened): Promise<string> {
  return await client.call(Metadata, { topics: null }).then(() => 'answered', (error: unknown) => {
    if (!(error instanceof KafkaError) || error.code !== 'COORDINATOR_NOT_AVAILABLE') throw error
    return error.message
  })
}

t.test('requests are refused, with the reason, until the engine is open and after it was closed', async t => {
  const opened = newEngine(t, t.testdir())
  const { engine, fs } = opened
  t.equal(engine.state, 'closed')
  t.equal(await refusal(opened), 'The log is closed.')
  let during = ''
  fs.before = async ({ kind }) => { if (kind === 'makeDirectory' && during === '') during = `${engine.state}: ${await refusal(opened)}` }
  await engine.open()
  t.equal(during, 'recovering: The log is being opened; ask again in a moment.')
  t.equal(engine.state, 'ready')
  t.equal(await refusal(opened), 'answered')
  await engine.close()
  t.equal(engine.state, 'closed')
  t.equal(await refusal(opened), 'The log is closed.')
})

t.test('a clean stop leaves its marker, which the next start takes away', async t => {
  const folder = t.testdir()
  const { engine } = await openEngine(t, folder)
  t.equal(isClean(folder), false)
  await engine.close()
  t.equal(isClean(folder), true)
  const { engine: again } = await openEngine(t, folder)
  t.equal(isClean(folder), false)
  await again.close()
})

t.test('after a crash every batch that may be torn is checked, after a clean stop hardly anything is read', async t => {
  const folder = t.testdir()
  const { client, engine } = await openEngine(t, folder)
  const topic = await client.topic()
  for (let i = 0; i < 60; i++) await client.append(topic, ['x'.repeat(1000)])
  const image = crashImage(t, folder)
  await engine.close()
  const readBytes = async (folder: string): Promise<number> => {
    const { engine, fs } = newEngine(t, folder)
    let bytes = 0
    fs.before = call => { if (call.kind === 'read' && call.path.includes(topic.name)) bytes += call.bytes }
    await engine.open()
    await engine.close()
    return bytes
  }
  const afterCrash = await readBytes(image)
  const afterStop = await readBytes(folder)
  t.ok(afterCrash > 60_000 && afterStop < 20_000, `${afterStop} and ${afterCrash} bytes`)
})

t.test('what was acknowledged survives a crash: records, topics, offsets, producers, deletions', async t => {
  const folder = t.testdir()
  const { client, engine } = await openEngine(t, folder)
  const topic = await client.topic(2, { 'retention.ms': '99' })
  const producerId = await client.producerId()
  for (let baseSequence = 0; baseSequence < 7; baseSequence++) await client.append(topic, ['r'], 0, { producerId, producerEpoch: 0, baseSequence })
  await client.append(topic, ['a', 'b', 'c'], 1)
  await client.call(DeleteRecords, { timeoutMs: 1000, topics: [{ name: topic.name, partitions: [{ partitionIndex: 1, offset: 2 }] }] })
  await commit(client, 'group', topic, [[0, 5, 'note']])
  const gone = await client.topic()
  t.equal(await client.deleteTopic({ name: gone.name }), 'NONE')

  const { client: next, engine: recovered } = await openEngine(t, crashImage(t, folder))
  t.equal(recovered.topics!.get(topic.name)!.id, topic.id)
  t.equal(recovered.topics!.get(topic.name)!.configs.get('retention.ms'), '99')
  t.equal(recovered.topics!.get(gone.name), undefined)
  t.strictSame([await next.offset(topic, EARLIEST, 1), await next.offset(topic, LATEST, 1)], [2, 3])
  t.strictSame(await committed(next, 'group', topic, [0]), [[5, 'note']])
  const send = async (baseSequence: number): Promise<unknown[]> => {
    const { errorCode, baseOffset } = await next.produce(topic, batchOf(['r'], { producerId, producerEpoch: 0, baseSequence }))
    return [nameOf(errorCode), baseOffset]
  }
  t.strictSame(await send(6), ['NONE', 6])
  t.strictSame(await send(2), ['NONE', 2])
  t.strictSame(await send(8), ['OUT_OF_ORDER_SEQUENCE_NUMBER', -1])
  t.strictSame(await send(7), ['NONE', 7])
  t.not(await next.producerId(), producerId)
  t.equal(recovered.clusterId, engine.clusterId)
  await Promise.all([recovered.close(), engine.close()])
})

t.test('a topic that was made anew before a crash does not begin where the old one was cut', async t => {
  const folder = t.testdir()
  const { client, engine } = await openEngine(t, folder)
  const topic = await client.topic()
  await client.append(topic, ['a', 'b', 'c'])
  const deleteAll = { timeoutMs: 1000, topics: [{ name: topic.name, partitions: [{ partitionIndex: 0, offset: 3 }] }] }
  await client.call(DeleteRecords, deleteAll)
  t.equal(await client.deleteTopic({ name: topic.name }), 'NONE')
  const again = await client.topic(1, {}, topic.name)
  await client.append(again, ['d', 'e', 'f', 'g'])
  const { client: next, engine: recovered } = await openEngine(t, crashImage(t, folder))
  t.strictSame(await next.values(again), ['d', 'e', 'f', 'g'])
  await Promise.all([recovered.close(), engine.close()])
})

t.test('nor does it when the deletion was cut short, and another crash follows', async t => {
  const folder = t.testdir()
  const { client, engine, fs } = await openEngine(t, folder)
  const topic = await client.topic()
  await client.append(topic, ['a', 'b', 'c'])
  const deleteAll = { timeoutMs: 1000, topics: [{ name: topic.name, partitions: [{ partitionIndex: 0, offset: 3 }] }] }
  await client.call(DeleteRecords, deleteAll)
  fs.before = call => { if (call.kind === 'replaceFile') throw systemError('EIO', call.path) }
  t.equal(await client.deleteTopic({ name: topic.name }), 'KAFKA_STORAGE_ERROR')
  const image = crashImage(t, folder)
  const { client: second, engine: recovered } = await openEngine(t, image)
  const again = await second.topic(1, {}, topic.name)
  await second.append(again, ['d', 'e', 'f', 'g'])
  const { client: third, engine: last } = await openEngine(t, crashImage(t, image))
  t.strictSame(await third.values(again), ['d', 'e', 'f', 'g'])
  fs.before = () => {}
  await Promise.all([last.close(), recovered.close(), engine.close()])
})

t.test('what waits in the engine is answered when it is closed, and what was accepted is kept', async t => {
  const folder = t.testdir()
  const { client, engine, fs } = await openEngine(t, folder)
  const topic = await client.topic(2)
  const polls = [0, 1].map(partition => client.fetch(topic, 0, { maxWaitMs: 600_000, partition }))
  const joining = client.call(JoinGroup, {
    groupId: 'group',
    memberId: '',
    sessionTimeoutMs: 30_000,
    rebalanceTimeoutMs: 600_000,
    protocolType: 'consumer',
    protocols: [{ name: 'r', metadata: Buffer.alloc(0) }]
  }, { version: 0 })
  const held = Promise.withResolvers<void>()
  fs.before = ({ kind }) => kind === 'sync' ? held.promise : undefined
  const produced = client.produce(topic, batchOf(['accepted']))
  const making = client.topic()
  const closing = engine.close()
  t.equal(engine.state, 'closed')
  t.equal(await refusal({ client, engine, fs } as Opened), 'The log is closed.')
  for (const { errorCode } of await Promise.all(polls)) t.equal(nameOf(errorCode), 'NONE')
  t.ok(await joining)
  held.resolve()
  t.strictSame(nameOf((await produced).errorCode), 'NONE')
  await making.catch(() => {}) // its client goes on to ask whether it is ready
  await closing
  t.equal(isClean(folder), true)
  const { client: next, engine: again } = await openEngine(t, folder)
  t.strictSame(await next.values(topic), ['accepted'])
  t.equal([...again.topics!].length, 3, 'with the topic that was being made')
  await again.close()
})

t.test('closing twice, or before it was opened, or while it is opened, is closing once', async t => {
  const folder = t.testdir()
  const { engine } = newEngine(t, folder)
  await engine.close()
  const opening = engine.open()
  await Promise.all([engine.close(), engine.close(), opening])
  t.equal(engine.state, 'closed')
  t.equal(existsSync(join(folder, LOCK_HOLDER)), false)
  t.equal(isClean(folder), true)
  await engine.open()
  t.equal(engine.state, 'ready', 'and it can be opened again')
  await engine.close()
})

const failures: [what: string, kind: Kind, path: RegExp, code: string][] = [
  ['the metadata log cannot be opened', 'open', /metadata-0\/.*\.log$/, 'EACCES'],
  ['the metadata log cannot be read', 'read', /metadata-0\/.*\.log$/, 'EIO'],
  ['a topic\'s log cannot be opened', 'open', /t-.*-2\/.*\.log$/, 'EMFILE'],
  ['a checkpoint cannot be read', 'readFile', /checkpoint$/, 'EIO'],
  ['the marker of the clean stop cannot be removed', 'remove', /cleanshutdown$/, 'EROFS'],
  ['the offsets of groups cannot be read', 'read', /__consumer_offsets-0\/.*\.log$/, 'EIO']
]
for (const [what, kind, path, code] of failures) {
  t.test(`when ${what}, the start fails and leaves nothing behind`, async t => {
    const folder = await filled(t)
    const { engine, fs } = newEngine(t, folder)
    fs.before = call => { if (call.kind === kind && path.test(call.path)) throw systemError(code, call.path) }
    await t.rejects(engine.open(), code)
    t.equal(engine.state, 'failed')
    t.match(engine.failure, code)
    t.equal(fs.openFiles, 0)
    t.equal(existsSync(join(folder, LOCK_HOLDER)), false)
    await engine.close()
    const { client, engine: next } = await openEngine(t, folder)
    t.strictSame(await client.values(next.topics!.get('t-filled')!, 2), ['kept'])
    await next.close()
  })
}

t.test('a start that fails before anything was written leaves the clean stop clean', async t => {
  const folder = await filled(t)
  const { engine, fs } = newEngine(t, folder)
  fs.before = call => { if (call.kind === 'open' && call.path.includes('t-filled-2/')) throw systemError('EMFILE', call.path) }
  await t.rejects(engine.open(), 'EMFILE')
  t.equal(isClean(folder), true)
})

t.test('a folder that another engine has is not opened, and stays as it is', async t => {
  const folder = t.testdir()
  const { engine } = await openEngine(t, folder)
  const { engine: second } = newEngine(t, folder)
  const before = readdirSync(folder).sort()
  await t.rejects(second.open(), /is in use by process \d+/)
  t.strictSame(readdirSync(folder).sort(), before)
  t.match(second.failure, 'in use by process')
  await second.close()
  t.equal(engine.state, 'ready')
  await engine.close()
  await second.open()
  t.equal(second.state, 'ready')
  await second.close()
})

t.test('damaged metadata stops the start with what to do: topics must not look deleted', async t => {
  const folder = await filled(t)
  const log = join(folder, '__barnabas_metadata-0', '00000000000000000000.log')
  const bytes = readFileSync(log)
  bytes[bytes.indexOf('t-filled')]! ^= 1
  writeFileSync(log, bytes)
  const { engine, watch, fs } = newEngine(t, folder)
  await t.rejects(engine.open(), /The metadata log .* is damaged, and topics may be missing.*Restore the folder from a backup/)
  t.equal(watch.quarantines.length, 1)
  t.equal(fs.openFiles, 0)
  await t.rejects(newEngine(t, folder).engine.open(), /is damaged/, 'also at the next start')
  const directory = join(folder, '__barnabas_metadata-0')
  for (const name of readdirSync(directory)) if (name.endsWith('.damaged')) rmSync(join(directory, name))
  const { engine: without } = await openEngine(t, folder)
  t.equal(without.topics!.get('t-filled'), undefined)
  t.ok(readdirSync(folder).includes('t-filled-2'), 'its records are still there')
  await without.close()
})

t.test('a torn last write of the metadata is what a crash leaves, and no damage', async t => {
  const folder = t.testdir()
  const { client, engine } = await openEngine(t, folder)
  const topic = await client.topic()
  const image = crashImage(t, folder)
  const log = join(image, '__barnabas_metadata-0', '00000000000000000000.log')
  writeFileSync(log, Buffer.concat([readFileSync(log), Buffer.from('half a bat')]))
  const { engine: recovered, watch } = await openEngine(t, image)
  t.strictSame(watch.truncations, [10])
  t.equal(recovered.topics!.get(topic.name)!.id, topic.id)
  await Promise.all([recovered.close(), engine.close()])
})

t.test('a stop that cannot bring everything to the disk says so, lets go of all, and leaves no marker', async t => {
  const folder = t.testdir()
  const { client, engine, fs } = await openEngine(t, folder)
  const topic = await client.topic(3)
  await client.append(topic, ['a'], 1, { producerId: 1, producerEpoch: 0, baseSequence: 0 })
  fs.before = call => { if (call.kind === 'replaceFile') throw systemError('ENOSPC', call.path) }
  await t.rejects(engine.close(), 'ENOSPC')
  t.equal(isClean(folder), false)
  t.equal(fs.openFiles, 0)
  t.equal(existsSync(join(folder, LOCK_HOLDER)), false)
  const { client: next, engine: again } = await openEngine(t, folder)
  t.strictSame(await next.values(topic, 1), ['a'])
  await again.close()
})

/** A folder that was stopped cleanly, with a topic `t-filled` of three partitions. */
async function filled (t: Test): Promise<string> {
  const folder = t.testdir()
  const { client, engine } = await openEngine(t, folder)
  const topic = await client.topic(3, {}, 't-filled')
  await client.append(topic, ['kept'], 2)
  t.equal(batchesOf(await client.fetch(topic, 0, { partition: 2 })).length, 1)
  await commit(client, 'group', topic, [[2, 1, '']])
  await engine.close()
  return folder
}
