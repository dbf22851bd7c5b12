/**
 * CreatePartitions, v0 to v3.
 * The count is the new total. An assignment may only name this node.
 */
import { KafkaError, errors } from '../../../protocol/errors.ts'
import { CreatePartitions } from '../../../protocol/messages/37-create-partitions.ts'
import { kafkaErrorOf } from '../failures.ts'
import { handler } from '../handler.ts'

export const createPartitions = handler(CreatePartitions, [0, 3], async ({ topics, validateOnly }, _context, state) => ({
  results: await Promise.all(topics.map(async ({ name, count, assignments }) => {
    try {
      const have = state.topics.get(name)?.partitions.length
      if (have === undefined) throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', `There is no topic ${name}.`)
      const isOurs = assignments === null || (assignments.length === count - have &&
        assignments.every(({ brokerIds }) => brokerIds.length === 1 && brokerIds[0] === state.nodeId))
      if (!isOurs) throw new KafkaError('INVALID_REPLICA_ASSIGNMENT', `Each new partition must be assigned to node ${state.nodeId}.`)
      if (count <= have) throw new KafkaError('INVALID_PARTITIONS', `Topic ${name} has ${have} partitions; that can only be increased.`)
      if (!validateOnly) await state.topics.addPartitions(name, count)
      return { name, errorCode: errors.NONE, errorMessage: null }
    } catch (error) {
      const { errorCode, message } = kafkaErrorOf(error)
      return { name, errorCode, errorMessage: message }
    }
  }))
}))
