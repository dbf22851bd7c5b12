/**
 * Delegation tokens as users of SCRAM (KIP-48): the id is the name, the HMAC in base64 the password, and who logs in is the
 * owner. What SCRAM needs to check a password is derived when a token is first used, and kept for as long as there is room.
 *
 * A token that does not exist, or has expired, is answered with a salt all the same, always the same one for its id, and then refused
 * as a wrong password is. For it nothing is derived, so that strangers can cause no work: when a good token is used first, its answer
 * takes longer than theirs.
 */
import { randomBytes } from 'node:crypto'
import type { DelegationTokens } from '../access/delegation-tokens.ts'
import type { ScramCredential, ScramMechanism } from '../access/model.ts'
import { BoundedMap } from './bounded-map.ts'
import { AuthenticationFailed } from './identity.ts'
import { credentialOf, DEFAULT_ITERATIONS, hashes, SALT_BYTES, saltOf, saltPassword } from './scram-credential.ts'
import { Turns, type TurnLimits } from './turns.ts'

/** Whom a token stands for, until when. */
export interface TokenHolder {
  readonly user: string
  /** In ms since the epoch. */
  readonly expiresAtMs: number
}

export interface TokenCredential {
  readonly credential: ScramCredential
  /** As of now; null if there is no such token any more. */
  readonly holder: () => TokenHolder | null
}

const MAX_DERIVED = 20_000
/** Of the threads that are shared with the disk. */
const LIMITS: TurnLimits = { atOnce: 2, waiting: 512, waitingEach: 64 }

const TOO_MANY = 'Authentication failed: too many logins are waiting to be checked. Try again in a moment.'

export class TokenCredentials {
  readonly #tokens: DelegationTokens
  readonly #turns = new Turns(LIMITS)
  readonly #derived = new BoundedMap<string, Promise<ScramCredential>>(MAX_DERIVED)
  #derivations = 0

  constructor (tokens: DelegationTokens) {
    this.#tokens = tokens
  }

  /** How many passwords were salted: the work that a stranger must not be able to cause. */
  get derivations (): number { return this.#derivations }

  /** `origin` is who waits in one line. Rejects with AuthenticationFailed if too many wait already. */
  async scram (id: string, mechanism: ScramMechanism, origin: string): Promise<TokenCredential> {
    const salt = saltOf(this.#tokens.saltOf(id, mechanism).subarray(0, SALT_BYTES))
    const credential = this.#tokens.valid(id) === undefined ? madeUp(salt, mechanism) : await this.#derive(id, mechanism, salt, origin)
    return { credential, holder: () => this.#holder(id) }
  }

  #holder (id: string): TokenHolder | null {
    const token = this.#tokens.valid(id)
    if (token === undefined) return null
    const { owner, expiresMs, maxMs } = token
    return { user: owner.slice(owner.indexOf(':') + 1), expiresAtMs: Math.min(expiresMs, maxMs) }
  }

  async #derive (id: string, mechanism: ScramMechanism, salt: Buffer, origin: string): Promise<ScramCredential> {
    const key = `${mechanism} ${id}`
    const known = this.#derived.get(key)
    if (known !== undefined) return await known
    const derived = this.#turns.run(origin, async () => {
      this.#derivations++
      const password = this.#tokens.hmacOf(id).toString('base64')
      return credentialOf(await saltPassword(password, salt, DEFAULT_ITERATIONS, mechanism), salt, DEFAULT_ITERATIONS, mechanism)
    })
    if (derived === null) throw new AuthenticationFailed('overloaded: too many passwords wait to be checked', TOO_MANY)
    this.#derived.set(key, derived)
    return await derived
  }
}

function madeUp (salt: Buffer, mechanism: ScramMechanism): ScramCredential {
  const { length } = hashes[mechanism]
  return { salt, iterations: DEFAULT_ITERATIONS, storedKey: randomBytes(length), serverKey: randomBytes(length) }
}
