import { array, bytes, int32, int64, payload, string, uuid } from '../schema.ts'

/**
 * The records of `__consumer_offsets`, in Kafka's own form, so that Kafka's tools can read them. The int16 before a key
 * says what the record is about: 0 and 1 a committed offset, 2 a classic group.
 */
export const OFFSET_COMMIT_KEY = 1
export const GROUP_METADATA_KEY = 2

export const OffsetCommitKey = payload('OffsetCommitKey', { versions: [0, 1], flexible: Infinity }, {
  group: string,
  topic: string,
  partition: int32
})

/** A committed offset. v3 leader epoch, v4 topic id. */
export const OffsetCommitValue = payload('OffsetCommitValue', { versions: [0, 4], flexible: 4 }, {
  offset: int64,
  leaderEpoch: int32.since(3).default(-1).ignorable(),
  metadata: string,
  commitTimestamp: int64,
  expireTimestamp: int64.since(1).until(1).default(-1).ignorable(),
  topicId: uuid.since(4).tag(0).ignorable()
})

export const GroupMetadataKey = payload('GroupMetadataKey', { versions: [2, 2], flexible: Infinity }, {
  group: string
})

/** A classic group that has finished a rebalance. v3 static members (KIP-345), v4 flexible. */
export const GroupMetadataValue = payload('GroupMetadataValue', { versions: [0, 4], flexible: 4 }, {
  protocolType: string,
  generation: int32,
  protocol: string.nullable(),
  leader: string.nullable(),
  currentStateTimestamp: int64.since(2).default(-1).ignorable(),
  members: array({
    memberId: string,
    groupInstanceId: string.since(3).nullable().default(null).ignorable(),
    clientId: string,
    clientHost: string,
    rebalanceTimeout: int32.since(1).default(-1).ignorable(),
    sessionTimeout: int32,
    subscription: bytes,
    assignment: bytes
  })
})
