import t from 'tap'
import { contractPath, openDoor } from '../support/http-door.ts'
import { readContract } from '../../routes/contract.ts'
import { as, basic, openGuardedDoor, passwordOf } from '../support/guarded-door.ts'

const contract = await readContract(contractPath)
const PUBLIC = ['getLiveness', 'getReadiness', 'getBrowserClient']

t.test('every operation but health and the module for browsers asks for credentials, in the words of its own API', async t => {
  const { inject, log } = await openGuardedDoor(t)
  log.create('greetings')
  for (const { template, method, config: { operationId, errors } } of contract.operations) {
    const url = template.replace('{cluster_id}', 'memory-cluster').replaceAll(/\{(partition|offset|partition_id)\}/g, '0').replaceAll(/\{\w+\}/g, 'greetings')
    const response = await inject({ method: method as 'GET', url })
    if (PUBLIC.includes(operationId)) {
      t.equal(response.statusCode, 200, operationId)
    } else if (operationId === 'openWebSocket') {
      t.equal(response.statusCode, 426, 'a WebSocket may prove it later')
    } else {
      t.equal(response.statusCode, 401, operationId)
      t.equal(response.headers['www-authenticate'], 'Basic realm="barnabas", charset="UTF-8"')
      t.match(response.json(), errors !== 'problem' || template.startsWith('/v3/')
        ? { error_code: 40101, message: /^Credentials are needed/ }
        : { status: 401, type: 'urn:barnabas:problem:unauthenticated' }, operationId)
    }
  }
  t.equal((await inject('/nowhere')).statusCode, 401, 'what is not there, too')
  t.equal(log.calls.size, 0, 'nothing was asked of the log')
})

t.test('Basic', async t => {
  const { inject, log, events } = await openGuardedDoor(t)
  const me = await inject({ url: '/auth/whoami', headers: as('alice') })
  t.same(me.json(), { principal: 'User:alice', method: 'BASIC', expires: null })
  const askers = new Set<object>()
  log.before = (_api, _request, { principal }) => { askers.add(principal) }
  for (let i = 0; i < 3; i++) t.equal((await inject({ method: 'POST', url: '/topics/t', headers: as('admin'), payload: 'x' })).statusCode, 201)
  t.equal(askers.size, 1, 'one principal is one object')
  t.match([...askers], [{ type: 'User', name: 'admin' }])
  for (const authorization of [
    basic('alice', 'wrong'), basic('nobody'), basic('alice', ''), 'Basic', 'Basic !', `Basic ${passwordOf('alice')}`, 'Digest x', 'Bearer x', ''
  ]) {
    const response = await inject({ url: '/auth/whoami', headers: { authorization } })
    t.equal(response.statusCode, 401, authorization)
    t.match(response.json(), { status: 401, detail: /^Authentication failed/ }, authorization)
    t.notMatch(response.body, /alice|nobody|user|password/i, 'and does not say why')
  }
  t.ok(events.filter(({ outcome }) => outcome === 'failure').length >= 8)
})

t.test('Bearer', async t => {
  const expires = Date.now() + 60_000
  const { inject } = await openGuardedDoor(t, { tokens: new Map([['bob-1', expires], ['bob-2', Date.now() - 1]]) })
  const ask = (token: string) => inject({ url: '/auth/whoami', headers: { authorization: `Bearer ${token}` } })
  t.same((await ask('bob-1')).json(), { principal: 'User:bob', method: 'BEARER', expires: new Date(expires).toISOString() })
  for (const token of ['bob-2', 'bob-3']) {
    const refused = await ask(token)
    t.equal(refused.statusCode, 401)
    t.same(refused.headers['www-authenticate'], [
      'Basic realm="barnabas", charset="UTF-8"', 'Bearer realm="barnabas", error="invalid_token"'
    ])
  }
})

t.test('a failure is held back, a success is not', async t => {
  const { inject } = await openGuardedDoor(t, { delayMs: 200 })
  const took = async (authorization: string): Promise<number> => {
    const startedAt = performance.now()
    await inject({ url: '/auth/whoami', headers: { authorization } })
    return performance.now() - startedAt
  }
  t.ok(await took(basic('alice', 'wrong')) >= 190)
  await took(basic('alice'))
  t.ok(await took(basic('alice')) < 150)
})

t.test('who proves nothing is anonymous where that is allowed, and who proves it badly is not', async t => {
  const { inject } = await openGuardedDoor(t, { authentication: { anonymous: true } })
  t.same((await inject('/auth/whoami')).json(), { principal: 'User:ANONYMOUS', method: 'NONE', expires: null })
  t.equal((await inject({ url: '/auth/whoami', headers: { authorization: basic('alice', 'wrong') } })).statusCode, 401)
  const refused = await inject({ method: 'POST', url: '/topics/t', payload: 'x' })
  t.match(refused.json(), { status: 403, missing: { operation: 'WRITE', resourceName: 't' } })
})

t.test('metrics ask for nothing if they are public', async t => {
  t.equal((await (await openGuardedDoor(t)).inject('/metrics')).statusCode, 401)
  t.equal((await (await openGuardedDoor(t, { authentication: { publicMetrics: true } })).inject('/metrics')).statusCode, 200)
})

t.test('a page is told what it may send before it has proved anything', async t => {
  const { app } = await openGuardedDoor(t, { door: { allowedOrigins: ['https://app.example'] } })
  const headers = { origin: 'https://app.example', 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' }
  const response = await app.inject({ method: 'OPTIONS', url: '/topics/t', headers })
  t.equal(response.statusCode, 204)
  t.match(response.headers['access-control-allow-headers'], 'authorization')
  const refused = await app.inject({ url: '/topics', headers: { origin: 'https://app.example' } })
  t.equal(refused.statusCode, 401)
  t.equal(refused.headers['access-control-allow-origin'], 'https://app.example', 'and may read why it was refused')
})

t.test('while the log is being opened nobody is known, and nobody is let in', async t => {
  const { inject } = await openGuardedDoor(t, { authentication: { ready: false } })
  for (const headers of [{}, as('admin')]) {
    const response = await inject({ url: '/topics/t/records', headers })
    t.equal(response.statusCode, 503)
    t.equal(response.headers['retry-after'], '1')
    t.match(response.json(), { type: 'urn:barnabas:problem:not-available' })
  }
  t.equal((await inject('/livez')).statusCode, 200)
})

t.test('a token in a URL is refused, whatever else is sent', async t => {
  const { inject } = await openGuardedDoor(t)
  for (const name of ['access_token', 'token', 'id_token', 'jwt']) {
    const response = await inject({ url: `/topics?${name}=canary`, headers: name === 'jwt' ? {} : as('admin') })
    t.equal(response.statusCode, 400, name)
    t.match(response.json(), { message: /Authorization: Bearer.*\/auth\/tickets/ })
    t.notMatch(response.body, /canary/)
  }
})

t.test('a ticket stands for who took it, once, for reading', async t => {
  const { inject, log, allow } = await openGuardedDoor(t)
  log.create('t')
  allow('alice', 'READ', 't')
  const take = async (name: string): Promise<string> => {
    const response = await inject({ method: 'POST', url: '/auth/tickets', headers: as(name) })
    t.equal(response.statusCode, 201)
    t.equal(response.headers['cache-control'], 'no-store')
    const { ticket, expires } = response.json<{ ticket: string, expires: string }>()
    t.ok(Date.parse(expires) - Date.now() <= 30_000)
    return ticket
  }
  t.equal((await inject({ method: 'POST', url: '/auth/tickets' })).statusCode, 401)
  const ticket = await take('alice')
  const url = `/topics/t/records?wait=0&ticket=${ticket}`
  t.equal((await inject({ url, headers: { accept: 'text/event-stream' } })).statusCode, 200)
  const again = await inject({ url, headers: { accept: 'text/event-stream' } })
  t.equal(again.statusCode, 401, 'not twice')
  t.notMatch(again.body, ticket)
  t.equal((await inject(`/topics/t/records?ticket=${await take('bob')}`)).statusCode, 403, 'with the rights of its owner')
  const unused = await take('alice')
  for (const request of [{ method: 'POST', url: `/topics/t?ticket=${unused}` }, { method: 'GET', url: `/topics?ticket=${unused}` }] as const) {
    t.equal((await inject(request)).statusCode, 401, `${request.method} ${request.url}`)
  }
  t.equal((await inject(`/topics/t/records?ticket=${unused}`)).statusCode, 200, 'which did not use it up')
})

t.test('where nothing asks for credentials, everyone is anonymous and needs no ticket', async t => {
  const { inject } = await openDoor(t)
  t.same((await inject('/auth/whoami')).json(), { principal: 'User:ANONYMOUS', method: 'NONE', expires: null })
  t.match((await inject({ method: 'POST', url: '/auth/tickets' })).json(), { status: 409 })
})

t.test('no secret is repeated, and none is logged', async t => {
  const { inject, logged } = await openGuardedDoor(t)
  const canary = 'c4n4ry'
  const put = (payload: string) => ({ method: 'PUT', url: '/users/u', headers: { ...as('admin'), 'content-type': 'application/json' }, payload }) as const
  for (const request of [
    { url: '/topics', headers: { authorization: basic('alice', canary) } },
    { url: '/topics', headers: { authorization: `Bearer ${canary}` } },
    { url: `/topics/t/records?ticket=${canary}` },
    { url: `/topics/t/records?ticket=${canary}&ticket=${canary}` },
    { url: `/topics?access_token=${canary}` },
    put(`{"password":"${canary}"`), put(`"${canary}"`), put(`{"password":["${canary}"]}`), put(`{"password":"${canary}","iterations":1}`),
    put(`{"password":"${canary}","mechanisms":["${canary}"]}`), put(`{"password":"${canary.repeat(1000)}"}`)
  ]) {
    const response = await inject(request)
    t.ok(response.statusCode >= 400, request.url)
    t.notMatch(response.body + JSON.stringify(response.headers), canary, `${request.url} ${response.statusCode}`)
  }
  t.notMatch(logged.join(''), canary)
})
