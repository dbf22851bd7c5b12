/**
 * The fetch sessions that are open: a thousand at most, as in Kafka (max.incremental.fetch.session.cache.slots), and so many
 * partitions in all. Who finds no room goes on without a session, which costs him longer requests and nothing else.
 *
 * Nobody is told when a client leaves without ending its session, so that sessions stay until their room is wanted: then the
 * one that is unused for longest goes, if that is two minutes, or one as old that is smaller than the one to come.
 */
import { randomInt } from 'node:crypto'
import type { Principal } from '../../protocol/rpc.ts'
import { FetchSession, type FetchRequest, type TopicRequest } from './fetch-session.ts'

const MAX_SESSIONS = 1000
/** 25 MB, or 50 where each is of another topic. */
const MAX_PARTITIONS = 100_000
const EVICTION_MS = 120_000
/** Ids are 32 bits wide, and 0 is that of no session. */
const MAX_ID = 0x7fffffff

export interface FetchSessionBounds {
  readonly maxSessions?: number
  readonly maxPartitions?: number
}

export class FetchSessionCache {
  /** Since the process started. */
  evicted = 0
  /** The one that was not used for longest is the first. */
  readonly #sessions = new Map<number, FetchSession>()
  readonly #clock: () => number
  readonly #maxSessions: number
  readonly #maxPartitions: number
  #partitions = 0

  /** `clock` is in ms and does not go back. */
  constructor (
    { maxSessions = MAX_SESSIONS, maxPartitions = MAX_PARTITIONS }: FetchSessionBounds = {}, clock: () => number = () => performance.now()
  ) {
    this.#maxSessions = maxSessions
    this.#maxPartitions = maxPartitions
    this.#clock = clock
  }

  /** Sessions that are open. */
  get open (): number {
    return this.#sessions.size
  }

  /** Partitions in all sessions together. */
  get partitions (): number {
    return this.#partitions
  }

  /** Null if there is none of that id, or it is somebody else's: whoever guesses an id learns nothing, and ends nothing. */
  find (id: number, { type, name }: Principal): FetchSession | null {
    const session = this.#sessions.get(id)
    return session !== undefined && session.owner.name === name && session.owner.type === type ? session : null
  }

  /** Null if there is no room for it. */
  create (owner: Principal, usesIds: boolean, topics: readonly TopicRequest[]): FetchSession | null {
    let size = 0
    for (const { partitions } of topics) size += partitions.length
    const nowMs = this.#clock()
    if (!this.#makeRoom(size, nowMs)) return null
    let id: number
    do id = randomInt(1, MAX_ID); while (this.#sessions.has(id))
    const session = new FetchSession({ id, owner, usesIds, nowMs })
    session.update(topics, [])
    this.#partitions += session.size
    this.#sessions.set(id, session)
    return session
  }

  /** Takes over what a request changes. False if there is no room for that: the session has ended then. */
  update (session: FetchSession, topics: readonly TopicRequest[], forgotten: FetchRequest['forgottenTopicsData']): boolean {
    const nowMs = this.#clock()
    this.remove(session)
    session.update(topics, forgotten)
    if (!this.#makeRoom(session.size, nowMs)) {
      this.evicted++
      return false
    }
    session.lastUsedMs = nowMs
    this.#partitions += session.size
    this.#sessions.set(session.id, session)
    return true
  }

  remove (session: FetchSession): void {
    if (this.#sessions.delete(session.id)) this.#partitions -= session.size
  }

  #makeRoom (size: number, nowMs: number): boolean {
    if (size > this.#maxPartitions) return false
    while (this.#sessions.size >= this.#maxSessions || this.#partitions + size > this.#maxPartitions) {
      const least = this.#leastOf(size, nowMs)
      if (least === null) return false
      this.remove(least)
      this.evicted++
    }
    return true
  }

  /** The session that has to make room for one of that size. */
  #leastOf (size: number, nowMs: number): FetchSession | null {
    const [unused] = this.#sessions.values()
    if (unused === undefined) return null
    if (nowMs - unused.lastUsedMs > EVICTION_MS) return unused
    let smallest: FetchSession | null = null
    for (const session of this.#sessions.values()) {
      if (nowMs - session.createdMs <= EVICTION_MS || session.size >= size) continue
      if (smallest === null || session.size < smallest.size) smallest = session
    }
    return smallest
  }
}
