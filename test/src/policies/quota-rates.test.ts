/**
 * What callers get who always take all they can: their quota, whatever doors they come through. In virtual time.
 */
import t from 'tap'
import { complete } from '../../../protocol/defaults.ts'
import { Fetch } from '../../../protocol/messages/01-fetch.ts'
import { Produce } from '../../../protocol/messages/00-produce.ts'
import { neverAborted, type Context, type Dispatch, type Door } from '../../../protocol/rpc.ts'
import type { Request } from '../../../protocol/schema.ts'
import { QuotaTable } from '../../../src/access/quota-table.ts'
import { Rate } from '../../../src/access/rate.ts'
import { BandwidthSensor } from '../../../src/policies/quota-sensors.ts'
import { quota, Quotas } from '../../../src/policies/quota.ts'
import { noTurns } from './quota-bench.ts'

const MB = 1_000_000
/** What a client that is never held back gets through. */
const WIRE_BYTES_MS = 200 * MB / 1000
/** The first window: what was free at the beginning is over. */
const SETTLED_MS = 11_000

const context = (door: Door): Context =>
  ({ principal: { type: 'User', name: 'alice' }, door, clientId: door, address: '127.0.0.1', version: 9, signal: neverAborted, throttleMs: 0 })

/** Numbers that are the same in every run. */
function * randoms (seed: number): Generator<number, never> {
  let state = seed
  for (;;) {
    state = (state * 48271) % 0x7fffffff
    yield state / 0x7fffffff
  }
}

/** One that has something to do at a time, and says when it has next. */
interface Actor {
  atMs: number
  act (): Promise<{ bytes: number, nextMs: number }>
}

class Simulation {
  nowMs = 5000.5
  readonly table = new QuotaTable()
  readonly quotas = new Quotas(this.table, () => this.nowMs, noTurns)
  readonly dispatch: Dispatch
  readonly #random = randoms(42)
  readonly #startMs = this.nowMs
  readonly #taken: Array<readonly [ms: number, bytes: number]> = []
  readonly actors: Actor[] = []

  constructor () {
    const engine = (async (api: unknown, request: Request<typeof Fetch>) => {
      if (api !== Fetch) return complete(Produce.response, { responses: [] })
      const partition = request.topics[0]!.partitions[0]!
      return complete(Fetch.response, {
        sessionId: 0,
        responses: [{
          partitions: [{
            partitionIndex: 0,
            errorCode: 0,
            highWatermark: 1e9,
            abortedTransactions: null,
            records: [blank.subarray(0, Math.min(partition.partitionMaxBytes, request.maxBytes))]
          }]
        }]
      })
    }) as unknown as Dispatch
    this.dispatch = quota(this.quotas)(engine)
  }

  /** Nobody is ready the moment he may be. */
  #late (): number {
    return this.#random.next().value * 2
  }

  async run (seconds: number): Promise<this> {
    const endMs = this.nowMs + seconds * 1000
    for (;;) {
      const next = this.actors.reduce((first, one) => one.atMs < first.atMs ? one : first)
      if (next.atMs >= endMs) break
      this.nowMs = Math.max(this.nowMs, next.atMs)
      const { bytes, nextMs } = await next.act()
      if (bytes > 0) this.#taken.push([this.nowMs - this.#startMs, bytes])
      next.atMs = Math.max(nextMs, this.nowMs) + this.#late()
    }
    this.nowMs = endMs
    return this
  }

  /** Bytes a second between two times after the start. */
  mean (fromMs: number, toMs: number): number {
    let sum = 0
    for (const [ms, bytes] of this.#taken) if (ms >= fromMs && ms < toMs) sum += bytes
    return sum / (toMs - fromMs) * 1000
  }

  #add (act: Actor['act']): this {
    this.actors.push({ atMs: this.nowMs, act })
    return this
  }

  kafkaProducer (size: number): this {
    const request = produceOf(size)
    return this.#add(async () => {
      const asked = context('kafka')
      await this.dispatch(Produce, request, asked)
      return { bytes: size, nextMs: this.nowMs + Math.max(asked.throttleMs, size / WIRE_BYTES_MS) }
    })
  }

  /** Asks before it acts; is told whole seconds. */
  httpProducer (size: number): this {
    const request = produceOf(size)
    return this.#add(async () => {
      const asked = context('http')
      const throttle = this.quotas.throttle(asked, 'producer', 'request')
      if (throttle !== null && throttle.delayMs > 0) return { bytes: 0, nextMs: this.nowMs + Math.ceil(throttle.delayMs / 1000) * 1000 }
      await this.dispatch(Produce, request, asked)
      return { bytes: size, nextMs: this.nowMs + size / WIRE_BYTES_MS }
    })
  }

  kafkaConsumer (size: number): this {
    const request = complete(Fetch.request, {
      maxWaitMs: 500, minBytes: 1, topics: [{ topic: 'x', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: size }] }]
    })
    return this.#add(async () => {
      const asked = context('kafka')
      const { responses } = await this.dispatch(Fetch, request, asked)
      const bytes = responses[0]!.partitions[0]!.records!.reduce((sum, chunk) => sum + chunk.length, 0)
      return { bytes, nextMs: this.nowMs + Math.max(asked.throttleMs, bytes / WIRE_BYTES_MS) }
    })
  }

  /** Reads what was fetched for all, and stands still when it is told to. */
  webSocketConsumer (size: number): this {
    const asked = context('ws')
    return this.#add(async () => ({ bytes: size, nextMs: this.nowMs + Math.max(this.quotas.charge(asked, 'consumer', size), size / WIRE_BYTES_MS) }))
  }
}

const blank = Buffer.alloc(16 * MB)

const produceOf = (size: number): Request<typeof Produce> => complete(Produce.request, {
  acks: -1, timeoutMs: 1, topicData: [{ name: 'x', partitionData: [{ index: 0, records: [blank.subarray(0, size)] }] }]
})

type Cast = (simulation: Simulation, limit: number) => void

/** Requests are a fraction of a second of the quota, up to a batch of a usual size. */
const sizeAt = (limit: number): number => Math.min(1_048_576, limit / 40)

const casts: Readonly<Record<string, Cast>> = {
  'one producer': (one, limit) => one.kafkaProducer(sizeAt(limit)),
  'four producers': (one, limit) => { for (let i = 0; i < 4; i++) one.kafkaProducer(sizeAt(limit) / 4) },
  'a producer over HTTP': (one, limit) => one.httpProducer(sizeAt(limit)),
  'producers over Kafka and HTTP': (one, limit) => one.kafkaProducer(sizeAt(limit)).httpProducer(sizeAt(limit)),
  'one consumer': (one, limit) => one.kafkaConsumer(sizeAt(limit)),
  'one consumer that asks for 16 MB at a time': one => one.kafkaConsumer(16 * MB),
  'four consumers': (one, limit) => { for (let i = 0; i < 4; i++) one.kafkaConsumer(sizeAt(limit)) },
  'a consumer over WebSocket': (one, limit) => one.webSocketConsumer(sizeAt(limit)),
  'consumers over Kafka and WebSocket': (one, limit) => one.kafkaConsumer(sizeAt(limit)).webSocketConsumer(sizeAt(limit))
}

for (const [name, cast] of Object.entries(casts)) {
  for (const limit of [1 * MB, 10 * MB, 50 * MB]) {
    t.test(`${name} at ${limit / MB} MB/s`, async t => {
      const simulation = new Simulation()
      simulation.table.set({ user: 'alice' }, { producer_byte_rate: limit, consumer_byte_rate: limit })
      cast(simulation, limit)
      await simulation.run(72)
      for (const fromMs of [SETTLED_MS, 20_000, 40_000]) {
        const share = simulation.mean(fromMs, fromMs + 30_000) / limit
        t.ok(Math.abs(share - 1) <= 0.03, `${share.toFixed(4)} of it in the 30 seconds from ${fromMs} ms`)
      }
      t.ok(simulation.mean(0, 72_000) <= limit * 1.15, 'and what was free at the beginning is all there is besides')
    })
  }
}

t.test('another limit holds at once', async t => {
  for (const cast of [casts['one producer']!, casts['one consumer']!, casts['producers over Kafka and HTTP']!]) {
    const simulation = new Simulation()
    const set = (limit: number): void => simulation.table.set({ user: 'alice' }, { producer_byte_rate: limit, consumer_byte_rate: limit })
    set(10 * MB)
    cast(simulation, 2 * MB)
    await simulation.run(30)
    set(8 * MB)
    // Kafka holds what was taken at the old rate against the new one.
    await simulation.run(60)
    const lowered = simulation.mean(60_000, 90_000) / (8 * MB)
    t.ok(Math.abs(lowered - 1) <= 0.03, `${lowered} of the lowered`)
    set(20 * MB)
    await simulation.run(1)
    t.ok(simulation.mean(90_000, 91_000) > 10 * MB, 'raised: the first second has more than the whole window had')
    await simulation.run(50)
    const raised = simulation.mean(110_000, 140_000) / (20 * MB)
    t.ok(Math.abs(raised - 1) <= 0.03, `${raised} of the raised`)
    simulation.table.set({ user: 'alice' }, null)
    await simulation.run(1)
    t.ok(simulation.mean(141_000, 142_000) > 25 * MB, 'none at all')
  }
})

const limit = { limit: MB, sensor: 'a', entity: {}, subject: {} }

t.test('known values: what one sensor tells is what Kafka does', async t => {
  const sensor = (): BandwidthSensor => new BandwidthSensor({ ...limit, limit: 1000 })
  for (const door of ['kafka', 'http', 'ws'] as const) {
    t.equal(sensor().record(20_000, door, 0), 10_000, 'V1')
    t.equal(sensor().record(10_000, door, 0), 0, 'V2')
    t.equal(sensor().record(10_001, door, 0), 1, 'V3')
    const twice = sensor()
    t.equal(twice.record(5000, door, 0), 0)
    t.equal(twice.record(10_000, door, 2500), 4500, 'V4')
    t.equal(new BandwidthSensor({ ...limit, limit: 2 ** 20 }).record(100 * 2 ** 20, door, 0), 90_000, 'V5')
  }
})

t.test('who was never told to wait by Kafka is not told to by us, and nobody is told less', async t => {
  let lenient = 0
  let throttles = 0
  let violations = 0
  for (let seed = 1; seed <= 600; seed++) {
    const numbers = randoms(seed * 104_729)
    const random = (): number => numbers.next().value
    const sensor = new BandwidthSensor(limit)
    const rate = new Rate()
    const load = 0.2 + random() * 1.2
    const paceMs = [5, 100, 900, 5000, 11_000][Math.floor(random() * 5)]!
    let nowMs = random() * 1e6
    let wasHeld = false
    for (let step = 0; step < 150; step++) {
      nowMs += random() * paceMs * 2
      const bytes = Math.floor(random() * 2 * MB * load * paceMs / 1000)
      rate.record(bytes, nowMs)
      const ours = sensor.record(bytes, 'kafka', nowMs)
      const kafka = rate.throttleMs(MB, nowMs)
      if (kafka > 0) throttles++
      if (!wasHeld && ours !== kafka) violations++
      if (ours < kafka) lenient++
      wasHeld ||= kafka > 0
    }
  }
  t.equal(violations, 0)
  t.equal(lenient, 0)
  t.ok(throttles > 1000, `${throttles} times Kafka held somebody`)
})
