/**
 * For every request what is worth asking: what is there, what is not, and what is refused, since a refusal says why. Each list
 * is sent in its order; what is made is made under a new name each time.
 */
import { MEMBER, PARTITIONS, recordsOf, type World } from './leak-world.ts'
import type { Body } from './speaker.ts'

export interface Asking {
  readonly world: World
  readonly version: number
  /** What clients are told that brokers are called. */
  readonly brokers: readonly number[]
  /** A name that nothing has. */
  fresh (): string
}

const all = Array.from({ length: PARTITIONS }, (_, i) => i)
const OTHER_ID = 'AAAAAAAAAAAAAAAAAAAAAg'
const NOWHERE = 'nowhere'
/** Types of resources. */
const [TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP] = [2, 4, 8, 16, 32]

const transaction = ({ transactionalId, producerId, producerEpoch }: World): Body => ({ transactionalId, producerId, producerEpoch })
/** Names of the resource, of which the empty one is the default of all. */
const named = (brokers: readonly number[]): string[] => ['', '99', ...brokers.map(String)]
const groupsOf = (world: World): string[] => [world.classicGroup, world.consumerGroup, world.shareGroup, 'away', NOWHERE]

const anyAcl = {
  resourceTypeFilter: 1, resourceNameFilter: null, patternTypeFilter: 1, principalFilter: null, hostFilter: null, operation: 1, permissionType: 1
}

export const bodies: Readonly<Record<string, (asking: Asking) => readonly Body[]>> = {
  Produce: ({ world: { topic, topicId }, version }) => {
    const data = (index: number, more: Body = {}): Body => ({ name: topic, topicId, partitionData: [{ index, records: recordsOf('told') }], ...more })
    return [
      ...[1, -1].flatMap(acks => all.map(index => ({ acks, timeoutMs: 5000, topicData: [data(index)] }))),
      { acks: -1, timeoutMs: 5000, topicData: [{ name: topic, topicId, partitionData: all.map(index => ({ index, records: recordsOf('together') })) }] },
      { acks: -1, timeoutMs: 5000, topicData: [data(99)] },
      { acks: -1, timeoutMs: 5000, topicData: [data(0, version > 12 ? { topicId: OTHER_ID } : { name: 'what?' })] },
      { acks: -1, timeoutMs: 5000, transactionalId: 'nobody', topicData: [data(0)] }
    ]
  },
  Fetch: ({ world: { topic, topicId }, version }) => {
    const partition = (index: number, more: Body = {}): Body => ({ partition: index, fetchOffset: 0, partitionMaxBytes: 4096, ...more })
    const asked = { maxWaitMs: 10, minBytes: 0, maxBytes: 1e6, rackId: 'leaky-rack-2' }
    return [
      { ...asked, topics: [{ topic, topicId, partitions: all.map(index => partition(index)) }] },
      { ...asked, sessionId: 0, sessionEpoch: 0, isolationLevel: 1, topics: [{ topic, topicId, partitions: all.map(index => partition(index)) }] },
      { ...asked, topics: [{ topic, topicId, partitions: all.map(index => partition(index, { currentLeaderEpoch: 0, fetchOffset: 1e6 })) }] },
      { ...asked, topics: [{ topic, topicId, partitions: all.map(index => partition(index, { currentLeaderEpoch: 99 })) }] },
      { ...asked, topics: [{ topic, topicId, partitions: [partition(99)] }] },
      { ...asked, topics: [version > 12 ? { topicId: OTHER_ID, partitions: [partition(0)] } : { topic: NOWHERE, partitions: [partition(0)] }] }
    ]
  },
  ListOffsets: ({ world: { topic }, version }) => [-1, -2, ...version >= 7 ? [-3] : [], 1].flatMap(timestamp => [
    { replicaId: -1, topics: [{ name: topic, partitions: all.map(partitionIndex => ({ partitionIndex, timestamp })) }], timeoutMs: 5000 },
    {
      replicaId: -1, topics: [{ name: topic, partitions: all.map(partitionIndex => ({ partitionIndex, timestamp, currentLeaderEpoch: 99 })) }], timeoutMs: 5000
    },
    { replicaId: -1, topics: [{ name: NOWHERE, partitions: [{ partitionIndex: 0, timestamp }] }], timeoutMs: 5000 }
  ]),
  Metadata: ({ world: { topic, topicId }, version }) => [
    { topics: null, includeClusterAuthorizedOperations: true, includeTopicAuthorizedOperations: true },
    { topics: [{ name: topic }], allowAutoTopicCreation: false },
    { topics: [{ name: NOWHERE }, { name: 'what?' }], allowAutoTopicCreation: false },
    ...version >= 12 ? [{ topics: [{ name: null, topicId }, { name: null, topicId: OTHER_ID }] }] : []
  ],
  OffsetCommit: ({ world: { topic, topicId, classicGroup, consumerGroup } }) => ['away', classicGroup, consumerGroup].map(groupId => ({
    groupId, topics: [{ name: topic, topicId, partitions: all.map(partitionIndex => ({ partitionIndex, committedOffset: 2, committedMetadata: '' })) }]
  })),
  OffsetFetch: ({ world, version }) => [
    ...groupsOf(world).map(groupId => ({
      groupId, topics: version >= 2 ? null : [{ name: world.topic, partitionIndexes: all }], groups: [{ groupId, topics: null }]
    })),
    {
      groupId: 'away',
      topics: [{ name: world.topic, partitionIndexes: all }],
      groups: groupsOf(world).map(groupId => ({ groupId, topics: null })),
      requireStable: true
    }
  ],
  FindCoordinator: ({ world, version }) => [
    ...[...groupsOf(world), ''].map(key => ({ key, keyType: 0, coordinatorKeys: [key] })),
    { key: 'away', keyType: 0, coordinatorKeys: groupsOf(world) },
    ...version >= 1 ? [{ key: world.transactionalId, keyType: 1, coordinatorKeys: [world.transactionalId, 'nobody'] }] : [],
    ...version >= 6 ? [{ keyType: 2, coordinatorKeys: all.map(index => `${world.shareGroup}:${world.topicId}:${index}`) }] : [],
    ...version >= 1 ? [{ key: 'x', keyType: 9, coordinatorKeys: ['x'] }] : []
  ],
  JoinGroup: ({ world, fresh }) => [
    { groupId: fresh(), memberId: '', sessionTimeoutMs: 10_000 },
    { groupId: world.classicGroup, memberId: 'nobody', sessionTimeoutMs: 10_000 },
    { groupId: world.classicGroup, memberId: '', sessionTimeoutMs: 1 },
    { groupId: world.shareGroup, memberId: '', sessionTimeoutMs: 10_000 },
    { groupId: '', memberId: '', sessionTimeoutMs: 10_000 }
  ].map(body => ({
    rebalanceTimeoutMs: 1000, protocolType: 'consumer', protocols: [{ name: 'range', metadata: Buffer.from('0000000000000000', 'hex') }], ...body
  })),
  Heartbeat: ({ world }) => groupsOf(world).map(groupId => ({ groupId, generationId: 1, memberId: 'nobody' })),
  LeaveGroup: ({ world }) => groupsOf(world).map(groupId => ({ groupId, memberId: 'nobody', members: [{ memberId: 'nobody' }] })),
  SyncGroup: ({ world }) => groupsOf(world).map(groupId => ({ groupId, generationId: 1, memberId: 'nobody', assignments: [] })),
  DescribeGroups: ({ world }) => [{ groups: groupsOf(world), includeAuthorizedOperations: true }, ...groupsOf(world).map(group => ({ groups: [group] }))],
  ListGroups: () => [{}, { statesFilter: ['Stable', 'Empty'] }],
  SaslHandshake: () => [{ mechanism: 'PLAIN' }],
  SaslAuthenticate: () => [{ authBytes: Buffer.from('\0nobody\0nothing') }],
  ApiVersions: () => [{ clientSoftwareName: 'speaker', clientSoftwareVersion: '1' }, { clientSoftwareName: '?', clientSoftwareVersion: '' }],
  CreateTopics: ({ fresh, brokers }) => [
    ...[{}, { replicationFactor: 9 }, { configs: [{ name: 'nonsense', value: '1' }] }, { numPartitions: -1, replicationFactor: -1 }].map(more => ({
      name: fresh(), ...more
    })),
    { name: fresh(), numPartitions: -1, replicationFactor: -1, assignments: [{ partitionIndex: 0, brokerIds: [brokers[0]!] }] },
    { name: fresh(), numPartitions: -1, replicationFactor: -1, assignments: [{ partitionIndex: 0, brokerIds: [9, 8, 7] }] },
    { name: 'what?' }, { name: 'told-of' }
  ].flatMap(topic => [false, true].map(validateOnly => ({
    topics: [{ numPartitions: 1, replicationFactor: 1, assignments: [], configs: [], ...topic }], timeoutMs: 10_000, validateOnly
  }))),
  DeleteTopics: ({ fresh, version }) => [
    { topics: [{ name: fresh() }], topicNames: [fresh()], timeoutMs: 5000 },
    ...version >= 6 ? [{ topics: [{ name: null, topicId: OTHER_ID }], timeoutMs: 5000 }] : []
  ],
  DeleteRecords: ({ world: { topic } }) => [
    { topics: [{ name: topic, partitions: all.map(partitionIndex => ({ partitionIndex, offset: 1 })) }], timeoutMs: 5000 },
    {
      topics: [
        { name: topic, partitions: [{ partitionIndex: 0, offset: 1e9 }, { partitionIndex: 99, offset: 0 }] },
        { name: NOWHERE, partitions: [{ partitionIndex: 0, offset: 0 }] }
      ],
      timeoutMs: 5000
    }
  ],
  InitProducerId: ({ fresh, version }) => [
    { transactionalId: null, transactionTimeoutMs: 1000 },
    { transactionalId: fresh(), transactionTimeoutMs: 1000 },
    { transactionalId: fresh(), transactionTimeoutMs: 2_000_000_000 },
    ...version >= 3 ? [{ transactionalId: fresh(), transactionTimeoutMs: 1000, producerId: 12345, producerEpoch: 3 }] : []
  ],
  OffsetForLeaderEpoch: ({ world: { topic } }) => [
    { topics: [{ topic, partitions: all.map(partition => ({ partition, leaderEpoch: 0 })) }] },
    {
      topics: [
        { topic, partitions: all.map(partition => ({ partition, leaderEpoch: 0, currentLeaderEpoch: 99 })) },
        { topic: NOWHERE, partitions: [{ partition: 0, leaderEpoch: 0 }] }
      ]
    }
  ],
  AddPartitionsToTxn: ({ world }) => [world.transactionalId, 'nobody'].map(v3AndBelowTransactionalId => ({
    v3AndBelowTransactionalId,
    v3AndBelowProducerId: world.producerId,
    v3AndBelowProducerEpoch: world.producerEpoch,
    v3AndBelowTopics: [{ name: world.topic, partitions: [0, 99] }, { name: NOWHERE, partitions: [0] }]
  })),
  AddOffsetsToTxn: ({ world }) => [{ ...transaction(world), groupId: 'away' }, { ...transaction(world), transactionalId: 'nobody', groupId: 'away' }],
  EndTxn: ({ world }) => [{ ...transaction(world), transactionalId: 'nobody', committed: true }, { ...transaction(world), producerEpoch: 99, committed: true }],
  TxnOffsetCommit: ({ world }) => groupsOf(world).map(groupId => ({
    ...transaction(world), groupId, topics: [{ name: world.topic, partitions: [{ partitionIndex: 0, committedOffset: 1, committedMetadata: '' }] }]
  })),
  DescribeAcls: () => [anyAcl],
  CreateAcls: () => [{
    creations: [{ resourceType: TOPIC, resourceName: 'x', resourcePatternType: 3, principal: 'User:nobody', host: '*', operation: 3, permissionType: 3 }]
  }],
  DeleteAcls: () => [{ filters: [anyAcl] }],
  DescribeConfigs: ({ world, brokers }) => [
    ...[
      ...named(brokers).flatMap(name => [[BROKER, name], [BROKER_LOGGER, name]] as const), [TOPIC, world.topic], [TOPIC, NOWHERE],
      [CLIENT_METRICS, 'x'], [GROUP, world.consumerGroup], [99, 'x']
    ] as const
  ].map(([resourceType, resourceName]) => ({
    resources: [{ resourceType, resourceName, configurationKeys: null }], includeSynonyms: true, includeDocumentation: true
  })),
  AlterConfigs: ({ world, brokers }) => [
    { resources: [{ resourceType: TOPIC, resourceName: world.topic, configs: [{ name: 'retention.ms', value: 'soon' }] }], validateOnly: true },
    ...named(brokers).map(resourceName => ({
      resources: [{ resourceType: BROKER, resourceName, configs: [{ name: 'node.id', value: '5' }] }], validateOnly: true
    }))
  ],
  IncrementalAlterConfigs: ({ world, brokers }) => [
    {
      resources: [{ resourceType: TOPIC, resourceName: world.topic, configs: [{ name: 'retention.ms', configOperation: 0, value: 'soon' }] }],
      validateOnly: true
    },
    { resources: [{ resourceType: TOPIC, resourceName: NOWHERE, configs: [{ name: 'retention.ms', configOperation: 0, value: '1' }] }], validateOnly: true },
    ...named(brokers).flatMap(resourceName => [BROKER, BROKER_LOGGER].map(resourceType => ({
      resources: [{ resourceType, resourceName, configs: [{ name: 'listeners', configOperation: 0, value: 'PLAINTEXT://:1' }] }], validateOnly: true
    })))
  ],
  DescribeLogDirs: ({ world: { topic } }) => [{ topics: null }, { topics: [{ topic, partitions: all }] }, { topics: [{ topic: NOWHERE, partitions: [0] }] }],
  CreatePartitions: ({ world: { topic }, brokers }) => [
    { count: 1, assignments: null }, { count: PARTITIONS + 1, assignments: null }, { count: PARTITIONS + 1, assignments: [{ brokerIds: [brokers[0]!] }] },
    { count: PARTITIONS + 1, assignments: [{ brokerIds: [8, 9] }] }
  ].map(more => ({ topics: [{ name: topic, ...more }, { name: NOWHERE, ...more }], timeoutMs: 5000, validateOnly: true })),
  CreateDelegationToken: () => [{ ownerPrincipalType: '', ownerPrincipalName: '', renewers: [], maxLifetimeMs: 1000 }],
  RenewDelegationToken: () => [{ hmac: Buffer.from('x'), renewPeriodMs: 1 }],
  ExpireDelegationToken: () => [{ hmac: Buffer.from('x'), expiryTimePeriodMs: 1 }],
  DescribeDelegationToken: () => [{ owners: null }],
  DeleteGroups: ({ world }) => [{ groupsNames: [world.classicGroup, world.consumerGroup, world.shareGroup, NOWHERE] }],
  ElectLeaders: ({ world: { topic } }) => [0, 1].map(electionType => ({
    electionType, topicPartitions: [{ topic, partitions: [...all, 99] }, { topic: NOWHERE, partitions: [0] }], timeoutMs: 5000
  })),
  OffsetDelete: ({ world }) => groupsOf(world).map(groupId => ({ groupId, topics: [{ name: world.topic, partitions: [{ partitionIndex: 5 }] }] })),
  DescribeClientQuotas: () => [{ components: [], strict: false }, { components: [{ entityType: 'nonsense', matchType: 0, match: 'x' }], strict: true }],
  AlterClientQuotas: () => [
    { entries: [{ entity: [{ entityType: 'nonsense', entityName: 'x' }], ops: [{ key: 'x', value: 1, remove: false }] }], validateOnly: true }
  ],
  DescribeUserScramCredentials: () => [{ users: null }, { users: [{ name: 'nobody' }] }],
  AlterUserScramCredentials: () => [{ deletions: [{ name: 'nobody', mechanism: 1 }], upsertions: [] }],
  DescribeCluster: ({ version }) => [
    { includeClusterAuthorizedOperations: true }, ...version >= 1 ? [{ endpointType: 2 }] : [], ...version >= 2 ? [{ includeFencedBrokers: true }] : []
  ],
  DescribeProducers: ({ world: { topic } }) => [{ topics: [{ name: topic, partitionIndexes: [...all, 99] }, { name: NOWHERE, partitionIndexes: [0] }] }],
  DescribeTransactions: ({ world }) => [{ transactionalIds: [world.transactionalId, 'nobody', ''] }],
  ListTransactions: ({ version }) => [{}, { stateFilters: ['Ongoing', 'nonsense'] }, ...version >= 2 ? [{ transactionalIdPattern: '(' }] : []],
  ConsumerGroupHeartbeat: ({ world, fresh }) => [
    { groupId: fresh(), memberId: MEMBER, memberEpoch: 0, rebalanceTimeoutMs: 5000, subscribedTopicNames: [world.topic], topicPartitions: [] },
    ...groupsOf(world).map(groupId => ({ groupId, memberId: 'nobody', memberEpoch: 5 })),
    {
      groupId: fresh(),
      memberId: MEMBER,
      memberEpoch: 0,
      rackId: '',
      rebalanceTimeoutMs: 5000,
      serverAssignor: 'nonsense',
      subscribedTopicNames: [],
      topicPartitions: []
    }
  ],
  ConsumerGroupDescribe: ({ world }) => [{ groupIds: groupsOf(world), includeAuthorizedOperations: true }],
  ListConfigResources: ({ version }) => [
    {}, ...version >= 1 ? [TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP, 99].map(type => ({ resourceTypes: [type] })) : []
  ],
  DescribeTopicPartitions: ({ world: { topic } }) => [
    { topics: [] },
    { topics: [{ name: topic }, { name: NOWHERE }], responsePartitionLimit: 3 },
    { topics: [{ name: topic }], cursor: { topicName: topic, partitionIndex: 4 } }
  ],
  ShareGroupHeartbeat: ({ world, fresh }) => [
    { groupId: fresh(), memberId: MEMBER, memberEpoch: 0, subscribedTopicNames: [world.topic] },
    ...groupsOf(world).map(groupId => ({ groupId, memberId: 'nobody', memberEpoch: 5 }))
  ],
  ShareGroupDescribe: ({ world }) => [{ groupIds: groupsOf(world), includeAuthorizedOperations: true }],
  ShareFetch: ({ world }) => {
    const asked = { maxWaitMs: 10, minBytes: 0, maxBytes: 1e6, maxRecords: 10, batchSize: 10 }
    const topics = [{ topicId: world.topicId, partitions: all.map(partitionIndex => ({ partitionIndex, acknowledgementBatches: [] })) }]
    return [
      { ...asked, groupId: world.shareGroup, memberId: MEMBER, shareSessionEpoch: 0, topics },
      { ...asked, groupId: world.shareGroup, memberId: MEMBER, shareSessionEpoch: 9, topics },
      { ...asked, groupId: NOWHERE, memberId: 'nobody', shareSessionEpoch: 0, topics: [{ ...topics[0], topicId: OTHER_ID }] }
    ]
  },
  ShareAcknowledge: ({ world }) => [0, 1, 9].map(shareSessionEpoch => ({
    groupId: world.shareGroup,
    memberId: MEMBER,
    shareSessionEpoch,
    topics: [{
      topicId: world.topicId,
      partitions: all.map(partitionIndex => ({ partitionIndex, acknowledgementBatches: [{ firstOffset: 0, lastOffset: 0, acknowledgeTypes: [1] }] }))
    }]
  })),
  StreamsGroupHeartbeat: ({ world, fresh }) => [
    {
      groupId: fresh(),
      memberId: MEMBER,
      memberEpoch: 0,
      rebalanceTimeoutMs: 5000,
      topology: {
        epoch: 0,
        subtopologies: [{
          subtopologyId: '0',
          sourceTopics: [world.topic],
          sourceTopicRegex: [],
          stateChangelogTopics: [],
          repartitionSinkTopics: [],
          repartitionSourceTopics: [],
          copartitionGroups: []
        }]
      },
      activeTasks: [],
      standbyTasks: [],
      warmupTasks: [],
      processId: 'p'
    },
    ...groupsOf(world).map(groupId => ({ groupId, memberId: 'nobody', memberEpoch: 5 }))
  ],
  StreamsGroupDescribe: ({ world }) => [{ groupIds: groupsOf(world), includeAuthorizedOperations: true }],
  DescribeShareGroupOffsets: ({ world }) => groupsOf(world).map(groupId => ({ groups: [{ groupId, topics: null }] })),
  AlterShareGroupOffsets: ({ world }) => groupsOf(world).map(groupId => ({
    groupId, topics: [{ topicName: world.topic, partitions: [{ partitionIndex: 0, startOffset: 0 }] }]
  })),
  DeleteShareGroupOffsets: ({ world }) => groupsOf(world).map(groupId => ({ groupId, topics: [{ topicName: world.topic }, { topicName: NOWHERE }] }))
}
