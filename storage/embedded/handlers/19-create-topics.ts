/**
 * CreateTopics, v2 to v7.
 * One replica of everything: a replication factor other than 1 (or -1, the default) is refused, and an assignment may
 * only name this node. A topic that is named twice in one request is refused, as Kafka does.
 */
import { KafkaError, errors } from '../../../protocol/errors.ts'
import { CreateTopics } from '../../../protocol/messages/19-create-topics.ts'
import type { Request, ResponseInput } from '../../../protocol/schema.ts'
import { configNames, defaultOf } from '../configs.ts'
import { kafkaErrorOf } from '../failures.ts'
import { handler } from '../handler.ts'
import type { Embedded } from '../state.ts'

type Wanted = Request<typeof CreateTopics>['topics'][number]
type Created = ResponseInput<typeof CreateTopics>['topics'][number]

/** Kafka's ConfigSource codes. */
const DYNAMIC_TOPIC_CONFIG = 1
const DEFAULT_CONFIG = 5

export const createTopics = handler(CreateTopics, [2, 7], async ({ topics, validateOnly }, _context, state) => {
  const times = new Map<string, number>()
  for (const { name } of topics) times.set(name, (times.get(name) ?? 0) + 1)
  return {
    topics: await Promise.all(topics.map(async wanted => {
      try {
        if (times.get(wanted.name)! > 1) throw new KafkaError('INVALID_REQUEST', `Topic ${wanted.name} is named more than once.`)
        return await create(wanted, validateOnly, state)
      } catch (error) {
        const { errorCode, message } = kafkaErrorOf(error)
        return { name: wanted.name, errorCode, errorMessage: message, configs: null }
      }
    }))
  }
})

async function create (wanted: Wanted, validateOnly: boolean, state: Embedded): Promise<Created> {
  state.topics.checkNew(wanted.name)
  const count = partitionCount(wanted, state)
  const configs = new Map(wanted.configs.map(({ name, value }) => [name, value]))
  state.topics.checkShape(count, configs)
  const set = configs as Map<string, string> // no null passes the check
  const topic = validateOnly ? null : await state.topics.create(wanted.name, count, set)
  return {
    name: wanted.name,
    ...(topic === null ? {} : { topicId: topic.id }),
    errorCode: errors.NONE,
    errorMessage: null,
    numPartitions: count,
    replicationFactor: 1,
    configs: configNames.map(name => ({
      name,
      value: set.get(name) ?? defaultOf(name, state.options),
      readOnly: false,
      configSource: set.has(name) ? DYNAMIC_TOPIC_CONFIG : DEFAULT_CONFIG,
      isSensitive: false
    }))
  }
}

function partitionCount ({ name, numPartitions, replicationFactor, assignments }: Wanted, { nodeId, options }: Embedded): number {
  if (assignments.length === 0) {
    if (replicationFactor !== 1 && replicationFactor !== -1) {
      throw new KafkaError('INVALID_REPLICATION_FACTOR', `Replication factor ${replicationFactor} was asked for, but there is one broker.`)
    }
    return numPartitions === -1 ? options.partitions : numPartitions
  }
  if (numPartitions !== -1 || replicationFactor !== -1) {
    throw new KafkaError('INVALID_REQUEST', `Topic ${name}: with an assignment, partitions and replication factor must be -1.`)
  }
  const indexes = new Set(assignments.map(({ partitionIndex }) => partitionIndex))
  const isWhole = assignments.every(({ partitionIndex }) => partitionIndex >= 0 && partitionIndex < assignments.length)
  if (indexes.size !== assignments.length || !isWhole || assignments.some(({ brokerIds }) => brokerIds.length !== 1 || brokerIds[0] !== nodeId)) {
    throw new KafkaError('INVALID_REPLICA_ASSIGNMENT', `Partitions 0 to ${assignments.length - 1} must each be assigned to node ${nodeId}.`)
  }
  return assignments.length
}
