/**
 * What is known of access as keys and values of the log, JSON both:
 *
 *   ["acl","TOPIC","LITERAL","orders","User:alice","*","READ","ALLOW"]   {}
 *   ["user","alice","SCRAM-SHA-256"]                                     {"salt":"…","storedKey":"…","serverKey":"…","iterations":4096}
 *   ["quota",{"user":"alice","client-id":null}]                          {"producer_byte_rate":1048576}
 *   ["validation","orders"]                                              {"barnabas.value.validation":"payload"}
 *   ["token","5u6nJ..."]                                                 {"owner":"User:alice","requester":"User:alice","renewers":[],…}
 *
 * The same thing always has the same key, byte for byte, since compaction goes by that.
 */
import {
  operations, patternTypes, permissions, resourceTypes,
  type AclBinding, type DelegationToken, type Operation, type PatternType, type Permission, type QuotaEntity, type QuotaKey, type QuotaValues,
  type ResourceType, type ScramCredential, type ScramMechanism
} from './model.ts'
import type { Entry } from '../state/topic.ts'

export type AccessChange =
  | { readonly kind: 'acl', readonly binding: AclBinding, readonly present: boolean }
  | { readonly kind: 'user', readonly name: string, readonly mechanism: ScramMechanism, readonly credential: ScramCredential | null }
  /** Null removes it. */
  | { readonly kind: 'token', readonly id: string, readonly token: DelegationToken | null }
  /** `values` is the whole of it; null removes. */
  | { readonly kind: 'quota', readonly entity: QuotaEntity, readonly values: QuotaValues | null }
  /** What a topic asks of its records: configurations by name, all of them; null removes. */
  | { readonly kind: 'validation', readonly topic: string, readonly configs: Readonly<Record<string, string>> | null }

/** In the order in which they stand in a key. */
export const entityTypes = ['user', 'client-id', 'ip'] as const satisfies readonly (keyof QuotaEntity)[]

export const quotaKeys: ReadonlySet<string> = new Set<QuotaKey>([
  'producer_byte_rate', 'consumer_byte_rate', 'request_percentage', 'controller_mutation_rate', 'connection_creation_rate'
])

export const scramMechanisms: ReadonlySet<string> = new Set<ScramMechanism>(['SCRAM-SHA-256', 'SCRAM-SHA-512'])

export function entityOf (entity: QuotaEntity): QuotaEntity {
  return Object.fromEntries(entityTypes.filter(type => entity[type] !== undefined).map(type => [type, entity[type]]))
}

/** The same for the same entity, however it was put together. */
export const entityKey = (entity: QuotaEntity): string => JSON.stringify(entityOf(entity))

export function aclKey ({ resourceType, patternType, resourceName, principal, host, operation, permission }: AclBinding): string {
  return JSON.stringify(['acl', resourceType, patternType, resourceName, principal, host, operation, permission])
}

export function entryOf (change: AccessChange): Entry {
  switch (change.kind) {
    case 'acl': return { key: aclKey(change.binding), value: change.present ? '{}' : null }
    case 'user': {
      const { name, mechanism, credential } = change
      return { key: JSON.stringify(['user', name, mechanism]), value: credential === null ? null : credentialJson(credential) }
    }
    case 'token': {
      const { id, token } = change
      return { key: JSON.stringify(['token', id]), value: token === null ? null : tokenJson(token) }
    }
    case 'quota': {
      const { entity, values } = change
      return { key: JSON.stringify(['quota', entityOf(entity)]), value: values === null ? null : JSON.stringify(values) }
    }
    case 'validation': {
      const { topic, configs } = change
      return { key: JSON.stringify(['validation', topic]), value: configs === null ? null : JSON.stringify(configs) }
    }
  }
}

function credentialJson ({ salt, storedKey, serverKey, iterations }: ScramCredential): string {
  return JSON.stringify({ salt: salt.toString('base64'), storedKey: storedKey.toString('base64'), serverKey: serverKey.toString('base64'), iterations })
}

function tokenJson ({ owner, requester, renewers, issuedMs, expiresMs, maxMs }: DelegationToken): string {
  return JSON.stringify({ owner, requester, renewers, issuedMs, expiresMs, maxMs })
}

/** Null for an entry that this version cannot make sense of: a newer one may have written it. */
export function changeOf ({ key, value }: Entry): AccessChange | null {
  try {
    const parts = JSON.parse(key) as unknown
    if (!Array.isArray(parts)) return null
    switch (parts[0]) {
      case 'acl': return aclChange(parts, value !== null)
      case 'user': return userChange(parts, value)
      case 'quota': return quotaChange(parts, value)
      case 'validation': return validationChange(parts, value)
      case 'token': return tokenChange(parts, value)
      default: return null
    }
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}

function aclChange (parts: readonly unknown[], present: boolean): AccessChange | null {
  if (parts.length !== 8 || !parts.every(part => typeof part === 'string')) return null
  const [, resourceType, patternType, resourceName, principal, host, operation, permission] = parts as [
    string, ResourceType, PatternType, string, string, string, Operation, Permission]
  const isKnown = Object.hasOwn(resourceTypes, resourceType) && Object.hasOwn(patternTypes, patternType) &&
    Object.hasOwn(operations, operation) && Object.hasOwn(permissions, permission)
  return isKnown ? { kind: 'acl', binding: { resourceType, resourceName, patternType, principal, host, operation, permission }, present } : null
}

function userChange ([, name, mechanism, ...more]: readonly unknown[], value: string | null): AccessChange | null {
  if (typeof name !== 'string' || !scramMechanisms.has(mechanism as string) || more.length > 0) return null
  const credential = value === null ? null : credentialOf(JSON.parse(value) as unknown)
  return credential === undefined ? null : { kind: 'user', name, mechanism: mechanism as ScramMechanism, credential }
}

/** Undefined if it is none. */
function credentialOf (json: unknown): ScramCredential | undefined {
  if (typeof json !== 'object' || json === null) return undefined
  const { salt, storedKey, serverKey, iterations } = json as { readonly [name: string]: unknown }
  if (typeof salt !== 'string' || typeof storedKey !== 'string' || typeof serverKey !== 'string' || !Number.isSafeInteger(iterations)) return undefined
  return {
    salt: Buffer.from(salt, 'base64'),
    storedKey: Buffer.from(storedKey, 'base64'),
    serverKey: Buffer.from(serverKey, 'base64'),
    iterations: iterations as number
  }
}

function tokenChange ([, id, ...more]: readonly unknown[], value: string | null): AccessChange | null {
  if (typeof id !== 'string' || more.length > 0) return null
  if (value === null) return { kind: 'token', id, token: null }
  const json = JSON.parse(value) as unknown
  if (typeof json !== 'object' || json === null) return null
  const { owner, requester, renewers, issuedMs, expiresMs, maxMs } = json as Partial<DelegationToken>
  const isToken = typeof owner === 'string' && typeof requester === 'string' &&
    Array.isArray(renewers) && renewers.every(renewer => typeof renewer === 'string') &&
    [issuedMs, expiresMs, maxMs].every(Number.isSafeInteger)
  return isToken ? { kind: 'token', id, token: { id, owner, requester, renewers, issuedMs: issuedMs!, expiresMs: expiresMs!, maxMs: maxMs! } } : null
}

function quotaChange ([, entity, ...more]: readonly unknown[], value: string | null): AccessChange | null {
  if (!isEntity(entity) || more.length > 0) return null
  if (value === null) return { kind: 'quota', entity, values: null }
  const json = JSON.parse(value) as unknown
  if (typeof json !== 'object' || json === null) return null
  // A key that a newer version knows is none of ours.
  const values = Object.fromEntries(Object.entries(json).filter(([key, limit]) => quotaKeys.has(key) && typeof limit === 'number' && limit > 0))
  return { kind: 'quota', entity, values }
}

function validationChange ([, topic, ...more]: readonly unknown[], value: string | null): AccessChange | null {
  if (typeof topic !== 'string' || more.length > 0) return null
  if (value === null) return { kind: 'validation', topic, configs: null }
  const json = JSON.parse(value) as unknown
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return null
  if (!Object.values(json).every(one => typeof one === 'string')) return null
  return { kind: 'validation', topic, configs: json as Readonly<Record<string, string>> }
}

function isEntity (entity: unknown): entity is QuotaEntity {
  if (typeof entity !== 'object' || entity === null || Array.isArray(entity)) return false
  const types = Object.entries(entity)
  return types.length > 0 && types.every(([type, name]) => (entityTypes as readonly string[]).includes(type) && (typeof name === 'string' || name === null))
}
