/**
 * A Fetch at one broker, as the gateway asks it. What clients are not to see is taken out of the answer: followers to read from,
 * leaders and addresses of brokers (KIP-392, KIP-951), sessions of the cluster (KIP-227).
 */
import { Fetch } from '../../protocol/messages/01-fetch.ts'
import type { Broker } from './broker.ts'
import type { FetchRequest } from './fetched.ts'
import { isOutdated } from './partitions.ts'
import type { FetchedPartition, FetchResponse } from './polls.ts'
import type { Caller } from './pool.ts'
import type { Call } from './route.ts'
import { SESSIONS_SINCE, UpstreamSession } from './upstream-session.ts'

/** How long a broker may take beyond what it waits on purpose. */
const ANSWER_MS = 40_000
/** What clients are told where there is no answer: to look who leads. */
export const UNANSWERED = ['NOT_LEADER_OR_FOLLOWER', 'NOT_LEADER_OR_FOLLOWER'] as const

/** Those of the connections of clients, and of brokers; they end with either. */
const sessions = new WeakMap<Caller, WeakMap<Broker, UpstreamSession>>()

function sessionAt (broker: Broker, caller: Caller): UpstreamSession {
  let all = sessions.get(caller)
  if (all === undefined) sessions.set(caller, all = new WeakMap())
  let session = all.get(broker)
  if (session === undefined) all.set(broker, session = new UpstreamSession())
  return session
}

/** In our own words: with a session of our own if any, without rack. */
export async function askLeader (
  broker: Broker, request: FetchRequest, { context, polls, router: { cluster } }: Call, caller: Caller
): Promise<FetchResponse> {
  const ask = (request: FetchRequest): Promise<FetchResponse> => caller.send(broker, Fetch, context.version, request, {
    clientId: context.clientId, timeoutMs: ANSWER_MS + request.maxWaitMs, blocks: request.maxWaitMs > 0
  })
  const own = { ...request, rackId: '' }
  // Callers without a connection of their own ask side by side, which no session allows.
  const session = polls === null || (broker.version(Fetch, context.version) ?? 0) < SESSIONS_SINCE ? null : sessionAt(broker, caller)
  const response = session?.serves(countOf(request)) === true
    ? await session.fetch(own, ask)
    : await ask({ ...own, sessionId: 0, sessionEpoch: -1, forgottenTopicsData: [] })
  let wrong = null
  for (const { topic, topicId, partitions } of response.responses) {
    for (const partition of partitions) {
      veil(partition)
      if (isOutdated(partition.errorCode)) (wrong ??= []).push({ name: topic, topicId })
    }
  }
  if (wrong !== null) {
    broker.stats.misdirected++
    cluster.suspect(wrong)
  }
  response.sessionId = 0
  response.nodeEndpoints = []
  return response
}

const countOf = ({ topics }: FetchRequest): number => topics.reduce((sum, { partitions }) => sum + partitions.length, 0)

function veil (partition: FetchedPartition): void {
  partition.preferredReadReplica = -1
  partition.currentLeader = { leaderId: -1, leaderEpoch: -1 }
}
