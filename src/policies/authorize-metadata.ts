/**
 * What there is: topics and the cluster. A list of all topics has those that may be described; one that is asked for by
 * name is refused, whether or not it exists; and nobody creates by asking what they may not create.
 */
import { errors } from '../../protocol/errors.ts'
import { Metadata } from '../../protocol/messages/03-metadata.ts'
import { DescribeConfigs } from '../../protocol/messages/32-describe-configs.ts'
import { DescribeCluster } from '../../protocol/messages/60-describe-cluster.ts'
import { complete } from '../../protocol/defaults.ts'
import type { Context, Dispatch } from '../../protocol/rpc.ts'
import type { Request, Response, ResponseInput } from '../../protocol/schema.ts'
import { CLUSTER_NAME } from '../access/model.ts'
import { refusal, unknownTopicId, type Gate, type Refusal } from './authorize-gate.ts'
import { answerOf, interleave, rule, type Rule } from './authorize-elements.ts'
import { permissions } from './permissions.ts'
import { NO_TOPIC_ID, asServer } from './topic-names.ts'

type MetadataRequest = Request<typeof Metadata>
type MetadataResponse = Response<typeof Metadata>
type Wanted = NonNullable<MetadataRequest['topics']>[number]
type Topic = MetadataResponse['topics'][number]

const needs = permissions.Metadata

const metadata = rule(Metadata, async (request, context, next, gate) => {
  const { topics } = request
  // In v0 there is no null, and an empty list asks for every topic.
  const isAll = topics === null || (context.version === 0 && topics.length === 0)
  const response = isAll ? await listed(request, context, next, gate) : await named(request, topics, context, next, gate)
  return withOperations(request, response, context, gate)
})

async function listed (request: MetadataRequest, context: Context, next: Dispatch, gate: Gate): Promise<MetadataResponse> {
  const response = await next(Metadata, request, context)
  return { ...response, topics: response.topics.filter(({ name }) => name !== null && gate.check(context, needs.listed, name) === null) }
}

async function named (
  request: MetadataRequest, wanted: readonly Wanted[], context: Context, next: Dispatch, gate: Gate
): Promise<MetadataResponse> {
  const refused = wanted.map(({ name }) => name === null ? null : gate.check(context, needs.topic, name))
  gate.report(Metadata, context, refused)
  const allowed = wanted.filter((_one, i) => refused[i] === null)
  // Who may not create a topic only looks whether it is there. Ids never create.
  const fixed = request.allowAutoTopicCreation
    ? allowed.filter(({ name }) => name !== null && !gate.may(context, needs.create, name))
    : []
  const isFixed = new Set<Wanted>(fixed)
  const free = allowed.filter(one => !isFixed.has(one))
  const asWhole = fixed.length === 0 && free.length === wanted.length
  // The first is asked even for nothing: brokers and cluster are in its answer.
  const response = await next(Metadata, asWhole ? request : { ...request, topics: free }, asWhole ? context : atLeastV1(context))
  const looked = fixed.length === 0
    ? []
    : await lookedAt(await next(Metadata, { ...request, topics: fixed, allowAutoTopicCreation: false }, atLeastV1(context)), context, next, gate)
  const found = interleave(response.topics, allowed.map(one => isFixed.has(one) ? looked.shift() ?? null : null)).concat(looked)
  const checked = found.map(topic => disclosed(topic, context, gate))
  if (asWhole && checked.every((topic, i) => topic === response.topics[i])) return response
  const answers = interleave(checked, wanted.map(({ name, topicId }, i) => refused[i] === null ? null : refusedTopic(refused[i]!, name, topicId)))
  return answerOf(Metadata, { ...response, topics: answers } as ResponseInput<typeof Metadata>)
}

/** Where what is left of a request is nothing, it asks for nothing: in v0 that would be everything. */
const atLeastV1 = (context: Context): Context => context.version > 0 ? context : { ...context, version: 1 }

/** A topic that is not there, and that asking would have created, is one that the caller may not create. */
async function lookedAt ({ topics }: MetadataResponse, context: Context, next: Dispatch, gate: Gate): Promise<Topic[]> {
  const missing = topics.filter(({ errorCode, name }) => errorCode === errors.UNKNOWN_TOPIC_OR_PARTITION && name !== null)
  if (missing.length === 0 || !await createsTopics(next, context)) return topics
  const refused = new Map(missing.map(topic => [topic, refusal(needs.create, topic.name!)]))
  gate.report(Metadata, context, refused.values())
  return topics.map(topic => refused.has(topic) ? refusedTopic(refused.get(topic)!, topic.name, NO_TOPIC_ID) : topic)
}

const BROKER = 4
const AUTO_CREATE = 'auto.create.topics.enable'

/** Whether the engine creates topics that are asked for. An engine that does not say is taken to. */
async function createsTopics (next: Dispatch, context: Context): Promise<boolean> {
  const request = complete(DescribeConfigs.request, { resources: [{ resourceType: BROKER, resourceName: '', configurationKeys: [AUTO_CREATE] }] })
  const { results } = await next(DescribeConfigs, request, { ...asServer(context), version: DescribeConfigs.versions[1] })
  return results[0]?.configs.find(({ name }) => name === AUTO_CREATE)?.value !== 'false'
}

/** By id a topic's name is only known from the answer. */
function disclosed (topic: Topic, context: Context, gate: Gate): Topic {
  const { name, topicId, errorCode } = topic
  if (name === null || errorCode !== errors.NONE) return topic
  const refused = gate.check(context, needs.topic, name)
  if (refused === null) return topic
  gate.report(Metadata, context, [refused])
  return refusedTopic(refused.errorCode === errors.UNKNOWN_TOPIC_OR_PARTITION ? unknownTopicId(null, name) : refused, null, topicId)
}

function refusedTopic ({ errorCode }: Refusal, name: string | null, topicId: string): Topic {
  const answer: ResponseInput<typeof Metadata>['topics'][number] = { errorCode, name, topicId, partitions: [] }
  return answer as Topic
}

/** What the caller may do (KIP-430): less than what the engine knows of, or nothing where they may not ask. */
function withOperations (request: MetadataRequest, response: MetadataResponse, context: Context, gate: Gate): MetadataResponse {
  const { includeTopicAuthorizedOperations: ofTopics, includeClusterAuthorizedOperations: ofCluster } = request
  if (!ofTopics && !ofCluster) return response
  return {
    ...response,
    ...(ofCluster ? { clusterAuthorizedOperations: clusterBits(context, gate) } : {}),
    topics: !ofTopics
      ? response.topics
      : response.topics.map(topic => topic.errorCode === errors[needs.topic.denied] || topic.name === null
        ? topic
        : { ...topic, topicAuthorizedOperations: gate.operationBits(context, 'TOPIC', topic.name) })
  }
}

function clusterBits (context: Context, gate: Gate): number {
  return gate.may(context, permissions.DescribeCluster.clusterOperations, CLUSTER_NAME) ? gate.operationBits(context, 'CLUSTER', CLUSTER_NAME) : 0
}

const describeCluster = rule(DescribeCluster, async (request, context, next, gate) => {
  const response = await next(DescribeCluster, request, context)
  if (!request.includeClusterAuthorizedOperations) return response
  return { ...response, clusterAuthorizedOperations: clusterBits(context, gate) }
})

export const metadataRules: readonly Rule[] = [metadata, describeCluster]
