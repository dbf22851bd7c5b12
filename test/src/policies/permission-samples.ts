/**
 * For each row of the table of permissions a request about the topic `orders`, the group `readers`, the transactional id
 * `tx` or the cluster that depends on it. Where the table has a row that is not here, a test fails.
 */
import { TRANSACTIONAL } from '../../../protocol/batch.ts'
import { buildBatch } from '../../../protocol/records.ts'
import type { permissions } from '../../../src/policies/permissions.ts'

/** The request, its fields of all versions together. */
type Sample = Readonly<Record<string, unknown>>

const batch = (attributes = 0): Buffer[] =>
  [buildBatch([{ key: null, value: Buffer.from('v') }], attributes === 0 ? {} : { attributes, producerId: 1, producerEpoch: 0, baseSequence: 0 }).bytes]
const produced = (attributes = 0): Sample =>
  ({ acks: -1, timeoutMs: 1000, transactionalId: 'tx', topicData: [{ name: 'orders', partitionData: [{ index: 0, records: batch(attributes) }] }] })
const fetched = { maxWaitMs: 0, minBytes: 0, topics: [{ topic: 'orders', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }] }] }
const offsets = {
  groupId: 'readers',
  topics: [{ name: 'orders', partitionIndexes: [0] }],
  groups: [{ groupId: 'readers', topics: [{ name: 'orders', partitionIndexes: [0] }] }]
}
const committed = {
  groupId: 'readers', memberId: '', topics: [{ name: 'orders', partitions: [{ partitionIndex: 0, committedOffset: 0, committedMetadata: null }] }]
}
const joined = {
  groupId: 'readers', sessionTimeoutMs: 10_000, memberId: '', protocolType: 'consumer', protocols: [{ name: 'range', metadata: Buffer.alloc(0) }]
}
const created = { topics: [{ name: 'newborn', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }], timeoutMs: 1000, validateOnly: true }
const deleted = { topics: [{ name: 'doomed' }], topicNames: ['doomed'], timeoutMs: 1000 }
const shared = (ids: ReadonlyMap<string, string>): Sample => ({
  groupId: 'readers',
  memberId: 'm',
  shareSessionEpoch: 0,
  maxWaitMs: 0,
  minBytes: 0,
  maxRecords: 1,
  batchSize: 1,
  topics: [{ topicId: ids.get('orders'), partitions: [{ partitionIndex: 0, acknowledgementBatches: [] }] }],
  forgottenTopicsData: []
})
const config = (resourceType: number, resourceName: string): Sample => ({ resources: [{ resourceType, resourceName, configurationKeys: null, configs: [] }] })
const aclFilter = {
  resourceTypeFilter: 1, resourceNameFilter: null, patternTypeFilter: 1, principalFilter: null, hostFilter: null, operation: 1, permissionType: 1
}

const heartbeat = { groupId: 'readers', memberId: 'm', memberEpoch: 0, subscribedTopicNames: ['orders'] }
const group = { groupIds: ['readers'] }
const topics = [{ name: 'orders', partitions: [{ partitionIndex: 0 }] }]
const offset = [{ partitionIndex: 0, startOffset: 0 }]
const transaction = { transactionalId: 'tx', producerId: 1, producerEpoch: 0 }
const txnCommitted = { ...committed, ...transaction }
const added = { v3AndBelowTransactionalId: 'tx', v3AndBelowProducerId: 1, v3AndBelowProducerEpoch: 0, v3AndBelowTopics: [{ name: 'orders', partitions: [0] }] }
const topology = (name: string): Sample => ({
  groupId: 'readers',
  memberId: 'm',
  memberEpoch: 0,
  topology: {
    epoch: 0,
    subtopologies: [{
      subtopologyId: '0',
      sourceTopics: ['orders'],
      sourceTopicRegex: [],
      stateChangelogTopics: [{ name, partitions: 1, replicationFactor: 1, topicConfigs: [] }],
      repartitionSinkTopics: [],
      repartitionSourceTopics: [],
      copartitionGroups: []
    }]
  }
})

type Samples = { readonly [A in keyof typeof permissions]: { readonly [N in keyof typeof permissions[A]]: Sample } }

/** `ids` are those of the topics. */
export const samplesFor = (ids: ReadonlyMap<string, string>): Samples => ({
  Produce: { topic: produced(), transactionalId: produced(TRANSACTIONAL) },
  Fetch: { topic: fetched, replica: { ...fetched, replicaId: 1 } },
  ListOffsets: { topic: { replicaId: -1, topics: [{ name: 'orders', partitions: [{ partitionIndex: 0, timestamp: -1 }] }] } },
  Metadata: {
    topic: { topics: [{ name: 'orders' }], allowAutoTopicCreation: false },
    listed: { topics: null },
    create: { topics: [{ name: 'fresh' }], allowAutoTopicCreation: true },
    clusterOperations: { topics: [{ name: 'orders' }], includeClusterAuthorizedOperations: true, allowAutoTopicCreation: false }
  },
  OffsetCommit: { group: committed, topic: committed },
  OffsetFetch: { group: offsets, topic: offsets, listed: { groupId: 'readers', topics: null, groups: [{ groupId: 'readers', topics: null }] } },
  FindCoordinator: {
    group: { key: 'readers', coordinatorKeys: ['readers'] },
    transactionalId: { keyType: 1, key: 'tx', coordinatorKeys: ['tx'] },
    share: { keyType: 2, key: 'g:AAAAAAAAAAAAAAAAAAAAZQ:0', coordinatorKeys: ['g:AAAAAAAAAAAAAAAAAAAAZQ:0'] }
  },
  JoinGroup: { group: joined },
  Heartbeat: { group: { groupId: 'readers', generationId: 1, memberId: 'm' } },
  LeaveGroup: { group: { groupId: 'readers', memberId: 'm', members: [{ memberId: 'm' }] } },
  SyncGroup: { group: { groupId: 'readers', generationId: 1, memberId: 'm', assignments: [] } },
  DescribeGroups: { group: { groups: ['readers'] } },
  ListGroups: { group: {} },
  SaslHandshake: {},
  ApiVersions: {},
  CreateTopics: { topic: created, configs: created },
  DeleteTopics: { topic: deleted, described: deleted },
  DeleteRecords: { topic: { topics: [{ name: 'orders', partitions: [{ partitionIndex: 0, offset: 0 }] }], timeoutMs: 1000 } },
  InitProducerId: {
    transactionalId: { transactionalId: 'tx', transactionTimeoutMs: 1000 },
    idempotent: { transactionalId: null, transactionTimeoutMs: 1000 }
  },
  OffsetForLeaderEpoch: { topic: { topics: [{ topic: 'orders', partitions: [{ partition: 0, leaderEpoch: 0 }] }] } },
  DescribeAcls: { cluster: aclFilter },
  CreateAcls: {
    cluster: {
      creations: [{ resourceType: 2, resourceName: 'x', resourcePatternType: 3, principal: 'User:x', host: '*', operation: 3, permissionType: 3 }]
    }
  },
  DeleteAcls: { cluster: { filters: [aclFilter] } },
  DescribeConfigs: { topic: config(2, 'orders'), group: config(32, 'readers'), cluster: config(4, '') },
  SaslAuthenticate: {},
  CreatePartitions: { topic: { topics: [{ name: 'orders', count: 2, assignments: null }], timeoutMs: 1000, validateOnly: true } },
  CreateDelegationToken: { owner: { ownerPrincipalType: 'User', ownerPrincipalName: 'bob', renewers: [], maxLifetimeMs: -1 } },
  RenewDelegationToken: {},
  ExpireDelegationToken: {},
  DescribeDelegationToken: { token: { owners: null }, owner: { owners: null } },
  DeleteGroups: { group: { groupsNames: ['readers'] } },
  IncrementalAlterConfigs: {
    topic: { ...config(2, 'orders'), validateOnly: true },
    group: { ...config(32, 'readers'), validateOnly: true },
    cluster: { ...config(4, ''), validateOnly: true }
  },
  AlterConfigs: {
    topic: { ...config(2, 'orders'), validateOnly: true },
    group: { ...config(32, 'readers'), validateOnly: true },
    cluster: { ...config(4, ''), validateOnly: true }
  },
  AddPartitionsToTxn: { transactionalId: added, topic: added },
  AddOffsetsToTxn: { transactionalId: { ...transaction, groupId: 'readers' }, group: { ...transaction, groupId: 'readers' } },
  EndTxn: { transactionalId: { ...transaction, committed: true } },
  TxnOffsetCommit: { transactionalId: txnCommitted, group: txnCommitted, topic: txnCommitted },
  DescribeLogDirs: { cluster: { topics: null } },
  ElectLeaders: { cluster: { topicPartitions: [{ topic: 'orders', partitions: [0] }], timeoutMs: 1000 } },
  OffsetDelete: { group: { groupId: 'readers', topics }, topic: { groupId: 'readers', topics } },
  DescribeProducers: { topic: { topics: [{ name: 'orders', partitionIndexes: [0] }] } },
  DescribeTransactions: { transactionalId: { transactionalIds: ['tx'] }, listed: { transactionalIds: ['tx'] } },
  ListTransactions: { transactionalId: { stateFilters: [], producerIdFilters: [] } },
  ConsumerGroupHeartbeat: { group: heartbeat, topic: heartbeat, listed: { ...heartbeat, subscribedTopicNames: null, subscribedTopicRegex: '.*' } },
  ConsumerGroupDescribe: { group, topic: group },
  ListConfigResources: { cluster: { resourceTypes: [] } },
  DescribeTopicPartitions: { topic: { topics: [{ name: 'orders' }] }, listed: { topics: [] } },
  ShareGroupHeartbeat: { group: heartbeat, topic: heartbeat, listed: { ...heartbeat, subscribedTopicNames: null } },
  ShareGroupDescribe: { group, topic: group },
  ShareFetch: { group: shared(ids), topic: shared(ids) },
  ShareAcknowledge: { group: shared(ids), topic: shared(ids) },
  StreamsGroupHeartbeat: { group: topology('orders'), topic: topology('orders'), create: topology('readers-log') },
  StreamsGroupDescribe: { group, topic: group },
  DescribeShareGroupOffsets: {
    group: { groups: [{ groupId: 'readers', topics: [{ topicName: 'orders', partitions: [0] }] }] },
    topic: { groups: [{ groupId: 'readers', topics: [{ topicName: 'orders', partitions: [0] }] }] },
    listed: { groups: [{ groupId: 'readers', topics: null }] }
  },
  AlterShareGroupOffsets: {
    group: { groupId: 'readers', topics: [{ topicName: 'orders', partitions: offset }] },
    topic: { groupId: 'readers', topics: [{ topicName: 'orders', partitions: offset }] }
  },
  DeleteShareGroupOffsets: {
    group: { groupId: 'readers', topics: [{ topicName: 'orders' }] },
    topic: { groupId: 'readers', topics: [{ topicName: 'orders' }] }
  },
  DescribeClientQuotas: { cluster: { components: [], strict: false } },
  AlterClientQuotas: {
    cluster: {
      entries: [{ entity: [{ entityType: 'user', entityName: 'a' }], ops: [{ key: 'producer_byte_rate', value: 1, remove: false }] }], validateOnly: true
    }
  },
  DescribeUserScramCredentials: { cluster: { users: null } },
  AlterUserScramCredentials: { cluster: { deletions: [{ name: 'a', mechanism: 1 }], upsertions: [] } },
  DescribeCluster: { clusterOperations: { includeClusterAuthorizedOperations: true } }
})
