/**
 * The records of the groups on their way into `__consumer_offsets`.
 */
import type { NewRecord } from '../../../protocol/records.ts'

export interface GroupLog {
  /**
   * Appends to the compacted topic `__consumer_offsets`; a null value is a tombstone. Resolves when the records are
   * durable, rejects with KafkaError KAFKA_STORAGE_ERROR when they may not be.
   */
  append (records: readonly NewRecord[]): Promise<void>
}

/**
 * Appends, and applies what was appended once it is durable, in the order in which it was appended. So what memory holds
 * is always what a restart would read back, and nobody sees an offset that a crash could take away again.
 */
export class Journal {
  readonly #log: GroupLog
  #last: Promise<unknown> = Promise.resolve()

  constructor (log: GroupLog) {
    this.#log = log
  }

  /** Rejects as `GroupLog.append` does; `apply` is not called then. */
  append (records: readonly NewRecord[], apply?: () => void): Promise<void> {
    const turn = Promise.allSettled([this.#log.append(records), this.#last]).then(([written]) => {
      if (written.status === 'rejected') throw written.reason
      apply?.()
    })
    this.#last = turn
    return turn
  }

  /** Resolves when all that was appended so far has been applied, or has failed. */
  async settled (): Promise<void> {
    await Promise.allSettled([this.#last])
  }
}
