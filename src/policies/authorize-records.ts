/**
 * Records: who may write, read, find and delete them. Nothing is looked at but the headers of the batches, and nothing is
 * copied.
 */
import { TRANSACTIONAL, batchSizeAt } from '../../protocol/batch.ts'
import { Produce } from '../../protocol/messages/00-produce.ts'
import { Fetch } from '../../protocol/messages/01-fetch.ts'
import { ListOffsets } from '../../protocol/messages/02-list-offsets.ts'
import { DeleteRecords } from '../../protocol/messages/21-delete-records.ts'
import { OffsetForLeaderEpoch } from '../../protocol/messages/23-offset-for-leader-epoch.ts'
import type { Context } from '../../protocol/rpc.ts'
import type { Chunks, Request, Response } from '../../protocol/schema.ts'
import { refusal, type Gate, type Refusal } from './authorize-gate.ts'
import { checkTopic, each, partly, refuseAll, rule, type Elements, type Rule } from './authorize-elements.ts'
import { isHidden, permissions } from './permissions.ts'

type ProduceRequest = Request<typeof Produce>
type ProduceTopic = ProduceRequest['topicData'][number]

const produceTopics: Elements<typeof Produce, ProduceTopic, Response<typeof Produce>['responses'][number]> = {
  api: Produce,
  of: ({ topicData }) => topicData,
  topicId: ({ name, topicId }) => name === '' ? topicId : null,
  check: ({ name, topicId }, context, gate) => checkTopic(gate, context, permissions.Produce.topic, name, topicId),
  only: (request, topicData) => ({ ...request, topicData }),
  answers: ({ responses }) => responses,
  answered: (response, responses) => ({ ...response, responses }),
  refuse: ({ name, topicId, partitionData }, { errorCode, message }) => ({
    name,
    topicId,
    partitionResponses: partitionData.map(({ index }) => ({ index, errorCode, errorMessage: message, baseOffset: -1 }))
  })
}

const produce = rule(Produce, (request, context, next, gate) => {
  const refused = hasTransactional(request) ? checkTransactional(request, context, gate) : null
  return refused === null ? partly(produceTopics, request, context, next, gate) : refuseAll(produceTopics, refused, request, context, gate)
})

/** Asked of the batches, not of the request (CVE-2018-17196): what a batch says is what will be stored. */
function hasTransactional ({ topicData }: ProduceRequest): boolean {
  for (const { partitionData } of topicData) {
    for (const { records } of partitionData) if (records !== null && anyTransactional(records)) return true
  }
  return false
}

/** Where the attributes of a batch are. */
const ATTRIBUTES_AT = 21

function anyTransactional (chunks: Chunks): boolean {
  for (const chunk of chunks) {
    for (let position = 0; position + ATTRIBUTES_AT + 2 <= chunk.length;) {
      if ((chunk.readInt16BE(position + ATTRIBUTES_AT) & TRANSACTIONAL) !== 0) return true
      const size = batchSizeAt(chunk, position)
      if (size <= ATTRIBUTES_AT) break // no batch has that size: it is refused for it
      position += size
    }
  }
  return false
}

function checkTransactional ({ transactionalId }: ProduceRequest, context: Context, gate: Gate): Refusal | null {
  const need = permissions.Produce.transactionalId
  if (transactionalId !== null) return gate.check(context, need, transactionalId)
  return { ...refusal(need, ''), message: 'Not authorised: a batch is transactional, but the request names no transactional id.' }
}

const fetch = each({
  api: Fetch,
  of: ({ topics }) => topics,
  topicId: ({ topic, topicId }) => topic === '' ? topicId : null,
  check: ({ topic, topicId }, context, gate, { replicaId, replicaState }) => replicaId >= 0 || replicaState.replicaId >= 0
    ? checkReplica(topic, topicId, context, gate)
    : checkTopic(gate, context, permissions.Fetch.topic, topic, topicId),
  only: (request, topics) => ({ ...request, topics }),
  answers: ({ responses }) => responses,
  answered: (response, responses: Response<typeof Fetch>['responses']) => ({ ...response, responses }),
  refuse: ({ topic, topicId, partitions }, { errorCode }) => ({
    topic,
    topicId,
    partitions: partitions.map(({ partition }) => ({ partitionIndex: partition, errorCode, highWatermark: -1, abortedTransactions: null, records: [] }))
  })
})

/** Who says that they are a replica must be one of the cluster (CVE-2018-1288), and reads everything but what is hidden. */
function checkReplica (topic: string, topicId: string, context: Context, gate: Gate): Refusal | null {
  return gate.checkCluster(context, permissions.Fetch.replica) ?? checkHidden(gate, context, topic, topicId)
}

function checkHidden (gate: Gate, context: Context, topic: string, topicId: string): Refusal | null {
  const name = topic === '' ? gate.names.get(topicId) : topic
  return name === undefined || isHidden(name) ? checkTopic(gate, context, permissions.Fetch.topic, topic, topicId) : null
}

const listOffsets = each({
  api: ListOffsets,
  of: ({ topics }) => topics,
  check: ({ name }, context, gate) => gate.check(context, permissions.ListOffsets.topic, name),
  only: (request, topics) => ({ ...request, topics }),
  answers: ({ topics }) => topics,
  answered: (response, topics: Response<typeof ListOffsets>['topics']) => ({ ...response, topics }),
  refuse: ({ name, partitions }, { errorCode }) => ({ name, partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })) })
})

const offsetForLeaderEpoch = each({
  api: OffsetForLeaderEpoch,
  of: ({ topics }) => topics,
  check: ({ topic }, context, gate) => gate.check(context, permissions.OffsetForLeaderEpoch.topic, topic),
  only: (request, topics) => ({ ...request, topics }),
  answers: ({ topics }) => topics,
  answered: (response, topics: Response<typeof OffsetForLeaderEpoch>['topics']) => ({ ...response, topics }),
  refuse: ({ topic, partitions }, { errorCode }) => ({ topic, partitions: partitions.map(({ partition }) => ({ partition, errorCode })) })
})

const deleteRecords = each({
  api: DeleteRecords,
  of: ({ topics }) => topics,
  check: ({ name }, context, gate) => gate.check(context, permissions.DeleteRecords.topic, name),
  only: (request, topics) => ({ ...request, topics }),
  answers: ({ topics }) => topics,
  answered: (response, topics: Response<typeof DeleteRecords>['topics']) => ({ ...response, topics }),
  refuse: ({ name, partitions }, { errorCode }) => ({
    name, partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, lowWatermark: -1, errorCode }))
  })
})

export const recordRules: readonly Rule[] = [produce, fetch, listOffsets, offsetForLeaderEpoch, deleteRecords]
