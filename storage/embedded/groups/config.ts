/**
 * What the group coordinator is told about itself. Each value has the meaning of the Kafka broker configuration that its
 * comment names.
 */
export interface GroupConfig {
  /** `group.initial.rebalance.delay.ms`: how long the first rebalance of an empty group waits for more members. */
  readonly initialRebalanceDelayMs: number
  /** `group.min.session.timeout.ms` */
  readonly minSessionTimeoutMs: number
  /** `group.max.session.timeout.ms` */
  readonly maxSessionTimeoutMs: number
  /** `group.max.size`: members in one group. */
  readonly maxSize: number
  /** `offset.metadata.max.bytes`: the text that a client may put beside a committed offset. */
  readonly offsetMetadataMaxBytes: number
  /** `offsets.retention.minutes`: how long the offsets of a group without members are kept. */
  readonly offsetsRetentionMs: number
  /** Groups in all: a bound on memory. Kafka has none. */
  readonly maxGroups: number
}

export const defaultGroupConfig: GroupConfig = {
  // Kafka waits 3 s. Half a second still gathers members that start together, and a lone one does not wait long. With 0
  // every member of a starting group would cause a rebalance, which librdkafka's own tests do not survive on Kafka either.
  initialRebalanceDelayMs: 500,
  minSessionTimeoutMs: 6_000,
  maxSessionTimeoutMs: 1_800_000,
  maxSize: 1_000,
  offsetMetadataMaxBytes: 4_096,
  offsetsRetentionMs: 7 * 86_400_000,
  maxGroups: 10_000
}
