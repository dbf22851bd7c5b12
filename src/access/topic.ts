/**
 * The topic that holds what is known of access. An ordinary one for the engine; `src/policies/authorize.ts` hides it from
 * everyone but the process itself.
 */
import { MAX_BATCH_BYTES, type TopicSpec } from '../state/topic.ts'

export const ACCESS_TOPIC = '_barnabas'

export const accessTopic: TopicSpec = {
  name: ACCESS_TOPIC,
  configs: [
    { name: 'cleanup.policy', value: 'compact' },
    { name: 'max.message.bytes', value: String(MAX_BATCH_BYTES) },
    { name: 'segment.bytes', value: String(2 * MAX_BATCH_BYTES) }
  ],
  clientId: 'barnabas-access'
}
