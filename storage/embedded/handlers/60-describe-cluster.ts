/**
 * DescribeCluster, v0 to v2.
 * One broker, which is also the controller. The Kafka door fills in its address.
 */
import { errors } from '../../../protocol/errors.ts'
import { DescribeCluster } from '../../../protocol/messages/60-describe-cluster.ts'
import { clusterOperations } from '../operations.ts'
import { handler } from '../handler.ts'

const BROKERS = 1

export const describeCluster = handler(DescribeCluster, [0, 2], ({ endpointType, includeClusterAuthorizedOperations }, _context, state) => ({
  errorCode: endpointType === BROKERS ? errors.NONE : errors.MISMATCHED_ENDPOINT_TYPE,
  errorMessage: endpointType === BROKERS ? null : 'This is a broker endpoint.',
  endpointType: BROKERS,
  clusterId: state.clusterId,
  controllerId: state.nodeId,
  brokers: endpointType === BROKERS ? [{ brokerId: state.nodeId, host: '', port: 0, rack: null }] : [],
  ...(includeClusterAuthorizedOperations ? { clusterAuthorizedOperations: clusterOperations } : {})
}))
