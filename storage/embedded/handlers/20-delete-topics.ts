/**
 * DeleteTopics, v1 to v6.
 * By name, or from v6 by name or id. Answers when the topic is gone.
 */
import { KafkaError, errors } from '../../../protocol/errors.ts'
import { DeleteTopics } from '../../../protocol/messages/20-delete-topics.ts'
import { kafkaErrorOf } from '../failures.ts'
import { handler } from '../handler.ts'

/** The id of no topic. */
const NO_ID = 'AAAAAAAAAAAAAAAAAAAAAA'

export const deleteTopics = handler(DeleteTopics, [1, 6], async ({ topics, topicNames }, _context, state) => {
  const wanted = topics.length > 0 ? topics : topicNames.map(name => ({ name, topicId: NO_ID }))
  return {
    responses: await Promise.all(wanted.map(async ({ name, topicId }) => {
      try {
        if (name !== null && topicId !== NO_ID) throw new KafkaError('INVALID_REQUEST', `${name} was named and given an id: one of them is enough.`)
        const found = name === null ? state.topics.byId(topicId) : state.topics.get(name)
        if (found === undefined) throw new KafkaError(name === null ? 'UNKNOWN_TOPIC_ID' : 'UNKNOWN_TOPIC_OR_PARTITION')
        await state.topics.delete(found.name, found.id)
        return { name: found.name, topicId: found.id, errorCode: errors.NONE }
      } catch (error) {
        const { errorCode, message } = kafkaErrorOf(error)
        return { name, topicId, errorCode, errorMessage: message }
      }
    }))
  }
})
