/**
 * What is needed for what at the schema registry: a table like that of Kafka's requests, which docs/permissions.md prints too.
 *
 * A subject is no resource of its own. It belongs to a topic, and who may do something to the topic may do the like to what its
 * records look like: the schemas of `orders-key` and `orders-value` are those of the topic `orders`; a subject of any other name
 * is treated as a topic of that name. Contexts do not count: `:.team:orders-value` belongs to `orders`, too. Where a subject is an
 * alias, the one that is meant counts, but for its own configuration.
 */
import type { ErrorName } from '../../protocol/errors.ts'
import type { Operation, ResourceType } from '../access/model.ts'
import { qualifiedName } from '../schemas/subjects.ts'
import type { Need } from './permissions.ts'

const TOPIC = 'TOPIC_AUTHORIZATION_FAILED'
const CLUSTER = 'CLUSTER_AUTHORIZATION_FAILED'

function need (operation: Operation, resourceType: ResourceType, of: string, denied: ErrorName | null, answer: string): Need {
  return { operation, resourceType, of, denied, answer, unless: null }
}

const onCluster = (operation: Operation, of: string): Need => need(operation, 'CLUSTER', of, CLUSTER, '40301')
const onTopic = (operation: Operation, of = 'the subject\'s'): Need => need(operation, 'TOPIC', of, TOPIC, '40301')
const referred = onTopic('DESCRIBE', 'that of each subject that the schema refers to')

export type RegistryAction = 'ListSubjects' | 'ReadSubject' | 'ReadSchema' | 'CompareSchema' | 'RegisterSchema' | 'DeleteSubject' |
  'ReadRegistryConfig' | 'AlterRegistryConfig' | 'ListContexts' | 'DeleteContext'

export const registryPermissions = {
  ListSubjects: { topic: need('DESCRIBE', 'TOPIC', 'that of each subject', null, 'the subject is left out') },
  ReadSubject: { topic: onTopic('DESCRIBE') },
  ReadSchema: {
    topic: need('DESCRIBE', 'TOPIC', 'that of one of the subjects that have the schema', TOPIC, '40301'),
    cluster: onCluster('DESCRIBE', 'if no subject has it any more')
  },
  CompareSchema: { topic: onTopic('DESCRIBE'), references: referred },
  RegisterSchema: { topic: onTopic('WRITE'), references: referred },
  DeleteSubject: { topic: onTopic('DELETE') },
  ReadRegistryConfig: { topic: onTopic('DESCRIBE_CONFIGS'), cluster: onCluster('DESCRIBE_CONFIGS', 'for a context, and for everything') },
  AlterRegistryConfig: {
    topic: onTopic('ALTER_CONFIGS'),
    cluster: onCluster('ALTER_CONFIGS', 'for a context, and for everything')
  },
  ListContexts: { cluster: onCluster('DESCRIBE_CONFIGS', '') },
  DeleteContext: { cluster: onCluster('ALTER_CONFIGS', '') }
} as const satisfies { readonly [A in RegistryAction]: { readonly [need: string]: Need } }

/** Null for a context as a whole, and for everything: that is the cluster's. */
export function topicOf (subject: string | null): string | null {
  if (subject === null) return null
  const { name } = qualifiedName(subject)
  return name === '' ? null : name.replace(/(.)-(key|value)$/s, '$1')
}
