/**
 * A proof of identity as a message carries it: a token, a ticket, or a name and a password.
 */
import type { Identity, Origin } from '../../src/auth/identity.ts'
import { proven } from '../authentication.ts'
import type { HttpDoor } from '../door.ts'
import { invalid, isObject, refuseUnknown } from './outgoing.ts'
import type { HttpAuthentication } from '../guards.ts'

export type Proof =
  | { readonly bearer: string }
  | { readonly ticket: string }
  | { readonly basic: { readonly user: string, readonly password: string } }

const KINDS: ReadonlySet<string> = new Set(['bearer', 'ticket', 'basic'])
const BASIC_FIELDS: ReadonlySet<string> = new Set(['user', 'password'])

/** Throws Problem, which says nothing of what the value holds. */
export function proofOf (value: unknown): Proof {
  if (!isObject(value) || Object.keys(value).length !== 1) throw invalid('auth must be {"bearer"}, {"ticket"} or {"basic":{"user","password"}}')
  refuseUnknown(value, KINDS, 'auth')
  const { bearer, ticket, basic } = value
  if (typeof bearer === 'string') return { bearer }
  if (typeof ticket === 'string') return { ticket }
  if (!isObject(basic)) throw invalid('auth.bearer and auth.ticket must be strings, and auth.basic {"user","password"}')
  refuseUnknown(basic, BASIC_FIELDS, 'auth.basic')
  const { user, password } = basic
  if (typeof user !== 'string' || typeof password !== 'string' || user.includes(':')) {
    throw invalid('auth.basic must have a user, without a colon, and a password')
  }
  return { basic: { user, password } }
}

/** Rejects with Problem, after a while. */
export function prove (door: HttpDoor, authentication: HttpAuthentication, origin: Origin, proof: Proof): Promise<Identity> {
  return proven(door, authentication, origin, () => {
    if ('ticket' in proof) return authentication.redeem(proof.ticket, origin)
    const header = 'bearer' in proof
      ? `Bearer ${proof.bearer}`
      : `Basic ${Buffer.from(`${proof.basic.user}:${proof.basic.password}`).toString('base64')}`
    return authentication.authorization(header, origin)
  })
}
