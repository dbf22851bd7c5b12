/**
 * PLAIN (RFC 4616): authzid NUL authcid NUL password, in UTF-8, in one message.
 */
import { AuthenticationFailed } from './identity.ts'
import { decodeUtf8, NO_BYTES, type Proof, type ProofStep } from './proof.ts'

export const MAX_NAME_BYTES = 1024
export const MAX_PASSWORD_BYTES = 4096

/** Throws AuthenticationFailed if somebody logs in with less than a name and a password, or more than anyone needs. */
export function checkLengths (user: string, password: string): void {
  if (user === '' || Buffer.byteLength(user) > MAX_NAME_BYTES) throw new AuthenticationFailed(`a user name has 1 to ${MAX_NAME_BYTES} bytes`)
  if (password === '' || Buffer.byteLength(password) > MAX_PASSWORD_BYTES) throw new AuthenticationFailed(`a password has 1 to ${MAX_PASSWORD_BYTES} bytes`)
}

export class PlainProof implements Proof {
  readonly #verify: (user: string, password: string) => Promise<boolean>
  #claimed: string | null = null

  constructor (verify: (user: string, password: string) => Promise<boolean>) {
    this.#verify = verify
  }

  get claimed (): string | null { return this.#claimed }

  async step (bytes: Buffer): Promise<ProofStep> {
    const text = bytes.length <= 2 * MAX_NAME_BYTES + MAX_PASSWORD_BYTES + 2 ? decodeUtf8(bytes) : null
    const parts = text?.split('\0')
    if (parts?.length !== 3) throw new AuthenticationFailed('a PLAIN message is UTF-8 text of three parts, with a NUL between them')
    const [authzid, user, password] = parts as [string, string, string]
    checkLengths(user, password)
    this.#claimed = user
    // CVE-2017-12610: nobody becomes somebody else, nor somebody who merely looks the same (SASLprep).
    if (authzid !== '' && authzid !== user) throw new AuthenticationFailed('the authorisation id is not the user that is proved')
    if (!await this.#verify(user, password)) throw new AuthenticationFailed('unknown user or wrong password')
    return { done: true, reply: NO_BYTES, user, expiresAtMs: null }
  }
}
