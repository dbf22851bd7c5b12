/**
 * A broker that asks for credentials, as far as a proof of identity sees one.
 */
import { SaslHandshake } from '../../../../protocol/messages/17-sasl-handshake.ts'
import { errors, type ErrorName } from '../../../../protocol/errors.ts'
import type { Api, RequestInput, Response } from '../../../../protocol/schema.ts'
import type { Channel } from '../../../../storage/cluster/upstream.ts'

export interface Step {
  readonly reply?: Buffer | string
  readonly error?: ErrorName
  readonly message?: string | null
  readonly lifetimeMs?: number
}

export class FakeChannel implements Channel {
  /** What was shown, in order, as text. */
  readonly shown: string[] = []
  readonly mechanisms: string[] = []
  readonly versions: number[] = []
  readonly #answer: (shown: string, step: number) => Step | Promise<Step>
  readonly #handshake: { readonly error: ErrorName, readonly offered: readonly string[] }

  constructor (answer: (shown: string, step: number) => Step | Promise<Step> = () => ({}), handshake: { error?: ErrorName, offered?: readonly string[] } = {}) {
    this.#answer = answer
    this.#handshake = { error: 'NONE', offered: [], ...handshake }
  }

  async request<A extends Api> (api: A, version: number, body: RequestInput<A>): Promise<Response<A>> {
    this.versions.push(version)
    if (api.key === SaslHandshake.key) {
      this.mechanisms.push((body as { mechanism: string }).mechanism)
      return { errorCode: errors[this.#handshake.error], mechanisms: [...this.#handshake.offered] } as unknown as Response<A>
    }
    const text = (body as { authBytes: Buffer }).authBytes.toString('utf8')
    this.shown.push(text)
    const { reply = '', error = 'NONE', message = null, lifetimeMs = 0 } = await this.#answer(text, this.shown.length)
    return { errorCode: errors[error], errorMessage: message, authBytes: Buffer.from(reply), sessionLifetimeMs: lifetimeMs } as unknown as Response<A>
  }
}
