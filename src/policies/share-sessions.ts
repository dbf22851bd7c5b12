/**
 * What members of share groups fetch (KIP-932). A request names only what is new, the rest was named before: to be decided
 * anew each time, it has to be remembered. The sessions themselves are the engine's, since what is acquired belongs to them;
 * here is only which partitions they have, and which of them the engine was not told of because they may not be read.
 */
import { formatPrincipal, type Principal } from '../../protocol/rpc.ts'

/** Kafka has so many on each broker. */
const MAX_SESSIONS = 2000
/** Of all sessions together: a stranger says how many there are. */
const MAX_PARTITIONS = 200_000

export interface SharedTopic {
  /** May be in the session although it may not be read. */
  readonly partitions: Set<number>
  /** Whether the engine has it in its session. */
  isOpen: boolean
}

export class ShareSession {
  readonly topics = new Map<string, SharedTopic>()
  #size = 0

  get size (): number {
    return this.#size
  }

  add (topicId: string, partitions: readonly number[]): SharedTopic {
    let topic = this.topics.get(topicId)
    if (topic === undefined) this.topics.set(topicId, topic = { partitions: new Set(), isOpen: false })
    const had = topic.partitions.size
    for (const partition of partitions) topic.partitions.add(partition)
    this.#size += topic.partitions.size - had
    return topic
  }

  remove (topicId: string, partitions: readonly number[]): void {
    const topic = this.topics.get(topicId)
    if (topic === undefined) return
    for (const partition of partitions) if (topic.partitions.delete(partition)) this.#size--
    if (topic.partitions.size === 0) this.topics.delete(topicId)
  }
}

/** The least recently used are forgotten: their members are told so, and begin anew. */
export class ShareSessions {
  readonly #sessions = new Map<string, { readonly session: ShareSession, size: number }>()
  #partitions = 0

  get count (): number {
    return this.#sessions.size
  }

  begin (key: string): ShareSession {
    this.end(key)
    const session = new ShareSession()
    this.#sessions.set(key, { session, size: 0 })
    return session
  }

  /** Undefined if it is not known, or not any more. */
  find (key: string): ShareSession | undefined {
    const found = this.#sessions.get(key)
    if (found === undefined) return undefined
    this.#sessions.delete(key)
    this.#sessions.set(key, found)
    return found.session
  }

  end (key: string): void {
    const found = this.#sessions.get(key)
    if (found === undefined) return
    this.#sessions.delete(key)
    this.#partitions -= found.size
  }

  /** After a session has grown or shrunk. One that is too large by itself is not kept either. */
  settle (key: string): void {
    const found = this.#sessions.get(key)
    if (found === undefined) return
    this.#partitions += found.session.size - found.size
    found.size = found.session.size
    for (const oldest of this.#sessions.keys()) {
      if (this.#sessions.size <= MAX_SESSIONS && this.#partitions <= MAX_PARTITIONS) return
      this.end(oldest)
    }
  }
}

/** A member has one session; nobody goes on with that of another. */
export const shareSessionKey = (principal: Principal, groupId: string, memberId: string): string =>
  JSON.stringify([formatPrincipal(principal), groupId, memberId])
