/**
 * Configurations of one topic: asked for by name, set and taken away.
 */
import { complete } from '../../protocol/defaults.ts'
import { errors } from '../../protocol/errors.ts'
import { DescribeConfigs } from '../../protocol/messages/32-describe-configs.ts'
import { IncrementalAlterConfigs } from '../../protocol/messages/44-incremental-alter-configs.ts'
import { newest, type Context, type Dispatch } from '../../protocol/rpc.ts'
import type { RequestInput } from '../../protocol/schema.ts'
import { failure, topicError } from './failures.ts'

const TOPIC_RESOURCE = 2
const SET = 0
const DELETE = 1

/** What is set or holds by default, by name. Rejects with KafkaError. */
export async function readConfigs (dispatch: Dispatch, context: Context, topic: string, names: readonly string[]): Promise<ReadonlyMap<string, string | null>> {
  const { results: [found] } = await dispatch(DescribeConfigs, complete(DescribeConfigs.request, {
    resources: [{ resourceType: TOPIC_RESOURCE, resourceName: topic, configurationKeys: [...names] }]
  }), { ...context, version: newest(DescribeConfigs) })
  if (found === undefined) throw topicError(DescribeConfigs, errors.UNKNOWN_TOPIC_OR_PARTITION, topic)
  if (found.errorCode !== errors.NONE) throw failure(DescribeConfigs, found.errorCode, topic, found.errorMessage)
  return new Map(found.configs.map(({ name, value }) => [name, value]))
}

/** Null takes a configuration away. All of them or none. Rejects with KafkaError. */
export async function writeConfigs (dispatch: Dispatch, context: Context, topic: string, configs: ReadonlyMap<string, string | null>): Promise<void> {
  const request: RequestInput<typeof IncrementalAlterConfigs> = {
    resources: [{
      resourceType: TOPIC_RESOURCE,
      resourceName: topic,
      configs: Array.from(configs, ([name, value]) => ({ name, configOperation: value === null ? DELETE : SET, value }))
    }],
    validateOnly: false
  }
  const { responses: [altered] } = await dispatch(IncrementalAlterConfigs, complete(IncrementalAlterConfigs.request, request),
    { ...context, version: newest(IncrementalAlterConfigs) })
  if (altered === undefined) throw topicError(IncrementalAlterConfigs, errors.UNKNOWN_SERVER_ERROR, topic)
  if (altered.errorCode !== errors.NONE) throw failure(IncrementalAlterConfigs, altered.errorCode, topic, altered.errorMessage)
}
