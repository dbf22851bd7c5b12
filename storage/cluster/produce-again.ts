/**
 * A Produce of callers that do not try again by themselves: where some partitions were written and others refused, as those of a
 * topic that has just been made may be, only the refused ones are sent again. (Where all were refused, `patience.ts` waits.)
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { errors } from '../../protocol/errors.ts'
import { Produce } from '../../protocol/messages/00-produce.ts'
import type { Request, Response } from '../../protocol/schema.ts'
import { NO_TOPIC_ID } from './cluster.ts'
import type { TopicKey } from './partitions.ts'
import { wholeRoute, type Call, type Route } from './route.ts'

type Answer = Response<typeof Produce>
type Topic = Request<typeof Produce>['topicData'][number]

/** How long leaders are waited for, a topic that nobody knows (it may be about to be made), and a partition that a topic does not have. */
const PATIENCE_MS = 5000
const NO_TOPIC_MS = 2000
const NO_PARTITION_MS = 500
const PAUSE_MS = 50

const passing: ReadonlySet<number> = new Set([errors.NOT_LEADER_OR_FOLLOWER, errors.LEADER_NOT_AVAILABLE, errors.UNKNOWN_TOPIC_OR_PARTITION])

export function refusedAgain (route: Route): Route {
  const produce = route.handle as unknown as (request: Request<typeof Produce>, call: Call) => Promise<Answer>
  return wholeRoute(Produce, (request, call) =>
    call.polls !== null || call.context.door === 'kafka' ? produce(request, call) : patiently(produce, request, call))
}

async function patiently (
  produce: (request: Request<typeof Produce>, call: Call) => Promise<Answer>, request: Request<typeof Produce>, call: Call
): Promise<Answer> {
  const { cluster } = call.router
  const startedAt = performance.now()
  const patienceMs = ({ name, topicId }: TopicKey, partition: number): number => {
    const known = cluster.find(name, topicId)
    return known === undefined ? NO_TOPIC_MS : known.leaders[partition] === undefined ? NO_PARTITION_MS : PATIENCE_MS
  }
  const first = await produce(request, call)
  for (let left = refused(request.topicData, first); left.length > 0; left = refused(left, first)) {
    const isAll = first.responses.every(({ partitionResponses }) => partitionResponses.every(isRefused))
    const waitMs = Math.max(...left.flatMap(topic => topic.partitionData.map(({ index }) => patienceMs(topic, index))))
    if (isAll || performance.now() - startedAt > waitMs || call.context.signal.aborted) break
    await sleep(PAUSE_MS)
    replace(first, await produce({ ...request, topicData: left }, call))
  }
  return first
}

/** Refused and, as far as the answer goes, not written: a leader that is deposed while it waits says where the records stand. */
const isRefused = ({ errorCode, baseOffset }: Answer['responses'][number]['partitionResponses'][number]): boolean => passing.has(errorCode) && baseOffset < 0

/** Requests may have both, answers have what their version knows. */
const sameTopic = (one: TopicKey, other: TopicKey): boolean =>
  one.topicId === NO_TOPIC_ID || other.topicId === NO_TOPIC_ID ? one.name === other.name : one.topicId === other.topicId

function refused (topics: readonly Topic[], { responses }: Answer): Topic[] {
  return topics.map(topic => {
    const answers = responses.filter(one => sameTopic(one, topic)).flatMap(({ partitionResponses }) => partitionResponses)
    return { ...topic, partitionData: topic.partitionData.filter(({ index }) => answers.some(one => one.index === index && isRefused(one))) }
  }).filter(({ partitionData }) => partitionData.length > 0)
}

function replace (answer: Answer, news: Answer): void {
  for (const topic of answer.responses) {
    const answers = news.responses.filter(one => sameTopic(one, topic)).flatMap(({ partitionResponses }) => partitionResponses)
    topic.partitionResponses = topic.partitionResponses.map(one => answers.find(({ index }) => index === one.index) ?? one)
  }
}
