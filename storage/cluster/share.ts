/**
 * Share groups (KIP-932): what a member acquires and acknowledges. It has one session with the broker that it sees; behind that is
 * one with each broker that leads some of its partitions, with epochs of its own, on the client's own connection there. A
 * partition whose leader moves is taken along from one to the other.
 */
import { errors } from '../../protocol/errors.ts'
import { ShareFetch } from '../../protocol/messages/78-share-fetch.ts'
import { ShareAcknowledge } from '../../protocol/messages/79-share-acknowledge.ts'
import type { Request, Response, ResponseInput } from '../../protocol/schema.ts'
import type { Broker } from './broker.ts'
import type { Caller } from './pool.ts'
import { failedBy, route, send, type Call } from './route.ts'
import { after, FINAL, FIRST, memberAt, ShareSession, type Acknowledged } from './share-session.ts'

type FetchRequest = Request<typeof ShareFetch>
type FetchAnswer = Response<typeof ShareFetch>
type AcknowledgeRequest = Request<typeof ShareAcknowledge>

/** At one of several brokers, so that those with something need not wait long for those with nothing. */
const SLICE_MS = 100
const LOST = ['NOT_LEADER_OR_FOLLOWER', 'NOT_LEADER_OR_FOLLOWER'] as const

/** They end with the connection of the client. */
const sessions = new WeakMap<Caller, Map<string, ShareSession>>()

const keyOf = ({ groupId, memberId }: { readonly groupId: string | null, readonly memberId: string | null }): string => `${groupId} ${memberId}`

function sessionOf (request: FetchRequest | AcknowledgeRequest, { caller }: Call): ShareSession | number {
  let own = sessions.get(caller)
  if (own === undefined) sessions.set(caller, own = new Map())
  const key = keyOf(request)
  const { shareSessionEpoch: epoch } = request
  if (epoch === FIRST) {
    const session = new ShareSession()
    own.set(key, session)
    return session
  }
  const session = own.get(key)
  if (session === undefined) return errors.SHARE_SESSION_NOT_FOUND
  if (epoch === FINAL) own.delete(key)
  else if (epoch !== session.epoch) return errors.INVALID_SHARE_SESSION_EPOCH
  return session
}

const shareFetch = route(ShareFetch, async (request, call) => {
  const session = sessionOf(request, call)
  if (typeof session === 'number') return { errorCode: session, acquisitionLockTimeoutMs: 0, responses: [], nodeEndpoints: [] }
  const { cluster } = call.router
  const named = [...session.topicIds(), ...request.topics.map(({ topicId }) => topicId)].filter(id => cluster.nameOf(id) === undefined)
  if (named.length > 0) await cluster.refresh([...new Set(named)].map(topicId => ({ name: '', topicId }))).catch(() => {}) // they stay unknown
  const leader = (topicId: string, partition: number): Broker | undefined => cluster.leader(cluster.find('', topicId), partition)
  const lost = session.change(request.topics, request.forgottenTopicsData, leader)
  const deadline = performance.now() + request.maxWaitMs
  const isFinal = request.shareSessionEpoch === FINAL
  if (isFinal) return merged(await round(request, session, request.topics, call, 0, true), [])
  let answers = await round(request, session, request.topics, call, waitMs(session, deadline), false)
  while (!answers.some(isNews) && performance.now() < deadline && !call.context.signal.aborted && session.brokers().length > 0) {
    answers = await round(request, session, [], call, waitMs(session, deadline), false)
  }
  session.epoch = after(session.epoch)
  return merged(answers, lost.map(({ topicId, partitionIndex }) => refused(topicId, partitionIndex)))
})

const waitMs = (session: ShareSession, deadline: number): number => {
  const left = Math.max(0, Math.ceil(deadline - performance.now()))
  return session.brokers().length <= 1 ? left : Math.min(left, SLICE_MS)
}

/** Asks every broker of the session once. */
async function round (
  request: FetchRequest, session: ShareSession, acknowledged: readonly Acknowledged[], call: Call, maxWaitMs: number, isFinal: boolean
): Promise<FetchAnswer[]> {
  const brokers = session.brokers()
  const share = Math.max(1, Math.floor(request.maxRecords / Math.max(1, brokers.length)))
  return await Promise.all(brokers.map(async broker => {
    const { epoch, topics, forgotten } = session.request(broker, acknowledged, isFinal)
    try {
      const answer = await send(broker, ShareFetch, {
        ...request,
        memberId: memberAt(request.memberId, call.router.virtual.own),
        shareSessionEpoch: epoch,
        maxWaitMs,
        maxRecords: brokers.length === 1 ? request.maxRecords : share,
        topics,
        forgottenTopicsData: forgotten
      }, call, { waitsMs: maxWaitMs, blocks: maxWaitMs > 0 })
      veil(answer)
      if (answer.errorCode !== errors.NONE) session.reset(broker)
      const moved = answer.responses.filter(({ partitions }) => partitions.some(({ errorCode }) => errorCode === errors.NOT_LEADER_OR_FOLLOWER))
      if (moved.length > 0) call.router.cluster.suspect(moved.map(({ topicId }) => ({ name: '', topicId })))
      return answer
    } catch (error) {
      const failed = failedBy(error, LOST)
      session.reset(broker)
      call.router.cluster.suspect(topics.map(({ topicId }) => ({ name: '', topicId })))
      return {
        throttleTimeMs: 0,
        errorCode: errors.NONE,
        errorMessage: null,
        acquisitionLockTimeoutMs: 0,
        responses: topics.map(({ topicId, partitions }) => ({
          topicId, partitions: partitions.map(({ partitionIndex }) => ({ ...refused(topicId, partitionIndex).partition, errorCode: failed.errorCode }))
        })),
        nodeEndpoints: []
      }
    }
  }))
}

/** A session that a broker has forgotten is begun anew with the next request; the client's own goes on. */
const forgotten: ReadonlySet<number> = new Set([errors.SHARE_SESSION_NOT_FOUND, errors.INVALID_SHARE_SESSION_EPOCH, errors.SHARE_SESSION_LIMIT_REACHED])

function isNews ({ errorCode, responses }: FetchAnswer): boolean {
  if (errorCode !== errors.NONE) return !forgotten.has(errorCode)
  return responses.some(({ partitions }) => partitions.some(one =>
    one.acquiredRecords.length > 0 || one.errorCode !== errors.NONE || one.acknowledgeErrorCode !== errors.NONE))
}

function merged (answers: readonly FetchAnswer[], lost: readonly ReturnType<typeof refused>[]): ResponseInput<typeof ShareFetch> {
  const failed = answers.find(({ errorCode }) => errorCode !== errors.NONE && !forgotten.has(errorCode))
  if (failed !== undefined) return { ...failed, responses: [], nodeEndpoints: [] }
  const topics = new Map<string, FetchAnswer['responses'][number]['partitions']>()
  const add = (topicId: string, partitions: FetchAnswer['responses'][number]['partitions']): void => {
    const own = topics.get(topicId)
    if (own === undefined) topics.set(topicId, [...partitions])
    else own.push(...partitions)
  }
  for (const { responses } of answers) for (const { topicId, partitions } of responses) add(topicId, partitions)
  for (const { topicId, partition } of lost) add(topicId, [partition])
  return {
    throttleTimeMs: Math.max(0, ...answers.map(({ throttleTimeMs }) => throttleTimeMs)),
    errorCode: errors.NONE,
    acquisitionLockTimeoutMs: Math.max(0, ...answers.map(one => one.acquisitionLockTimeoutMs)),
    responses: [...topics].map(([topicId, partitions]) => ({ topicId, partitions })),
    nodeEndpoints: []
  }
}

function refused (topicId: string, partitionIndex: number) {
  return {
    topicId,
    partition: {
      partitionIndex,
      errorCode: errors.NOT_LEADER_OR_FOLLOWER as number,
      errorMessage: null,
      acknowledgeErrorCode: errors.NONE as number,
      acknowledgeErrorMessage: null,
      currentLeader: NOBODY,
      records: [],
      acquiredRecords: []
    }
  }
}

const NOBODY = { leaderId: -1, leaderEpoch: -1 }

function veil (answer: FetchAnswer | Response<typeof ShareAcknowledge>): void {
  answer.nodeEndpoints = []
  for (const { partitions } of answer.responses) for (const partition of partitions) partition.currentLeader = { ...NOBODY }
}

const shareAcknowledge = route(ShareAcknowledge, async (request, call) => {
  const session = sessionOf(request, call)
  if (typeof session === 'number') return { errorCode: session, responses: [], nodeEndpoints: [] }
  const isFinal = request.shareSessionEpoch === FINAL
  const shares = session.brokers().map(broker => ({ broker, topics: session.acknowledged(broker, request.topics) }))
  const answers = await Promise.all(shares.filter(({ topics }) => isFinal || topics.length > 0).map(async ({ broker, topics }) => {
    try {
      const answer = await send(broker, ShareAcknowledge, {
        ...request, memberId: memberAt(request.memberId, call.router.virtual.own), shareSessionEpoch: session.next(broker, isFinal), topics
      }, call)
      veil(answer)
      if (answer.errorCode !== errors.NONE) session.reset(broker)
      return answer
    } catch (error) {
      const responses = refusedTopics(topics, failedBy(error, LOST).errorCode)
      session.reset(broker)
      return { errorCode: errors.NONE, errorMessage: null, throttleTimeMs: 0, acquisitionLockTimeoutMs: 0, nodeEndpoints: [], responses }
    }
  }))
  session.epoch = after(session.epoch)
  const known = new Set(shares.flatMap(({ topics }) => topics.flatMap(({ topicId, partitions }) =>
    partitions.map(({ partitionIndex }) => `${topicId} ${partitionIndex}`))))
  const homeless = request.topics.map(({ topicId, partitions }) => ({
    topicId, partitions: partitions.filter(({ partitionIndex }) => !known.has(`${topicId} ${partitionIndex}`))
  }))
  const failed = answers.find(({ errorCode }) => errorCode !== errors.NONE && !forgotten.has(errorCode))
  return {
    errorCode: failed?.errorCode ?? errors.NONE,
    errorMessage: failed?.errorMessage ?? null,
    acquisitionLockTimeoutMs: Math.max(0, ...answers.map(one => one.acquisitionLockTimeoutMs)),
    responses: [
      ...answers.flatMap(({ responses }) => responses),
      ...refusedTopics(homeless.filter(({ partitions }) => partitions.length > 0), errors.NOT_LEADER_OR_FOLLOWER)
    ],
    nodeEndpoints: []
  }
})

function refusedTopics (topics: readonly Acknowledged[], errorCode: number): Response<typeof ShareAcknowledge>['responses'] {
  return topics.map(({ topicId, partitions }) => ({
    topicId, partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode, errorMessage: null, currentLeader: { ...NOBODY } }))
  }))
}

export const shareRoutes = [shareFetch, shareAcknowledge]
