/**
 * Transactions: who may have them, what they may hold, and who sees them.
 */
import { errors } from '../../protocol/errors.ts'
import { AddPartitionsToTxn } from '../../protocol/messages/24-add-partitions-to-txn.ts'
import { AddOffsetsToTxn } from '../../protocol/messages/25-add-offsets-to-txn.ts'
import { EndTxn } from '../../protocol/messages/26-end-txn.ts'
import { TxnOffsetCommit } from '../../protocol/messages/28-txn-offset-commit.ts'
import { DescribeProducers } from '../../protocol/messages/61-describe-producers.ts'
import { DescribeTransactions } from '../../protocol/messages/65-describe-transactions.ts'
import { ListTransactions } from '../../protocol/messages/66-list-transactions.ts'
import type { Context, Dispatch } from '../../protocol/rpc.ts'
import type { Request, Response } from '../../protocol/schema.ts'
import { answerOf, each, partly, refuseAll, rule, whole, type Elements, type Rule } from './authorize-elements.ts'
import type { Gate, Refusal } from './authorize-gate.ts'
import { permissions } from './permissions.ts'
import { partitionsOf } from './topic-names.ts'

type PartitionsRequest = Request<typeof AddPartitionsToTxn>
type PartitionsResponse = Response<typeof AddPartitionsToTxn>
type AddedTopic = PartitionsRequest['v3AndBelowTopics'][number]

const partitionErrors = ({ name, partitions }: AddedTopic, codeOf: (partition: number) => number): PartitionsResponse['resultsByTopicV3AndBelow'][number] =>
  ({ name, resultsByPartition: partitions.map(partitionIndex => ({ partitionIndex, partitionErrorCode: codeOf(partitionIndex) })) })

const addPartitions = rule(AddPartitionsToTxn, async (request, context, next, gate) => {
  const needs = permissions.AddPartitionsToTxn
  const topics = request.v3AndBelowTopics
  const unnamed = gate.check(context, needs.transactionalId, request.v3AndBelowTransactionalId)
  const refused = unnamed === null ? topics.map(({ name }) => gate.check(context, needs.topic, name)) : topics.map(() => unnamed)
  if (unnamed === null && refused.every(one => one === null)) return await next(AddPartitionsToTxn, request, context)
  gate.report(AddPartitionsToTxn, context, unnamed === null ? refused : [unnamed])
  return await notAdded(topics, refused, context, next)
})

/** All of the partitions are taken into the transaction, or none: those that might have been are told so, as far as they are there. */
async function notAdded (
  topics: readonly AddedTopic[], refused: ReadonlyArray<Refusal | null>, context: Context, next: Dispatch
): Promise<PartitionsResponse> {
  const allowed = topics.filter((_topic, i) => refused[i] === null)
  const there = allowed.length === 0 ? null : await partitionsOf(allowed.map(({ name }) => name), next, context)
  return answerOf(AddPartitionsToTxn, {
    resultsByTopicV3AndBelow: topics.map((topic, i) => partitionErrors(topic, partition => refused[i]?.errorCode ??
      (there?.get(topic.name)?.has(partition) === true ? errors.OPERATION_NOT_ATTEMPTED : errors.UNKNOWN_TOPIC_OR_PARTITION)))
  })
}

const addOffsets = whole(AddOffsetsToTxn,
  ({ transactionalId, groupId }, context, gate) => gate.check(context, permissions.AddOffsetsToTxn.transactionalId, transactionalId) ??
    gate.check(context, permissions.AddOffsetsToTxn.group, groupId),
  ({ errorCode }) => ({ errorCode }))

const endTxn = whole(EndTxn,
  ({ transactionalId }, context, gate) => gate.check(context, permissions.EndTxn.transactionalId, transactionalId),
  ({ errorCode }) => ({ errorCode }))

const commits: Elements<typeof TxnOffsetCommit, Request<typeof TxnOffsetCommit>['topics'][number], Response<typeof TxnOffsetCommit>['topics'][number]> = {
  api: TxnOffsetCommit,
  of: ({ topics }) => topics,
  check: ({ name }, context, gate) => gate.check(context, permissions.TxnOffsetCommit.topic, name),
  only: (request, topics) => ({ ...request, topics }),
  answers: ({ topics }) => topics,
  answered: (response, topics) => ({ ...response, topics }),
  refuse: ({ name, partitions }, { errorCode }) => ({ name, partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })) })
}

const txnOffsetCommit = rule(TxnOffsetCommit, (request, context, next, gate) => {
  const needs = permissions.TxnOffsetCommit
  const refused = gate.check(context, needs.transactionalId, request.transactionalId) ?? gate.check(context, needs.group, request.groupId)
  return refused === null ? partly(commits, request, context, next, gate) : refuseAll(commits, refused, request, context, gate)
})

const describeProducers = each({
  api: DescribeProducers,
  of: ({ topics }) => topics,
  check: ({ name }, context, gate) => gate.check(context, permissions.DescribeProducers.topic, name),
  only: (request, topics) => ({ ...request, topics }),
  answers: ({ topics }) => topics,
  answered: (response, topics: Response<typeof DescribeProducers>['topics']) => ({ ...response, topics }),
  refuse: ({ name, partitionIndexes }, { errorCode, message }) => ({
    name, partitions: partitionIndexes.map(partitionIndex => ({ partitionIndex, errorCode, errorMessage: message, activeProducers: [] }))
  })
})

type Transaction = Response<typeof DescribeTransactions>['transactionStates'][number]

const descriptions: Elements<typeof DescribeTransactions, string, Transaction> = {
  api: DescribeTransactions,
  of: ({ transactionalIds }) => transactionalIds,
  check: (transactionalId, context, gate) => gate.check(context, permissions.DescribeTransactions.transactionalId, transactionalId),
  only: (request, transactionalIds) => ({ ...request, transactionalIds }),
  answers: ({ transactionStates }) => transactionStates,
  answered: (response, transactionStates) => ({ ...response, transactionStates }),
  refuse: (transactionalId, { errorCode }) => ({ errorCode, transactionalId })
}

const describeTransactions = rule(DescribeTransactions, async (request, context, next, gate) => {
  const response = await partly(descriptions, request, context, next, gate)
  return { ...response, transactionStates: response.transactionStates.map(state => ({ ...state, topics: shown(state, context, gate) })) }
})

const shown = ({ topics }: Transaction, context: Context, gate: Gate): Transaction['topics'] =>
  topics.filter(({ topic }) => gate.check(context, permissions.DescribeTransactions.listed, topic) === null)

const listTransactions = rule(ListTransactions, async (request, context, next, gate) => {
  const response = await next(ListTransactions, request, context)
  const { transactionalId: need } = permissions.ListTransactions
  return { ...response, transactionStates: response.transactionStates.filter(({ transactionalId }) => gate.may(context, need, transactionalId)) }
})

export const transactionRules: readonly Rule[] = [
  addPartitions, addOffsets, endTxn, txnOffsetCommit, describeProducers, describeTransactions, listTransactions
]
