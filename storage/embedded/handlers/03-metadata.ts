/**
 * Metadata, v0 to v13.
 * One broker, which leads everything. The Kafka door fills in the address under which the client reached it. Asking for a
 * topic that is not there creates it, where that is allowed by the client and by `autoCreate`.
 */
import { KafkaError, errors } from '../../../protocol/errors.ts'
import { Metadata } from '../../../protocol/messages/03-metadata.ts'
import type { Request, ResponseInput } from '../../../protocol/schema.ts'
import { LEADER_EPOCH } from '../../log/log.ts'
import { clusterOperations, topicOperations } from '../operations.ts'
import { kafkaErrorOf } from '../failures.ts'
import { handler } from '../handler.ts'
import type { Embedded } from '../state.ts'
import { checkTopicName } from '../topic-names.ts'
import type { Topic } from '../topics.ts'

type Wanted = NonNullable<Request<typeof Metadata>['topics']>[number]
type TopicResponse = ResponseInput<typeof Metadata>['topics'][number]

export const metadata = handler(Metadata, [0, 13], async (request, context, state) => {
  const { topics: wanted, includeTopicAuthorizedOperations: withOperations } = request
  // In v0 there is no null, and an empty list asks for every topic.
  const all = wanted === null || (context.version === 0 && wanted.length === 0)
  const topics = all
    ? [...state.topics].map(topic => describe(topic, state.nodeId, withOperations))
    : await Promise.all(wanted.map(async one => {
      try {
        return describe(await find(one, request.allowAutoTopicCreation, state), state.nodeId, withOperations)
      } catch (error) {
        return unknown(one, kafkaErrorOf(error).errorCode)
      }
    }))
  return {
    brokers: [{ nodeId: state.nodeId, host: '', port: 0 }],
    clusterId: state.clusterId,
    controllerId: state.nodeId,
    topics,
    ...(request.includeClusterAuthorizedOperations ? { clusterAuthorizedOperations: clusterOperations } : {})
  }
})

async function find ({ name, topicId }: Wanted, mayCreate: boolean, state: Embedded): Promise<Topic> {
  if (name === null) {
    const topic = state.topics.byId(topicId)
    if (topic === undefined) throw new KafkaError('UNKNOWN_TOPIC_ID')
    return topic
  }
  const topic = state.topics.get(name)
  if (topic !== undefined) return topic
  checkTopicName(name)
  if (!mayCreate || !state.options.autoCreate) throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION')
  return await state.topics.ensure(name, state.options.partitions)
}

function describe (topic: Topic, nodeId: number, withOperations: boolean): TopicResponse {
  return {
    errorCode: errors.NONE,
    name: topic.name,
    topicId: topic.id,
    isInternal: topic.isInternal,
    partitions: topic.partitions.map(({ index }) => ({
      errorCode: errors.NONE,
      partitionIndex: index,
      leaderId: nodeId,
      leaderEpoch: LEADER_EPOCH,
      replicaNodes: [nodeId],
      isrNodes: [nodeId]
    })),
    ...(withOperations ? { topicAuthorizedOperations: topicOperations } : {})
  }
}

function unknown ({ name, topicId }: Wanted, errorCode: number): TopicResponse {
  return { errorCode, name, topicId, partitions: [] }
}
