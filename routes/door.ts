/**
 * What every HTTP-shaped door is given, and how a request becomes a Context. The doors know nothing else of the house.
 */
import type { FastifyRequest } from 'fastify'
import { anonymous, neverAborted, type Context, type Dispatch, type Door } from '../protocol/rpc.ts'
import type { Feeds } from '../src/client/feed.ts'

export interface HttpDoor {
  readonly dispatch: Dispatch
  readonly feeds: Feeds
  readonly log: LogStatus
  /** Aborted when the process begins to stop: long polls answer, streams say goodbye. */
  readonly draining: AbortSignal
  /** The largest request body that is read. */
  readonly maxBodyBytes: number
  /** Origins of pages that may use the doors from a browser, besides those of the same host and of this machine. */
  readonly allowedOrigins: readonly string[]
  /** The text that `GET /metrics` answers, in Prometheus' exposition format. */
  readonly metrics: () => Promise<string>
  readonly stats: HttpStats
}

/** What health and cluster routes may know of the engine. */
export interface LogStatus {
  readonly state: 'closed' | 'recovering' | 'ready' | 'failed'
  readonly failure: string | null
  readonly clusterId: string
}

/** Plain counters of the HTTP-shaped doors, bumped by routes and read at scrape. */
export interface HttpStats {
  /** Open streams by kind. */
  readonly streams: { sse: number, ndjson: number }
  readonly webSocket: WebSocketStats
}

export interface WebSocketStats {
  sessions: number
  sessionsTotal: number
  subscriptions: number
  /** Messages, whatever number of frames they travelled in; pings and closes of the protocol itself are left out. */
  framesIn: number
  framesOut: number
  bytesOut: number
  recordsOut: number
  gaps: number
  /** Times that a subscription stood still because its credit was used up. */
  creditStalls: number
  /** Closed sessions by close code. */
  readonly closes: Map<number, number>
}

export function createHttpStats (): HttpStats {
  return {
    streams: { sse: 0, ndjson: 0 },
    webSocket: {
      sessions: 0, sessionsTotal: 0, subscriptions: 0, framesIn: 0, framesOut: 0, bytesOut: 0, recordsOut: 0, gaps: 0, creditStalls: 0, closes: new Map()
    }
  }
}

/** `signal` is for requests that wait; those that do not need none. */
export function contextOf (request: FastifyRequest, door: Door = 'http', signal: AbortSignal = neverAborted): Context {
  return {
    principal: anonymous,
    door,
    clientId: request.headers['user-agent'] ?? '',
    address: request.ip,
    version: 0,
    signal,
    throttleMs: 0
  }
}
