import t from 'tap'
import { openDoor } from '../support/http-door.ts'

const PAGE = 'https://app.example'

t.test('a page that nobody named changes nothing, and is kept from reading by its browser', async t => {
  const { inject, log } = await openDoor(t)
  log.create('t')
  const requests = [
    { method: 'POST', url: '/topics/t' },
    { method: 'POST', url: '/topics/new/records' },
    { method: 'PUT', url: '/topics/new' },
    { method: 'DELETE', url: '/topics/t' }
  ] as const
  for (const origin of [PAGE, 'null', 'not an origin', 'http://localhost.evil.example']) {
    for (const request of requests) {
      const response = await inject({ ...request, headers: { origin } })
      t.match(response.json(), { status: 403, type: 'urn:barnabas:problem:forbidden' }, `${request.method} from ${origin}`)
      t.notOk(response.headers['access-control-allow-origin'])
    }
    const read = await inject({ url: '/topics/t/records', headers: { origin } })
    t.equal(read.statusCode, 200)
    t.notOk(read.headers['access-control-allow-origin'])
  }
  t.same([...log.topics.keys()], ['t'])
  t.same(log.values('t'), [])
  const confluent = await inject({ method: 'POST', url: '/v3/clusters/memory-cluster/topics', headers: { origin: PAGE }, payload: { topic_name: 'x' } })
  t.match(confluent.json(), { error_code: 403 })
})

t.test('pages of this machine, of the same host and those that are named may do everything', async t => {
  const { inject, log } = await openDoor(t, { door: { allowedOrigins: [PAGE] } })
  for (const origin of [PAGE, 'http://localhost:3000', 'http://127.0.0.1', 'https://gateway.example']) {
    const headers = { origin, host: 'gateway.example' }
    const written = await inject({ method: 'POST', url: '/topics/t', headers, payload: origin })
    t.equal(written.statusCode, 201)
    t.match(written.headers, { 'access-control-allow-origin': origin, 'access-control-expose-headers': /location/, vary: 'origin' })
    const read = await inject({ url: '/topics/t/records?wait=0', headers: { ...headers, accept: 'text/event-stream' } })
    t.match(read.headers, { 'access-control-allow-origin': origin, vary: 'accept, origin' }, 'streams too')
    t.match((await inject({ url: '/nope', headers })).headers, { 'access-control-allow-origin': origin }, 'a page may read its errors')
  }
  t.equal(log.values('t').length, 4)
})

t.test('a browser that asks first is told what is allowed', async t => {
  const { app } = await openDoor(t, { door: { allowedOrigins: [PAGE] } })
  const ask = (origin: string, url: string) => app.inject({
    method: 'OPTIONS', url, headers: { origin, 'access-control-request-method': 'PUT', 'access-control-request-headers': 'content-type' }
  })
  const allowed = await ask(PAGE, '/topics/t')
  t.equal(allowed.statusCode, 204)
  t.match(allowed.headers, {
    'access-control-allow-origin': PAGE, 'access-control-allow-methods': /PUT/, 'access-control-allow-headers': /content-type/
  })
  const refused = await ask('https://other.example', '/topics/t')
  t.equal(refused.statusCode, 403)
  t.notOk(refused.headers['access-control-allow-origin'])
  const plain = await app.inject({ method: 'OPTIONS', url: '/topics/t', headers: { origin: PAGE } })
  t.equal(plain.statusCode, 405, 'who does not ask for a method is answered as ever')
})

t.test('* is every page', async t => {
  const { inject } = await openDoor(t, { door: { allowedOrigins: ['*'] } })
  t.equal((await inject({ method: 'POST', url: '/topics/t', headers: { origin: 'null' }, payload: 'x' })).statusCode, 201)
})
