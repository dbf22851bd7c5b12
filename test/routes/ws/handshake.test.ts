import t from 'tap'
import { connect as tcpConnect } from 'node:net'
import { SUB_PROTOCOL, limits } from '../../../routes/ws/limits.ts'
import { isAllowedOrigin } from '../../../routes/ws/origin.ts'
import { openDoor } from '../../support/http-door.ts'
import { openBoth, openGateway, openPeer } from './support.ts'

interface Refusal { readonly status: number, readonly body: string, readonly headers: Readonly<Record<string, string>> }

const refusal = (promise: Promise<unknown>): Promise<Refusal> => promise.then(() => { throw new Error('it was accepted') }, (error: Refusal) => error)

t.test('a client that names the sub-protocol says connect and is told the limits', async t => {
  const { url } = await openBoth(t)
  const peer = await openPeer(t, url, { silent: true })
  t.equal(peer.socket.protocol, SUB_PROTOCOL)
  t.equal(peer.socket.extensions, '', 'nothing is compressed')
  peer.send({ type: 'connect', clientId: 'a-test' })
  const connected = await peer.next('connected')
  t.match(connected, { pingMs: 25_000, limits })
  t.match(connected['session'], /^[\w-]{16}$/)
  peer.send({ type: 'connect' })
  t.equal((await peer.next('connected'))['session'], connected['session'], 'saying it again does no harm')
})

t.test('the client id that a client gives is the one that the log hears', async t => {
  const { log, peer } = await openBoth(t)
  const heard = new Set<string>()
  log.before = (_api, _request, { clientId }) => { heard.add(clientId) }
  peer.send({ type: 'connect', clientId: 'a-test' }, { type: 'produce', id: 'p', topic: 'a', records: [{ value: 1 }] })
  await peer.next('connected')
  await peer.next('produced')
  t.strictSame([...heard], ['a-test'])
})

t.test('a client that names no sub-protocol, and is no page, is connected at once', async t => {
  const { url } = await openBoth(t)
  const peer = await openPeer(t, url, { protocol: null })
  t.equal(peer.socket.protocol, '')
  peer.send({ type: 'produce', id: 'p', topic: 'a', records: [{ value: 1 }] })
  t.match(await peer.next(), { type: 'produced', id: 'p' })
})

t.test('a page that names no sub-protocol is told to', async t => {
  const { url } = await openBoth(t)
  const peer = await openPeer(t, url, { protocol: null, headers: { origin: url }, silent: true })
  t.match((await peer.next('error')).problem.detail, SUB_PROTOCOL)
  t.match(await peer.closed, { code: 4406 })
})

t.test('other sub-protocols are refused before the upgrade', async t => {
  const { url } = await openBoth(t)
  const { status, body } = await refusal(openPeer(t, url, { protocol: 'mqtt' }))
  t.equal(status, 400)
  t.match(JSON.parse(body), { status: 400, detail: /mqtt.*barnabas\.v1\+json/ })
})

t.test('pages of other hosts are refused with a problem, unless they are allowed', async t => {
  const { listen } = await openDoor(t, { door: { allowedOrigins: ['https://app.example'] } })
  const url = await listen()
  for (const origin of ['https://evil.example', 'null', 'http://localhost.evil.example', url.replace('127.0.0.1', 'evil.example')]) {
    const { status, body, headers } = await refusal(openPeer(t, url, { headers: { origin } }))
    t.equal(status, 403, origin)
    t.match(headers['content-type'], 'application/problem+json')
    t.match(JSON.parse(body), { status: 403, type: 'urn:barnabas:problem:forbidden' })
  }
  for (const origin of ['https://app.example', url, 'http://localhost:3000']) await openPeer(t, url, { headers: { origin } })
})

t.test('the rule for origins', async t => {
  const rule = (origin: string | undefined, host: string): boolean => isAllowedOrigin(origin, host, ['https://app.example'])
  for (const origin of [undefined, 'https://gateway.example', 'http://LOCALHOST:1', 'http://127.1.2.3', 'http://[::1]:80', 'http://dev.localhost', 'https://app.example']) {
    t.ok(rule(origin, 'Gateway.example:443'), String(origin))
  }
  for (const origin of ['https://gateway.example:8443', 'http://app.example', 'null', '', 'not a url', 'http://127.0.0.1.evil.example', 'http://mylocalhost']) {
    t.notOk(rule(origin, 'gateway.example'), origin)
  }
})

t.test('a hundred headers are enough', async t => {
  const { url } = await openBoth(t)
  const many = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`x-${i}`, '1']))
  const { status, body } = await refusal(openPeer(t, url, { headers: many }))
  t.equal(status, 431)
  t.match(body, /header fields/)
})

t.test('asking without an upgrade says what it is', async t => {
  const { inject } = await openDoor(t)
  const response = await inject('/ws')
  t.equal(response.statusCode, 426)
  t.match(response.headers, { upgrade: 'websocket', connection: 'upgrade' })
})

t.test('an Upgrade header that means something else is ignored, and so is a WebSocket elsewhere', async t => {
  const { listen } = await openDoor(t)
  const { port } = new URL(await listen())
  const ask = (path: string, headers: string): Promise<string> => new Promise((resolve, reject) => {
    const socket = tcpConnect(Number(port), '127.0.0.1', () => socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n${headers}\r\n\r\n`))
    socket.once('data', data => { socket.destroy(); resolve(data.toString().split('\r\n')[0]!) })
    socket.once('error', reject)
  })
  t.match(await ask('/livez', 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__'), '200')
  t.match(await ask('/livez', 'Connection: Upgrade\r\nUpgrade: websocket'), '200')
  t.match(await ask('/wsx', 'Connection: Upgrade\r\nUpgrade: websocket'), '404')
  t.match(await ask('/ws', 'Connection: Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Version: 13'), '400', 'no key')
})

t.test('who is to say connect and does not is closed, and so is who says something else first', async t => {
  const { door } = await openDoor(t)
  const { url } = await openGateway(t, door, { connectMs: 50 })

  const mute = await openPeer(t, url, { silent: true })
  t.match(await mute.next('error'), { retry: true, problem: { status: 408 } })
  t.match(await mute.closed, { code: 4408 })

  const hasty = await openPeer(t, url, { silent: true })
  hasty.send({ type: 'subscribe', id: 's', topics: ['a'] })
  t.match(await hasty.next('error'), { retry: false })
  t.match(await hasty.closed, { code: 4400, reason: /connect/ })
})
