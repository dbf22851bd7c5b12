/**
 * What stands behind the HTTP-shaped doors and says who comes in, and how much of what: the same for all doors, and made
 * elsewhere.
 */
import type { X509Certificate } from 'node:crypto'
import type { Context } from '../protocol/rpc.ts'
import type { QuotaEntity, QuotaKey } from '../src/access/model.ts'
import type { Identity, Origin } from '../src/auth/identity.ts'
import type { Registry } from '../src/schemas/registry.ts'

/** What the HTTP-shaped doors need to know of credentials. */
export interface HttpAuthentication {
  /** False while the log that knows the users is being opened. */
  readonly ready: boolean
  /** Whether who proves nothing is let in, as `User:ANONYMOUS`. */
  readonly anonymous: boolean
  /** Whether `/metrics` asks for no identity. */
  readonly publicMetrics: boolean
  /** The schemes of Authorization that are offered: `Basic`, `Bearer`. */
  readonly schemes: readonly string[]
  /** The identity of a header that has been accepted before and still would be; null if that has to be found out. */
  known (header: string, origin: Origin): Identity | null
  /** Basic or Bearer. Rejects with AuthenticationFailed. */
  authorization (header: string, origin: Origin): Promise<Identity>
  /** Who a certificate belongs to that an authority here has signed. Throws AuthenticationFailed. */
  certificate (certificate: X509Certificate, origin: Origin): Identity
  issue (identity: Identity): { readonly ticket: string, readonly expiresAtMs: number }
  /** A ticket is good once. Throws AuthenticationFailed. */
  redeem (ticket: string, origin: Origin): Identity
  /** How long the answer to a failure is held back. */
  failureDelayMs (origin: Origin): number
}

/** Counted for all doors together. */
export interface DoorConnections {
  /** Counts a connection if it is admitted; `left` is owed for it then. */
  admit (address: string): 'admitted' | 'too_many' | 'too_many_per_address' | 'too_fast'
  left (address: string): void
  /** The same for the long-lived ones of a principal. False: it has enough, and nothing was counted. */
  joined (principal: string): boolean
  parted (principal: string): void
}

/** Memory for what is being read, shared by all doors. */
export interface DoorMemory {
  /** True, or a place in the queue, which resolves to whether it came to anything. `release` is owed for what was reserved. */
  reserve (principal: string, bytes: number): true | (PromiseLike<boolean> & { cancel (): void })
  release (principal: string, bytes: number): void
}

export type QuotaKind = 'producer' | 'consumer' | 'request'

/** Where a caller stands with the quota that leaves it the least. */
export interface Throttle {
  readonly quota: QuotaKey
  /** Bytes a second, or percent of one thread. */
  readonly limit: number
  /** How long the caller is to wait; 0 if it is within the quota. */
  readonly delayMs: number
  /** What is left of the window. */
  readonly remaining: number
  readonly windowMs: number
  /** Who the quota was set for. */
  readonly entity: QuotaEntity
}

/** The rates that all doors measure together. */
export interface DoorQuotas {
  /** The quota that comes first to its end; null if none holds. */
  allowance (context: Context, ...kinds: QuotaKind[]): Throttle | null
  /** The same if there is something to wait for, which is counted; null if there is not. */
  throttle (context: Context, ...kinds: QuotaKind[]): Throttle | null
  /** For one who was held back lately: resolves when it is his turn to go on, one request or piece at a time. Null for others. */
  turn (context: Context, kind: 'producer' | 'consumer'): Promise<void> | null
  /** Counts bytes that went to a reader from what was fetched for all; the delay in ms that is due now. */
  charge (context: Context, kind: 'producer' | 'consumer', bytes: number): number
  /** Counts time that the caller's request has taken of the one thread. */
  work (context: Context, ms: number): void
}

/** Methods of the registry, each with the caller in front, who is refused what he may not do (KafkaError). */
type Asked<M extends keyof Registry> = {
  readonly [K in M]: Registry[K] extends (...args: infer A) => infer R ? (context: Context, ...args: A) => R : never
}

/** The schema registry as the doors know it. */
export type DoorRegistry = Pick<Registry, 'isOpen' | 'types' | 'parsed'> & Asked<
  'subjects' | 'all' | 'versions' | 'get' | 'latestWith' | 'referencedBy' | 'lookup' | 'check' | 'register' | 'deleteSubject' | 'deleteVersion' |
  'schemaById' | 'schemaByGuid' | 'idsOf' | 'maxId' | 'subjectsOf' | 'versionsOf' |
  'config' | 'setConfig' | 'deleteConfig' | 'mode' | 'setMode' | 'deleteMode' | 'contexts' | 'deleteContext'
>
