/** Rules, users and quotas for the doors that are no Kafka: over the policy that answers them, and a real log. */
import t, { type Test } from 'tap'
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import { complete } from '../../../protocol/defaults.ts'
import { errors } from '../../../protocol/errors.ts'
import { DescribeAcls } from '../../../protocol/messages/29-describe-acls.ts'
import { DescribeUserScramCredentials } from '../../../protocol/messages/50-describe-user-scram-credentials.ts'
import { AlterUserScramCredentials } from '../../../protocol/messages/51-alter-user-scram-credentials.ts'
import { anonymous, compose, neverAborted, on, type Context, type Dispatch } from '../../../protocol/rpc.ts'
import type { AclBinding } from '../../../src/access/model.ts'
import { AccessStore } from '../../../src/access/store.ts'
import {
  createAcls, deleteAcls, deleteUser, getUser, listAcls, listQuotas, listUsers, putUser, setQuota
} from '../../../src/client/access.ts'
import { administer } from '../../../src/policies/administer.ts'
import { openEngine } from '../../storage/embedded/support.ts'

const context: Context = {
  principal: anonymous, door: 'http', clientId: '', address: '127.0.0.1', version: 0, signal: neverAborted, throttleMs: 0
}

async function gateway (t: Test, securityEnabled = true): Promise<{ dispatch: Dispatch, store: AccessStore }> {
  const { engine } = await openEngine(t, t.testdir())
  const store = new AccessStore(engine.dispatch)
  await store.open()
  t.teardown(() => store.close())
  return { dispatch: compose(engine.dispatch, administer(() => ({ store, securityEnabled, onChange () {} }))), store }
}

const rule = (changes: Partial<AclBinding> = {}): AclBinding => ({
  resourceType: 'TOPIC', resourceName: 'orders', patternType: 'LITERAL', principal: 'User:alice', host: '*', operation: 'READ', permission: 'ALLOW', ...changes
})

t.test('rules are added, listed and removed', async t => {
  const { dispatch } = await gateway(t)
  const rules = [
    rule(), rule({ operation: 'WRITE', host: '10.0.0.1' }), rule({ resourceName: 'ord', patternType: 'PREFIXED', permission: 'DENY' }),
    rule({ resourceType: 'GROUP', principal: 'User:bob' }), rule({ resourceName: '*', principal: 'User:*' })
  ]
  const results = await createAcls(dispatch, context, [...rules, rule({ resourceName: '' }), rule({ principal: 'bob' })])
  t.strictSame(results.map(one => one?.code ?? null), [null, null, null, null, null, 'INVALID_REQUEST', 'INVALID_REQUEST'])
  t.strictSame(await listAcls(dispatch, context), [rules[3], rules[4], rules[2], rules[0], rules[1]], 'sorted')
  t.strictSame(await listAcls(dispatch, context, { principal: 'User:bob' }), [rules[3]])
  t.strictSame(await listAcls(dispatch, context, { resourceType: 'TOPIC', resourceName: 'orders', patternType: 'MATCH' }),
    [rules[4], rules[2], rules[0], rules[1]])
  t.strictSame(await listAcls(dispatch, context, { patternType: 'PREFIXED' }), [rules[2]])
  t.strictSame(await listAcls(dispatch, context, { host: '10.0.0.1', operation: 'WRITE', permission: 'ALLOW', resourceType: 'ANY' }), [rules[1]])
  t.strictSame(await deleteAcls(dispatch, context, { principal: 'User:alice', resourceName: 'orders' }), [rules[0], rules[1]])
  t.strictSame(await deleteAcls(dispatch, context, {}), [rules[3], rules[4], rules[2]])
  t.strictSame(await listAcls(dispatch, context), [])
  t.strictSame(await createAcls(dispatch, context, []), [])
})

t.test('where there can be no rules, that is an error', async t => {
  const { dispatch } = await gateway(t, false)
  await t.rejects(listAcls(dispatch, context), { code: 'SECURITY_DISABLED' })
  await t.rejects(deleteAcls(dispatch, context, {}), { code: 'SECURITY_DISABLED' })
  t.match(await createAcls(dispatch, context, [rule()]), [{ code: 'SECURITY_DISABLED', message: 'No Authorizer is configured.' }])
})

t.test('a rule in words that we do not have is not shown as another', async t => {
  const { dispatch } = await gateway(t)
  const newer = compose(dispatch, on(DescribeAcls, async () => complete(DescribeAcls.response, {
    errorCode: 0,
    errorMessage: null,
    resources: [{ resourceType: 2, resourceName: 'orders', acls: [{ principal: 'User:a', host: '*', operation: 77, permissionType: 3 }] }]
  })))
  await t.rejects(listAcls(newer, context), { code: 'UNSUPPORTED_VERSION', message: /a rule about orders/ })
})

t.test('users have the mechanisms they were given, and keys made from their password', async t => {
  const { dispatch, store } = await gateway(t)
  await putUser(dispatch, context, 'alice', 'secret')
  await putUser(dispatch, context, 'bob', 'pässword', ['SCRAM-SHA-512'], 4096)
  t.strictSame(await listUsers(dispatch, context), [
    { name: 'alice', credentials: [{ mechanism: 'SCRAM-SHA-256', iterations: 8192 }, { mechanism: 'SCRAM-SHA-512', iterations: 8192 }] },
    { name: 'bob', credentials: [{ mechanism: 'SCRAM-SHA-512', iterations: 4096 }] }
  ])
  const { salt, storedKey, iterations } = store.credential('bob', 'SCRAM-SHA-512')!
  const salted = pbkdf2Sync('pässword', salt, iterations, 64, 'sha512')
  t.strictSame(storedKey, createHash('sha512').update(createHmac('sha512', salted).update('Client Key').digest()).digest())
  t.not(store.credential('alice', 'SCRAM-SHA-256')!.salt.toString('hex'), store.credential('alice', 'SCRAM-SHA-512')!.salt.toString('hex'))
  await putUser(dispatch, context, 'alice', 'other', ['SCRAM-SHA-256'])
  const { credentials } = await getUser(dispatch, context, 'alice')
  t.strictSame(credentials, [{ mechanism: 'SCRAM-SHA-256', iterations: 8192 }], 'the old password is gone')
  await deleteUser(dispatch, context, 'alice')
  await t.rejects(getUser(dispatch, context, 'alice'), { code: 'RESOURCE_NOT_FOUND', message: 'There is no user alice.' })
  await t.rejects(deleteUser(dispatch, context, 'alice'), { code: 'RESOURCE_NOT_FOUND' })
})

t.test('users that cannot be are refused, and no password is in the error', async t => {
  const { dispatch } = await gateway(t)
  for (const [args, code] of [
    [['alice', ''], 'UNACCEPTABLE_CREDENTIAL'],
    [['', 'hunter2'], 'UNACCEPTABLE_CREDENTIAL'],
    [['alice', 'hunter2', []], 'UNSUPPORTED_SASL_MECHANISM'],
    [['alice', 'hunter2', undefined, 4095], 'UNACCEPTABLE_CREDENTIAL'],
    [['alice', 'hunter2', undefined, 16385], 'UNACCEPTABLE_CREDENTIAL'],
    [['alice', 'hunter2', undefined, 4096.5], 'UNACCEPTABLE_CREDENTIAL']
  ] as const) {
    const error = await putUser(dispatch, context, ...args as [string, string]).then(() => null, (error: Error & { code: string }) => error)
    t.equal(error?.code, code, JSON.stringify(args))
    t.notMatch(error?.stack, /hunter2/)
  }
  t.strictSame(await listUsers(dispatch, context), [])
})

t.test('quotas are set whole', async t => {
  const { dispatch } = await gateway(t)
  await setQuota(dispatch, context, { user: 'alice' }, { producer_byte_rate: 1000, request_percentage: 50 })
  await setQuota(dispatch, context, { user: 'alice', 'client-id': null }, { consumer_byte_rate: 7 })
  await setQuota(dispatch, context, { user: null }, { controller_mutation_rate: 0.5 })
  await setQuota(dispatch, context, { ip: '10.0.0.1' }, { connection_creation_rate: 3 })
  t.strictSame(await listQuotas(dispatch, context), [
    { entity: { ip: '10.0.0.1' }, quotas: { connection_creation_rate: 3 } },
    { entity: { user: 'alice', 'client-id': null }, quotas: { consumer_byte_rate: 7 } },
    { entity: { user: 'alice' }, quotas: { producer_byte_rate: 1000, request_percentage: 50 } },
    { entity: { user: null }, quotas: { controller_mutation_rate: 0.5 } }
  ])
  await setQuota(dispatch, context, { user: 'alice' }, { consumer_byte_rate: 5 })
  t.strictSame(await listQuotas(dispatch, context, { user: 'alice', strict: true }), [{ entity: { user: 'alice' }, quotas: { consumer_byte_rate: 5 } }])
  t.strictSame((await listQuotas(dispatch, context, { user: 'alice' })).length, 2)
  t.strictSame((await listQuotas(dispatch, context, { user: true })).length, 3)
  t.strictSame((await listQuotas(dispatch, context, { user: null })).length, 1)
  await setQuota(dispatch, context, { user: 'alice' }, {})
  await setQuota(dispatch, context, { user: 'alice' }, {})
  t.strictSame(await listQuotas(dispatch, context, { user: 'alice', strict: true }), [])
  await t.rejects(setQuota(dispatch, context, { user: 'alice' }, { connection_creation_rate: 1 }),
    { code: 'INVALID_REQUEST', message: /Invalid configuration key/ })
  await t.rejects(setQuota(dispatch, context, { user: 'alice', ip: '::1' }, {}), { code: 'INVALID_REQUEST' })
  await t.rejects(setQuota(dispatch, context, {}, { producer_byte_rate: 1 }), { code: 'INVALID_REQUEST', message: /empty client quota entity/ })
})

t.test('who may not is told what is missing', async t => {
  const { dispatch } = await gateway(t)
  const denied = compose(dispatch, on(DescribeAcls, async () => complete(DescribeAcls.response, {
    errorCode: errors.CLUSTER_AUTHORIZATION_FAILED, errorMessage: null, resources: []
  })))
  await t.rejects(listAcls(denied, context), {
    code: 'CLUSTER_AUTHORIZATION_FAILED', missing: { operation: 'DESCRIBE', resourceType: 'CLUSTER', resourceName: 'kafka-cluster' }
  })
})

t.test('an answer that leaves out what was asked for is an error', async t => {
  const { dispatch } = await gateway(t)
  const empty = compose(dispatch, on(AlterUserScramCredentials, async () => complete(AlterUserScramCredentials.response, { results: [] })),
    on(DescribeUserScramCredentials, async () => complete(DescribeUserScramCredentials.response, { errorCode: errors.NONE, errorMessage: null, results: [] })))
  await t.rejects(putUser(empty, context, 'alice', 'secret'), { code: 'UNKNOWN_SERVER_ERROR', message: /leaves out/ })
  await t.rejects(getUser(empty, context, 'alice'), { code: 'UNKNOWN_SERVER_ERROR' })
})
