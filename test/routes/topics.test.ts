import t from 'tap'
import { openDoor } from '../support/http-door.ts'

const V2 = 'application/vnd.kafka.v2+json'
const json = { 'content-type': 'application/json' }

t.test('topics are created, described as in Confluent\'s v2, and deleted', async t => {
  const { inject, log } = await openDoor(t)
  const payload = { partitions: 2, configs: { 'retention.ms': 1000, 'cleanup.policy': 'compact' } }
  const created = await inject({ method: 'PUT', url: '/topics/orders', headers: json, payload })
  t.equal(created.statusCode, 201)
  t.equal(created.headers.location, '/topics/orders')
  t.same(created.json(), { name: 'orders', partitions: 2 })
  t.same([...log.topics.get('orders')!.configs], [['retention.ms', '1000'], ['cleanup.policy', 'compact']])
  const partition = (n: number) => ({ partition: n, leader: 1, replicas: [{ broker: 1, leader: true, in_sync: true }] })
  t.same((await inject('/topics/orders')).json(), {
    name: 'orders', configs: { 'cleanup.policy': 'compact', 'retention.ms': '1000' }, partitions: [partition(0), partition(1)]
  })
  t.same((await inject('/topics/orders/partitions')).json(), [partition(0), partition(1)])
  t.same((await inject('/topics/orders/partitions/1')).json(), partition(1))
  const deleted = await inject({ method: 'DELETE', url: '/topics/orders' })
  t.equal(deleted.statusCode, 204)
  t.equal(deleted.body, '')
  t.notOk(log.topics.has('orders'))
})

t.test('a topic can be created without a word about it, once', async t => {
  const { inject } = await openDoor(t, { partitions: 4 })
  t.same((await inject({ method: 'PUT', url: '/topics/a' })).json(), { name: 'a', partitions: 4 })
  t.same((await inject({ method: 'PUT', url: '/topics/b', headers: json, payload: '' })).json(), { name: 'b', partitions: 4 })
  t.match((await inject({ method: 'PUT', url: '/topics/a' })).json(), {
    status: 409, type: 'urn:barnabas:problem:topic-exists', kafka: { name: 'TOPIC_ALREADY_EXISTS' }
  })
})

t.test('what a topic cannot be is explained', async t => {
  const { inject, log } = await openDoor(t)
  const put = async (payload: unknown, url = '/topics/a', headers: Record<string, string> = json) =>
    (await inject({ method: 'PUT', url, headers, payload: typeof payload === 'string' ? payload : JSON.stringify(payload) })).json<object>()
  t.match(await put({ partitions: 0 }), { status: 400, errors: [{ in: 'body/partitions', detail: 'must be >= 1' }] })
  t.match(await put({ partitions: '3' }), { status: 400, errors: [{ in: 'body/partitions', detail: 'must be integer' }] }, 'bodies are not coerced')
  t.match(await put({ partition: 3 }), { status: 400, errors: [{ in: 'body/partition', detail: 'is not known here' }] })
  t.match(await put([]), { status: 400, errors: [{ in: 'body', detail: 'must be object' }] })
  t.match(await put('{'), { status: 400, type: 'urn:barnabas:problem:invalid-body' })
  t.match(await put('{"__proto__":{}}'), { status: 400, type: 'urn:barnabas:problem:invalid-body' })
  t.match(await put('{}', '/topics/a b'), { status: 400, kafka: { name: 'INVALID_TOPIC_EXCEPTION' } })
  t.match(await put('partitions=3', '/topics/a', { 'content-type': 'application/x-www-form-urlencoded' }), {
    status: 415, type: 'urn:barnabas:problem:unsupported-media-type'
  })
  t.equal(log.topics.size, 0)
  t.match((await inject({ method: 'DELETE', url: '/topics/nope' })).json(), { status: 404, type: 'urn:barnabas:problem:unknown-topic' })
})

t.test('the list has names in order, internal ones only if asked for', async t => {
  const { inject, log } = await openDoor(t)
  for (const name of ['b', '__consumer_offsets', 'a']) log.create(name)
  t.same((await inject('/topics')).json(), ['a', 'b'])
  t.same((await inject('/topics?internal=true')).json(), ['__consumer_offsets', 'a', 'b'])
  t.match((await inject('/topics?internal=perhaps')).json(), { error_code: 400, message: /internal must be boolean/ })
  t.same((await inject('/topics?unknown=1')).json(), ['a', 'b'], 'Confluent\'s paths let parameters pass that they do not know')
})

t.test('both ends of a partition', async t => {
  const { inject, log } = await openDoor(t)
  for (const payload of ['a', 'b', 'c']) await inject({ method: 'POST', url: '/topics/t', payload })
  t.same((await inject('/topics/t/partitions/0/offsets')).json(), { beginning_offset: 0, end_offset: 3 })
  log.deleteBefore('t', 0, 2)
  t.same((await inject('/topics/t/partitions/0/offsets')).json(), { beginning_offset: 2, end_offset: 3 })
})

t.test('errors are those that Confluent\'s clients expect', async t => {
  const { inject, log } = await openDoor(t)
  log.create('t')
  for (const url of ['/topics/nope', '/topics/nope/partitions', '/topics/nope/partitions/0', '/topics/nope/partitions/0/offsets']) {
    const response = await inject(url)
    t.equal(response.statusCode, 404)
    t.same(response.json(), { error_code: 40401, message: 'There is no topic nope.' })
    t.match(response.headers['content-type'], V2)
  }
  for (const url of ['/topics/t/partitions/1', '/topics/t/partitions/1/offsets']) {
    const response = await inject(url)
    t.equal(response.statusCode, 404)
    t.same(response.json(), { error_code: 40402, message: 'Topic t has no partition 1: it has 1.' })
  }
  t.notOk(log.topics.has('nope'), 'describing creates nothing')
})

t.test('the media type is Confluent\'s, unless plain JSON is asked for', async t => {
  const { inject } = await openDoor(t)
  const typeFor = async (accept?: string) =>
    String((await inject({ url: '/topics', headers: accept === undefined ? {} : { accept } })).headers['content-type']).split(';')[0]
  t.equal(await typeFor(), V2)
  t.equal(await typeFor('*/*'), V2)
  t.equal(await typeFor(V2), V2)
  t.equal(await typeFor('application/json'), 'application/json')
  t.equal(await typeFor('application/vnd.kafka.v2+json, application/json;q=0.9'), V2)
  t.same((await inject({ url: '/topics', headers: { accept: 'text/html' } })).json<{ error_code: number }>().error_code, 406)
})
