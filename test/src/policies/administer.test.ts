/**
 * What Kafka answers about ACLs, users and quotas is what we answer, over a real log. Where we do not, it is on the list.
 */
import t, { type Test } from 'tap'
import { readFileSync } from 'node:fs'
import { complete } from '../../../protocol/defaults.ts'
import { errorRow, KafkaError } from '../../../protocol/errors.ts'
import { Metadata } from '../../../protocol/messages/03-metadata.ts'
import { DescribeAcls } from '../../../protocol/messages/29-describe-acls.ts'
import { CreateAcls } from '../../../protocol/messages/30-create-acls.ts'
import { DeleteAcls } from '../../../protocol/messages/31-delete-acls.ts'
import { CreateDelegationToken } from '../../../protocol/messages/38-create-delegation-token.ts'
import { RenewDelegationToken } from '../../../protocol/messages/39-renew-delegation-token.ts'
import { ExpireDelegationToken } from '../../../protocol/messages/40-expire-delegation-token.ts'
import { DescribeDelegationToken } from '../../../protocol/messages/41-describe-delegation-token.ts'
import { DescribeClientQuotas } from '../../../protocol/messages/48-describe-client-quotas.ts'
import { AlterClientQuotas } from '../../../protocol/messages/49-alter-client-quotas.ts'
import { DescribeUserScramCredentials } from '../../../protocol/messages/50-describe-user-scram-credentials.ts'
import { AlterUserScramCredentials } from '../../../protocol/messages/51-alter-user-scram-credentials.ts'
import { anonymous, compose, neverAborted, newest, type Context, type Dispatch } from '../../../protocol/rpc.ts'
import type { Api, Request, RequestInput, Response } from '../../../protocol/schema.ts'
import { AccessStore } from '../../../src/access/store.ts'
import { administer, administered, type AdminEvent, type Administration } from '../../../src/policies/administer.ts'
import { openEngine } from '../../storage/embedded/support.ts'
import { transcript } from './administer-transcript.ts'
import { comparable, type Comparable } from './answers.ts'

const context: Context = {
  principal: anonymous, door: 'kafka', clientId: 'test', address: '10.0.0.9', version: 0, signal: neverAborted, throttleMs: 0
}

interface Gateway {
  readonly dispatch: Dispatch
  readonly store: AccessStore
  readonly events: AdminEvent[]
  ask<A extends Api> (api: A, request: RequestInput<A>): Promise<Response<A>>
}

async function gateway (t: Test, securityEnabled = true): Promise<Gateway> {
  const { engine } = await openEngine(t, t.testdir())
  const store = new AccessStore(engine.dispatch)
  await store.open()
  t.teardown(() => store.close())
  const events: AdminEvent[] = []
  return gatewayOver(engine.dispatch, () => ({ store, securityEnabled, onChange: event => events.push(event) }), store, events)
}

function gatewayOver (engine: Dispatch, admin: () => Administration | null, store: AccessStore, events: AdminEvent[] = []): Gateway {
  const dispatch = compose(engine, administer(admin))
  return {
    dispatch,
    store,
    events,
    ask: async (api, request) => await dispatch(api, complete(api.request, request as never) as never, { ...context, version: newest(api) })
  }
}

/** Where our answers are others than Kafka's, by the title of the step. */
const deviations: { readonly [title: string]: { readonly why: string, readonly errors: readonly string[] } } = {
  // Kafka lets exceptions of its own through: every element of the request fails with UNKNOWN_SERVER_ERROR.
  ...Object.fromEntries(['any resource type', 'any pattern type', 'any match', 'any operation', 'any permission'].map(title =>
    [title, { why: 'the element is wrong, not the server', errors: ['INVALID_REQUEST'] }])),
  // Kafka closes the connection.
  ...Object.fromEntries(['an unknown resource type', 'an unknown pattern type', 'an unknown operation', 'an unknown permission',
    'remove what an unknown resource type matches', 'remove what an unknown operation matches', 'remove what an unknown permission matches'].map(title =>
    [title, { why: 'an answer says more than a closed connection', errors: ['INVALID_REQUEST'] }])),
  'an empty salt': { why: 'it would make equal passwords have equal keys', errors: ['UNACCEPTABLE_CREDENTIAL'] },
  'an empty password': { why: 'the element is wrong, not the server', errors: ['UNACCEPTABLE_CREDENTIAL'] },
  'a salted password of another length': { why: 'no client could ever log in', errors: ['UNACCEPTABLE_CREDENTIAL'] },
  'who is there': { why: 'follows from those', errors: [] },
  'not a number, and more than any': { why: 'no limit can be that', errors: ['INVALID_REQUEST', 'INVALID_REQUEST'] },
  'an address of the sixth kind': { why: 'same success', errors: [] },
  addresses: { why: 'an address has one spelling', errors: [] },
  'an entity twice': { why: 'nothing is done of what is refused; answered where it is asked', errors: ['INVALID_REQUEST', 'INVALID_REQUEST'] },
  'what became of the entity twice': { why: 'Kafka does the first of what it refuses', errors: [] },
  'a key twice': { why: 'in words of our own', errors: ['INVALID_REQUEST'] },
  'a type twice in an entity': { why: 'which was meant is not known', errors: ['INVALID_REQUEST'] }
}

/** Every error code in an answer, in order. */
function errorsIn (answer: Comparable): string[] {
  if (Array.isArray(answer)) return answer.flatMap(errorsIn)
  if (typeof answer !== 'object' || answer === null) return []
  return Object.entries(answer).flatMap(([name, value]) =>
    name === 'errorCode' && value !== 0 ? [errorRow(value as number).name] : errorsIn(value as Comparable))
}

t.test('the transcript is answered as by Kafka', async t => {
  const { dispatch } = await gateway(t)
  const recorded = JSON.parse(readFileSync(new URL('fixtures/administer.json', import.meta.url), 'utf8')) as { title: string, answer: Comparable }[]
  t.strictSame(recorded.map(({ title }) => title), transcript.map(({ title }) => title), 'the recording is of this transcript')
  for (const [i, { title, api, version, request }] of transcript.entries()) {
    const answer = comparable(api, await dispatch(api, request, { ...context, version }))
    const deviation = deviations[title]
    if (deviation === undefined) t.strictSame(answer, recorded[i]!.answer, title)
    else t.strictSame(errorsIn(answer), deviation.errors, `${title}: ${deviation.why}`)
  }
})

// ---- what the transcript does not show

const anyAcl: RequestInput<typeof DescribeAcls> = {
  resourceTypeFilter: 1, resourceNameFilter: null, patternTypeFilter: 1, principalFilter: null, hostFilter: null, operation: 1, permissionType: 1
}

/** One request of each api, and how many errors there are if nothing of it can be done. */
const oneOfEach: readonly (readonly [api: Api, request: object, count: number])[] = [
  [DescribeAcls, anyAcl, 1],
  [CreateAcls, { creations: [aclOf('a'), aclOf('b')] }, 2],
  [DeleteAcls, { filters: [anyAcl] }, 1],
  [DescribeClientQuotas, { components: [], strict: false }, 1],
  [AlterClientQuotas, { entries: [quotaOf('alice', { producer_byte_rate: 1 })], validateOnly: false }, 1],
  [DescribeUserScramCredentials, { users: null }, 1],
  [AlterUserScramCredentials, { deletions: [{ name: 'x', mechanism: 1 }], upsertions: [upsertionOf('alice'), upsertionOf('x')] }, 2],
  [CreateDelegationToken, { renewers: [], maxLifetimeMs: -1 }, 1],
  [RenewDelegationToken, { hmac: Buffer.alloc(64), renewPeriodMs: -1 }, 1],
  [ExpireDelegationToken, { hmac: Buffer.alloc(64), expiryTimePeriodMs: -1 }, 1],
  [DescribeDelegationToken, { owners: null }, 1]
]

function aclOf (resourceName: string): RequestInput<typeof CreateAcls>['creations'][number] {
  return { resourceType: 2, resourceName, resourcePatternType: 3, principal: 'User:alice', host: '*', operation: 3, permissionType: 3 }
}

function quotaOf (user: string, values: { readonly [key: string]: number | null }): RequestInput<typeof AlterClientQuotas>['entries'][number] {
  return {
    entity: [{ entityType: 'user', entityName: user }],
    ops: Object.entries(values).map(([key, value]) => ({ key, value: value ?? 0, remove: value === null }))
  }
}

function upsertionOf (name: string): RequestInput<typeof AlterUserScramCredentials>['upsertions'][number] {
  return { name, mechanism: 1, iterations: 4096, salt: Buffer.from('salt'), saltedPassword: Buffer.alloc(32, 7) }
}

async function errorsOf ({ dispatch }: Gateway, api: Api, request: object): Promise<string[]> {
  const response = await dispatch(api, complete(api.request, structuredClone(request) as never) as Request<Api>, { ...context, version: newest(api) })
  return errorsIn(comparable(api, response))
}

t.test('everything that is answered here is in the list that is advertised', async t => {
  t.strictSame([...administered], oneOfEach.map(([api]) => [api.key, api.versions]))
})

t.test('other requests go on to the engine', async t => {
  const { ask } = await gateway(t)
  t.strictSame((await ask(Metadata, { topics: [] })).topics, [])
})

t.test('where nothing is enforced there are no rules, but there are users and quotas', async t => {
  const open = await gateway(t, false)
  for (const [api, request, count] of oneOfEach) {
    const expected = api === AlterUserScramCredentials
      ? ['DUPLICATE_RESOURCE']
      : api.name.includes('DelegationToken') ? ['DELEGATION_TOKEN_REQUEST_NOT_ALLOWED'] : []
    t.strictSame(await errorsOf(open, api, request), api.name.endsWith('Acls') ? Array.from({ length: count }, () => 'SECURITY_DISABLED') : expected, api.name)
  }
  const { errorMessage } = await open.ask(DescribeAcls, anyAcl)
  t.equal(errorMessage, 'No Authorizer is configured on the broker.')
})

t.test('until everything is read, each request says so in its own way', async t => {
  const { engine } = await openEngine(t, t.testdir())
  const starting = gatewayOver(engine.dispatch, () => null, null as never)
  for (const [api, request, count] of oneOfEach) {
    t.strictSame(await errorsOf(starting, api, request), Array.from({ length: count }, () => 'COORDINATOR_NOT_AVAILABLE'), api.name)
  }
})

t.test('what cannot be written is not said to be done', async t => {
  const { store, dispatch } = await gateway(t)
  const full = Object.create(store, { apply: { value: async () => { throw new KafkaError('KAFKA_STORAGE_ERROR', 'The disk is full.') } } }) as AccessStore
  const events: AdminEvent[] = []
  const failing = gatewayOver(dispatch, () => ({ store: full, securityEnabled: true, onChange: event => events.push(event) }), full)
  // AclTable, QuotaTable and the users are those of the store behind it.
  t.strictSame(await errorsOf(failing, CreateAcls, { creations: [aclOf('a'), aclOf('b')] }), ['KAFKA_STORAGE_ERROR', 'KAFKA_STORAGE_ERROR'])
  const request = { entries: [quotaOf('alice', { producer_byte_rate: 1 })], validateOnly: false }
  t.strictSame(await errorsOf(failing, AlterClientQuotas, request), ['KAFKA_STORAGE_ERROR'])
  t.strictSame(events, [])
})

t.test('of a password two keys are kept: those of RFC 5802', async t => {
  const { store, ask } = await gateway(t)
  // RFC 7677: user, pencil; SaltedPassword by PBKDF2 of 4096 rounds.
  const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64')
  const saltedPassword = Buffer.from('c4a49510323ab4f952cac1fa99441939e78ea74d6be81ddf7096e87513dc615d', 'hex')
  const { results } = await ask(AlterUserScramCredentials, {
    deletions: [], upsertions: [{ name: 'user', mechanism: 1, iterations: 4096, salt, saltedPassword }]
  })
  t.match(results, [{ user: 'user', errorCode: 0 }])
  const { storedKey, serverKey, ...rest } = store.credential('user', 'SCRAM-SHA-256')!
  t.strictSame(rest, { salt, iterations: 4096 })
  t.equal(storedKey.toString('base64'), 'WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=')
  t.equal(serverKey.toString('base64'), 'wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=')
})

t.test('every change is told, with who made it and without any secret', async t => {
  const { ask, events } = await gateway(t)
  await ask(CreateAcls, { creations: [aclOf('orders'), aclOf('orders'), aclOf('')] })
  await ask(AlterUserScramCredentials, { deletions: [], upsertions: [upsertionOf('alice')] })
  await ask(AlterClientQuotas, { entries: [quotaOf('alice', { producer_byte_rate: 5 }), quotaOf('bob', { nonsense: 5 })], validateOnly: false })
  await ask(AlterClientQuotas, { entries: [quotaOf('alice', { producer_byte_rate: 5 })], validateOnly: false })
  await ask(AlterClientQuotas, { entries: [quotaOf('alice', { producer_byte_rate: null })], validateOnly: false })
  await ask(AlterUserScramCredentials, { deletions: [{ name: 'alice', mechanism: 1 }], upsertions: [] })
  await ask(DeleteAcls, { filters: [anyAcl] })
  const binding = {
    resourceType: 'TOPIC', resourceName: 'orders', patternType: 'LITERAL', principal: 'User:alice', host: '*', operation: 'READ', permission: 'ALLOW'
  }
  t.strictSame(events.map(({ action, subject }) => [action, subject]), [
    ['acl-created', binding],
    ['credential-set', { user: 'alice', mechanism: 'SCRAM-SHA-256', iterations: 4096 }],
    ['quota-set', { entity: { user: 'alice' }, quotas: { producer_byte_rate: 5 } }],
    ['quota-deleted', { entity: { user: 'alice' }, quotas: null }],
    ['credential-deleted', { user: 'alice', mechanism: 'SCRAM-SHA-256' }],
    ['acl-deleted', binding]
  ])
  t.ok(events.every(event => event.principal === anonymous && event.door === 'kafka' && event.address === '10.0.0.9'))
})

t.test('changes that come at once are made one after the other: none is lost', async t => {
  const { ask, store } = await gateway(t)
  await Promise.all([
    ask(AlterClientQuotas, { entries: [quotaOf('alice', { producer_byte_rate: 1 })], validateOnly: false }),
    ask(AlterClientQuotas, { entries: [quotaOf('alice', { consumer_byte_rate: 2 })], validateOnly: false }),
    ask(AlterClientQuotas, { entries: [quotaOf('alice', { request_percentage: 3 })], validateOnly: false })
  ])
  t.strictSame(store.quotas.get({ user: 'alice' }), { producer_byte_rate: 1, consumer_byte_rate: 2, request_percentage: 3 })
  const answers = await Promise.all([1, 2].map(() => ask(AlterUserScramCredentials, { deletions: [{ name: 'nobody', mechanism: 1 }], upsertions: [] })))
  t.strictSame(answers.map(({ results }) => errorRow(results[0]!.errorCode).name), ['RESOURCE_NOT_FOUND', 'RESOURCE_NOT_FOUND'])
})

t.test('addresses have one spelling, and names of hosts are none', async t => {
  const { ask, store } = await gateway(t)
  const ip = (address: string, value: number): RequestInput<typeof AlterClientQuotas>['entries'][number] => ({
    entity: [{ entityType: 'ip', entityName: address }], ops: [{ key: 'connection_creation_rate', value, remove: false }]
  })
  const { entries } = await ask(AlterClientQuotas, { entries: [ip('2001:DB8::0001', 1), ip('::ffff:10.0.0.1', 2), ip('localhost', 3)], validateOnly: false })
  t.strictSame(entries.map(({ errorCode }) => errorRow(errorCode).name), ['NONE', 'NONE', 'INVALID_REQUEST'])
  t.strictSame([...store.quotas].map(([entity]) => entity), [{ ip: '2001:db8::1' }, { ip: '10.0.0.1' }])
  const found = await ask(DescribeClientQuotas, { components: [{ entityType: 'ip', matchType: 0, match: '2001:db8:0::1' }], strict: true })
  t.equal(found.entries?.length, 1)
  const twice = await ask(AlterClientQuotas, { entries: [ip('2001:DB8::0001', 5), ip('2001:db8::1', 6)], validateOnly: false })
  t.strictSame(twice.entries.map(({ errorCode }) => errorRow(errorCode).name), ['INVALID_REQUEST', 'INVALID_REQUEST'])
})
