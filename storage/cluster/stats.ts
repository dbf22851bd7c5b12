/**
 * How a broker has been doing: plain fields, bumped as it happens and read by the metrics.
 */

/** Upper ends of the buckets of latencies, in seconds. */
export const LATENCY_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const

export class BrokerStats {
  connects = 0
  connectFailures = 0
  disconnects = 0
  requests = 0
  bytesIn = 0
  bytesOut = 0
  /** Answers that said that the broker does not lead or coordinate what it was asked about. */
  misdirected = 0
  /** A sentence for the operator. */
  lastFailure: string | null = null
  readonly latency = { bounds: LATENCY_SECONDS, counts: new Float64Array(LATENCY_SECONDS.length + 1), sum: 0 }
  /** When it last answered anything, in ms of `performance.now()`. */
  answeredAt = -Infinity

  answered (ms: number): void {
    const seconds = ms / 1000
    const { latency } = this
    let bucket = 0
    while (bucket < LATENCY_SECONDS.length && seconds > LATENCY_SECONDS[bucket]!) bucket++
    latency.counts[bucket]!++
    latency.sum += seconds
    this.answeredAt = performance.now()
  }
}
