/**
 * An engine in front of fake brokers, and clients of it: with a connection of their own, as those of Kafka, or without.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { complete } from '../../../protocol/defaults.ts'
import { errorRow, type ErrorName } from '../../../protocol/errors.ts'
import { Produce } from '../../../protocol/messages/00-produce.ts'
import { Fetch } from '../../../protocol/messages/01-fetch.ts'
import { anonymous, neverAborted, type Door } from '../../../protocol/rpc.ts'
import type { Api, RequestInput, Response } from '../../../protocol/schema.ts'
import { ClusterEngine, type ClusterDependencies, type ClusterOptions } from '../../../storage/cluster/engine.ts'
import { createUpstreamSecurity } from '../../../storage/cluster/security/security.ts'
import { batchOf, batchesOf } from '../../support/batches.ts'
import type { FakeCluster } from '../../support/fake-cluster.ts'

export const plain = createUpstreamSecurity({ tls: null, sasl: null, credentials: null, insecure: false })

/** What a broker that is there takes to answer, and much more, on a machine that does a lot else. */
export const PROMPT_MS = 900

type Produced = Response<typeof Produce>['responses'][number]['partitionResponses'][number]

/** An engine that is open; it is closed with the test. */
export async function openEngine (
  t: Test, { bootstrap }: Pick<FakeCluster, 'bootstrap'>, options: Partial<ClusterOptions> = {}, dependencies: Partial<ClusterDependencies> = {}
): Promise<ClusterEngine> {
  const engine = new ClusterEngine(
    { bootstrap, nodes: { own: 0, live: () => [0] }, passAdministration: false, ...options }, { security: plain, ...dependencies })
  t.teardown(() => engine.close())
  await engine.open()
  return engine
}

export interface CallOptions {
  readonly version?: number
  readonly signal?: AbortSignal
}

export class Client {
  readonly engine: ClusterEngine
  readonly connection: object | null
  readonly #left = new AbortController()
  readonly #door: Door

  /** A client of Kafka has a connection, a caller from another door has none. */
  constructor (engine: ClusterEngine, door: Door = 'kafka') {
    this.engine = engine
    this.#door = door
    this.connection = door === 'kafka' ? {} : null
  }

  /** The client disconnects. */
  leave (): void {
    this.#left.abort(new Error('left'))
  }

  async call<A extends Api> (api: A, request: RequestInput<A>, { version, signal }: CallOptions = {}): Promise<Response<A>> {
    return await this.engine.dispatch(api, complete(api.request, request), {
      principal: anonymous,
      door: this.#door,
      clientId: 'test',
      address: '127.0.0.1',
      version: version ?? this.engine.supports.get(api.key)?.[1] ?? api.versions[1],
      signal: signal ?? (this.connection === null ? neverAborted : this.#left.signal),
      throttleMs: 0,
      ...this.connection !== null && { connection: this.connection }
    })
  }

  /** One batch for each place; what was answered, in the order of the answer, as `topic-partition ERROR offset`. */
  async produce (places: readonly (readonly [topic: string, partition: number])[], { acks = -1, timeoutMs = 3000, value = 'x' } = {}): Promise<string[]> {
    const { responses } = await this.call(Produce, { acks, timeoutMs, topicData: topicsOf(places, value) }, { version: 12 })
    return responses.flatMap(({ name, partitionResponses }) => partitionResponses.map(one => producedText(name, one)))
  }

  /** Tries until the cluster has found together again; what was answered then. */
  async produced (topic: string, partition: number): Promise<string> {
    for (;;) {
      const [text] = await this.produce([[topic, partition]])
      if (text?.includes('NONE') === true) return text
      await sleep(20)
    }
  }

  async fetch (places: readonly Place[], options: FetchOptions = {}): Promise<Response<typeof Fetch>> {
    const { maxWaitMs = 0, minBytes = 1, maxBytes = 1024 * 1024, partitionMaxBytes = 1024 * 1024, ...call } = options
    const topics = [...Map.groupBy(places, ([topic]) => topic)].map(([topic, all]) => ({
      topic, partitions: all.map(([, partition, fetchOffset]) => ({ partition, fetchOffset, partitionMaxBytes }))
    }))
    return await this.call(Fetch, { maxWaitMs, minBytes, maxBytes, topics }, { version: 12, ...call })
  }
}

export type Place = readonly [topic: string, partition: number, offset: number]
export type FetchOptions = CallOptions & { maxWaitMs?: number, minBytes?: number, maxBytes?: number, partitionMaxBytes?: number }

/** Partitions that follow each other belong to one topic. */
function topicsOf (places: readonly (readonly [string, number])[], value: string): RequestInput<typeof Produce>['topicData'] {
  return [...Map.groupBy(places, ([name]) => name)].map(([name, all]) => ({
    name, partitionData: all.map(([, index]) => ({ index, records: [batchOf([value]).bytes] }))
  }))
}

const producedText = (name: string, { index, errorCode, baseOffset }: Produced): string => `${name}-${index} ${nameOf(errorCode)} ${baseOffset}`

/** What was fetched, as `topic-partition ERROR high-watermark batches`. */
export function fetchedText ({ responses }: Response<typeof Fetch>): string[] {
  return responses.flatMap(({ topic, partitions }) => partitions.map(({ partitionIndex, errorCode, highWatermark, records }) =>
    `${topic}-${partitionIndex} ${nameOf(errorCode)} ${highWatermark} ${batchesOf(records ?? []).length}`))
}

export const nameOf = (errorCode: number): ErrorName => errorRow(errorCode).name

/** What it gives, and how long it took, in ms. */
export async function timed<T> (work: Promise<T>): Promise<{ value: T, ms: number }> {
  const startedAt = performance.now()
  const value = await work
  return { value, ms: performance.now() - startedAt }
}
