/**
 * Where share groups read (KIP-932): who may see, change and remove it. Both the group and the topic must be permitted.
 */
import { errors } from '../../protocol/errors.ts'
import { DescribeShareGroupOffsets } from '../../protocol/messages/90-describe-share-group-offsets.ts'
import { AlterShareGroupOffsets } from '../../protocol/messages/91-alter-share-group-offsets.ts'
import { DeleteShareGroupOffsets } from '../../protocol/messages/92-delete-share-group-offsets.ts'
import type { Context } from '../../protocol/rpc.ts'
import type { Request, Response } from '../../protocol/schema.ts'
import { answerOf, interleave, partly, rule, type Elements, type Rule } from './authorize-elements.ts'
import type { Gate, Refusal } from './authorize-gate.ts'
import { isHidden, permissions } from './permissions.ts'
import { NO_TOPIC_ID } from './topic-names.ts'

type Group = Request<typeof DescribeShareGroupOffsets>['groups'][number]
type GroupAnswer = Response<typeof DescribeShareGroupOffsets>['groups'][number]
type Topic = NonNullable<Group['topics']>[number]
type TopicAnswer = GroupAnswer['topics'][number]

const needs = permissions.DescribeShareGroupOffsets

/** A group, and what of its topics is refused, in the order of the request. */
class AskedGroup {
  readonly group: Group
  readonly refused: Refusal | null
  readonly topics: ReadonlyArray<Refusal | null>

  constructor (group: Group, context: Context, gate: Gate) {
    this.group = group
    this.refused = gate.check(context, needs.group, group.groupId)
    this.topics = this.refused !== null ? [] : (group.topics ?? []).map(({ topicName }) => gate.check(context, needs.topic, topicName))
  }

  /** What the engine may be asked; null if there is nothing. */
  get allowed (): Group | null {
    if (this.refused !== null) return null
    if (this.topics.every(one => one === null)) return this.group
    const topics = this.group.topics!.filter((_topic, i) => this.topics[i] === null)
    return topics.length === 0 ? null : { ...this.group, topics }
  }

  answer (found: GroupAnswer | undefined, context: Context, gate: Gate): GroupAnswer {
    const { groupId, topics } = this.group
    if (this.refused !== null) return { groupId, topics: [], errorCode: this.refused.errorCode, errorMessage: this.refused.message }
    const answer = found ?? { groupId, topics: [], errorCode: errors.NONE, errorMessage: null }
    if (answer.errorCode !== errors.NONE) return answer
    return {
      ...answer,
      topics: topics === null
        ? answer.topics.filter(({ topicName }) => gate.check(context, needs.listed, topicName) === null)
        : interleave(answer.topics, this.topics.map((refused, i) => refused === null ? null : refuseTopic(topics[i]!, refused)))
    }
  }
}

/** There is no offset in a topic that does not exist, which is no error. */
const refuseTopic = ({ topicName, partitions }: Topic, { errorCode, message }: Refusal): TopicAnswer => ({
  topicName,
  topicId: NO_TOPIC_ID,
  partitions: partitions.map(partitionIndex => ({
    partitionIndex,
    startOffset: -1,
    leaderEpoch: 0,
    lag: -1,
    ...isHidden(topicName) && errorCode === errors.UNKNOWN_TOPIC_OR_PARTITION
      ? { errorCode: errors.NONE, errorMessage: null }
      : { errorCode, errorMessage: message }
  }))
})

const describeOffsets = rule(DescribeShareGroupOffsets, async (request, context, next, gate) => {
  const asked = request.groups.map(group => new AskedGroup(group, context, gate))
  gate.report(DescribeShareGroupOffsets, context, asked.flatMap(({ refused, topics }) => refused === null ? topics : [refused]))
  const groups = asked.map(({ allowed }) => allowed).filter(one => one !== null)
  const response = groups.length === 0
    ? answerOf(DescribeShareGroupOffsets, { groups: [] })
    : await next(DescribeShareGroupOffsets, { ...request, groups }, context)
  const found = [...response.groups]
  return answerOf(DescribeShareGroupOffsets, {
    ...response,
    groups: asked.map(one => {
      const index = one.allowed === null ? -1 : found.findIndex(({ groupId }) => groupId === one.group.groupId)
      return one.answer(index < 0 ? undefined : found.splice(index, 1)[0], context, gate)
    })
  })
})

const alterations: Elements<
  typeof AlterShareGroupOffsets, Request<typeof AlterShareGroupOffsets>['topics'][number], Response<typeof AlterShareGroupOffsets>['responses'][number]
> = {
  api: AlterShareGroupOffsets,
  of: ({ topics }) => topics,
  check: ({ topicName }, context, gate) => gate.check(context, permissions.AlterShareGroupOffsets.topic, topicName),
  only: (request, topics) => ({ ...request, topics }),
  answers: ({ responses }) => responses,
  answered: (response, responses) => response.errorCode === errors.NONE ? { ...response, responses } : response,
  refuse: ({ topicName, partitions }, { errorCode, message }) => ({
    topicName, topicId: NO_TOPIC_ID, partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode, errorMessage: message }))
  })
}

const alterOffsets = rule(AlterShareGroupOffsets, (request, context, next, gate) => {
  const refused = gate.check(context, permissions.AlterShareGroupOffsets.group, request.groupId)
  if (refused === null) return partly(alterations, request, context, next, gate)
  gate.report(AlterShareGroupOffsets, context, [refused])
  return Promise.resolve(answerOf(AlterShareGroupOffsets, { errorCode: refused.errorCode, errorMessage: refused.message, responses: [] }))
})

const deletions: Elements<
  typeof DeleteShareGroupOffsets, Request<typeof DeleteShareGroupOffsets>['topics'][number], Response<typeof DeleteShareGroupOffsets>['responses'][number]
> = {
  api: DeleteShareGroupOffsets,
  of: ({ topics }) => topics,
  check: ({ topicName }, context, gate) => gate.check(context, permissions.DeleteShareGroupOffsets.topic, topicName),
  only: (request, topics) => ({ ...request, topics }),
  answers: ({ responses }) => responses,
  answered: (response, responses) => response.errorCode === errors.NONE ? { ...response, responses } : response,
  refuse: ({ topicName }, { errorCode, message }) => ({ topicName, topicId: NO_TOPIC_ID, errorCode, errorMessage: message })
}

const deleteOffsets = rule(DeleteShareGroupOffsets, (request, context, next, gate) => {
  const refused = gate.check(context, permissions.DeleteShareGroupOffsets.group, request.groupId)
  if (refused === null) return partly(deletions, request, context, next, gate)
  gate.report(DeleteShareGroupOffsets, context, [refused])
  return Promise.resolve(answerOf(DeleteShareGroupOffsets, { errorCode: refused.errorCode, errorMessage: refused.message, responses: [] }))
})

export const shareOffsetRules: readonly Rule[] = [describeOffsets, alterOffsets, deleteOffsets]
