/**
 * What is asked of the leaders of partitions, but Fetch: Produce, ListOffsets, DeleteRecords, OffsetForLeaderEpoch,
 * DescribeProducers.
 *
 * What may have been written is sent once. Where nobody knows what became of it the producer is told REQUEST_TIMED_OUT, Kafka's own word for
 * that; who is idempotent sends it again and nothing is there twice.
 */
import { Produce } from '../../protocol/messages/00-produce.ts'
import { ListOffsets } from '../../protocol/messages/02-list-offsets.ts'
import { DeleteRecords } from '../../protocol/messages/21-delete-records.ts'
import { OffsetForLeaderEpoch } from '../../protocol/messages/23-offset-for-leader-epoch.ts'
import { DescribeProducers } from '../../protocol/messages/61-describe-producers.ts'
import { byLeader, noId } from './partitions.ts'
import { refusedAgain } from './produce-again.ts'

const READ = ['NOT_LEADER_OR_FOLLOWER', 'NOT_LEADER_OR_FOLLOWER'] as const
const WRITTEN = ['NOT_LEADER_OR_FOLLOWER', 'REQUEST_TIMED_OUT'] as const

/** A broker that answers nothing delays the others' answers no longer than this part of what the producer waits at most. */
const PATIENCE = 2 / 3

const produce = byLeader({
  api: Produce,
  topics: ({ topicData }) => topicData,
  topicOf: ({ name, topicId }) => ({ name, topicId }),
  partitions: ({ partitionData }) => partitionData,
  indexOf: ({ index }) => index,
  withPartitions: (topic, partitionData) => ({ ...topic, partitionData }),
  withTopics: (request, topicData) => ({ ...request, topicData }),
  answers: ({ responses }) => responses,
  answerOf: ({ name, topicId }) => ({ name, topicId }),
  answerPartitions: ({ partitionResponses }) => partitionResponses,
  answerIndexOf: ({ index }) => index,
  failed: ({ index }, { errorCode, errorMessage }) => ({
    index,
    errorCode,
    errorMessage,
    baseOffset: -1,
    logAppendTimeMs: -1,
    logStartOffset: -1,
    recordErrors: [],
    currentLeader: { leaderId: -1, leaderEpoch: -1 }
  }),
  answer: (topics, some) => ({
    responses: topics.map(({ topic: { name, topicId }, partitions }) => ({ name, topicId, partitionResponses: partitions })),
    throttleTimeMs: Math.max(0, ...some.map(({ throttleTimeMs }) => throttleTimeMs))
  }),
  // KIP-951: who leads now, and where.
  veil (response) {
    response.nodeEndpoints = []
    for (const { partitionResponses } of response.responses) {
      for (const one of partitionResponses) one.currentLeader = { leaderId: -1, leaderEpoch: -1 }
    }
  },
  isSilent: ({ acks }) => acks === 0,
  isStream: true,
  codes: WRITTEN,
  waitsMs: ({ timeoutMs }) => timeoutMs,
  patienceMs: ({ timeoutMs }) => Math.max(1000, timeoutMs * PATIENCE)
})

const listOffsets = byLeader({
  api: ListOffsets,
  topics: ({ topics }) => topics,
  topicOf: ({ name }) => noId(name),
  partitions: ({ partitions }) => partitions,
  indexOf: ({ partitionIndex }) => partitionIndex,
  withPartitions: (topic, partitions) => ({ ...topic, partitions }),
  withTopics: (request, topics) => ({ ...request, topics }),
  answers: ({ topics }) => topics,
  answerOf: ({ name }) => noId(name),
  answerPartitions: ({ partitions }) => partitions,
  answerIndexOf: ({ partitionIndex }) => partitionIndex,
  failed: ({ partitionIndex }, { errorCode }) => ({ partitionIndex, errorCode, timestamp: -1, offset: -1, leaderEpoch: -1 }),
  answer: topics => ({ topics: topics.map(({ topic: { name }, partitions }) => ({ name, partitions })) }),
  codes: READ,
  isRead: true,
  waitsMs: ({ timeoutMs }) => timeoutMs
})

const deleteRecords = byLeader({
  api: DeleteRecords,
  topics: ({ topics }) => topics,
  topicOf: ({ name }) => noId(name),
  partitions: ({ partitions }) => partitions,
  indexOf: ({ partitionIndex }) => partitionIndex,
  withPartitions: (topic, partitions) => ({ ...topic, partitions }),
  withTopics: (request, topics) => ({ ...request, topics }),
  answers: ({ topics }) => topics,
  answerOf: ({ name }) => noId(name),
  answerPartitions: ({ partitions }) => partitions,
  answerIndexOf: ({ partitionIndex }) => partitionIndex,
  failed: ({ partitionIndex }, { errorCode }) => ({ partitionIndex, errorCode, lowWatermark: -1 }),
  answer: topics => ({ topics: topics.map(({ topic: { name }, partitions }) => ({ name, partitions })) }),
  codes: WRITTEN,
  waitsMs: ({ timeoutMs }) => timeoutMs
})

const offsetForLeaderEpoch = byLeader({
  api: OffsetForLeaderEpoch,
  topics: ({ topics }) => topics,
  topicOf: ({ topic }) => noId(topic),
  partitions: ({ partitions }) => partitions,
  indexOf: ({ partition }) => partition,
  withPartitions: (topic, partitions) => ({ ...topic, partitions }),
  withTopics: (request, topics) => ({ ...request, topics }),
  answers: ({ topics }) => topics,
  answerOf: ({ topic }) => noId(topic),
  answerPartitions: ({ partitions }) => partitions,
  answerIndexOf: ({ partition }) => partition,
  failed: ({ partition }, { errorCode }) => ({ partition, errorCode, leaderEpoch: -1, endOffset: -1 }),
  answer: topics => ({ topics: topics.map(({ topic: { topic }, partitions }) => ({ topic, partitions })) }),
  codes: READ,
  isRead: true
})

const describeProducers = byLeader({
  api: DescribeProducers,
  topics: ({ topics }) => topics,
  topicOf: ({ name }) => noId(name),
  partitions: ({ partitionIndexes }) => partitionIndexes,
  indexOf: index => index,
  withPartitions: (topic, partitionIndexes) => ({ ...topic, partitionIndexes }),
  withTopics: (request, topics) => ({ ...request, topics }),
  answers: ({ topics }) => topics,
  answerOf: ({ name }) => noId(name),
  answerPartitions: ({ partitions }) => partitions,
  answerIndexOf: ({ partitionIndex }) => partitionIndex,
  failed: (partitionIndex, { errorCode, errorMessage }) => ({ partitionIndex, errorCode, errorMessage, activeProducers: [] }),
  answer: topics => ({ topics: topics.map(({ topic: { name }, partitions }) => ({ name, partitions })) }),
  codes: READ,
  isRead: true
})

export const recordRoutes = [refusedAgain(produce), listOffsets, deleteRecords, offsetForLeaderEpoch, describeProducers]
