/**
 * Clusters and topics as Confluent's REST Proxy v3 has them.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { createTopic, deleteTopic, getBrokers, getTopic, listTopics, type ConfigEntry } from '../src/client/admin.ts'
import type { Contract } from './contract.ts'
import { contextOf, type HttpDoor } from './door.ts'
import { ConfluentError } from './problem.ts'
import { Resources } from './v3-resources.ts'

interface ByCluster { Params: { cluster_id: string } }
interface ByTopic { Params: { cluster_id: string, topic_name: string } }
interface ByPartition { Params: { cluster_id: string, topic_name: string, partition_id: number } }

interface NewTopicV3 {
  readonly topic_name: string
  readonly partitions_count?: number | null
  readonly replication_factor?: number | null
  readonly replicas_assignments?: readonly { readonly partition_id: number, readonly broker_ids: readonly number[] }[] | null
  readonly configs?: readonly { readonly name: string, readonly value?: string | null }[] | null
  readonly validate_only?: boolean | null
}

export function v3Topics (app: FastifyInstance, door: HttpDoor, contract: Contract): void {
  const { dispatch, log } = door
  const resourcesFor = (request: FastifyRequest<ByCluster>): Resources => {
    checkCluster(door, request.params.cluster_id)
    return new Resources(request, log.clusterId)
  }

  app.route({
    ...contract.route('listClustersV3'),
    handler: async request => {
      const { controllerId } = await getBrokers(dispatch, contextOf(request))
      const resources = new Resources(request, log.clusterId)
      return resources.clusters([resources.cluster(controllerId)])
    }
  })

  app.route<ByCluster>({
    ...contract.route('getClusterV3'),
    handler: async request => {
      const resources = resourcesFor(request)
      const { controllerId } = await getBrokers(dispatch, contextOf(request))
      return resources.cluster(controllerId)
    }
  })

  app.route<ByCluster>({
    ...contract.route('listTopicsV3'),
    handler: async request => {
      const resources = resourcesFor(request)
      const topics = await listTopics(dispatch, contextOf(request))
      return resources.list('KafkaTopicList', '/topics', topics.map(topic => resources.topic(topic)))
    }
  })

  app.route<ByCluster & { Body: NewTopicV3 }>({
    ...contract.route('createTopicV3'),
    handler: async (request, reply) => {
      const resources = resourcesFor(request)
      const { body } = request
      const { topic_name: name } = body
      const validateOnly = body.validate_only === true
      const counts = await createTopic(dispatch, contextOf(request), {
        name,
        partitions: body.partitions_count ?? undefined,
        replicationFactor: body.replication_factor ?? undefined,
        assignments: (body.replicas_assignments ?? []).map(one => ({ partitionIndex: one.partition_id, brokerIds: one.broker_ids })),
        configs: (body.configs ?? []).map(({ name, value }): ConfigEntry => ({ name, value: value ?? null })),
        validateOnly
      })
      if (!validateOnly) reply.code(201).header('location', resources.url(resources.topicPath(name)))
      return resources.topic({ name, isInternal: false, partitions: [] }, counts)
    }
  })

  app.route<ByTopic>({
    ...contract.route('getTopicV3'),
    handler: async request => {
      const resources = resourcesFor(request)
      return resources.topic(await getTopic(dispatch, contextOf(request), request.params.topic_name))
    }
  })

  app.route<ByTopic>({
    ...contract.route('deleteTopicV3'),
    handler: async (request, reply) => {
      resourcesFor(request)
      await deleteTopic(dispatch, contextOf(request), request.params.topic_name)
      reply.code(204)
    }
  })

  app.route<ByTopic>({
    ...contract.route('listPartitionsV3'),
    handler: async request => {
      const resources = resourcesFor(request)
      const { name, partitions } = await getTopic(dispatch, contextOf(request), request.params.topic_name)
      return resources.list('KafkaPartitionList', `${resources.topicPath(name)}/partitions`, partitions.map(one => resources.partition(name, one)))
    }
  })

  app.route<ByPartition>({
    ...contract.route('getPartitionV3'),
    handler: async request => {
      const resources = resourcesFor(request)
      const { topic_name: topic, partition_id: partition } = request.params
      const { partitions } = await getTopic(dispatch, contextOf(request), topic)
      const found = partitions.find(one => one.partition === partition)
      if (found === undefined) throw new ConfluentError(40402, `Topic ${topic} has no partition ${partition}: it has ${partitions.length}.`)
      return resources.partition(topic, found)
    }
  })
}

export function checkCluster ({ log }: HttpDoor, clusterId: string): void {
  if (clusterId !== log.clusterId) throw new ConfluentError(404, `Cluster ${clusterId} cannot be found; this is ${log.clusterId}.`)
}
