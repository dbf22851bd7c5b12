/**
 * Fetched records cut to what a request may have. Each broker keeps to the limit; together they may go beyond it.
 */
import type { Chunks } from '../../protocol/schema.ts'
import { sizeOf } from './fetched.ts'
import type { FetchedPartition } from './polls.ts'

/** Where a batch says how many bytes follow. */
const BATCH_LENGTH_AT = 8

/** Takes what a request may have, partition by partition, and at least one batch. */
export class Limit {
  #left: number
  #isFirst = true

  constructor (bytes: number) {
    this.#left = bytes
  }

  cut (answer: FetchedPartition): FetchedPartition {
    const size = sizeOf(answer)
    if (size === 0) return answer
    const records = size <= this.#left ? answer.records! : wholeBatches(answer.records!, this.#left, this.#isFirst)
    const taken = records.reduce((sum, chunk) => sum + chunk.length, 0)
    if (taken > 0) this.#isFirst = false
    this.#left -= taken
    return { ...answer, records }
  }
}

/** As many batches as fit; if `atLeastOne`, the first one even if it does not. */
function wholeBatches (records: Chunks, bytes: number, atLeastOne: boolean): Chunks {
  const taken: Buffer[] = []
  let left = bytes
  for (const chunk of records) {
    let end = 0
    while (end + BATCH_LENGTH_AT + 4 <= chunk.length) {
      const next = end + BATCH_LENGTH_AT + 4 + chunk.readInt32BE(end + BATCH_LENGTH_AT)
      if (next > chunk.length || (next - end > left && !(atLeastOne && taken.length === 0 && end === 0))) break
      left -= next - end
      end = next
    }
    if (end > 0) taken.push(chunk.subarray(0, end))
    if (end < chunk.length) break
  }
  return taken
}
