import { api, array, bool, int16, int32, int8, string } from '../schema.ts'

/**
 * Brokers, controller and id of the cluster (KIP-700). v1 endpoint type (KIP-919), v2 fenced brokers (KIP-1073).
 */
export const DescribeCluster = api(60, 'DescribeCluster', { versions: [0, 2], flexible: 0 }, {
  includeClusterAuthorizedOperations: bool,
  endpointType: int8.since(1).default(1),
  includeFencedBrokers: bool.since(2)
}, {
  throttleTimeMs: int32.default(0),
  errorCode: int16,
  errorMessage: string.nullable().default(null),
  endpointType: int8.since(1).default(1),
  clusterId: string,
  controllerId: int32.default(-1),
  brokers: array({
    brokerId: int32,
    host: string,
    port: int32,
    rack: string.nullable().default(null),
    isFenced: bool.since(2)
  }),
  clusterAuthorizedOperations: int32.default(-2147483648)
})
