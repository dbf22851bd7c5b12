/**
 * Every proof of identity ends here, whichever door it came through: it becomes an identity or a failure, and is told to
 * whoever keeps count and audit. Failures make the next answer to a failure slower.
 */
import type { X509Certificate } from 'node:crypto'
import { formatPrincipal, type Principal } from '../../protocol/rpc.ts'
import { parseAuthorization } from './authorization.ts'
import type { Backoff } from './backoff.ts'
import { BoundedMap } from './bounded-map.ts'
import type { Credentials } from './credentials.ts'
import { subjectOf } from './distinguished-name.ts'
import { AuthenticationFailed, type Identity, type Mechanism, type Origin, type SaslExchange, type SaslServer, type SaslStep } from './identity.ts'
import type { OauthVerifier, TokenHolder } from './jwt.ts'
import { OauthBearerProof } from './oauthbearer.ts'
import { PlainProof } from './plain.ts'
import type { Proof } from './proof.ts'
import { ScramProof } from './scram.ts'
import { Tickets } from './tickets.ts'
import type { TokenCredentials } from './token-credentials.ts'

/** What is told of a login, with no secret in it. */
export interface AuthEvent {
  readonly outcome: 'success' | 'failure'
  /** A SASL mechanism, `BASIC`, `BEARER`, `TLS` or `TICKET`. */
  readonly method: string
  /** `User:alice`: who it is, or whom a stranger claims to be, if that is known. */
  readonly principal: string | null
  readonly address: string
  /** Why it failed. */
  readonly reason: string | null
  readonly door: string
  /** Whether the proof was only recognised: HTTP proves itself with every request, which is no news. */
  readonly cached: boolean
  /** The id of the delegation token that it was proved with, which is no secret. */
  readonly token?: string
}

export interface AuthenticatorOptions {
  readonly credentials: Credentials
  readonly oauth: OauthVerifier | null
  readonly backoff: Backoff
  readonly observe: (event: AuthEvent) => void
  /** Those that may be used at all; every one that can be, unless it is said. */
  readonly mechanisms?: readonly Mechanism[]
  /** The name that the subject of a client's certificate stands for; null for none. The subject itself, unless it is said. */
  readonly principalOf?: (distinguishedName: string) => string | null
  readonly tickets?: Tickets
  /** Null where delegation tokens are not switched on. */
  readonly tokens?: TokenCredentials | null
}

const MAX_PRINCIPALS = 10_000
/** Of a name that anybody may claim. */
const MAX_CLAIMED = 256

export class Authenticator implements SaslServer {
  readonly mechanisms: readonly Mechanism[]
  readonly tickets: Tickets
  readonly #credentials: Credentials
  readonly #oauth: OauthVerifier | null
  readonly #tokens: TokenCredentials | null
  readonly #backoff: Backoff
  readonly #observe: (event: AuthEvent) => void
  readonly #principalOf: (distinguishedName: string) => string | null
  /** One object for each name, so that what is decided about a principal can be remembered with it. */
  readonly #principals = new BoundedMap<string, Principal>(MAX_PRINCIPALS)
  /** Of those who came with a delegation token. */
  readonly #byToken = new BoundedMap<string, Principal>(MAX_PRINCIPALS)

  constructor ({ credentials, oauth, backoff, observe, mechanisms, principalOf = name => name, tickets = new Tickets(), tokens = null }: AuthenticatorOptions) {
    const possible: readonly Mechanism[] = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', ...oauth === null ? [] : ['OAUTHBEARER'] as const]
    this.mechanisms = mechanisms === undefined ? possible : possible.filter(one => mechanisms.includes(one))
    this.tickets = tickets
    this.#credentials = credentials
    this.#oauth = oauth
    this.#tokens = tokens
    this.#backoff = backoff
    this.#observe = observe
    this.#principalOf = principalOf
  }

  /** What may stand in an Authorization header. */
  get schemes (): readonly ('Basic' | 'Bearer')[] { return this.#oauth === null ? ['Basic'] : ['Basic', 'Bearer'] }

  start (mechanism: Mechanism, origin: Origin): SaslExchange {
    if (!this.mechanisms.includes(mechanism)) {
      throw this.#failed(new AuthenticationFailed('the mechanism is not offered'), mechanism, origin, null)
    }
    const proof = this.#proof(mechanism, origin)
    let isUsed = false
    return {
      step: async bytes => {
        if (isUsed) throw new AuthenticationFailed('the exchange is over, or the client did not wait for an answer')
        isUsed = true
        const step = await this.#step(proof, bytes, mechanism, origin)
        isUsed = step.done
        return step
      }
    }
  }

  failureDelayMs ({ address }: Origin): number { return this.#backoff.delayMs(address) }

  /** Whose header it is, if it was accepted a moment ago and still would be. Nobody is told: it is the same login. */
  known (header: string): Identity | null {
    try {
      const authorization = parseAuthorization(header)
      if (authorization.scheme === 'BEARER') {
        const holder = this.#oauth?.remembered(authorization.token) ?? null
        return holder === null ? null : this.#identity(holder.user, 'BEARER', holder.expiresAtMs)
      }
      return this.#credentials.remembers(authorization.user, authorization.password) ? this.#identity(authorization.user, 'BASIC', null) : null
    } catch (error) {
      if (error instanceof AuthenticationFailed) return null
      throw error
    }
  }

  /** Basic or Bearer. Rejects with AuthenticationFailed. */
  async authorization (header: string, origin: Origin): Promise<Identity> {
    let claimed: string | null = null
    let method = 'HTTP'
    try {
      const authorization = parseAuthorization(header)
      method = authorization.scheme
      if (authorization.scheme === 'BEARER') return await this.bearer(authorization.token, origin)
      const { user, password } = authorization
      claimed = user
      const cached = this.#credentials.remembers(user, password)
      if (!cached && !await this.#credentials.verify(user, password, origin.address)) throw new AuthenticationFailed('unknown user or wrong password')
      return this.#succeeded(this.#identity(user, method, null), origin, cached)
    } catch (error) {
      throw method === 'BEARER' ? error : this.#failed(error, method, origin, claimed)
    }
  }

  /** Rejects with AuthenticationFailed. */
  async bearer (token: string, origin: Origin): Promise<Identity> {
    try {
      const cached = this.#oauth?.remembered(token) ?? null
      const { user, expiresAtMs } = cached ?? await this.#token(token)
      return this.#succeeded(this.#identity(user, 'BEARER', expiresAtMs), origin, cached !== null)
    } catch (error) {
      throw this.#failed(error, 'BEARER', origin, null)
    }
  }

  /** Whose certificate it is that the TLS of the connection has accepted. Throws AuthenticationFailed if no rule names anybody. */
  certificate (certificate: X509Certificate, origin: Origin): Identity {
    let subject = ''
    try {
      subject = subjectOf(certificate)
      const name = subject === '' ? null : this.#principalOf(subject)
      if (name === null || name === '') throw new AuthenticationFailed('the subject of the certificate is no principal by the mapping rules')
      return this.#succeeded(this.#identity(name, 'TLS', null), origin)
    } catch (error) {
      throw this.#failed(error, 'TLS', origin, subject === '' ? null : subject)
    }
  }

  /** A ticket of `tickets`, which is good once. Throws AuthenticationFailed. */
  redeem (ticket: string, origin: Origin): Identity {
    try {
      return this.#succeeded(this.tickets.redeem(ticket), origin)
    } catch (error) {
      throw this.#failed(error, 'TICKET', origin, null)
    }
  }

  #proof (mechanism: Mechanism, { address }: Origin): Proof {
    switch (mechanism) {
      case 'PLAIN': return new PlainProof((user, password) => this.#credentials.verify(user, password, address))
      case 'OAUTHBEARER': return new OauthBearerProof(token => this.#token(token))
      default: {
        const tokens = this.#tokens
        return new ScramProof(mechanism, user => this.#credentials.scram(user, mechanism),
          { tokens: tokens === null ? null : id => tokens.scram(id, mechanism, address) })
      }
    }
  }

  async #step (proof: Proof, bytes: Buffer, mechanism: Mechanism, origin: Origin): Promise<SaslStep> {
    try {
      const step = await proof.step(bytes)
      if (!step.done) return step
      const { reply, user, expiresAtMs, token } = step
      return { done: true, reply, identity: this.#succeeded(this.#identity(user, mechanism, expiresAtMs, token !== undefined), origin, false, token) }
    } catch (error) {
      throw this.#failed(error, mechanism, origin, proof.claimed)
    }
  }

  async #token (token: string): Promise<TokenHolder> {
    if (this.#oauth === null) throw new AuthenticationFailed('tokens are not accepted here')
    return await this.#oauth.verify(token)
  }

  /** Returns what it is given. */
  #succeeded (identity: Identity, { address, listener: door }: Origin, cached = false, token?: string): Identity {
    const { principal, method } = identity
    this.#backoff.succeeded(address, principal.name)
    const by = { method, ...token === undefined ? {} : { token } }
    this.#observe({ outcome: 'success', ...by, principal: formatPrincipal(principal), address, reason: null, door, cached })
    return identity
  }

  /** Returns what it is given, to be thrown. */
  #failed (error: unknown, method: string, { address, listener: door }: Origin, claimed: string | null): unknown {
    if (!(error instanceof AuthenticationFailed)) return error
    this.#backoff.failed(address, claimed)
    const principal = claimed === null ? null : `User:${claimed.slice(0, MAX_CLAIMED)}`
    this.#observe({ outcome: 'failure', method, principal, address, reason: error.reason, door, cached: false })
    return error
  }

  #identity (name: string, method: string, expiresAtMs: number | null, byToken = false): Identity {
    const principals = byToken ? this.#byToken : this.#principals
    let principal = principals.get(name)
    if (principal === undefined) {
      principal = Object.freeze({ type: 'User', name, ...byToken ? { tokenAuthenticated: true as const } : {} })
      principals.set(name, principal)
    }
    return { principal, method, expiresAtMs }
  }
}
