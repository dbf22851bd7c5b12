/**
 * What the metrics are read from: plain fields that others bump. Nothing is copied until someone asks.
 */
import type { QuotaEntity, QuotaKey } from '../access/model.ts'
import type { HistogramSnapshot } from '../histogram.ts'
import type { KafkaStats } from '../kafka/stats.ts'
import type { RequestStats } from '../policies/measure.ts'
import type { ValidationSource } from './validation-families.ts'

/** The brokers of a cluster behind, as they are known now. */
export type BrokerSource = Iterable<readonly [id: number, broker: BrokerState]>

export interface BrokerState {
  readonly stats: {
    readonly connects: number
    readonly connectFailures: number
    readonly disconnects: number
    readonly requests: number
    readonly bytesIn: number
    readonly bytesOut: number
    readonly misdirected: number
    readonly latency: HistogramSnapshot
  }
  readonly connections: Iterable<{ readonly inFlight: number }>
}

export interface Sources {
  readonly requests: RequestStats
  readonly kafka: Pick<KafkaStats, 'connections' | 'connectionsTotal' | 'bytesIn' | 'bytesOut' | 'disconnects' | 'clients' | 'authentications' | 'listeners'>
  readonly http: HttpCounters
  readonly log: LogStats
  /** The partitions that are followed for HTTP and WebSocket readers. */
  readonly feeds: { readonly size: number }
  readonly engine: { readonly state: 'closed' | 'recovering' | 'ready' | 'failed' }
  /** Absent where the log is embedded. */
  readonly brokers?: BrokerSource
  /** What a planned upgrade of the cluster behind would break, since the process started. */
  readonly breaking?: { requests (): Iterable<readonly [software: string, api: string, count: number]> }
  /** Aborted when the process begins to stop. */
  readonly draining: AbortSignal
  readonly security?: SecuritySources
  /** What topics ask of their records. */
  readonly validation?: ValidationSource
  /** Of Kafka clients: open now, partitions in them, and since the process started. */
  readonly fetchSessions?: { readonly open: number, readonly partitions: number, readonly evicted: number }
}

/** What is known of who may do what, and how much. Whatever is left out has no series. */
export interface SecuritySources {
  readonly counters?: SecurityCounters
  /** Connections at every door together. */
  readonly connections?: { readonly open: number, readonly refused: Readonly<Record<string, number>> }
  /** Requests that are being read or answered. `waitedTotal` is how many had to wait for room. */
  readonly memory?: { readonly reservedBytes: number, readonly waiting: number, readonly waitedTotal: number }
  readonly quotas?: QuotaSource
  readonly tls?: { readonly files: Iterable<{ readonly file: string, readonly expiresAtMs: number }> }
  readonly jwks?: { readonly state: { readonly lastFetchMs: number | null, readonly fetches: number, readonly failures: number, readonly keys: number } }
  readonly audit?: {
    readonly stats: { readonly events: Readonly<Record<string, number>>, readonly dropped: Readonly<Record<string, number>> }
  }
  readonly access?: {
    readonly acls: { readonly size: number }
    readonly quotas: Iterable<unknown>
    users (): Iterable<unknown>
  }
}

/** What doors and policies report as it happens, counted by names of ours. */
export interface SecurityCounters {
  /** Logins over HTTP and WebSocket: how, and with what outcome. Kafka clients are counted at their own door. */
  httpLogins (): Iterable<readonly [method: string, outcome: string, count: number]>
  denials (): Iterable<readonly [operation: string, resourceType: string, count: number]>
  /** Limits beside those of connections and memory. */
  limits (): Iterable<readonly [limit: string, count: number]>
}

export interface QuotaSource {
  /** How often, and for how long in seconds, somebody was held back. */
  throttled (): Iterable<readonly [quota: QuotaKey, door: string, seconds: HistogramSnapshot]>
  /** How much of it is used now by whom: 1 is all. */
  usage (): Iterable<{ readonly quota: QuotaKey, readonly entity: QuotaEntity, readonly ratio: number }>
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
