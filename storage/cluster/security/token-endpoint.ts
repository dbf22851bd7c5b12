/**
 * Tokens of an OAuth 2 endpoint, for the client id and the secret of this process.
 *
 * - A token is kept until 85 % of its life are over. From then on a new one is fetched beside its use, and it is used until
 *   little of it is left, so that a short absence of the endpoint is not felt.
 * - One request at a time, whoever waits for it. A failure is tried again twice at once, and holds for a while that doubles:
 *   thousands of connections that come back together ask once.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { createSecureContext, getCACertificates } from 'node:tls'
import type { TokenSource } from './oauthbearer.ts'
import type { TokenEndpointOptions } from './options.ts'
import { secretOf } from './secret.ts'
import { Refused, requestToken } from './token-request.ts'
import { readText, WatchedFile, type WatchOptions } from './watched-file.ts'

const REFRESH_AT = 0.85
/** A token with less to live is not shown any more: it would run out on the way. */
const REST_AT = 0.95
const AGAIN_MS: readonly number[] = [250, 1000]
const HOLD_MS = [1000, 30_000] as const
/** A token that the cluster refuses is not fetched anew before that: what is wrong may be anything. */
const REFUSED_MS = 10_000
const TIMEOUT_MS = 10_000
const MAX_FILE_BYTES = 2 ** 20

export interface Patience {
  readonly timeoutMs?: number | undefined
  readonly againMs?: readonly number[] | undefined
}

interface Kept {
  readonly token: string
  readonly atMs: number
  readonly lifetimeMs: number
}

/** Throws an Error with a sentence where a file of it cannot be used. */
export function tokenEndpoint (options: TokenEndpointOptions, watch: WatchOptions, patience: Patience = {}): TokenSource {
  return new TokenEndpoint(options, watch, patience)
}

class TokenEndpoint implements TokenSource {
  readonly place: string
  readonly #url: URL
  readonly #options: TokenEndpointOptions
  readonly #secret: () => string
  readonly #trust: () => ReturnType<typeof createSecureContext>
  readonly #clock: () => number
  readonly #timeoutMs: number
  readonly #againMs: readonly number[]
  #kept: Kept | null = null
  #underway: Promise<string> | null = null
  #failure: Error | null = null
  #holdUntilMs = -Infinity
  #holdMs = 0

  constructor (options: TokenEndpointOptions, watch: WatchOptions, { timeoutMs = TIMEOUT_MS, againMs = AGAIN_MS }: Patience) {
    this.#url = new URL(options.endpoint)
    this.place = this.#url.origin + this.#url.pathname
    this.#options = options
    this.#secret = secretOf(options.clientSecret, watch)
    this.#trust = trustOf(options.ca, watch)
    this.#clock = watch.clock ?? (() => performance.now())
    this.#timeoutMs = timeoutMs
    this.#againMs = againMs
  }

  async token (): Promise<string> {
    const spent = this.#spent()
    if (spent < REFRESH_AT) return this.#kept!.token
    const fetched = this.#fetch()
    if (spent >= REST_AT) return await fetched
    // Who waits for the next one hears why there is none; nobody else has to.
    fetched.catch(() => {})
    return this.#kept!.token
  }

  refused (token: string): void {
    if (this.#kept?.token === token && this.#clock() - this.#kept.atMs >= REFUSED_MS) this.#kept = null
  }

  /** How much of the life of the token is over; 1 where there is none. */
  #spent (): number {
    return this.#kept === null ? 1 : (this.#clock() - this.#kept.atMs) / this.#kept.lifetimeMs
  }

  async #fetch (): Promise<string> {
    if (this.#underway !== null) return await this.#underway
    if (this.#failure !== null && this.#clock() < this.#holdUntilMs) throw this.#failure
    this.#underway = this.#load().finally(() => { this.#underway = null })
    return await this.#underway
  }

  async #load (): Promise<string> {
    try {
      const kept = await this.#ask()
      this.#kept = kept
      this.#failure = null
      this.#holdMs = 0
      return kept.token
    } catch (error) {
      this.#holdMs = Math.min(Math.max(this.#holdMs * 2, HOLD_MS[0]), HOLD_MS[1])
      this.#holdUntilMs = this.#clock() + this.#holdMs
      this.#failure = new Error(`${this.place} gives no token for ${this.#options.clientId}: ${(error as Error).message}.`, { cause: error })
      throw this.#failure
    }
  }

  async #ask (): Promise<Kept> {
    const { clientId, scope } = this.#options
    for (let tries = 0; ; tries++) {
      // Its life begins before it is on its way.
      const atMs = this.#clock()
      try {
        const { token, lifetimeMs } = await requestToken({
          url: this.#url, clientId, clientSecret: this.#secret(), scope, secureContext: this.#trust(), timeoutMs: this.#timeoutMs
        })
        return { token, atMs, lifetimeMs }
      } catch (error) {
        const againMs = this.#againMs[tries]
        if (error instanceof Refused || againMs === undefined) throw error
        await sleep(againMs, undefined, { ref: false })
      }
    }
  }
}

function trustOf (ca: string | null, watch: WatchOptions): () => ReturnType<typeof createSecureContext> {
  if (ca === null) {
    const context = createSecureContext({ minVersion: 'TLSv1.2' })
    return () => context
  }
  const watched = new WatchedFile([ca], () => {
    const own = readText(ca, MAX_FILE_BYTES)
    if (!own.includes('-----BEGIN CERTIFICATE-----')) throw new Error(`${ca} holds no certificate. Expected a PEM file with -----BEGIN CERTIFICATE-----.`)
    return createSecureContext({ minVersion: 'TLSv1.2', ca: [...getCACertificates('default'), own] })
  }, watch)
  return () => watched.value
}
