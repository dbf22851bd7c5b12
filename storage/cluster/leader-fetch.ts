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

/** How long a broker may take beyond what it waits on purpose. */
const ANSWER_MS = 40_000
/** What clients are told where there is no answer: to look who leads. */
export const UNANSWERED = ['NOT_LEADER_OR_FOLLOWER', 'NOT_LEADER_OR_FOLLOWER'] as const

/** In our own words: without session, without rack. */
export async function askLeader (broker: Broker, request: FetchRequest, { context, router: { cluster } }: Call, caller: Caller): Promise<FetchResponse> {
  const response = await caller.send(broker, Fetch, context.version, { ...request, sessionId: 0, sessionEpoch: -1, forgottenTopicsData: [], rackId: '' }, {
    clientId: context.clientId, timeoutMs: ANSWER_MS + request.maxWaitMs, blocks: request.maxWaitMs > 0
  })
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

function veil (partition: FetchedPartition): void {
  partition.preferredReadReplica = -1
  partition.currentLeader = { leaderId: -1, leaderEpoch: -1 }
}
