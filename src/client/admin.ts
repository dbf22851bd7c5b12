/**
 * Topics over Dispatch: list, describe, create, delete. Every function rejects with KafkaError.
 */
import { complete } from '../../protocol/defaults.ts'
import { errors, KafkaError } from '../../protocol/errors.ts'
import { Metadata } from '../../protocol/messages/03-metadata.ts'
import { CreateTopics } from '../../protocol/messages/19-create-topics.ts'
import { DeleteTopics } from '../../protocol/messages/20-delete-topics.ts'
import { DescribeConfigs } from '../../protocol/messages/32-describe-configs.ts'
import { newest, type Context, type Dispatch } from '../../protocol/rpc.ts'
import type { Response } from '../../protocol/schema.ts'
import { failure, kafkaError, mutationError, topicError } from './failures.ts'

export interface TopicPartition {
  readonly partition: number
  /** -1 if none leads. */
  readonly leader: number
  readonly replicas: readonly number[]
  readonly inSync: readonly number[]
}

export interface TopicDescription {
  readonly name: string
  readonly isInternal: boolean
  /** In order. */
  readonly partitions: readonly TopicPartition[]
}

/** All that may be described, sorted by name. */
export async function listTopics (dispatch: Dispatch, context: Context): Promise<TopicDescription[]> {
  const response = await dispatch(Metadata, complete(Metadata.request, { topics: null, allowAutoTopicCreation: false }), at(context, Metadata))
  if (response.errorCode !== errors.NONE) throw kafkaError(response.errorCode)
  return response.topics.filter(({ errorCode }) => errorCode === errors.NONE).map(descriptionOf).sort((a, b) => a.name < b.name ? -1 : 1)
}

/** The ids of the brokers and of the one that is the controller. */
export async function getBrokers (dispatch: Dispatch, context: Context): Promise<{ brokers: readonly number[], controllerId: number }> {
  const response = await dispatch(Metadata, complete(Metadata.request, { topics: [], allowAutoTopicCreation: false }), at(context, Metadata))
  if (response.errorCode !== errors.NONE) throw kafkaError(response.errorCode)
  return { brokers: response.brokers.map(({ nodeId }) => nodeId), controllerId: response.controllerId }
}

export async function getTopic (dispatch: Dispatch, context: Context, topic: string): Promise<TopicDescription> {
  const { topics: [found] } = await dispatch(Metadata, complete(Metadata.request, {
    topics: [{ name: topic }], allowAutoTopicCreation: false
  }), at(context, Metadata))
  if (found === undefined) throw topicError(Metadata, errors.UNKNOWN_TOPIC_OR_PARTITION, topic)
  if (found.errorCode !== errors.NONE) throw topicError(Metadata, found.errorCode, topic)
  return descriptionOf(found)
}

type MetadataTopic = Response<typeof Metadata>['topics'][number]

function descriptionOf ({ name, isInternal, partitions }: MetadataTopic): TopicDescription {
  return {
    name: name ?? '',
    isInternal,
    partitions: partitions
      .map(one => ({ partition: one.partitionIndex, leader: one.leaderId, replicas: one.replicaNodes, inSync: one.isrNodes }))
      .sort((a, b) => a.partition - b.partition)
  }
}

export interface ConfigEntry {
  readonly name: string
  readonly value: string | null
}

const TOPIC_RESOURCE = 2

/** Values that are secret are null. */
export async function topicConfigs (dispatch: Dispatch, context: Context, topic: string): Promise<ConfigEntry[]> {
  const { results: [found] } = await dispatch(DescribeConfigs, complete(DescribeConfigs.request, {
    resources: [{ resourceType: TOPIC_RESOURCE, resourceName: topic, configurationKeys: null }]
  }), at(context, DescribeConfigs))
  if (found === undefined) throw topicError(DescribeConfigs, errors.UNKNOWN_TOPIC_OR_PARTITION, topic)
  if (found.errorCode !== errors.NONE) throw failure(DescribeConfigs, found.errorCode, topic, found.errorMessage)
  return found.configs.map(({ name, value, isSensitive }) => ({ name, value: isSensitive ? null : value }))
}

export interface NewTopic {
  readonly name: string
  /** The server's default unless told, as for `replicationFactor`. */
  readonly partitions?: number | undefined
  readonly replicationFactor?: number | undefined
  readonly assignments?: readonly { readonly partitionIndex: number, readonly brokerIds: readonly number[] }[]
  readonly configs?: readonly ConfigEntry[]
  readonly validateOnly?: boolean
}

const SERVER_DEFAULT = -1
const TIMEOUT_MS = 30_000

export interface TopicCounts {
  /** Null where the caller left it to the server, and may not see what that has chosen (DESCRIBE_CONFIGS). The same for replicas. */
  readonly partitions: number | null
  readonly replicationFactor: number | null
}

/** Answers with the number of partitions that the topic has, or would have. */
export async function createTopic (dispatch: Dispatch, context: Context, topic: NewTopic): Promise<TopicCounts> {
  const { name, partitions, replicationFactor, assignments = [], configs = [], validateOnly = false } = topic
  const { throttleTimeMs, topics: [created] } = await dispatch(CreateTopics, complete(CreateTopics.request, {
    topics: [{
      name,
      numPartitions: partitions ?? SERVER_DEFAULT,
      replicationFactor: replicationFactor ?? SERVER_DEFAULT,
      assignments,
      configs
    }],
    timeoutMs: TIMEOUT_MS,
    validateOnly
  }), at(context, CreateTopics))
  if (created === undefined) throw new KafkaError('UNKNOWN_SERVER_ERROR')
  if (created.errorCode !== errors.NONE) throw mutationError(CreateTopics, created.errorCode, name, throttleTimeMs, created.errorMessage)
  const assigned = assignments[0]
  return {
    partitions: known(created.numPartitions) ?? partitions ?? (assigned === undefined ? null : assignments.length),
    replicationFactor: known(created.replicationFactor) ?? replicationFactor ?? assigned?.brokerIds.length ?? null
  }
}

/** KIP-525: -1 is what the caller may not see. */
const known = (count: number): number | null => count < 0 ? null : count

export async function deleteTopic (dispatch: Dispatch, context: Context, topic: string): Promise<void> {
  const { throttleTimeMs, responses: [deleted] } = await dispatch(DeleteTopics, complete(DeleteTopics.request, {
    topics: [{ name: topic, topicId: NO_TOPIC_ID }], timeoutMs: TIMEOUT_MS
  }), at(context, DeleteTopics))
  if (deleted === undefined) throw new KafkaError('UNKNOWN_SERVER_ERROR')
  if (deleted.errorCode !== errors.NONE) throw mutationError(DeleteTopics, deleted.errorCode, topic, throttleTimeMs)
}

/** Kafka's "no id": the topic is meant by its name. */
const NO_TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAA'

const at = (context: Context, api: Parameters<typeof newest>[0]): Context => ({ ...context, version: newest(api) })
