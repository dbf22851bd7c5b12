import { array, bytes, int32, payload, string, topicName } from '../schema.ts'

/**
 * What a consumer tells the leader of its classic group when it joins.
 * v1 owned partitions (KIP-429), v2 generation (KIP-792), v3 rack (KIP-881).
 */
export const ConsumerProtocolSubscription = payload('ConsumerProtocolSubscription', { versions: [0, 3], flexible: Infinity }, {
  topics: array(string),
  userData: bytes.nullable().default(null),
  ownedPartitions: array({ topic: topicName, partitions: array(int32) }).since(1).ignorable(),
  generationId: int32.since(2).default(-1).ignorable(),
  rackId: string.since(3).nullable().default(null).ignorable()
})

/** What the leader assigns to one member. */
export const ConsumerProtocolAssignment = payload('ConsumerProtocolAssignment', { versions: [0, 3], flexible: Infinity }, {
  assignedPartitions: array({ topic: topicName, partitions: array(int32) }),
  userData: bytes.nullable().default(null)
})
