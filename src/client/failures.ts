/**
 * From the error code in an answer to an error that can be read: with a sentence, with the permission that was missing, or
 * with the time after which to ask again.
 */
import { errorRow, KafkaError, Throttled, type ErrorName, type MissingPermission } from '../../protocol/errors.ts'
import type { Api } from '../../protocol/schema.ts'

/** What was missing where an api answers with these errors. Kafka's answers carry the code and nothing else. */
const required: Readonly<Record<string, Partial<Record<ErrorName, readonly [operation: string, resourceType: string]>>>> = {
  Produce: { TOPIC_AUTHORIZATION_FAILED: ['WRITE', 'TOPIC'], CLUSTER_AUTHORIZATION_FAILED: ['IDEMPOTENT_WRITE', 'CLUSTER'] },
  Fetch: { TOPIC_AUTHORIZATION_FAILED: ['READ', 'TOPIC'], CLUSTER_AUTHORIZATION_FAILED: ['CLUSTER_ACTION', 'CLUSTER'] },
  ListOffsets: { TOPIC_AUTHORIZATION_FAILED: ['DESCRIBE', 'TOPIC'] },
  Metadata: { TOPIC_AUTHORIZATION_FAILED: ['DESCRIBE', 'TOPIC'] },
  CreateTopics: { TOPIC_AUTHORIZATION_FAILED: ['CREATE', 'TOPIC'], CLUSTER_AUTHORIZATION_FAILED: ['CREATE', 'CLUSTER'] },
  DeleteTopics: { TOPIC_AUTHORIZATION_FAILED: ['DELETE', 'TOPIC'] },
  DescribeConfigs: { TOPIC_AUTHORIZATION_FAILED: ['DESCRIBE_CONFIGS', 'TOPIC'], CLUSTER_AUTHORIZATION_FAILED: ['DESCRIBE_CONFIGS', 'CLUSTER'] },
  JoinGroup: { GROUP_AUTHORIZATION_FAILED: ['READ', 'GROUP'] },
  SyncGroup: { GROUP_AUTHORIZATION_FAILED: ['READ', 'GROUP'] },
  Heartbeat: { GROUP_AUTHORIZATION_FAILED: ['READ', 'GROUP'] },
  OffsetCommit: { GROUP_AUTHORIZATION_FAILED: ['READ', 'GROUP'], TOPIC_AUTHORIZATION_FAILED: ['READ', 'TOPIC'] },
  OffsetFetch: { GROUP_AUTHORIZATION_FAILED: ['DESCRIBE', 'GROUP'], TOPIC_AUTHORIZATION_FAILED: ['DESCRIBE', 'TOPIC'] },
  IncrementalAlterConfigs: { TOPIC_AUTHORIZATION_FAILED: ['ALTER_CONFIGS', 'TOPIC'], CLUSTER_AUTHORIZATION_FAILED: ['ALTER_CONFIGS', 'CLUSTER'] },
  DescribeAcls: { CLUSTER_AUTHORIZATION_FAILED: ['DESCRIBE', 'CLUSTER'] },
  CreateAcls: { CLUSTER_AUTHORIZATION_FAILED: ['ALTER', 'CLUSTER'] },
  DeleteAcls: { CLUSTER_AUTHORIZATION_FAILED: ['ALTER', 'CLUSTER'] },
  DescribeClientQuotas: { CLUSTER_AUTHORIZATION_FAILED: ['DESCRIBE_CONFIGS', 'CLUSTER'] },
  AlterClientQuotas: { CLUSTER_AUTHORIZATION_FAILED: ['ALTER_CONFIGS', 'CLUSTER'] },
  DescribeUserScramCredentials: { CLUSTER_AUTHORIZATION_FAILED: ['DESCRIBE', 'CLUSTER'] },
  AlterUserScramCredentials: { CLUSTER_AUTHORIZATION_FAILED: ['ALTER', 'CLUSTER'] }
}

const CLUSTER_NAME = 'kafka-cluster'

export function kafkaError (errorCode: number, message?: string | null): KafkaError {
  const { name } = errorRow(errorCode)
  return new KafkaError(name, message ?? undefined)
}

/** The error of an answer of `api`; `resource` is the name of what was asked about. */
export function failure (api: Api, errorCode: number, resource: string, message?: string | null): KafkaError {
  const { name } = errorRow(errorCode)
  const row = required[api.name]?.[name]
  if (row === undefined) return kafkaError(errorCode, message)
  const [operation, resourceType] = row
  return forbidden(name, { operation, resourceType, resourceName: resourceType === 'CLUSTER' ? CLUSTER_NAME : resource })
}

export function forbidden (name: ErrorName, missing: MissingPermission): KafkaError {
  const { operation, resourceType, resourceName } = missing
  const kind = resourceType.toLowerCase().replaceAll('_', ' ')
  return new KafkaError(name, `Not authorised: this needs ${operation} on the ${kind} ${resourceName}.`, { missing })
}

/** The same for an api about one topic, whose errors should name it. */
export function topicError (api: Api, errorCode: number, topic: string): KafkaError {
  const { name, sentence } = errorRow(errorCode)
  return failure(api, errorCode, topic, name === 'UNKNOWN_TOPIC_OR_PARTITION' ? `There is no topic ${topic}.` : `Topic ${topic}: ${sentence}`)
}

/** Topics are made and deleted at a rate: an answer that says so says when to ask again, too. */
export function mutationError (api: Api, errorCode: number, topic: string, throttleTimeMs: number, message?: string | null): KafkaError {
  if (errorRow(errorCode).name === 'THROTTLING_QUOTA_EXCEEDED') return new Throttled('controller_mutation_rate', throttleTimeMs, message ?? undefined)
  return message === null || message === undefined ? topicError(api, errorCode, topic) : failure(api, errorCode, topic, message)
}
