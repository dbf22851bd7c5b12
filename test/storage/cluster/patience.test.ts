/**
 * Callers that do not try again by themselves: what passes is waited for, what may have been done is not done again.
 */
import t, { type Test } from 'tap'
import { Produce } from '../../../protocol/messages/00-produce.ts'
import { Metadata } from '../../../protocol/messages/03-metadata.ts'
import { CreateTopics } from '../../../protocol/messages/19-create-topics.ts'
import { DeleteTopics } from '../../../protocol/messages/20-delete-topics.ts'
import { Heartbeat } from '../../../protocol/messages/12-heartbeat.ts'
import { errors } from '../../../protocol/errors.ts'
import { cutAfter } from '../../support/fake-broker.ts'
import { batchOf } from '../../support/batches.ts'
import { FakeCluster } from '../../support/fake-cluster.ts'
import { until } from '../../support/until.ts'
import { Client, nameOf, openEngine, PROMPT_MS, timed } from './support.ts'

async function world (t: Test, door: 'http' | 'kafka' = 'http'): Promise<{ cluster: FakeCluster, caller: Client }> {
  const cluster = await FakeCluster.start(t, 2)
  cluster.topic('a', [0, 1])
  return { cluster, caller: new Client(await openEngine(t, cluster), door) }
}

t.test('a leader that moves, a topic that is just being made', async t => {
  const { cluster, caller } = await world(t)
  await caller.produce([['a', 0]])
  cluster.lead('a', 0, -1)
  const waiting = caller.produce([['a', 0]])
  setTimeout(() => cluster.lead('a', 0, 1), 200)
  t.strictSame(await waiting, ['a-0 NONE 1'])
  setTimeout(() => cluster.topic('new', [1]), 200)
  t.strictSame(await caller.produce([['new', 0]]), ['new-0 NONE 0'])
})

t.test('who has a connection is told at once', async t => {
  const { cluster, caller } = await world(t, 'kafka')
  cluster.lead('a', 0, -1)
  const { value, ms } = await timed(caller.produce([['a', 0]]))
  t.strictSame(value, ['a-0 NOT_LEADER_OR_FOLLOWER -1'])
  t.ok(ms < PROMPT_MS, `${ms} ms`)
})

t.test('a coordinator that is found only now', async t => {
  const { cluster, caller } = await world(t)
  let asked = 0
  cluster.brokers[0]!.on(Heartbeat, () => ({ errorCode: ++asked < 3 ? errors.COORDINATOR_LOAD_IN_PROGRESS : errors.NONE }))
  t.equal((await caller.call(Heartbeat, { groupId: 'g', generationId: 1, memberId: 'm' })).errorCode, errors.NONE)
  t.equal(asked, 3)
})

t.test('where one partition is written and another refused, only that one is sent again', async t => {
  const { cluster, caller } = await world(t)
  await caller.produce([['a', 0], ['a', 1]])
  const undo = cluster.brokers[1]!.on(Produce, () => {
    undo()
    return { responses: [{ name: 'a', partitionResponses: [{ index: 1, errorCode: errors.NOT_LEADER_OR_FOLLOWER, baseOffset: -1 }] }] }
  })
  t.strictSame(await caller.produce([['a', 0], ['a', 1]]), ['a-0 NONE 1', 'a-1 NONE 1'])
  t.strictSame(cluster.brokers.map(broker => broker.askedFor(Produce).length), [2, 3])
  const { id: topicId } = cluster.topics.get('a')!
  const undoById = cluster.brokers[1]!.on(Produce, () => {
    undoById()
    return { responses: [{ topicId, partitionResponses: [{ index: 1, errorCode: errors.NOT_LEADER_OR_FOLLOWER, baseOffset: -1 }] }] }
  })
  const partitionData = [0, 1].map(index => ({ index, records: [batchOf(['x']).bytes] }))
  const { responses } = await caller.call(Produce, { acks: -1, timeoutMs: 1000, topicData: [{ name: 'a', topicId, partitionData }] }, { version: 13 })
  t.strictSame(responses[0]!.partitionResponses.map(({ baseOffset }) => baseOffset), [2, 2], 'by id, too')
  cluster.brokers[1]!.on(Produce, () => ({
    responses: [{ name: 'a', partitionResponses: [{ index: 1, errorCode: errors.NOT_LEADER_OR_FOLLOWER, baseOffset: 9 }] }]
  }))
  t.strictSame(await caller.produce([['a', 0], ['a', 1]]), ['a-0 NONE 3', 'a-1 NOT_LEADER_OR_FOLLOWER 9'], 'and not where it may be written')
  t.strictSame(cluster.brokers.map(broker => broker.askedFor(Produce).length), [4, 6])
})

t.test('nor where nobody knows whether it was written: no answer, or a leader deposed while it waited', async t => {
  const { cluster, caller } = await world(t)
  const undo = cluster.brokers[0]!.on(Produce, () => cutAfter(3))
  t.strictSame(await caller.produce([['a', 0]]), ['a-0 REQUEST_TIMED_OUT -1'])
  undo()
  cluster.brokers[0]!.on(Produce, () => ({
    responses: [{ name: 'a', partitionResponses: [{ index: 0, errorCode: errors.NOT_LEADER_OR_FOLLOWER, baseOffset: 17 }] }]
  }))
  t.strictSame(await caller.produce([['a', 0]]), ['a-0 NOT_LEADER_OR_FOLLOWER 17'])
  t.equal(cluster.brokers[0]!.askedFor(Produce).length, 2)
})

t.test('it ends, and with the caller', async t => {
  const { cluster, caller } = await world(t)
  cluster.lead('a', 0, -1)
  const leaving = new AbortController()
  const asked = (): number => cluster.askedFor(Metadata).length
  const before = asked()
  const topicData = [{ name: 'a', partitionData: [{ index: 0, records: null }] }]
  const answer = caller.call(Produce, { acks: -1, timeoutMs: 1000, topicData }, { signal: leaving.signal })
  await until(() => asked() > before + 1)
  leaving.abort()
  t.equal(nameOf((await answer).responses[0]!.partitionResponses[0]!.errorCode), 'NOT_LEADER_OR_FOLLOWER')
})

t.test('topics that the cluster does not make are waited for once, and by nobody who does not want them made', async t => {
  const { caller } = await world(t)
  const ask = async (allowAutoTopicCreation: boolean): Promise<number> => {
    const { value, ms } = await timed(caller.call(Metadata, { topics: [{ name: 'none' }], allowAutoTopicCreation }))
    t.equal(nameOf(value.topics[0]!.errorCode), 'UNKNOWN_TOPIC_OR_PARTITION')
    return ms
  }
  t.ok(await ask(false) < PROMPT_MS)
  const ms = await ask(true)
  t.ok(ms >= 2000 && ms < 2500 + PROMPT_MS, `${ms} ms`)
  t.ok(await ask(true) < PROMPT_MS)
})

t.test('a topic that was made is there, one that was deleted is not, when the answer comes', async t => {
  const { cluster, caller } = await world(t)
  const [controller] = cluster.brokers
  controller!.on(CreateTopics, ({ request: { topics, validateOnly } }) => {
    if (!validateOnly) setTimeout(() => cluster.topic('made', [1]), 100)
    return { topics: topics.map(({ name }) => ({ name, errorCode: 0, errorMessage: null })) }
  })
  controller!.on(DeleteTopics, () => {
    setTimeout(() => cluster.topics.delete('made'), 100)
    return { responses: [{ name: 'made', errorCode: 0, errorMessage: null }] }
  })
  const topics = [{ name: 'made', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }]
  t.ok((await timed(caller.call(CreateTopics, { topics, timeoutMs: 1000, validateOnly: true }))).ms < PROMPT_MS, 'what is only tried is not waited for')
  const errorOf = async (): Promise<string> => {
    const { topics: [topic] } = await caller.call(Metadata, { topics: [{ name: 'made' }], allowAutoTopicCreation: false })
    return nameOf(topic!.errorCode)
  }
  await caller.call(CreateTopics, { topics, timeoutMs: 1000 })
  t.equal(await errorOf(), 'NONE')
  await caller.call(DeleteTopics, { topics: [{ name: 'made', topicId: 'AAAAAAAAAAAAAAAAAAAAAA' }], timeoutMs: 1000 })
  t.equal(await errorOf(), 'UNKNOWN_TOPIC_OR_PARTITION')
})
