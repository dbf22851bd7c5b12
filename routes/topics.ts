/**
 * Topics: listed and described as Confluent's REST Proxy v2 does, created with PUT and deleted with DELETE.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { KafkaError } from '../protocol/errors.ts'
import { createTopic, deleteTopic, getTopic, listTopics, topicConfigs, type TopicDescription, type TopicPartition } from '../src/client/admin.ts'
import { EARLIEST, LATEST, offsetsAt } from '../src/client/start.ts'
import type { Contract } from './contract.ts'
import { contextOf, type HttpDoor } from './door.ts'
import { negotiate } from './negotiate.ts'
import { ConfluentError } from './problem.ts'

interface ByTopic { Params: { topic: string } }
interface ByPartition { Params: { topic: string, partition: number } }

export function topics (app: FastifyInstance, door: HttpDoor, contract: Contract): void {
  const { dispatch } = door

  app.route<{ Querystring: { internal: boolean } }>({
    ...contract.route('listTopics'),
    handler: async (request, reply) => {
      const topics = await listTopics(dispatch, contextOf(request))
      v2(request, reply)
      return topics.filter(({ isInternal }) => request.query.internal || !isInternal).map(({ name }) => name)
    }
  })

  app.route<ByTopic>({
    ...contract.route('getTopic'),
    handler: async (request, reply) => {
      const context = contextOf(request)
      const { name, partitions } = await known(getTopic(dispatch, context, request.params.topic))
      const configs = await topicConfigs(dispatch, context, name)
      v2(request, reply)
      return { name, configs: Object.fromEntries(configs.map(({ name, value }) => [name, value])), partitions: partitions.map(partitionV2) }
    }
  })

  app.route<ByTopic>({
    ...contract.route('listPartitions'),
    handler: async (request, reply) => {
      const { partitions } = await known(getTopic(dispatch, contextOf(request), request.params.topic))
      v2(request, reply)
      return partitions.map(partitionV2)
    }
  })

  app.route<ByPartition>({
    ...contract.route('getPartition'),
    handler: async (request, reply) => {
      const { topic, partition } = request.params
      const found = partitionIn(await known(getTopic(dispatch, contextOf(request), topic)), partition)
      v2(request, reply)
      return partitionV2(found)
    }
  })

  app.route<ByPartition>({
    ...contract.route('getPartitionOffsets'),
    handler: async (request, reply) => {
      const { topic, partition } = request.params
      const context = contextOf(request)
      partitionIn(await known(getTopic(dispatch, context, topic)), partition)
      const [first, end] = await Promise.all([EARLIEST, LATEST].map(which => offsetsAt(dispatch, context, topic, [partition], which)))
      v2(request, reply)
      return { beginning_offset: first!.get(partition), end_offset: end!.get(partition) }
    }
  })

  app.route<ByTopic & { Body: { partitions?: number, configs?: Record<string, string | number | boolean | null> } | undefined }>({
    ...contract.route('createTopic'),
    handler: async (request, reply) => {
      const { params: { topic }, body } = request
      const configs = Object.entries(body?.configs ?? {}).map(([name, value]) => ({ name, value: value === null ? null : String(value) }))
      const { partitions } = await createTopic(dispatch, contextOf(request), { name: topic, partitions: body?.partitions, configs })
      reply.code(201).header('location', `/topics/${encodeURIComponent(topic)}`)
      return { name: topic, partitions }
    }
  })

  app.route<ByTopic>({
    ...contract.route('deleteTopic'),
    handler: async (request, reply) => {
      await deleteTopic(dispatch, contextOf(request), request.params.topic)
      reply.code(204)
    }
  })
}

/** Confluent's media type, unless the client asks for JSON by its plain name. */
function v2 (request: FastifyRequest, reply: FastifyReply): void {
  const type = negotiate(request.headers.accept, ['application/vnd.kafka.v2+json', 'application/json'])
  if (type === null) throw new ConfluentError(406, `Accept asks for "${request.headers.accept}"; this is application/vnd.kafka.v2+json or application/json.`)
  reply.header('content-type', type).header('vary', 'accept, origin')
}

async function known<T> (found: Promise<T>): Promise<T> {
  try {
    return await found
  } catch (error) {
    throw error instanceof KafkaError && error.code === 'UNKNOWN_TOPIC_OR_PARTITION' ? new ConfluentError(40401, error.message) : error
  }
}

function partitionIn ({ name, partitions }: TopicDescription, partition: number): TopicPartition {
  const found = partitions.find(one => one.partition === partition)
  if (found === undefined) throw new ConfluentError(40402, `Topic ${name} has no partition ${partition}: it has ${partitions.length}.`)
  return found
}

function partitionV2 ({ partition, leader, replicas, inSync }: TopicPartition): object {
  return { partition, leader, replicas: replicas.map(broker => ({ broker, leader: broker === leader, in_sync: inSync.includes(broker) })) }
}
