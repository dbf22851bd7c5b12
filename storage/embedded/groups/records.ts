/**
 * Committed offsets and classic groups as records of `__consumer_offsets`, and back.
 *
 * Written in the versions that Kafka 4 writes: offset keys v1, group keys v2, values v3, which hold leader epochs and
 * static members and are read by every Kafka since 2.3.
 */
import {
  GROUP_METADATA_KEY, GroupMetadataKey, GroupMetadataValue, OFFSET_COMMIT_KEY, OffsetCommitKey, OffsetCommitValue
} from '../../../protocol/messages/group-log.ts'
import { readPayload, writePayload } from '../../../protocol/payload.ts'
import type { LogRecord, NewRecord } from '../../../protocol/records.ts'
import type { Input, Output } from '../../../protocol/schema.ts'

/** How far a group has read in one partition. */
export interface CommittedOffset {
  readonly offset: number
  /** -1 where the client did not say. */
  readonly leaderEpoch: number
  readonly metadata: string
  readonly commitTimestampMs: number
  /** When a client of OffsetCommit v2 to v4 has asked for a retention of its own; else null. */
  readonly expireTimestampMs: number | null
}

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

export type StoredGroup = Output<typeof GroupMetadataValue.fields>

/** What one record says; a null value takes back what was said before. */
export type Entry =
  | { readonly kind: 'offset', readonly groupId: string, readonly at: TopicPartition, readonly value: CommittedOffset | null }
  | { readonly kind: 'group', readonly groupId: string, readonly value: StoredGroup | null }

const VALUE_VERSION = 3
/** The only version with room for an expiry of its own; it has none for a leader epoch. */
const EXPIRING_OFFSET_VERSION = 1

export function offsetRecord (groupId: string, { topic, partition }: TopicPartition, committed: CommittedOffset | null): NewRecord {
  return {
    key: writePayload(OffsetCommitKey, OFFSET_COMMIT_KEY, { group: groupId, topic, partition }),
    value: committed === null ? null : offsetValue(committed)
  }
}

function offsetValue ({ offset, leaderEpoch, metadata, commitTimestampMs, expireTimestampMs }: CommittedOffset): Buffer {
  const version = expireTimestampMs === null ? VALUE_VERSION : EXPIRING_OFFSET_VERSION
  return writePayload(OffsetCommitValue, version, {
    offset, leaderEpoch, metadata, commitTimestamp: commitTimestampMs, expireTimestamp: expireTimestampMs ?? -1
  })
}

export function groupRecord (groupId: string, group: Input<typeof GroupMetadataValue.fields> | null): NewRecord {
  return {
    key: writePayload(GroupMetadataKey, GROUP_METADATA_KEY, { group: groupId }),
    value: group === null ? null : writePayload(GroupMetadataValue, VALUE_VERSION, group)
  }
}

/** Null for records about other things, which a newer program may have left here. Throws ProtocolError. */
export function readEntry ({ key, value }: LogRecord): Entry | null {
  if (key === null || key.length < 2) return null
  const version = key.readInt16BE(0)
  if (version === GROUP_METADATA_KEY) {
    const { group } = readPayload(GroupMetadataKey, key)
    return { kind: 'group', groupId: group, value: value === null ? null : readPayload(GroupMetadataValue, Buffer.from(value)) }
  }
  if (version !== OFFSET_COMMIT_KEY && version !== 0) return null
  const { group, topic, partition } = readPayload(OffsetCommitKey, key)
  return { kind: 'offset', groupId: group, at: { topic, partition }, value: value === null ? null : readOffset(value) }
}

function readOffset (bytes: Buffer): CommittedOffset {
  const { offset, leaderEpoch, metadata, commitTimestamp, expireTimestamp } = readPayload(OffsetCommitValue, bytes)
  return {
    offset,
    leaderEpoch,
    metadata,
    commitTimestampMs: commitTimestamp,
    expireTimestampMs: expireTimestamp === -1 ? null : expireTimestamp
  }
}
