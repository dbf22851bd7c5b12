/**
 * The operations that a caller is told it may do (KIP-430), as bits by Kafka's AclOperation codes. Nothing is forbidden at
 * the engine: a policy in front of it takes bits away.
 */
const codes = {
  read: 3, write: 4, create: 5, delete: 6, alter: 7, describe: 8, clusterAction: 9, describeConfigs: 10, alterConfigs: 11, idempotentWrite: 12
} as const

const bits = (...operations: ReadonlyArray<keyof typeof codes>): number => operations.reduce((sum, operation) => sum | (1 << codes[operation]), 0)

export const topicOperations = bits('read', 'write', 'create', 'delete', 'alter', 'describe', 'describeConfigs', 'alterConfigs')
export const clusterOperations = bits('create', 'alter', 'describe', 'clusterAction', 'describeConfigs', 'alterConfigs', 'idempotentWrite')
