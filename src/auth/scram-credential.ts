/**
 * What SCRAM (RFC 5802, RFC 7677) makes of a password, and what is kept of it.
 *
 * Passwords are taken as they are, in UTF-8. RFC 5802 would have them prepared with SASLprep (RFC 4013), but Kafka's
 * ScramFormatter does not, nor do the clients that follow it: a server that did would refuse what `kafka-configs` stored.
 */
import { createHash, createHmac, pbkdf2, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import type { ScramCredential, ScramMechanism } from '../access/model.ts'

const derive = promisify(pbkdf2)

interface Hash {
  readonly name: 'sha256' | 'sha512'
  readonly length: number
}

export const hashes: Readonly<Record<ScramMechanism, Hash>> = {
  'SCRAM-SHA-256': { name: 'sha256', length: 32 },
  'SCRAM-SHA-512': { name: 'sha512', length: 64 }
}

/** What `kafka-configs` takes where nobody says otherwise. */
export const DEFAULT_ITERATIONS = 4096

/** SaltedPassword := Hi(password, salt, i). The work of a login; it is done on another thread. */
export async function saltPassword (password: string, salt: Buffer, iterations: number, mechanism: ScramMechanism): Promise<Buffer> {
  const { name, length } = hashes[mechanism]
  return await derive(Buffer.from(password, 'utf8'), salt, iterations, length, name)
}

/** StoredKey := H(HMAC(SaltedPassword, "Client Key")) */
export const storedKeyOf = (saltedPassword: Buffer, mechanism: ScramMechanism): Buffer =>
  hash(mechanism, hmac(mechanism, saltedPassword, 'Client Key'))

/** What is kept of a password that was salted elsewhere: `kafka-configs` does it before anything is sent. */
export function credentialOf (saltedPassword: Buffer, salt: Buffer, iterations: number, mechanism: ScramMechanism): ScramCredential {
  return { salt, iterations, storedKey: storedKeyOf(saltedPassword, mechanism), serverKey: hmac(mechanism, saltedPassword, 'Server Key') }
}

export async function scramCredential (password: string, mechanism: ScramMechanism, iterations = DEFAULT_ITERATIONS): Promise<ScramCredential> {
  const salt = saltOf(randomBytes(SALT_BYTES))
  return credentialOf(await saltPassword(password, salt, iterations, mechanism), salt, iterations, mechanism)
}

export const SALT_BYTES = 17

/**
 * A salt of 130 random bits as Kafka's tools write them: to base 36, 25 letters or so. Salts are shown to whoever names a
 * user, so those of users who do not exist must look like these.
 */
export function saltOf (random: Buffer): Buffer {
  return Buffer.from(BigInt.asUintN(130, BigInt(`0x${random.toString('hex')}`)).toString(36))
}

export const hmac = (mechanism: ScramMechanism, key: Buffer, text: string): Buffer => createHmac(hashes[mechanism].name, key).update(text, 'utf8').digest()
export const hash = (mechanism: ScramMechanism, bytes: Buffer): Buffer => createHash(hashes[mechanism].name).update(bytes).digest()
