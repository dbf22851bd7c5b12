/**
 * What the tests of authentication share: users in memory, a SCRAM client written from the RFC, and how a refusal is told.
 */
import type { Test } from 'tap'
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import type { ScramCredential, ScramMechanism, UserDirectory } from '../../../src/access/model.ts'
import { AuthenticationFailed } from '../../../src/auth/identity.ts'
import { scramCredential } from '../../../src/auth/scram-credential.ts'

export class Users implements UserDirectory {
  readonly #credentials = new Map<string, ScramCredential>()
  revision = 0

  async add (name: string, password: string, mechanisms: readonly ScramMechanism[] = ['SCRAM-SHA-256', 'SCRAM-SHA-512'], iterations = 4096): Promise<this> {
    for (const mechanism of mechanisms) this.#credentials.set(`${mechanism} ${name}`, await scramCredential(password, mechanism, iterations))
    this.revision++
    return this
  }

  remove (name: string): void {
    for (const mechanism of ['SCRAM-SHA-256', 'SCRAM-SHA-512']) this.#credentials.delete(`${mechanism} ${name}`)
    this.revision++
  }

  credential (user: string, mechanism: ScramMechanism): ScramCredential | undefined {
    return this.#credentials.get(`${mechanism} ${user}`)
  }
}

/** The client's side of RFC 5802, step 3: what it sends in answer to the server's first message. */
export function clientFinal (
  mechanism: ScramMechanism, password: string, bare: string, serverFirst: string, { nonce, binding = 'biws', extension = '' }: {
    nonce?: string, binding?: string, extension?: string
  } = {}
): { readonly message: string, readonly serverSignature: string } {
  const hash = mechanism === 'SCRAM-SHA-256' ? 'sha256' : 'sha512'
  const hmac = (key: Buffer, text: string): Buffer => createHmac(hash, key).update(text).digest()
  const { r, s, i } = Object.fromEntries(serverFirst.split(',').map(part => [part[0], part.slice(2)])) as { r: string, s: string, i: string }
  const salted = pbkdf2Sync(password, Buffer.from(s, 'base64'), Number(i), hash === 'sha256' ? 32 : 64, hash)
  const clientKey = hmac(salted, 'Client Key')
  const unproved = `c=${binding},r=${nonce ?? r}${extension}`
  const authMessage = `${bare},${serverFirst},${unproved}`
  const signature = hmac(createHash(hash).update(clientKey).digest(), authMessage)
  const proof = Buffer.from(clientKey.map((byte, at) => byte ^ signature[at]!))
  return { message: `${unproved},p=${proof.toString('base64')}`, serverSignature: hmac(hmac(salted, 'Server Key'), authMessage).toString('base64') }
}

/** That it is refused for this reason, in words that tell a stranger nothing. */
export async function refused (t: Test, attempt: () => Promise<unknown> | unknown, reason: RegExp, name?: string): Promise<void> {
  const error = await Promise.resolve().then(attempt).then(() => null, (error: unknown) => error)
  if (!t.ok(error instanceof AuthenticationFailed, name ?? `refused: ${reason.source}`)) return t.comment(String(error))
  t.match((error as AuthenticationFailed).reason, reason, `${name ?? ''}: the reason`)
  t.match((error as AuthenticationFailed).message, /^Authentication failed: /, `${name ?? ''}: the message`)
}
