/**
 * SCRAM-SHA-256 and SCRAM-SHA-512, the server's side (RFC 5802, RFC 7677), as Kafka speaks it: failures are told by
 * SaslAuthenticate and not by `e=`, names are compared as they are, and channel binding is not offered.
 *
 * A user who does not exist goes through the same two steps with made-up keys: whether the name or the password was wrong
 * does not show.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto'
import type { ScramCredential, ScramMechanism } from '../access/model.ts'
import { AuthenticationFailed } from './identity.ts'
import { decodeUtf8, type Proof, type ProofStep } from './proof.ts'
import { hash, hmac } from './scram-credential.ts'
import type { TokenCredential, TokenHolder } from './token-credentials.ts'

/** RFC 5802 sets no bound; no client comes near it. */
const MAX_MESSAGE_BYTES = 8192
const NONCE_BYTES = 24

const NAME = '(?:[^\\0=,]|=2C|=3D)+'
// "n": no channel binding. "y": the client could, but thinks that we could not, which is so. "p=": it insists.
const GS2 = `(?<gs2>[ny],(?:a=(?<authzid>${NAME}))?,)`
const NONCE = '[!-+\\--~]'
const EXTENSIONS = '(?:,[A-Za-z]+=[^\\0,]+)*'
const CLIENT_FIRST = new RegExp(`^${GS2}(?<bare>n=(?<user>${NAME}),r=(?<nonce>${NONCE}+)(?<extensions>${EXTENSIONS}))$`, 'u')
const CLIENT_FINAL = new RegExp(`^(?<unproved>c=(?<binding>[A-Za-z0-9+/=]+),r=(?<nonce>${NONCE}*)${EXTENSIONS}),p=(?<proof>[A-Za-z0-9+/]+={0,2})$`, 'u')

interface First {
  readonly gs2: string
  readonly bare: string
  /** The client's and ours. */
  readonly nonce: string
  readonly serverFirst: string
  readonly credential: ScramCredential
  readonly user: string
  /** Set where the name is that of a delegation token: whom it stands for. */
  readonly holder: (() => TokenHolder | null) | null
}

export interface ScramOptions {
  /** Answers for every id of a delegation token, with made-up keys if need be; null where there are no tokens. */
  readonly tokens?: ((id: string) => Promise<TokenCredential>) | null
  /** For the vectors of the RFC. */
  readonly newNonce?: () => string
}

export class ScramProof implements Proof {
  readonly #mechanism: ScramMechanism
  readonly #credential: (user: string) => ScramCredential
  readonly #tokens: ((id: string) => Promise<TokenCredential>) | null
  readonly #newNonce: () => string
  #claimed: string | null = null
  #first: First | null = null

  /** `credential` answers for every name, with made-up keys if need be. */
  constructor (
    mechanism: ScramMechanism, credential: (user: string) => ScramCredential,
    { tokens = null, newNonce = () => randomBytes(NONCE_BYTES).toString('base64url') }: ScramOptions = {}
  ) {
    this.#mechanism = mechanism
    this.#credential = credential
    this.#tokens = tokens
    this.#newNonce = newNonce
  }

  get claimed (): string | null { return this.#claimed }

  async step (bytes: Buffer): Promise<ProofStep> {
    const message = bytes.length <= MAX_MESSAGE_BYTES ? decodeUtf8(bytes) : null
    if (message === null) throw new AuthenticationFailed(`a SCRAM message is UTF-8 text of at most ${MAX_MESSAGE_BYTES} bytes`)
    return this.#first === null ? await this.#begin(message) : this.#finish(message, this.#first)
  }

  async #begin (message: string): Promise<ProofStep> {
    if (message.startsWith('p=')) throw new AuthenticationFailed('the client asks for channel binding, which was not offered')
    const { gs2, authzid, bare, user: saslName, nonce: clientNonce, extensions } = CLIENT_FIRST.exec(message)?.groups ?? {}
    if (saslName === undefined) throw new AuthenticationFailed('the first SCRAM message is malformed')
    const user = nameOf(saslName)
    this.#claimed = user
    // CVE-2017-12610: nobody becomes somebody else, nor somebody who merely looks the same (SASLprep).
    if (authzid !== undefined && nameOf(authzid) !== user) throw new AuthenticationFailed('the authorisation id is not the user that is proved')
    // Kafka's mark of a delegation token (KIP-48): the name is its id. Where there are none, an old one must not pass as a password.
    const isToken = /,tokenauth=true(?:,|$)/i.test(extensions!)
    if (isToken && this.#tokens === null) throw new AuthenticationFailed('delegation tokens are not switched on')
    if (/,m=/.test(extensions!)) throw new AuthenticationFailed('the client demands an extension that is not known here')
    const { credential, holder } = isToken ? await this.#tokens!(user) : { credential: this.#credential(user), holder: null }
    const nonce = clientNonce! + this.#newNonce()
    const serverFirst = `r=${nonce},s=${credential.salt.toString('base64')},i=${credential.iterations}`
    this.#first = { gs2: gs2!, bare: bare!, nonce, serverFirst, credential, user, holder }
    return { done: false, reply: Buffer.from(serverFirst) }
  }

  #finish (message: string, { gs2, bare, nonce, serverFirst, credential, user, holder }: First): ProofStep {
    const { unproved, binding, nonce: echoed, proof } = CLIENT_FINAL.exec(message)?.groups ?? {}
    if (proof === undefined) throw new AuthenticationFailed('the final SCRAM message is malformed')
    if (binding !== Buffer.from(gs2).toString('base64')) throw new AuthenticationFailed('the channel binding is not the one that the client began with')
    // CVE-2024-56128: the whole nonce, nothing more and nothing less. librdkafka before 2.6.1 puts its own before it once more,
    // and is refused for it, as by Kafka.
    if (!equal(Buffer.from(echoed!), Buffer.from(nonce))) throw new AuthenticationFailed('the nonce is not the one that was given')
    const authMessage = `${bare},${serverFirst},${unproved}`
    const signature = hmac(this.#mechanism, credential.storedKey, authMessage)
    const clientProof = Buffer.from(proof, 'base64')
    if (clientProof.length !== signature.length) throw new AuthenticationFailed('the proof has not the length of the hash')
    const clientKey = signature.map((byte, i) => byte ^ clientProof[i]!) as Buffer
    const serverSignature = hmac(this.#mechanism, credential.serverKey, authMessage)
    const isRight = equal(hash(this.#mechanism, clientKey), credential.storedKey)
    const reply = Buffer.from(`v=${serverSignature.toString('base64')}`)
    if (holder !== null) {
      const held = isRight ? holder() : null
      if (held === null) throw new AuthenticationFailed('the delegation token is unknown, has expired, or its HMAC is another')
      return { done: true, reply, user: held.user, expiresAtMs: held.expiresAtMs, token: user }
    }
    if (!isRight) throw new AuthenticationFailed('unknown user or wrong password')
    return { done: true, reply, user, expiresAtMs: null }
  }
}

const equal = (a: Buffer, b: Buffer): boolean => a.length === b.length && timingSafeEqual(a, b)

const nameOf = (saslName: string): string => saslName.replaceAll('=2C', ',').replaceAll('=3D', '=')
