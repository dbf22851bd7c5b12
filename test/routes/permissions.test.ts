import t from 'tap'
import type { InjectOptions } from 'fastify'
import { as, openGuardedDoor } from '../support/guarded-door.ts'
import { until } from '../support/until.ts'

const JSON_BODY = { 'content-type': 'application/json' }
const V2_BODY = { 'content-type': 'application/vnd.kafka.json.v2+json' }
const topic = (operation: string, resourceName = 't') => ({ operation, resourceType: 'TOPIC', resourceName })

t.test('a refusal names the permission that is missing', async t => {
  const { inject, log, allow, denials } = await openGuardedDoor(t)
  log.create('t')
  allow('bob', 'DESCRIBE', 't')
  allow('bob', 'DESCRIBE', 'new')
  const refusals: readonly (readonly [user: string, request: InjectOptions, missing: object])[] = [
    ['alice', { method: 'POST', url: '/topics/t', payload: 'x' }, topic('WRITE')],
    ['bob', { method: 'POST', url: '/topics/t', payload: 'x' }, topic('WRITE')],
    ['bob', { method: 'POST', url: '/topics/t/partitions/0', payload: 'x' }, topic('WRITE')],
    ['alice', { method: 'POST', url: '/topics/t', headers: { 'content-type': 'application/x-ndjson' }, payload: 'x\ny' }, topic('WRITE')],
    ['bob', { method: 'POST', url: '/topics/new', payload: 'x' }, topic('CREATE', 'new')],
    ['alice', { method: 'GET', url: '/topics/t/records' }, topic('READ')],
    ['bob', { method: 'GET', url: '/topics/t/records' }, topic('READ')],
    ['bob', { method: 'GET', url: '/topics/t/records', headers: { accept: 'text/event-stream' } }, topic('READ')],
    ['bob', { method: 'GET', url: '/topics/t/partitions/0/records/0' }, topic('READ')],
    ['alice', { method: 'PUT', url: '/topics/new', headers: JSON_BODY, payload: '{}' }, topic('CREATE', 'new')],
    ['bob', { method: 'DELETE', url: '/topics/t' }, topic('DELETE')]
  ]
  for (const [user, request, missing] of refusals) {
    const response = await inject({ ...request, headers: { ...as(user), ...request.headers } })
    const name = `${user}: ${request.method} ${String(request.url)}`
    t.equal(response.statusCode, 403, name)
    t.match(response.json(), { type: 'urn:barnabas:problem:forbidden', missing }, name)
  }
  t.same(log.values('t'), [])
  t.notOk(log.topics.has('new'))
  t.ok(denials.includes('alice WRITE t http') || denials.includes('alice DESCRIBE t http'), 'and is heard of')
})

t.test('Confluent\'s clients are told in words', async t => {
  const { inject, log, allow } = await openGuardedDoor(t)
  log.create('t')
  allow('bob', 'DESCRIBE', 't')
  const v3 = '/v3/clusters/memory-cluster/topics'
  const refusals: readonly (readonly [user: string, request: InjectOptions, message: RegExp])[] = [
    ['alice', { method: 'POST', url: '/topics/t', headers: V2_BODY, payload: '{"records":[{"value":1}]}' }, /WRITE on the topic t/],
    ['alice', { method: 'GET', url: '/topics/t' }, /DESCRIBE on the topic t/],
    ['bob', { method: 'GET', url: '/topics/t' }, /DESCRIBE_CONFIGS on the topic t/],
    ['alice', { method: 'GET', url: '/topics/t/partitions/0/offsets' }, /DESCRIBE on the topic t/],
    ['alice', { method: 'POST', url: v3, headers: JSON_BODY, payload: '{"topic_name":"new"}' }, /CREATE on the topic new/],
    ['alice', { method: 'DELETE', url: `${v3}/t` }, /DELETE on the topic t|DESCRIBE on the topic t|Not authorised/]
  ]
  for (const [user, request, message] of refusals) {
    const response = await inject({ ...request, headers: { ...as(user), ...request.headers } })
    t.equal(response.statusCode, 403, String(request.url))
    t.match(response.json(), { error_code: 40301, message }, String(request.url))
  }
  const v2 = await inject({ method: 'POST', url: '/topics/t', headers: { ...as('bob'), ...V2_BODY }, payload: '{"records":[{"value":1}]}' })
  t.match(v2.json(), { offsets: [{ offset: null, error_code: 40301, error: /WRITE on the topic t/ }] }, 'record by record')
  const payload = '{"value":{"type":"JSON","data":1}}'
  const stream = await inject({ method: 'POST', url: `${v3}/t/records`, headers: { ...as('bob'), ...JSON_BODY }, payload })
  t.match(stream.json(), { error_code: 40301, message: /WRITE on the topic t/ })
})

t.test('what may not be described is not shown', async t => {
  const { inject, log, allow } = await openGuardedDoor(t)
  for (const name of ['one', 'two', 'three']) log.create(name)
  allow('alice', 'DESCRIBE', 'one')
  allow('alice', 'READ', 'three')
  t.same((await inject({ url: '/topics', headers: as('alice') })).json(), ['one', 'three'])
  t.same((await inject({ url: '/topics', headers: as('bob') })).json(), [])
  t.equal((await inject({ url: '/topics', headers: as('admin') })).json<string[]>().length, 3)
  allow('bob', 'WRITE', 'two')
  await inject({ method: 'POST', url: '/topics/two', headers: as('bob'), payload: 'x' })
  const stranger = await inject({ method: 'POST', url: '/topics/two/partitions/7', headers: as('alice'), payload: 'x' })
  t.match(stranger.json(), { status: 403 }, 'what one producer has learned of a topic is not told to another')
})

t.test('two readers share a fetch, of whom only one may read', async t => {
  const { inject, allow } = await openGuardedDoor(t)
  allow('alice', 'READ', 't')
  allow('bob', 'DESCRIBE', 't')
  await inject({ method: 'POST', url: '/topics/t', headers: as('admin'), payload: 'x' })
  const read = (user: string) => inject({ url: '/topics/t/records', headers: as(user) })
  t.match((await read('alice')).json(), { records: [{ value: 'x' }] })
  t.equal((await read('bob')).statusCode, 403)
  t.match((await read('alice')).json(), { records: [{ value: 'x' }] })
})

/** A stream, as it comes. */
async function follow (base: string, accept: string, user: string): Promise<{ text: () => string, ended: Promise<unknown> }> {
  const response = await fetch(`${base}/topics/t/records`, { headers: { ...as(user), accept } })
  let text = ''
  const ended = (async () => { for await (const chunk of response.body!) text += Buffer.from(chunk).toString() })()
  return { text: () => text, ended }
}

for (const accept of ['text/event-stream', 'application/x-ndjson']) {
  t.test(`${accept}: a stream whose reader loses the permission ends, and the others go on`, async t => {
    const { inject, listen, log, allow, revoke, denials } = await openGuardedDoor(t)
    const base = await listen()
    log.create('t')
    const permission = allow('alice', 'READ', 't')
    allow('bob', 'READ', 't')
    const append = (value: string) => inject({ method: 'POST', url: '/topics/t', headers: as('admin'), payload: value })
    const [alice, bob] = [await follow(base, accept, 'alice'), await follow(base, accept, 'bob')]
    await append('first')
    await until(() => alice.text().includes('first') && bob.text().includes('first'))
    await until(() => log.waiting === 1)
    revoke(permission)
    await alice.ended
    t.match(alice.text(), /"status":403/)
    t.match(alice.text(), /"missing":\{"operation":"READ","resourceType":"TOPIC","resourceName":"t"\}/)
    t.match(denials.at(-1), /^alice READ t (sse|http)$/)
    await append('second')
    await until(() => bob.text().includes('second'))
    t.notMatch(alice.text(), /second/)
    t.ok(log.calls.get('Fetch')! <= 3, 'one fetch for each record, and one that waits, however many readers')
  })
}

t.test('a stream ends when the proof of identity does', async t => {
  const { listen, log, allow } = await openGuardedDoor(t, { tokens: new Map([['alice-1', Date.now() + 700]]) })
  log.create('t')
  allow('alice', 'READ', 't')
  const base = await listen()
  const response = await fetch(`${base}/topics/t/records`, { headers: { authorization: 'Bearer alice-1', accept: 'text/event-stream' } })
  t.equal(response.status, 200)
  t.match(await response.text(), /event: problem\ndata: \{"type":"urn:barnabas:problem:unauthenticated".*"status":401/)
})
