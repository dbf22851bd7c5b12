/**
 * SASL over one connection: which mechanism (SaslHandshake), step by step (SaslAuthenticate, or bare tokens after a
 * handshake v0), and once more when the session is to be renewed (KIP-368). Until it is done, nothing else is served.
 */
import { errors } from '../../protocol/errors.ts'
import { readRequest, writeResponse, type RequestHeader } from '../../protocol/frame.ts'
import { SaslHandshake } from '../../protocol/messages/17-sasl-handshake.ts'
import { ApiVersions } from '../../protocol/messages/18-api-versions.ts'
import { SaslAuthenticate } from '../../protocol/messages/36-sasl-authenticate.ts'
import type { Reader } from '../../protocol/reader.ts'
import { apiOf } from '../../protocol/apis.ts'
import type { Principal } from '../../protocol/rpc.ts'
import type { Api } from '../../protocol/schema.ts'
import { AuthenticationFailed, type Identity, type Mechanism, type Origin, type SaslExchange, type SaslServer } from '../auth/identity.ts'
import { answerOutOfTurn } from './out-of-turn.ts'
import type { AuthenticationOutcome, KafkaStats } from './stats.ts'

/** What the logins of one listener share. */
export interface LoginHost {
  readonly server: SaslServer
  readonly mechanisms: readonly Mechanism[]
  /** How long a session lasts at most (Kafka's `connections.max.reauth.ms`), or 0. */
  readonly maxReauthMs: number
  /** How many requests one exchange may take, ApiVersions included. */
  readonly maxRequests: number
  readonly stats: KafkaStats
}

export interface Failure {
  readonly cause: 'authentication_failed' | 'not_authenticated' | 'session_expired' | 'unsupported'
  /** For the log. */
  readonly sentence: string
  /** How long the last word is held back. */
  readonly delayMs: number
}

/** What follows from a request of this door's own. */
export interface Outcome {
  /** The answer, if there is one. */
  readonly frame: readonly Buffer[] | null
  /** Set when the client has proved who it is. */
  readonly identity: Identity | null
  /** Set when the connection is to end with that answer. */
  readonly failure: Failure | null
}

/** A mechanism at work. */
interface Attempt {
  readonly mechanism: Mechanism
  /** Bare tokens, after a handshake v0. */
  readonly bare: boolean
  readonly exchange: SaslExchange | null
  /** It is lost, and the client learns it when it sends the next token. */
  doomed: AuthenticationFailed | null
}

const NO_BYTES = Buffer.alloc(0)

export class Login {
  readonly #host: LoginHost
  readonly #origin: Origin
  #identity: Identity | null = null
  #mechanism: Mechanism | null = null
  /** On the clock of `performance.now`. */
  #expiresAt = Infinity
  #attempt: Attempt | null = null
  #requests = 0

  constructor (host: LoginHost, origin: Origin) {
    this.#host = host
    this.#origin = origin
  }

  /** Whether the client has proved who it is. */
  get isDone (): boolean {
    return this.#identity !== null
  }

  /** Whether the next frame is a token, without a header. */
  get expectsToken (): boolean {
    return this.#attempt !== null && this.#attempt.bare
  }

  /** Null if the request is to be served as any other. Rejects with ProtocolError. */
  hear (header: RequestHeader, reader: Reader): Promise<Outcome> | null {
    const { apiKey } = header
    if (apiKey === SaslHandshake.key && isServed(SaslHandshake, header)) return this.#counted(() => this.#handshake(header, reader))
    if (apiKey === SaslAuthenticate.key && isServed(SaslAuthenticate, header)) return this.#counted(() => this.#authenticate(header, reader))
    if (this.#identity !== null) {
      // The clock is read only where sessions end. What a client says to go on is always heard.
      if (this.#expiresAt === Infinity || apiKey === ApiVersions.key || performance.now() <= this.#expiresAt) return null
      return end('session_expired', `A ${nameOf(apiKey)} request came after the session had expired.`)
    }
    if (apiKey !== ApiVersions.key && this.#attempt !== null) {
      return this.#counted(() => ended('not_authenticated', `Unexpected Kafka request of type ${nameOf(apiKey)} during SASL authentication.`,
        answerOutOfTurn(header, reader)))
    }
    if (apiKey !== ApiVersions.key) {
      return end('not_authenticated', `Unexpected Kafka request of type ${nameOf(apiKey)} before authentication: ` +
        'set security.protocol and sasl.mechanism in the client.')
    }
    return this.#isTooLong() ? tooLong() : null
  }

  /** The next token, while one is expected. */
  async token (bytes: Buffer): Promise<Outcome> {
    if (this.#isTooLong()) return await tooLong()
    const frame = (token: Buffer): Buffer[] => {
      const length = Buffer.alloc(4)
      length.writeInt32BE(token.length)
      return [length, token]
    }
    return await this.#step(bytes, frame, () => null)
  }

  async #counted (heard: () => Promise<Outcome> | Outcome): Promise<Outcome> {
    return this.#isTooLong() ? await tooLong() : await heard()
  }

  /** Counts a request of an exchange. */
  #isTooLong (): boolean {
    return ++this.#requests > this.#host.maxRequests && (this.#identity === null || this.#attempt !== null)
  }

  #handshake (header: RequestHeader, reader: Reader): Outcome {
    const { mechanism } = readRequest(SaslHandshake, header.version, reader)
    const answer = (errorCode: number, mechanisms: readonly string[]): Buffer[] =>
      writeResponse(SaslHandshake, header.version, header.correlationId, { errorCode, mechanisms: [...mechanisms] })
    const { mechanisms, stats } = this.#host
    if (this.#attempt !== null) {
      return ended('not_authenticated', 'Unexpected SaslHandshake in the middle of an authentication.', answer(errors.ILLEGAL_SASL_STATE, []))
    }
    const known = mechanisms.find(one => one === mechanism)
    if (known === undefined) {
      stats.authenticated(null, this.#outcome(false))
      return ended('authentication_failed', `The client asked for a SASL mechanism that is not offered here; these are: ${mechanisms.join(', ')}.`,
        answer(errors.UNSUPPORTED_SASL_MECHANISM, mechanisms))
    }
    // Kafka refuses to begin again within a second. kafkajs begins with every request where sessions are shorter than 10 s.
    if (this.#identity !== null) this.#requests = 1
    this.#attempt = this.#start(known, header.version === 0)
    return goOn(answer(errors.NONE, mechanisms))
  }

  #start (mechanism: Mechanism, bare: boolean): Attempt {
    if (this.#mechanism !== null && mechanism !== this.#mechanism) {
      const sentence = `SASL mechanism '${mechanism}' requested by client is not supported for re-authentication of mechanism '${this.#mechanism}'`
      return { mechanism, bare, exchange: null, doomed: new AuthenticationFailed(sentence, sentence) }
    }
    try {
      return { mechanism, bare, exchange: this.#host.server.start(mechanism, this.#origin), doomed: null }
    } catch (error) {
      if (!(error instanceof AuthenticationFailed)) throw error
      return { mechanism, bare, exchange: null, doomed: error }
    }
  }

  async #authenticate (header: RequestHeader, reader: Reader): Promise<Outcome> {
    const { authBytes } = readRequest(SaslAuthenticate, header.version, reader)
    const answer = (errorCode: number, errorMessage: string | null, token: Buffer, sessionLifetimeMs: number): Buffer[] =>
      writeResponse(SaslAuthenticate, header.version, header.correlationId, { errorCode, errorMessage, authBytes: token, sessionLifetimeMs })
    if (this.#attempt === null) {
      return this.#identity === null
        ? await end('not_authenticated', 'Unexpected SaslAuthenticate before a SaslHandshake.')
        : goOn(answer(errors.ILLEGAL_SASL_STATE, 'SaslAuthenticate request received after successful authentication', NO_BYTES, 0))
    }
    return await this.#step(authBytes,
      (token, lifetimeMs) => answer(errors.NONE, null, token, lifetimeMs),
      message => answer(errors.SASL_AUTHENTICATION_FAILED, message, NO_BYTES, 0))
  }

  async #step (
    bytes: Buffer, accept: (token: Buffer, lifetimeMs: number) => Buffer[], refuse: (message: string) => Buffer[] | null
  ): Promise<Outcome> {
    const attempt = this.#attempt!
    try {
      if (attempt.doomed !== null) throw attempt.doomed
      const step = await attempt.exchange!.step(bytes)
      if (!step.done) return goOn(accept(step.reply, 0))
      if (this.#identity !== null) ensureSame(this.#identity.principal, step.identity.principal)
      this.#host.stats.authenticated(attempt.mechanism, this.#outcome(true))
      const lifetimeMs = this.#begin(step.identity, attempt.mechanism)
      return { frame: accept(step.reply, lifetimeMs), identity: step.identity, failure: null }
    } catch (error) {
      if (!(error instanceof AuthenticationFailed)) throw error
      const { reason, message, reply } = error
      if (reply !== null && attempt.doomed === null) {
        // RFC 7628, 3.2.3: the server's error is a challenge, and the client answers it before it is told that it failed.
        attempt.doomed = error
        return goOn(accept(reply, 0))
      }
      this.#host.stats.authenticated(attempt.mechanism, this.#outcome(false))
      const renewal = this.#identity === null ? 'Authentication' : 'Re-authentication'
      return {
        frame: refuse(message),
        identity: null,
        failure: {
          cause: 'authentication_failed',
          sentence: `${renewal} with ${attempt.mechanism} failed: ${reason}.`,
          delayMs: this.#host.server.failureDelayMs(this.#origin)
        }
      }
    }
  }

  /** A session begins, or goes on. Returns how long it lasts as the client is told: 0 if it does not end. */
  #begin (identity: Identity, mechanism: Mechanism): number {
    const { maxReauthMs } = this.#host
    const proofMs = identity.expiresAtMs === null ? Infinity : identity.expiresAtMs - Date.now()
    const lifetimeMs = Math.min(proofMs, maxReauthMs > 0 ? maxReauthMs : Infinity)
    this.#expiresAt = performance.now() + lifetimeMs
    this.#identity = identity
    this.#mechanism = mechanism
    this.#attempt = null
    return lifetimeMs === Infinity ? 0 : Math.max(1, Math.floor(lifetimeMs))
  }

  #outcome (success: boolean): AuthenticationOutcome {
    if (this.#identity === null) return success ? 'success' : 'failure'
    return success ? 'renewed' : 'renewal_failed'
  }
}

const goOn = (frame: Buffer[]): Outcome => ({ frame, identity: null, failure: null })

const ended = (cause: Failure['cause'], sentence: string, frame: Buffer[] | null = null): Outcome =>
  ({ frame, identity: null, failure: { cause, sentence, delayMs: 0 } })

const end = async (cause: Failure['cause'], sentence: string): Promise<Outcome> => ended(cause, sentence)

const tooLong = (): Promise<Outcome> => end('not_authenticated', 'The client sent too many requests without proving who it is.')

const nameOf = (apiKey: number): string => apiOf(apiKey)?.name ?? `${apiKey}`

function isServed ({ versions: [min, max] }: Api, { version }: RequestHeader): boolean {
  return version >= min && version <= max
}

function ensureSame (before: Principal, now: Principal): void {
  if (now.type === before.type && now.name === before.name) return
  const sentence = `Cannot change principals during re-authentication from ${before.type}.${before.name}: ${now.type}.${now.name}`
  throw new AuthenticationFailed(sentence, sentence)
}
