/**
 * What is known of the cluster: its brokers, who leads which partition, the names behind topic ids. Learnt from Metadata,
 * asked for where something is missing or has proved wrong, and from every Metadata that passes through.
 */
import { complete } from '../../protocol/defaults.ts'
import { errors } from '../../protocol/errors.ts'
import { Metadata } from '../../protocol/messages/03-metadata.ts'
import type { Request, Response } from '../../protocol/schema.ts'
import { Broker, type Versions } from './broker.ts'
import { UpstreamFailure } from './failure.ts'
import type { Pool } from './pool.ts'
import type { Endpoint, UpstreamSecurity } from './upstream.ts'

/** Who leads the partitions of a topic, by index; -1 where nobody does. */
export interface KnownTopic {
  readonly name: string
  readonly id: string
  readonly leaders: readonly number[]
  readonly epochs: readonly number[]
}

export interface ClusterObserver {
  /** A broker that was in use can be reached no more; tried again by itself. */
  lost (broker: number, address: string, cause: string): void
  /** What can be served has changed. */
  upgraded (): void
}

export const NO_TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAA'
const ASK_TIMEOUT_MS = 10_000

interface Refresh {
  readonly at: number
  readonly done: Promise<void>
  /** When the moment is over, asks once more. */
  again: NodeJS.Timeout | null
}

const refreshKey = (topics: readonly { readonly name: string, readonly topicId: string }[]): string =>
  topics.map(({ name, topicId }) => name === '' ? topicId : name).sort().join(' ')

/** So that a topic that nobody leads is not asked for with each request. */
const MIN_REFRESH_MS = 100

export class Cluster {
  clusterId = ''
  controllerId = -1
  readonly #security: UpstreamSecurity
  readonly #observer: ClusterObserver
  readonly #brokers = new Map<number, Broker>()
  /** Brokers that the cluster has no more, while connections to them are open. */
  readonly #gone = new Set<Broker>()
  /** Brokers whose number is not known yet. */
  #seeds: Broker[]
  readonly #topics = new Map<string, KnownTopic>()
  readonly #names = new Map<string, string>()
  readonly #refreshes = new Map<string, Refresh>()
  #next = 0
  readonly #end = new AbortController()
  readonly #pool: Pool

  /** `pool` sends requests of our own. */
  constructor (bootstrap: readonly Endpoint[], security: UpstreamSecurity, pool: Pool, observer: ClusterObserver) {
    this.#security = security
    this.#pool = pool
    this.#observer = observer
    this.#seeds = bootstrap.map((endpoint, i) => this.#broker(-1 - i, endpoint))
  }

  get brokers (): ReadonlyMap<number, Broker> {
    return this.#brokers
  }

  /** Those that may be asked what each of them knows, in the order in which to try them: `favourite` first, brokers in trouble last. */
  anyBrokers (favourite: Broker | null): Broker[] {
    const known = [...this.#brokers.values()]
    const all = known.length === 0 ? this.#seeds : known
    const now = performance.now()
    const at = this.#next++ % all.length
    const turned = [...all.slice(at), ...all.slice(0, at)]
    const rank = (broker: Broker): number => (broker.isWorthTrying(now) ? 0 : 2) + (broker === favourite ? 0 : 1)
    return [...turned.sort((a, b) => rank(a) - rank(b)), ...known.length === 0 ? [] : this.#seeds]
  }

  /** The versions that every broker of the cluster speaks. */
  get versions (): Versions {
    const heard = [...this.#brokers.values()].map(({ versions }) => versions).filter(one => one !== null)
    const common = new Map<number, readonly [number, number]>()
    const [first, ...others] = heard.length > 0 ? heard : this.#seeds.map(({ versions }) => versions).filter(one => one !== null)
    for (const [key, [min, max]] of first ?? []) {
      let range: [number, number] | null = [min, max]
      for (const other of others) {
        const theirs = other.get(key)
        range = theirs === undefined || range === null ? null : [Math.max(range[0], theirs[0]), Math.min(range[1], theirs[1])]
      }
      if (range !== null && range[0] <= range[1]) common.set(key, range)
    }
    return common
  }

  /** The name of a topic by its id. */
  nameOf (id: string): string | undefined {
    return this.#names.get(id)
  }

  /** By name, or where that is empty by id. */
  find (name: string, id: string): KnownTopic | undefined {
    const known = name === '' ? this.#names.get(id) : name
    return known === undefined ? undefined : this.#topics.get(known)
  }

  /** The broker that leads a partition. Undefined if that is not known, or nobody does. */
  leader (topic: KnownTopic | undefined, partition: number): Broker | undefined {
    const id = topic?.leaders[partition]
    return id === undefined ? undefined : this.#brokers.get(id)
  }

  /** A broker whom others know as `id`, asking for it if need be. */
  async broker (id: number): Promise<Broker | undefined> {
    if (!this.#brokers.has(id)) await this.refresh([])
    return this.#brokers.get(id)
  }

  get controller (): Broker | undefined {
    return this.#brokers.get(this.controllerId)
  }

  /** Something has proved wrong: what is known of it is asked for anew, in the background. */
  suspect (topics: readonly { readonly name: string, readonly topicId: string }[]): void {
    const key = refreshKey(topics)
    const recent = this.#refreshes.get(key)
    const leftMs = recent === undefined ? 0 : recent.at + MIN_REFRESH_MS - performance.now()
    const ask = (): void => {
      this.#refreshes.delete(key)
      this.refresh(topics).catch(() => {}) // the next request that needs it asks again
    }
    // What has just been heard is what has proved wrong.
    if (recent === undefined || leftMs <= 0) ask()
    else recent.again ??= setTimeout(ask, leftMs).unref()
  }

  /**
   * Asks for topics; for brokers alone if there are none. Who asks for the same within a moment gets the same answer.
   * Rejects with UpstreamFailure if no broker answers.
   */
  refresh (topics: readonly { readonly name: string, readonly topicId: string }[]): Promise<void> {
    const key = refreshKey(topics)
    const now = performance.now()
    const recent = this.#refreshes.get(key)
    if (recent !== undefined && now - recent.at < MIN_REFRESH_MS) return recent.done
    const done = this.#ask(topics)
    this.#refreshes.set(key, { at: now, done, again: null })
    done.catch(() => {}) // who asked hears of it
    setTimeout(() => { if (this.#refreshes.get(key)?.done === done) this.#refreshes.delete(key) }, MIN_REFRESH_MS * 10).unref()
    return done
  }

  async #ask (topics: readonly { readonly name: string, readonly topicId: string }[]): Promise<void> {
    const request = complete(Metadata.request, {
      topics: topics.map(({ name, topicId }) => ({ name: name === '' ? null : name, topicId: name === '' ? topicId : NO_TOPIC_ID })),
      allowAutoTopicCreation: false
    })
    this.learn(await this.askAny(request), topics)
  }

  /** A Metadata request of our own, to whoever answers first. Rejects with UpstreamFailure: what that means is for who needed it. */
  async askAny (request: Request<typeof Metadata>): Promise<Response<typeof Metadata>> {
    let failure: Error | null = null
    for (const broker of this.anyBrokers(this.#pool.favourite)) {
      try {
        return await this.#pool.send(broker, Metadata, Metadata.versions[1], request, { clientId: 'barnabas', timeoutMs: ASK_TIMEOUT_MS, blocks: false })
      } catch (error) {
        if (!(error instanceof UpstreamFailure)) throw error
        failure = error
      }
    }
    throw new UpstreamFailure('No broker of the cluster can be reached.', false, { cause: failure })
  }

  /** `asked` are topics that are gone if the answer says that they are not known. */
  learn (response: Response<typeof Metadata>, asked: readonly { readonly name: string, readonly topicId: string }[] = []): void {
    const { brokers, clusterId, controllerId, topics } = response
    if (brokers.length > 0) this.#learnBrokers(brokers)
    if (clusterId !== null) this.clusterId = clusterId
    if (controllerId >= 0) this.controllerId = controllerId
    for (const topic of topics) {
      const { name, topicId, errorCode, partitions } = topic
      if (name === null || name === '') continue
      if (errorCode === errors.UNKNOWN_TOPIC_OR_PARTITION) this.#forget(name)
      if (errorCode !== errors.NONE && errorCode !== errors.LEADER_NOT_AVAILABLE) continue
      this.#learnTopic(name, topicId, partitions)
    }
    for (const { name, topicId } of asked) {
      if (name === '' && !topics.some(one => one.topicId === topicId && one.name !== null)) this.#names.delete(topicId)
    }
  }

  #learnTopic (name: string, id: string, partitions: Response<typeof Metadata>['topics'][number]['partitions']): void {
    const old = this.#topics.get(name)
    // What was asked for in a version without ids (before v10) tells nothing of them, and does not mean another topic.
    const isUntold = id === NO_TOPIC_ID && old !== undefined
    const same = isUntold || old?.id === id ? old : undefined
    const leaders: number[] = new Array<number>(partitions.length).fill(-1)
    const epochs: number[] = new Array<number>(partitions.length).fill(-1)
    for (const { partitionIndex, leaderId, leaderEpoch } of partitions) {
      // A broker that lags behind may tell of a leader that is none any more; in versions before v7 nothing shows whether it does.
      const known = same?.epochs[partitionIndex] ?? -1
      const isOld = leaderEpoch < known
      leaders[partitionIndex] = isOld ? same!.leaders[partitionIndex]! : leaderId
      epochs[partitionIndex] = isOld ? known : leaderEpoch
    }
    if (old !== undefined && same === undefined) this.#names.delete(old.id)
    this.#topics.set(name, { name, id: isUntold ? old.id : id, leaders, epochs })
    if (id !== NO_TOPIC_ID) this.#names.set(id, name)
  }

  #forget (name: string): void {
    const old = this.#topics.get(name)
    if (old === undefined) return
    this.#topics.delete(name)
    this.#names.delete(old.id)
  }

  #learnBrokers (brokers: Response<typeof Metadata>['brokers']): void {
    const there = new Set<number>()
    for (const { nodeId, host, port, rack } of brokers) {
      there.add(nodeId)
      let broker = this.#brokers.get(nodeId)
      if (broker === undefined) this.#brokers.set(nodeId, broker = this.#broker(nodeId, { host, port }))
      else if (broker.endpoint.host !== host || broker.endpoint.port !== port) broker.endpoint = { host, port }
      broker.rack = rack
    }
    for (const [id, broker] of this.#brokers) {
      if (there.has(id)) continue
      this.#brokers.delete(id)
      this.#gone.add(broker)
    }
  }

  #broker (id: number, endpoint: Endpoint): Broker {
    return new Broker(id, endpoint, {
      security: { connect: this.#connect, identityFor: principal => this.#security.identityFor(principal) },
      onVersions: () => this.#observer.upgraded(),
      onDisconnect: (broker, cause) => {
        if (!this.#end.signal.aborted) this.#observer.lost(broker.id, `${broker.endpoint.host}:${broker.endpoint.port}`, cause)
      }
    })
  }

  /** Whatever is still under way after the end, its failures among it, makes no connection that nobody would close. */
  readonly #connect: UpstreamSecurity['connect'] = async (endpoint, signal, ...rest) => {
    const { signal: end } = this.#end
    end.throwIfAborted()
    return await this.#security.connect(endpoint, AbortSignal.any([signal, end]), ...rest)
  }

  tick (now: number): void {
    for (const broker of this.#all()) broker.tick(now)
    for (const broker of this.#gone) if (broker.connections.size === 0) this.#gone.delete(broker)
  }

  close (): void {
    this.#end.abort(new Error('The gateway stops.'))
    for (const broker of this.#all()) broker.close()
  }

  #all (): Broker[] {
    return [...this.#seeds, ...this.#brokers.values(), ...this.#gone]
  }
}
