/**
 * The session of one member of a share group, as it is spread over the brokers: which partitions are in it, which broker
 * has which of them, and the epoch of each. No requests are sent here.
 */
import type { Request } from '../../protocol/schema.ts'
import type { ShareFetch } from '../../protocol/messages/78-share-fetch.ts'
import type { Broker } from './broker.ts'

export type Acknowledged = Request<typeof ShareFetch>['topics'][number]
type Forgotten = Request<typeof ShareFetch>['forgottenTopicsData'][number]

/** Epochs with a meaning of their own. */
export const FIRST = 0
export const FINAL = -1

/** The epoch of the next request; what overflows goes on with 1, as 0 begins a session. */
export const after = (epoch: number): number => epoch === 0x7fffffff ? 1 : epoch + 1

const UUID_BYTES = 16

/**
 * The member as the brokers know it. A client that sees several gateways has a session with each, and a broker has one for
 * each member only: so at each gateway it is another one. (Coordinators are told who it is; who leads a partition does not ask.)
 */
export function memberAt (memberId: string | null, node: number): string | null {
  if (memberId === null || node === 0) return memberId
  const bytes = Buffer.from(memberId, 'base64url')
  if (bytes.length !== UUID_BYTES) return memberId
  bytes.writeInt32BE(bytes.readInt32BE(UUID_BYTES - 4) ^ node, UUID_BYTES - 4)
  return bytes.toString('base64url')
}

interface Part {
  epoch: number
  /** What it has been told of, `topicId partition`. */
  readonly has: Set<string>
}

const keyOf = (topicId: string, partition: number): string => `${topicId} ${partition}`

export class ShareSession {
  /** The client's. */
  epoch = FIRST
  /** Who is to have each partition; null while nobody leads it. */
  readonly #wanted = new Map<string, Broker | null>()
  readonly #parts = new Map<Broker, Part>()

  /** Adds and removes what the client says, and follows leaders that have moved. Gives those that nobody leads. */
  change (
    added: readonly Acknowledged[], removed: readonly Forgotten[], leader: (topicId: string, partition: number) => Broker | undefined
  ): { topicId: string, partitionIndex: number }[] {
    for (const { topicId, partitions } of removed) for (const partition of partitions) this.#wanted.delete(keyOf(topicId, partition))
    for (const { topicId, partitions } of added) for (const { partitionIndex } of partitions) this.#wanted.set(keyOf(topicId, partitionIndex), null)
    const lost: { topicId: string, partitionIndex: number }[] = []
    for (const key of this.#wanted.keys()) {
      const [topicId, partition] = key.split(' ') as [string, string]
      const broker = leader(topicId, Number(partition)) ?? null
      this.#wanted.set(key, broker)
      if (broker === null) lost.push({ topicId, partitionIndex: Number(partition) })
      else if (!this.#parts.has(broker)) this.#parts.set(broker, { epoch: FIRST, has: new Set() })
    }
    return lost
  }

  topicIds (): string[] {
    return [...new Set(this.#wanted.keys().map(key => key.split(' ')[0]!))]
  }

  brokers (): Broker[] {
    return [...this.#parts.keys()]
  }

  /** What a broker is to be told, which then counts as told. */
  request (broker: Broker, acknowledged: readonly Acknowledged[], isFinal: boolean): { epoch: number, topics: Acknowledged[], forgotten: Forgotten[] } {
    const part = this.#parts.get(broker)!
    const topics = new Map(this.acknowledged(broker, acknowledged).map(topic => [topic.topicId, topic]))
    const forgotten = new Map<string, number[]>()
    for (const [key, wanted] of this.#wanted) {
      if (wanted !== broker || part.has.has(key)) continue
      part.has.add(key)
      const [topicId, partition] = key.split(' ') as [string, string]
      const topic = topics.get(topicId)
      const one = { partitionIndex: Number(partition), acknowledgementBatches: [] }
      if (topic === undefined) topics.set(topicId, { topicId, partitions: [one] })
      else if (!topic.partitions.some(({ partitionIndex }) => partitionIndex === one.partitionIndex)) topic.partitions.push(one)
    }
    for (const key of part.has) {
      if (this.#wanted.get(key) === broker) continue
      part.has.delete(key)
      const [topicId, partition] = key.split(' ') as [string, string]
      const own = forgotten.get(topicId)
      if (own === undefined) forgotten.set(topicId, [Number(partition)])
      else own.push(Number(partition))
    }
    return {
      epoch: this.next(broker, isFinal), topics: [...topics.values()], forgotten: [...forgotten].map(([topicId, partitions]) => ({ topicId, partitions }))
    }
  }

  /** What is acknowledged of partitions that this broker has, or is about to be told of. */
  acknowledged (broker: Broker, topics: readonly Acknowledged[]): Acknowledged[] {
    const has = this.#parts.get(broker)?.has
    const isThere = (key: string): boolean => has?.has(key) === true || this.#wanted.get(key) === broker
    return topics.map(({ topicId, partitions }) => ({
      topicId, partitions: partitions.filter(({ partitionIndex }) => isThere(keyOf(topicId, partitionIndex)))
    })).filter(({ partitions }) => partitions.length > 0)
  }

  /** The epoch of a request to this broker, of which there is one more then. */
  next (broker: Broker, isFinal: boolean): number {
    if (isFinal) return FINAL
    const part = this.#parts.get(broker)!
    const { epoch } = part
    part.epoch = after(epoch)
    return epoch
  }

  /** Its session is lost: the next request begins a new one, with all that it is to have. */
  reset (broker: Broker): void {
    this.#parts.delete(broker)
    if ([...this.#wanted.values()].includes(broker)) this.#parts.set(broker, { epoch: FIRST, has: new Set() })
  }
}
