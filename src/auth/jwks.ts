/**
 * The keys of an identity provider (RFC 7517), fetched over https and kept.
 *
 * - They are fetched anew every hour, and when a token names a key that is not among them: once a minute in all, however
 *   many keys are named. Only tokens with such names wait for that; the others never wait.
 * - While the provider is out of reach, the keys that are known hold for a day.
 * - The URL comes from the operator's own configuration file and from nowhere else (CVE-2025-27817: no client, no API and no
 *   token can name one), so it may lead to a private address: there is where many providers are. Redirects are not followed.
 * - Nothing of an answer is ever part of an error.
 */
import type { JWK } from 'jose'
import { request, type RequestOptions } from 'node:https'
import { createSecureContext, getCACertificates, type ConnectionOptions, type SecureContext } from 'node:tls'
import { decodeUtf8 } from './proof.ts'
import { asObject, parseStrictJson } from './strict-json.ts'

const REFRESH_MS = 60 * 60_000
const UNKNOWN_KEY_MS = 60_000
const STALE_MS = 24 * 60 * 60_000
const RETRY_MS = [1000, 60_000] as const
const LOOK_MS = 1000
const TIMEOUT_MS = 5000
const MAX_BODY_BYTES = 256 * 1024
const MAX_KEYS = 256
const MAX_KID = 1000

export interface JwksOptions {
  readonly url: string
  /** PEM, trusted besides what is trusted anyway. */
  readonly ca?: string
  readonly onFailure?: (reason: string) => void
  /** How long a whole answer may take. */
  readonly timeoutMs?: number
  /** In ms since the epoch. */
  readonly clock?: () => number
}

export interface JwksState {
  /** When the keys that are used were fetched, in ms since the epoch; null if there are none. */
  readonly lastFetchMs: number | null
  readonly fetches: number
  readonly failures: number
  readonly keys: number
}

export class Jwks {
  readonly #url: URL
  readonly #trust: SecureContext
  readonly #timeoutMs: number
  readonly #onFailure: (reason: string) => void
  readonly #clock: () => number
  #keys: ReadonlyMap<string, readonly JWK[]> = new Map()
  #unnamed: readonly JWK[] = []
  #lastFetchMs: number | null = null
  #lastTryMs = -Infinity
  #lastUnknownMs = -Infinity
  #retryMs = 0
  #fetches = 0
  #failures = 0
  #underway: Promise<void> | null = null
  #timer: NodeJS.Timeout | null = null

  /** Throws unless `url` is https. */
  constructor ({ url, ca, timeoutMs = TIMEOUT_MS, onFailure = () => {}, clock = Date.now }: JwksOptions) {
    this.#url = checkUrl(url)
    this.#trust = createSecureContext({ minVersion: 'TLSv1.2', ...ca !== undefined && { ca: [...getCACertificates('default'), ca] } })
    this.#timeoutMs = timeoutMs
    this.#onFailure = onFailure
    this.#clock = clock
  }

  get state (): JwksState {
    const count = [...this.#keys.values()].reduce((sum, keys) => sum + keys.length, this.#unnamed.length)
    return { lastFetchMs: this.#lastFetchMs, fetches: this.#fetches, failures: this.#failures, keys: count }
  }

  /** Fetches for the first time, which may fail, and from then on when it is due, whether or not somebody logs in. */
  async start (): Promise<void> {
    this.#timer ??= setInterval(() => this.#fetchIfDue(), LOOK_MS).unref()
    await this.#fetchIfDue()
  }

  close (): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
  }

  /** The keys of that name, or all where a token names none. Empty if there are none. */
  async find (kid: string | undefined): Promise<readonly JWK[]> {
    if (kid !== undefined && kid.length > MAX_KID) return []
    const due = this.#fetchIfDue()
    const known = this.#known(kid)
    if (known.length > 0) return known
    await (due ?? this.#fetchForUnknown())
    return this.#known(kid)
  }

  /** Whatever is asked for, and by however many: once a minute. */
  #fetchForUnknown (): Promise<void> | null {
    const now = this.#clock()
    if (now - this.#lastUnknownMs < UNKNOWN_KEY_MS || this.#retryMs > 0) return null
    this.#lastUnknownMs = now
    return this.#fetch()
  }

  #known (kid: string | undefined): readonly JWK[] {
    if (this.#lastFetchMs === null || this.#clock() - this.#lastFetchMs >= STALE_MS) return []
    return kid === undefined ? [...this.#unnamed, ...[...this.#keys.values()].flat()] : this.#keys.get(kid) ?? []
  }

  /** The fetch that is underway, or one that is due: the first, every hour, and after a failure in a while that doubles. Never rejects. */
  #fetchIfDue (): Promise<void> | null {
    if (this.#underway !== null) return this.#underway
    const waitMs = this.#retryMs > 0 ? this.#retryMs : this.#lastFetchMs === null ? 0 : REFRESH_MS
    return this.#clock() - this.#lastTryMs >= waitMs ? this.#fetch() : null
  }

  #fetch (): Promise<void> {
    this.#lastTryMs = this.#clock()
    this.#fetches++
    this.#underway = this.#load().catch((error: unknown) => {
      this.#failures++
      this.#retryMs = Math.min(Math.max(this.#retryMs * 2, RETRY_MS[0]), RETRY_MS[1])
      this.#onFailure(`The keys at ${this.#url.origin}${this.#url.pathname} could not be fetched: ${(error as Error).message}.`)
    }).finally(() => {
      this.#underway = null
    })
    return this.#underway
  }

  async #load (): Promise<void> {
    const keys = keysOf(await fetchBody(this.#url, this.#trust, this.#timeoutMs))
    this.#keys = Map.groupBy(keys.filter(key => key.kid !== undefined), key => key.kid!)
    this.#unnamed = keys.filter(key => key.kid === undefined)
    this.#lastFetchMs = this.#clock()
    this.#retryMs = 0
  }
}

function checkUrl (text: string): URL {
  const url = URL.parse(text)
  if (url?.protocol !== 'https:') throw new Error('The URL of the JWKS must begin with https://, or anyone on the way could put keys of their own into it.')
  if (url.username !== '' || url.password !== '') throw new Error('The URL of the JWKS must carry no user and no password: keys are public.')
  return url
}

/** Throws an error that says what is wrong, and nothing of what was there. */
function keysOf (body: Buffer): JWK[] {
  const set = asObject(parseStrictJson(decodeUtf8(body) ?? '')?.value)
  if (!Array.isArray(set?.['keys'])) throw new Error('the answer is not a JSON object with a list of keys')
  if (set['keys'].length > MAX_KEYS) throw new Error(`the answer has more than ${MAX_KEYS} keys`)
  // What is no key for signatures that we know, symmetric keys above all, is not ours to use.
  return set['keys'].filter((key): key is JWK => {
    const { kty, kid, use, d } = asObject(key) ?? {}
    return (kty === 'RSA' || kty === 'EC' || kty === 'OKP') && (use === undefined || use === 'sig') && d === undefined &&
      (kid === undefined || (typeof kid === 'string' && kid.length <= MAX_KID))
  })
}

/** The body of a 200, all of it in time and within 256 KiB. */
async function fetchBody (url: URL, secureContext: SecureContext, timeoutMs: number): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const signal = AbortSignal.timeout(timeoutMs)
  const fail = (error: NodeJS.ErrnoException): void =>
    reject(new Error(signal.aborted ? `there was no whole answer within ${timeoutMs} ms` : whyOf(error)))
  const options: RequestOptions & ConnectionOptions = {
    secureContext,
    rejectUnauthorized: true,
    agent: false,
    signal,
    headers: { accept: 'application/jwk-set+json, application/json', 'accept-encoding': 'identity' }
  }
  const outgoing = request(url, options, incoming => {
    const { statusCode, headers } = incoming
    const refuse = (why: string): void => {
      reject(new Error(why))
      incoming.destroy()
    }
    incoming.on('error', fail)
    if (statusCode !== 200) return refuse(`the answer is ${statusCode} and not 200`)
    if ((headers['content-encoding'] ?? 'identity') !== 'identity') return refuse('the answer is compressed, which was not asked for')
    const chunks: Buffer[] = []
    let bytes = 0
    incoming.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > MAX_BODY_BYTES) return refuse(`the answer is longer than ${MAX_BODY_BYTES} bytes`)
      chunks.push(chunk)
    })
    incoming.on('end', () => resolve(Buffer.concat(chunks)))
  })
  outgoing.on('error', fail)
  outgoing.end()
  return await promise
}

/** The code of a failed connection. The messages, those of the HTTP parser above all, may hold what was received. */
const whyOf = ({ code }: NodeJS.ErrnoException): string => code === undefined ? 'the connection failed' : `the connection failed (${code})`
