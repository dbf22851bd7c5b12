/**
 * Streams groups (KIP-1071): who may join and see them. A topology names topics, and some of them are created for it.
 */
import { errors } from '../../protocol/errors.ts'
import { StreamsGroupHeartbeat } from '../../protocol/messages/88-streams-group-heartbeat.ts'
import { StreamsGroupDescribe } from '../../protocol/messages/89-streams-group-describe.ts'
import type { Context, Dispatch } from '../../protocol/rpc.ts'
import type { Request, Response } from '../../protocol/schema.ts'
import { answerOf, partly, rule, type Elements, type Rule } from './authorize-elements.ts'
import { refusal, type Gate, type Refusal } from './authorize-gate.ts'
import { isHidden, permissions } from './permissions.ts'
import { existing } from './topic-names.ts'

interface Subtopology {
  readonly sourceTopics: readonly string[]
  readonly repartitionSinkTopics: readonly string[]
  readonly repartitionSourceTopics: readonly { readonly name: string }[]
  readonly stateChangelogTopics: readonly { readonly name: string }[]
}

/** What belongs to the application: created where it is not there. */
const internalTopics = (subtopologies: readonly Subtopology[]): string[] =>
  subtopologies.flatMap(({ repartitionSourceTopics, stateChangelogTopics }) => [...repartitionSourceTopics, ...stateChangelogTopics].map(({ name }) => name))

const topicsOf = (subtopologies: readonly Subtopology[]): Set<string> => new Set([
  ...subtopologies.flatMap(({ sourceTopics, repartitionSinkTopics }) => [...sourceTopics, ...repartitionSinkTopics]), ...internalTopics(subtopologies)
])

const needs = permissions.StreamsGroupHeartbeat

const heartbeat = rule(StreamsGroupHeartbeat, async (request, context, next, gate) => {
  const refused = gate.check(context, needs.group, request.groupId) ?? await checkTopology(request, context, next, gate)
  if (refused === null) return await next(StreamsGroupHeartbeat, request, context)
  gate.report(StreamsGroupHeartbeat, context, [refused])
  return answerOf(StreamsGroupHeartbeat, { ...unjoined, errorCode: refused.errorCode, errorMessage: refused.message })
})

const unjoined = {
  memberId: '',
  memberEpoch: 0,
  heartbeatIntervalMs: 0,
  acceptableRecoveryLagLegacy: 0,
  taskOffsetIntervalMs: 0,
  status: [],
  endpointInformationEpoch: 0
}

async function checkTopology ({ topology }: Request<typeof StreamsGroupHeartbeat>, context: Context, next: Dispatch, gate: Gate): Promise<Refusal | null> {
  if (topology === null) return null
  const names = [...topicsOf(topology.subtopologies)]
  // As with Kafka's own internal topics, whoever asks.
  const hidden = names.find(isHidden)
  if (hidden !== undefined) {
    return { errorCode: errors.STREAMS_INVALID_TOPOLOGY, message: `The topic ${hidden} may not be used.`, need: null, resourceName: hidden }
  }
  const refused = names.find(name => !gate.may(context, needs.topic, name))
  return refused === undefined ? await checkCreation(internalTopics(topology.subtopologies), context, next, gate) : refusal(needs.topic, refused)
}

/**
 * Kafka lets the member in and says what could not be created. But it would be asked in the name of the gateway, which may
 * create everything, so here the member has to be kept out.
 */
async function checkCreation (names: readonly string[], context: Context, next: Dispatch, gate: Gate): Promise<Refusal | null> {
  const forbidden = names.filter(name => !gate.may(context, needs.create, name))
  if (forbidden.length === 0) return null
  const there = await existing(forbidden, next, context)
  const missing = forbidden.find(name => !there.has(name))
  return missing === undefined ? null : refusal(needs.create, missing)
}

type Group = Response<typeof StreamsGroupDescribe>['groups'][number]

const undescribed = { groupState: '', groupEpoch: 0, assignmentEpoch: 0, topology: null, members: [], authorizedOperations: -2147483648 }

const groups: Elements<typeof StreamsGroupDescribe, string, Group> = {
  api: StreamsGroupDescribe,
  of: ({ groupIds }) => groupIds,
  check: (groupId, context, gate) => gate.check(context, permissions.StreamsGroupDescribe.group, groupId),
  only: (request, groupIds) => ({ ...request, groupIds }),
  answers: ({ groups }) => groups,
  answered: (response, groups) => ({ ...response, groups }),
  refuse: (groupId, { errorCode, message }) => ({ ...undescribed, groupId, errorCode, errorMessage: message })
}

const describe = rule(StreamsGroupDescribe, async (request, context, next, gate) => {
  const response = await partly(groups, request, context, next, gate)
  const { topic: need } = permissions.StreamsGroupDescribe
  const refused = response.groups.map(({ topology }) => {
    const name = [...topicsOf(topology?.subtopologies ?? [])].find(name => !gate.may(context, need, name))
    return name === undefined ? null : { ...refusal(need, name), message: 'The group uses a topic that may not be described.' }
  })
  gate.report(StreamsGroupDescribe, context, refused)
  return answerOf(StreamsGroupDescribe, {
    ...response,
    groups: response.groups.map((group, i) => {
      const { groupId, errorCode } = group
      const one = refused[i]!
      if (one !== null) return { ...undescribed, groupId, errorCode: one.errorCode, errorMessage: one.message }
      if (errorCode !== errors.NONE) return group
      return request.includeAuthorizedOperations ? { ...group, authorizedOperations: gate.operationBits(context, 'GROUP', groupId) } : group
    })
  })
})

export const streamsRules: readonly Rule[] = [heartbeat, describe]
