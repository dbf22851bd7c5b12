/**
 * A group coordinator with a log in memory and a clock that only moves when it is told to. Requests go through the handlers,
 * and both they and their answers through the codec, so that every answer is one that its version can carry.
 */
import { complete } from '../../../../protocol/defaults.ts'
import { KafkaError, errorRow } from '../../../../protocol/errors.ts'
import { readRequest, readRequestHeader, readResponse, writeRequest, writeResponse } from '../../../../protocol/frame.ts'
import { Reader } from '../../../../protocol/reader.ts'
import { buildBatch, recordsIn, type NewRecord } from '../../../../protocol/records.ts'
import { anonymous, neverAborted } from '../../../../protocol/rpc.ts'
import type { Api, RequestInput, Response, ResponseInput } from '../../../../protocol/schema.ts'
import type { GroupClock, Timer } from '../../../../storage/embedded/groups/clock.ts'
import { defaultGroupConfig, type GroupConfig } from '../../../../storage/embedded/groups/config.ts'
import { Groups } from '../../../../storage/embedded/groups/groups.ts'
import type { GroupLog } from '../../../../storage/embedded/groups/journal.ts'
import type { Handler } from '../../../../storage/embedded/handler.ts'
import type { Embedded } from '../../../../storage/embedded/state.ts'

/** Lets everything that was resolved go on. */
export const settle = (): Promise<void> => new Promise(resolve => { setImmediate(resolve) })

interface Scheduled extends Timer {
  readonly atMs: number
  readonly run: () => void
}

export class VirtualClock implements GroupClock {
  #nowMs = Date.UTC(2026, 0, 1)
  #timers: Scheduled[] = []

  get pending (): number { return this.#timers.length }

  now (): number { return this.#nowMs }

  setTimer (ms: number, run: () => void): Timer {
    const timer: Scheduled = { atMs: this.#nowMs + ms, run, clear: () => { this.#timers = this.#timers.filter(one => one !== timer) } }
    this.#timers.push(timer)
    return timer
  }

  /** Moves on by `ms`, through every timer that is due on the way, in order. */
  async advance (ms: number): Promise<void> {
    const end = this.#nowMs + ms
    await settle()
    for (;;) {
      const next = this.#timers.reduce<Scheduled | null>((first, one) => first === null || one.atMs < first.atMs ? one : first, null)
      if (next === null || next.atMs > end) break
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      next.clear()
      next.run()
      await settle()
    }
    this.#nowMs = end
  }
}

interface Waiting {
  readonly records: readonly NewRecord[]
  readonly done: PromiseWithResolvers<void>
}

/** The topic `__consumer_offsets`: durable at once, or, while it is held, when `release` or `fail` is called. */
export class MemoryLog implements GroupLog {
  readonly records: NewRecord[] = []
  isHeld = false
  /** How each append goes, if it is not durable at once. */
  delay: (() => { readonly clock: GroupClock, readonly ms: number, readonly fails: boolean }) | null = null
  #waiting: Waiting[] = []

  get waiting (): number { return this.#waiting.length }

  async append (records: readonly NewRecord[]): Promise<void> {
    const waiting: Waiting = { records, done: Promise.withResolvers() }
    this.#waiting.push(waiting)
    if (this.delay !== null) {
      const { clock, ms, fails } = this.delay()
      clock.setTimer(ms, () => this.#finish(waiting, fails ? new KafkaError('KAFKA_STORAGE_ERROR') : null))
    } else if (!this.isHeld) this.#finish(waiting, null)
    await waiting.done.promise
  }

  async release (): Promise<void> {
    for (const waiting of [...this.#waiting]) this.#finish(waiting, null)
    await settle()
  }

  async fail (error: Error = new KafkaError('KAFKA_STORAGE_ERROR')): Promise<void> {
    for (const waiting of [...this.#waiting]) this.#finish(waiting, error)
    await settle()
  }

  /** A log takes what came first first: nothing is finished before what was appended earlier. */
  #finish (waiting: Waiting, error: Error | null): void {
    const count = this.#waiting.indexOf(waiting) + 1
    for (const { records, done } of this.#waiting.splice(0, count)) {
      if (error !== null) done.reject(error)
      else {
        this.records.push(...records)
        done.resolve()
      }
    }
  }
}

export interface WorldOptions {
  readonly config?: Partial<GroupConfig>
  readonly clock?: VirtualClock
  /** What an earlier coordinator has written. */
  readonly stored?: readonly NewRecord[]
}

/** Topics `orders` and `events` have four partitions each, nothing else exists. */
export class World {
  readonly clock: VirtualClock
  readonly log = new MemoryLog()
  readonly groups: Groups
  readonly topics = new Set(['orders', 'events'])

  constructor ({ config = {}, clock = new VirtualClock(), stored = [] }: WorldOptions = {}) {
    this.clock = clock
    this.groups = new Groups({
      log: this.log,
      config: { ...defaultGroupConfig, ...config },
      partitionExists: (topic, partition) => this.topics.has(topic) && partition >= 0 && partition < 4,
      clock
    })
    if (stored.length > 0) {
      const batch = buildBatch(stored)
      for (const record of recordsIn(batch)) this.groups.replay(record)
      batch.bytes.fill(0xee)
    }
    this.log.records.push(...stored)
    this.groups.start()
  }

  /** A coordinator that finds what this one has made durable. */
  restart (options: WorldOptions = {}): World {
    this.groups.stop()
    return new World({ clock: this.clock, stored: this.log.records, ...options })
  }

  async call<A extends Api> (handler: Handler<A>, version: number, request: RequestInput<A>, clientId = 'client'): Promise<Response<A>> {
    const { api, versions, handle } = handler
    if (version < versions[0] || version > versions[1]) throw new RangeError(`${api.name} v${version} is not advertised`)
    const received = Buffer.concat(writeRequest(api, version, 1, clientId, request)).subarray(4)
    const reader = new Reader(received)
    readRequestHeader(reader)
    const context = { principal: anonymous, door: 'kafka', clientId, address: '10.0.0.7', version, signal: neverAborted, throttleMs: 0 } as const
    const answer = await handle(readRequest(api, version, reader), context, { nodeId: 3, groups: this.groups } as unknown as Embedded)
    received.fill(0xee) // whoever keeps bytes of a request has to copy them
    const frame = Buffer.concat(writeResponse(api, version, 1, complete(api.response, answer) as ResponseInput<A>))
    return readResponse(api, version, frame.subarray(4)).body
  }
}

/** The name of an error code, which reads better than the number when a test fails. */
export const nameOf = (errorCode: number): string => errorRow(errorCode).name
