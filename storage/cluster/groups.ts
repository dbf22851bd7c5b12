/**
 * What is asked of the coordinators of groups and transactions.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { errors } from '../../protocol/errors.ts'
import { OffsetCommit } from '../../protocol/messages/08-offset-commit.ts'
import { OffsetFetch } from '../../protocol/messages/09-offset-fetch.ts'
import { JoinGroup } from '../../protocol/messages/11-join-group.ts'
import { Heartbeat } from '../../protocol/messages/12-heartbeat.ts'
import { LeaveGroup } from '../../protocol/messages/13-leave-group.ts'
import { SyncGroup } from '../../protocol/messages/14-sync-group.ts'
import { DescribeGroups } from '../../protocol/messages/15-describe-groups.ts'
import { ListGroups } from '../../protocol/messages/16-list-groups.ts'
import { InitProducerId } from '../../protocol/messages/22-init-producer-id.ts'
import { AddPartitionsToTxn } from '../../protocol/messages/24-add-partitions-to-txn.ts'
import { AddOffsetsToTxn } from '../../protocol/messages/25-add-offsets-to-txn.ts'
import { EndTxn } from '../../protocol/messages/26-end-txn.ts'
import { TxnOffsetCommit } from '../../protocol/messages/28-txn-offset-commit.ts'
import { DeleteGroups } from '../../protocol/messages/42-delete-groups.ts'
import { OffsetDelete } from '../../protocol/messages/47-offset-delete.ts'
import { DescribeTransactions } from '../../protocol/messages/65-describe-transactions.ts'
import { ListTransactions } from '../../protocol/messages/66-list-transactions.ts'
import { ConsumerGroupHeartbeat } from '../../protocol/messages/68-consumer-group-heartbeat.ts'
import { ConsumerGroupDescribe } from '../../protocol/messages/69-consumer-group-describe.ts'
import { ShareGroupHeartbeat } from '../../protocol/messages/76-share-group-heartbeat.ts'
import { ShareGroupDescribe } from '../../protocol/messages/77-share-group-describe.ts'
import { StreamsGroupHeartbeat } from '../../protocol/messages/88-streams-group-heartbeat.ts'
import { StreamsGroupDescribe } from '../../protocol/messages/89-streams-group-describe.ts'
import { DescribeShareGroupOffsets } from '../../protocol/messages/90-describe-share-group-offsets.ts'
import { AlterShareGroupOffsets } from '../../protocol/messages/91-alter-share-group-offsets.ts'
import { DeleteShareGroupOffsets } from '../../protocol/messages/92-delete-share-group-offsets.ts'
import type { Request, Response, ResponseInput } from '../../protocol/schema.ts'
import { eachByCoordinator } from './coordinated.ts'
import { askAny, GROUP, TRANSACTION } from './coordinators.ts'
import { askCoordinator, failedBy, route, send, toAll, toCoordinator, topLevel, type Call, type Failed, type Fail } from './route.ts'

/** A rebalance takes this long at most where a member does not say how long it may. */
const MAX_REBALANCE_MS = 1_800_000

const group = ({ groupId }: { readonly groupId: string }): string => groupId
const NOT_COORDINATED = ['COORDINATOR_NOT_AVAILABLE', 'COORDINATOR_NOT_AVAILABLE'] as const

interface Committed {
  readonly topics: readonly { readonly name: string, readonly topicId?: string, readonly partitions: readonly { readonly partitionIndex: number }[] }[]
}

/** Commits have no error but one for each partition. */
function eachPartition ({ errorCode }: Failed, { topics }: Committed) {
  return {
    topics: topics.map(({ name, topicId = '', partitions }) => ({
      name, topicId, partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode }))
    }))
  }
}

const GROUPS_SINCE = 8

const offsetFetchOne = toCoordinator(OffsetFetch, {
  type: GROUP,
  key: group,
  // In v1 each partition says it for itself.
  fail: ({ errorCode }, { topics }) => ({
    errorCode,
    topics: (topics ?? []).map(({ name, partitionIndexes }) => ({
      name, partitions: partitionIndexes.map(partitionIndex => ({ partitionIndex, committedOffset: -1, metadata: '', errorCode }))
    })),
    groups: []
  })
})

const offsetFetchMany = eachByCoordinator(OffsetFetch, {
  type: GROUP,
  elements: ({ groups }) => groups,
  keyOf: group,
  withElements: (request, groups) => ({ ...request, groups }),
  answers: ({ groups }) => groups,
  failed: ({ groupId }, { errorCode }) => ({ groupId, topics: [], errorCode }),
  answer: groups => ({ groups, topics: [], errorCode: errors.NONE })
})

const offsetFetch = route(OffsetFetch, (request, call) => {
  const { handle } = call.context.version < GROUPS_SINCE && request.groups.length === 0 ? offsetFetchOne : offsetFetchMany
  return handle(request as never, call) as Promise<ResponseInput<typeof OffsetFetch>>
})

const described = ({ errorCode, errorMessage }: Failed, groupId: string) => ({
  errorCode, errorMessage, groupId, groupState: '', authorizedOperations: -2147483648, members: []
})

const describeGroups = eachByCoordinator(DescribeGroups, {
  type: GROUP,
  elements: ({ groups }) => groups,
  keyOf: groupId => groupId,
  withElements: (request, groups) => ({ ...request, groups }),
  answers: ({ groups }) => groups,
  // Before v6 there is no room for a sentence.
  failed: (groupId, failed, version) => ({
    ...described(failed, groupId), errorMessage: version < 6 ? null : failed.errorMessage, protocolType: '', protocolData: ''
  }),
  answer: groups => ({ groups })
})

const epochs = { groupEpoch: 0, assignmentEpoch: 0 }

const consumerGroupDescribe = eachByCoordinator(ConsumerGroupDescribe, {
  type: GROUP,
  elements: ({ groupIds }) => groupIds,
  keyOf: groupId => groupId,
  withElements: (request, groupIds) => ({ ...request, groupIds }),
  answers: ({ groups }) => groups,
  failed: (groupId, failed) => ({ ...described(failed, groupId), ...epochs, assignorName: '' }),
  answer: groups => ({ groups })
})

const streamsGroupDescribe = eachByCoordinator(StreamsGroupDescribe, {
  type: GROUP,
  elements: ({ groupIds }) => groupIds,
  keyOf: groupId => groupId,
  withElements: (request, groupIds) => ({ ...request, groupIds }),
  answers: ({ groups }) => groups,
  failed: (groupId, failed) => ({ ...described(failed, groupId), ...epochs, topology: null }),
  answer: groups => ({ groups })
})

const shareGroupDescribe = eachByCoordinator(ShareGroupDescribe, {
  type: GROUP,
  elements: ({ groupIds }) => groupIds,
  keyOf: groupId => groupId,
  withElements: (request, groupIds) => ({ ...request, groupIds }),
  answers: ({ groups }) => groups,
  failed: (groupId, failed) => ({ ...described(failed, groupId), ...epochs, assignorName: '' }),
  answer: groups => ({ groups })
})

const describeShareGroupOffsets = eachByCoordinator(DescribeShareGroupOffsets, {
  type: GROUP,
  elements: ({ groups }) => groups,
  keyOf: group,
  withElements: (request, groups) => ({ ...request, groups }),
  answers: ({ groups }) => groups,
  failed: ({ groupId }, failed) => ({ groupId, topics: [], ...failed }),
  answer: groups => ({ groups })
})

const deleteGroups = eachByCoordinator(DeleteGroups, {
  type: GROUP,
  elements: ({ groupsNames }) => groupsNames,
  keyOf: groupId => groupId,
  withElements: (request, groupsNames) => ({ ...request, groupsNames }),
  answers: ({ results }) => results,
  failed: (groupId, { errorCode }) => ({ groupId, errorCode }),
  answer: results => ({ results })
})

const listGroups = toAll(ListGroups, answers => ({
  errorCode: answers.find(({ errorCode }) => errorCode !== errors.NONE)?.errorCode ?? errors.NONE,
  groups: answers.flatMap(({ groups }) => groups)
}))

// ---- transactions

const initProducerId = route(InitProducerId, async (request, call) => {
  try {
    if (request.transactionalId === null) return await newProducerId(request, call)
    return await askCoordinator(InitProducerId, TRANSACTION, request.transactionalId, request, call)
  } catch (error) {
    return { ...failedBy(error, NOT_COORDINATED), producerEpoch: -1 }
  }
})

/** How long a broker may take to get itself a block of ids. */
const IDS_WITHIN_MS = 2000
const IDS_RETRY_MS = 20

/** Ids that belong to no transaction are given out by every broker; the first one of each has to wait until it has some. */
async function newProducerId (request: Request<typeof InitProducerId>, call: Call): Promise<Response<typeof InitProducerId>> {
  const deadline = performance.now() + IDS_WITHIN_MS
  for (;;) {
    const response = await askAny(call.router.cluster, call.caller, broker => send(broker, InitProducerId, request, call))
    if (response.errorCode !== errors.COORDINATOR_LOAD_IN_PROGRESS || performance.now() > deadline) return response
    await sleep(IDS_RETRY_MS)
  }
}

const failedPartitions: Fail<typeof AddPartitionsToTxn> = ({ errorCode }, request) => ({
  resultsByTopicV3AndBelow: request.v3AndBelowTopics.map(({ name, partitions }) => ({
    name, resultsByPartition: partitions.map(partitionIndex => ({ partitionIndex, partitionErrorCode: errorCode }))
  }))
})

const describeTransactions = eachByCoordinator(DescribeTransactions, {
  type: TRANSACTION,
  elements: ({ transactionalIds }) => transactionalIds,
  keyOf: id => id,
  withElements: (request, transactionalIds) => ({ ...request, transactionalIds }),
  answers: ({ transactionStates }) => transactionStates,
  failed: (transactionalId, { errorCode }) => ({
    errorCode, transactionalId, transactionState: '', transactionTimeoutMs: 0, transactionStartTimeMs: -1, producerId: -1, producerEpoch: -1, topics: []
  }),
  answer: transactionStates => ({ transactionStates })
})

const listTransactions = toAll(ListTransactions, answers => ({
  errorCode: answers.find(({ errorCode }) => errorCode !== errors.NONE)?.errorCode ?? errors.NONE,
  unknownStateFilters: answers[0]?.unknownStateFilters ?? [],
  transactionStates: answers.flatMap(({ transactionStates }) => transactionStates)
}))

const rebalanceMs = ({ rebalanceTimeoutMs, sessionTimeoutMs }: Request<typeof JoinGroup>): number => Math.max(rebalanceTimeoutMs, sessionTimeoutMs)

export const groupRoutes = [
  toCoordinator(OffsetCommit, { type: GROUP, key: group, fail: eachPartition }),
  offsetFetch,
  toCoordinator(JoinGroup, {
    type: GROUP,
    key: group,
    fail: (failed, { memberId }) => ({ ...topLevel<typeof JoinGroup>(failed), protocolName: '', leader: '', memberId, members: [] }),
    waitsMs: rebalanceMs
  }),
  toCoordinator(Heartbeat, { type: GROUP, key: group }),
  toCoordinator(LeaveGroup, { type: GROUP, key: group, fail: failed => ({ ...topLevel<typeof LeaveGroup>(failed), members: [] }) }),
  toCoordinator(SyncGroup, {
    type: GROUP,
    key: group,
    fail: failed => ({ ...topLevel<typeof SyncGroup>(failed), assignment: Buffer.alloc(0) }),
    waitsMs: () => MAX_REBALANCE_MS
  }),
  describeGroups,
  listGroups,
  initProducerId,
  toCoordinator(AddPartitionsToTxn, { type: TRANSACTION, key: request => request.v3AndBelowTransactionalId, fail: failedPartitions }),
  toCoordinator(AddOffsetsToTxn, { type: TRANSACTION, key: ({ transactionalId }) => transactionalId }),
  toCoordinator(EndTxn, { type: TRANSACTION, key: ({ transactionalId }) => transactionalId }),
  toCoordinator(TxnOffsetCommit, { type: GROUP, key: group, fail: eachPartition }),
  deleteGroups,
  toCoordinator(OffsetDelete, { type: GROUP, key: group, fail: ({ errorCode }) => ({ errorCode, topics: [] }) }),
  describeTransactions,
  listTransactions,
  toCoordinator(ConsumerGroupHeartbeat, { type: GROUP, key: group }),
  consumerGroupDescribe,
  toCoordinator(StreamsGroupHeartbeat, { type: GROUP, key: group, fail: failed => ({ ...topLevel<typeof StreamsGroupHeartbeat>(failed), status: null }) }),
  streamsGroupDescribe,
  toCoordinator(ShareGroupHeartbeat, { type: GROUP, key: group }),
  shareGroupDescribe,
  describeShareGroupOffsets,
  toCoordinator(AlterShareGroupOffsets, { type: GROUP, key: group, fail: failed => ({ ...topLevel<typeof AlterShareGroupOffsets>(failed), responses: [] }) }),
  toCoordinator(DeleteShareGroupOffsets, { type: GROUP, key: group, fail: failed => ({ ...topLevel<typeof DeleteShareGroupOffsets>(failed), responses: [] }) })
]
