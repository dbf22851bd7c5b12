/**
 * What a cluster answers to the requests that the embedded engine has no handler for, in short: whatever is asked for by name
 * is there, and where all is asked for there are the topics `orders`, `secret` and `_barnabas`.
 */
import type { Api, Request } from '../../../protocol/schema.ts'

type Json = Record<string, any>
type Answer = (request: Json, ids: ReadonlyMap<string, string>) => Json

const TOPICS = ['orders', 'secret', '_barnabas']
const error = { errorCode: 0, errorMessage: null }
const perTopic: Answer = ({ topics }) => ({
  errorCode: 0,
  topics: topics.map(({ name, partitions }: Json) => ({ name, partitions: partitions.map(({ partitionIndex }: Json) => ({ partitionIndex, errorCode: 0 })) }))
})
const assigned: Answer = (_request, ids) => ({
  memberEpoch: 1,
  heartbeatIntervalMs: 5000,
  assignment: { topicPartitions: TOPICS.filter(name => ids.has(name)).map(name => ({ topicId: ids.get(name), partitions: [0] })) }
})
const assignment = (names: readonly string[]): Json =>
  ({ topicPartitions: names.map(topicName => ({ topicId: 'AAAAAAAAAAAAAAAAAAAAZQ', topicName, partitions: [0] })) })
/** The members of the group `secretive` read `secret`, all others `orders`, and everyone has found `_barnabas`. */
const described: Answer = ({ groupIds }) => ({
  groups: groupIds.map((groupId: string) => ({
    ...error,
    groupId,
    groupState: 'Stable',
    members: [{
      memberId: 'm',
      subscribedTopicNames: [],
      assignment: assignment([groupId === 'secretive' ? 'secret' : 'orders', '_barnabas']),
      targetAssignment: assignment(['orders'])
    }],
    authorizedOperations: -2147483648
  }))
})
const shared: Answer = ({ topics }) => ({
  ...error,
  responses: topics.map(({ topicId, partitions }: Json) => ({
    topicId,
    partitions: partitions.map(({ partitionIndex }: Json) => ({
      partitionIndex, ...error, acknowledgeErrorCode: 0, currentLeader: {}, records: [Buffer.from('bytes')], acquiredRecords: []
    }))
  })),
  nodeEndpoints: []
})

const answers: { readonly [name: string]: Answer } = {
  AddPartitionsToTxn: ({ v3AndBelowTopics }) => ({
    resultsByTopicV3AndBelow: v3AndBelowTopics.map(({ name, partitions }: Json) =>
      ({ name, resultsByPartition: partitions.map((partitionIndex: number) => ({ partitionIndex, partitionErrorCode: 0 })) }))
  }),
  TxnOffsetCommit: perTopic,
  AlterConfigs: ({ resources }) => ({
    responses: resources.map(({ resourceType, resourceName }: Json) => ({ ...error, resourceType, resourceName }))
  }),
  DescribeLogDirs: () => ({ results: [{ errorCode: 0, logDir: '/data', topics: TOPICS.map(name => ({ name, partitions: [] })) }] }),
  ElectLeaders: ({ topicPartitions }) => ({
    replicaElectionResults: (topicPartitions ?? TOPICS.map(topic => ({ topic, partitions: [0] }))).map(({ topic, partitions }: Json) =>
      ({ topic, partitionResult: partitions.map((partitionId: number) => ({ partitionId, ...error })) }))
  }),
  OffsetDelete: (request, ids) => request['groupId'] === 'gone' ? { errorCode: 69, topics: [] } : perTopic(request, ids),
  DescribeProducers: ({ topics }) => ({
    topics: topics.map(({ name, partitionIndexes }: Json) =>
      ({ name, partitions: partitionIndexes.map((partitionIndex: number) => ({ partitionIndex, ...error, activeProducers: [] })) }))
  }),
  DescribeTransactions: ({ transactionalIds }) => ({
    transactionStates: transactionalIds.map((transactionalId: string) =>
      ({ errorCode: 0, transactionalId, transactionState: 'Ongoing', topics: TOPICS.map(topic => ({ topic, partitions: [0] })) }))
  }),
  ListTransactions: () => ({ transactionStates: ['tx', 'other'].map(transactionalId => ({ transactionalId, producerId: 1, transactionState: 'Ongoing' })) }),
  ConsumerGroupHeartbeat: assigned,
  ConsumerGroupDescribe: described,
  ListConfigResources: () => ({
    configResources: [...TOPICS.map(resourceName => ({ resourceName, resourceType: 2 })), { resourceName: '_barnabas', resourceType: 32 }]
  }),
  DescribeTopicPartitions: ({ topics }) => ({
    topics: topics.map(({ name }: Json) => ({ errorCode: name === 'absent' ? 3 : 0, name, topicId: 'AAAAAAAAAAAAAAAAAAAAZQ', partitions: [] })),
    nextCursor: null
  }),
  ShareGroupHeartbeat: assigned,
  ShareGroupDescribe: described,
  ShareFetch: shared,
  ShareAcknowledge: shared,
  StreamsGroupHeartbeat: () => ({ memberId: 'm', memberEpoch: 1, status: null }),
  StreamsGroupDescribe: ({ groupIds }) => ({
    groups: groupIds.map((groupId: string) => ({
      ...error,
      groupId,
      topology: {
        subtopologies: [{
          sourceTopics: ['orders'], repartitionSinkTopics: [], repartitionSourceTopics: [], stateChangelogTopics: [{ name: `${groupId}-log` }]
        }]
      },
      members: []
    }))
  }),
  DescribeShareGroupOffsets: ({ groups }) => ({
    groups: groups.map(({ groupId, topics }: Json) => ({
      groupId,
      ...error,
      topics: (topics ?? TOPICS.map(topicName => ({ topicName, partitions: [0] }))).map(({ topicName, partitions }: Json) =>
        ({ topicName, partitions: partitions.map((partitionIndex: number) => ({ partitionIndex, startOffset: 5, ...error })) }))
    }))
  }),
  AlterShareGroupOffsets: ({ topics }) => ({
    ...error,
    responses: topics.map(({ topicName, partitions }: Json) =>
      ({ topicName, partitions: partitions.map(({ partitionIndex }: Json) => ({ partitionIndex, ...error })) }))
  }),
  DeleteShareGroupOffsets: ({ topics }) => ({ ...error, responses: topics.map(({ topicName }: Json) => ({ topicName, ...error })) })
}

export function clusterAnswer ({ name }: Api, request: Request<Api>, ids: ReadonlyMap<string, string>): Json {
  return answers[name]?.(request, ids) ?? {}
}
