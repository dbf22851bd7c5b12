/**
 * IncrementalAlterConfigs, v0 and v1.
 * Sets, deletes, and for lists appends and subtracts, single configurations of topics. Effective at once. The broker's own
 * settings come from its configuration and are refused.
 */
import { KafkaError, errors } from '../../../protocol/errors.ts'
import { IncrementalAlterConfigs } from '../../../protocol/messages/44-incremental-alter-configs.ts'
import type { Request } from '../../../protocol/schema.ts'
import { checkConfig, configInfo, defaultOf } from '../configs.ts'
import { kafkaErrorOf } from '../failures.ts'
import { handler } from '../handler.ts'
import type { Embedded } from '../state.ts'
import type { Topic } from '../topics.ts'
import { TOPIC } from './32-describe-configs.ts'

type Resource = Request<typeof IncrementalAlterConfigs>['resources'][number]
type Change = Resource['configs'][number]

const SET = 0
const DELETE = 1
const APPEND = 2
const SUBTRACT = 3
const LIST = 7

export const incrementalAlterConfigs = handler(IncrementalAlterConfigs, [0, 1], async ({ resources, validateOnly }, _context, state) => ({
  responses: await Promise.all(resources.map(async resource => {
    const { resourceType, resourceName } = resource
    try {
      const topic = find(resource, state)
      if (validateOnly) change(topic.configs, resource, state)
      else await state.topics.configure(resourceName, have => change(have, resource, state))
      return { errorCode: errors.NONE, errorMessage: null, resourceType, resourceName }
    } catch (error) {
      const { errorCode, message } = kafkaErrorOf(error)
      return { errorCode, errorMessage: message, resourceType, resourceName }
    }
  }))
}))

function find ({ resourceType, resourceName }: Resource, state: Embedded): Topic {
  if (resourceType !== TOPIC) {
    throw new KafkaError('INVALID_REQUEST', 'Only the configurations of topics can be changed; start with other options for the rest.')
  }
  const topic = state.topics.get(resourceName)
  if (topic === undefined) throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', `There is no topic ${resourceName}.`)
  return topic
}

/** What a topic sets itself afterwards. */
function change (have: ReadonlyMap<string, string>, { configs }: Resource, state: Embedded): Map<string, string> {
  const changed = new Map(have)
  for (const one of configs) {
    const value = apply(one, changed, state)
    if (value === null) changed.delete(one.name)
    else changed.set(one.name, value)
  }
  for (const [name, value] of changed) checkConfig(name, value)
  return changed
}

/** The new value, or null for the default. */
function apply ({ name, configOperation, value }: Change, have: ReadonlyMap<string, string>, state: Embedded): string | null {
  if (configOperation === DELETE) return null
  checkConfig(name, value)
  if (configOperation === SET) return value
  if (configOperation !== APPEND && configOperation !== SUBTRACT) {
    throw new KafkaError('INVALID_REQUEST', `There is no configuration operation ${configOperation}: they are 0 to 3.`)
  }
  if (configInfo(name).type !== LIST) throw new KafkaError('INVALID_CONFIG', `${name} is no list: it can only be set or deleted.`)
  const before = (have.get(name) ?? defaultOf(name, state.options)).split(',').filter(word => word !== '')
  const words = value!.split(',')
  const after = configOperation === APPEND ? [...before, ...words.filter(word => !before.includes(word))] : before.filter(word => !words.includes(word))
  return after.join(',')
}
