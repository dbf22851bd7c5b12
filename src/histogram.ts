/**
 * A plain histogram: counts by upper bound, and their sum. Observing allocates nothing.
 */

/** What is read from a histogram at scrape. */
export interface HistogramSnapshot {
  /** Upper bounds, ascending; a value equal to a bound is under it. */
  readonly bounds: readonly number[]
  /** How many values fell between a bound and the one before it; one more at the end, for those above every bound. */
  readonly counts: ArrayLike<number>
  readonly sum: number
}

export class Histogram implements HistogramSnapshot {
  readonly bounds: readonly number[]
  readonly counts: Float64Array
  sum = 0

  constructor (bounds: readonly number[]) {
    this.bounds = bounds
    this.counts = new Float64Array(bounds.length + 1)
  }

  observe (value: number): void {
    const { bounds } = this
    let i = 0
    // A dozen bounds, and most values among the first: a plain walk is faster than halving.
    while (i < bounds.length && value > bounds[i]!) i++
    this.counts[i]!++
    this.sum += value
  }
}

/** Seconds that requests take when nothing is waited for. */
export const WORK_SECONDS = [0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const

/** Seconds of requests that are held until there is something to say. */
export const WAIT_SECONDS = [0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300] as const
