/**
 * A value that is used and never shown: printed, logged, inspected or turned into JSON, it is `[secret]`.
 */
import { inspect } from 'node:util'

const SHOWN = '[secret]'

export class Secret {
  readonly #value: string

  constructor (value: string) {
    this.#value = value
  }

  /** The value itself, for the one who checks it. */
  reveal (): string {
    return this.#value
  }

  toString (): string {
    return SHOWN
  }

  toJSON (): string {
    return SHOWN
  }

  [inspect.custom] (): string {
    return SHOWN
  }
}
