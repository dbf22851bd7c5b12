/**
 * What producers know of topics, for a moment. Without it, every single record would take two requests: one to ask how many
 * partitions there are, one to append it. It is known by who asked, since not everyone may.
 */
import { formatPrincipal, type Dispatch, type Principal } from '../../protocol/rpc.ts'

export interface TopicShape {
  readonly topicId: string
  readonly partitionCount: number
}

interface Known {
  readonly shape: TopicShape
  readonly freshUntilMs: number
}

/** So long a key may go to a partition that it no longer belongs to, after the topic has grown. Kafka's own producers take 5 minutes. */
const FRESH_MS = 1000
const MAX_TOPICS = 1000

/** A topic's name has no space in it. */
const keyOf = (principal: Principal, topic: string): string => `${topic} ${formatPrincipal(principal)}`

const byDispatch = new WeakMap<Dispatch, Map<string, Known>>()

/** Null if it has to be asked for. */
export function recallShape (dispatch: Dispatch, principal: Principal, topic: string): TopicShape | null {
  const known = byDispatch.get(dispatch)?.get(keyOf(principal, topic))
  return known !== undefined && Date.now() < known.freshUntilMs ? known.shape : null
}

export function rememberShape (dispatch: Dispatch, principal: Principal, topic: string, shape: TopicShape): void {
  let topics = byDispatch.get(dispatch)
  if (topics === undefined) byDispatch.set(dispatch, topics = new Map())
  const key = keyOf(principal, topic)
  topics.delete(key)
  if (topics.size >= MAX_TOPICS) topics.delete(topics.keys().next().value!)
  topics.set(key, { shape, freshUntilMs: Date.now() + FRESH_MS })
}
