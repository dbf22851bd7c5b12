/**
 * Groups whose members the coordinator assigns to (KIP-848, KIP-932): who may join and see them. Their members are only told
 * of topics that they may describe.
 */
import { errors } from '../../protocol/errors.ts'
import { ConsumerGroupHeartbeat } from '../../protocol/messages/68-consumer-group-heartbeat.ts'
import { ConsumerGroupDescribe } from '../../protocol/messages/69-consumer-group-describe.ts'
import { ShareGroupHeartbeat } from '../../protocol/messages/76-share-group-heartbeat.ts'
import { ShareGroupDescribe } from '../../protocol/messages/77-share-group-describe.ts'
import type { Context, Dispatch } from '../../protocol/rpc.ts'
import type { Response } from '../../protocol/schema.ts'
import { answerOf, partly, rule, type Elements, type Rule } from './authorize-elements.ts'
import type { Gate, Refusal } from './authorize-gate.ts'
import { isHidden, permissions, type Need } from './permissions.ts'

interface Heartbeat { readonly groupId: string, readonly subscribedTopicNames: string[] | null }
interface HeartbeatNeeds { readonly group: Need, readonly topic: Need, readonly listed: Need }
interface Assignment { topicPartitions: { topicId: string, partitions: number[] }[] }

function checkHeartbeat ({ groupId, subscribedTopicNames }: Heartbeat, needs: HeartbeatNeeds, context: Context, gate: Gate): Refusal | null {
  return gate.check(context, needs.group, groupId) ??
    (subscribedTopicNames ?? []).map(name => isHidden(name) ? null : gate.check(context, needs.topic, name)).find(one => one !== null) ?? null
}

/** Who asks for the hidden topic asks for one that is not there, which is no error. */
function withoutHidden<H extends Heartbeat> (request: H): H {
  const { subscribedTopicNames: names } = request
  return names?.some(isHidden) === true ? { ...request, subscribedTopicNames: names.filter(name => !isHidden(name)) } : request
}

/**
 * What a regular expression has found is not asked about in the request. The coordinator knows the gateway and not who is
 * behind it, so it finds every topic: those that the member may not describe are assigned to it and read by nobody.
 */
async function withoutUntold<R extends { assignment: Assignment | null }> (response: R, need: Need, context: Context, next: Dispatch, gate: Gate): Promise<R> {
  if (response.assignment === null) return response
  const { topicPartitions } = response.assignment
  const unknown = topicPartitions.map(({ topicId }) => topicId).filter(id => gate.names.get(id) === undefined)
  if (unknown.length > 0) await gate.names.learn(unknown, next, context)
  const told = topicPartitions.filter(({ topicId }) => {
    const name = gate.names.get(topicId)
    return name === undefined || gate.check(context, need, name) === null
  })
  return told.length === topicPartitions.length ? response : { ...response, assignment: { ...response.assignment, topicPartitions: told } }
}

const consumerHeartbeat = rule(ConsumerGroupHeartbeat, async (request, context, next, gate) => {
  const needs = permissions.ConsumerGroupHeartbeat
  const refused = checkHeartbeat(request, needs, context, gate)
  if (refused === null) return await withoutUntold(await next(ConsumerGroupHeartbeat, withoutHidden(request), context), needs.listed, context, next, gate)
  gate.report(ConsumerGroupHeartbeat, context, [refused])
  return answerOf(ConsumerGroupHeartbeat, { errorCode: refused.errorCode, errorMessage: refused.message, memberEpoch: 0, heartbeatIntervalMs: 0 })
})

const shareHeartbeat = rule(ShareGroupHeartbeat, async (request, context, next, gate) => {
  const needs = permissions.ShareGroupHeartbeat
  const refused = checkHeartbeat(request, needs, context, gate)
  if (refused === null) return await withoutUntold(await next(ShareGroupHeartbeat, withoutHidden(request), context), needs.listed, context, next, gate)
  gate.report(ShareGroupHeartbeat, context, [refused])
  return answerOf(ShareGroupHeartbeat, { errorCode: refused.errorCode, errorMessage: refused.message, memberEpoch: 0, heartbeatIntervalMs: 0 })
})

type ConsumerGroup = Response<typeof ConsumerGroupDescribe>['groups'][number]
type ShareGroup = Response<typeof ShareGroupDescribe>['groups'][number]
interface Parts { topicPartitions: { topicName: string }[] }

const consumerGroups: Elements<typeof ConsumerGroupDescribe, string, ConsumerGroup> = {
  api: ConsumerGroupDescribe,
  of: ({ groupIds }) => groupIds,
  check: (groupId, context, gate) => gate.check(context, permissions.ConsumerGroupDescribe.group, groupId),
  only: (request, groupIds) => ({ ...request, groupIds }),
  answers: ({ groups }) => groups,
  answered: (response, groups) => ({ ...response, groups }),
  refuse: (groupId, { errorCode, message }) => ({ ...undescribed, groupId, errorCode, errorMessage: message })
}

const shareGroups: Elements<typeof ShareGroupDescribe, string, ShareGroup> = {
  api: ShareGroupDescribe,
  of: ({ groupIds }) => groupIds,
  check: (groupId, context, gate) => gate.check(context, permissions.ShareGroupDescribe.group, groupId),
  only: (request, groupIds) => ({ ...request, groupIds }),
  answers: ({ groups }) => groups,
  answered: (response, groups) => ({ ...response, groups }),
  refuse: (groupId, { errorCode, message }) => ({ ...undescribed, groupId, errorCode, errorMessage: message })
}

const undescribed = { groupState: '', groupEpoch: 0, assignmentEpoch: 0, assignorName: '', members: [], authorizedOperations: -2147483648 }

/** A group that reads a topic that the caller may not describe is not described at all. */
function refuseGroup ({ errorCode }: { readonly errorCode: number }, names: readonly string[], need: Need, context: Context, gate: Gate): Refusal | null {
  if (errorCode !== errors.NONE) return null
  const refused = names.map(name => isHidden(name) ? null : gate.check(context, need, name)).find(one => one !== null)
  return refused === undefined ? null : { ...refused, message: 'The group reads a topic that may not be described.' }
}

const namesIn = ({ topicPartitions }: Parts): string[] => topicPartitions.map(({ topicName }) => topicName)

const shown = <P extends Parts>(parts: P): P =>
  ({ ...parts, topicPartitions: parts.topicPartitions.filter(({ topicName }) => !isHidden(topicName)) })

const consumerDescribe = rule(ConsumerGroupDescribe, async (request, context, next, gate) => {
  const response = await partly(consumerGroups, request, context, next, gate)
  const { topic: need } = permissions.ConsumerGroupDescribe
  const refused = response.groups.map(group => refuseGroup(group,
    group.members.flatMap(({ assignment, targetAssignment }) => [...namesIn(assignment), ...namesIn(targetAssignment)]), need, context, gate))
  gate.report(ConsumerGroupDescribe, context, refused)
  return answerOf(ConsumerGroupDescribe, {
    ...response,
    groups: response.groups.map((group, i) => {
      const { groupId, errorCode, members } = group
      const one = refused[i]!
      if (one !== null) return { ...undescribed, groupId, errorCode: one.errorCode, errorMessage: one.message }
      if (errorCode !== errors.NONE) return group
      return {
        ...group,
        members: members.map(one => ({ ...one, assignment: shown(one.assignment), targetAssignment: shown(one.targetAssignment) })),
        ...operationsOf(request, groupId, context, gate)
      }
    })
  })
})

const shareDescribe = rule(ShareGroupDescribe, async (request, context, next, gate) => {
  const response = await partly(shareGroups, request, context, next, gate)
  const { topic: need } = permissions.ShareGroupDescribe
  const refused = response.groups.map(group =>
    refuseGroup(group, group.members.flatMap(({ assignment }) => namesIn(assignment)), need, context, gate))
  gate.report(ShareGroupDescribe, context, refused)
  return answerOf(ShareGroupDescribe, {
    ...response,
    groups: response.groups.map((group, i) => {
      const { groupId, errorCode, members } = group
      const one = refused[i]!
      if (one !== null) return { ...undescribed, groupId, errorCode: one.errorCode, errorMessage: one.message }
      if (errorCode !== errors.NONE) return group
      return { ...group, members: members.map(one => ({ ...one, assignment: shown(one.assignment) })), ...operationsOf(request, groupId, context, gate) }
    })
  })
})

function operationsOf (
  request: { readonly includeAuthorizedOperations: boolean }, groupId: string, context: Context, gate: Gate
): { authorizedOperations?: number } {
  return request.includeAuthorizedOperations ? { authorizedOperations: gate.operationBits(context, 'GROUP', groupId) } : {}
}

export const memberRules: readonly Rule[] = [consumerHeartbeat, consumerDescribe, shareHeartbeat, shareDescribe]
