/**
 * What topics ask of their records, as topic configurations: taken out of the requests of Kafka's own tools, checked, kept
 * by the gateway, and shown with the others. No engine is asked about them, so they work over any.
 *
 * Together with the configurations of a topic that are the engine's they are changed as one as far as that goes: nothing is
 * changed if ours are not right, and ours are not if the engine refuses its own.
 */
import { complete } from '../../protocol/defaults.ts'
import { errors, KafkaError } from '../../protocol/errors.ts'
import { CreateTopics } from '../../protocol/messages/19-create-topics.ts'
import { DeleteTopics } from '../../protocol/messages/20-delete-topics.ts'
import { DescribeConfigs } from '../../protocol/messages/32-describe-configs.ts'
import { IncrementalAlterConfigs } from '../../protocol/messages/44-incremental-alter-configs.ts'
import { compose, on, type Context, type Policy } from '../../protocol/rpc.ts'
import type { Request, RequestInput, Response } from '../../protocol/schema.ts'
import { canonicalName, canonicalValue, checkSettings, describeSettings, isSetting, settingsOf, type SettingsConfigs } from '../schemas/settings.ts'
import { isHidden } from './permissions.ts'
import { asServer, existing } from './topic-names.ts'
import type { ValidationTable } from './validation-table.ts'

export interface SettingsOptions {
  readonly table: ValidationTable
  /** Whether records that do not pass may be put there in the name of the caller. */
  readonly mayWrite: (context: Context, topic: string) => boolean
  /** Called when a change is durable: for the audit. */
  readonly onChange?: (context: Context, topic: string, configs: SettingsConfigs) => void
  /** The settings of a topic that is gone could not be removed. */
  readonly onTrouble?: (topic: string, error: KafkaError) => void
}

type Config = Request<typeof IncrementalAlterConfigs>['resources'][number]['configs'][number]
type Described = Response<typeof DescribeConfigs>['results'][number]['configs'][number]

const TOPIC = 2
const SET = 0
const DELETE = 1
/** Kafka's ConfigSource and ConfigType codes. */
const DYNAMIC_TOPIC_CONFIG = 1
const DEFAULT_CONFIG = 5
const BOOLEAN = 1
const STRING = 2
/** Every engine has this one. */
const SOME_CONFIG = 'cleanup.policy'

export function validationSettings (options: SettingsOptions): Policy {
  return next => compose(next, createTopics(options), deleteTopics(options), describeConfigs(options), alterConfigs(options))
}

/** Throws KafkaError. Gives what is set afterwards. */
function altered (before: SettingsConfigs, changes: readonly Config[], topic: string, context: Context, { mayWrite }: SettingsOptions): SettingsConfigs {
  const after: Record<string, string> = { ...before }
  for (const { name, configOperation, value } of changes) {
    const canonical = canonicalName(name)
    if (configOperation === DELETE) {
      delete after[canonical]
    } else if (configOperation === SET) {
      after[canonical] = canonicalValue(name, value)
    } else {
      throw new KafkaError('INVALID_CONFIG', `${name} is no list: it can only be set or deleted.`)
    }
  }
  checkSettings(topic, after)
  const { deadLetterTopic } = settingsOf(after)
  // Records are put there under the name of the process.
  const isNew = deadLetterTopic !== null && deadLetterTopic !== settingsOf(before).deadLetterTopic
  if (isNew && (isHidden(deadLetterTopic) || !mayWrite(context, deadLetterTopic))) {
    // The error of a missing permission would be read as one on the topic that is configured.
    throw new KafkaError('INVALID_CONFIG', `Records cannot be put into ${deadLetterTopic}: WRITE on TOPIC ${deadLetterTopic} is needed for that.`)
  }
  return after
}

const failureOf = (error: unknown): { errorCode: number, errorMessage: string } => {
  if (!(error instanceof KafkaError)) throw error
  return { errorCode: error.errorCode, errorMessage: error.message }
}

// ---- CreateTopics

type Wanted = Request<typeof CreateTopics>['topics'][number]
type Created = Response<typeof CreateTopics>['topics'][number]

const createTopics = (options: SettingsOptions): Policy => on(CreateTopics, async (request, context, next) => {
  if (!request.topics.some(({ configs }) => configs.some(({ name }) => isSetting(name)))) return await next(request)
  const { table } = options
  if (!table.isOpen) await table.opening
  const answers = new Map<Wanted, { errorCode: number, errorMessage: string }>()
  const ours = new Map<string, SettingsConfigs>()
  for (const topic of request.topics) {
    const own = topic.configs.filter(({ name }) => isSetting(name))
    if (own.length === 0) continue
    try {
      ours.set(topic.name, altered({}, own.map(config => ({ ...config, configOperation: SET })), topic.name, context, options))
    } catch (error) {
      answers.set(topic, failureOf(error))
    }
  }
  const topics = request.topics.filter(topic => !answers.has(topic))
    .map(topic => ({ ...topic, configs: topic.configs.filter(({ name }) => !isSetting(name)) }))
  const response = topics.length === 0
    ? complete(CreateTopics.response, { topics: [] }) as Response<typeof CreateTopics>
    : await created({ ...request, topics }, ours, context, options, next)
  const refused = complete(CreateTopics.response, {
    topics: Array.from(answers, ([{ name }, failure]) => ({ name, ...failure, configs: null }))
  }) as Response<typeof CreateTopics>
  return { ...response, topics: [...response.topics.map(topic => withSettings(topic, ours.get(topic.name))), ...refused.topics] }
})

/** What is asked of records is set before the topic is there, so that none comes in between. */
async function created (
  request: Request<typeof CreateTopics>, ours: ReadonlyMap<string, SettingsConfigs>, context: Context, { table, onChange, onTrouble }: SettingsOptions,
  next: (request: Request<typeof CreateTopics>) => Promise<Response<typeof CreateTopics>>
): Promise<Response<typeof CreateTopics>> {
  if (request.validateOnly) return await next(request)
  const possible = (await next({ ...request, validateOnly: true })).topics.filter(({ name, errorCode }) => errorCode === errors.NONE && ours.has(name))
  const before = new Map<string, SettingsConfigs>()
  const unset = new Map<string, { errorCode: number, errorMessage: string }>()
  for (const { name } of possible) {
    try {
      before.set(name, await table.change(name, () => ours.get(name)!))
    } catch (error) {
      unset.set(name, failureOf(error))
    }
  }
  const topics = request.topics.filter(({ name }) => !unset.has(name))
  const response = await next({ ...request, topics })
  for (const { name, errorCode } of response.topics) {
    const configs = before.get(name)
    if (configs === undefined) continue
    if (errorCode === errors.NONE) onChange?.(context, name, ours.get(name)!)
    else await table.change(name, () => configs).catch((error: KafkaError) => onTrouble?.(name, error))
  }
  const failed = complete(CreateTopics.response, { topics: Array.from(unset, ([name, failure]) => ({ name, ...failure, configs: null })) })
  return { ...response, topics: [...response.topics, ...failed.topics as Created[]] }
}

function withSettings (topic: Created, configs: SettingsConfigs | undefined): Created {
  if (configs === undefined || topic.errorCode !== errors.NONE || topic.configs === null) return topic
  const told = describeSettings(configs, null).map(({ name, value }) => ({
    name, value, readOnly: false, configSource: DYNAMIC_TOPIC_CONFIG, isSensitive: false
  }))
  return { ...topic, configs: [...topic.configs, ...told] }
}

// ---- DeleteTopics

const deleteTopics = ({ table, onTrouble, onChange }: SettingsOptions): Policy => on(DeleteTopics, async (request, context, next) => {
  const response = await next(request)
  for (const { name, errorCode } of response.responses) {
    if (errorCode !== errors.NONE || name === null) continue
    if (!table.isOpen) await table.opening
    if (Object.keys(table.configs(name)).length === 0) continue
    // The topic is gone, whatever becomes of this.
    await table.change(name, () => null).then(() => onChange?.(context, name, {}), (error: KafkaError) => onTrouble?.(name, error))
  }
  return response
})

// ---- DescribeConfigs

const describeConfigs = ({ table }: SettingsOptions): Policy => on(DescribeConfigs, async (request, _context, next) => {
  if (!table.isOpen) await table.opening
  const isAbout = ({ resourceType, configurationKeys: keys }: typeof request.resources[number]): boolean =>
    resourceType === TOPIC && (keys === null || keys.length === 0 || keys.some(isSetting))
  if (table.isEmpty && !request.resources.some(one => one.configurationKeys?.some(isSetting) === true)) return await next(request)
  if (!request.resources.some(isAbout)) return await next(request)
  /** By the name of the topic: null for those that are set. */
  const asked = new Map<string, readonly string[] | null>()
  const hidden = new Set<string>()
  const resources = request.resources.map(resource => {
    if (!isAbout(resource)) return resource
    const { resourceName, configurationKeys: keys } = resource
    if (keys === null || keys.length === 0) {
      asked.set(resourceName, null)
      return resource
    }
    asked.set(resourceName, keys.filter(isSetting))
    const rest = keys.filter(name => !isSetting(name))
    if (rest.length > 0) return { ...resource, configurationKeys: rest }
    // None at all would mean all of them; whether the topic is there is the engine's to say.
    hidden.add(resourceName)
    return { ...resource, configurationKeys: [SOME_CONFIG] }
  })
  const response = await next({ ...request, resources })
  return {
    ...response,
    results: response.results.map(result => {
      const { resourceType, resourceName, errorCode } = result
      const names = asked.get(resourceName)
      if (resourceType !== TOPIC || errorCode !== errors.NONE || names === undefined) return result
      const own = describeSettings(table.configs(resourceName), names).map(one => describedOf(one, request))
      return { ...result, configs: [...hidden.has(resourceName) ? [] : result.configs, ...own] }
    })
  }
})

function describedOf (
  { name, value, default: usual, isSet, isBoolean, documentation }: ReturnType<typeof describeSettings>[number],
  { includeSynonyms, includeDocumentation }: Pick<Request<typeof DescribeConfigs>, 'includeSynonyms' | 'includeDocumentation'>
): Described {
  const byDefault = { name, value: usual, source: DEFAULT_CONFIG }
  const synonyms = isSet ? [{ name, value, source: DYNAMIC_TOPIC_CONFIG }, byDefault] : [byDefault]
  return {
    name,
    value,
    readOnly: false,
    configSource: isSet ? DYNAMIC_TOPIC_CONFIG : DEFAULT_CONFIG,
    isSensitive: false,
    synonyms: includeSynonyms ? synonyms : [],
    configType: isBoolean ? BOOLEAN : STRING,
    documentation: includeDocumentation ? documentation : null
  }
}

// ---- IncrementalAlterConfigs

type Resource = Request<typeof IncrementalAlterConfigs>['resources'][number]
type Altered = Response<typeof IncrementalAlterConfigs>['responses'][number]

const alterConfigs = (options: SettingsOptions): Policy => dispatch => on(IncrementalAlterConfigs, async (request, context, next) => {
  const isOurs = ({ resourceType, configs }: Resource): boolean => resourceType === TOPIC && configs.some(({ name }) => isSetting(name))
  if (!request.resources.some(isOurs)) return await next(request)
  const { table } = options
  if (!table.isOpen) await table.opening
  const names = request.resources.filter(isOurs).map(({ resourceName }) => resourceName)
  const there = await existing(names, dispatch, asServer(context))

  const ask = async (configs: readonly Config[], resource: Resource): Promise<Altered> => {
    const input: RequestInput<typeof IncrementalAlterConfigs> = { resources: [{ ...resource, configs: [...configs] }], validateOnly: request.validateOnly }
    const response = await next(complete(IncrementalAlterConfigs.request, input) as Request<typeof IncrementalAlterConfigs>)
    return response.responses[0]!
  }
  const one = async (resource: Resource): Promise<Altered> => {
    const { resourceType, resourceName, configs } = resource
    if (!isOurs(resource)) return await ask(configs, resource)
    const told = { resourceType, resourceName }
    try {
      if (!there.has(resourceName)) throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', `There is no topic ${resourceName}.`)
      const own = configs.filter(({ name }) => isSetting(name))
      const plan = (before: SettingsConfigs): SettingsConfigs => altered(before, own, resourceName, context, options)
      plan(table.configs(resourceName))
      const rest = configs.filter(({ name }) => !isSetting(name))
      if (rest.length > 0) {
        const answer = await ask(rest, resource)
        if (answer.errorCode !== errors.NONE) return answer
      }
      if (!request.validateOnly) {
        await table.change(resourceName, plan)
        options.onChange?.(context, resourceName, table.configs(resourceName))
      }
      return { ...told, errorCode: errors.NONE, errorMessage: null }
    } catch (error) {
      return { ...told, ...failureOf(error) }
    }
  }
  return complete(IncrementalAlterConfigs.response, { responses: await Promise.all(request.resources.map(one)) }) as Response<typeof IncrementalAlterConfigs>
})(dispatch)
