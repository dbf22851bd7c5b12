/**
 * What clients are told of the cluster: Metadata, DescribeCluster, DescribeTopicPartitions, FindCoordinator. Each is asked
 * of a broker, so that it is never older than what Kafka would say itself; then brokers become virtual ones.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { errors } from '../../protocol/errors.ts'
import { Metadata } from '../../protocol/messages/03-metadata.ts'
import { FindCoordinator } from '../../protocol/messages/10-find-coordinator.ts'
import { DescribeCluster } from '../../protocol/messages/60-describe-cluster.ts'
import { DescribeTopicPartitions } from '../../protocol/messages/75-describe-topic-partitions.ts'
import type { Request, Response, ResponseInput } from '../../protocol/schema.ts'
import { NO_TOPIC_ID } from './cluster.ts'
import { askAny } from './coordinators.ts'
import { failedBy, route, send, topLevel, type Call } from './route.ts'
import type { VirtualCluster } from './virtual.ts'

const NO_LEADER = ['LEADER_NOT_AVAILABLE', 'LEADER_NOT_AVAILABLE'] as const
const LOST = ['COORDINATOR_NOT_AVAILABLE', 'COORDINATOR_NOT_AVAILABLE'] as const

interface Led {
  readonly errorCode: number
  readonly partitionIndex: number
  leaderId: number
  replicaNodes: number[]
  isrNodes: number[]
  offlineReplicas: number[]
}

/** The partition as one that its virtual leader alone holds. */
function veil (topic: string, partition: Led, virtual: VirtualCluster): void {
  const node = virtual.leader(topic, partition.partitionIndex)
  const isLed = partition.leaderId >= 0
  partition.leaderId = isLed ? node : -1
  partition.replicaNodes = [node]
  partition.isrNodes = isLed ? [node] : []
  partition.offlineReplicas = isLed ? [] : [node]
}

/** How long a broker may take to hear of a topic that another one has served already. */
const NEWS_MS = 1000
const AGAIN_MS = 20

/** Callers that are no Kafka clients do not ask again by themselves: what they have just written to is there for them. */
function isBehind ({ topics }: Response<typeof Metadata>, { context, router: { cluster } }: Call): boolean {
  return context.door !== 'kafka' && topics.some(({ errorCode, name }) =>
    errorCode === errors.UNKNOWN_TOPIC_OR_PARTITION && name !== null && cluster.find(name, NO_TOPIC_ID)?.leaders.some(id => id >= 0) === true)
}

const metadata = route(Metadata, async (request, call) => {
  const { cluster, virtual } = call.router
  let response
  try {
    const deadline = performance.now() + NEWS_MS
    do {
      response = await askAny(cluster, call.caller, broker => send(broker, Metadata, request, call))
    } while (isBehind(response, call) && performance.now() < deadline && await sleep(AGAIN_MS, true))
  } catch (error) {
    const { errorCode } = failedBy(error, NO_LEADER)
    // Clients take only what is said of topics for final.
    return nothingKnown(request, errorCode === errors.CLUSTER_AUTHORIZATION_FAILED ? errors.TOPIC_AUTHORIZATION_FAILED : errorCode, call)
  }
  cluster.learn(response, request.topics === null ? [] : request.topics.map(({ name, topicId }) => ({ name: name ?? '', topicId })))
  for (const { name, partitions } of response.topics) for (const partition of partitions) veil(name ?? '', partition, virtual)
  return { ...response, brokers: virtual.brokers, controllerId: response.controllerId < 0 ? -1 : virtual.controller }
})

/**
 * Metadata has no error of its own before v13, and an empty list of brokers would send clients to where they started. What is
 * said here is not learnt: these brokers are none of the cluster's.
 */
function nothingKnown ({ topics }: Request<typeof Metadata>, errorCode: number, { router: { virtual, cluster } }: Call): ResponseInput<typeof Metadata> {
  return {
    brokers: virtual.brokers,
    clusterId: cluster.clusterId === '' ? null : cluster.clusterId,
    topics: (topics ?? []).map(({ name, topicId }) => ({ errorCode, name, topicId, partitions: [] }))
  }
}

const describeCluster = route(DescribeCluster, async (request, call) => {
  const { virtual } = call.router
  try {
    const response = await askAny(call.router.cluster, call.caller, broker => send(broker, DescribeCluster, request, call))
    if (response.errorCode !== errors.NONE) return { ...response, brokers: [], controllerId: -1 }
    // Of controllers (endpoint type 2) nothing is shown: they are no brokers that a client could use.
    const brokers = virtual.brokers.map(({ nodeId, ...rest }) => ({ brokerId: nodeId, ...rest }))
    return { ...response, brokers, controllerId: virtual.controller }
  } catch (error) {
    return { ...topLevel<typeof DescribeCluster>(failedBy(error, LOST)), clusterId: call.router.cluster.clusterId, brokers: [] }
  }
})

const describeTopicPartitions = route(DescribeTopicPartitions, async (request, call) => {
  const { virtual } = call.router
  let response
  try {
    response = await askAny(call.router.cluster, call.caller, broker => send(broker, DescribeTopicPartitions, request, call))
  } catch (error) {
    const { errorCode } = failedBy(error, NO_LEADER)
    return { topics: request.topics.map(({ name }) => ({ errorCode, name, topicId: NO_TOPIC_ID, isInternal: false, partitions: [] })), nextCursor: null }
  }
  for (const { name, partitions } of response.topics) {
    for (const partition of partitions) {
      veil(name ?? '', partition, virtual)
      partition.eligibleLeaderReplicas &&= []
      partition.lastKnownElr &&= []
    }
  }
  return response
})

/** From which version on several keys are asked for at once (KIP-699). */
const MANY = 4

const findCoordinator = route(FindCoordinator, async (request, call) => {
  const { coordinators, virtual } = call.router
  const { context: { version } } = call
  const keys = version < MANY ? [request.key] : request.coordinatorKeys
  const found = await Promise.all(keys.map(async key => {
    try {
      // Asked anew: a client asks because what it knew has proved wrong.
      coordinators.forget(request.keyType, key)
      await coordinators.find(request.keyType, key, call.caller, call.context)
      return { ...virtual.coordinator(key), key, errorCode: errors.NONE, errorMessage: version < MANY ? 'NONE' : '' }
    } catch (error) {
      return { ...failedBy(error, LOST), key, nodeId: -1, host: '', port: -1 }
    }
  }))
  if (version >= MANY) {
    return { coordinators: found.map(({ key, nodeId, host, port, errorCode, errorMessage }) => ({ key, nodeId, host, port, errorCode, errorMessage })) }
  }
  const { nodeId, host, port, errorCode, errorMessage } = found[0]!
  return { nodeId, host, port, errorCode, errorMessage, coordinators: [] }
})

export const metadataRoutes = [metadata, describeCluster, describeTopicPartitions, findCoordinator]
