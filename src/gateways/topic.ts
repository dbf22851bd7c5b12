/**
 * The topic in which gateways tell each other that they are there. An ordinary one for the cluster; the policies hide it from
 * everyone but the process itself: who could write to it could send clients wherever he likes.
 */
import type { TopicSpec } from '../state/topic.ts'

export const GATEWAYS_TOPIC = '_barnabas_gateways'

export const gatewaysTopic: TopicSpec = {
  name: GATEWAYS_TOPIC,
  configs: [
    { name: 'cleanup.policy', value: 'compact' },
    // A record a second from each, of which the last counts: small segments are compacted soon, and read quickly by who starts.
    { name: 'segment.bytes', value: String(1024 * 1024) }
  ],
  clientId: 'barnabas-gateways'
}
