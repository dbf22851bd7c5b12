/**
 * What is asked of the controller, of any broker or of all: topics, configurations, log folders. Brokers are virtual ones in
 * what clients say, too: what names them is turned into what the cluster understands, or refused with a reason.
 */
import { errors } from '../../protocol/errors.ts'
import { CreateTopics } from '../../protocol/messages/19-create-topics.ts'
import { DeleteTopics } from '../../protocol/messages/20-delete-topics.ts'
import { DescribeAcls } from '../../protocol/messages/29-describe-acls.ts'
import { CreateAcls } from '../../protocol/messages/30-create-acls.ts'
import { DeleteAcls } from '../../protocol/messages/31-delete-acls.ts'
import { DescribeLogDirs } from '../../protocol/messages/35-describe-log-dirs.ts'
import { CreatePartitions } from '../../protocol/messages/37-create-partitions.ts'
import { ElectLeaders } from '../../protocol/messages/43-elect-leaders.ts'
import { DescribeClientQuotas } from '../../protocol/messages/48-describe-client-quotas.ts'
import { AlterClientQuotas } from '../../protocol/messages/49-alter-client-quotas.ts'
import { DescribeUserScramCredentials } from '../../protocol/messages/50-describe-user-scram-credentials.ts'
import { AlterUserScramCredentials } from '../../protocol/messages/51-alter-user-scram-credentials.ts'
import { ListConfigResources } from '../../protocol/messages/74-list-config-resources.ts'
import type { Request, Response } from '../../protocol/schema.ts'
import { route, toAll, toAny, toController, topLevel, type Call, type Route } from './route.ts'
import { isGone, isThere, onceVisible } from './visible.ts'

/** Whatever the cluster says is its default. */
const DEFAULT = -1

/**
 * Replicas that are assigned by hand are so to virtual brokers: as many partitions are made, and the cluster places them. To
 * brokers that are none, the request goes on as it is and Kafka refuses it.
 */
function placed (request: Request<typeof CreateTopics>, { router: { virtual } }: Call): Request<typeof CreateTopics> {
  const isPlaced = ({ assignments }: Request<typeof CreateTopics>['topics'][number]): boolean =>
    assignments.length > 0 && assignments.every(({ brokerIds }) => brokerIds.length > 0 && brokerIds.every(id => virtual.has(id)))
  if (!request.topics.some(isPlaced)) return request
  return {
    ...request,
    topics: request.topics.map(topic => isPlaced(topic)
      ? { ...topic, assignments: [], numPartitions: topic.assignments.length, replicationFactor: DEFAULT }
      : topic)
  }
}

function placedPartitions (request: Request<typeof CreatePartitions>, { router: { virtual } }: Call): Request<typeof CreatePartitions> {
  return {
    ...request,
    topics: request.topics.map(topic => topic.assignments?.every(({ brokerIds }) => brokerIds.every(id => virtual.has(id))) === true
      ? { ...topic, assignments: null }
      : topic)
  }
}

const createTopics = toController(CreateTopics, ({ errorCode, errorMessage }, { topics }) => ({
  topics: topics.map(({ name }) => ({ name, errorCode, errorMessage, configs: [] }))
}), placed)

const deleteTopics = toController(DeleteTopics, ({ errorCode, errorMessage }, { topics, topicNames }) => ({
  responses: topics.length > 0
    ? topics.map(({ name, topicId }) => ({ name, topicId, errorCode, errorMessage }))
    : topicNames.map(name => ({ name, errorCode, errorMessage }))
}))

const createPartitions = toController(CreatePartitions, ({ errorCode, errorMessage }, { topics }) => ({
  results: topics.map(({ name }) => ({ name, errorCode, errorMessage }))
}), placedPartitions)

const electLeaders = toController(ElectLeaders, ({ errorCode }) => ({ errorCode, replicaElectionResults: [] }))

const allLogDirs = toAll(DescribeLogDirs, answers => ({
  errorCode: answers.find(({ errorCode }) => errorCode !== errors.NONE)?.errorCode ?? errors.NONE,
  results: answers.flatMap(({ results }) => results)
}), ({ errorCode }) => ({ errorCode, results: [] }))

/**
 * A virtual broker has a folder for each of the cluster, under a name that does not tell where it is, with what the virtual broker
 * leads: so sizes are right when those of all gateways are added up.
 */
const describeLogDirs = route(DescribeLogDirs, async (request, call) => {
  const { virtual } = call.router
  const response = await allLogDirs.handle(request as never, call) as Response<typeof DescribeLogDirs>
  return {
    ...response,
    results: response.results.map((result, i) => ({
      ...result,
      logDir: `/cluster/${i + 1}`,
      topics: result.topics.map(topic => ({
        ...topic, partitions: topic.partitions.filter(({ partitionIndex }) => virtual.leader(topic.name, partitionIndex) === virtual.own)
      })).filter(({ partitions }) => partitions.length > 0)
    }))
  }
})

const BROKER = 4
const BROKER_LOGGER = 8

const anyListing = toAny(ListConfigResources, ({ errorCode }) => ({ errorCode, configResources: [] }))

/** Where brokers are listed, they are the virtual ones. */
const listConfigResources = route(ListConfigResources, async (request, call) => {
  const response = await anyListing.handle(request as never, call) as Response<typeof ListConfigResources>
  const types = new Set(response.configResources.map(({ resourceType }) => resourceType))
  const virtual = [BROKER, BROKER_LOGGER].filter(type => types.has(type)).flatMap(resourceType =>
    call.router.virtual.brokers.map(({ nodeId }) => ({ resourceName: String(nodeId), resourceType })))
  return {
    ...response,
    configResources: [...response.configResources.filter(({ resourceType }) => resourceType !== BROKER && resourceType !== BROKER_LOGGER), ...virtual]
  }
})

export const adminRoutes: readonly Route[] = [
  onceVisible(createTopics, CreateTopics, ({ validateOnly }, { topics }) => validateOnly
    ? []
    : topics.filter(({ errorCode }) => errorCode === errors.NONE).map(({ name }) => name), isThere),
  onceVisible(deleteTopics, DeleteTopics, (_request, { responses }) =>
    responses.filter(({ errorCode, name }) => errorCode === errors.NONE && name !== null).map(({ name }) => name!), isGone),
  createPartitions, electLeaders, describeLogDirs,
  listConfigResources
]

/** What the gateway keeps itself, unless it is told to pass it on. */
export const passedOn: readonly Route[] = [
  toAny(DescribeAcls, failed => ({ ...topLevel<typeof DescribeAcls>(failed), resources: [] })),
  toController(CreateAcls, (failed, { creations }) => ({ results: creations.map(() => ({ ...failed })) })),
  toController(DeleteAcls, (failed, { filters }) => ({ filterResults: filters.map(() => ({ ...failed, matchingAcls: [] })) })),
  toAny(DescribeClientQuotas, failed => ({ ...topLevel<typeof DescribeClientQuotas>(failed), entries: null })),
  toController(AlterClientQuotas, ({ errorCode, errorMessage }, { entries }) => ({
    entries: entries.map(({ entity }) => ({ entity, errorCode, errorMessage }))
  })),
  toAny(DescribeUserScramCredentials, failed => ({ ...topLevel<typeof DescribeUserScramCredentials>(failed), results: [] })),
  toController(AlterUserScramCredentials, ({ errorCode, errorMessage }, { deletions, upsertions }) => ({
    results: [...new Set([...deletions, ...upsertions].map(({ name }) => name))].map(user => ({ user, errorCode, errorMessage }))
  }))
]
