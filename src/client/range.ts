/**
 * Kafka's range assignor: of each topic, every member that subscribes to it gets a run of neighbouring partitions. Whoever
 * leads the group decides for all, so the members must come in the order that Kafka's own clients put them in.
 */

export interface Subscriber {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly topics: readonly string[]
}

/** Partitions by topic. */
export type Assignment = ReadonlyMap<string, readonly number[]>

/**
 * What each member gets, by member id; `partitionCounts` has no entry for a topic that does not exist. The first members get
 * one more where the partitions cannot be shared out evenly.
 */
export function assignRange (subscribers: readonly Subscriber[], partitionCounts: ReadonlyMap<string, number>): Map<string, Assignment> {
  const parts = new Map(subscribers.map(({ memberId }) => [memberId, new Map<string, readonly number[]>()]))
  for (const [topic, takers] of takersByTopic(subscribers)) {
    const count = partitionCounts.get(topic) ?? 0
    const each = Math.floor(count / takers.length)
    const extra = count % takers.length
    let next = 0
    for (const [i, memberId] of takers.entries()) {
      const size = each + (i < extra ? 1 : 0)
      if (size === 0) break
      const first = next
      parts.get(memberId)!.set(topic, Array.from({ length: size }, (_, n) => first + n))
      next += size
    }
  }
  return parts
}

/** Members say what they like, and as much of it: each topic of each is looked at once. */
function takersByTopic (subscribers: readonly Subscriber[]): Map<string, string[]> {
  const takers = new Map<string, string[]>()
  for (const { memberId, topics } of [...subscribers].sort(inKafkasOrder)) {
    for (const topic of new Set(topics)) {
      const ofTopic = takers.get(topic)
      if (ofTopic === undefined) takers.set(topic, [memberId])
      else ofTopic.push(memberId)
    }
  }
  return takers
}

/** Every topic that somebody subscribes to, sorted. */
export const topicsOf = (subscribers: readonly Subscriber[]): string[] => [...new Set(subscribers.flatMap(({ topics }) => topics))].sort()

/** Static members (KIP-345) by their instance id, before the others by their member id. */
function inKafkasOrder (a: Subscriber, b: Subscriber): number {
  if (a.groupInstanceId !== null && b.groupInstanceId !== null) return compare(a.groupInstanceId, b.groupInstanceId)
  if (a.groupInstanceId !== null) return -1
  if (b.groupInstanceId !== null) return 1
  return compare(a.memberId, b.memberId)
}

const compare = (a: string, b: string): number => a < b ? -1 : a > b ? 1 : 0
