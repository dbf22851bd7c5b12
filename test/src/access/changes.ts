/** Random changes of users, rules and quotas. Names are few, so that changes meet. */
import fc from 'fast-check'
import type { AccessChange } from '../../../src/access/entries.ts'
import {
  operations, patternTypes, permissions, resourceTypes,
  type AclBinding, type Operation, type PatternType, type Permission, type QuotaEntity, type ResourceType, type ScramMechanism
} from '../../../src/access/model.ts'

const oneOf = <N extends string>(codes: { readonly [K in N]: number }): fc.Arbitrary<N> => fc.constantFrom(...Object.keys(codes) as N[])
const names = fc.constantFrom('a', 'ab', '*', 'ü"\\', '')

const bindings: fc.Arbitrary<AclBinding> = fc.record({
  resourceType: oneOf<ResourceType>(resourceTypes),
  resourceName: names,
  patternType: oneOf<PatternType>(patternTypes),
  principal: names.map(name => `User:${name}`),
  host: fc.constantFrom('*', '10.0.0.1'),
  operation: oneOf<Operation>(operations),
  permission: oneOf<Permission>(permissions)
}, { noNullPrototype: true })

const bytes = fc.uint8Array({ minLength: 1, maxLength: 64 }).map(array => Buffer.from(array))

const entityName = fc.option(names)
const entities: fc.Arbitrary<QuotaEntity> = fc.oneof(
  entityName.map(user => ({ user })),
  entityName.map(clientId => ({ 'client-id': clientId })),
  fc.tuple(entityName, entityName).map(([user, clientId]) => ({ user, 'client-id': clientId })),
  fc.option(fc.constantFrom('10.0.0.1', '2001:db8::1')).map(ip => ({ ip }))
)
const credentials = fc.record({ salt: bytes, storedKey: bytes, serverKey: bytes, iterations: fc.integer({ min: 4096, max: 16384 }) }, { noNullPrototype: true })
const limits = fc.double({ min: Number.MIN_VALUE, max: 1e300, noNaN: true })

const principals = names.map(name => `User:${name}`)
const times = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })

export const changes: fc.Arbitrary<AccessChange> = fc.oneof(
  fc.record({ kind: fc.constant('acl' as const), binding: bindings, present: fc.boolean() }, { noNullPrototype: true }),
  fc.record({
    kind: fc.constant('user' as const),
    name: names,
    mechanism: fc.constantFrom<ScramMechanism>('SCRAM-SHA-256', 'SCRAM-SHA-512'),
    credential: fc.option(credentials)
  }, { noNullPrototype: true }),
  fc.record({
    id: names,
    token: fc.option(fc.record({
      owner: principals, requester: principals, renewers: fc.array(principals, { maxLength: 3 }), issuedMs: times, expiresMs: times, maxMs: times
    }, { noNullPrototype: true }))
  }, { noNullPrototype: true }).map(({ id, token }) => ({ kind: 'token' as const, id, token: token === null ? null : { id, ...token } })),
  fc.record({
    kind: fc.constant('validation' as const),
    topic: names,
    configs: fc.option(fc.dictionary(fc.constantFrom('barnabas.value.validation', 'ü"'), fc.string(), { noNullPrototype: true }))
  }, { noNullPrototype: true }),
  fc.record({
    kind: fc.constant('quota' as const),
    entity: entities,
    values: fc.option(fc.oneof(
      limits.map(limit => ({ producer_byte_rate: limit })),
      limits.map(limit => ({ request_percentage: limit, consumer_byte_rate: 1 }))
    ))
  }, { noNullPrototype: true })
)
