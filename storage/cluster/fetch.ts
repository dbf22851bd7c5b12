/**
 * Fetch. Where one broker leads all that is asked for, it waits there; otherwise there is a poll at each leader (`polls.ts`), and
 * the answer goes out with what has come first.
 */
import { errors } from '../../protocol/errors.ts'
import { Fetch } from '../../protocol/messages/01-fetch.ts'
import type { ResponseInput } from '../../protocol/schema.ts'
import type { Broker } from './broker.ts'
import { answerWith, failure, splitting, type FetchRequest } from './fetched.ts'
import { askLeader, UNANSWERED } from './leader-fetch.ts'
import { onlyLeader, sharesOf } from './partitions.ts'
import { Round } from './round.ts'
import { failedBy, route, type Call } from './route.ts'

export const fetch = route(Fetch, async (request, call) => {
  // Sessions end at the gateway, before the request comes here.
  if (request.sessionId !== 0) return { errorCode: errors.FETCH_SESSION_ID_NOT_FOUND, sessionId: 0, responses: [] }
  if (request.topics.length === 0) return await nothing(request, call)
  const leader = onlyLeader(request.topics, splitting, call)
  if (leader !== null) return await whole(leader, request, call)
  let shares
  try {
    shares = await sharesOf(request.topics, splitting, call)
  } catch (error) {
    const failed = failedBy(error, UNANSWERED)
    return answerWith(request, (_topic, partition) => failure(partition.partition, failed))
  }
  const lost = new Map(shares.lost.map(({ partition, failed }) => [partition, failed]))
  return await new Round(request, shares.shares, lost, call).run()
})

/** A client that asks for nothing waits all the same, as it does at a broker. */
async function nothing (request: FetchRequest, { context }: Call): Promise<ResponseInput<typeof Fetch>> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, request.maxWaitMs)
  const left = (): void => resolve()
  context.signal.addEventListener('abort', left, { once: true })
  await promise
  clearTimeout(timer)
  // The signal is that of the connection, and lasts as long.
  context.signal.removeEventListener('abort', left)
  return { sessionId: 0, responses: [] }
}

async function whole (broker: Broker, request: FetchRequest, call: Call): Promise<ResponseInput<typeof Fetch>> {
  // What polls have heard before is older than what the client is told now.
  call.polls?.ends.clear()
  try {
    return await askLeader(broker, request, call, call.caller)
  } catch (error) {
    const failed = failedBy(error, UNANSWERED)
    call.router.cluster.suspect(request.topics.map(splitting.topicOf))
    return answerWith(request, (_topic, partition) => failure(partition.partition, failed))
  }
}
