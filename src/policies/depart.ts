/**
 * While a gateway stops and others go on, Kafka's clients are moved to them: they are told what a broker tells that leads and
 * coordinates nothing any more. Nothing of what is refused so has been done, and every client asks again elsewhere.
 *
 * The nodes in Metadata and FindCoordinator are the others already, as engines name only those that take clients. Who knows
 * how (Metadata v13, KIP-1102) is sent back to where it started, which is right too for clients that see the gateways through
 * a load balancer.
 */
import { complete } from '../../protocol/defaults.ts'
import { errors } from '../../protocol/errors.ts'
import { Produce } from '../../protocol/messages/00-produce.ts'
import { Fetch } from '../../protocol/messages/01-fetch.ts'
import { Metadata } from '../../protocol/messages/03-metadata.ts'
import { Heartbeat } from '../../protocol/messages/12-heartbeat.ts'
import { ConsumerGroupHeartbeat } from '../../protocol/messages/68-consumer-group-heartbeat.ts'
import { ShareGroupHeartbeat } from '../../protocol/messages/76-share-group-heartbeat.ts'
import { StreamsGroupHeartbeat } from '../../protocol/messages/88-streams-group-heartbeat.ts'
import type { Context, Policy } from '../../protocol/rpc.ts'
import type { Api, Fields, Request, Response } from '../../protocol/schema.ts'

/** From this version on Metadata can say so. */
const REBOOTSTRAP_SINCE = Metadata.response.errorCode.spec.since

/** Members ask often enough by these; whatever else a coordinator does is finished where it was begun. */
const heartbeats: ReadonlySet<number> = new Set([Heartbeat, ConsumerGroupHeartbeat, ShareGroupHeartbeat, StreamsGroupHeartbeat].map(({ key }) => key))

/** Behind fetch sessions, which end with the connection's gateway. `isLeaving` is asked for each request. */
export function depart (isLeaving: () => boolean): Policy {
  return next => <A extends Api>(api: A, request: Request<A>, context: Context): Promise<Response<A>> => {
    if (!isLeaving() || context.door !== 'kafka') return next(api, request, context)
    const answer = sentAway(api, request, context)
    return answer === null ? next(api, request, context) : Promise.resolve(complete(api.response as Fields, answer as never) as Response<A>)
  }
}

/** Null for what is still answered here. */
function sentAway (api: Api, request: Request<Api>, { version }: Context): object | null {
  switch (api.key) {
    case Metadata.key:
      return version >= REBOOTSTRAP_SINCE ? { errorCode: errors.REBOOTSTRAP_REQUIRED, brokers: [], topics: [] } : null
    case Produce.key:
      return refusedProduce(request as Request<typeof Produce>)
    case Fetch.key:
      return refusedFetch(request as Request<typeof Fetch>)
    default:
      return heartbeats.has(api.key) ? { errorCode: errors.NOT_COORDINATOR } : null
  }
}

/** Who waits for no answer would not send it again. */
function refusedProduce ({ acks, topicData }: Request<typeof Produce>): object | null {
  if (acks === 0) return null
  return {
    responses: topicData.map(({ name, topicId, partitionData }) => ({
      name, topicId, partitionResponses: partitionData.map(({ index }) => ({ index, errorCode: errors.NOT_LEADER_OR_FOLLOWER, baseOffset: -1 }))
    }))
  }
}

function refusedFetch ({ topics }: Request<typeof Fetch>): object {
  return {
    sessionId: 0,
    responses: topics.map(({ topic, topicId, partitions }) => ({
      topic,
      topicId,
      partitions: partitions.map(({ partition }) => ({
        partitionIndex: partition, errorCode: errors.NOT_LEADER_OR_FOLLOWER, highWatermark: -1, abortedTransactions: null, records: []
      }))
    }))
  }
}
