/**
 * What the metrics are read from: plain fields that others bump. Nothing is copied until someone asks.
 */
import type { HistogramSnapshot } from '../histogram.ts'
import type { KafkaStats } from '../kafka/stats.ts'
import type { RequestStats } from '../policies/measure.ts'

export interface Sources {
  readonly requests: RequestStats
  readonly kafka: Pick<KafkaStats, 'connections' | 'connectionsTotal' | 'bytesIn' | 'bytesOut' | 'disconnects' | 'clients'>
  readonly http: HttpCounters
  readonly log: LogStats
  /** The partitions that are followed for HTTP and WebSocket readers. */
  readonly feeds: { readonly size: number }
  readonly engine: { readonly state: 'closed' | 'recovering' | 'ready' | 'failed' }
  /** Aborted when the process begins to stop. */
  readonly draining: AbortSignal
}

/** What the log engine tells of itself. Counters since the process started, unless said otherwise. */
export interface LogStats {
  readonly appends: number
  readonly appendedBytes: number
  readonly syncFailures: number
  readonly syncSeconds: HistogramSnapshot
  /** Bytes that recovery cut off the ends of files: writes that were never finished. */
  readonly truncatedBytes: number
  /** Bytes that recovery set aside because they are damaged. */
  readonly quarantinedBytes: number
  /** How long the last recovery took. */
  readonly recoverySeconds: number
  /** Now. */
  topics (): Iterable<TopicSize>
  /** In memory now. */
  readonly tailBytes: number
  /** Reads that found what they wanted in memory, and those that went to a file. */
  readonly tailHits: number
  readonly tailMisses: number
  /** Consumer groups now. */
  readonly groups: number
}

export interface TopicSize {
  readonly topic: string
  readonly partitions: number
  readonly sizeBytes: number
  readonly segments: number
}

/** What the HTTP-shaped doors count. */
export interface HttpCounters {
  /** Open now, by kind. */
  readonly streams: { readonly [kind: string]: number }
  readonly webSocket: {
    readonly sessions: number
    readonly sessionsTotal: number
    readonly subscriptions: number
    readonly framesIn: number
    readonly framesOut: number
    readonly bytesOut: number
    readonly recordsOut: number
    readonly gaps: number
    readonly creditStalls: number
    readonly closes: ReadonlyMap<number, number>
  }
}
