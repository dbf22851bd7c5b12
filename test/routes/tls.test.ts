import t, { type Test } from 'tap'
import { once } from 'node:events'
import { Agent, request as httpsRequest } from 'node:https'
import { connect, type SecureContextOptions } from 'node:tls'
import { pino } from 'pino'
import type { HttpDoor } from '../../routes/door.ts'
import { createHttpServer, type HttpTls } from '../../routes/http.ts'
import { SUB_PROTOCOL } from '../../routes/ws/limits.ts'
import { WebSocket } from 'ws'
import { createAuthority, expired } from '../support/certificates.ts'
import { as, openGuardedDoor } from '../support/guarded-door.ts'
import { contractPath, openDoor } from '../support/http-door.ts'
import { Peer } from './ws/support.ts'

const authority = await createAuthority()
const server = await authority.server()
const alice = await authority.client({ subject: 'CN=alice' })

interface Served { readonly port: number, readonly reload: (context: SecureContextOptions) => void }

async function serve (t: Test, door: HttpDoor, clientAuth: HttpTls['clientAuth']): Promise<Served> {
  let context: SecureContextOptions = { cert: server.cert, key: server.key, ca: authority.cert }
  let reloaded = (): void => {}
  const app = await createHttpServer(door, {
    logger: pino({ level: 'silent' }), contractPath, tls: { context: () => context, clientAuth, onReload: listener => { reloaded = listener } }
  })
  t.teardown(() => app.close())
  const { port } = new URL(await app.listen({ host: '127.0.0.1', port: 0 }))
  return { port: Number(port), reload: to => { context = to; reloaded() } }
}

interface Answer { readonly status: number, readonly body: { readonly [name: string]: unknown } }

async function ask (port: number, path: string, options: object = {}): Promise<Answer> {
  const request = httpsRequest({ host: '127.0.0.1', port, path, ca: authority.cert, agent: new Agent({ keepAlive: false }), ...options })
  request.end()
  const [response] = await once(request, 'response') as [NodeJS.ReadableStream & { statusCode: number }]
  let text = ''
  for await (const chunk of response) text += chunk.toString()
  return { status: response.statusCode, body: JSON.parse(text) as Answer['body'] }
}

t.test('a certificate is a proof, and what else is sent goes before it', async t => {
  const { door } = await openGuardedDoor(t)
  const { port } = await serve(t, door, 'requested')
  const stranger = await (await createAuthority()).client({ subject: 'CN=alice' })
  const late = await authority.client({ subject: 'CN=alice', ...expired() })
  t.match(await ask(port, '/auth/whoami', alice), { status: 200, body: { principal: 'User:CN=alice', method: 'TLS' } })
  t.match(await ask(port, '/auth/whoami', { ...alice, headers: as('bob') }), { body: { principal: 'User:bob', method: 'BASIC' } })
  t.match(await ask(port, '/auth/whoami', { headers: as('bob') }), { body: { principal: 'User:bob' } })
  for (const [title, client] of [['none', {}], ['of another authority', stranger], ['out of date', late]] as const) {
    t.match(await ask(port, '/auth/whoami', client), { status: 401, body: { type: 'urn:barnabas:problem:unauthenticated' } }, title)
  }
  t.match(await ask(port, '/readyz'), { status: 200 })
})

t.test('a certificate that no rule makes a principal of is refused', async t => {
  const { door } = await openGuardedDoor(t)
  const { port } = await serve(t, door, 'requested')
  const nameless = await authority.client({ subject: '' })
  t.match(await ask(port, '/auth/whoami', nameless), { status: 401 })
})

t.test('where certificates are required, nothing but health is answered without one', async t => {
  for (const { door } of [await openGuardedDoor(t), await openDoor(t)]) {
    const { port } = await serve(t, door, 'required')
    t.match(await ask(port, '/auth/whoami', { headers: as('bob') }), { status: 401, body: { detail: /client certificate/ } })
    t.match(await ask(port, '/auth/whoami', alice), { status: 200 })
    t.match(await ask(port, '/auth/whoami', { ...alice, headers: as('bob') }), { status: 200 })
    t.match(await ask(port, '/livez'), { status: 200 })
  }
})

t.test('a WebSocket over TLS', async t => {
  const { door, allow, log } = await openGuardedDoor(t)
  allow('CN=alice', 'WRITE', 't')
  log.create('t')
  const { port } = await serve(t, door, 'requested')
  const socket = new WebSocket(`wss://127.0.0.1:${port}/ws`, SUB_PROTOCOL, { ca: authority.cert, ...alice })
  const peer = new Peer(socket)
  await once(socket, 'open')
  peer.send({ type: 'connect' }, { type: 'produce', id: 'p', topic: 't', records: [{ value: 1 }] })
  await peer.next('connected')
  t.match(await peer.next(), { type: 'produced', results: [{ offset: 0 }] })
  await peer.close()
})

t.test('nothing older than TLS 1.2, and certificates are taken over without dropping a connection', async t => {
  const { door } = await openGuardedDoor(t)
  const { port, reload } = await serve(t, door, 'none')
  const dial = async (options: object = {}) => {
    const socket = connect({ host: '127.0.0.1', port, ca: authority.cert, ...options })
    t.teardown(() => socket.destroy())
    await once(socket, 'secureConnect')
    return socket
  }
  await t.rejects(dial({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1' }))
  t.equal((await dial({ maxVersion: 'TLSv1.2' })).getProtocol(), 'TLSv1.2')
  const before = await dial()
  t.equal(before.getProtocol(), 'TLSv1.3')
  const next = await authority.server({ subject: 'CN=next' })
  reload({ ...next, ca: authority.cert })
  t.equal((await dial()).getPeerCertificate().subject.CN, 'next')
  before.write('GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
  const [answer] = await once(before, 'data') as [Buffer]
  t.match(answer.toString(), /^HTTP\/1\.1 200 /)
})
