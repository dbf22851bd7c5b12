/**
 * The words of access control, Kafka's own: who (principal, host) may do what (operation) to what (resource).
 * Codes are those of the protocol (ResourceType, PatternType, AclOperation, AclPermissionType).
 */
import type { Principal } from '../../protocol/rpc.ts'

export const resourceTypes = { TOPIC: 2, GROUP: 3, CLUSTER: 4, TRANSACTIONAL_ID: 5, DELEGATION_TOKEN: 6, USER: 7 } as const
export const patternTypes = { LITERAL: 3, PREFIXED: 4 } as const
export const operations = {
  ALL: 2,
  READ: 3,
  WRITE: 4,
  CREATE: 5,
  DELETE: 6,
  ALTER: 7,
  DESCRIBE: 8,
  CLUSTER_ACTION: 9,
  DESCRIBE_CONFIGS: 10,
  ALTER_CONFIGS: 11,
  IDEMPOTENT_WRITE: 12,
  CREATE_TOKENS: 13,
  DESCRIBE_TOKENS: 14,
  TWO_PHASE_COMMIT: 15
} as const
export const permissions = { DENY: 2, ALLOW: 3 } as const

export type ResourceType = keyof typeof resourceTypes
export type PatternType = keyof typeof patternTypes
export type Operation = keyof typeof operations
export type Permission = keyof typeof permissions

/** The one resource of type CLUSTER. */
export const CLUSTER_NAME = 'kafka-cluster'
/** A literal pattern of this name matches every resource, a principal `User:*` everyone, a host `*` every address. */
export const WILDCARD = '*'

/** One rule, as `kafka-acls` adds and lists it. */
export interface AclBinding {
  readonly resourceType: ResourceType
  /** The name, the prefix, or `*` (literal). */
  readonly resourceName: string
  readonly patternType: PatternType
  /** `User:alice`. */
  readonly principal: string
  readonly host: string
  readonly operation: Operation
  readonly permission: Permission
}

export type DecisionReason = 'super-user' | 'denied-by' | 'allowed-by' | 'no-acl-matches' | 'allowed-without-acl' | 'internal' | 'not-enforced'

/** What was decided, and why. */
export interface Decision {
  readonly allowed: boolean
  readonly reason: DecisionReason
  /** The rule that decided, if one did. */
  readonly binding: AclBinding | null
}

/** The one permission table behind every door. `src/policies/authorize.ts` asks it for requests; doors ask for what is no request. */
export interface Authorizer {
  decide (principal: Principal, host: string, operation: Operation, resourceType: ResourceType, resourceName: string): Decision
}

// ---- users

export type ScramMechanism = 'SCRAM-SHA-256' | 'SCRAM-SHA-512'

/** What is kept of a password (RFC 5802): enough to check it, not to learn it. */
export interface ScramCredential {
  readonly salt: Buffer
  readonly storedKey: Buffer
  readonly serverKey: Buffer
  /** 4096 to 16384, Kafka's bounds. */
  readonly iterations: number
}

export interface UserDirectory {
  /** Undefined if there is no such user, or it has no credential for the mechanism. */
  credential (user: string, mechanism: ScramMechanism): ScramCredential | undefined
  /** Changes whenever some credential does: what was derived from older ones is worth nothing. */
  readonly revision: number
}

// ---- delegation tokens

/** What is kept of a delegation token (KIP-48). Its HMAC, with which one logs in, is not. Times in ms since the epoch. */
export interface DelegationToken {
  readonly id: string
  /** Whom it stands for: `User:alice`. */
  readonly owner: string
  /** Who asked for it (KIP-373): mostly the owner. */
  readonly requester: string
  /** Who may renew it besides. */
  readonly renewers: readonly string[]
  readonly issuedMs: number
  /** When it ends, unless it is renewed. */
  readonly expiresMs: number
  /** When it ends, whoever renews it. */
  readonly maxMs: number
}

// ---- quotas

export type QuotaKey = 'producer_byte_rate' | 'consumer_byte_rate' | 'request_percentage' | 'controller_mutation_rate' | 'connection_creation_rate'

/** Kafka's client quota entity: a name, null for the default of that type, absent where the type plays no part. */
export interface QuotaEntity {
  readonly user?: string | null
  readonly 'client-id'?: string | null
  readonly ip?: string | null
}

export type QuotaValues = { readonly [K in QuotaKey]?: number }
