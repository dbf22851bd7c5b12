/**
 * DeleteTopics, v1 to v6.
 * By name, or from v6 by name or id. Answers when the topic is gone.
 */
import { KafkaError, errors } from '../../../protocol/errors.ts'
import { DeleteTopics } from '../../../protocol/messages/20-delete-topics.ts'
import { handler } from '../handler.ts'

export const deleteTopics = handler(DeleteTopics, [1, 6], async ({ topics, topicNames }, _context, state) => {
  const wanted = topics.length > 0 ? topics : topicNames.map(name => ({ name, topicId: '' }))
  return {
    responses: await Promise.all(wanted.map(async ({ name, topicId }) => {
      try {
        const found = name === null ? state.topics.byId(topicId) : state.topics.get(name)
        if (found === undefined) throw new KafkaError(name === null ? 'UNKNOWN_TOPIC_ID' : 'UNKNOWN_TOPIC_OR_PARTITION')
        await state.topics.delete(found.name)
        return { name: found.name, topicId: found.id, errorCode: errors.NONE }
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error
        return { name, ...(topicId === '' ? {} : { topicId }), errorCode: error.errorCode, errorMessage: error.message }
      }
    }))
  }
})
