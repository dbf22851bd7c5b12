/**
 * Which request needs which permission, and what is answered where it is missing: the one table. The policy enforces it,
 * `docs/permissions.md` prints it, the tests walk through it.
 */
import type { ErrorName } from '../../protocol/errors.ts'
import type { Operation, ResourceType } from '../access/model.ts'
import { ACCESS_TOPIC } from '../access/topic.ts'
import { GATEWAYS_TOPIC } from '../gateways/topic.ts'

export interface Need {
  readonly operation: Operation
  readonly resourceType: ResourceType
  /** Of what, in words. */
  readonly of: string
  /** The error where it is missing; null where what is not permitted is left out without a word. */
  readonly denied: ErrorName | null
  /** Where that error stands, in words. */
  readonly answer: string
  /** Whoever has this does not need the other. */
  readonly unless: Need | null
}

/** By Kafka's name of the request. */
export type Needs = { readonly [need: string]: Need }

function need<D extends ErrorName | null> (
  operation: Operation, resourceType: ResourceType, of: string, denied: D, answer: string, unless: Need | null = null
): Need & { readonly denied: D } {
  return { operation, resourceType, of, denied, answer, unless }
}

const TOPIC = 'TOPIC_AUTHORIZATION_FAILED'
const GROUP = 'GROUP_AUTHORIZATION_FAILED'
const CLUSTER = 'CLUSTER_AUTHORIZATION_FAILED'
const TRANSACTIONAL_ID = 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED'

const eachTopic = (operation: Operation, unless: Need | null = null): Need => need(operation, 'TOPIC', 'each topic', TOPIC, 'each of its partitions', unless)
const theGroup = (operation: Operation): Need => need(operation, 'GROUP', 'the group', GROUP, 'the answer')
const eachGroup = (operation: Operation): Need => need(operation, 'GROUP', 'each group', GROUP, 'the group')
const theCluster = (operation: Operation, answer: string): Need => need(operation, 'CLUSTER', 'the cluster', CLUSTER, answer)
const theTransactionalId = (answer: string): Need => need('WRITE', 'TRANSACTIONAL_ID', 'the transactional id', TRANSACTIONAL_ID, answer)
const configsToAlter = {
  topic: need('ALTER_CONFIGS', 'TOPIC', 'each topic', TOPIC, 'the resource'),
  group: need('ALTER_CONFIGS', 'GROUP', 'each group', GROUP, 'the resource'),
  cluster: need('ALTER_CONFIGS', 'CLUSTER', 'the cluster, for brokers and all else', CLUSTER, 'the resource')
}
/** What a member of a group of the newer protocols asks to read: the names of topics, no regular expression. */
const subscribed = need('DESCRIBE', 'TOPIC', 'each topic that the member asks for by name', TOPIC, 'the answer')
const assigned = need('DESCRIBE', 'TOPIC', 'each topic that is assigned', null, 'the topic is left out of the assignment')
const membersTopics = need('DESCRIBE', 'TOPIC', 'each topic that its members read', TOPIC, 'the group')
/** What is asked for besides, and only makes the answer longer. */
const clusterBits = need('DESCRIBE', 'CLUSTER', 'the cluster, if its authorised operations are asked for', null, 'none are told')

export const permissions = {
  Produce: {
    topic: eachTopic('WRITE'),
    transactionalId: need('WRITE', 'TRANSACTIONAL_ID', 'the transactional id, if any batch of any partition is transactional', TRANSACTIONAL_ID,
      'every partition')
  },
  Fetch: {
    topic: eachTopic('READ'),
    replica: need('CLUSTER_ACTION', 'CLUSTER', 'the cluster instead, if the request claims to come from a replica', TOPIC, 'every partition')
  },
  ListOffsets: { topic: eachTopic('DESCRIBE') },
  Metadata: {
    topic: need('DESCRIBE', 'TOPIC', 'each topic that is named, or meant by its id', TOPIC, 'the topic'),
    listed: need('DESCRIBE', 'TOPIC', 'each topic, if all are asked for', null, 'the topic is left out'),
    create: need('CREATE', 'TOPIC', 'each topic that asking would create', TOPIC, 'the topic', theCluster('CREATE', '')),
    clusterOperations: clusterBits
  },
  OffsetCommit: {
    group: need('READ', 'GROUP', 'the group', GROUP, 'every partition'),
    topic: eachTopic('READ')
  },
  OffsetFetch: {
    group: eachGroup('DESCRIBE'),
    topic: eachTopic('DESCRIBE'),
    listed: need('DESCRIBE', 'TOPIC', 'each topic, if all are asked for', null, 'the topic is left out')
  },
  FindCoordinator: {
    group: need('DESCRIBE', 'GROUP', 'each group', GROUP, 'the key'),
    transactionalId: need('DESCRIBE', 'TRANSACTIONAL_ID', 'each transactional id', TRANSACTIONAL_ID, 'the key'),
    share: theCluster('CLUSTER_ACTION', 'each key of a share partition')
  },
  JoinGroup: { group: theGroup('READ') },
  Heartbeat: { group: theGroup('READ') },
  LeaveGroup: { group: theGroup('READ') },
  SyncGroup: { group: theGroup('READ') },
  DescribeGroups: { group: eachGroup('DESCRIBE') },
  ListGroups: {
    group: need('DESCRIBE', 'GROUP', 'each group', null, 'the group is left out', theCluster('DESCRIBE', ''))
  },
  SaslHandshake: {},
  ApiVersions: {},
  CreateTopics: {
    topic: need('CREATE', 'TOPIC', 'each topic', TOPIC, 'the topic', theCluster('CREATE', '')),
    configs: need('DESCRIBE_CONFIGS', 'TOPIC', 'each topic, from v5', TOPIC,
      'the topic\'s `topicConfigErrorCode`: it is created, but how is not told')
  },
  DeleteTopics: {
    topic: need('DELETE', 'TOPIC', 'each topic', TOPIC, 'the topic'),
    described: need('DESCRIBE', 'TOPIC', 'each topic', TOPIC, 'the topic, whether or not it exists')
  },
  DeleteRecords: { topic: eachTopic('DELETE') },
  InitProducerId: {
    transactionalId: need('WRITE', 'TRANSACTIONAL_ID', 'the transactional id, if there is one', TRANSACTIONAL_ID, 'the answer'),
    idempotent: need('IDEMPOTENT_WRITE', 'CLUSTER', 'the cluster, if there is none', CLUSTER, 'the answer',
      need('WRITE', 'TOPIC', 'any topic', CLUSTER, ''))
  },
  OffsetForLeaderEpoch: { topic: eachTopic('DESCRIBE', theCluster('CLUSTER_ACTION', '')) },
  AddPartitionsToTxn: {
    transactionalId: theTransactionalId('every partition'),
    topic: need('WRITE', 'TOPIC', 'each topic', TOPIC, 'each of its partitions; the others are answered OPERATION_NOT_ATTEMPTED')
  },
  AddOffsetsToTxn: { transactionalId: theTransactionalId('the answer'), group: theGroup('READ') },
  EndTxn: { transactionalId: theTransactionalId('the answer') },
  TxnOffsetCommit: {
    transactionalId: theTransactionalId('every partition'),
    group: need('READ', 'GROUP', 'the group', GROUP, 'every partition'),
    topic: eachTopic('READ')
  },
  DescribeAcls: { cluster: theCluster('DESCRIBE', 'the answer') },
  CreateAcls: { cluster: theCluster('ALTER', 'each rule') },
  DeleteAcls: { cluster: theCluster('ALTER', 'each filter') },
  DescribeConfigs: {
    topic: need('DESCRIBE_CONFIGS', 'TOPIC', 'each topic', TOPIC, 'the resource'),
    group: need('DESCRIBE_CONFIGS', 'GROUP', 'each group', GROUP, 'the resource'),
    cluster: need('DESCRIBE_CONFIGS', 'CLUSTER', 'the cluster, for brokers and all else', CLUSTER, 'the resource')
  },
  AlterConfigs: configsToAlter,
  DescribeLogDirs: { cluster: theCluster('DESCRIBE', 'the answer, which lists nothing') },
  SaslAuthenticate: {},
  CreatePartitions: { topic: need('ALTER', 'TOPIC', 'each topic', TOPIC, 'the topic') },
  CreateDelegationToken: {
    owner: need('CREATE_TOKENS', 'USER', 'the owner, if it is not the caller', 'DELEGATION_TOKEN_AUTHORIZATION_FAILED', 'the answer')
  },
  RenewDelegationToken: {},
  ExpireDelegationToken: {},
  DescribeDelegationToken: {
    token: need('DESCRIBE', 'DELEGATION_TOKEN', 'each token that the caller does not own, has not asked for and may not renew', null, 'the token is left out'),
    owner: need('DESCRIBE_TOKENS', 'USER', 'the owner of each such token instead', null, 'the token is left out')
  },
  DeleteGroups: { group: eachGroup('DELETE') },
  ElectLeaders: { cluster: theCluster('ALTER', 'the answer, and every partition that is named') },
  IncrementalAlterConfigs: configsToAlter,
  OffsetDelete: { group: theGroup('DELETE'), topic: eachTopic('READ') },
  DescribeClientQuotas: { cluster: theCluster('DESCRIBE_CONFIGS', 'the answer') },
  AlterClientQuotas: { cluster: theCluster('ALTER_CONFIGS', 'each entity') },
  DescribeUserScramCredentials: { cluster: theCluster('DESCRIBE', 'the answer') },
  AlterUserScramCredentials: { cluster: theCluster('ALTER', 'each user') },
  DescribeCluster: { clusterOperations: clusterBits },
  DescribeProducers: { topic: eachTopic('READ') },
  DescribeTransactions: {
    transactionalId: need('DESCRIBE', 'TRANSACTIONAL_ID', 'each transactional id', TRANSACTIONAL_ID, 'the transaction'),
    listed: need('DESCRIBE', 'TOPIC', 'each topic that is part of it', null, 'the topic is left out')
  },
  ListTransactions: {
    transactionalId: need('DESCRIBE', 'TRANSACTIONAL_ID', 'each transactional id', null, 'the transaction is left out')
  },
  ConsumerGroupHeartbeat: { group: theGroup('READ'), topic: subscribed, listed: assigned },
  ConsumerGroupDescribe: { group: eachGroup('DESCRIBE'), topic: membersTopics },
  ListConfigResources: { cluster: theCluster('DESCRIBE_CONFIGS', 'the answer') },
  DescribeTopicPartitions: {
    topic: need('DESCRIBE', 'TOPIC', 'each topic that is named', TOPIC, 'the topic'),
    listed: need('DESCRIBE', 'TOPIC', 'each topic, if all are asked for', null, 'the topic is left out')
  },
  ShareGroupHeartbeat: { group: theGroup('READ'), topic: subscribed, listed: assigned },
  ShareGroupDescribe: { group: eachGroup('DESCRIBE'), topic: membersTopics },
  ShareFetch: { group: theGroup('READ'), topic: eachTopic('READ') },
  ShareAcknowledge: { group: theGroup('READ'), topic: eachTopic('READ') },
  StreamsGroupHeartbeat: {
    group: theGroup('READ'),
    topic: need('DESCRIBE', 'TOPIC', 'each topic of the topology', TOPIC, 'the answer'),
    create: need('CREATE', 'TOPIC', 'each topic of the topology that would be created', TOPIC, 'the answer', theCluster('CREATE', ''))
  },
  StreamsGroupDescribe: {
    group: eachGroup('DESCRIBE'),
    topic: need('DESCRIBE', 'TOPIC', 'each topic of its topology', TOPIC, 'the group')
  },
  DescribeShareGroupOffsets: {
    group: eachGroup('DESCRIBE'),
    topic: eachTopic('DESCRIBE'),
    listed: need('DESCRIBE', 'TOPIC', 'each topic, if all are asked for', null, 'the topic is left out')
  },
  AlterShareGroupOffsets: { group: theGroup('READ'), topic: eachTopic('READ') },
  DeleteShareGroupOffsets: { group: theGroup('DELETE'), topic: need('READ', 'TOPIC', 'each topic', TOPIC, 'the topic') }
} as const satisfies { readonly [api: string]: Needs }

/**
 * The topics in which the server keeps users, rules and quotas, and in which gateways find each other. Nobody but the server
 * itself sees them, whatever they may do: they are answered as if they did not exist, and cannot be created.
 */
export const hiddenTopics: readonly string[] = [ACCESS_TOPIC, GATEWAYS_TOPIC]

export const isHidden = (name: string): boolean => name === ACCESS_TOPIC || name === GATEWAYS_TOPIC

/** The operations that Kafka knows for a type of resource: those that it tells a caller about (KIP-430). */
export const toldOperations = {
  TOPIC: ['READ', 'WRITE', 'CREATE', 'DELETE', 'ALTER', 'DESCRIBE', 'DESCRIBE_CONFIGS', 'ALTER_CONFIGS'],
  GROUP: ['READ', 'DELETE', 'DESCRIBE', 'DESCRIBE_CONFIGS', 'ALTER_CONFIGS'],
  CLUSTER: ['CREATE', 'ALTER', 'DESCRIBE', 'CLUSTER_ACTION', 'DESCRIBE_CONFIGS', 'ALTER_CONFIGS', 'IDEMPOTENT_WRITE']
} as const satisfies { readonly [T in ResourceType]?: readonly Operation[] }
