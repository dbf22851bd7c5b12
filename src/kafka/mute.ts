/**
 * Holding a peer back (KIP-219): it was answered at once and told for how long not to come again, and for as long nothing
 * more is taken from it. Except what keeps it in its group and signed in: a quota slows down, it does not throw out.
 */
import { OffsetCommit } from '../../protocol/messages/08-offset-commit.ts'
import { OffsetFetch } from '../../protocol/messages/09-offset-fetch.ts'
import { FindCoordinator } from '../../protocol/messages/10-find-coordinator.ts'
import { JoinGroup } from '../../protocol/messages/11-join-group.ts'
import { Heartbeat } from '../../protocol/messages/12-heartbeat.ts'
import { LeaveGroup } from '../../protocol/messages/13-leave-group.ts'
import { SyncGroup } from '../../protocol/messages/14-sync-group.ts'
import { SaslHandshake } from '../../protocol/messages/17-sasl-handshake.ts'
import { ApiVersions } from '../../protocol/messages/18-api-versions.ts'
import { TxnOffsetCommit } from '../../protocol/messages/28-txn-offset-commit.ts'
import { SaslAuthenticate } from '../../protocol/messages/36-sasl-authenticate.ts'
import { ConsumerGroupHeartbeat } from '../../protocol/messages/68-consumer-group-heartbeat.ts'
import { ShareGroupHeartbeat } from '../../protocol/messages/76-share-group-heartbeat.ts'
import { ShareAcknowledge } from '../../protocol/messages/79-share-acknowledge.ts'
import { StreamsGroupHeartbeat } from '../../protocol/messages/88-streams-group-heartbeat.ts'

const letThrough: ReadonlySet<number> = new Set([
  OffsetCommit, OffsetFetch, FindCoordinator, JoinGroup, Heartbeat, LeaveGroup, SyncGroup, SaslHandshake, ApiVersions, SaslAuthenticate,
  TxnOffsetCommit, ConsumerGroupHeartbeat, ShareGroupHeartbeat, ShareAcknowledge, StreamsGroupHeartbeat
].map(({ key }) => key))

const MAX_TIMER_MS = 0x7fffffff

export class Mute {
  readonly #onEnd: () => void
  #timer: NodeJS.Timeout | null = null
  #until = 0

  constructor (onEnd: () => void) {
    this.#onEnd = onEnd
  }

  get isOn (): boolean {
    return this.#timer !== null
  }

  lets (apiKey: number): boolean {
    return letThrough.has(apiKey)
  }

  /** From now on for so long. What was let through meanwhile may add to it, and does not shorten it. */
  hold (ms: number): void {
    const until = performance.now() + ms
    if (this.#timer !== null) {
      if (until <= this.#until) return
      clearTimeout(this.#timer)
    }
    this.#until = until
    this.#timer = setTimeout(this.#end, Math.min(ms, MAX_TIMER_MS))
  }

  cancel (): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  readonly #end = (): void => {
    this.#timer = null
    this.#onEnd()
  }
}
