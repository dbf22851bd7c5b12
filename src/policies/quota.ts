/**
 * Quotas, the same for every door: one principal uses up one quota over Kafka, HTTP and WebSocket together.
 *
 * As Kafka: what is too much is answered at once, and the peer is held back afterwards (`context.throttleMs`, obeyed by the
 * door). Produced bytes count always. A Kafka client that fetches too much is given an answer without records, and the
 * bytes do not count: it comes back for them. Doors that answer before they act ask `throttle` first. What a member
 * of a share group was given is its own for a while, so that is never held back: it waits afterwards.
 */
import { complete } from '../../protocol/defaults.ts'
import { Fetch } from '../../protocol/messages/01-fetch.ts'
import { Produce } from '../../protocol/messages/00-produce.ts'
import { ShareFetch } from '../../protocol/messages/78-share-fetch.ts'
import { internalPrincipal, type Context, type Door, type Policy } from '../../protocol/rpc.ts'
import type { Api, Chunks, Request, Response } from '../../protocol/schema.ts'
import type { QuotaEntity } from '../access/model.ts'
import type { QuotaLimit, QuotaTable } from '../access/quota-table.ts'
import { WINDOW_MS } from '../access/rate.ts'
import { QuotaStats } from './quota-stats.ts'
import { Turns } from './turns.ts'
import { allowance as allowanceOf, BandwidthSensor, MutationSensor, SensorPool, WorkSensor, type Sensor, type SensorKey } from './quota-sensors.ts'

export type QuotaKind = 'producer' | 'consumer' | 'request'

/** What holds for a caller now. */
export interface Throttle {
  readonly quota: SensorKey
  /** Per second; or percent. */
  readonly limit: number
  /** How long to wait before going on; 0 if within the quota. */
  readonly delayMs: number
  /** What may still be used at once: bytes, or seconds of 1 %. */
  readonly remaining: number
  /** `limit` over this time is what may be used at once by one who was silent. */
  readonly windowMs: number
  /** The entity that the quota is set for. */
  readonly entity: QuotaEntity
}

export interface QuotaOptions {
  /** Of each quota. */
  readonly maxSensors?: number
  /** Turns take real time: who has a clock of his own does without. */
  readonly turns?: Pick<Turns, 'has' | 'take'>
}

/** Throttle times are 32 bits wide. */
const MAX_DELAY_MS = 0x7fffffff
/** Sensors of each quota: whoever may choose his client id can make up as many as he likes. */
const MAX_SENSORS = 10_000
/** A reader who has used up his quota is still offered this much of it at a time: less would be many small answers. */
const SMALLEST_FETCH_MS = 250

/** How far turns are apart, over the time in which the limit gives what one of them takes. */
const TURN_PACE = 0.8

const keys = { producer: 'producer_byte_rate', consumer: 'consumer_byte_rate', request: 'request_percentage' } as const

export class Quotas {
  readonly stats: QuotaStats
  readonly #table: QuotaTable
  readonly #clock: () => number
  readonly #turns: Pick<Turns, 'has' | 'take'>
  readonly #toldUntil = new WeakMap<Context, number>()
  readonly #pools: {
    readonly producer_byte_rate: SensorPool<BandwidthSensor>
    readonly consumer_byte_rate: SensorPool<BandwidthSensor>
    readonly request_percentage: SensorPool<WorkSensor>
    readonly controller_mutation_rate: SensorPool<MutationSensor>
  }

  /** `clock` is in ms and does not go back. */
  constructor (table: QuotaTable, clock: () => number = () => performance.now(), { maxSensors = MAX_SENSORS, turns = new Turns(clock) }: QuotaOptions = {}) {
    this.#table = table
    this.#clock = clock
    this.#turns = turns
    this.#pools = {
      producer_byte_rate: new SensorPool(limit => new BandwidthSensor(limit), maxSensors),
      consumer_byte_rate: new SensorPool(limit => new BandwidthSensor(limit), maxSensors),
      request_percentage: new SensorPool(limit => new WorkSensor(limit), maxSensors),
      controller_mutation_rate: new SensorPool(limit => new MutationSensor(limit), maxSensors)
    }
    this.stats = new QuotaStats(this.#pools, table, clock)
  }

  /**
   * What the caller is to wait for before it goes on, which counts as a throttle; null if nothing. For doors that answer
   * before they act, or pause.
   */
  throttle (context: Context, ...kinds: readonly QuotaKind[]): Throttle | null {
    const strictest = this.allowance(context, ...kinds)
    if (strictest === null || strictest.delayMs === 0) return null
    this.#told(context, strictest, this.#clock())
    return strictest
  }

  /**
   * Where this caller stands with the strictest of the quotas: the one to be waited for longest, or used up first. Null if
   * none holds. Nothing is recorded.
   */
  allowance (context: Context, ...kinds: readonly QuotaKind[]): Throttle | null {
    if (this.#passes(context)) return null
    const nowMs = this.#clock()
    let strictest: Throttle | null = null
    for (const kind of kinds) {
      const key = keys[kind]
      const limit = this.#limit(key, context)
      if (limit === null) continue
      const one = this.#state(key, limit, context.door, nowMs)
      if (strictest === null || isStricter(one, strictest)) strictest = one
    }
    return strictest
  }

  /**
   * For one who was held back lately: resolves when it is his turn to go on, or when he has left. Null for anybody else, who is
   * not to wait for him. For doors that pause; Kafka's requests wait in the policy.
   */
  turn (context: Context, kind: 'producer' | 'consumer'): Promise<void> | null {
    if (this.#passes(context)) return null
    const key = keys[kind]
    const limit = this.#limit(key, context)
    const sensor = limit === null ? undefined : this.#pools[key].find(limit, this.#table.revision)
    return sensor === undefined ? null : this.turnOf(sensor, context, this.#clock())
  }

  /** What a shared reader was given: charged to the reader. Returns the delay in ms that is due now. */
  charge (context: Context, kind: 'producer' | 'consumer', bytes: number): number {
    if (this.#passes(context)) return 0
    const key = keys[kind]
    const nowMs = this.#clock()
    return bounded(this.bandwidth(key, context, nowMs)?.record(bytes, context.door, nowMs) ?? 0)
  }

  /** Time that the caller kept the event loop busy. 100 % is all of it. */
  work (context: Context, ms: number): void {
    if (this.#passes(context)) return
    const limit = this.#limit('request_percentage', context)
    if (limit === null) return
    const nowMs = this.#clock()
    this.#pools.request_percentage.use(limit, this.#table.revision, nowMs).record(ms, nowMs)
  }

  // ---- for the policies

  get isEmpty (): boolean {
    return this.#table.isEmpty
  }

  now (): number {
    return this.#clock()
  }

  /** Null if no such quota holds for the caller. */
  bandwidth (key: 'producer_byte_rate' | 'consumer_byte_rate', context: Context, nowMs: number): BandwidthSensor | null {
    const limit = this.#limit(key, context)
    return limit === null ? null : this.#pools[key].use(limit, this.#table.revision, nowMs)
  }

  /** A little faster than the limit gives, so that what was saved up can be used up. */
  turnOf (sensor: BandwidthSensor, { signal }: Context, nowMs: number): Promise<void> | null {
    return sensor.wasHeld(nowMs) || this.#turns.has(sensor) ? this.#turns.take(sensor, sensor.paceMs * TURN_PACE, signal) : null
  }

  mutations (context: Context, nowMs: number): MutationSensor | null {
    const limit = this.#limit('controller_mutation_rate', context)
    return limit === null ? null : this.#pools.controller_mutation_rate.use(limit, this.#table.revision, nowMs)
  }

  /** Holds the caller back for the longer of what is due for `key` and, where it counts, for its work. */
  hold (context: Context, key: SensorKey, delayMs: number, countsWork = true): void {
    let strictest = key
    let longestMs = bounded(delayMs)
    const limit = countsWork ? this.#limit('request_percentage', context) : null
    if (limit !== null) {
      const workMs = this.#pools.request_percentage.find(limit, this.#table.revision)?.delayMs(context.door, this.#clock()) ?? 0
      if (workMs > longestMs) {
        strictest = 'request_percentage'
        longestMs = workMs
      }
    }
    if (longestMs <= context.throttleMs) return
    context.throttleMs = longestMs
    this.stats.addThrottle(strictest, context.door, longestMs)
  }

  /** Streams ask again and again while they wait: each wait is counted once. */
  #told (context: Context, { quota, delayMs }: Throttle, nowMs: number): void {
    if (nowMs < (this.#toldUntil.get(context) ?? 0)) return
    this.#toldUntil.set(context, nowMs + delayMs)
    this.stats.addThrottle(quota, context.door, delayMs)
  }

  #passes ({ principal }: Context): boolean {
    return this.#table.isEmpty || principal === internalPrincipal
  }

  #limit (key: SensorKey, { principal, clientId }: Context): QuotaLimit | null {
    return this.#table.limit(key, principal.name, clientId)
  }

  #state (quota: SensorKey, limit: QuotaLimit, door: Door, nowMs: number): Throttle {
    const sensor: Sensor | undefined = this.#pools[quota].find(limit, this.#table.revision)
    return {
      quota,
      limit: limit.limit,
      delayMs: bounded(sensor?.delayMs(door, nowMs) ?? 0),
      remaining: sensor?.remaining(nowMs) ?? allowanceOf(quota, limit.limit),
      windowMs: WINDOW_MS,
      entity: limit.entity
    }
  }
}

function isStricter (one: Throttle, other: Throttle): boolean {
  if (one.delayMs !== other.delayMs) return one.delayMs > other.delayMs
  return one.remaining * other.limit < other.remaining * one.limit
}

const bounded = (delayMs: number): number => Math.min(MAX_DELAY_MS, delayMs)

/** Bytes in and out, and time on the event loop. */
export function quota (quotas: Quotas): Policy {
  return next => <A extends Api>(api: A, request: Request<A>, context: Context): Promise<Response<A>> => {
    if (quotas.isEmpty || context.principal === internalPrincipal) return next(api, request, context)
    const go = <B extends Api>(asked: B, inner: Request<B>): Promise<Response<B>> => worked(quotas, context, () => next(asked, inner, context))
    if (api.key === Produce.key) return produce(quotas, request as Request<typeof Produce>, context, () => go(api, request))
    if (api.key === Fetch.key) return fetch(quotas, request as Request<typeof Fetch>, context, inner => go(Fetch, inner)) as Promise<Response<A>>
    if (api.key === ShareFetch.key) return shareFetch(quotas, context, () => go(api, request) as Promise<Response<typeof ShareFetch>>) as Promise<Response<A>>
    return answer(quotas, context, () => go(api, request))
  }
}

/** Until it first waits. The Kafka door measures its requests itself, with reading and writing them. */
function worked<R> (quotas: Quotas, context: Context, next: () => Promise<R>): Promise<R> {
  if (context.door === 'kafka') return next()
  const startedMs = quotas.now()
  try {
    return next()
  } finally {
    quotas.work(context, quotas.now() - startedMs)
  }
}

/** Whether they were accepted or not: they have come all the way here. */
async function produce<R> (quotas: Quotas, { acks, topicData }: Request<typeof Produce>, context: Context, next: () => Promise<R>): Promise<R> {
  let bytes = 0
  for (const { partitionData } of topicData) for (const { records } of partitionData) bytes += byteCount(records)
  const turn = context.door === 'kafka' ? quotas.turn(context, 'producer') : null
  if (turn !== null) await turn
  try {
    return await next()
  } finally {
    const nowMs = quotas.now()
    const delayMs = quotas.bandwidth('producer_byte_rate', context, nowMs)?.record(bytes, context.door, nowMs) ?? 0
    // Nobody hears an answer to acks=0: its work is not counted, as in Kafka.
    quotas.hold(context, 'producer_byte_rate', delayMs, acks !== 0)
  }
}

async function fetch (
  quotas: Quotas, request: Request<typeof Fetch>, context: Context, next: (request: Request<typeof Fetch>) => Promise<Response<typeof Fetch>>
): Promise<Response<typeof Fetch>> {
  const askedMs = quotas.now()
  const sensor = quotas.bandwidth('consumer_byte_rate', context, askedMs)
  if (sensor === null) return await answer(quotas, context, () => next(request))
  if (context.door === 'kafka') {
    const turn = quotas.turnOf(sensor, context, askedMs)
    if (turn !== null) await turn
    sensor.unqueue(context.signal, quotas.now())
    // Nobody hears the answer: what would be read for it would be charged to those who are there.
    if (context.signal.aborted) return complete(Fetch.response, { responses: [] })
    const delayMs = dueBefore(sensor, quotas.now())
    // What would be read now would be held back for certain, and read again.
    if (delayMs > 0) {
      const response = await next({ ...request, maxWaitMs: 0, minBytes: 0, maxBytes: 1 })
      quotas.hold(context, 'consumer_byte_rate', delayMs + sensor.queue(context.signal))
      return emptied(response)
    }
  }
  const response = await next(atMost(request, roomOf(sensor, quotas.now())))
  // It may have waited for long: much can have changed.
  const nowMs = quotas.now()
  const { delayMs, isHeldBack } = charged(quotas.bandwidth('consumer_byte_rate', context, nowMs), response, context, nowMs)
  quotas.hold(context, 'consumer_byte_rate', delayMs)
  return isHeldBack ? emptied(response) : response
}

async function shareFetch (quotas: Quotas, context: Context, next: () => Promise<Response<typeof ShareFetch>>): Promise<Response<typeof ShareFetch>> {
  const response = await next()
  const nowMs = quotas.now()
  const delayMs = quotas.bandwidth('consumer_byte_rate', context, nowMs)?.record(bytesIn(response), context.door, nowMs) ?? 0
  quotas.hold(context, 'consumer_byte_rate', delayMs)
  return response
}

/** What is due before anything is read: whoever has read nothing else lately is given what there is, and waits after it. */
function dueBefore (sensor: BandwidthSensor, nowMs: number): number {
  return sensor.isIdle(nowMs) ? 0 : sensor.delayMs('kafka', nowMs)
}

/** What is due for an answer, and whether its records are to be held back. */
function charged (
  sensor: BandwidthSensor | null, response: Response<typeof Fetch>, { door, signal }: Context, nowMs: number
): { delayMs: number, isHeldBack: boolean } {
  if (sensor === null) return { delayMs: 0, isHeldBack: false }
  const bytes = bytesIn(response)
  // A batch that is larger than any window allows: who has read nothing else lately is given it, and waits after it.
  const wasIdle = sensor.isIdle(nowMs)
  const delayMs = sensor.record(bytes, door, nowMs)
  // Only Kafka's clients come back for the same records by themselves.
  const isHeldBack = delayMs > 0 && !wasIdle && door === 'kafka'
  if (isHeldBack) {
    sensor.unrecord(bytes, nowMs)
    return { delayMs: delayMs + sensor.queue(signal), isHeldBack }
  }
  return { delayMs, isHeldBack }
}

async function answer<R> (quotas: Quotas, context: Context, next: () => Promise<R>): Promise<R> {
  try {
    return await next()
  } finally {
    quotas.hold(context, 'request_percentage', 0)
  }
}

/** Never more than a window allows, as that would be held back for certain. */
function roomOf (sensor: BandwidthSensor, nowMs: number): number {
  const least = sensor.limit.limit * SMALLEST_FETCH_MS / 1000
  return Math.max(1, Math.floor(Math.max(sensor.remaining(nowMs), least)))
}

function atMost (request: Request<typeof Fetch>, room: number): Request<typeof Fetch> {
  if (request.maxBytes <= room) return request
  return { ...request, maxBytes: room, minBytes: Math.min(request.minBytes, room) }
}

/** Every partition is there, with its offsets and errors, and has nothing to read: as if nothing had been written yet. */
function emptied (response: Response<typeof Fetch>): Response<typeof Fetch> {
  return {
    ...response,
    responses: response.responses.map(topic => ({
      ...topic,
      partitions: topic.partitions.map(partition => ({
        ...partition, records: [], abortedTransactions: partition.abortedTransactions === null ? null : []
      }))
    }))
  }
}

function bytesIn ({ responses }: { readonly responses: ReadonlyArray<{ readonly partitions: ReadonlyArray<{ readonly records: Chunks | null }> }> }): number {
  let bytes = 0
  for (const { partitions } of responses) for (const { records } of partitions) bytes += byteCount(records)
  return bytes
}

function byteCount (chunks: Chunks | null): number {
  let size = 0
  if (chunks !== null) for (const chunk of chunks) size += chunk.length
  return size
}
