/**
 * Questions about permissions that only a cluster can answer: transactions, the newer groups, and what else the embedded
 * engine does not serve.
 */
import { AddPartitionsToTxn } from '../../../protocol/messages/24-add-partitions-to-txn.ts'
import { AddOffsetsToTxn } from '../../../protocol/messages/25-add-offsets-to-txn.ts'
import { EndTxn } from '../../../protocol/messages/26-end-txn.ts'
import { TxnOffsetCommit } from '../../../protocol/messages/28-txn-offset-commit.ts'
import { AlterConfigs } from '../../../protocol/messages/33-alter-configs.ts'
import { DescribeLogDirs } from '../../../protocol/messages/35-describe-log-dirs.ts'
import { ElectLeaders } from '../../../protocol/messages/43-elect-leaders.ts'
import { OffsetDelete } from '../../../protocol/messages/47-offset-delete.ts'
import { DescribeProducers } from '../../../protocol/messages/61-describe-producers.ts'
import { DescribeTransactions } from '../../../protocol/messages/65-describe-transactions.ts'
import { ListTransactions } from '../../../protocol/messages/66-list-transactions.ts'
import { ConsumerGroupHeartbeat } from '../../../protocol/messages/68-consumer-group-heartbeat.ts'
import { ConsumerGroupDescribe } from '../../../protocol/messages/69-consumer-group-describe.ts'
import { ListConfigResources } from '../../../protocol/messages/74-list-config-resources.ts'
import { DescribeTopicPartitions } from '../../../protocol/messages/75-describe-topic-partitions.ts'
import { ShareGroupHeartbeat } from '../../../protocol/messages/76-share-group-heartbeat.ts'
import { ShareGroupDescribe } from '../../../protocol/messages/77-share-group-describe.ts'
import { ShareFetch } from '../../../protocol/messages/78-share-fetch.ts'
import { ShareAcknowledge } from '../../../protocol/messages/79-share-acknowledge.ts'
import { StreamsGroupHeartbeat } from '../../../protocol/messages/88-streams-group-heartbeat.ts'
import { StreamsGroupDescribe } from '../../../protocol/messages/89-streams-group-describe.ts'
import { DescribeShareGroupOffsets } from '../../../protocol/messages/90-describe-share-group-offsets.ts'
import { AlterShareGroupOffsets } from '../../../protocol/messages/91-alter-share-group-offsets.ts'
import { DeleteShareGroupOffsets } from '../../../protocol/messages/92-delete-share-group-offsets.ts'
import type { RequestInput } from '../../../protocol/schema.ts'
import { CLUSTER, both, row, three, type Ids, type Row } from './permission-rows.ts'

/** Groups of the newer protocols, with a member that reads these topics. */
export const MEMBERS = [['newer', 'orders'], ['hidden', 'secret']] as const
/** Each has `orders` and `secret` in its transaction. */
export const TRANSACTIONS = ['tx', 'other-tx']
/** Kafka takes only such ids for members of share groups. */
export const MEMBER_ID = 'AAAAAAAAAAAAAAAAAAAAZg'

const tx = { transactionalId: 'tx', producerId: 1, producerEpoch: 0 }
const WRITE_TX = 'WRITE TRANSACTIONAL_ID tx'
const added = (topics: readonly string[], partitions = [0]): RequestInput<typeof AddPartitionsToTxn> => ({
  v3AndBelowTransactionalId: 'tx', v3AndBelowProducerId: 1, v3AndBelowProducerEpoch: 0, v3AndBelowTopics: topics.map(name => ({ name, partitions }))
})
const committed = {
  ...tx, groupId: 'readers', topics: three.map(name => ({ name, partitions: [{ partitionIndex: 0, committedOffset: 0, committedMetadata: null }] }))
}

const transactionRows = [
  ...[0, 3].flatMap(version => [
    row('nothing is allowed', [], AddPartitionsToTxn, version, added(three)),
    row('the topics alone', ['WRITE TOPIC *'], AddPartitionsToTxn, version, added(three)),
    row('one of three', [WRITE_TX, 'WRITE TOPIC orders'], AddPartitionsToTxn, version, added(three, [0, 5])),
    row('two of three, one of them absent', [WRITE_TX, 'WRITE TOPIC orders', 'WRITE TOPIC absent'], AddPartitionsToTxn, version, added(three)),
    row('all', [WRITE_TX, 'WRITE TOPIC *'], AddPartitionsToTxn, version, added(['orders']))
  ]),
  row('nothing is allowed', [], AddOffsetsToTxn, 4, { ...tx, groupId: 'readers' }),
  row('the group alone', ['READ GROUP readers'], AddOffsetsToTxn, 4, { ...tx, groupId: 'readers' }),
  row('the transaction alone', [WRITE_TX], AddOffsetsToTxn, 1, { ...tx, groupId: 'readers' }),
  row('both', [WRITE_TX, 'READ GROUP readers'], AddOffsetsToTxn, 4, { ...tx, groupId: 'readers' }),
  row('described only', ['DESCRIBE TRANSACTIONAL_ID tx'], EndTxn, 5, { ...tx, committed: true }),
  row('allowed', [WRITE_TX], EndTxn, 4, { ...tx, committed: true }),
  row('nothing is allowed', [], TxnOffsetCommit, 3, committed),
  row('the transaction alone', [WRITE_TX], TxnOffsetCommit, 0, committed),
  row('without the topics', [WRITE_TX, 'READ GROUP readers'], TxnOffsetCommit, 3, committed),
  row('one of three', [WRITE_TX, 'READ GROUP readers', 'READ TOPIC orders'], TxnOffsetCommit, 3, committed),
  row('one of three', ['READ TOPIC orders', 'DESCRIBE TOPIC secret'], DescribeProducers, 0, { topics: three.map(name => ({ name, partitionIndexes: [0] })) }),
  row('nothing is allowed', [], DescribeTransactions, 0, { transactionalIds: TRANSACTIONS }),
  row('one of two, without its topics', ['DESCRIBE TRANSACTIONAL_ID tx'], DescribeTransactions, 0, { transactionalIds: TRANSACTIONS }),
  row('both, with one topic', ['WRITE TRANSACTIONAL_ID *', 'READ TOPIC orders'], DescribeTransactions, 0, { transactionalIds: [...TRANSACTIONS, 'absent'] }),
  row('nothing is allowed', [], ListTransactions, 0, { stateFilters: [], producerIdFilters: [] }),
  row('one of two', ['DESCRIBE TRANSACTIONAL_ID tx'], ListTransactions, 1, { stateFilters: [], producerIdFilters: [] })
]

const configs = [[2, 'orders'], [2, 'secret'], [2, 'absent'], [4, '1']].map(([resourceType, resourceName]) =>
  ({ resourceType: resourceType as number, resourceName: resourceName as string, configs: [{ name: 'retention.ms', value: '100000' }] }))
const elected = (['orders', 'absent'] as const).map(topic => ({ topic, partitions: [0] }))
const deleted = three.map(name => ({ name, partitions: [{ partitionIndex: 0 }, { partitionIndex: 5 }] }))
const named = (topics: readonly string[]): { name: string }[] => topics.map(name => ({ name }))

const adminRows = [
  row('nothing is allowed', [], AlterConfigs, 2, { resources: configs, validateOnly: true }),
  row('a topic', ['ALTER_CONFIGS TOPIC orders', 'ALTER TOPIC secret'], AlterConfigs, 0, { resources: configs, validateOnly: true }),
  ...[1, 4].flatMap(version => [
    row('not allowed', ['DESCRIBE TOPIC *'], DescribeLogDirs, version, { topics: null }),
    row('allowed', [`DESCRIBE ${CLUSTER}`], DescribeLogDirs, version, { topics: [{ topic: 'orders', partitions: [0] }] })
  ]),
  ...[0, 2].flatMap(version => [
    row('not allowed', [`DESCRIBE ${CLUSTER}`], ElectLeaders, version, { topicPartitions: elected, timeoutMs: 10_000 }),
    row('all, not allowed', [], ElectLeaders, version, { topicPartitions: null, timeoutMs: 10_000 }),
    row('allowed', [`ALTER ${CLUSTER}`], ElectLeaders, version, { topicPartitions: elected, timeoutMs: 10_000 })
  ]),
  row('reading alone', ['READ GROUP others', 'READ TOPIC *'], OffsetDelete, 0, { groupId: 'others', topics: deleted }),
  row('one of three', ['DELETE GROUP others', 'READ TOPIC orders'], OffsetDelete, 0, { groupId: 'others', topics: deleted }),
  row('two of three, one of them absent', ['DELETE GROUP others', 'READ TOPIC orders', 'READ TOPIC absent'], OffsetDelete, 0,
    { groupId: 'others', topics: deleted }),
  row('a group that is not there', ['DELETE GROUP absent', 'READ TOPIC orders'], OffsetDelete, 0, { groupId: 'absent', topics: deleted }),
  row('not allowed', [`DESCRIBE ${CLUSTER}`], ListConfigResources, 1, { resourceTypes: [2] }),
  row('allowed', [`DESCRIBE_CONFIGS ${CLUSTER}`], ListConfigResources, 1, { resourceTypes: [2, 4] }),
  row('older', [`DESCRIBE_CONFIGS ${CLUSTER}`], ListConfigResources, 0, {}),
  row('nothing is allowed', [], DescribeTopicPartitions, 0, { topics: named(three) }),
  row('two of three, one of them absent', ['READ TOPIC orders', 'DESCRIBE TOPIC absent'], DescribeTopicPartitions, 0, { topics: named(three) }),
  row('from a topic on', ['DESCRIBE TOPIC secret'], DescribeTopicPartitions, 0, { topics: named(three), cursor: { topicName: 'orders', partitionIndex: 0 } }),
  row('from nowhere on', ['DESCRIBE TOPIC *'], DescribeTopicPartitions, 0, { topics: named(three), cursor: { topicName: 'b', partitionIndex: 0 } }),
  row('all, nothing is allowed', [], DescribeTopicPartitions, 0, { topics: [] }),
  row('all, some are allowed', ['READ TOPIC orders', 'DESCRIBE TOPIC doomed- PREFIXED'], DescribeTopicPartitions, 0, { topics: [] }),
  row('all, from a topic on', ['READ TOPIC secret', 'DESCRIBE TOPIC doomed- PREFIXED'], DescribeTopicPartitions, 0,
    { topics: [], cursor: { topicName: 'orders', partitionIndex: 0 } })
]

const joined = { groupId: 'readers-too', memberId: MEMBER_ID, memberEpoch: 0 }
const subscribed = { ...joined, rebalanceTimeoutMs: 10_000, subscribedTopicNames: ['orders', 'absent'], topicPartitions: [] }
const topology: RequestInput<typeof StreamsGroupHeartbeat>['topology'] = {
  epoch: 0,
  subtopologies: [{
    subtopologyId: '0',
    sourceTopics: ['orders'],
    sourceTopicRegex: [],
    stateChangelogTopics: [],
    repartitionSinkTopics: ['secret'],
    repartitionSourceTopics: [],
    copartitionGroups: []
  }]
}
const streams = {
  ...joined,
  groupId: 'streams',
  rebalanceTimeoutMs: 10_000,
  endpointInformationEpoch: 0,
  processId: 'p',
  clientTags: [],
  activeTasks: [],
  standbyTasks: [],
  warmupTasks: []
}

const memberRows = [
  row('nothing is allowed', [], ConsumerGroupHeartbeat, 1, subscribed),
  row('the group alone', ['READ GROUP readers-too', 'READ TOPIC orders'], ConsumerGroupHeartbeat, 0, subscribed),
  row('both', ['READ GROUP readers-too', 'READ TOPIC orders', 'DESCRIBE TOPIC absent'], ConsumerGroupHeartbeat, 1, subscribed),
  row('nothing is allowed', [], ConsumerGroupDescribe, 1, { groupIds: ['newer', 'hidden', 'absent'], includeAuthorizedOperations: true }),
  row('the groups alone', ['READ GROUP newer', 'READ GROUP hidden'], ConsumerGroupDescribe, 1,
    { groupIds: ['newer', 'hidden', 'absent'], includeAuthorizedOperations: true }),
  row('one topic of two', ['READ GROUP *', 'READ TOPIC orders'], ConsumerGroupDescribe, 0,
    { groupIds: ['newer', 'hidden', 'absent'], includeAuthorizedOperations: true }),
  row('nothing is allowed', [], ShareGroupHeartbeat, 1,
    { ...joined, groupId: 'sharers', subscribedTopicNames: ['orders', 'secret'] }),
  row('the group alone', ['READ GROUP sharers', 'READ TOPIC orders'], ShareGroupHeartbeat, 1,
    { ...joined, groupId: 'sharers', subscribedTopicNames: ['orders', 'secret'] }),
  row('both', ['READ GROUP sharers', 'READ TOPIC *'], ShareGroupHeartbeat, 1, { ...joined, groupId: 'sharers', subscribedTopicNames: ['orders'] }),
  row('one of two', ['DESCRIBE GROUP absent'], ShareGroupDescribe, 1, { groupIds: ['absent', 'sharers'], includeAuthorizedOperations: true }),
  row('without its topics', ['READ GROUP sharers'], ShareGroupDescribe, 1, { groupIds: ['sharers'], includeAuthorizedOperations: true }),
  row('nothing is allowed', [], StreamsGroupHeartbeat, 0, { ...streams, topology }),
  row('one topic of two', ['READ GROUP streams', 'READ TOPIC orders'], StreamsGroupHeartbeat, 0, { ...streams, topology }),
  row('an internal topic', ['READ GROUP streams', 'ALL TOPIC *'], StreamsGroupHeartbeat, 0,
    { ...streams, topology: { epoch: 0, subtopologies: [{ ...topology.subtopologies[0]!, sourceTopics: ['__consumer_offsets'] }] } }),
  row('all', ['READ GROUP streams', 'READ TOPIC *'], StreamsGroupHeartbeat, 0, { ...streams, topology }),
  row('one of two', ['DESCRIBE GROUP absent'], StreamsGroupDescribe, 0, { groupIds: ['absent', 'streams'], includeAuthorizedOperations: true }),
  row('without one of its topics', ['READ GROUP streams', 'READ TOPIC orders'], StreamsGroupDescribe, 0,
    { groupIds: ['streams'], includeAuthorizedOperations: true }),
  row('with its topics', ['READ GROUP streams', 'READ TOPIC *'], StreamsGroupDescribe, 0,
    { groupIds: ['streams'], includeAuthorizedOperations: true })
]

const shared = (ids: Ids): RequestInput<typeof ShareFetch> => ({
  groupId: 'sharers',
  memberId: MEMBER_ID,
  shareSessionEpoch: 0,
  maxWaitMs: 0,
  minBytes: 0,
  maxRecords: 1,
  batchSize: 1,
  // An id that nobody has makes Kafka's authoriser fail over a name that is null.
  topics: both.map(name => ({ topicId: ids.get(name)!, partitions: [{ partitionIndex: 0, acknowledgementBatches: [] }] })),
  forgottenTopicsData: []
})
const acknowledged = (ids: Ids): RequestInput<typeof ShareAcknowledge> => ({
  groupId: 'sharers',
  memberId: MEMBER_ID,
  shareSessionEpoch: 7,
  topics: [{ topicId: ids.get('orders')!, partitions: [{ partitionIndex: 0, acknowledgementBatches: [] }] }]
})
const offsets = three.map(topicName => ({ topicName, partitions: [0] }))
// Kafka tells the id of a topic that it has just refused, which we do not: the other one is not there.
const altered = ['orders', 'absent'].map(topicName => ({ topicName, partitions: [{ partitionIndex: 0, startOffset: 0 }] }))

const shareRows = [
  row('nothing is allowed', [], ShareFetch, 1, shared),
  row('the topics alone', ['READ TOPIC *'], ShareFetch, 2, shared),
  row('one of two', ['READ GROUP sharers', 'READ TOPIC orders', 'DESCRIBE TOPIC secret'], ShareFetch, 1, shared),
  row('without the topics', ['READ GROUP sharers'], ShareFetch, 2, shared),
  row('nothing is allowed', [], ShareAcknowledge, 1, acknowledged),
  row('allowed, in no session', ['READ GROUP sharers', 'READ TOPIC *'], ShareAcknowledge, 2,
    ids => ({ ...acknowledged(ids), memberId: 'AAAAAAAAAAAAAAAAAAAAaA' })),
  row('nothing is allowed', [], DescribeShareGroupOffsets, 0, { groups: [{ groupId: 'sharers', topics: offsets }, { groupId: 'absent', topics: null }] }),
  row('one of three', ['READ GROUP sharers', 'READ TOPIC orders'], DescribeShareGroupOffsets, 1, { groups: [{ groupId: 'sharers', topics: offsets }] }),
  row('absent, and one that may be described', ['READ GROUP sharers', 'READ TOPIC orders', 'READ TOPIC absent'], DescribeShareGroupOffsets, 1,
    { groups: [{ groupId: 'sharers', topics: offsets }, { groupId: 'others', topics: offsets }] }),
  row('all of them', ['READ GROUP sharers', 'READ TOPIC secret'], DescribeShareGroupOffsets, 1, { groups: [{ groupId: 'sharers', topics: null }] }),
  row('described only', ['DESCRIBE GROUP idle', 'READ TOPIC *'], AlterShareGroupOffsets, 0, { groupId: 'idle', topics: altered }),
  row('one of two', ['READ GROUP idle', 'READ TOPIC orders'], AlterShareGroupOffsets, 0, { groupId: 'idle', topics: altered }),
  row('reading alone', ['READ GROUP idle', 'READ TOPIC *'], DeleteShareGroupOffsets, 0,
    { groupId: 'idle', topics: three.map(topicName => ({ topicName })) }),
  row('one of three', ['DELETE GROUP idle', 'READ TOPIC absent'], DeleteShareGroupOffsets, 0,
    { groupId: 'idle', topics: three.map(topicName => ({ topicName })) })
]

export const clusterRows: readonly Row[] = [...transactionRows, ...adminRows, ...memberRows, ...shareRows]
