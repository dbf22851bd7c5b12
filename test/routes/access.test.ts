/**
 * Users, ACLs and quotas over REST: through the same requests, rules and log that Kafka's own tools go through.
 */
import t, { type Test } from 'tap'
import { compose } from '../../protocol/rpc.ts'
import { AclAuthorizer } from '../../src/access/authorizer.ts'
import { AccessStore } from '../../src/access/store.ts'
import { administer } from '../../src/policies/administer.ts'
import { authorize } from '../../src/policies/authorize.ts'
import { as, openGuardedDoor, type GuardedDoor } from '../support/guarded-door.ts'
import { openEngine } from '../storage/embedded/support.ts'

type Opened = GuardedDoor & { readonly store: AccessStore }

async function open (t: Test, securityEnabled = true): Promise<Opened> {
  const { engine } = await openEngine(t, t.testdir())
  const store = new AccessStore(engine.dispatch)
  await store.open()
  t.teardown(() => store.close())
  const authorizer = new AclAuthorizer(store.acls, { superUsers: new Set(['User:admin']), allowWithoutAcl: false })
  const dispatch = compose(engine.dispatch, authorize(() => authorizer, () => {}), administer(() => ({ store, securityEnabled, onChange () {} })))
  return { ...await openGuardedDoor(t, { door: { dispatch, access: authorizer } }), store }
}

const json = (name: string) => ({ ...as(name), 'content-type': 'application/json' })
const ACLS = '/v3/clusters/memory-cluster/acls'
const acl = {
  resource_type: 'TOPIC', resource_name: 'orders', pattern_type: 'LITERAL', principal: 'User:alice', host: '*', operation: 'READ', permission: 'ALLOW'
}

t.test('users', async t => {
  const { inject, store } = await open(t)
  const put = (payload: object) => inject({ method: 'PUT', url: '/users/carol', headers: json('admin'), payload })
  t.equal((await put({ password: 'carols-secret' })).statusCode, 204)
  t.ok(store.credential('carol', 'SCRAM-SHA-256'))
  const list = async () => (await inject({ url: '/users', headers: as('admin') })).json<unknown[]>()
  t.same(await list(), [{
    name: 'carol', credentials: [{ mechanism: 'SCRAM-SHA-256', iterations: 8192 }, { mechanism: 'SCRAM-SHA-512', iterations: 8192 }]
  }])
  t.equal((await put({ password: 'another', mechanisms: ['SCRAM-SHA-512'], iterations: 4096 })).statusCode, 204)
  t.match(await list(), [{ credentials: [{ mechanism: 'SCRAM-SHA-512', iterations: 4096 }] }], 'and by no password of before')
  t.notOk(store.credential('carol', 'SCRAM-SHA-256'))
  for (const payload of [
    {}, { password: '' }, { password: 1 }, { password: 'x', iterations: 100 }, { password: 'x', mechanisms: ['PLAIN'] }, { password: 'x', salt: 'y' }
  ]) {
    t.equal((await put(payload)).statusCode, 400, JSON.stringify(payload))
  }
  t.equal((await inject({ method: 'DELETE', url: '/users/carol', headers: as('admin') })).statusCode, 204)
  t.same(await list(), [])
  const gone = await inject({ method: 'DELETE', url: '/users/carol', headers: as('admin') })
  t.match(gone.json(), { status: 404, kafka: { name: 'RESOURCE_NOT_FOUND' } })
  t.match((await inject({ method: 'PUT', url: '/users/eve', headers: json('alice'), payload: { password: 'x' } })).json(), {
    status: 403, missing: { operation: 'ALTER', resourceType: 'CLUSTER', resourceName: 'kafka-cluster' }
  })
  t.equal((await inject({ url: '/users', headers: as('alice') })).statusCode, 403)
  t.equal((await inject({ method: 'DELETE', url: '/users/eve', headers: as('alice') })).statusCode, 403)
})

t.test('ACLs, in Confluent\'s shapes', async t => {
  const { inject } = await open(t)
  const created = await inject({ method: 'POST', url: ACLS, headers: json('admin'), payload: acl })
  t.equal(created.statusCode, 201)
  const batch = [{ ...acl, operation: 'WRITE' }, { ...acl, resource_name: 'o', pattern_type: 'PREFIXED', permission: 'DENY', principal: 'User:bob' }]
  t.equal((await inject({ method: 'POST', url: `${ACLS}:batch`, headers: json('admin'), payload: { data: batch } })).statusCode, 201)
  const search = async (query = '') => (await inject({ url: `${ACLS}${query}`, headers: as('admin') })).json<{ kind: string, data: object[] }>()
  const all = await search()
  t.equal(all.kind, 'KafkaAclList')
  t.equal(all.data.length, 3)
  t.match(await search('?principal=User:bob'), { data: [{ kind: 'KafkaAcl', cluster_id: 'memory-cluster', permission: 'DENY', pattern_type: 'PREFIXED' }] })
  t.equal((await search('?pattern_type=MATCH&resource_type=TOPIC&resource_name=orders')).data.length, 3, 'all that speak of it')
  const self = await search(new URL(created.headers.location as string).search)
  t.match(self, { data: [acl] })
  t.equal(self.data.length, 1, 'Location finds what was made, and nothing else')
  const remove = (query: string) => inject({ method: 'DELETE', url: `${ACLS}?${query}`, headers: as('admin') })
  t.equal((await remove('principal=User:alice')).statusCode, 400, 'a filter that leaves out the essential could mean anything')
  const removed = await remove('resource_type=TOPIC&pattern_type=ANY&operation=ANY&permission=ANY&principal=User:alice')
  t.equal(removed.statusCode, 200)
  t.equal(removed.json<{ data: object[] }>().data.length, 2)
  t.equal((await search()).data.length, 1)
  for (const payload of [{}, { ...acl, operation: 'FLY' }, { ...acl, operation: 'ANY' }, { ...acl, pattern_type: 'MATCH' }, { ...acl, resource_name: '' }]) {
    t.equal((await inject({ method: 'POST', url: ACLS, headers: json('admin'), payload })).statusCode, 422, JSON.stringify(payload))
  }
  const impossible = await inject({ method: 'POST', url: ACLS, headers: json('admin'), payload: { ...acl, resource_type: 'CLUSTER' } })
  t.equal(impossible.statusCode, 400, impossible.body)
  t.equal((await inject({ url: '/v3/clusters/other/acls', headers: as('admin') })).statusCode, 404)
  for (const request of [
    { method: 'GET', url: ACLS }, { method: 'POST', url: ACLS, payload: acl }, { method: 'POST', url: `${ACLS}:batch`, payload: { data: [acl] } },
    { method: 'DELETE', url: `${ACLS}?resource_type=ANY&pattern_type=ANY&operation=ANY&permission=ANY` },
    { method: 'GET', url: `${ACLS}:explain?principal=User:alice&operation=READ&resource_type=TOPIC&resource_name=orders` }
  ] as const) {
    const { method, url } = request
    const response = await inject({ ...request, headers: method === 'POST' ? json('alice') : as('alice') })
    t.match(response.json(), { error_code: 40301 }, `${method} ${url}`)
  }
})

t.test('why someone may, or may not', async t => {
  const { inject } = await open(t)
  const payload = { data: [acl, { ...acl, operation: 'WRITE', permission: 'DENY', host: '10.0.0.1' }, { ...acl, operation: 'WRITE' }] }
  await inject({ method: 'POST', url: `${ACLS}:batch`, headers: json('admin'), payload })
  const explain = async (query: string) => await inject({ url: `${ACLS}:explain?${query}`, headers: as('admin') })
  const about = 'resource_type=TOPIC&resource_name=orders'
  t.match((await explain(`principal=User:alice&operation=DESCRIBE&${about}`)).json(), {
    principal: 'User:alice', host: '*', operation: 'DESCRIBE', allowed: true, reason: 'allowed-by', acl: { ...acl, kind: 'KafkaAcl' }
  })
  t.match((await explain(`principal=User:alice&operation=WRITE&host=10.0.0.1&${about}`)).json(), {
    allowed: false, reason: 'denied-by', acl: { permission: 'DENY' }
  })
  t.match((await explain(`principal=User:alice&operation=WRITE&host=10.0.0.2&${about}`)).json(), { allowed: true })
  t.match((await explain(`principal=User:bob&operation=READ&${about}`)).json(), { allowed: false, reason: 'no-acl-matches', acl: null })
  t.match((await explain('principal=User:admin&operation=ALTER&resource_type=CLUSTER')).json(), {
    allowed: true, reason: 'super-user', resource_name: 'kafka-cluster'
  })
  for (const query of ['', `principal=alice&operation=READ&${about}`, `principal=User:alice&${about}`, 'principal=User:a&operation=READ&resource_type=TOPIC']) {
    t.equal((await explain(query)).statusCode, 400, query)
  }
})

t.test('where nothing is enforced there are no ACLs', async t => {
  const { inject } = await open(t, false)
  t.match((await inject({ url: ACLS, headers: as('admin') })).json(), { error_code: 40002, message: /Authorizer/ })
})

t.test('quotas', async t => {
  const { inject, store } = await open(t)
  const put = (entity: object, quotas: object, user = 'admin') => inject({ method: 'PUT', url: '/quotas', headers: json(user), payload: { entity, quotas } })
  t.equal((await put({ user: 'alice', 'client-id': null }, { producer_byte_rate: 1048576, request_percentage: 50 })).statusCode, 204)
  t.equal((await put({ ip: '10.0.0.1' }, { connection_creation_rate: 10 })).statusCode, 204)
  const list = async () => (await inject({ url: '/quotas', headers: as('admin') })).json<unknown[]>()
  t.same(await list(), [
    { entity: { ip: '10.0.0.1' }, quotas: { connection_creation_rate: 10 } },
    { entity: { user: 'alice', 'client-id': null }, quotas: { producer_byte_rate: 1048576, request_percentage: 50 } }
  ])
  t.equal((await put({ user: 'alice', 'client-id': null }, { consumer_byte_rate: 5 })).statusCode, 204)
  t.match(await list(), [{}, { quotas: { consumer_byte_rate: 5 } }])
  t.equal(store.quotas.limit('producer_byte_rate', 'alice', 'any'), null, 'what is not named is gone')
  await put({ user: 'alice', 'client-id': null }, {})
  await put({ ip: '10.0.0.1' }, {})
  t.same(await list(), [])
  for (const [entity, quotas] of [
    [{}, { producer_byte_rate: 1 }], [{ group: 'x' }, {}], [{ user: 'a' }, { speed: 1 }], [{ user: 'a' }, { producer_byte_rate: -1 }]
  ] as const) {
    t.equal((await put(entity, quotas)).statusCode, 400, JSON.stringify([entity, quotas]))
  }
  t.equal((await put({ user: 'alice' }, {}, 'alice')).statusCode, 403)
  t.equal((await inject({ url: '/quotas', headers: as('alice') })).statusCode, 403)
})
