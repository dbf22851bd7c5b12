/**
 * One member of a classic group.
 */
import { NO_BYTES, type JoinAnswer, type SyncAnswer } from './answers.ts'
import type { GroupClock, Timer } from './clock.ts'

/** An assignment strategy that a member can live with, and what it says to whoever assigns by it. */
export interface Protocol {
  readonly name: string
  readonly metadata: Buffer
}

/** What a member says about itself with each JoinGroup. */
export interface Terms {
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  /** In order of preference. The buffers are the member's own. */
  readonly protocols: readonly Protocol[]
}

/** Who a member is, from its first JoinGroup to its last. */
export interface Identity {
  readonly memberId: string
  /** KIP-345: the name under which it comes back after a restart. */
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
}

type Answer<T> = (answer: T) => void

export class Member implements Identity {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  assignment: Buffer = NO_BYTES
  /** Has not been told its member id by a completed rebalance, so it cannot send heartbeats. */
  isNew = true
  #terms: Terms
  #joining: Answer<JoinAnswer> | null = null
  #syncing: Answer<SyncAnswer> | null = null
  #session: Timer | null = null

  constructor ({ memberId, groupInstanceId, clientId, clientHost }: Identity, terms: Terms) {
    this.memberId = memberId
    this.groupInstanceId = groupInstanceId
    this.clientId = clientId
    this.clientHost = clientHost
    this.#terms = terms
  }

  get terms (): Terms { return this.#terms }
  get isStatic (): boolean { return this.groupInstanceId !== null }
  get isJoining (): boolean { return this.#joining !== null }
  get isSyncing (): boolean { return this.#syncing !== null }

  update (terms: Terms): void {
    this.#terms = terms
  }

  supports (protocol: string): boolean {
    return this.#terms.protocols.some(({ name }) => name === protocol)
  }

  metadataFor (protocol: string | null): Buffer {
    return this.#terms.protocols.find(({ name }) => name === protocol)?.metadata ?? NO_BYTES
  }

  /** Whether a JoinGroup with these protocols says nothing new. */
  matches (protocols: readonly Protocol[]): boolean {
    const own = this.#terms.protocols
    return own.length === protocols.length &&
      own.every(({ name, metadata }, i) => name === protocols[i]!.name && metadata.equals(protocols[i]!.metadata))
  }

  // ---- the requests that wait. A repeated one takes the place of the first, whose peer has most likely gone.

  awaitJoin (superseded: JoinAnswer): Promise<JoinAnswer> {
    this.answerJoin(superseded)
    const { promise, resolve } = Promise.withResolvers<JoinAnswer>()
    this.#joining = resolve
    return promise
  }

  /** Does nothing if no JoinGroup waits. */
  answerJoin (answer: JoinAnswer): void {
    this.#joining?.(answer)
    this.#joining = null
  }

  awaitSync (superseded: SyncAnswer): Promise<SyncAnswer> {
    this.answerSync(superseded)
    const { promise, resolve } = Promise.withResolvers<SyncAnswer>()
    this.#syncing = resolve
    return promise
  }

  /** Does nothing if no SyncGroup waits. */
  answerSync (answer: SyncAnswer): void {
    this.#syncing?.(answer)
    this.#syncing = null
  }

  // ---- the session

  /** Calls `expire` unless this is called again, or the session ended, within `ms`. */
  expectHeartbeat (clock: GroupClock, ms: number, expire: () => void): void {
    this.#session?.clear()
    this.#session = clock.setTimer(ms, expire)
  }

  endSession (): void {
    this.#session?.clear()
    this.#session = null
  }
}
