/**
 * Who goes to the cluster for whom: the service identity for everybody, or what the mapping says. The process itself always
 * goes as the service identity.
 *
 * Every identity has connections of its own to every broker, so there is a bound on how many there are at a time. One that
 * nobody has asked for in a while makes room.
 */
import { KafkaError } from '../../../protocol/errors.ts'
import { formatPrincipal, internalPrincipal, type Principal } from '../../../protocol/rpc.ts'
import type { Channel, UpstreamIdentity } from '../upstream.ts'
import { createIdentity, keyOf, showsSecret, unproved } from './identity.ts'
import { DEFAULT, readMapping } from './mapping.ts'
import type { UpstreamSecurityOptions } from './options.ts'
import type { Patience } from './token-endpoint.ts'
import { WatchedFile, type WatchOptions } from './watched-file.ts'

export const MAX_IDENTITIES = 1000
const IDLE_MS = 10 * 60_000

interface Mapped {
  readonly byPrincipal: ReadonlyMap<string, UpstreamIdentity>
  readonly byKey: ReadonlyMap<string, UpstreamIdentity>
  readonly showsSecret: boolean
}

export class Identities {
  readonly #service: UpstreamIdentity
  readonly #serviceShows: boolean
  readonly #mapping: WatchedFile<Mapped> | null
  readonly #max: number
  readonly #clock: () => number
  /** When each was last asked for, or proved, the longest ago first. */
  readonly #usedMs = new Map<string, number>()

  /** Throws an Error with a sentence where a file cannot be used. */
  constructor ({ sasl, credentials }: UpstreamSecurityOptions, max: number, watch: WatchOptions, patience: Patience) {
    this.#max = max
    this.#clock = watch.clock ?? (() => performance.now())
    this.#service = sasl === null ? unproved : createIdentity(sasl, watch, patience)
    this.#serviceShows = sasl !== null && showsSecret(sasl)
    this.#mapping = credentials === null ? null : new WatchedFile([credentials], before => this.#read(credentials, before, watch, patience), watch)
  }

  /** Whether any of them would show a secret to whoever reads on the way. */
  get showsSecret (): boolean {
    return this.#serviceShows || this.#mapping?.value.showsSecret === true
  }

  of (principal: Principal): UpstreamIdentity {
    if (this.#mapping === null || principal === internalPrincipal) return this.#service
    const { byPrincipal } = this.#mapping.value
    const name = formatPrincipal(principal)
    const identity = byPrincipal.get(name) ?? byPrincipal.get(DEFAULT)
    if (identity === undefined) {
      throw new KafkaError('CLUSTER_AUTHORIZATION_FAILED',
        `Nobody goes to the cluster for ${name}: the file of upstream credentials names neither it nor a default.`)
    }
    this.#use(identity.key, name)
    return identity
  }

  /** Throws where there are as many as there may be, and this is another. */
  #use (key: string, name: string): void {
    const nowMs = this.#clock()
    if (!this.#usedMs.delete(key) && this.#usedMs.size >= this.#max) {
      const [oldest, atMs] = this.#usedMs.entries().next().value!
      if (nowMs - atMs < IDLE_MS) {
        throw new KafkaError('CLUSTER_AUTHORIZATION_FAILED',
          `${name} cannot go to the cluster now: ${this.#max} different users of it are in use, which is the most.`)
      }
      this.#usedMs.delete(oldest)
    }
    this.#usedMs.set(key, nowMs)
  }

  /** Those that stay the same keep what they know: files that they watch, keys that were computed. */
  #read (path: string, before: Mapped | null, watch: WatchOptions, patience: Patience): Mapped {
    const byPrincipal = new Map<string, UpstreamIdentity>()
    const byKey = new Map<string, UpstreamIdentity>()
    let shows = false
    for (const [name, options] of readMapping(path)) {
      const key = keyOf(options)
      const identity = byKey.get(key) ?? before?.byKey.get(key) ?? this.#counted(createIdentity(options, watch, patience))
      byKey.set(key, identity)
      byPrincipal.set(name, identity)
      shows ||= showsSecret(options)
    }
    return { byPrincipal, byKey, showsSecret: shows }
  }

  /** A long connection asks for its identity once, and proves it anew from time to time (KIP-368). */
  #counted ({ key, authenticate }: UpstreamIdentity): UpstreamIdentity {
    return {
      key,
      authenticate: async (channel: Channel) => {
        if (this.#usedMs.delete(key)) this.#usedMs.set(key, this.#clock())
        return await authenticate(channel)
      }
    }
  }
}
