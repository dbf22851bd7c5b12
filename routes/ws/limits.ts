/**
 * What a session may take and hold. The limits are published in `connected`; docs/websocket.md explains them.
 */
export const SUB_PROTOCOL = 'barnabas.v1+json'

export const limits = {
  /** The largest message that a client may send. Larger records go in by HTTP. */
  payloadBytes: 1024 * 1024,
  /** The most that the records of one message take, unless a single record is larger. */
  messageBytes: 512 * 1024,
  subscriptions: 100,
  /** Topics of one subscription. */
  topics: 32,
  /** The most credit that a subscription may have at a time; more than any record needs. */
  creditRecords: 1_000_000,
  creditBytes: 1024 ** 3,
  /** Produce messages that have not been answered yet. */
  produceInFlight: 16,
  /** Characters of a subscription's or a produce message's id. */
  idLength: 64
} as const

/** Subscriptions of one principal, in all its sessions. */
export const PRINCIPAL_SUBSCRIPTIONS = 1000

export interface Timing {
  /** How often a session is pinged. A peer that gives no sign of life for two intervals is closed. */
  readonly pingMs: number
  /** How long a client may take to say `connect`. */
  readonly connectMs: number
  /** The range that `goaway.reconnectAfterMs` is drawn from, so that not everyone comes back at once. */
  readonly reconnectAfterMs: readonly [min: number, max: number]
  /** How long before its end a client is asked for a new proof of identity, unless that is more than half of its life. */
  readonly authNoticeMs: number
}

export const defaultTiming: Timing = { pingMs: 25_000, connectMs: 10_000, reconnectAfterMs: [500, 5000], authNoticeMs: 30_000 }
