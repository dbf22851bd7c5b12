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
const config = (resourceType: number, resourceName: string): Sample => ({ resources: [{ resourceType, resourceName, configurationKeys: null, configs: [] }] })
const aclFilter = {
  resourceTypeFilter: 1, resourceNameFilter: null, patternTypeFilter: 1, principalFilter: null, hostFilter: null, operation: 1, permissionType: 1
}

export const samples: { readonly [A in keyof typeof permissions]: { readonly [N in keyof typeof permissions[A]]: Sample } } = {
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
  DescribeClientQuotas: { cluster: { components: [], strict: false } },
  AlterClientQuotas: {
    cluster: {
      entries: [{ entity: [{ entityType: 'user', entityName: 'a' }], ops: [{ key: 'producer_byte_rate', value: 1, remove: false }] }], validateOnly: true
    }
  },
  DescribeUserScramCredentials: { cluster: { users: null } },
  AlterUserScramCredentials: { cluster: { deletions: [{ name: 'a', mechanism: 1 }], upsertions: [] } },
  DescribeCluster: { clusterOperations: { includeClusterAuthorizedOperations: true } }
}
