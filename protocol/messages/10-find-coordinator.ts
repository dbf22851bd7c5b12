import { api, array, int16, int32, int8, string } from '../schema.ts'

/**
 * Which broker coordinates a group (key type 0), a transactional id (1) or a share partition (2).
 * v1 key type, v3 flexible, v4 several keys at once (KIP-699).
 */
export const FindCoordinator = api(10, 'FindCoordinator', { versions: [0, 6], flexible: 3 }, {
  key: string.until(3),
  keyType: int8.since(1),
  coordinatorKeys: array(string).since(4)
}, {
  throttleTimeMs: int32.since(1).ignorable(),
  errorCode: int16.until(3),
  errorMessage: string.since(1).until(3).nullable().ignorable(),
  nodeId: int32.until(3),
  host: string.until(3),
  port: int32.until(3),
  coordinators: array({
    key: string,
    nodeId: int32,
    host: string,
    port: int32,
    errorCode: int16,
    errorMessage: string.nullable()
  }).since(4)
})
