/**
 * Records of share groups (KIP-932): who may acquire and acknowledge them. Topics come by their ids.
 *
 * A request is handed on even if nothing of it is permitted: each counts in the session that the engine has.
 */
import { errors } from '../../protocol/errors.ts'
import { ShareFetch } from '../../protocol/messages/78-share-fetch.ts'
import { ShareAcknowledge } from '../../protocol/messages/79-share-acknowledge.ts'
import type { Context, Dispatch } from '../../protocol/rpc.ts'
import type { Request, Response } from '../../protocol/schema.ts'
import { answerOf, checkTopic, rule, type Rule } from './authorize-elements.ts'
import type { Gate, Refusal } from './authorize-gate.ts'
import { permissions } from './permissions.ts'
import { shareSessionKey, type SharedTopic, type ShareSession } from './share-sessions.ts'

type FetchRequest = Request<typeof ShareFetch>
type FetchResponse = Response<typeof ShareFetch>
type FetchTopic = FetchRequest['topics'][number]
type FetchAnswer = FetchResponse['responses'][number]
type AcknowledgedTopic = Request<typeof ShareAcknowledge>['topics'][number]

const INITIAL_EPOCH = 0
const FINAL_EPOCH = -1

const wholly = (errorCode: number, message: string): { errorCode: number, errorMessage: string } => ({ errorCode, errorMessage: message })
const noGroup = wholly(errors.INVALID_REQUEST, 'The request names no group.')
const noSession = wholly(errors.SHARE_SESSION_NOT_FOUND, 'There is no such share session here.')

const noLeader = { leaderId: 0, leaderEpoch: 0 }
const nothingFetched = { acquisitionLockTimeoutMs: 0, responses: [], nodeEndpoints: [] }

const shareFetch = rule(ShareFetch, async (request, context, next, gate) => {
  const { groupId, memberId, shareSessionEpoch } = request
  if (groupId === null) return answerOf(ShareFetch, { ...noGroup, ...nothingFetched })
  const refused = gate.check(context, permissions.ShareFetch.group, groupId)
  if (refused !== null) {
    gate.report(ShareFetch, context, [refused])
    return answerOf(ShareFetch, { ...wholly(refused.errorCode, refused.message), ...nothingFetched })
  }
  const key = shareSessionKey(context.principal, groupId, memberId ?? '')
  const session = shareSessionEpoch === INITIAL_EPOCH ? gate.shareSessions.begin(key) : gate.shareSessions.find(key)
  if (session === undefined && shareSessionEpoch !== FINAL_EPOCH) return answerOf(ShareFetch, { ...noSession, ...nothingFetched })
  const isLast = shareSessionEpoch === FINAL_EPOCH
  // At its end a session is asked for nothing but what is named.
  const decided = await decide(request, isLast ? undefined : session, context, next, gate)
  if (isLast) gate.shareSessions.end(key)
  else gate.shareSessions.settle(key)
  gate.report(ShareFetch, context, decided.refused.map(({ refusal }) => refusal))
  try {
    const response = await next(ShareFetch, decided.request, context)
    // The member begins anew.
    if (response.errorCode !== errors.NONE) gate.shareSessions.end(key)
    return answered(response, decided.refused, context, gate)
  } catch (error) {
    gate.shareSessions.end(key)
    throw error
  }
})

interface RefusedTopic {
  readonly topicId: string
  readonly partitions: readonly number[]
  /** Those of them in which records were to be acknowledged. */
  readonly acknowledged: ReadonlySet<number>
  readonly refusal: Refusal
}

/** The request as the engine may see it, and what of the session it may not have. */
async function decide (
  request: FetchRequest, session: ShareSession | undefined, context: Context, next: Dispatch, gate: Gate
): Promise<{ readonly request: FetchRequest, readonly refused: readonly RefusedTopic[] }> {
  for (const { topicId, partitions } of request.topics) session?.add(topicId, partitions.map(({ partitionIndex }) => partitionIndex))
  for (const { topicId, partitions } of request.forgottenTopicsData) session?.remove(topicId, partitions)
  const asked = new Map(Map.groupBy(request.topics, ({ topicId }) => topicId))
  const ids = new Set([...asked.keys(), ...session?.topics.keys() ?? []])
  const unknown = [...ids].filter(id => gate.names.get(id) === undefined)
  if (unknown.length > 0) await gate.names.learn(unknown, next, context)

  const topics: FetchTopic[] = []
  const forgotten = [...request.forgottenTopicsData]
  const refused: RefusedTopic[] = []
  for (const topicId of ids) {
    const refusal = checkTopic(gate, context, permissions.ShareFetch.topic, '', topicId)
    const named = asked.get(topicId) ?? []
    const held = session?.topics.get(topicId)
    if (refusal === null) {
      topics.push(...named, ...reopened(topicId, held, named))
    } else {
      const all = new Set([...held?.partitions ?? [], ...named.flatMap(({ partitions }) => partitions.map(({ partitionIndex }) => partitionIndex))])
      refused.push({ topicId, partitions: [...all], acknowledged: acknowledgedIn(named), refusal })
      if (held?.isOpen === true) forgotten.push({ topicId, partitions: [...held.partitions] })
    }
    if (held !== undefined) held.isOpen = refusal === null
  }
  return { request: { ...request, topics, forgottenTopicsData: forgotten }, refused }
}

/** What may be read now, and could not when it was named. */
function reopened (topicId: string, held: SharedTopic | undefined, named: readonly FetchTopic[]): FetchTopic[] {
  if (held === undefined || held.isOpen) return []
  const there = new Set(named.flatMap(({ partitions }) => partitions.map(({ partitionIndex }) => partitionIndex)))
  const missing = [...held.partitions].filter(partition => !there.has(partition))
  return missing.length === 0 ? [] : [{ topicId, partitions: missing.map(partitionIndex => ({ partitionIndex, acknowledgementBatches: [] })) }]
}

const acknowledgedIn = (topics: readonly FetchTopic[] | readonly AcknowledgedTopic[]): Set<number> => new Set(topics.flatMap(({ partitions }) =>
  partitions.filter(({ acknowledgementBatches }) => acknowledgementBatches.length > 0).map(({ partitionIndex }) => partitionIndex)))

function answered (response: FetchResponse, refused: readonly RefusedTopic[], context: Context, gate: Gate): FetchResponse {
  // The engine answers about what it was asked for. Should it know of more, that is not read either.
  const own = response.responses.filter(({ topicId }) => checkTopic(gate, context, permissions.ShareFetch.topic, '', topicId) === null)
  if (refused.length === 0 && own.length === response.responses.length) return response
  return answerOf(ShareFetch, { ...response, responses: response.errorCode === errors.NONE ? [...own, ...refused.map(refusedAnswer)] : own })
}

const refusedAnswer = ({ topicId, partitions, acknowledged, refusal: { errorCode, message } }: RefusedTopic): FetchAnswer => ({
  topicId,
  partitions: partitions.map(partitionIndex => ({
    partitionIndex,
    errorCode,
    errorMessage: message,
    acknowledgeErrorCode: acknowledged.has(partitionIndex) ? errorCode : errors.NONE,
    acknowledgeErrorMessage: acknowledged.has(partitionIndex) ? message : null,
    currentLeader: noLeader,
    records: [],
    acquiredRecords: []
  }))
})

const shareAcknowledge = rule(ShareAcknowledge, async (request, context, next, gate) => {
  const { groupId, topics } = request
  if (groupId === null) return answerOf(ShareAcknowledge, { ...noGroup, responses: [], nodeEndpoints: [] })
  const refusal = gate.check(context, permissions.ShareAcknowledge.group, groupId)
  if (refusal !== null) {
    gate.report(ShareAcknowledge, context, [refusal])
    return answerOf(ShareAcknowledge, { ...wholly(refusal.errorCode, refusal.message), responses: [], nodeEndpoints: [] })
  }
  const unknown = topics.map(({ topicId }) => topicId).filter(id => gate.names.get(id) === undefined)
  if (unknown.length > 0) await gate.names.learn(unknown, next, context)
  const refused = new Map(topics.map(topic => [topic, checkTopic(gate, context, permissions.ShareAcknowledge.topic, '', topic.topicId)]))
  if (topics.every(topic => refused.get(topic) === null)) return await next(ShareAcknowledge, request, context)
  gate.report(ShareAcknowledge, context, refused.values())
  const response = await next(ShareAcknowledge, { ...request, topics: topics.filter(topic => refused.get(topic) === null) }, context)
  if (response.errorCode !== errors.NONE) return response
  return answerOf(ShareAcknowledge, {
    ...response,
    responses: [...response.responses, ...topics.flatMap(topic => {
      const one = refused.get(topic)!
      return one === null ? [] : [notAcknowledged(topic, one)]
    })]
  })
})

const notAcknowledged = ({ topicId, partitions }: AcknowledgedTopic, { errorCode, message }: Refusal): Response<typeof ShareAcknowledge>['responses'][number] =>
  ({ topicId, partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode, errorMessage: message, currentLeader: noLeader })) })

export const shareRules: readonly Rule[] = [shareFetch, shareAcknowledge]
