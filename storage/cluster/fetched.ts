/**
 * The shapes of a Fetch: its partitions as places, which are the same when the same is asked for, and answers to them.
 */
import { errors } from '../../protocol/errors.ts'
import type { Fetch } from '../../protocol/messages/01-fetch.ts'
import type { Request, ResponseInput } from '../../protocol/schema.ts'
import { NO_TOPIC_ID } from './cluster.ts'
import type { FetchedPartition, FetchResponse, Place } from './polls.ts'
import type { Failed } from './route.ts'

export type FetchRequest = Request<typeof Fetch>
export type Topic = FetchRequest['topics'][number]
export type Partition = Topic['partitions'][number]

export const splitting = {
  topicOf: ({ topic, topicId }: Topic) => ({ name: topic, topicId }),
  partitions: (topic: Topic) => topic.partitions,
  indexOf: ({ partition }: Partition) => partition
}

export const isNews = (answer: FetchedPartition): boolean => answer.errorCode !== errors.NONE || sizeOf(answer) > 0 || answer.divergingEpoch.epoch >= 0

export const sizeOf = ({ records }: FetchedPartition): number => records === null ? 0 : records.reduce((sum, chunk) => sum + chunk.length, 0)

export const endKey = ({ topic, topicId }: Topic, partition: number): string => `${topicId === NO_TOPIC_ID ? topic : topicId}-${partition}`

export function placeOf (topic: Topic, { partition, fetchOffset, currentLeaderEpoch, lastFetchedEpoch }: Partition): Place {
  return `${endKey(topic, partition)} ${fetchOffset} ${currentLeaderEpoch} ${lastFetchedEpoch}`
}

export function byPlace ({ responses }: FetchResponse, request: FetchRequest): Map<Place, FetchedPartition> {
  const asked = new Map<string, { topic: Topic, partition: Partition }>()
  for (const topic of request.topics) {
    for (const partition of topic.partitions) {
      if (topic.topic !== '') asked.set(`${topic.topic}-${partition.partition}`, { topic, partition })
      if (topic.topicId !== NO_TOPIC_ID) asked.set(`${topic.topicId}-${partition.partition}`, { topic, partition })
    }
  }
  const found = new Map<Place, FetchedPartition>()
  for (const { topic, topicId, partitions } of responses) {
    for (const answer of partitions) {
      const one = asked.get(`${topic === '' ? topicId : topic}-${answer.partitionIndex}`)
      if (one !== undefined) found.set(placeOf(one.topic, one.partition), answer)
    }
  }
  return found
}

export function answerWith (request: FetchRequest, answer: (topic: Topic, partition: Partition) => FetchedPartition): ResponseInput<typeof Fetch> {
  return {
    sessionId: 0,
    responses: request.topics.map(topic => ({
      topic: topic.topic, topicId: topic.topicId, partitions: topic.partitions.map(partition => answer(topic, partition))
    }))
  }
}

export function empty (partitionIndex: number): FetchedPartition {
  return {
    partitionIndex,
    errorCode: errors.NONE,
    highWatermark: -1,
    lastStableOffset: -1,
    logStartOffset: -1,
    divergingEpoch: { epoch: -1, endOffset: -1 },
    currentLeader: { leaderId: -1, leaderEpoch: -1 },
    snapshotId: { endOffset: -1, epoch: -1 },
    abortedTransactions: null,
    preferredReadReplica: -1,
    records: []
  }
}

export function failure (partitionIndex: number, { errorCode }: Failed): FetchedPartition {
  return { ...empty(partitionIndex), errorCode }
}
