/**
 * PLAIN (RFC 4616): the name and the password as they are.
 */
import type { Exchange } from './sasl.ts'

export class PlainExchange implements Exchange {
  readonly #username: string
  readonly secrets: readonly string[]

  constructor (username: string, password: string) {
    this.#username = username
    this.secrets = [password]
  }

  async first (): Promise<Buffer> {
    return Buffer.from(`\0${this.#username}\0${this.secrets[0]!}`)
  }

  async next (): Promise<null> {
    return null
  }

  refused (): string {
    return 'Check the name and the password.'
  }
}
