/**
 * FindCoordinator, v0 to v6.
 * This node coordinates every group. Its address is left empty: the door that the question came through fills in its own.
 *
 * Transactions and share groups are not supported. INVALID_REQUEST is what Kafka answers for key types that it does not
 * coordinate, and of the errors that Java's producer gives up on at once it is the one after which it shows our message;
 * COORDINATOR_NOT_AVAILABLE would make it ask again for a minute.
 */
import { errors } from '../../../protocol/errors.ts'
import { FindCoordinator } from '../../../protocol/messages/10-find-coordinator.ts'
import { handler } from '../handler.ts'

const GROUP = 0
const unsupported = new Map([
  [1, 'Transactions are not supported by this server: use an idempotent producer without transactional.id.'],
  [2, 'Share groups are not supported by this server: use a consumer group.']
])

export const findCoordinator = handler(FindCoordinator, [0, 6], ({ keyType, coordinatorKeys }, { version }, { nodeId }) => {
  const coordinator = keyType === GROUP
    ? { errorCode: errors.NONE, errorMessage: version < 4 ? 'NONE' : '', nodeId, host: '', port: 0 }
    : {
        errorCode: errors.INVALID_REQUEST,
        errorMessage: unsupported.get(keyType) ?? `There is no coordinator of key type ${keyType}: 0 is for groups.`,
        nodeId: -1,
        host: '',
        port: -1
      }
  // Until v3 one key and its coordinator, from v4 as many as are asked for (KIP-699).
  return version < 4 ? coordinator : { coordinators: coordinatorKeys.map(key => ({ key, ...coordinator })) }
})
