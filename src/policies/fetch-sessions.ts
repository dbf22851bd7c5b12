/**
 * Fetch sessions of Kafka's clients (KIP-227) end here: what is behind sees every request whole, as if there were no
 * sessions. So each request is checked against the permissions and quotas of this moment, whatever the session began with,
 * and engines need not know who asked for what before.
 *
 * Epoch 0 begins a session, if there is room; -1 asks without one; both end the session that they name. Any other epoch
 * continues one: its topics are added or asked for otherwise, and only what has changed is answered.
 */
import { errors, type ErrorName } from '../../protocol/errors.ts'
import { complete } from '../../protocol/defaults.ts'
import { Fetch } from '../../protocol/messages/01-fetch.ts'
import { on, type Context, type Policy } from '../../protocol/rpc.ts'
import type { FetchSessionCache } from './fetch-session-cache.ts'
import type { FetchRequest, FetchResponse, TopicRequest } from './fetch-session.ts'

type Next = (request: FetchRequest) => Promise<FetchResponse>

const NO_SESSION = 0
const INITIAL_EPOCH = 0
const FINAL_EPOCH = -1
const MAX_EPOCH = 0x7fffffff

/** From this version on topics are named by their ids (KIP-516). */
const TOPIC_IDS_SINCE = Fetch.request.topics.spec.element!.fields!['topicId']!.spec.since

const usesIds = ({ version }: Context): boolean => version >= TOPIC_IDS_SINCE

/** Before everything that looks at topics. Other doors have no sessions. */
export function fetchSessions (cache: FetchSessionCache): Policy {
  return on(Fetch, (request, context, next) => {
    const { sessionId, sessionEpoch } = request
    if (context.door !== 'kafka' || (sessionId === NO_SESSION && sessionEpoch === FINAL_EPOCH)) return next(request)
    if (sessionEpoch !== INITIAL_EPOCH && sessionEpoch !== FINAL_EPOCH) return proceed(cache, request, context, next)
    const ended = cache.find(sessionId, context.principal)
    if (ended !== null) cache.remove(ended)
    return sessionEpoch === FINAL_EPOCH ? next(whole(request, request.topics)) : begin(cache, request, context, next)
  })
}

async function begin (cache: FetchSessionCache, request: FetchRequest, context: Context, next: Next): Promise<FetchResponse> {
  const response = await next(whole(request, request.topics))
  if (response.errorCode !== errors.NONE) return response
  const session = cache.create(context.principal, usesIds(context), request.topics)
  if (session === null) return response
  session.told(response.responses)
  return { ...response, sessionId: session.id }
}

async function proceed (cache: FetchSessionCache, request: FetchRequest, context: Context, next: Next): Promise<FetchResponse> {
  const { sessionId, sessionEpoch, topics, forgottenTopicsData } = request
  const session = cache.find(sessionId, context.principal)
  if (session === null) return failed('FETCH_SESSION_ID_NOT_FOUND')
  if (session.epoch !== sessionEpoch) return failed('INVALID_FETCH_SESSION_EPOCH')
  if (session.usesIds !== usesIds(context)) return failed('FETCH_SESSION_TOPIC_ID_ERROR')
  // The client comes back with a whole request, and goes on without a session if there is still no room.
  if (!cache.update(session, topics, forgottenTopicsData)) return failed('FETCH_SESSION_ID_NOT_FOUND')
  if (session.size === 0) {
    cache.remove(session)
    return await next(whole(request, topics))
  }
  const epoch = session.epoch = sessionEpoch === MAX_EPOCH ? 1 : sessionEpoch + 1
  const response = await next(whole(request, session.all()))
  // Somebody asked again without waiting: this answer is too late to say what has changed.
  if (session.epoch !== epoch) return failed('INVALID_FETCH_SESSION_EPOCH', sessionId)
  if (response.errorCode !== errors.NONE) return response
  return { ...response, sessionId, responses: session.news(response.responses) }
}

const whole = (request: FetchRequest, topics: TopicRequest[]): FetchRequest =>
  ({ ...request, sessionId: NO_SESSION, sessionEpoch: FINAL_EPOCH, topics, forgottenTopicsData: [] })

const failed = (code: ErrorName, sessionId = NO_SESSION): FetchResponse =>
  complete(Fetch.response, { errorCode: errors[code], sessionId, responses: [] })
