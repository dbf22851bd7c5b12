import t from 'tap'
import { anonymous, neverAborted, type Context } from '../../../protocol/rpc.ts'
import { createTopic, deleteTopic, getBrokers, getTopic, listTopics, topicConfigs } from '../../../src/client/admin.ts'
import { MemoryLog } from '../../support/memory-log.ts'

const context: Context = { principal: anonymous, door: 'http', clientId: '', address: '', version: 0, signal: neverAborted, throttleMs: 0 }

t.test('topics are created, described, listed in order and deleted', async t => {
  const { dispatch } = new MemoryLog({ partitions: 2 })
  t.same(await createTopic(dispatch, context, { name: 'b' }), { partitions: 2, replicationFactor: 1 })
  const configs = [{ name: 'retention.ms', value: '1000' }]
  t.same(await createTopic(dispatch, context, { name: 'a', partitions: 3, configs }), { partitions: 3, replicationFactor: 1 })
  const partitions = [0, 1, 2].map(partition => ({ partition, leader: 1, replicas: [1], inSync: [1] }))
  t.match(await getTopic(dispatch, context, 'a'), { name: 'a', isInternal: false, partitions })
  t.same((await listTopics(dispatch, context)).map(({ name }) => name), ['a', 'b'])
  t.match(await topicConfigs(dispatch, context, 'a'), [{ name: 'cleanup.policy', value: 'delete' }, { name: 'retention.ms', value: '1000' }])
  t.same(await getBrokers(dispatch, context), { brokers: [1], controllerId: 1 })
  await deleteTopic(dispatch, context, 'b')
  t.same((await listTopics(dispatch, context)).map(({ name }) => name), ['a'])
})

t.test('validating creates nothing', async t => {
  const log = new MemoryLog()
  t.same(await createTopic(log.dispatch, context, { name: 'a', partitions: 5, validateOnly: true }), { partitions: 5, replicationFactor: 1 })
  t.equal(log.topics.size, 0)
})

t.test('what cannot be done is an error', async t => {
  const { dispatch } = new MemoryLog()
  await createTopic(dispatch, context, { name: 'a' })
  await t.rejects(createTopic(dispatch, context, { name: 'a' }), { code: 'TOPIC_ALREADY_EXISTS' })
  await t.rejects(createTopic(dispatch, context, { name: 'a b' }), { code: 'INVALID_TOPIC_EXCEPTION' })
  await t.rejects(createTopic(dispatch, context, { name: 'c', partitions: 0 }), { code: 'INVALID_PARTITIONS' })
  await t.rejects(createTopic(dispatch, context, { name: 'c', replicationFactor: 2 }), { code: 'INVALID_REPLICATION_FACTOR' })
  await t.rejects(getTopic(dispatch, context, 'nope'), { code: 'UNKNOWN_TOPIC_OR_PARTITION', message: 'There is no topic nope.' })
  await t.rejects(topicConfigs(dispatch, context, 'nope'), { code: 'UNKNOWN_TOPIC_OR_PARTITION' })
  await t.rejects(deleteTopic(dispatch, context, 'nope'), { code: 'UNKNOWN_TOPIC_OR_PARTITION' })
})
