/**
 * An existing Kafka cluster as the log: a router. Clients see the gateways as brokers and nothing of the cluster; each request
 * is split by who leads or coordinates what it is about, sent on connections that belong to the client's own, and the
 * answers are put together.
 */
import { complete } from '../../protocol/defaults.ts'
import { KafkaError } from '../../protocol/errors.ts'
import { apiOf } from '../../protocol/apis.ts'
import { internalPrincipal, neverAborted, type Context, type Dispatch } from '../../protocol/rpc.ts'
import { Fetch } from '../../protocol/messages/01-fetch.ts'
import type { Api, Request, Response } from '../../protocol/schema.ts'
import type { EngineState, LogEngine } from '../engine.ts'
import { adminRoutes, passedOn } from './admin.ts'
import { byNameOnly } from './by-name.ts'
import { Cluster } from './cluster.ts'
import { configRoutes } from './configs.ts'
import { Coordinators } from './coordinators.ts'
import { fetch } from './fetch.ts'
import { groupRoutes } from './groups.ts'
import { Line } from './line.ts'
import { metadataRoutes } from './metadata.ts'
import { Patience } from './patience.ts'
import { Polls } from './polls.ts'
import { Pool } from './pool.ts'
import { recordRoutes } from './records.ts'
import { shareRoutes } from './share.ts'
import type { Route, Router } from './route.ts'
import type { Broker } from './broker.ts'
import { refusedIdentity, type Endpoint, type UpstreamIdentity, type UpstreamSecurity, type VirtualNodes } from './upstream.ts'
import { VirtualCluster } from './virtual.ts'
import { SilentLeaders } from './while-it-leads.ts'

export interface ClusterOptions {
  /** At least one: whom to ask for the others. */
  readonly bootstrap: readonly Endpoint[]
  readonly nodes: VirtualNodes
  /** Whether ACLs, users and quotas are those of the cluster. */
  readonly passAdministration: boolean
  /** How long a start tries to reach the cluster, in ms. */
  readonly connectTimeoutMs?: number
}

export interface ClusterDependencies {
  readonly security: UpstreamSecurity
  /** A broker that was in use can be reached no more: for the log. */
  readonly onLost?: (broker: number, address: string, cause: string) => void
}

const SWEEP_MS = 1000
const RETRY_MS = 250
const CONNECT_TIMEOUT_MS = 60_000
/** As Kafka's own clients (metadata.max.age.ms), only more often: what is learnt late is paid for with a failed request. */
const REFRESH_MS = 60_000

/** Who has been silent for so long is asked whether he is there; who does not answer for longer is not. */
const SILENCE_MS = 3000
const GONE_MS = 8000

interface Scope {
  readonly line: Line
  readonly polls: Polls
}

export class ClusterEngine implements LogEngine {
  readonly #options: ClusterOptions
  readonly #security: UpstreamSecurity
  readonly #cluster: Cluster
  readonly #router: Router
  readonly #routes: ReadonlyMap<number, Route>
  /** By the client's connection, and by in whose name it goes on. */
  readonly #scopes = new Map<object, Map<string, Scope>>()
  readonly #pools = new Map<string, Pool>()
  readonly #ownPool: Pool
  readonly #patience = new Patience()
  #supports: ReadonlyMap<number, readonly [min: number, max: number]> = new Map()
  #state: EngineState = 'closed'
  #failure: string | null = null
  #sweep: NodeJS.Timeout | null = null
  #refreshedAt = 0
  #closing = false

  constructor (options: ClusterOptions, { security, onLost = () => {} }: ClusterDependencies) {
    this.#options = options
    this.#security = security
    this.#ownPool = this.#pool(internalPrincipal)
    this.#cluster = new Cluster(options.bootstrap, security, this.#ownPool, { lost: onLost, upgraded: () => this.#takeStock() })
    this.#router = {
      cluster: this.#cluster, coordinators: new Coordinators(this.#cluster), virtual: new VirtualCluster(options.nodes), silent: new SilentLeaders()
    }
    const routes = [
      ...recordRoutes, fetch, ...metadataRoutes, ...groupRoutes, ...shareRoutes, ...adminRoutes, ...configRoutes,
      ...options.passAdministration ? passedOn : []
    ]
    this.#routes = new Map(routes.map(one => [one.api.key, one]))
  }

  get supports (): ReadonlyMap<number, readonly [min: number, max: number]> { return this.#supports }
  get state (): EngineState { return this.#state }
  get failure (): string | null { return this.#failure }
  get clusterId (): string { return this.#cluster.clusterId }
  /** For the metrics. */
  get brokers (): ReadonlyMap<number, Broker> { return this.#cluster.brokers }

  /** Rejects with KafkaError, and with the signal's reason if the client has left while it waited for something to read. */
  readonly dispatch: Dispatch = async <A extends Api>(api: A, request: Request<A>, given: Context): Promise<Response<A>> => {
    const found = this.#routes.get(api.key)
    if (found === undefined) throw new KafkaError('UNSUPPORTED_VERSION', `${api.name} is not supported.`)
    if (this.#closing) throw new KafkaError('COORDINATOR_NOT_AVAILABLE', 'The gateway stops.')
    const context = byNameOnly(api, request, given)
    const scope = this.#scope(context)
    try {
      const call = { context, router: this.#router, caller: scope?.line ?? this.#pool(context.principal), polls: scope?.polls ?? null }
      const answer = scope === null && context.door !== 'kafka'
        ? this.#patience.last(api, request as never, context.signal, () => found.handle(request as never, call))
        : found.handle(request as never, call)
      const onlyReads = api.key === Fetch.key
      const response = await (onlyReads && scope === null ? orLeft(answer, context.signal) : answer)
      // What was given up with the connection is no answer of the cluster.
      if (onlyReads) context.signal.throwIfAborted()
      return (found.isWhole ? response : complete(api.response, response as never)) as Response<A>
    } catch (error) {
      if (context.signal.aborted && !(error instanceof KafkaError)) throw context.signal.reason
      throw error
    }
  }

  /** What is kept for the connection of a client; null for requests that belong to none. */
  #scope ({ connection, principal, signal }: Context): Scope | null {
    if (connection === undefined) return null
    let scopes = this.#scopes.get(connection)
    if (scopes === undefined) {
      this.#scopes.set(connection, scopes = new Map())
      const close = (): void => this.#leave(connection)
      if (signal.aborted) setImmediate(close)
      else signal.addEventListener('abort', close, { once: true })
    }
    const identity = this.#identity(principal)
    let scope = scopes.get(identity.key)
    if (scope === undefined) scopes.set(identity.key, scope = { line: new Line(identity), polls: new Polls(identity) })
    return scope
  }

  /** A client that the cluster does not know is told so, answer by answer, and not cut off. */
  #identity (principal: Context['principal']): UpstreamIdentity {
    try {
      return this.#security.identityFor(principal)
    } catch (error) {
      if (error instanceof KafkaError) return refusedIdentity(error)
      throw error
    }
  }

  #leave (connection: object): void {
    const scopes = this.#scopes.get(connection)
    this.#scopes.delete(connection)
    for (const { line, polls } of scopes?.values() ?? []) {
      line.close()
      polls.close()
    }
  }

  #pool (principal: Context['principal']): Pool {
    const identity = this.#security.identityFor(principal)
    let pool = this.#pools.get(identity.key)
    if (pool === undefined) this.#pools.set(identity.key, pool = new Pool(identity))
    return pool
  }

  /** Tries until the cluster answers. Rejects with a sentence that says what to do. */
  async open (): Promise<void> {
    const { connectTimeoutMs = CONNECT_TIMEOUT_MS, bootstrap } = this.#options
    this.#state = 'recovering'
    this.#failure = null
    this.#closing = false
    this.#sweep = setInterval(this.#tick, SWEEP_MS)
    this.#sweep.unref()
    const deadline = performance.now() + connectTimeoutMs
    for (;;) {
      try {
        await this.#cluster.refresh([])
        // Those that answer at all: what is advertised holds for each of them.
        await Promise.allSettled([...this.#cluster.brokers.values()].map(broker => this.#meet(broker)))
        break
      } catch (error) {
        if (this.#closing) throw error
        if (performance.now() > deadline) {
          this.#state = 'failed'
          const cause = (error as Error).cause as Error | undefined
          this.#failure = `No broker of the cluster can be reached at ${bootstrap.map(({ host, port }) => `${host}:${port}`).join(', ')}: ` +
            `${cause?.message ?? (error as Error).message}`
          throw new Error(this.#failure, { cause: error })
        }
        await new Promise(resolve => setTimeout(resolve, RETRY_MS))
      }
    }
    this.#takeStock()
    this.#refreshedAt = performance.now()
    this.#state = 'ready'
  }

  /** Hears from a broker what it speaks. */
  async #meet (broker: Broker): Promise<void> {
    if (broker.versions !== null) return
    const connection = await broker.connect(this.#security.identityFor(internalPrincipal))
    connection.finish()
  }

  /** What can be served: what every broker speaks, the codec knows and a route is there for. */
  #takeStock (): void {
    const supports = new Map<number, readonly [number, number]>()
    for (const [key, [min, max]] of this.#cluster.versions) {
      const api = apiOf(key)
      if (api === undefined || !this.#routes.has(key)) continue
      const range = [Math.max(min, api.versions[0]), Math.min(max, api.versions[1])] as const
      if (range[0] <= range[1]) supports.set(key, range)
    }
    this.#supports = supports
  }

  readonly #tick = (): void => {
    const now = performance.now()
    this.#cluster.tick(now)
    this.#router.silent.tick(now)
    for (const [key, pool] of this.#pools) {
      pool.tick(now)
      if (pool.isEmpty && pool !== this.#ownPool) this.#pools.delete(key)
    }
    for (const scopes of this.#scopes.values()) {
      for (const { line, polls } of scopes.values()) {
        line.tick(now)
        polls.tick(now)
      }
    }
    if (this.#state === 'ready' || this.#state === 'failed') this.#look(now)
    if (this.#state === 'ready' && now - this.#refreshedAt > REFRESH_MS) {
      this.#refreshedAt = now
      this.#refresh().catch(() => {}) // whoever needs it asks again, and hears why
    }
  }

  /** Whether anybody answers: what has not been heard of for a while is asked. */
  #look (now: number): void {
    const { brokers } = this.#cluster
    const heardAt = Math.max(...brokers.values().map(({ stats }) => stats.answeredAt))
    if (now - heardAt <= SILENCE_MS) {
      this.#state = 'ready'
      this.#failure = null
      return
    }
    if (now - heardAt > GONE_MS) {
      this.#state = 'failed'
      // Why is in the log: strangers may ask for this, and are not to be told where the brokers are.
      this.#failure = `No broker of the cluster has answered for ${Math.round((now - heardAt) / 1000)} s.`
    }
    this.#cluster.refresh([]).catch(() => {}) // the next look tells
  }

  async #refresh (): Promise<void> {
    await this.#cluster.refresh([])
    await Promise.allSettled([...this.#cluster.brokers.values()].map(broker => this.#meet(broker)))
  }

  /** Nothing is kept here: what was acknowledged, the cluster has. */
  async close (): Promise<void> {
    this.#closing = true
    this.#state = 'closed'
    if (this.#sweep !== null) clearInterval(this.#sweep)
    for (const connection of [...this.#scopes.keys()]) this.#leave(connection)
    this.#cluster.close()
  }
}

/** The answer to who still waits for it. Rejects with the signal's reason when that is aborted. */
async function orLeft<T> (answer: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal === neverAborted) return await answer
  signal.throwIfAborted()
  const { promise, reject } = Promise.withResolvers<never>()
  const aborted = (): void => reject(signal.reason as Error)
  signal.addEventListener('abort', aborted, { once: true })
  try {
    return await Promise.race([answer, promise])
  } finally {
    signal.removeEventListener('abort', aborted)
  }
}
