/**
 * What every HTTP-shaped door is given, and how a request becomes a Context. The doors know nothing else of the house.
 */
import type { FastifyRequest } from 'fastify'
import { anonymous, neverAborted, type Context, type Dispatch, type Door } from '../protocol/rpc.ts'
import type { Authorizer } from '../src/access/model.ts'
import type { Identity } from '../src/auth/identity.ts'
import type { Feeds } from '../src/client/feed.ts'
import type { Serde } from '../src/schemas/serde.ts'
import type { DoorConnections, DoorMemory, DoorQuotas, DoorRegistry, HttpAuthentication } from './guards.ts'

export interface HttpDoor {
  readonly dispatch: Dispatch
  readonly feeds: Feeds
  readonly log: LogStatus
  /** JSON in and out for topics that have a schema; null where there is no schema registry. */
  readonly serde: Serde | null
  /** Null where there is no schema registry. */
  readonly registry: DoorRegistry | null
  /** Aborted when the process begins to stop: long polls answer, streams say goodbye. */
  readonly draining: AbortSignal
  /** The largest request body that is read. */
  readonly maxBodyBytes: number
  /** Origins of pages that may use the doors from a browser, besides those of the same host and of this machine. */
  readonly allowedOrigins: readonly string[]
  /** The text that `GET /metrics` answers, in Prometheus' exposition format. */
  readonly metrics: () => Promise<string>
  readonly stats: HttpStats
  /** Null where nothing asks for credentials: then everyone is anonymous. */
  readonly authentication: HttpAuthentication | null
  /** The one table of permissions, for questions that are no requests. */
  readonly access: Pick<Authorizer, 'decide'>
  readonly quotas: DoorQuotas
  readonly connections: DoorConnections
  readonly memory: DoorMemory
  /** Told what was refused because somebody has enough of it. */
  readonly limited: (limit: 'memory' | 'subscriptions', context: Context) => void
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Null where nothing asked for credentials, and on a WebSocket that has not said yet who it is. */
    identity: Identity | null
  }
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
    principal: request.identity?.principal ?? anonymous,
    door,
    clientId: request.headers['user-agent'] ?? '',
    address: addressOf(request.ip),
    version: 0,
    signal,
    throttleMs: 0
  }
}

/** An IPv4 peer of a socket that listens to both is told as one of IPv6; permissions speak of it as it is. */
export function addressOf (address: string | undefined): string {
  if (address === undefined) return ''
  return address.startsWith('::ffff:') ? address.slice(7) : address
}
