/** What has been encoded of the defaults of a schema's fields, so that it need not be done again for each value. */
import type { Field } from './schema.ts'

export interface EncodedDefault {
  readonly bytes: Buffer
  /** Levels of values within each other: they count where it is put to use. */
  readonly height: number
  /** Items within that take no bytes, which count as well. */
  readonly emptyItems: number
}

/** Defaults of defaults multiply, so what is large is encoded again each time. In bytes: of one, and of all that one schema keeps. */
const MAX_ONE = 64 * 1024
const MAX_ALL = 4 * 1024 * 1024
/** Beside its bytes: measured. */
const BYTES_PER_ONE = 500

export class EncodedDefaults {
  readonly #kept = new Map<Field, EncodedDefault>()
  #bytes = 0

  /** What it takes in memory. */
  get sizeBytes (): number {
    return this.#bytes + this.#kept.size * BYTES_PER_ONE
  }

  get (field: Field): EncodedDefault | undefined {
    return this.#kept.get(field)
  }

  hasRoom (length: number): boolean {
    return length <= MAX_ONE && this.#bytes + length <= MAX_ALL
  }

  keep (field: Field, encoded: EncodedDefault): void {
    this.#bytes += encoded.bytes.length
    this.#kept.set(field, encoded)
  }
}
