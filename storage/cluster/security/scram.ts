/**
 * SCRAM-SHA-256 and SCRAM-SHA-512 (RFC 5802, RFC 7677), the client's side: the password never leaves this process, and the
 * broker proves that it knows it as well.
 *
 * Names and passwords are taken as they are, without SASLprep, as Kafka does.
 */
import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { shown, type Exchange } from './sasl.ts'

const derive = promisify(pbkdf2)

export type ScramMechanism = 'SCRAM-SHA-256' | 'SCRAM-SHA-512'

const hashes = { 'SCRAM-SHA-256': ['sha256', 32], 'SCRAM-SHA-512': ['sha512', 64] } as const

/** RFC 7677, and Kafka's own: what a broker keeps with fewer is too easily guessed by whoever has seen an exchange. */
export const MIN_ITERATIONS = 4096
/** Whoever answers in the place of a broker says how much is computed here. Kafka stores at most 16384. */
export const MAX_ITERATIONS = 100_000
const MAX_MESSAGE_BYTES = 8192
const NONCE_BYTES = 24

const GS2 = 'n,,'
const SERVER_FIRST = /^r=(?<nonce>[!-+\--~]+),s=(?<salt>[A-Za-z0-9+/]+={0,2}),i=(?<iterations>[1-9]\d{0,9})(?:,[A-Za-z]=[^\0,]*)*$/
const SERVER_FINAL = /^v=(?<signature>[A-Za-z0-9+/]+={0,2})(?:,[A-Za-z]=[^\0,]*)*$/

/**
 * The work of a login, kept for the next one: all brokers of a cluster know the same salt, and a gateway logs in often.
 */
export class SaltedPassword {
  #key = ''
  #salted: Promise<Buffer> | null = null

  /** On another thread. */
  async of (mechanism: ScramMechanism, password: string, salt: string, iterations: number): Promise<Buffer> {
    const key = `${mechanism} ${salt} ${iterations} ${password}`
    if (this.#salted === null || this.#key !== key) {
      const [name, length] = hashes[mechanism]
      this.#key = key
      this.#salted = derive(Buffer.from(password, 'utf8'), Buffer.from(salt, 'base64'), iterations, length, name)
    }
    return await this.#salted
  }
}

export class ScramExchange implements Exchange {
  readonly #mechanism: ScramMechanism
  readonly #password: string
  readonly #salted: SaltedPassword
  readonly #nonce: string
  readonly #bare: string
  #signature: Buffer | null = null

  /** `nonce`: for the vectors of the RFC. */
  constructor (mechanism: ScramMechanism, username: string, password: string, salted: SaltedPassword, nonce = randomBytes(NONCE_BYTES).toString('base64')) {
    this.#mechanism = mechanism
    this.#password = password
    this.#salted = salted
    this.#nonce = nonce
    this.#bare = `n=${username.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${nonce}`
  }

  get secrets (): readonly string[] {
    return [this.#password]
  }

  async first (): Promise<Buffer> {
    return Buffer.from(GS2 + this.#bare)
  }

  async next (answer: Buffer): Promise<Buffer | null> {
    if (answer.length > MAX_MESSAGE_BYTES) throw new Error(`the broker's message is longer than ${MAX_MESSAGE_BYTES} bytes`)
    const text = answer.toString('utf8')
    const refusal = /^e=(?<error>[^,]*)/.exec(text)?.groups!['error']
    if (refusal !== undefined) throw new Error(`the broker says "${shown(refusal)}"`)
    if (this.#signature === null) return await this.#answer(text)
    const signature = SERVER_FINAL.exec(text)?.groups!['signature']
    if (signature === undefined) throw new Error('the broker\'s last message is malformed')
    const given = Buffer.from(signature, 'base64')
    if (given.length !== this.#signature.length || !timingSafeEqual(given, this.#signature)) {
      throw new Error('the broker does not know the password itself: whoever answers there is not the cluster')
    }
    return null
  }

  refused (): string {
    return 'Check the name and the password.'
  }

  async #answer (serverFirst: string): Promise<Buffer> {
    const { nonce, salt, iterations: count } = SERVER_FIRST.exec(serverFirst)?.groups ?? {}
    if (count === undefined) throw new Error('the broker\'s first message is malformed')
    if (!nonce!.startsWith(this.#nonce) || nonce!.length === this.#nonce.length) throw new Error('the broker\'s nonce does not continue ours')
    const iterations = Number(count)
    if (iterations < MIN_ITERATIONS || iterations > MAX_ITERATIONS) {
      throw new Error(`the broker asks for ${iterations} iterations; expected ${MIN_ITERATIONS} to ${MAX_ITERATIONS}`)
    }
    const [name] = hashes[this.#mechanism]
    const hmac = (key: Buffer, of: string): Buffer => createHmac(name, key).update(of, 'utf8').digest()
    const salted = await this.#salted.of(this.#mechanism, this.#password, salt!, iterations)
    const unproved = `c=${Buffer.from(GS2).toString('base64')},r=${nonce}`
    const authMessage = `${this.#bare},${serverFirst},${unproved}`
    const clientKey = hmac(salted, 'Client Key')
    const clientSignature = hmac(createHash(name).update(clientKey).digest(), authMessage)
    this.#signature = hmac(hmac(salted, 'Server Key'), authMessage)
    const proof = Buffer.from(clientKey.map((byte, i) => byte ^ clientSignature[i]!))
    return Buffer.from(`${unproved},p=${proof.toString('base64')}`)
  }
}
