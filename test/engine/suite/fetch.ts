/**
 * Fetch: what is read, from where and how much of it.
 */
import type { Test } from 'tap'
import { Fetch } from '../../../protocol/messages/01-fetch.ts'
import { Client, MIB, TOPIC_IDS_SINCE, batchesOf, byNameOrId, nameOf, valuesOf, type Engine, type TopicRef } from './kit.ts'

const SESSIONS_SINCE = 7
const KIB = 1024
/** One record of a kibibyte, header and all. */
const filler = (letter: string): string => letter.repeat(KIB - 80)

export function fetchSuite (t: Test, engine: Engine): void {
  const client = new Client(engine)

  t.test('every version reads', async t => {
    const topic = await client.topic()
    await client.append(topic, ['a', 'b'])
    for (const version of client.versions(Fetch)) {
      const fetched = await client.fetch(topic, 0, { version })
      t.strictSame([nameOf(fetched.errorCode), fetched.highWatermark, valuesOf(fetched)], ['NONE', 2, ['a', 'b']], `v${version}`)
    }
  })

  t.test('from the middle of a batch on, the whole batch comes', async t => {
    const topic = await client.topic()
    await client.append(topic, ['a', 'b', 'c'])
    await client.append(topic, ['d'])
    t.strictSame(valuesOf(await client.fetch(topic, 1)), ['a', 'b', 'c', 'd'])
    t.strictSame(valuesOf(await client.fetch(topic, 3)), ['d'])
    t.strictSame(valuesOf(await client.fetch(topic, 4)), [])
  })

  t.test('the first batch comes whole, whatever the limits say', async t => {
    const topic = await client.topic()
    await client.append(topic, [filler('a')])
    await client.append(topic, [filler('b')])
    for (const limits of [{ partitionMaxBytes: 1 }, { maxBytes: 1 }, { maxBytes: 0, partitionMaxBytes: 0 }]) {
      t.strictSame(valuesOf(await client.fetch(topic, 0, limits)), [filler('a')], JSON.stringify(limits))
    }
  })

  t.test('the limits are kept by whole batches', async t => {
    const topic = await client.topic()
    for (const letter of 'abcdef') await client.append(topic, [filler(letter)])
    const { sizeBytes } = batchesOf(await client.fetch(topic, 0))[0]!
    for (const limit of ['partitionMaxBytes', 'maxBytes']) {
      const fetched = await client.fetch(topic, 1, { [limit]: 3 * sizeBytes })
      t.strictSame(valuesOf(fetched).map(value => value[0]), ['b', 'c', 'd'], limit)
    }
  })

  t.test('partitions share the limit of the request, the first ones first', async t => {
    const topic = await client.topic(3)
    for (let partition = 0; partition < 3; partition++) for (const letter of 'abcd') await client.append(topic, [filler(letter)], partition)
    const { sizeBytes } = batchesOf(await client.fetch(topic, 0))[0]!
    const read = async (maxBytes: number): Promise<number[]> => {
      const partitions = await fetchAll(topic, [0, 1, 2], { maxBytes, partitionMaxBytes: 2 * sizeBytes })
      return partitions.map(partition => batchesOf(partition).length)
    }
    t.strictSame(await read(6 * sizeBytes), [2, 2, 2])
    t.strictSame(await read(3 * sizeBytes), [2, 1, 0])
    t.strictSame(await read(1), [1, 0, 0])
  })

  t.test('a large batch of the first partition is not passed over for a small one of the next', async t => {
    const topic = await client.topic(2)
    await client.append(topic, [filler('a')], 0)
    await client.append(topic, ['b'], 1)
    const partitions = await fetchAll(topic, [0, 1], { maxBytes: MIB, partitionMaxBytes: 500 })
    t.strictSame(partitions.map(partition => batchesOf(partition).length), [1, 1])
  })

  t.test('an empty partition leaves its turn to the next', async t => {
    const topic = await client.topic(2)
    await client.append(topic, [filler('b')], 1)
    const partitions = await fetchAll(topic, [0, 1], { maxBytes: 1, partitionMaxBytes: 1 })
    t.strictSame(partitions.map(partition => batchesOf(partition).length), [0, 1])
  })

  t.test('everything can be read through the smallest of windows', async t => {
    const topic = await client.topic()
    const sent: string[] = []
    for (let i = 0; i < 30; i++) {
      const values = Array.from({ length: 1 + i % 4 }, (_, k) => `${i}.${k}`.padEnd(100 * (i % 7), '-'))
      sent.push(...values)
      await client.append(topic, values)
    }
    const read: string[] = []
    for (let offset = 0; offset < sent.length;) {
      const batches = batchesOf(await client.fetch(topic, offset, { partitionMaxBytes: 1 }))
      t.equal(batches.length, 1)
      t.equal(batches[0]!.baseOffset, offset)
      read.push(...valuesOf({ records: [batches[0]!.bytes] }))
      offset = batches[0]!.nextOffset
    }
    t.strictSame(read, sent)
  })

  t.test('an offset outside the log is told so at once', async t => {
    const topic = await client.topic()
    await client.append(topic, ['a'])
    for (const offset of [2, 1_000_000]) {
      const { errorCode, records } = await client.fetch(topic, offset, { maxWaitMs: 60_000 })
      t.strictSame([nameOf(errorCode), Buffer.concat(records ?? []).length], ['OFFSET_OUT_OF_RANGE', 0])
    }
  })

  t.test('what is not there is told, beside what is', async t => {
    const topic = await client.topic()
    await client.append(topic, ['a'])
    const gone: TopicRef = { name: `${topic.name}-gone`, id: Buffer.alloc(16, 7).toString('base64url') }
    for (const version of [TOPIC_IDS_SINCE - 1, TOPIC_IDS_SINCE].filter(version => client.supports(Fetch, version))) {
      const { responses } = await client.call(Fetch, {
        maxWaitMs: 100,
        minBytes: MIB,
        topics: [gone, topic].map(one => ({
          ...byNameOrId(one, version), partitions: [0, 9].map(partition => ({ partition, fetchOffset: 0, partitionMaxBytes: MIB }))
        }))
      }, { version })
      const results = responses.flatMap(({ partitions }) => partitions).map(({ errorCode, records }) => [nameOf(errorCode), valuesOf({ records }).length])
      const unknown = version < TOPIC_IDS_SINCE ? 'UNKNOWN_TOPIC_OR_PARTITION' : 'UNKNOWN_TOPIC_ID'
      t.strictSame(results.sort(), [[unknown, 0], [unknown, 0], ['NONE', 1], ['UNKNOWN_TOPIC_OR_PARTITION', 0]].sort(), `v${version}`)
    }
  })

  t.test('a leader epoch from the future is not known (KIP-320)', async t => {
    const topic = await client.topic()
    t.equal(nameOf((await client.fetch(topic, 0, { currentLeaderEpoch: 1000 })).errorCode), 'UNKNOWN_LEADER_EPOCH')
    t.equal(nameOf((await client.fetch(topic, 0, { currentLeaderEpoch: 0 })).errorCode), 'NONE')
  })

  t.test('who reads committed records only is told that none were aborted', async t => {
    const topic = await client.topic()
    await client.append(topic, ['a'])
    const committed = await client.fetch(topic, 0, { isolationLevel: 1 })
    t.strictSame([valuesOf(committed), committed.abortedTransactions, committed.lastStableOffset], [['a'], [], 1])
    t.equal((await client.fetch(topic, 0, { isolationLevel: 0 })).abortedTransactions, null)
  })

  t.test('a session that nobody has begun is not found (KIP-227)', async t => {
    const { errorCode, responses } = await client.call(Fetch, { maxWaitMs: 0, minBytes: 0, sessionId: 12345, sessionEpoch: 1, topics: [] })
    t.strictSame([nameOf(errorCode), responses.length], ['FETCH_SESSION_ID_NOT_FOUND', 0])
    t.ok(client.supports(Fetch, SESSIONS_SINCE))
  })

  async function fetchAll (topic: TopicRef, partitions: readonly number[], { maxBytes, partitionMaxBytes }: Record<'maxBytes' | 'partitionMaxBytes', number>) {
    const version = client.versions(Fetch).at(-1)!
    const { responses } = await client.call(Fetch, {
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes,
      topics: [{ ...byNameOrId(topic, version), partitions: partitions.map(partition => ({ partition, fetchOffset: 0, partitionMaxBytes })) }]
    })
    return responses[0]!.partitions
  }
}
