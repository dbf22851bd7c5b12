/**
 * Long polls: a fetch that finds too little waits, and is answered as soon as there is reason to.
 */
import type { Test } from 'tap'
import { Fetch } from '../../../protocol/messages/01-fetch.ts'
import { Client, MIB, batchesOf, byNameOrId, nameOf, valuesOf, type Engine, type TopicRef } from './kit.ts'

/** Longer than any test may take: who is answered was woken. */
const FOR_EVER_MS = 600_000

export function longPollSuite (t: Test, engine: Engine): void {
  const client = new Client(engine)

  t.test('an append wakes those who wait at the end', async t => {
    const topic = await client.topic()
    await client.append(topic, ['before'])
    const waiting = [1, 2, 3].map(() => client.fetch(topic, 1, { maxWaitMs: FOR_EVER_MS }))
    await client.append(topic, ['after'])
    for (const fetched of await Promise.all(waiting)) t.strictSame(valuesOf(fetched), ['after'])
  })

  t.test('without anything to read, the answer comes when the time is up', async t => {
    const topic = await client.topic()
    const startedAt = performance.now()
    const fetched = await client.fetch(topic, 0, { maxWaitMs: 200 })
    t.ok(performance.now() - startedAt >= 190)
    t.strictSame([nameOf(fetched.errorCode), valuesOf(fetched), fetched.highWatermark], ['NONE', [], 0])
  })

  t.test('who asks for no bytes does not wait', async t => {
    const topic = await client.topic()
    t.strictSame(valuesOf(await client.fetch(topic, 0, { maxWaitMs: FOR_EVER_MS, minBytes: 0 })), [])
  })

  t.test('who asks for many bytes waits for them, over all partitions together', async t => {
    const topic = await client.topic(3)
    const version = client.versions(Fetch).at(-1)!
    let answered = false
    const waiting = client.call(Fetch, {
      maxWaitMs: FOR_EVER_MS,
      minBytes: 3000,
      topics: [{ ...byNameOrId(topic, version), partitions: [0, 1, 2].map(partition => ({ partition, fetchOffset: 0, partitionMaxBytes: MIB })) }]
    })
    waiting.then(() => { answered = true }, () => {})
    for (const partition of [0, 1]) await client.append(topic, ['x'.repeat(1000)], partition)
    await client.fetch(topic, 0, { maxWaitMs: 50, minBytes: MIB })
    t.equal(answered, false, 'two thirds are not enough')
    await client.append(topic, ['x'.repeat(1000)], 2)
    const { responses } = await waiting
    t.strictSame(responses[0]!.partitions.map(partition => batchesOf(partition).length), [1, 1, 1])
  })

  t.test('who asks for more bytes than may be sent is not kept waiting for them', async t => {
    const topic = await client.topic()
    for (let i = 0; i < 4; i++) await client.append(topic, ['x'.repeat(1000)])
    const fetched = await client.fetch(topic, 0, { maxWaitMs: FOR_EVER_MS, minBytes: MIB, maxBytes: 1000 })
    t.equal(batchesOf(fetched).length, 1)
  })

  t.test('a peer that leaves is not waited for', async t => {
    const topic = await client.topic()
    const peer = new AbortController()
    const waiting = client.fetch(topic, 0, { maxWaitMs: FOR_EVER_MS, signal: peer.signal })
    setTimeout(() => peer.abort(), 20)
    await Promise.allSettled([waiting])
    await Promise.allSettled([client.fetch(topic, 0, { maxWaitMs: FOR_EVER_MS, signal: peer.signal })])
    t.pass('neither when it leaves while it waits, nor when it has left before')
  })

  t.test('when a topic is deleted, those who wait for it are told at once', async t => {
    const topic = await client.topic(2)
    const waiting = [0, 1].map(partition => client.fetch(topic, 0, { maxWaitMs: FOR_EVER_MS, partition }))
    await client.fetch(topic, 0, { maxWaitMs: 30 })
    t.equal(await client.deleteTopic({ name: topic.name }), 'NONE')
    for (const { errorCode } of await Promise.all(waiting)) {
      t.match(nameOf(errorCode), /^(UNKNOWN_TOPIC_OR_PARTITION|UNKNOWN_TOPIC_ID|NOT_LEADER_OR_FOLLOWER)$/)
    }
  })

  t.test('no wake-up is lost between appends that come at any moment', async t => {
    const topics = [await client.topic(2), await client.topic(2)]
    const ROUNDS = 150
    const readers = topics.flatMap(topic => [0, 1].map(async partition => {
      const values: string[] = []
      while (values.length < ROUNDS) values.push(...valuesOf(await client.fetch(topic, values.length, { maxWaitMs: FOR_EVER_MS, partition })))
      return values
    }))
    const writers = topics.flatMap(topic => [0, 1].map(async partition => {
      for (let i = 0; i < ROUNDS; i++) {
        await client.append(topic, [String(i)], partition)
        if (i % 10 === 9) await new Promise(resolve => setTimeout(resolve, i % 3))
      }
    }))
    await Promise.all(writers)
    const expected = Array.from({ length: ROUNDS }, (_, i) => String(i))
    for (const values of await Promise.all(readers)) t.strictSame(values, expected)
  })

  t.test('one who waits for many partitions is woken by any of them', async t => {
    const topic = await client.topic(16)
    const version = client.versions(Fetch).at(-1)!
    const ends = new Array<number>(16).fill(0)
    for (const partition of [15, 3, 3, 0, 8, 15]) {
      const waiting = fetchEnds(topic, version, ends)
      await client.append(topic, ['x'], partition)
      const found = (await waiting).filter(one => batchesOf(one).length > 0).map(({ partitionIndex }) => partitionIndex)
      t.strictSame(found, [partition])
      ends[partition]!++
    }
  })

  async function fetchEnds (topic: TopicRef, version: number, ends: readonly number[]) {
    const { responses } = await client.call(Fetch, {
      maxWaitMs: FOR_EVER_MS,
      minBytes: 1,
      topics: [{ ...byNameOrId(topic, version), partitions: ends.map((fetchOffset, partition) => ({ partition, fetchOffset, partitionMaxBytes: MIB })) }]
    })
    return responses[0]!.partitions
  }
}
