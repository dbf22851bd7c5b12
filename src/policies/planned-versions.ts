/**
 * The oldest version of each request that releases of Apache Kafka serve: what they have dropped (KIP-896), and nothing else. An
 * api without a row is served from its first version on. By name, so that the options can be read without the messages.
 */

/** `4.0` is 4.0.0: what 4.0.1 gave back is missing in that one alone. */
export const plannedVersions = ['4.0', '4.1', '4.2', '4.3'] as const
export type PlannedVersion = typeof plannedVersions[number]

type Oldest = Readonly<Record<string, number>>

const since40: Oldest = {
  // Advertised from v0, as librdkafka wants it (KAFKA-18659), and served from v3.
  Produce: 3,
  Fetch: 4,
  ListOffsets: 1,
  OffsetCommit: 2,
  OffsetFetch: 1,
  CreateTopics: 2,
  DeleteTopics: 1,
  OffsetForLeaderEpoch: 2,
  DescribeAcls: 1,
  CreateAcls: 1,
  DeleteAcls: 1,
  DescribeConfigs: 1,
  DescribeLogDirs: 1,
  CreateDelegationToken: 1,
  RenewDelegationToken: 1,
  ExpireDelegationToken: 1,
  DescribeDelegationToken: 1
}

/** KAFKA-19444: 4.0.0 alone dropped them; 4.0.1 and 4.1.0 serve them again. */
const only400: Oldest = { JoinGroup: 2 }

/** What 4.0 had of share groups was for trials (KIP-932). */
const since41: Oldest = { ShareGroupHeartbeat: 1, ShareGroupDescribe: 1, ShareFetch: 1, ShareAcknowledge: 1 }

/** By the name of the api. */
export const oldestServed = (planned: PlannedVersion): ReadonlyMap<string, number> =>
  new Map(Object.entries({ ...since40, ...planned === '4.0' ? only400 : since41 }))
