/**
 * Ids for idempotent producers. They are handed out of blocks, so that only every thousandth one costs a write; what is
 * left of a block at a crash is never used.
 */
import type { MetadataLog } from './metadata.ts'

const KEY = 'producer-ids'
const BLOCK = 1000

export class ProducerIds {
  readonly #metadata: MetadataLog
  #next = 0
  #end = 0
  #claiming: Promise<void> | null = null

  constructor (metadata: MetadataLog) {
    this.#metadata = metadata
  }

  /** An id that nobody has had. Rejects with KafkaError KAFKA_STORAGE_ERROR. */
  async take (): Promise<number> {
    while (this.#next === this.#end) await (this.#claiming ??= this.#claim())
    return this.#next++
  }

  async #claim (): Promise<void> {
    try {
      const { next } = (this.#metadata.get(KEY) ?? { next: 0 }) as { next: number }
      await this.#metadata.set(KEY, { next: next + BLOCK })
      this.#next = next
      this.#end = next + BLOCK
    } finally {
      this.#claiming = null
    }
  }
}
