/**
 * Topics page by page (KIP-966): the page begins with the topics of this caller, so that it is full, and that where the next
 * one begins tells nothing of the others.
 */
import { errors } from '../../protocol/errors.ts'
import { DescribeTopicPartitions } from '../../protocol/messages/75-describe-topic-partitions.ts'
import type { Context, Dispatch } from '../../protocol/rpc.ts'
import type { Request, Response } from '../../protocol/schema.ts'
import { answerOf, rule, type Rule } from './authorize-elements.ts'
import type { Gate, Refusal } from './authorize-gate.ts'
import { permissions } from './permissions.ts'
import { NO_TOPIC_ID, partitionsOf } from './topic-names.ts'

type PageRequest = Request<typeof DescribeTopicPartitions>
type Page = Response<typeof DescribeTopicPartitions>

const needs = permissions.DescribeTopicPartitions

/** Who is answered this is not told what they may do. */
const untoldOf: ReadonlySet<number> = new Set([errors[needs.topic.denied], errors.INVALID_REQUEST])

const describeTopicPartitions = rule(DescribeTopicPartitions, async (request, context, next, gate) => {
  const page = request.topics.length === 0 ? await listed(request, context, next, gate) : await named(request, context, next, gate)
  return {
    ...page,
    topics: page.topics.map(topic => untoldOf.has(topic.errorCode) || topic.name === null
      ? topic
      : { ...topic, topicAuthorizedOperations: gate.operationBits(context, 'TOPIC', topic.name) })
  }
})

/** No page has more partitions, and each topic has one. */
const MAX_TOPICS = 2000

async function listed (request: PageRequest, context: Context, next: Dispatch, gate: Gate): Promise<Page> {
  const from = request.cursor?.topicName ?? ''
  const names = [...(await partitionsOf(null, next, context)).keys()]
    .filter(name => name >= from && gate.check(context, needs.listed, name) === null).sort()
  const page = await pageOf(request, names.slice(0, MAX_TOPICS), context, next)
  const following = names[MAX_TOPICS]
  return {
    ...page,
    // Deleted in the meantime: nobody asked for it by name.
    topics: page.topics.filter(({ errorCode }) => errorCode === errors.NONE),
    nextCursor: page.nextCursor ?? (following === undefined ? null : { topicName: following, partitionIndex: 0 })
  }
}

async function named (request: PageRequest, context: Context, next: Dispatch, gate: Gate): Promise<Page> {
  const from = request.cursor?.topicName ?? ''
  const isLost = from !== '' && !request.topics.some(({ name }) => name === from)
  const checked = new Map(request.topics.filter(({ name }) => name >= from || isLost).map(({ name }) => [name, gate.check(context, needs.topic, name)]))
  const refused = [...checked].filter((one): one is [string, Refusal] => one[1] !== null)
  if (refused.length === 0) return await next(DescribeTopicPartitions, request, context)
  gate.report(DescribeTopicPartitions, context, checked.values())
  const allowed = [...checked.keys()].filter(name => checked.get(name) === null)
  // A cursor that is in none of the topics is an error, of which the engine says more.
  const page = isLost ? await askedFor(request, allowed, context, next) : await pageOf(request, allowed, context, next)
  const refusals = answerOf(DescribeTopicPartitions, { topics: refused.map(([name, { errorCode }]) => ({ errorCode, name, ...untold })) })
  return { ...page, topics: [...page.topics, ...refusals.topics] }
}

const untold = { topicId: NO_TOPIC_ID, isInternal: false, partitions: [] }

/** The cursor may point to a topic that may not be described, or that is gone: the page begins with the next. */
const pageOf = (request: PageRequest, names: readonly string[], context: Context, next: Dispatch): Promise<Page> =>
  askedFor(names.includes(request.cursor?.topicName ?? '') ? request : { ...request, cursor: null }, names, context, next)

/** To ask for no topics would be to ask for all. */
function askedFor (request: PageRequest, names: readonly string[], context: Context, next: Dispatch): Promise<Page> {
  if (names.length === 0) return Promise.resolve(answerOf(DescribeTopicPartitions, { topics: [] }))
  return next(DescribeTopicPartitions, { ...request, topics: names.map(name => ({ name })) }, context)
}

export const topicPageRules: readonly Rule[] = [describeTopicPartitions]
