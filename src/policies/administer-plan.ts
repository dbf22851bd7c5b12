/**
 * A request for changes, thought through: what is to be written, and what to answer once it is.
 */
import type { AccessChange } from '../access/entries.ts'

export interface Plan<R> {
  readonly changes: readonly AccessChange[]
  readonly response: R
}
