/**
 * Configurations of topics: asked for, set and taken away.
 */
import { complete } from '../../protocol/defaults.ts'
import { errors } from '../../protocol/errors.ts'
import { DescribeConfigs } from '../../protocol/messages/32-describe-configs.ts'
import { IncrementalAlterConfigs } from '../../protocol/messages/44-incremental-alter-configs.ts'
import { newest, type Context, type Dispatch } from '../../protocol/rpc.ts'
import type { RequestInput, Response } from '../../protocol/schema.ts'
import { failure, topicError } from './failures.ts'

const TOPIC_RESOURCE = 2
const SET = 0
const DELETE = 1

/** By Kafka's ConfigSource code. */
const SOURCES = [
  'UNKNOWN', 'DYNAMIC_TOPIC_CONFIG', 'DYNAMIC_BROKER_CONFIG', 'DYNAMIC_DEFAULT_BROKER_CONFIG', 'STATIC_BROKER_CONFIG', 'DEFAULT_CONFIG',
  'DYNAMIC_BROKER_LOGGER_CONFIG', 'DYNAMIC_CLIENT_METRICS_CONFIG', 'DYNAMIC_GROUP_CONFIG'
] as const

export type ConfigSource = typeof SOURCES[number]

/** What would hold if those before it were not set, itself first. */
export interface ConfigSynonym {
  readonly name: string
  /** Null if it is secret. */
  readonly value: string | null
  readonly source: ConfigSource
}

export interface TopicConfig extends ConfigSynonym {
  readonly isReadOnly: boolean
  readonly isSensitive: boolean
  readonly synonyms: readonly ConfigSynonym[]
}

type Described = Response<typeof DescribeConfigs>['results'][number]

/** Without names: all that there are. */
async function describe (
  dispatch: Dispatch, context: Context, topics: readonly string[], names: readonly string[] | null, includeSynonyms: boolean
): Promise<readonly Described[]> {
  const { results } = await dispatch(DescribeConfigs, complete(DescribeConfigs.request, {
    resources: topics.map(resourceName => ({ resourceType: TOPIC_RESOURCE, resourceName, configurationKeys: names === null ? null : [...names] })),
    includeSynonyms
  }), { ...context, version: newest(DescribeConfigs) })
  return results
}

function one ([found]: readonly Described[], topic: string): Described {
  if (found === undefined) throw topicError(DescribeConfigs, errors.UNKNOWN_TOPIC_OR_PARTITION, topic)
  if (found.errorCode !== errors.NONE) throw failure(DescribeConfigs, found.errorCode, topic, found.errorMessage)
  return found
}

/** What is set or holds by default, by name. Rejects with KafkaError. */
export async function readConfigs (dispatch: Dispatch, context: Context, topic: string, names: readonly string[]): Promise<ReadonlyMap<string, string | null>> {
  const { configs } = one(await describe(dispatch, context, [topic], names, false), topic)
  return new Map(configs.map(({ name, value }) => [name, value]))
}

/** Sorted by name; of those that are asked for, the ones that there are. Rejects with KafkaError. */
export async function describeConfigs (dispatch: Dispatch, context: Context, topic: string, names: readonly string[] | null = null): Promise<TopicConfig[]> {
  return configsOf(one(await describe(dispatch, context, [topic], names, true), topic))
}

/** By topic. Those that are gone, or whose configurations the caller may not see, are left out. Rejects with KafkaError. */
export async function describeAllConfigs (
  dispatch: Dispatch, context: Context, topics: readonly string[]
): Promise<ReadonlyMap<string, readonly TopicConfig[]>> {
  const all = new Map<string, readonly TopicConfig[]>()
  for (const found of await describe(dispatch, context, topics, null, true)) {
    const { errorCode, resourceName } = found
    if (errorCode === errors.UNKNOWN_TOPIC_OR_PARTITION || errorCode === errors.TOPIC_AUTHORIZATION_FAILED) continue
    all.set(resourceName, configsOf(one([found], resourceName)))
  }
  return all
}

function configsOf ({ configs }: Described): TopicConfig[] {
  return configs.map(({ name, value, configSource, readOnly: isReadOnly, isSensitive, synonyms }): TopicConfig => ({
    name,
    value: isSensitive ? null : value,
    source: sourceOf(configSource),
    isReadOnly,
    isSensitive,
    synonyms: synonyms.map(synonym => ({ name: synonym.name, value: isSensitive ? null : synonym.value, source: sourceOf(synonym.source) }))
  })).sort((a, b) => a.name < b.name ? -1 : 1)
}

const sourceOf = (code: number): ConfigSource => SOURCES[code] ?? 'UNKNOWN'

/** In order; null takes a configuration away. All of them or none. Rejects with KafkaError. */
export async function writeConfigs (
  dispatch: Dispatch, context: Context, topic: string, configs: Iterable<readonly [name: string, value: string | null]>, { validateOnly = false } = {}
): Promise<void> {
  const request: RequestInput<typeof IncrementalAlterConfigs> = {
    resources: [{
      resourceType: TOPIC_RESOURCE,
      resourceName: topic,
      configs: Array.from(configs, ([name, value]) => ({ name, configOperation: value === null ? DELETE : SET, value }))
    }],
    validateOnly
  }
  const { responses: [altered] } = await dispatch(IncrementalAlterConfigs, complete(IncrementalAlterConfigs.request, request),
    { ...context, version: newest(IncrementalAlterConfigs) })
  if (altered === undefined) throw topicError(IncrementalAlterConfigs, errors.UNKNOWN_SERVER_ERROR, topic)
  if (altered.errorCode !== errors.NONE) throw failure(IncrementalAlterConfigs, altered.errorCode, topic, altered.errorMessage)
}
