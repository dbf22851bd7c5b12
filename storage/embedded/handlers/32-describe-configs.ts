/**
 * DescribeConfigs, v1 to v4.
 * Topics and this broker; other resource types are refused. No keys ask for all, as null does. What the broker says are the few of Kafka's settings that
 * this engine has, under Kafka's names; they come from its own configuration and cannot be changed here.
 */
import { KafkaError, errors } from '../../../protocol/errors.ts'
import { DescribeConfigs } from '../../../protocol/messages/32-describe-configs.ts'
import type { Request, ResponseInput } from '../../../protocol/schema.ts'
import { configInfo, configNames, defaultOf } from '../configs.ts'
import { handler } from '../handler.ts'
import type { Embedded } from '../state.ts'

type Resource = Request<typeof DescribeConfigs>['resources'][number]
type Entry = ResponseInput<typeof DescribeConfigs>['results'][number]['configs'][number]

export const TOPIC = 2
const BROKER = 4
/** Kafka's ConfigSource codes. */
const DYNAMIC_TOPIC_CONFIG = 1
const STATIC_BROKER_CONFIG = 4
const DEFAULT_CONFIG = 5
const STRING = 2

export const describeConfigs = handler(DescribeConfigs, [1, 4], ({ resources, includeSynonyms, includeDocumentation }, _context, state) => ({
  results: resources.map(resource => {
    const { resourceType, resourceName } = resource
    try {
      const all = entriesOf(resource, state)
      const keys = resource.configurationKeys ?? []
      const configs = all.filter(({ name }) => keys.length === 0 || keys.includes(name))
        .map(entry => ({
          ...entry,
          synonyms: includeSynonyms ? entry.synonyms : [],
          documentation: includeDocumentation ? entry.documentation ?? null : null
        }))
      return { errorCode: errors.NONE, errorMessage: null, resourceType, resourceName, configs }
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      return { errorCode: error.errorCode, errorMessage: error.message, resourceType, resourceName, configs: [] }
    }
  })
}))

function entriesOf (resource: Resource, state: Embedded): Entry[] {
  switch (resource.resourceType) {
    case TOPIC: return topicEntries(resource, state)
    case BROKER: return brokerEntries(resource, state)
    default: throw new KafkaError('INVALID_REQUEST',
      `Configurations of resource type ${resource.resourceType} do not exist here: topics are ${TOPIC}, brokers ${BROKER}.`)
  }
}

function topicEntries ({ resourceName }: Resource, state: Embedded): Entry[] {
  const topic = state.topics.get(resourceName)
  if (topic === undefined) throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', `There is no topic ${resourceName}.`)
  return configNames.map(name => {
    const own = topic.configs.get(name)
    const usual = { name, value: defaultOf(name, state.options), source: DEFAULT_CONFIG }
    const { type, documentation } = configInfo(name)
    return {
      name,
      value: own ?? usual.value,
      readOnly: false,
      configSource: own === undefined ? DEFAULT_CONFIG : DYNAMIC_TOPIC_CONFIG,
      isSensitive: false,
      synonyms: own === undefined ? [usual] : [{ name, value: own, source: DYNAMIC_TOPIC_CONFIG }, usual],
      configType: type,
      documentation
    }
  })
}

function brokerEntries ({ resourceName }: Resource, { nodeId, options }: Embedded): Entry[] {
  if (resourceName !== '' && resourceName !== String(nodeId)) {
    throw new KafkaError('INVALID_REQUEST', `There is no broker ${resourceName}: this one is ${nodeId}.`)
  }
  const settings: Record<string, string> = {
    'auto.create.topics.enable': String(options.autoCreate),
    'group.initial.rebalance.delay.ms': String(options.groupInitialDelayMs),
    'log.dirs': options.dataDirectory,
    'log.retention.ms': String(options.retentionMs),
    'log.segment.bytes': String(options.segmentBytes),
    'node.id': String(nodeId),
    'num.partitions': String(options.partitions)
  }
  return Object.entries(settings).map(([name, value]) => ({
    name,
    value,
    readOnly: true,
    configSource: STATIC_BROKER_CONFIG,
    isSensitive: false,
    synonyms: [{ name, value, source: STATIC_BROKER_CONFIG }],
    configType: STRING
  }))
}
