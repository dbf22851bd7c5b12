/**
 * One broker of the cluster: how it is reached, what it speaks, and how it has been doing. A broker that cannot be reached
 * is tried again later and later; until then whoever asks for it is told at once, so that it delays nobody.
 */
import { apiOf } from '../../protocol/apis.ts'
import { errors, KafkaError } from '../../protocol/errors.ts'
import { ApiVersions } from '../../protocol/messages/18-api-versions.ts'
import type { Api, Response } from '../../protocol/schema.ts'
import { inlet } from './assembler.ts'
import { UpstreamConnection, type ConnectionObserver } from './connection.ts'
import { UpstreamFailure } from './failure.ts'
import { IdentityRefused } from './security/refused.ts'
import { BrokerStats } from './stats.ts'
import type { Endpoint, UpstreamIdentity, UpstreamSecurity } from './upstream.ts'

export type Versions = ReadonlyMap<number, readonly [min: number, max: number]>

export interface BrokerHost {
  readonly security: UpstreamSecurity
  /** The cluster, or this broker, may have changed: a broker is often restarted to be upgraded. */
  readonly onVersions: (broker: Broker) => void
  readonly onDisconnect: (broker: Broker, cause: string) => void
}

const CONNECT_TIMEOUT_MS = 5000
/** An attempt that takes longer is likely to fail: nobody else waits for it. */
const SLOW_CONNECT_MS = 1000
const HANDSHAKE_TIMEOUT_MS = 10_000
/** Kafka's `reconnect.backoff.ms` and `reconnect.backoff.max.ms`. */
const FIRST_BACKOFF_MS = 50
const LAST_BACKOFF_MS = 1000
const CLIENT_ID = 'barnabas'
/** What the cluster said is for the operator, not for clients. */
const REFUSED = 'The cluster behind does not accept the credentials that the gateway has for this user.'
/** What we say of ourselves (KIP-511). */
const SOFTWARE = { clientSoftwareName: 'barnabas', clientSoftwareVersion: '1' }

export class Broker {
  readonly id: number
  endpoint: Endpoint
  rack: string | null = null
  readonly stats = new BrokerStats()
  readonly #host: BrokerHost
  readonly #connections = new Set<UpstreamConnection>()
  readonly #attempts = new Set<number>()
  /** Who was not let in a moment ago, by the key of the identity. */
  readonly #refusals = new Map<string, { readonly until: number, readonly error: KafkaError }>()
  #versions: Versions | null = null
  /** Whether what it speaks is to be asked anew. */
  #isStale = true
  #failures = 0
  #retryAt = 0

  constructor (id: number, endpoint: Endpoint, host: BrokerHost) {
    this.id = id
    this.endpoint = endpoint
    this.#host = host
  }

  /** What it was last heard to speak. Null if it never said. */
  get versions (): Versions | null {
    return this.#versions
  }

  get connections (): ReadonlySet<UpstreamConnection> {
    return this.#connections
  }

  /** Whether an attempt to reach it makes sense now. */
  isWorthTrying (now: number): boolean {
    if (now < this.#retryAt) return false
    for (const startedAt of this.#attempts) if (now - startedAt > SLOW_CONNECT_MS) return false
    return true
  }

  /**
   * A connection that may be used, in the name of `identity`. Rejects with UpstreamFailure, not sent, and with KafkaError where the
   * cluster does not let them in.
   */
  async connect (identity: UpstreamIdentity): Promise<UpstreamConnection> {
    if (identity.refused !== undefined) throw identity.refused
    const startedAt = performance.now()
    if (!this.isWorthTrying(startedAt)) throw new UpstreamFailure('The broker could not be reached a moment ago.', false)
    const refused = this.#refusals.get(identity.key)
    if (refused !== undefined && startedAt < refused.until) throw refused.error
    this.#attempts.add(startedAt)
    let connection: UpstreamConnection | null = null
    try {
      // Nothing is received before something was asked.
      const inward = { memory: inlet, received: (bytes: number): void => connection?.receive(inlet.subarray(0, bytes)) }
      const socket = await this.#host.security.connect(this.endpoint, AbortSignal.timeout(CONNECT_TIMEOUT_MS), inward)
      connection = new UpstreamConnection(socket, this.#observer)
      this.#connections.add(connection)
      // While nobody was connected it may have been restarted.
      if (this.#isStale || this.#versions === null || this.#connections.size === 1) await this.#ask(connection)
      await this.prove(connection, identity)
      this.#failures = 0
      this.stats.connects++
      return connection
    } catch (error) {
      connection?.destroy('it could not be set up')
      // Nothing is wrong with the broker where it is one user who may not come in.
      if (error instanceof IdentityRefused) throw this.#refused(identity, error)
      this.stats.connectFailures++
      this.stats.lastFailure = (error as Error).message
      if (this.#failures === 0) this.#host.onDisconnect(this, this.stats.lastFailure)
      // Attempts that were made side by side failed for the same reason, once.
      if (startedAt >= this.#retryAt) this.#failures++
      const backoff = Math.min(LAST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.min(this.#failures - 1, 10))
      // KIP-580: 20 % either way, so that gateways do not come back together.
      this.#retryAt = performance.now() + backoff * (0.8 + Math.random() * 0.4)
      throw new UpstreamFailure(`Broker ${this.id} cannot be used: ${(error as Error).message}`, false, { cause: error })
    } finally {
      this.#attempts.delete(startedAt)
    }
  }

  /** Asked again a little later: a broker slows down who fails to prove who he is, and the log is to be readable. */
  #refused (identity: UpstreamIdentity, cause: IdentityRefused): KafkaError {
    this.stats.connectFailures++
    this.stats.lastFailure = cause.message
    const error = new KafkaError('CLUSTER_AUTHORIZATION_FAILED', REFUSED, { cause })
    const until = performance.now() + LAST_BACKOFF_MS
    for (const [key, one] of this.#refusals) if (one.until < until - LAST_BACKOFF_MS) this.#refusals.delete(key)
    this.#refusals.set(identity.key, { until, error })
    this.#host.onDisconnect(this, cause.message)
    return error
  }

  /** Says who we are, again if that was said before (KIP-368). */
  async prove (connection: UpstreamConnection, identity: UpstreamIdentity): Promise<void> {
    const lifetimeMs = await identity.authenticate({
      request: (api, version, body) => connection.send(api, version, body, { clientId: CLIENT_ID, timeoutMs: HANDSHAKE_TIMEOUT_MS })
    })
    // Before it runs out, and not at the same moment as everybody else: Kafka's own clients choose 85 to 95 %.
    connection.expiresAt = lifetimeMs > 0 ? performance.now() + lifetimeMs * (0.85 + Math.random() * 0.1) : Infinity
  }

  /** The version to speak for somebody who speaks `wanted`. Null if there is none. */
  version (api: Api, wanted: number): number | null {
    const range = this.#versions?.get(api.key)
    if (range === undefined) return null
    const version = Math.min(wanted, range[1], api.versions[1])
    return version >= Math.max(range[0], api.versions[0]) ? version : Math.max(range[0], api.versions[0])
  }

  tick (now: number): void {
    for (const connection of this.#connections) connection.tick(now)
  }

  close (): void {
    for (const connection of this.#connections) connection.destroy('the gateway stops')
  }

  async #ask (connection: UpstreamConnection): Promise<void> {
    const options = { clientId: CLIENT_ID, timeoutMs: HANDSHAKE_TIMEOUT_MS }
    // v3 is of Kafka 2.4: an older broker's answer to it makes no sense, and what is older cannot be used.
    const answer = await connection.send(ApiVersions, 3, SOFTWARE, options)
    if (answer.errorCode !== errors.NONE) throw new Error(`ApiVersions was answered with error ${answer.errorCode}`)
    const versions = versionsIn(answer)
    this.#isStale = false
    if (this.#versions !== null && sameVersions(this.#versions, versions)) return
    this.#versions = versions
    this.#host.onVersions(this)
  }

  readonly #observer: ConnectionObserver = {
    answered: ms => this.stats.answered(ms),
    sent: bytes => {
      this.stats.requests++
      this.stats.bytesOut += bytes
    },
    received: bytes => { this.stats.bytesIn += bytes },
    ended: (connection, cause) => {
      this.#connections.delete(connection)
      if (cause === null) return
      this.#isStale = true
      this.stats.disconnects++
      this.#host.onDisconnect(this, cause)
    }
  }
}

function versionsIn ({ apiKeys }: Response<typeof ApiVersions>): Versions {
  const versions = new Map<number, readonly [number, number]>()
  for (const { apiKey, minVersion, maxVersion } of apiKeys) {
    if (apiOf(apiKey) !== undefined) versions.set(apiKey, [minVersion, maxVersion])
  }
  return versions
}

function sameVersions (some: Versions, others: Versions): boolean {
  if (some.size !== others.size) return false
  for (const [key, [min, max]] of some) {
    const other = others.get(key)
    if (other?.[0] !== min || other[1] !== max) return false
  }
  return true
}
