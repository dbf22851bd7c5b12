/** Configurations of topics over REST v3: the engine's own, what topics ask of their records, and who may see and set them. */
import t, { type Test } from 'tap'
import type { LightMyRequestResponse } from 'fastify'
import { openHouse, type House } from '../src/policies/validate-kit.ts'
import { as, openGuardedDoor } from '../support/guarded-door.ts'
import { openDoor } from '../support/http-door.ts'
import { ADMIN, basic, openSecureApp } from '../support/secure-app.ts'

const topics = '/v3/clusters/memory-cluster/topics'
const link = `http://localhost:80${topics}`

interface Item { readonly topic_name: string, readonly name: string, readonly value: string | null, readonly is_default: boolean }
type Method = 'GET' | 'PUT' | 'POST' | 'DELETE'

interface Doors {
  readonly house: House
  readonly ask: (method: Method, path: string, payload?: object) => Promise<LightMyRequestResponse>
  readonly list: (topic: string) => Promise<readonly Item[]>
  readonly value: (topic: string, name: string) => Promise<string | null>
}

async function open (t: Test): Promise<Doors> {
  const house = await openHouse(t)
  const { inject } = await openDoor(t, { door: { dispatch: house.dispatch } })
  const ask: Doors['ask'] = (method, path, payload) => inject({ method, url: topics + path, ...payload !== undefined && { payload } })
  return {
    house,
    ask,
    list: async topic => (await ask('GET', `/${topic}/configs`)).json<{ data: Item[] }>().data,
    value: async (topic, name) => (await ask('GET', `/${topic}/configs/${name}`)).json<Item>().value
  }
}

t.test('one is shown, set, and brought back to its default', async t => {
  const { house, ask } = await open(t)
  await house.create('orders')
  const byDefault = {
    kind: 'KafkaTopicConfig',
    metadata: { self: `${link}/orders/configs/retention.bytes`, resource_name: 'crn:///kafka=memory-cluster/topic=orders/config=retention.bytes' },
    cluster_id: 'memory-cluster',
    topic_name: 'orders',
    name: 'retention.bytes',
    value: '-1',
    is_default: true,
    is_read_only: false,
    is_sensitive: false,
    source: 'DEFAULT_CONFIG',
    synonyms: [{ name: 'retention.bytes', value: '-1', source: 'DEFAULT_CONFIG' }]
  }
  const path = '/orders/configs/retention.bytes'
  t.same((await ask('GET', path)).json(), byDefault)
  t.equal((await ask('PUT', path, { value: '1000' })).statusCode, 204)
  t.same((await ask('GET', path)).json(), {
    ...byDefault,
    value: '1000',
    is_default: false,
    source: 'DYNAMIC_TOPIC_CONFIG',
    synonyms: [{ name: 'retention.bytes', value: '1000', source: 'DYNAMIC_TOPIC_CONFIG' }, ...byDefault.synonyms]
  })
  t.equal((await ask('DELETE', path)).statusCode, 204)
  t.same((await ask('GET', path)).json(), byDefault)
  t.equal((await ask('DELETE', path)).statusCode, 204, 'twice is no mistake')
})

t.test('lists, of one topic and of all', async t => {
  const { house, ask, list } = await open(t)
  await house.create('b', { 'retention.ms': '1', 'barnabas.value.validation': 'id' })
  await house.create('a')
  const answer = (await ask('GET', '/b/configs')).json<{ data: Item[] }>()
  t.match(answer, { kind: 'KafkaTopicConfigList', metadata: { self: `${link}/b/configs`, next: null } })
  const names = answer.data.map(({ name }) => name)
  t.same(names, names.toSorted())
  t.same(answer.data.filter(one => !one.is_default).map(({ name, value }) => [name, value]), [
    ['barnabas.value.validation', 'id'], ['confluent.value.schema.validation', 'true'], ['retention.ms', '1']
  ])
  const all = await ask('GET', '/-/configs')
  t.equal(all.headers['content-type'], 'application/json; charset=utf-8')
  t.match(all.json(), { kind: 'KafkaTopicConfigList', metadata: { self: `${link}/-/configs`, next: null } })
  t.same(all.json<{ data: Item[] }>().data.filter(one => !one.topic_name.startsWith('_')), [...await list('a'), ...await list('b')])
})

t.test('many topics are told piece by piece, each once', async t => {
  const { log, inject, listen } = await openDoor(t)
  t.same((await inject(`${topics}/-/configs`)).json(), { kind: 'KafkaTopicConfigList', metadata: { self: `${link}/-/configs`, next: null }, data: [] })
  const names = Array.from({ length: 121 }, (_, n) => `t-${String(n).padStart(3, '0')}`)
  for (const name of names.toReversed()) log.create(name)
  // A topic may begin as the path of all of them does.
  log.create('-x')
  t.same((await inject(`${topics}/-/configs`)).json<{ data: Item[] }>().data.map(one => one.topic_name), ['-x', ...names])
  t.equal(log.calls.get('DescribeConfigs'), 3)
  t.same((await inject(`${topics}/-x/configs`)).json<{ data: Item[] }>().data.map(one => one.topic_name), ['-x'])
  let asked = 0
  log.before = ({ name }) => { if (name === 'DescribeConfigs' && ++asked === 2) throw new Error('broken') }
  const cut = await fetch(`${await listen()}${topics}/-/configs`)
  t.equal(cut.status, 200)
  await t.rejects(cut.text(), 'an error on the way is no end')
  log.before = ({ name }) => { if (name === 'DescribeConfigs') throw new Error('broken') }
  t.match((await inject(`${topics}/-/configs`)).json(), { error_code: 500 }, 'before the first piece it is an answer')
})

t.test('several at once: all of them or none', async t => {
  const { house, ask, value } = await open(t)
  await house.create('orders')
  const byDefault = await value('orders', 'retention.ms')
  t.equal((await ask('PUT', '/orders/configs/retention.ms', { value: '1' })).statusCode, 204)
  const alter = (data: readonly object[], rest: object = {}) => ask('POST', '/orders/configs:alter', { data, ...rest })
  const wanted = [
    { name: 'retention.bytes', value: '5', operation: 'SET' }, { name: 'retention.ms', operation: 'DELETE' },
    { name: 'confluent.value.schema.validation', value: 'true', operation: null }
  ]
  t.equal((await alter(wanted, { validate_only: true })).statusCode, 204)
  t.equal(await value('orders', 'retention.bytes'), '-1', 'nothing is changed by asking')
  t.equal((await alter(wanted, { validate_only: null })).statusCode, 204)
  t.equal(await value('orders', 'retention.bytes'), '5')
  t.equal(await value('orders', 'retention.ms'), byDefault)
  t.equal(await value('orders', 'barnabas.value.validation'), 'id')
  for (const wrong of [
    { name: 'retention.bytes', value: 'x' }, { name: 'barnabas.value.validation', value: 'x' }, { name: 'nope', operation: 'DELETE' }, { name: 'segment.ms' }
  ]) {
    const answer = await alter([{ name: 'retention.bytes', value: '6' }, { name: 'barnabas.key.validation', value: 'id' }, wrong])
    t.match(answer.json(), { error_code: 40002, message: wrong.name })
    t.equal(answer.statusCode, 400)
    t.equal(await value('orders', 'retention.bytes'), '5')
    t.equal(await value('orders', 'barnabas.key.validation'), 'off')
  }
  t.equal((await alter([])).statusCode, 204)
})

t.test('errors are Confluent\'s', async t => {
  const { house, ask, list } = await open(t)
  await house.create('t')
  const before = await list('t')
  const wrong: ReadonlyArray<readonly [method: Method, path: string, status: number, body: object, payload?: object]> = [
    ['GET', '/t/configs/nope', 404, { error_code: 404, message: /^Topic t has no configuration nope: / }],
    ['PUT', '/t/configs/nope', 400, { error_code: 40002, message: /no topic configuration nope/ }, { value: '1' }],
    ['DELETE', '/t/configs/nope', 400, { error_code: 40002, message: /no configuration nope/ }],
    ['PUT', '/t/configs/retention.ms', 400, { error_code: 40002, message: /retention\.ms is soon, but must be a long/ }, { value: 'soon' }],
    ['PUT', '/t/configs/retention.ms', 400, { error_code: 40002, message: /retention\.ms needs a value/ }, { value: null }],
    ['PUT', '/t/configs/barnabas.value.validation', 400, { error_code: 40002, message: /must be one of off, id, payload/ }, { value: 'true' }],
    ['PUT', '/t/configs/retention.ms', 422, { error_code: 42203, message: /value/ }, {}],
    ['PUT', '/t/configs/retention.ms', 422, { error_code: 42203, message: /value/ }, { value: 5 }],
    ['POST', '/t/configs:alter', 422, { error_code: 42203, message: /data/ }, {}],
    ['POST', '/t/configs:alter', 422, { error_code: 42203, message: /operation/ }, { data: [{ name: 'retention.ms', value: '1', operation: 'APPEND' }] }],
    ['POST', '/t/configs', 405, { error_code: 405 }, {}],
    ['GET', '/nope/configs', 404, { error_code: 40403, message: 'There is no topic nope.' }],
    ['GET', '/nope/configs/retention.ms', 404, { error_code: 40403 }],
    ['PUT', '/nope/configs/retention.ms', 404, { error_code: 40403 }, { value: '1' }],
    ['PUT', '/nope/configs/barnabas.value.validation', 404, { error_code: 40403 }, { value: 'id' }],
    ['DELETE', '/nope/configs/retention.ms', 404, { error_code: 40403 }],
    ['POST', '/nope/configs:alter', 404, { error_code: 40403 }, { data: [] }]
  ]
  for (const [method, path, status, body, payload] of wrong) {
    const answer = await ask(method, path, payload)
    t.equal(answer.statusCode, status, `${method} ${path}`)
    t.match(answer.json(), body, `${method} ${path}`)
  }
  t.same(await list('t'), before)
  const { inject } = await openDoor(t)
  for (const [method, path, payload] of [
    ['GET', '/-/configs'], ['GET', '/t/configs'], ['GET', '/t/configs/a'], ['PUT', '/t/configs/a', { value: '' }], ['DELETE', '/t/configs/a'],
    ['POST', '/t/configs:alter', { data: [] }]
  ] as const) {
    const answer = await inject({ method, url: `/v3/clusters/other/topics${path}`, ...payload !== undefined && { payload } })
    t.match(answer.json(), { error_code: 404, message: /^Cluster other cannot be found/ }, `${method} ${path}`)
  }
})

t.test('who may see and set them', async t => {
  const { inject, log, allow, denials } = await openGuardedDoor(t)
  for (const name of ['mine', 'seen', 'hidden']) log.create(name)
  allow('alice', 'DESCRIBE', 'seen')
  allow('alice', 'DESCRIBE', 'mine')
  allow('alice', 'ALTER_CONFIGS', 'mine')
  const all = (user: string) => inject({ url: `${topics}/-/configs`, headers: as(user) })
  t.same((await all('alice')).json<{ data: Item[] }>().data.map(one => one.topic_name), ['mine'])
  t.same((await all('bob')).json<{ data: Item[] }>().data, [])
  t.equal((await all('admin')).json<{ data: Item[] }>().data.length, 3)
  t.same(denials, [], 'what is left out of a list is no refusal')
  t.equal((await inject({ url: `${topics}/mine/configs`, headers: as('alice') })).statusCode, 200)
  for (const [method, path, payload, operation] of [
    ['GET', '/seen/configs', undefined, 'DESCRIBE_CONFIGS'],
    ['GET', '/seen/configs/cleanup.policy', undefined, 'DESCRIBE_CONFIGS'],
    ['GET', '/nope/configs', undefined, 'DESCRIBE_CONFIGS'],
    ['PUT', '/seen/configs/cleanup.policy', { value: 'compact' }, 'ALTER_CONFIGS'],
    ['POST', '/seen/configs:alter', { data: [{ name: 'cleanup.policy', value: 'compact' }] }, 'ALTER_CONFIGS'],
    ['POST', '/seen/configs:alter', { data: [], validate_only: true }, 'ALTER_CONFIGS'],
    ['DELETE', '/seen/configs/cleanup.policy', undefined, '(DESCRIBE|ALTER)_CONFIGS']
  ] as const) {
    const answer = await inject({ method, url: topics + path, headers: as('alice'), ...payload !== undefined && { payload } })
    t.equal(answer.statusCode, 403, `${method} ${path}`)
    t.match(answer.json(), { error_code: 40301, message: new RegExp(`this needs ${operation} on the topic`) }, `${method} ${path}`)
  }
})

t.test('the whole house: what is set here is asked of every record', async t => {
  const { http } = await openSecureApp(t)
  const ask = async (method: string, path: string, body?: object | Buffer): Promise<{ readonly status: number, readonly body: unknown }> => {
    const answer = await fetch(http + path, {
      method,
      headers: { authorization: basic(ADMIN.name), 'content-type': Buffer.isBuffer(body) ? 'application/octet-stream' : 'application/json' },
      ...body === undefined ? {} : { body: Buffer.isBuffer(body) ? new Uint8Array(body) : JSON.stringify(body) }
    })
    const text = await answer.text()
    return { status: answer.status, body: text === '' ? null : JSON.parse(text) as unknown }
  }
  const schema = JSON.stringify({ type: 'record', name: 'Order', fields: [{ name: 'n', type: 'long' }] })
  const { body: { id } } = await ask('POST', '/subjects/orders-value/versions', { schema }) as { body: { id: number } }
  const { body: { data: [cluster] } } = await ask('GET', '/v3/clusters') as { body: { data: [{ cluster_id: string }] } }
  const root = `/v3/clusters/${cluster.cluster_id}/topics`
  const good = Buffer.from([0, 0, 0, 0, id, 2])
  const bad = Buffer.from([0, 0, 0, 0, id])
  const produce = async (value: Buffer): Promise<number> => (await ask('POST', '/topics/orders', value)).status

  t.match(await ask('POST', root, { topic_name: 'orders', partitions_count: 1 }), { status: 201 })
  t.equal(await produce(bad), 201)
  t.match(await ask('PUT', `${root}/orders/configs/barnabas.value.validation`, { value: 'payload' }), { status: 204 })
  t.match(await ask('GET', '/topics/orders/validation'), { body: { value: 'payload' } })
  t.match(await ask('POST', '/topics/orders', bad), { status: 422, body: { detail: /n: expected long, found the end/ } })
  t.equal(await produce(good), 201)
  t.match(await ask('POST', `${root}/orders/configs:alter`, { data: [{ name: 'confluent.value.schema.validation', value: 'true' }] }), { status: 204 })
  t.equal(await produce(bad), 201, 'only the id is looked at')
  t.equal(await produce(Buffer.from('none')), 422)
  t.match(await ask('DELETE', `${root}/orders/configs/confluent.value.schema.validation`), { status: 204 })
  t.equal(await produce(Buffer.from('none')), 201)

  const configs = [{ name: 'barnabas.value.validation', value: 'payload' }, { name: 'retention.ms', value: '1000' }]
  t.match(await ask('POST', root, { topic_name: 'asking', configs: [{ name: 'barnabas.value.validation', value: 'x' }] }), {
    status: 400, body: { error_code: 40002, message: /must be one of/ }
  })
  t.match(await ask('POST', root, { topic_name: 'asking', configs }), { status: 201 })
  t.match(await ask('POST', '/topics/asking', Buffer.from('none')), { status: 422 }, 'a topic may be created with it')
  t.match(await ask('GET', `${root}/asking/configs/retention.ms`), { body: { value: '1000' } })
  const { body: { data } } = await ask('GET', `${root}/-/configs`) as { body: { data: Item[] } }
  t.ok(data.some(one => one.topic_name === 'asking' && one.name === 'barnabas.value.validation' && one.value === 'payload'))
  t.notOk(data.some(one => one.topic_name === '_barnabas'))
  t.match(await ask('GET', `${root}/_barnabas/configs`), { body: { error_code: Number } })
})
