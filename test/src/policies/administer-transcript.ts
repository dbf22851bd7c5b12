/**
 * Requests about ACLs, users and quotas, in the order in which they are sent to an empty cluster. What Kafka answers to them
 * is kept in `fixtures/administer.json`, recorded from a real broker by `test/interop/access-tools.test.ts`.
 */
import { pbkdf2Sync } from 'node:crypto'
import { complete } from '../../../protocol/defaults.ts'
import { DescribeAcls } from '../../../protocol/messages/29-describe-acls.ts'
import { CreateAcls } from '../../../protocol/messages/30-create-acls.ts'
import { DeleteAcls } from '../../../protocol/messages/31-delete-acls.ts'
import { DescribeClientQuotas } from '../../../protocol/messages/48-describe-client-quotas.ts'
import { AlterClientQuotas } from '../../../protocol/messages/49-alter-client-quotas.ts'
import { DescribeUserScramCredentials } from '../../../protocol/messages/50-describe-user-scram-credentials.ts'
import { AlterUserScramCredentials } from '../../../protocol/messages/51-alter-user-scram-credentials.ts'
import type { Api, Request, RequestInput } from '../../../protocol/schema.ts'

export interface Step {
  readonly title: string
  readonly api: Api
  readonly version: number
  readonly request: Request<Api>
}

const steps: Step[] = []

function step<A extends Api> (title: string, api: A, request: RequestInput<A>, version = api.versions[1]): void {
  steps.push({ title, api, version, request: complete(api.request, request as never) as Request<Api> })
}

// ---- ACLs. Codes are spelled out: a transcript says what goes over the wire.

const [ANY, MATCH, LITERAL, PREFIXED] = [1, 2, 3, 4]
const [TOPIC, GROUP, CLUSTER, TRANSACTIONAL_ID, DELEGATION_TOKEN, USER] = [2, 3, 4, 5, 6, 7]
const [ALL, READ, WRITE, DESCRIBE] = [2, 3, 4, 8]
const [DENY, ALLOW] = [2, 3]

type Creation = RequestInput<typeof CreateAcls>['creations'][number]
type Filter = RequestInput<typeof DeleteAcls>['filters'][number]

const acl = (changes: Partial<Creation> = {}): Creation => ({
  resourceType: TOPIC,
  resourceName: 'orders',
  resourcePatternType: LITERAL,
  principal: 'User:alice',
  host: '*',
  operation: READ,
  permissionType: ALLOW,
  ...changes
})

const filter = (changes: Partial<Filter> = {}): Filter => ({
  resourceTypeFilter: ANY,
  resourceNameFilter: null,
  patternTypeFilter: ANY,
  principalFilter: null,
  hostFilter: null,
  operation: ANY,
  permissionType: ANY,
  ...changes
})

const describe = (title: string, changes: Partial<Filter> = {}, version?: number): void => step(title, DescribeAcls, filter(changes), version)
const create = (title: string, ...creations: readonly Creation[]): void => step(title, CreateAcls, { creations })
const remove = (title: string, ...filters: readonly Filter[]): void => step(title, DeleteAcls, { filters })

describe('no rules yet')
create('nothing at all')
create('one rule', acl())
create('the same again', acl())
describe('it is there once')
create('several at once, one of them twice',
  acl({ resourceName: 'ord', resourcePatternType: PREFIXED, operation: WRITE }),
  acl({ resourceName: '*', principal: 'User:*', operation: DESCRIBE, permissionType: DENY, host: '10.0.0.1' }),
  acl({ resourceType: GROUP, resourceName: 'orders', principal: 'User:bob' }),
  acl({ resourceType: GROUP, resourceName: 'orders', principal: 'User:bob' }),
  acl({ resourceType: CLUSTER, resourceName: 'kafka-cluster', operation: ALL }),
  acl({ resourceType: TRANSACTIONAL_ID, resourceName: 'tx', operation: WRITE }),
  acl({ resourceType: DELEGATION_TOKEN, resourceName: 'token', operation: DESCRIBE }),
  acl({ resourceType: USER, resourceName: 'User:carol', operation: 13 }),
  acl({ resourceName: '*', resourcePatternType: PREFIXED, principal: 'User:star' }))
create('what cannot be, beside what can',
  acl({ resourceType: CLUSTER, resourceName: 'other' }),
  acl({ resourceName: '' }),
  acl({ principal: 'alice' }),
  acl({ principal: 'User:dave', operation: WRITE }),
  acl({ resourceType: 99 }))
for (const [what, changes] of [
  ['resource type', { resourceType: ANY }], ['pattern type', { resourcePatternType: ANY }], ['match', { resourcePatternType: MATCH }],
  ['operation', { operation: ANY }], ['permission', { permissionType: ANY }]
] as const) create(`any ${what}`, acl(changes))
for (const [what, changes] of [
  ['resource type', { resourceType: 0 }], ['resource type beyond', { resourceType: 99 }], ['negative resource type', { resourceType: -1 }],
  ['pattern type', { resourcePatternType: 0 }], ['operation', { operation: 0 }], ['permission', { permissionType: 0 }]
] as const) create(`an unknown ${what}`, acl(changes))
for (const [what, principal] of [
  ['empty', ''], ['without a type', 'alice'], ['without a name', 'User:'], ['of another type', 'Group:admins'], ['of a lower case type', 'user:alice'],
  ['with colons', 'User:CN=a:b,OU=c'], ['with a type alone', ':alice']
] as const) create(`a principal ${what}`, acl({ resourceName: 'principals', principal }))
create('an empty host', acl({ resourceName: 'hosts', host: '' }))
create('a host by name', acl({ resourceName: 'hosts', host: 'example.com' }))
create('a name that no topic can have', acl({ resourceName: 'what?/' }))
create('an operation that the resource does not know', acl({ resourceName: 'odd', operation: 9 }))
describe('all of them')
describe('all of them, v1', {}, 1)
describe('all of them, v2', {}, 2)
describe('of topics', { resourceTypeFilter: TOPIC })
describe('of a name in any pattern', { resourceNameFilter: 'orders' })
describe('of a name, literal', { resourceTypeFilter: TOPIC, resourceNameFilter: 'orders', patternTypeFilter: LITERAL })
describe('of a name, prefixed', { resourceTypeFilter: TOPIC, resourceNameFilter: 'ord', patternTypeFilter: PREFIXED })
describe('whatever speaks of a name', { resourceTypeFilter: TOPIC, resourceNameFilter: 'orders', patternTypeFilter: MATCH })
describe('whatever speaks of another name', { resourceTypeFilter: TOPIC, resourceNameFilter: 'customers', patternTypeFilter: MATCH })
describe('whatever speaks of a name that is a star', { resourceTypeFilter: TOPIC, resourceNameFilter: '*', patternTypeFilter: MATCH })
describe('match without a name', { patternTypeFilter: MATCH })
describe('literal without a name', { patternTypeFilter: LITERAL })
describe('the wildcard', { resourceNameFilter: '*' })
describe('of a principal', { principalFilter: 'User:alice' })
describe('of everyone', { principalFilter: 'User:*' })
describe('of a host', { hostFilter: '10.0.0.1' })
describe('of the host that is every host', { hostFilter: '*' })
describe('of an operation', { operation: WRITE })
describe('of the operation that is all', { operation: ALL })
describe('of a permission', { permissionType: DENY })
describe('an empty name', { resourceNameFilter: '' })
describe('an empty principal', { principalFilter: '' })
for (const [what, changes] of [
  ['resource type', { resourceTypeFilter: 0 }], ['pattern type', { patternTypeFilter: 0 }], ['operation', { operation: 0 }],
  ['permission', { permissionType: 0 }], ['resource type beyond', { resourceTypeFilter: 99 }]
] as const) describe(`an unknown ${what}`, changes)
for (const [what, changes] of [
  ['resource type', { resourceTypeFilter: 0 }], ['pattern type', { patternTypeFilter: 99 }], ['operation', { operation: 0 }],
  ['permission', { permissionType: 0 }]
] as const) remove(`remove what an unknown ${what} matches`, filter(changes))
remove('remove nothing')
remove('remove what is not there', filter({ principalFilter: 'User:nobody' }))
remove('remove one', filter({ resourceTypeFilter: TOPIC, resourceNameFilter: 'odd', patternTypeFilter: LITERAL }))
remove('two filters that match the same rule',
  filter({ principalFilter: 'User:bob' }), filter({ resourceTypeFilter: GROUP }), filter({ principalFilter: 'User:nobody' }))
describe('what is left')
remove('remove whatever speaks of a name', filter({ resourceTypeFilter: TOPIC, resourceNameFilter: 'orders', patternTypeFilter: MATCH }))
describe('what is left then')
remove('remove the rest', filter())
describe('nothing is left')

// ---- users

const [SHA_256, SHA_512] = [1, 2]

function upsertion (name: string, mechanism = SHA_256, iterations = 4096): RequestInput<typeof AlterUserScramCredentials>['upsertions'][number] {
  const salt = Buffer.from('0123456789abcdef')
  const [size, hash] = mechanism === SHA_512 ? [64, 'sha512'] as const : [32, 'sha256'] as const
  return { name, mechanism, iterations, salt, saltedPassword: pbkdf2Sync(`${name}-secret`, salt, 1, size, hash) }
}

const users = (title: string, names: readonly string[] | null): void =>
  step(title, DescribeUserScramCredentials, { users: names?.map(name => ({ name })) ?? null })
const alterUsers = (title: string, changes: Partial<RequestInput<typeof AlterUserScramCredentials>>): void =>
  step(title, AlterUserScramCredentials, { deletions: [], upsertions: [], ...changes })

users('no users yet', null)
users('no users yet, asked for none', [])
users('one that is not there', ['alice'])
alterUsers('no change of users', {})
alterUsers('two users', { upsertions: [upsertion('alice'), upsertion('bob', SHA_512, 8192)] })
alterUsers('a second mechanism', { upsertions: [upsertion('alice', SHA_512)] })
users('all users', null)
users('all users, asked for none', [])
users('some users', ['bob', 'nobody'])
users('a user twice', ['alice', 'alice'])
users('a user without a name', [''])
alterUsers('other iterations', { upsertions: [upsertion('alice', SHA_256, 16384)] })
users('the iterations have changed', ['alice'])
alterUsers('too few and too many iterations', {
  upsertions: [upsertion('carol', SHA_256, 4095), upsertion('dave', SHA_512, 16385), upsertion('erin', SHA_256, -1)]
})
alterUsers('a mechanism that nobody knows', { upsertions: [upsertion('carol', 0), upsertion('dave', 3)] })
alterUsers('a user without a name', { upsertions: [upsertion('')] })
alterUsers('the same user twice', { upsertions: [upsertion('carol'), upsertion('carol', SHA_512), upsertion('frank')] })
alterUsers('the same user three times', { upsertions: [upsertion('carol'), upsertion('carol', SHA_512), upsertion('carol')] })
alterUsers('set and removed at once', { deletions: [{ name: 'alice', mechanism: SHA_256 }], upsertions: [upsertion('alice', SHA_512)] })
alterUsers('removed twice', { deletions: [{ name: 'alice', mechanism: SHA_256 }, { name: 'alice', mechanism: SHA_512 }] })
alterUsers('removed what is not there', {
  deletions: [{ name: 'nobody', mechanism: SHA_256 }, { name: 'bob', mechanism: SHA_256 }, { name: '', mechanism: SHA_256 }, { name: 'x', mechanism: 9 }]
})
users('nothing was removed', null)
alterUsers('an empty salt', { upsertions: [{ ...upsertion('grace'), salt: Buffer.alloc(0) }] })
alterUsers('an empty password', { upsertions: [{ ...upsertion('heidi'), saltedPassword: Buffer.alloc(0) }] })
alterUsers('a salted password of another length', { upsertions: [{ ...upsertion('ivan'), saltedPassword: Buffer.alloc(7, 1) }] })
users('who is there', null)
alterUsers('one mechanism removed', { deletions: [{ name: 'alice', mechanism: SHA_256 }, { name: 'nobody', mechanism: SHA_256 }] })
users('one mechanism left', ['alice'])
alterUsers('the last one removed', { deletions: [{ name: 'alice', mechanism: SHA_512 }] })
users('she is gone', ['alice'])

// ---- quotas

type Entity = RequestInput<typeof AlterClientQuotas>['entries'][number]['entity']
type Ops = { readonly [key: string]: number | null }
type Component = readonly [entityType: string, match: string | null | '*any*', matchType?: number]

const entityOf = (entity: { readonly [type: string]: string | null }): Entity =>
  Object.entries(entity).map(([entityType, entityName]) => ({ entityType, entityName }))
const opsOf = (ops: Ops): RequestInput<typeof AlterClientQuotas>['entries'][number]['ops'] =>
  Object.entries(ops).map(([key, value]) => ({ key, value: value ?? 0, remove: value === null }))
const alter = (title: string, ...entries: readonly (readonly [entity: { readonly [type: string]: string | null }, ops: Ops])[]): void =>
  step(title, AlterClientQuotas, { entries: entries.map(([entity, ops]) => ({ entity: entityOf(entity), ops: opsOf(ops) })), validateOnly: false })
const quotas = (title: string, strict: boolean, ...components: readonly Component[]): void => step(title, DescribeClientQuotas, {
  components: components.map(([entityType, match, matchType]) => ({
    entityType, matchType: matchType ?? (match === '*any*' ? 2 : match === null ? 1 : 0), match: match === '*any*' ? null : match
  })),
  strict
})

quotas('no quotas yet', false)
alter('no change of quotas')
alter('of a user', [{ user: 'alice' }, { producer_byte_rate: 1048576, consumer_byte_rate: 2097152 }])
alter('of all sorts',
  [{ user: null }, { producer_byte_rate: 1000 }],
  [{ 'client-id': 'app' }, { consumer_byte_rate: 500 }],
  [{ 'client-id': null }, { request_percentage: 12.5 }],
  [{ user: 'alice', 'client-id': 'app' }, { producer_byte_rate: 5 }],
  [{ user: 'alice', 'client-id': null }, { producer_byte_rate: 6 }],
  [{ user: null, 'client-id': 'app' }, { producer_byte_rate: 7 }],
  [{ user: null, 'client-id': null }, { controller_mutation_rate: 0.5 }],
  [{ ip: '10.0.0.1' }, { connection_creation_rate: 10 }],
  [{ ip: null }, { connection_creation_rate: 100 }],
  [{ user: 'öl:=,"*' }, { request_percentage: 200 }])
quotas('all of them', false)
quotas('all of them, strictly', true)
quotas('a user, whatever else', false, ['user', 'alice'])
quotas('a user and nothing else', true, ['user', 'alice'])
quotas('every user, whatever else', false, ['user', '*any*'])
quotas('every user and nothing else', true, ['user', '*any*'])
quotas('the default user', false, ['user', null])
quotas('the default user, strictly', true, ['user', null])
quotas('user and client', true, ['user', 'alice'], ['client-id', 'app'])
quotas('user and any client', true, ['user', 'alice'], ['client-id', '*any*'])
quotas('any user and any client', true, ['user', '*any*'], ['client-id', '*any*'])
quotas('any user and the default client', true, ['user', '*any*'], ['client-id', null])
quotas('an address', true, ['ip', '10.0.0.1'])
quotas('any address', false, ['ip', '*any*'])
quotas('the default address', true, ['ip', null])
quotas('an address and a user', false, ['ip', '10.0.0.1'], ['user', 'alice'])
quotas('a user that has none', false, ['user', 'nobody'])
quotas('an empty name', false, ['user', ''])
quotas('an unknown type', false, ['planet', 'mars'])
quotas('an empty type', false, ['', 'mars'])
quotas('a type twice', false, ['user', 'alice'], ['user', null])
quotas('an exact match of nothing', false, ['user', null, 0])
quotas('a default with a name', false, ['user', 'alice', 1])
quotas('any with a name', false, ['user', 'alice', 2])
quotas('an unknown match', false, ['user', null, 3])
alter('one more, one less', [{ user: 'alice' }, { producer_byte_rate: null, request_percentage: 50 }])
quotas('one more, one less it is', true, ['user', 'alice'])
alter('removed what is not there', [{ user: 'alice' }, { controller_mutation_rate: null }], [{ user: 'nobody' }, { producer_byte_rate: null }])
alter('removed what no one knows', [{ user: 'alice' }, { nonsense: null }])
alter('wrong, one by one',
  [{ user: 'u1' }, { nonsense: 1 }],
  [{ user: 'u2' }, { connection_creation_rate: 1 }],
  [{ ip: '10.0.0.2' }, { producer_byte_rate: 1 }],
  [{ ip: '10.0.0.3', user: 'u3' }, { connection_creation_rate: 1 }],
  [{}, { producer_byte_rate: 1 }],
  [{ planet: 'mars' }, { producer_byte_rate: 1 }],
  [{ user: '' }, { producer_byte_rate: 1 }],
  [{ user: 'u4' }, { producer_byte_rate: 1.5 }],
  [{ user: 'u5' }, { producer_byte_rate: 0 }],
  [{ user: 'u6' }, { producer_byte_rate: -1 }],
  [{ user: 'u7' }, { request_percentage: 0 }],
  [{ user: 'u8' }, { controller_mutation_rate: -0.5 }],
  [{ ip: '10.0.0.4' }, { connection_creation_rate: 0 }],
  [{ ip: '10.0.0.5' }, { connection_creation_rate: 1.5 }],
  [{ user: 'u9' }, { producer_byte_rate: 1e300 }],
  [{ user: 'u13' }, { producer_byte_rate: 2 ** 63 }],
  [{ ip: '10.0.0.6' }, { connection_creation_rate: 2 ** 31 }],
  [{ user: 'u14' }, { producer_byte_rate: 2 ** 53 }],
  [{ user: 'u12' }, {}],
  [{ ip: '999.1.1.1' }, { connection_creation_rate: 1 }],
  [{ ip: '' }, { connection_creation_rate: 1 }])
alter('not a number, and more than any', [{ user: 'u10' }, { request_percentage: NaN }], [{ user: 'u11' }, { request_percentage: Infinity }])
alter('half wrong', [{ user: 'half' }, { producer_byte_rate: 1, nonsense: 1 }])
quotas('half wrong is wholly so', true, ['user', 'half'])
alter('an address of the sixth kind', [{ ip: '::1' }, { connection_creation_rate: 3 }], [{ ip: '2001:DB8::0001' }, { connection_creation_rate: 4 }])
quotas('addresses', false, ['ip', '*any*'])
step('an entity twice', AlterClientQuotas, {
  entries: [
    { entity: entityOf({ user: 'twice' }), ops: opsOf({ producer_byte_rate: 1 }) },
    { entity: entityOf({ user: 'twice' }), ops: opsOf({ producer_byte_rate: 2 }) }
  ],
  validateOnly: false
})
quotas('what became of the entity twice', true, ['user', 'twice'])
step('a key twice', AlterClientQuotas, {
  entries: [{ entity: entityOf({ user: 'key-twice' }), ops: [...opsOf({ producer_byte_rate: 1 }), ...opsOf({ producer_byte_rate: 2 })] }],
  validateOnly: false
})
quotas('what became of the key twice', true, ['user', 'key-twice'])
step('a type twice in an entity', AlterClientQuotas, {
  entries: [{ entity: [{ entityType: 'user', entityName: 'a' }, { entityType: 'user', entityName: 'b' }], ops: opsOf({ producer_byte_rate: 1 }) }],
  validateOnly: false
})
step('validated only', AlterClientQuotas, {
  entries: [
    { entity: entityOf({ user: 'only' }), ops: opsOf({ producer_byte_rate: 1 }) }, { entity: entityOf({ user: 'only-not' }), ops: opsOf({ nonsense: 1 }) }
  ],
  validateOnly: true
})
quotas('nothing of it was done', true, ['user', 'only'])
step('v0', AlterClientQuotas, { entries: [{ entity: entityOf({ 'client-id': 'v0' }), ops: opsOf({ request_percentage: 1 }) }], validateOnly: false }, 0)
step('v0 as well', DescribeClientQuotas, { components: [{ entityType: 'client-id', matchType: 0, match: 'v0' }], strict: true }, 0)
alter('all removed', [{ user: 'alice' }, { consumer_byte_rate: null, request_percentage: null }])
quotas('she has none', true, ['user', 'alice'])

export const transcript: readonly Step[] = steps
