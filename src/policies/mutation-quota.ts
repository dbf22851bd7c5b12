/**
 * The quota of those who make and delete topics, in partitions (KIP-599). It stands behind the permissions: what is not
 * allowed uses up nothing. Nor does what is not possible; the engine is asked first what it would do.
 *
 * Callers that know the error are strict: while something is owed, each topic is refused with THROTTLING_QUOTA_EXCEEDED and
 * nothing is done for it. For older versions everything is done, and the caller held back afterwards. Topics that
 * Metadata would create are not created while something is owed: clients take that for a topic that is not there yet.
 */
import { complete } from '../../protocol/defaults.ts'
import { errors } from '../../protocol/errors.ts'
import { Metadata } from '../../protocol/messages/03-metadata.ts'
import { CreateTopics } from '../../protocol/messages/19-create-topics.ts'
import { DeleteTopics } from '../../protocol/messages/20-delete-topics.ts'
import { CreatePartitions } from '../../protocol/messages/37-create-partitions.ts'
import { compose, internalPrincipal, newest, on, type Context, type Dispatch, type Policy } from '../../protocol/rpc.ts'
import type { Api, Request, Response } from '../../protocol/schema.ts'
import type { MutationSensor } from './quota-sensors.ts'
import type { Quotas } from './quota.ts'

/** The first versions that know the error. */
const STRICT = { createTopics: 6, createPartitions: 3, deleteTopics: 5 } as const

/** The id of no topic. */
const NO_ID = 'AAAAAAAAAAAAAAAAAAAAAA'

export function mutationQuota (quotas: Quotas): Policy {
  return engine => {
    const ask = asking(engine)
    /** Applies `rule` to callers that have such a quota. */
    const limited = <A extends Api>(api: A, rule: Rule<A>): Policy => on(api, (request, context, next) => {
      const sensor = quotas.mutations(context, quotas.now())
      return sensor === null ? next(request) : rule(request, new Call(quotas, sensor, context, ask), next)
    })
    const dispatch = compose(engine,
      limited(CreateTopics, createTopics), limited(CreatePartitions, createPartitions), limited(DeleteTopics, deleteTopics), limited(Metadata, describeTopics))
    return (api, request, context) =>
      quotas.isEmpty || context.principal === internalPrincipal ? engine(api, request, context) : dispatch(api, request, context)
  }
}

type Rule<A extends Api> = (request: Request<A>, call: Call, next: (request: Request<A>) => Promise<Response<A>>) => Promise<Response<A>>

/** Asks the engine on an errand of our own. */
type Ask = <A extends Api>(api: A, request: Request<A>, context: Context) => Promise<Response<A>>

const asking = (engine: Dispatch): Ask => (api, request, context) =>
  engine(api, request, { ...context, principal: internalPrincipal, door: 'internal', version: newest(api), throttleMs: 0 })

/** One request of one who has a quota. */
class Call {
  readonly #quotas: Quotas
  readonly #sensor: MutationSensor
  readonly #context: Context
  readonly #ask: Ask

  constructor (quotas: Quotas, sensor: MutationSensor, context: Context, ask: Ask) {
    this.#quotas = quotas
    this.#sensor = sensor
    this.#context = context
    this.#ask = ask
  }

  ask<A extends Api> (api: A, request: Request<A>): Promise<Response<A>> {
    return this.#ask(api, request, this.#context)
  }

  /** What there is of the topics; nothing is created by asking. */
  async describe (topics: ReadonlyArray<{ readonly name: string | null, readonly topicId: string }>): Promise<Response<typeof Metadata>['topics']> {
    const { topics: found } = await this.ask(Metadata, complete(Metadata.request, { topics: [...topics], allowAutoTopicCreation: false }))
    return found
  }

  get isOverQuota (): boolean {
    return this.#sensor.delayMs(this.#context.door, this.#quotas.now()) > 0
  }

  take (partitions: number): void {
    this.#sensor.take(partitions, this.#quotas.now())
  }

  /**
   * Records what each topic takes. Returns the names of those that are refused; older versions do all of it, and are held
   * back afterwards.
   */
  admit (partitions: ReadonlyMap<string, number>, strictSince: number): ReadonlySet<string> {
    const nowMs = this.#quotas.now()
    const isStrict = this.#context.version >= strictSince
    const refused = new Set<string>()
    for (const [name, count] of partitions) {
      if (!isStrict) this.#sensor.take(count, nowMs)
      else if (!this.#sensor.admit(count, nowMs)) refused.add(name)
    }
    // Who is refused is told to wait, be it for less than a millisecond.
    const dueMs = this.#sensor.delayMs(this.#context.door, nowMs)
    this.#quotas.hold(this.#context, 'controller_mutation_rate', refused.size > 0 ? Math.max(1, dueMs) : isStrict ? 0 : dueMs)
    return refused
  }

  /** What a refused topic is answered with. */
  get refusal (): { errorCode: number, errorMessage: string } {
    const { limit } = this.#sensor.limit
    return {
      errorCode: errors.THROTTLING_QUOTA_EXCEEDED,
      errorMessage: `Over the controller_mutation_rate of ${limit} partitions a second: nothing was done. Ask again in ${this.waitMs} ms.`
    }
  }

  get waitMs (): number {
    return Math.ceil(this.#context.throttleMs)
  }
}

const createTopics: Rule<typeof CreateTopics> = async (request, call, next) => {
  if (request.validateOnly) return await next(request)
  // How many partitions a topic would have, the engine's default among them, and whether it could be created at all.
  const { topics } = await call.ask(CreateTopics, { ...request, validateOnly: true })
  const partitions = new Map<string, number>()
  for (const { name, errorCode, numPartitions } of topics) if (errorCode === errors.NONE) partitions.set(name, numPartitions)
  const refused = call.admit(partitions, STRICT.createTopics)
  if (refused.size === 0) return await next(request)
  const rest = request.topics.filter(({ name }) => !refused.has(name))
  const response = rest.length > 0 ? await next({ ...request, topics: rest }) : complete(CreateTopics.response, { topics: [] })
  const { refusal } = call
  const told = complete(CreateTopics.response, { topics: Array.from(refused, name => ({ name, ...refusal, configs: null })) })
  return { ...response, throttleTimeMs: call.waitMs, topics: [...response.topics, ...told.topics] }
}

const createPartitions: Rule<typeof CreatePartitions> = async (request, call, next) => {
  if (request.validateOnly) return await next(request)
  const { results } = await call.ask(CreatePartitions, { ...request, validateOnly: true })
  const isPossible = new Set<string>()
  for (const { name, errorCode } of results) if (errorCode === errors.NONE) isPossible.add(name)
  const have = new Map<string | null, number>()
  for (const { name, partitions } of await call.describe(Array.from(isPossible, name => ({ name, topicId: NO_ID })))) have.set(name, partitions.length)
  const added = new Map<string, number>()
  for (const { name, count } of request.topics) {
    if (isPossible.has(name)) added.set(name, Math.max(added.get(name) ?? 0, count - (have.get(name) ?? 0)))
  }
  const refused = call.admit(added, STRICT.createPartitions)
  if (refused.size === 0) return await next(request)
  const rest = request.topics.filter(({ name }) => !refused.has(name))
  const response = rest.length > 0 ? await next({ ...request, topics: rest }) : complete(CreatePartitions.response, { results: [] })
  const { refusal } = call
  const told = Array.from(refused, name => ({ name, ...refusal }))
  return { ...response, throttleTimeMs: call.waitMs, results: [...response.results, ...told] }
}

const deleteTopics: Rule<typeof DeleteTopics> = async (request, call, next) => {
  const wanted = request.topics.length > 0 ? request.topics : request.topicNames.map(name => ({ name, topicId: NO_ID }))
  const partitions = new Map<string, number>()
  const names = new Map<string, string>()
  for (const topic of await call.describe(wanted.filter(isSensible))) {
    if (topic.errorCode !== errors.NONE || topic.name === null) continue
    partitions.set(topic.name, topic.partitions.length)
    names.set(topic.topicId, topic.name)
  }
  const refused = call.admit(partitions, STRICT.deleteTopics)
  if (refused.size === 0) return await next(request)
  const isRefused = ({ name, topicId }: { name: string | null, topicId: string }): boolean => refused.has(name ?? names.get(topicId) ?? '')
  const topics = request.topics.filter(topic => !isRefused(topic))
  const topicNames = request.topicNames.filter(name => !refused.has(name))
  const { refusal } = call
  const told = complete(DeleteTopics.response, { responses: wanted.filter(isRefused).map(topic => ({ ...topic, ...refusal })) })
  const isLeft = topics.length + topicNames.length > 0
  const response = isLeft ? await next({ ...request, topics, topicNames }) : complete(DeleteTopics.response, { responses: [] })
  return { ...response, throttleTimeMs: call.waitMs, responses: [...response.responses, ...told.responses] }
}

/** By name or by id. Both is an error, which the engine tells. */
const isSensible = ({ name, topicId }: { name: string | null, topicId: string }): boolean => (name === null) !== (topicId === NO_ID)

const describeTopics: Rule<typeof Metadata> = async (request, call, next) => {
  if (request.topics === null || !request.allowAutoTopicCreation) return await next(request)
  const missing = new Set<string>()
  for (const { errorCode, name } of await call.describe(request.topics)) {
    if (errorCode === errors.UNKNOWN_TOPIC_OR_PARTITION && name !== null) missing.add(name)
  }
  if (missing.size === 0) return await next(request)
  if (call.isOverQuota) return await next({ ...request, allowAutoTopicCreation: false })
  const response = await next(request)
  for (const { errorCode, name, partitions } of response.topics) {
    if (errorCode === errors.NONE && name !== null && missing.has(name)) call.take(partitions.length)
  }
  return response
}
