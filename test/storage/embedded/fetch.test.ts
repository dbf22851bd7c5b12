/** Fetches that read from files, at their own pace. */
import t from 'tap'
import { Fetch } from '../../../protocol/messages/01-fetch.ts'
import { MIB, batchesOf, nameOf, valuesOf, type Client, type TopicRef } from '../../engine/suite/kit.ts'
import { openEngine } from './support.ts'

const NO_TAIL = { tailBytes: 0 }
/** More than the tail keeps for free. */
const LARGE_BYTES = 20_000
const large = (letter: string): string => letter.repeat(LARGE_BYTES)

type Limits = { readonly maxBytes?: number, readonly partitionMaxBytes?: number, readonly minBytes?: number }

async function fetchAll (client: Client, topic: TopicRef, partitions: readonly number[], limits: Limits) {
  const { maxBytes = 50 * MIB, partitionMaxBytes = MIB, minBytes = 1 } = limits
  const { responses } = await client.call(Fetch, {
    maxWaitMs: 600_000,
    minBytes,
    maxBytes,
    topics: [{ topic: '', topicId: topic.id, partitions: partitions.map(partition => ({ partition, fetchOffset: 0, partitionMaxBytes })) }]
  })
  return responses[0]!.partitions
}

t.test('what is appended while files are read is not waited for', async t => {
  const { client, engine, fs } = await openEngine(t, t.testdir(), NO_TAIL)
  const topic = await client.topic()
  await client.append(topic, [large('a')])
  const reached = Promise.withResolvers<void>()
  const held = Promise.withResolvers<void>()
  fs.before = ({ kind }) => {
    if (kind !== 'read') return
    reached.resolve()
    return held.promise
  }
  const fetching = client.fetch(topic, 0, { maxWaitMs: 600_000, minBytes: LARGE_BYTES + 1000 })
  await reached.promise
  await client.append(topic, [large('b')])
  held.resolve()
  t.strictSame(valuesOf(await fetching), [large('a'), large('b')])
  await engine.close()
})

t.test('what one partition does not take of the room, the next ones get', async t => {
  const { client, engine } = await openEngine(t, t.testdir(), NO_TAIL)
  const topic = await client.topic(3)
  for (const partition of [0, 1, 2]) for (const letter of 'ab') await client.append(topic, [large(letter)], partition)
  const counts = async (maxBytes: number): Promise<number[]> =>
    (await fetchAll(client, topic, [0, 1, 2], { maxBytes })).map(partition => batchesOf(partition).length)
  t.strictSame(await counts(MIB), [2, 2, 2])
  t.strictSame(await counts(3.5 * LARGE_BYTES), [2, 1, 0])
  t.strictSame(await counts(1), [1, 0, 0])
  await engine.close()
})

t.test('one answer never holds more than a server may send, whatever is asked for', async t => {
  const { client, engine, fs } = await openEngine(t, t.testdir(), NO_TAIL)
  const topic = await client.topic(1, { 'max.message.bytes': '20000000' })
  for (let i = 0; i < 4; i++) await client.append(topic, ['x'.repeat(18_000_000)])
  let asked = 0
  fs.before = ({ kind, bytes }) => { if (kind === 'read') asked = Math.max(asked, bytes) }
  const [fetched] = await fetchAll(client, topic, [0], { maxBytes: 0x7fffffff, partitionMaxBytes: 0x7fffffff })
  t.equal(batchesOf(fetched!).length, 3)
  t.ok(asked < 60_000_000, `${asked} bytes were read at once`)
  await engine.close()
})

t.test('a partition that is not there is told at once, though others could be waited for', async t => {
  const { client, engine } = await openEngine(t, t.testdir())
  const topic = await client.topic()
  const partitions = await fetchAll(client, topic, [0, 7], { minBytes: MIB })
  t.strictSame(partitions.map(({ errorCode }) => nameOf(errorCode)), ['NONE', 'UNKNOWN_TOPIC_OR_PARTITION'])
  await engine.close()
})

t.test('records that retention takes while they are read are out of range, and no wrong ones come in their place', async t => {
  const { client, engine, fs } = await openEngine(t, t.testdir(), NO_TAIL)
  const topic = await client.topic(1, { 'segment.bytes': '30000' })
  for (const letter of 'abcd') await client.append(topic, [large(letter)])
  const { log } = engine.topics!.partition(topic.name, 0)!
  const reached = Promise.withResolvers<void>()
  const held = Promise.withResolvers<void>()
  fs.before = ({ kind }) => {
    if (kind !== 'read') return
    reached.resolve()
    return held.promise
  }
  const fetching = client.fetch(topic, 0)
  await reached.promise
  const removing = log.removeBefore(2)
  held.resolve()
  await removing
  t.equal(nameOf((await fetching).errorCode), 'OFFSET_OUT_OF_RANGE')
  t.strictSame(valuesOf(await client.fetch(topic, 2)), [large('c')])
  await engine.close()
})
