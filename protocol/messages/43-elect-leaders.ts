import { api, array, int16, int32, int8, string, topicName } from '../schema.ts'

/**
 * Have the leaders of partitions elected anew (KIP-183): preferred ones, or (v1, KIP-460) unclean ones. Null asks for every partition.
 * v2 flexible.
 */
export const ElectLeaders = api(43, 'ElectLeaders', { versions: [0, 2], flexible: 2 }, {
  electionType: int8.since(1),
  topicPartitions: array({ topic: topicName, partitions: array(int32) }).nullable(),
  timeoutMs: int32.default(60000)
}, {
  throttleTimeMs: int32.default(0),
  errorCode: int16.since(1),
  replicaElectionResults: array({
    topic: topicName,
    partitionResult: array({ partitionId: int32, errorCode: int16, errorMessage: string.nullable() })
  })
})
