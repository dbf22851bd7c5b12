/**
 * What a consumer of a group commits: what it is told to, and from time to time by itself what it has handed out.
 */
import { KafkaError } from '../../protocol/errors.ts'
import type { Context, Dispatch } from '../../protocol/rpc.ts'
import { ConsumerError } from './consumer-error.ts'
import { commitOffsets, type GroupOffset } from './group-offsets.ts'
import type { Membership } from './membership.ts'
import { Patience } from './patience.ts'
import type { Positions } from './positions.ts'

export interface CommitOptions {
  readonly groupId: string
  readonly positions: Positions
  /** How often to commit what was handed out; null: only what it is told to. */
  readonly autoCommitMs: number | null
  /** Null where partitions are chosen by hand. */
  readonly membership: () => Membership | null
  /** Waits for a rebalance that goes on. Rejects with KafkaError and ConsumerError. */
  readonly settle: (context: Context) => Promise<void>
}

const PAUSE_MS = 250
const ATTEMPTS = 4
/** The group has moved on: a commit is good again once the member has, too. */
const MOVED_ON: ReadonlySet<string> = new Set(['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID'])

export class GroupCommits {
  readonly #dispatch: Dispatch
  readonly #options: CommitOptions
  #committedAtMs = Date.now()
  /** How often the group went on without what had been handed out, and whether no poll has begun anew since. */
  #losses = 0
  #isLost = false

  constructor (dispatch: Dispatch, options: CommitOptions) {
    this.#dispatch = dispatch
    this.#options = options
  }

  /** To be called before partitions are assigned that others may have had meanwhile. */
  lose (): void {
    if (!this.#options.positions.arePending) return
    this.#losses++
    this.#isLost = true
  }

  /** A poll begins with what is assigned now: what it hands out can be committed. */
  beginAnew (): void {
    this.#isLost = false
  }

  /**
   * Commits these offsets, each of the next record to be read, or all that was handed out. Resolves when that is durable.
   * Rejects with ConsumerError for a partition that the group has given to another member, and where the group went on without
   * the member that had read: whatever is committed now is not what the caller means.
   */
  async commit (context: Context, offsets: readonly GroupOffset[] | null): Promise<void> {
    const { groupId, positions } = this.#options
    const losses = this.#losses
    for (let attempt = 1; ; attempt++) {
      await this.#options.settle(context)
      const membership = this.#options.membership()
      if (membership !== null) {
        if (this.#isLost || this.#losses !== losses) {
          throw new ConsumerError('illegal-state', `The group ${groupId} has gone on without this consumer instance, which had not committed what it had ` +
            'read: that is read again, by whoever has its partitions now.')
        }
        for (const at of offsets ?? []) positions.need(at)
      }
      try {
        return await this.#commit(context, offsets ?? positions.commitable(false))
      } catch (error) {
        if (!(error instanceof KafkaError) || !MOVED_ON.has(error.code)) throw error
        if (membership === null) {
          throw new ConsumerError('illegal-state', `The group ${groupId} has members that share out its partitions: ` +
            'who is assigned partitions by hand cannot commit for it meanwhile.')
        }
        if (attempt === ATTEMPTS) throw error
        membership.check()
        const patience = new Patience(PAUSE_MS, context.signal)
        await patience.pass()
        patience.release()
      }
    }
  }

  /** As Kafka's consumers: with a poll, what polls before it have handed out. What fails is tried again by the next one. */
  async fromTimeToTime (context: Context): Promise<void> {
    const { autoCommitMs } = this.#options
    if (autoCommitMs === null || Date.now() - this.#committedAtMs < autoCommitMs) return
    this.#committedAtMs = Date.now()
    await this.#commitRest(context)
  }

  /** Before partitions are given back: what was handed out and is not committed. */
  async beforeRevoking (context: Context): Promise<void> {
    if (this.#options.autoCommitMs !== null) await this.#commitNew(context)
  }

  /** The same at the end, when nothing is waited for any more. */
  async atTheEnd (context: Context): Promise<void> {
    if (this.#options.autoCommitMs !== null) await this.#commitRest(context)
  }

  async #commitRest (context: Context): Promise<void> {
    if (this.#options.membership()?.isStable !== false) await this.#commitNew(context)
  }

  async #commitNew (context: Context): Promise<void> {
    await this.#commit(context, this.#options.positions.commitable(true)).catch(onlyKafkas)
  }

  async #commit (context: Context, offsets: readonly GroupOffset[]): Promise<void> {
    const { groupId, positions, membership } = this.#options
    await commitOffsets(this.#dispatch, context, membership()?.committer ?? { groupId, memberId: '', generationId: -1 }, offsets)
    positions.committed(offsets)
  }
}

/** For commits that nobody waits for: what is not committed is read again. */
function onlyKafkas (error: unknown): void {
  if (!(error instanceof KafkaError)) throw error
}
