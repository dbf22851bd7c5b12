/**
 * Which committed offsets nobody needs any more (KIP-211).
 */
import { ConsumerProtocolSubscription } from '../../../protocol/messages/consumer-protocol.ts'
import { readPayload } from '../../../protocol/payload.ts'
import { ProtocolError } from '../../../protocol/reader.ts'
import type { ClassicGroup } from './classic.ts'
import type { CommittedOffset, TopicPartition } from './records.ts'

/**
 * The offsets of a group that have outlived `retentionMs`, counted from when its last member left; from the commit where
 * there never was one, and where the group has members but has stopped reading the topic.
 */
export function expiredOffsets (group: ClassicGroup, nowMs: number, retentionMs: number): TopicPartition[] {
  const subscribed = subscribedTopics(group)
  if (subscribed === null) return []
  const expired: TopicPartition[] = []
  for (const [at, committed] of group.offsets.entries()) {
    if (!subscribed.has(at.topic) && endOf(group, committed, retentionMs) <= nowMs) expired.push(at)
  }
  return expired
}

function endOf (group: ClassicGroup, { expireTimestampMs, commitTimestampMs }: CommittedOffset, retentionMs: number): number {
  if (expireTimestampMs !== null) return expireTimestampMs
  const isLeft = group.state === 'Empty' && group.protocolType !== null
  return (isLeft ? group.stateSinceMs : commitTimestampMs) + retentionMs
}

/** Null while nobody can say what the group reads: it rebalances, or its protocol is not the consumers'. */
function subscribedTopics ({ state, protocolType, protocol, members }: ClassicGroup): ReadonlySet<string> | null {
  const topics = new Set<string>()
  if (state === 'Empty') return topics
  if (state !== 'Stable' || protocolType !== 'consumer') return null
  try {
    for (const member of members.values()) {
      for (const topic of readPayload(ConsumerProtocolSubscription, member.metadataFor(protocol)).topics) topics.add(topic)
    }
  } catch (error) {
    if (error instanceof ProtocolError) return null // some client's own idea of a subscription
    throw error
  }
  return topics
}
