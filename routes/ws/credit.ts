/**
 * What a subscriber has said it can take: so many records, so many bytes. What the first grant leaves out is not limited.
 */
import type { Room } from '../../src/client/consumer.ts'
import { Problem } from '../problem.ts'
import { limits } from './limits.ts'

export interface Grant {
  readonly records?: number | undefined
  readonly bytes?: number | undefined
}

export class Credit implements Room {
  #granted = false
  #records = 0
  #bytes = 0

  /** Adds to what is left. Throws Problem, and changes nothing, above the limits. */
  grant ({ records, bytes }: Grant): void {
    const none = this.#granted ? 0 : Infinity
    const nextRecords = this.#records + (records ?? none)
    const nextBytes = this.#bytes + (bytes ?? none)
    if (isAbove(nextRecords, limits.creditRecords) || isAbove(nextBytes, limits.creditBytes)) {
      throw new Problem('invalid-request', `A subscription may have credit for ${limits.creditRecords} records and ${limits.creditBytes} bytes ` +
        `at a time; with this grant it would be ${nextRecords} and ${nextBytes}. Nothing was granted.`)
    }
    this.#granted = true
    this.#records = nextRecords
    this.#bytes = nextBytes
  }

  get records (): number { return this.#records }

  /** What may go into the next message. */
  get bytes (): number { return Math.min(this.#bytes, limits.messageBytes) }

  get bytesLeft (): number { return this.#bytes }

  get isUsedUp (): boolean { return this.#records === 0 || this.#bytes === 0 }

  take (records: number, bytes: number): void {
    this.#records -= records
    this.#bytes -= bytes
  }
}

const isAbove = (credit: number, limit: number): boolean => credit !== Infinity && credit > limit
