/**
 * What validation counts, in plain fields that are read at scrape.
 */
import { Histogram, WORK_SECONDS } from '../histogram.ts'
import type { LookupStats, Reason } from './validate-rules.ts'

/** What became of records that did not pass. `unreadable` and `unavailable` are said of whole batches, as one. */
export type Outcome = 'rejected' | 'let-in' | 'dead-lettered'
export type CountedReason = Reason | 'unreadable' | 'unavailable'

/** Topics that are counted by name; the rest is one row. */
const MAX_TOPICS = 200
const OTHER_TOPICS = 'other'

export class ValidationStats implements LookupStats {
  /** Records that were looked at, whether they passed or not. */
  validated = 0
  cacheHits = 0
  cacheMisses = 0
  /** Times that the registry was read on because a schema was not known. */
  refreshes = 0
  /** For one batch, decompression included. */
  readonly seconds = new Histogram(WORK_SECONDS)
  readonly #faults = new Map<string, Map<string, number>>()

  /** Records of a topic that did not pass. */
  faulty (topic: string, outcome: Outcome, reason: CountedReason, count = 1): void {
    let counts = this.#faults.get(topic)
    if (counts === undefined) {
      const name = this.#faults.size < MAX_TOPICS ? topic : OTHER_TOPICS
      counts = this.#faults.get(name) ?? new Map<string, number>()
      this.#faults.set(name, counts)
    }
    const key = `${outcome} ${reason}`
    counts.set(key, (counts.get(key) ?? 0) + count)
  }

  * faults (): Iterable<readonly [topic: string, outcome: Outcome, reason: CountedReason, count: number]> {
    for (const [topic, counts] of this.#faults) {
      for (const [key, count] of counts) {
        const [outcome, reason] = key.split(' ') as [Outcome, CountedReason]
        yield [topic, outcome, reason, count]
      }
    }
  }
}
