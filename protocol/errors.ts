/**
 * Kafka's errors, one row each. Codes, names and retriability are Kafka's; the HTTP status is what the HTTP doors answer
 * when a request fails with nothing but this error; the sentence is what a person reads.
 */
const rows = [
  [-1, 'UNKNOWN_SERVER_ERROR', false, 500, 'The server failed in a way it did not foresee; its log says more.'],
  [0, 'NONE', false, 200, 'Success.'],
  [1, 'OFFSET_OUT_OF_RANGE', false, 416, 'The offset is outside the range of offsets that the partition holds.'],
  [2, 'CORRUPT_MESSAGE', true, 400, 'A record batch failed its checksum, has an impossible size, or has no key where the topic needs one.'],
  [3, 'UNKNOWN_TOPIC_OR_PARTITION', true, 404, 'There is no such topic or partition here.'],
  [4, 'INVALID_FETCH_SIZE', false, 400, 'The fetch size is not allowed.'],
  [5, 'LEADER_NOT_AVAILABLE', true, 503, 'The partition has no leader at the moment.'],
  [6, 'NOT_LEADER_OR_FOLLOWER', true, 503, 'This node does not lead the partition.'],
  [7, 'REQUEST_TIMED_OUT', true, 504, 'The request was not finished in the time it allowed.'],
  [8, 'BROKER_NOT_AVAILABLE', false, 503, 'The broker is not available.'],
  [9, 'REPLICA_NOT_AVAILABLE', true, 503, 'The replica is not available.'],
  [10, 'MESSAGE_TOO_LARGE', false, 413, 'The record batch is larger than the topic\'s max.message.bytes.'],
  [11, 'STALE_CONTROLLER_EPOCH', false, 409, 'The controller has moved.'],
  [12, 'OFFSET_METADATA_TOO_LARGE', false, 400, 'The metadata of a committed offset is too long.'],
  [13, 'NETWORK_EXCEPTION', true, 503, 'The connection broke before the answer came.'],
  [14, 'COORDINATOR_LOAD_IN_PROGRESS', true, 503, 'The coordinator is still loading its state.'],
  [15, 'COORDINATOR_NOT_AVAILABLE', true, 503, 'The coordinator is not available.'],
  [16, 'NOT_COORDINATOR', true, 503, 'This node does not coordinate that group or transaction.'],
  [17, 'INVALID_TOPIC_EXCEPTION', false, 400, 'The topic name is not allowed: 1 to 249 of a-z A-Z 0-9 . _ -, and neither "." nor "..".'],
  [18, 'RECORD_LIST_TOO_LARGE', false, 413, 'The batch is larger than a segment of the topic.'],
  [19, 'NOT_ENOUGH_REPLICAS', true, 503, 'There are fewer in-sync replicas than the topic requires.'],
  [20, 'NOT_ENOUGH_REPLICAS_AFTER_APPEND', true, 503, 'The batch was written, but to fewer in-sync replicas than the topic requires.'],
  [21, 'INVALID_REQUIRED_ACKS', false, 400, 'acks must be -1 (all), 0 or 1.'],
  [22, 'ILLEGAL_GENERATION', false, 409, 'The group is at another generation.'],
  [23, 'INCONSISTENT_GROUP_PROTOCOL', false, 409, 'The member\'s protocol type or assignment protocols do not match those of the group.'],
  [24, 'INVALID_GROUP_ID', false, 400, 'The group id is not allowed.'],
  [25, 'UNKNOWN_MEMBER_ID', false, 404, 'The group has no such member.'],
  [26, 'INVALID_SESSION_TIMEOUT', false, 400, 'The session timeout is outside the range that the server allows.'],
  [27, 'REBALANCE_IN_PROGRESS', false, 409, 'The group is rebalancing; join it again.'],
  [28, 'INVALID_COMMIT_OFFSET_SIZE', false, 413, 'The offsets and their metadata are too large to be committed at once.'],
  [29, 'TOPIC_AUTHORIZATION_FAILED', false, 403, 'Not authorised for this topic.'],
  [30, 'GROUP_AUTHORIZATION_FAILED', false, 403, 'Not authorised for this group.'],
  [31, 'CLUSTER_AUTHORIZATION_FAILED', false, 403, 'Not authorised for this operation on the cluster.'],
  [32, 'INVALID_TIMESTAMP', false, 400, 'A record\'s timestamp is outside the range that the topic allows.'],
  [33, 'UNSUPPORTED_SASL_MECHANISM', false, 401, 'The server does not offer this SASL mechanism.'],
  [34, 'ILLEGAL_SASL_STATE', false, 400, 'This request is not allowed in the present state of authentication.'],
  [35, 'UNSUPPORTED_VERSION', false, 400, 'This version of the request is not supported.'],
  [36, 'TOPIC_ALREADY_EXISTS', false, 409, 'A topic of this name exists.'],
  [37, 'INVALID_PARTITIONS', false, 400, 'The number of partitions is not allowed.'],
  [38, 'INVALID_REPLICATION_FACTOR', false, 400, 'The replication factor is less than 1 or more than the number of brokers.'],
  [39, 'INVALID_REPLICA_ASSIGNMENT', false, 400, 'The replica assignment is not possible.'],
  [40, 'INVALID_CONFIG', false, 400, 'A configuration name or value is not allowed.'],
  [41, 'NOT_CONTROLLER', true, 503, 'This node is not the controller.'],
  [42, 'INVALID_REQUEST', false, 400, 'The request contradicts itself or the protocol.'],
  [43, 'UNSUPPORTED_FOR_MESSAGE_FORMAT', false, 400, 'The message format does not support this request.'],
  [44, 'POLICY_VIOLATION', false, 400, 'The request violates a policy of this server.'],
  [45, 'OUT_OF_ORDER_SEQUENCE_NUMBER', false, 409, 'The producer\'s sequence number does not follow the last one.'],
  [46, 'DUPLICATE_SEQUENCE_NUMBER', false, 409, 'The producer\'s sequence number has been seen before.'],
  [47, 'INVALID_PRODUCER_EPOCH', false, 409, 'A producer with a newer epoch has taken over.'],
  [48, 'INVALID_TXN_STATE', false, 409, 'The transaction is not in a state that allows this.'],
  [49, 'INVALID_PRODUCER_ID_MAPPING', false, 409, 'The producer id does not belong to this transactional id.'],
  [50, 'INVALID_TRANSACTION_TIMEOUT', false, 400, 'The transaction timeout is longer than the server allows.'],
  [51, 'CONCURRENT_TRANSACTIONS', true, 409, 'Another operation on this transaction is still going on.'],
  [52, 'TRANSACTION_COORDINATOR_FENCED', false, 409, 'The transaction coordinator is no longer the current one.'],
  [53, 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED', false, 403, 'Not authorised for this transactional id.'],
  [54, 'SECURITY_DISABLED', false, 400, 'Security features are not switched on.'],
  [55, 'OPERATION_NOT_ATTEMPTED', false, 400, 'Not attempted, because another part of the request failed.'],
  [56, 'KAFKA_STORAGE_ERROR', true, 503, 'The disk failed or is full; nothing more is acknowledged until that is mended.'],
  [57, 'LOG_DIR_NOT_FOUND', false, 404, 'There is no such log directory.'],
  [58, 'SASL_AUTHENTICATION_FAILED', false, 401, 'The credentials were not accepted.'],
  [59, 'UNKNOWN_PRODUCER_ID', false, 409, 'Nothing is known of this producer id any more.'],
  [60, 'REASSIGNMENT_IN_PROGRESS', false, 409, 'A partition reassignment is going on.'],
  [61, 'DELEGATION_TOKEN_AUTH_DISABLED', false, 400, 'Delegation tokens are not switched on.'],
  [62, 'DELEGATION_TOKEN_NOT_FOUND', false, 404, 'There is no such delegation token.'],
  [63, 'DELEGATION_TOKEN_OWNER_MISMATCH', false, 403, 'The delegation token belongs to someone else.'],
  [64, 'DELEGATION_TOKEN_REQUEST_NOT_ALLOWED', false, 403, 'Delegation tokens cannot be managed over this connection.'],
  [65, 'DELEGATION_TOKEN_AUTHORIZATION_FAILED', false, 403, 'Not authorised for this delegation token.'],
  [66, 'DELEGATION_TOKEN_EXPIRED', false, 401, 'The delegation token has expired.'],
  [67, 'INVALID_PRINCIPAL_TYPE', false, 400, 'The principal type is not supported.'],
  [68, 'NON_EMPTY_GROUP', false, 409, 'The group still has members.'],
  [69, 'GROUP_ID_NOT_FOUND', false, 404, 'There is no such group.'],
  [70, 'FETCH_SESSION_ID_NOT_FOUND', true, 404, 'There is no such fetch session.'],
  [71, 'INVALID_FETCH_SESSION_EPOCH', true, 409, 'The fetch session is at another epoch.'],
  [72, 'LISTENER_NOT_FOUND', true, 503, 'The leader has no listener of that name.'],
  [73, 'TOPIC_DELETION_DISABLED', false, 403, 'Topics cannot be deleted here.'],
  [74, 'FENCED_LEADER_EPOCH', true, 409, 'The leader epoch in the request is older than the partition\'s.'],
  [75, 'UNKNOWN_LEADER_EPOCH', true, 409, 'The leader epoch in the request is newer than the partition\'s.'],
  [76, 'UNSUPPORTED_COMPRESSION_TYPE', false, 415, 'The compression is not supported in this version of the request.'],
  [77, 'STALE_BROKER_EPOCH', false, 409, 'The broker epoch is out of date.'],
  [78, 'OFFSET_NOT_AVAILABLE', true, 503, 'The high watermark has not caught up since the leader changed.'],
  [79, 'MEMBER_ID_REQUIRED', false, 400, 'Join again with the member id that this answer carries.'],
  [80, 'PREFERRED_LEADER_NOT_AVAILABLE', true, 503, 'The preferred leader is not available.'],
  [81, 'GROUP_MAX_SIZE_REACHED', false, 503, 'The group has as many members as it may have.'],
  [82, 'FENCED_INSTANCE_ID', false, 409, 'Another member has taken over this group instance id.'],
  [83, 'ELIGIBLE_LEADERS_NOT_AVAILABLE', true, 503, 'No replica is eligible to lead.'],
  [84, 'ELECTION_NOT_NEEDED', true, 409, 'The partition needs no election.'],
  [85, 'NO_REASSIGNMENT_IN_PROGRESS', false, 404, 'No partition reassignment is going on.'],
  [86, 'GROUP_SUBSCRIBED_TO_TOPIC', false, 409, 'The group is subscribed to the topic whose offsets were to be deleted.'],
  [87, 'INVALID_RECORD', false, 422, 'A record was refused.'],
  [88, 'UNSTABLE_OFFSET_COMMIT', true, 503, 'There are offsets of unfinished transactions.'],
  [89, 'THROTTLING_QUOTA_EXCEEDED', true, 429, 'A quota was exceeded.'],
  [90, 'PRODUCER_FENCED', false, 409, 'A newer producer with the same transactional id has taken over.'],
  [91, 'RESOURCE_NOT_FOUND', false, 404, 'The resource does not exist.'],
  [92, 'DUPLICATE_RESOURCE', false, 409, 'The resource is named twice.'],
  [93, 'UNACCEPTABLE_CREDENTIAL', false, 400, 'The credential does not meet the requirements.'],
  [94, 'INCONSISTENT_VOTER_SET', false, 409, 'The voters differ from those known.'],
  [95, 'INVALID_UPDATE_VERSION', false, 409, 'The version of the update is not the expected one.'],
  [96, 'FEATURE_UPDATE_FAILED', false, 500, 'Features could not be updated.'],
  [97, 'PRINCIPAL_DESERIALIZATION_FAILURE', false, 500, 'The forwarded principal could not be read.'],
  [98, 'SNAPSHOT_NOT_FOUND', false, 404, 'There is no such snapshot.'],
  [99, 'POSITION_OUT_OF_RANGE', false, 416, 'The position is outside the snapshot.'],
  [100, 'UNKNOWN_TOPIC_ID', true, 404, 'There is no topic with this id here.'],
  [101, 'DUPLICATE_BROKER_REGISTRATION', false, 409, 'The broker id is in use.'],
  [102, 'BROKER_ID_NOT_REGISTERED', false, 404, 'The broker id is not registered.'],
  [103, 'INCONSISTENT_TOPIC_ID', true, 409, 'The topic id is not the one the topic had.'],
  [104, 'INCONSISTENT_CLUSTER_ID', false, 409, 'The cluster id is not that of this cluster.'],
  [105, 'TRANSACTIONAL_ID_NOT_FOUND', false, 404, 'There is no such transactional id.'],
  [106, 'FETCH_SESSION_TOPIC_ID_ERROR', true, 409, 'The fetch session mixes topic ids and names.'],
  [107, 'INELIGIBLE_REPLICA', false, 409, 'The replica may not join the in-sync set.'],
  [108, 'NEW_LEADER_ELECTED', false, 409, 'The partition has a new leader.'],
  [109, 'OFFSET_MOVED_TO_TIERED_STORAGE', false, 416, 'The offset has moved to tiered storage.'],
  [110, 'FENCED_MEMBER_EPOCH', false, 409, 'The group coordinator has fenced the member\'s epoch; rejoin.'],
  [111, 'UNRELEASED_INSTANCE_ID', false, 409, 'The group instance id is still used by another member.'],
  [112, 'UNSUPPORTED_ASSIGNOR', false, 400, 'The assignor is not supported.'],
  [113, 'STALE_MEMBER_EPOCH', false, 409, 'The member\'s epoch is out of date; learn the new one and try again.'],
  [114, 'MISMATCHED_ENDPOINT_TYPE', false, 400, 'The request was sent to the wrong kind of endpoint.'],
  [115, 'UNSUPPORTED_ENDPOINT_TYPE', false, 400, 'This kind of endpoint is not supported yet.'],
  [116, 'UNKNOWN_CONTROLLER_ID', false, 404, 'The controller id is not known.'],
  [117, 'UNKNOWN_SUBSCRIPTION_ID', false, 404, 'The telemetry subscription is out of date.'],
  [118, 'TELEMETRY_TOO_LARGE', false, 413, 'The telemetry is larger than the limit.'],
  [119, 'INVALID_REGISTRATION', false, 400, 'The registration is not valid.'],
  [120, 'TRANSACTION_ABORTABLE', false, 409, 'The transaction must be aborted.'],
  [121, 'INVALID_RECORD_STATE', false, 409, 'The record is not in a state that allows this.'],
  [122, 'SHARE_SESSION_NOT_FOUND', true, 404, 'There is no such share session.'],
  [123, 'INVALID_SHARE_SESSION_EPOCH', true, 409, 'The share session is at another epoch.'],
  [124, 'FENCED_STATE_EPOCH', false, 409, 'The share group\'s state epoch is out of date.'],
  [125, 'INVALID_VOTER_KEY', false, 400, 'The voter key does not match.'],
  [126, 'DUPLICATE_VOTER', false, 409, 'The voter is in the set already.'],
  [127, 'VOTER_NOT_FOUND', false, 404, 'The voter is not in the set.'],
  [128, 'INVALID_REGULAR_EXPRESSION', false, 400, 'The regular expression is not valid.'],
  [129, 'REBOOTSTRAP_REQUIRED', false, 503, 'The client should bootstrap again.'],
  [130, 'STREAMS_INVALID_TOPOLOGY', false, 400, 'The topology is not valid.'],
  [131, 'STREAMS_INVALID_TOPOLOGY_EPOCH', false, 409, 'The topology epoch is not valid.'],
  [132, 'STREAMS_TOPOLOGY_FENCED', false, 409, 'The topology epoch is out of date.'],
  [133, 'SHARE_SESSION_LIMIT_REACHED', true, 503, 'There are as many share sessions as there may be.'],
  [134, 'GROUP_DELETION_FAILED', false, 500, 'The group could not be deleted.'],
  [135, 'STREAMS_TOPOLOGY_DESCRIPTION_UPDATE_FAILED', false, 500, 'The description of the topology could not be kept.'],
  [136, 'CONTROLLER_ID_NOT_REGISTERED', false, 409, 'No controller is registered under this id.'],
] as const satisfies readonly (readonly [code: number, name: string, retriable: boolean, http: number, sentence: string])[]

export type ErrorName = typeof rows[number][1]

export interface KafkaErrorRow {
  readonly code: number
  readonly name: ErrorName
  /** Whether a client may send the same request again and hope. */
  readonly retriable: boolean
  readonly http: number
  readonly sentence: string
}

const table: readonly KafkaErrorRow[] = rows.map(([code, name, retriable, http, sentence]) => ({ code, name, retriable, http, sentence }))
const byCode = new Map(table.map(row => [row.code, row]))

/** Error codes by name: `errors.NONE`, `errors.OFFSET_OUT_OF_RANGE`. */
export const errors = Object.fromEntries(table.map(row => [row.name, row.code])) as { readonly [N in ErrorName]: number }

/** The row of a code; codes that this build does not know read as UNKNOWN_SERVER_ERROR. */
export function errorRow (code: number): KafkaErrorRow {
  return byCode.get(code) ?? byCode.get(errors.UNKNOWN_SERVER_ERROR)!
}

/** A Kafka error on its way to a response. `message` is for people; the wire carries the code. */
export class KafkaError extends Error {
  override readonly name = 'KafkaError'
  readonly code: ErrorName
  readonly errorCode: number
  /** The permission that was missing, where that is what went wrong. */
  readonly missing: MissingPermission | null

  constructor (code: ErrorName, message?: string, { missing = null, ...options }: ErrorOptions & { missing?: MissingPermission | null } = {}) {
    super(message ?? errorRow(errors[code]).sentence, options)
    this.code = code
    this.errorCode = errors[code]
    this.missing = missing
  }
}

/** In Kafka's words: `{ operation: 'WRITE', resourceType: 'TOPIC', resourceName: 'orders' }`. */
export interface MissingPermission {
  readonly operation: string
  readonly resourceType: string
  readonly resourceName: string
}

/** Over a quota: nothing was done, and the same request may be sent again after `retryAfterMs`. */
export class Throttled extends KafkaError {
  /** Kafka's name of the quota: `controller_mutation_rate`. */
  readonly quota: string
  readonly retryAfterMs: number

  constructor (quota: string, retryAfterMs: number, message?: string) {
    super('THROTTLING_QUOTA_EXCEEDED', message)
    this.quota = quota
    this.retryAfterMs = retryAfterMs
  }
}
