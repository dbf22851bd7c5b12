/**
 * Questions about permissions: what somebody with these rules is answered to that request.
 */
import { Produce } from '../../../protocol/messages/00-produce.ts'
import { Fetch } from '../../../protocol/messages/01-fetch.ts'
import { ListOffsets } from '../../../protocol/messages/02-list-offsets.ts'
import { Metadata } from '../../../protocol/messages/03-metadata.ts'
import { OffsetCommit } from '../../../protocol/messages/08-offset-commit.ts'
import { OffsetFetch } from '../../../protocol/messages/09-offset-fetch.ts'
import { FindCoordinator } from '../../../protocol/messages/10-find-coordinator.ts'
import { JoinGroup } from '../../../protocol/messages/11-join-group.ts'
import { Heartbeat } from '../../../protocol/messages/12-heartbeat.ts'
import { LeaveGroup } from '../../../protocol/messages/13-leave-group.ts'
import { SyncGroup } from '../../../protocol/messages/14-sync-group.ts'
import { DescribeGroups } from '../../../protocol/messages/15-describe-groups.ts'
import { ListGroups } from '../../../protocol/messages/16-list-groups.ts'
import { CreateTopics } from '../../../protocol/messages/19-create-topics.ts'
import { DeleteTopics } from '../../../protocol/messages/20-delete-topics.ts'
import { DeleteRecords } from '../../../protocol/messages/21-delete-records.ts'
import { InitProducerId } from '../../../protocol/messages/22-init-producer-id.ts'
import { OffsetForLeaderEpoch } from '../../../protocol/messages/23-offset-for-leader-epoch.ts'
import { DescribeConfigs } from '../../../protocol/messages/32-describe-configs.ts'
import { CreatePartitions } from '../../../protocol/messages/37-create-partitions.ts'
import { DeleteGroups } from '../../../protocol/messages/42-delete-groups.ts'
import { IncrementalAlterConfigs } from '../../../protocol/messages/44-incremental-alter-configs.ts'
import { DescribeCluster } from '../../../protocol/messages/60-describe-cluster.ts'
import { DescribeAcls } from '../../../protocol/messages/29-describe-acls.ts'
import { CreateAcls } from '../../../protocol/messages/30-create-acls.ts'
import { DeleteAcls } from '../../../protocol/messages/31-delete-acls.ts'
import { DescribeClientQuotas } from '../../../protocol/messages/48-describe-client-quotas.ts'
import { AlterClientQuotas } from '../../../protocol/messages/49-alter-client-quotas.ts'
import { DescribeUserScramCredentials } from '../../../protocol/messages/50-describe-user-scram-credentials.ts'
import { AlterUserScramCredentials } from '../../../protocol/messages/51-alter-user-scram-credentials.ts'
import { TRANSACTIONAL } from '../../../protocol/batch.ts'
import { buildBatch } from '../../../protocol/records.ts'
import type { Api, RequestInput } from '../../../protocol/schema.ts'
import type { AclBinding, Operation, PatternType, ResourceType } from '../../../src/access/model.ts'

/** Of the topics, by name. */
export type Ids = ReadonlyMap<string, string>

export interface Row {
  readonly name: string
  /** The rules, but for whom they are. */
  readonly acls: readonly AclBinding[]
  readonly api: Api
  readonly version: number
  readonly request: (ids: Ids) => RequestInput<Api>
  /** Kafka creates topics and finds producer ids on its own time: it is asked until it is done. */
  readonly settles: boolean
}

export const NO_ID = 'AAAAAAAAAAAAAAAAAAAAAA'
export const TOPICS = ['orders', 'secret', 'doomed-1', 'doomed-2', 'doomed-3', 'doomed-4', 'doomed-5', 'doomed-6', 'doomed-7']
export const GROUPS = ['readers', 'others']

/** `READ TOPIC orders`, `DENY READ TOPIC *`, `WRITE TOPIC team- PREFIXED`. */
function acl (text: string): AclBinding {
  const denies = text.startsWith('DENY ')
  const [operation, resourceType, resourceName, patternType = 'LITERAL'] = text.replace('DENY ', '').split(' ')
  return {
    resourceType: resourceType as ResourceType,
    resourceName: resourceName!,
    patternType: patternType as PatternType,
    principal: '',
    host: '*',
    operation: operation as Operation,
    permission: denies ? 'DENY' : 'ALLOW'
  }
}

export function row<A extends Api> (
  name: string, acls: readonly string[], api: A, version: number, request: RequestInput<A> | ((ids: Ids) => RequestInput<A>)
): Row {
  return {
    name,
    acls: acls.map(acl),
    api,
    version,
    settles: name.startsWith('asking creates') || name.startsWith('idempotent'),
    request: (typeof request === 'function' ? request : () => request) as unknown as Row['request']
  }
}

export const CLUSTER = 'CLUSTER kafka-cluster'
export const both = ['orders', 'secret']
export const three = ['orders', 'secret', 'absent']

const batch = (transactional = false): Buffer[] => {
  const options = transactional ? { attributes: TRANSACTIONAL, producerId: 1, producerEpoch: 0, baseSequence: 0 } : {}
  return [buildBatch([{ key: null, value: Buffer.from('v') }], options).bytes]
}
const produced = (topics: readonly string[], transactional = false): RequestInput<typeof Produce>['topicData'] =>
  topics.map(name => ({ name, partitionData: [{ index: 0, records: batch(transactional) }] }))
const fetched = (topics: readonly string[]): RequestInput<typeof Fetch>['topics'] =>
  topics.map(topic => ({ topic, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }] }))
const fetchedById = (topics: readonly string[], ids: Ids): RequestInput<typeof Fetch>['topics'] =>
  topics.map(name => ({ topicId: ids.get(name) ?? NOBODY, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }] }))
const committed = (topics: readonly string[]): RequestInput<typeof OffsetCommit>['topics'] =>
  topics.map(name => ({ name, partitions: [{ partitionIndex: 0, committedOffset: 0, committedMetadata: null }] }))
const wantedOffsets = (topics: readonly string[]): { name: string, partitionIndexes: number[] }[] => topics.map(name => ({ name, partitionIndexes: [0] }))

const fetch = { maxWaitMs: 0, minBytes: 0, maxBytes: 1000, isolationLevel: 0 }
/** An id that no topic has. */
const NOBODY = 'AAAAAAAAAAAAAAAAAAAAZQ'

const produceRows = [
  row('nothing is allowed', [], Produce, 9, { acks: -1, timeoutMs: 1000, topicData: produced(three) }),
  row('one of three', ['WRITE TOPIC orders'], Produce, 9, { acks: -1, timeoutMs: 1000, topicData: produced(three) }),
  row('by prefix and wildcard, one denied', ['WRITE TOPIC *', 'DENY WRITE TOPIC sec PREFIXED'], Produce, 9,
    { acks: -1, timeoutMs: 1000, topicData: produced(three) }),
  row('all operations denied', ['WRITE TOPIC orders', 'DENY ALL TOPIC orders'], Produce, 9, { acks: -1, timeoutMs: 1000, topicData: produced(both) }),
  row('transactional batches need the transactional id', ['WRITE TOPIC orders'], Produce, 9,
    { acks: -1, timeoutMs: 1000, transactionalId: 'tx', topicData: produced(both, true) }),
  row('transactional batches without a transactional id', ['WRITE TOPIC orders', 'WRITE TRANSACTIONAL_ID *'], Produce, 9,
    { acks: -1, timeoutMs: 1000, topicData: produced(both, true) }),
  row('by id', ['WRITE TOPIC orders'], Produce, 13, ids => ({
    acks: -1,
    timeoutMs: 1000,
    topicData: three.map(name => ({ topicId: ids.get(name) ?? NOBODY, partitionData: [{ index: 0, records: batch() }] }))
  }))
]

const fetchRows = [
  row('nothing is allowed', [], Fetch, 12, { ...fetch, topics: fetched(three) }),
  row('one of three', ['READ TOPIC orders'], Fetch, 12, { ...fetch, topics: fetched(three) }),
  row('describing is not reading', ['DESCRIBE TOPIC orders'], Fetch, 12, { ...fetch, topics: fetched(both) }),
  row('by id', ['READ TOPIC orders'], Fetch, 13, ids => ({ ...fetch, topics: fetchedById(three, ids) })),
  row('a replica that is none', ['READ TOPIC orders'], Fetch, 12, { ...fetch, replicaId: 1, topics: fetched(both) }),
  row('a replica that is none, by id', ['READ TOPIC orders'], Fetch, 15,
    ids => ({ ...fetch, replicaState: { replicaId: 1, replicaEpoch: -1 }, topics: fetchedById(both, ids) }))
]

const offsetRows = [
  row('reading implies describing', ['READ TOPIC orders'], ListOffsets, 7, {
    replicaId: -1, topics: three.map(name => ({ name, partitions: [{ partitionIndex: 0, timestamp: -1 }] }))
  }),
  row('describing denied, reading allowed', ['READ TOPIC orders', 'DENY DESCRIBE TOPIC orders'], ListOffsets, 7, {
    replicaId: -1, topics: both.map(name => ({ name, partitions: [{ partitionIndex: 0, timestamp: -1 }] }))
  }),
  row('reading denied, describing allowed', ['DENY READ TOPIC orders', 'DESCRIBE TOPIC orders'], ListOffsets, 7, {
    replicaId: -1, topics: both.map(name => ({ name, partitions: [{ partitionIndex: 0, timestamp: -1 }] }))
  }),
  row('a topic', ['DESCRIBE TOPIC orders'], OffsetForLeaderEpoch, 4,
    { topics: three.map(topic => ({ topic, partitions: [{ partition: 0, leaderEpoch: 0 }] })) }),
  row('by the cluster', [`CLUSTER_ACTION ${CLUSTER}`], OffsetForLeaderEpoch, 4,
    { topics: three.map(topic => ({ topic, partitions: [{ partition: 0, leaderEpoch: 0 }] })) }),
  row('nothing is allowed', [], DeleteRecords, 2, { timeoutMs: 1000, topics: three.map(name => ({ name, partitions: [{ partitionIndex: 0, offset: 0 }] })) }),
  row('one of three', ['DELETE TOPIC orders', 'DESCRIBE TOPIC secret'], DeleteRecords, 2,
    { timeoutMs: 1000, topics: three.map(name => ({ name, partitions: [{ partitionIndex: 0, offset: 0 }] })) })
]

const topicBits = { includeTopicAuthorizedOperations: true }
const bits = { ...topicBits, includeClusterAuthorizedOperations: true }
const named = (topics: readonly string[]): { name: string }[] => topics.map(name => ({ name }))

const metadataRows = [
  row('all, nothing is allowed', [], Metadata, 9, { topics: null, ...bits }),
  row('all, some are allowed', ['READ TOPIC orders', 'DESCRIBE TOPIC doomed-1'], Metadata, 9, { topics: null, ...bits }),
  row('all, in v0', ['READ TOPIC orders'], Metadata, 0, { topics: [] }),
  row('named', ['WRITE TOPIC orders', 'DENY READ TOPIC orders'], Metadata, 12, { topics: named(three), allowAutoTopicCreation: false, ...topicBits }),
  row('named, absent but described', ['DESCRIBE TOPIC *'], Metadata, 12, { topics: named(['orders', 'absent']), allowAutoTopicCreation: false, ...topicBits }),
  row('asking creates only what may be created', ['DESCRIBE TOPIC *', 'CREATE TOPIC born-1'], Metadata, 9,
    { topics: named(['orders', 'unborn-1', 'born-1']), allowAutoTopicCreation: true }),
  row('asking creates with the cluster', ['DESCRIBE TOPIC born-2', `CREATE ${CLUSTER}`], Metadata, 9,
    { topics: named(['unborn-2', 'born-2']), allowAutoTopicCreation: true }),
  row('asking creates nothing that may not be described', ['CREATE TOPIC unborn-3'], Metadata, 9,
    { topics: named(['unborn-3']), allowAutoTopicCreation: true }),
  row('by id', ['DESCRIBE TOPIC orders'], Metadata, 12,
    ids => ({ topics: three.map(name => ({ topicId: ids.get(name) ?? NOBODY, name: null })), allowAutoTopicCreation: false, ...topicBits })),
  row('the cluster, and what may be done to it', [`ALTER ${CLUSTER}`, `CREATE ${CLUSTER}`], Metadata, 9, { topics: [], ...bits }),
  row('the cluster', [], DescribeCluster, 1, { includeClusterAuthorizedOperations: true }),
  row('the cluster', [`ALL ${CLUSTER}`, `DENY ALTER ${CLUSTER}`], DescribeCluster, 1, { includeClusterAuthorizedOperations: true }),
  row('the cluster', [`DESCRIBE ${CLUSTER}`], DescribeCluster, 2, { includeClusterAuthorizedOperations: true, includeFencedBrokers: true })
]

const groupRows = [
  row('commit, nothing is allowed', [], OffsetCommit, 8, { groupId: 'readers', memberId: '', topics: committed(three) }),
  row('commit, the topic alone', ['READ TOPIC orders', 'DESCRIBE GROUP readers'], OffsetCommit, 8,
    { groupId: 'readers', memberId: '', topics: committed(three) }),
  row('commit, both', ['READ TOPIC orders', 'READ GROUP readers'], OffsetCommit, 8, { groupId: 'readers', memberId: '', topics: committed(three) }),
  row('offsets, nothing is allowed', [], OffsetFetch, 1, { groupId: 'readers', topics: wantedOffsets(both) }),
  row('offsets, nothing is allowed', [], OffsetFetch, 5, { groupId: 'readers', topics: wantedOffsets(both) }),
  row('offsets, one of three', ['DESCRIBE GROUP readers', 'READ TOPIC orders'], OffsetFetch, 5, { groupId: 'readers', topics: wantedOffsets(three) }),
  row('offsets, all', ['DESCRIBE GROUP readers', 'READ TOPIC orders'], OffsetFetch, 5, { groupId: 'readers', topics: null }),
  row('offsets of groups', ['READ GROUP readers', 'DESCRIBE TOPIC orders'], OffsetFetch, 8, {
    topics: [],
    groups: [
      { groupId: 'others', topics: wantedOffsets(both) }, { groupId: 'readers', topics: wantedOffsets(three) }
    ]
  }),
  row('all offsets of groups', ['READ GROUP readers', 'DESCRIBE TOPIC orders'], OffsetFetch, 8, {
    topics: [], groups: [{ groupId: 'readers', topics: null }, { groupId: 'others', topics: null }]
  }),
  row('one group', [], FindCoordinator, 3, { key: 'readers', keyType: 0 }),
  row('several groups', ['READ GROUP readers'], FindCoordinator, 4, { keyType: 0, coordinatorKeys: ['others', 'readers'] }),
  row('transactional ids', ['DESCRIBE GROUP tx'], FindCoordinator, 4, { keyType: 1, coordinatorKeys: ['tx'] }),
  row('a share group', [], FindCoordinator, 6, { keyType: 2, coordinatorKeys: ['g:AAAAAAAAAAAAAAAAAAAAZQ:0'] }),
  ...[0, 5, 9].map(version => row('not allowed', ['DESCRIBE GROUP readers'], JoinGroup, version, {
    groupId: 'readers', sessionTimeoutMs: 10_000, memberId: '', protocolType: 'consumer', protocols: [{ name: 'range', metadata: Buffer.alloc(0) }]
  })),
  row('not allowed', [], SyncGroup, 5,
    { groupId: 'readers', generationId: 1, memberId: 'm', protocolType: 'consumer', protocolName: 'range', assignments: [] }),
  row('allowed', ['READ GROUP readers'], SyncGroup, 3, { groupId: 'readers', generationId: 1, memberId: 'm', assignments: [] }),
  row('not allowed', [], Heartbeat, 4, { groupId: 'readers', generationId: 1, memberId: 'm' }),
  row('allowed', ['READ GROUP readers'], Heartbeat, 4, { groupId: 'readers', generationId: 1, memberId: 'm' }),
  row('not allowed', [], LeaveGroup, 2, { groupId: 'readers', memberId: 'm' }),
  row('not allowed', [], LeaveGroup, 4, { groupId: 'readers', members: [{ memberId: 'm' }] }),
  row('one of two', ['READ GROUP readers', 'DELETE GROUP readers'], DescribeGroups, 5, { groups: ['readers', 'others'], includeAuthorizedOperations: true }),
  row('everything but one', ['ALL GROUP readers', 'DENY READ GROUP readers'], DescribeGroups, 5, { groups: ['readers'], includeAuthorizedOperations: true }),
  row('nothing is allowed', [], ListGroups, 4, { statesFilter: [], typesFilter: [] }),
  row('one of two', ['READ GROUP readers'], ListGroups, 4, { statesFilter: [], typesFilter: [] }),
  row('by the cluster', [`DESCRIBE ${CLUSTER}`], ListGroups, 4, { statesFilter: [], typesFilter: [] }),
  row('one of two', ['DELETE GROUP absent', 'READ GROUP readers'], DeleteGroups, 2, { groupsNames: ['absent', 'readers'] })
]

const newTopics = (names: readonly string[]): RequestInput<typeof CreateTopics>['topics'] =>
  names.map(name => ({ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }))

const topicRows = [
  row('nothing is allowed', [], CreateTopics, 5, { topics: newTopics(['new', 'orders']), validateOnly: true }),
  row('one of three', ['CREATE TOPIC new-1'], CreateTopics, 7, { topics: newTopics(['new-1', 'new-2', 'orders']), validateOnly: true }),
  row('with its configuration', ['CREATE TOPIC new-1', 'ALTER_CONFIGS TOPIC new-1'], CreateTopics, 7, { topics: newTopics(['new-1']), validateOnly: true }),
  row('by the cluster', [`CREATE ${CLUSTER}`], CreateTopics, 7, { topics: newTopics(['new-1', 'orders']), validateOnly: true }),
  row('by the cluster, older', [`CREATE ${CLUSTER}`], CreateTopics, 4, { topics: newTopics(['new-1', 'orders']), validateOnly: true }),
  row('nothing is allowed', [], DeleteTopics, 5, { topicNames: ['doomed-1', 'absent'], timeoutMs: 10_000 }),
  row('described only', ['DESCRIBE TOPIC *'], DeleteTopics, 5, { topicNames: ['doomed-1', 'absent'], timeoutMs: 10_000 }),
  row('one of three', ['DELETE TOPIC doomed-2', 'DELETE TOPIC absent', 'READ TOPIC doomed-3'], DeleteTopics, 6, {
    topics: ['doomed-2', 'absent', 'doomed-3', 'doomed-4'].map(name => ({ name, topicId: NO_ID })), timeoutMs: 10_000
  }),
  row('by id', ['DELETE TOPIC doomed-5', 'READ TOPIC doomed-3'], DeleteTopics, 6, ids => ({
    topics: ['doomed-5', 'absent', 'doomed-3', 'doomed-4'].map(name => ({ name: null, topicId: ids.get(name) ?? NOBODY })), timeoutMs: 10_000
  })),
  row('describing denied', ['DELETE TOPIC doomed-6', 'DENY DESCRIBE TOPIC doomed-6'], DeleteTopics, 5, { topicNames: ['doomed-6'], timeoutMs: 10_000 }),
  row('describing denied, by id', ['DELETE TOPIC doomed-7', 'DENY DESCRIBE TOPIC doomed-7'], DeleteTopics, 6,
    ids => ({ topics: [{ name: null, topicId: ids.get('doomed-7')! }], timeoutMs: 10_000 })),
  row('one of three', ['ALTER TOPIC orders', 'DESCRIBE TOPIC secret'], CreatePartitions, 3, {
    topics: three.map(name => ({ name, count: 2, assignments: null })), timeoutMs: 1000, validateOnly: true
  })
]

const resources = [[2, 'orders'], [2, 'secret'], [2, 'absent'], [4, '1']] as const

const clusterRows = [
  row('nothing is allowed', [], DescribeConfigs, 4,
    { resources: resources.map(([resourceType, resourceName]) => ({ resourceType, resourceName, configurationKeys: ['retention.ms'] })) }),
  row('a topic', ['DESCRIBE_CONFIGS TOPIC orders', 'READ TOPIC secret', 'ALTER_CONFIGS TOPIC absent'], DescribeConfigs, 4,
    { resources: resources.map(([resourceType, resourceName]) => ({ resourceType, resourceName, configurationKeys: ['retention.ms'] })) }),
  row('nothing is allowed', [], IncrementalAlterConfigs, 1, {
    validateOnly: true,
    resources: resources.map(([resourceType, resourceName]) =>
      ({ resourceType, resourceName, configs: [{ name: 'retention.ms', configOperation: 0, value: '1' }] }))
  }),
  row('a topic', ['ALTER_CONFIGS TOPIC orders', 'ALTER TOPIC secret', 'DESCRIBE_CONFIGS TOPIC absent'], IncrementalAlterConfigs, 1, {
    validateOnly: true,
    resources: resources.map(([resourceType, resourceName]) =>
      ({ resourceType, resourceName, configs: [{ name: 'retention.ms', configOperation: 0, value: '1' }] }))
  }),
  row('transactional', ['WRITE TOPIC *'], InitProducerId, 4, { transactionalId: 'tx', transactionTimeoutMs: 1000 }),
  row('idempotent, nothing is allowed', ['READ TOPIC *'], InitProducerId, 4, { transactionalId: null, transactionTimeoutMs: 1000 }),
  row('idempotent, by the cluster', [`IDEMPOTENT_WRITE ${CLUSTER}`], InitProducerId, 4, { transactionalId: null, transactionTimeoutMs: 1000 }),
  row('idempotent, by a topic', ['WRITE TOPIC orders'], InitProducerId, 4, { transactionalId: null, transactionTimeoutMs: 1000 }),
  row('idempotent, by a prefix, part of it denied', ['WRITE TOPIC a PREFIXED', 'DENY WRITE TOPIC ab PREFIXED'], InitProducerId, 4,
    { transactionalId: null, transactionTimeoutMs: 1000 }),
  row('idempotent, the prefix denied', ['WRITE TOPIC ab PREFIXED', 'WRITE TOPIC ab', 'DENY ALL TOPIC a PREFIXED'], InitProducerId, 4,
    { transactionalId: null, transactionTimeoutMs: 1000 }),
  row('idempotent, everything denied', ['WRITE TOPIC orders', 'DENY WRITE TOPIC *'], InitProducerId, 4, { transactionalId: null, transactionTimeoutMs: 1000 }),
  row('not allowed', [`ALTER_CONFIGS ${CLUSTER}`], DescribeAcls, 3, {
    resourceTypeFilter: 1, resourceNameFilter: null, patternTypeFilter: 1, principalFilter: null, hostFilter: null, operation: 1, permissionType: 1
  }),
  row('not allowed', [`DESCRIBE ${CLUSTER}`], CreateAcls, 3, {
    creations: [1, 2].map(() =>
      ({ resourceType: 2, resourceName: 'x', resourcePatternType: 3, principal: 'User:x', host: '*', operation: 3, permissionType: 3 }))
  }),
  row('not allowed', [`DESCRIBE ${CLUSTER}`], DeleteAcls, 3, {
    filters: [1, 2].map(() => ({
      resourceTypeFilter: 2, resourceNameFilter: 'x', patternTypeFilter: 3, principalFilter: null, hostFilter: null, operation: 1, permissionType: 1
    }))
  }),
  row('not allowed', [`DESCRIBE ${CLUSTER}`], DescribeClientQuotas, 1, { components: [], strict: false }),
  row('not allowed', [`ALTER ${CLUSTER}`], AlterClientQuotas, 1, {
    entries: ['a', 'b'].map(entityName => ({
      entity: [{ entityType: 'user', entityName }], ops: [{ key: 'producer_byte_rate', value: 1, remove: false }]
    })),
    validateOnly: true
  }),
  row('not allowed', [`DESCRIBE_CONFIGS ${CLUSTER}`], DescribeUserScramCredentials, 0, { users: [{ name: 'a' }] }),
  row('not allowed', [`ALTER_CONFIGS ${CLUSTER}`], AlterUserScramCredentials, 0, {
    deletions: [{ name: 'a', mechanism: 1 }, { name: 'a', mechanism: 2 }],
    upsertions: [{ name: 'b', mechanism: 1, iterations: 4096, salt: Buffer.alloc(16), saltedPassword: Buffer.alloc(32) }]
  })
]

export const rows: readonly Row[] = [
  ...produceRows, ...fetchRows, ...offsetRows, ...metadataRows, ...groupRows, ...topicRows, ...clusterRows
]
