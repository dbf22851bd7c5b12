/**
 * OAUTHBEARER (RFC 7628, KIP-255): a token, shown as it is.
 */
import { shown, type Exchange } from './sasl.ts'

/** Where tokens come from. */
export interface TokenSource {
  /** As a sentence names it; never a secret. */
  readonly place: string
  /** One that is good as far as is known. Rejects with a sentence for the operator. */
  token (): Promise<string>
  /** The cluster does not take this one. */
  refused (token: string): void
}

/** RFC 6750, section 2.1. */
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/
export const MAX_TOKEN_BYTES = 64 * 1024

export const isToken = (text: string): boolean => text.length <= MAX_TOKEN_BYTES && TOKEN.test(text)

export class OauthbearerExchange implements Exchange {
  readonly #source: TokenSource
  #token = ''
  #status = ''

  constructor (source: TokenSource) {
    this.#source = source
  }

  get secrets (): readonly string[] {
    return [this.#token]
  }

  async first (): Promise<Buffer> {
    this.#token = await this.#source.token()
    return Buffer.from(`n,,\x01auth=Bearer ${this.#token}\x01\x01`)
  }

  async next (answer: Buffer): Promise<Buffer | null> {
    // RFC 7628, section 3.2.3: a refusal is told in JSON, and the error follows once the client has heard it.
    if (this.#status !== '') throw new Error(`the broker refuses the token (${this.#status}) and goes on`)
    if (answer.length === 0) return null
    this.#status = statusOf(answer)
    return Buffer.from('\x01')
  }

  refused (): string {
    this.#source.refused(this.#token)
    const expiresMs = expiryOf(this.#token)
    const status = this.#status === '' ? '' : `The broker calls it ${this.#status}. `
    return status + (expiresMs !== null && expiresMs <= Date.now()
      ? `The token of ${this.#source.place} ran out at ${new Date(expiresMs).toISOString()}.`
      : `The token is that of ${this.#source.place}.`)
  }
}

function statusOf (answer: Buffer): string {
  let status: unknown
  try {
    status = (JSON.parse(answer.subarray(0, 4096).toString('utf8')) as { readonly status?: unknown } | null)?.status
  } catch {
    // It is a refusal all the same.
  }
  return typeof status === 'string' && /^\w{1,64}$/.test(status) ? shown(status) : 'invalid'
}

/** When a token says that it runs out, in ms since the epoch; null if it is no JWT, or does not say. Nothing is believed of it but that. */
export function expiryOf (token: string): number | null {
  const [, claims, signature] = token.split('.')
  if (signature === undefined) return null
  try {
    const { exp } = JSON.parse(Buffer.from(claims!, 'base64url').toString('utf8')) as { readonly exp?: unknown }
    return typeof exp === 'number' && exp > 0 && exp < 1e11 ? exp * 1000 : null
  } catch {
    return null
  }
}
