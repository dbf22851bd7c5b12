import t, { type Test } from 'tap'
import { WebSocket, type ClientOptions } from 'ws'
import { SUB_PROTOCOL } from '../../../routes/ws/limits.ts'
import { Tally } from '../../../routes/ws/tally.ts'
import { as, basic, openGuardedDoor, passwordOf, type GuardedDoor, type GuardedOptions } from '../../support/guarded-door.ts'
import { until } from '../../support/until.ts'
import { openGateway, openPeer, Peer, type PeerOptions } from './support.ts'

const TOKEN_PROTOCOL = 'base64url.bearer.authorization.barnabas.'
const base64url = (text: string): string => Buffer.from(text).toString('base64url')
const produce = (id = 'p') => ({ type: 'produce', id, topic: 't', records: [{ value: 1 }] })

async function guarded (t: Test, options: GuardedOptions = {}): Promise<GuardedDoor & { readonly url: string }> {
  const door = await openGuardedDoor(t, options)
  door.log.create('t')
  door.allow('alice', 'WRITE', 't')
  door.allow('alice', 'READ', 't')
  return { ...door, url: await door.listen() }
}

/** A socket to a path and with sub-protocols of the test's choice. Rejects with the answer instead. */
async function dial (t: Test, url: string, path: string, protocols: readonly string[], options: ClientOptions = {}): Promise<Peer> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}${path}`, [...protocols], options)
  t.teardown(() => socket.terminate())
  const peer = new Peer(socket)
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('error', reject)
    socket.once('unexpected-response', (_request, response) => {
      let body = ''
      response.on('data', (chunk: Buffer) => { body += chunk.toString() })
      response.on('end', () => reject(Object.assign(new Error(`status ${response.statusCode}`), { status: response.statusCode, body })))
    })
  })
  return peer
}

/** What a socket was answered that was not opened. */
const refusal = (peer: Promise<Peer>): Promise<{ readonly status: number, readonly body: string }> =>
  peer.then(() => { throw new Error('it was accepted') }, (error: { status: number, body: string }) => error)

const silent = async (t: Test, url: string, options: PeerOptions = {}): Promise<Peer> => await openPeer(t, url, { silent: true, ...options })

t.test('the upgrade may carry the proof', async t => {
  const { url, inject, log } = await guarded(t, { tokens: new Map([['alice-token', Date.now() + 3_600_000]]) })
  const heard: string[] = []
  log.before = (_api, _request, { principal }) => { heard.push(principal.name) }
  const { ticket } = (await inject({ method: 'POST', url: '/auth/tickets', headers: as('alice') })).json<{ ticket: string }>()
  const ways: readonly (readonly [title: string, peer: () => Promise<Peer>])[] = [
    ['Basic', () => dial(t, url, '/ws', [SUB_PROTOCOL], { headers: as('alice') })],
    ['Bearer', () => dial(t, url, '/ws', [SUB_PROTOCOL], { headers: { authorization: 'Bearer alice-token' } })],
    ['a ticket', () => dial(t, url, `/ws?ticket=${ticket}`, [SUB_PROTOCOL])],
    ['a sub-protocol', () => dial(t, url, '/ws', [SUB_PROTOCOL, TOKEN_PROTOCOL + base64url('alice-token')])],
    ['a sub-protocol that comes first', () => dial(t, url, '/ws', [TOKEN_PROTOCOL + base64url('alice-token'), SUB_PROTOCOL])]
  ]
  for (const [title, open] of ways) {
    heard.length = 0
    const peer = await open()
    t.equal(peer.socket.protocol, SUB_PROTOCOL, `${title}: and it is not repeated`)
    peer.send({ type: 'connect' }, produce())
    await peer.next('connected')
    t.match(await peer.next(), { type: 'produced', results: [{ partition: 0 }] }, title)
    t.ok(heard.length > 0 && heard.every(name => name === 'alice'), title)
  }
  const wscat = await dial(t, url, '/ws', [], { headers: as('alice') })
  t.match(await wscat.next(), { type: 'connected' }, 'who has proved it needs no sub-protocol')
  t.match(await refusal(dial(t, url, `/ws?ticket=${ticket}`, [SUB_PROTOCOL])), { status: 401 }, 'a ticket is good once')
})

t.test('a bad proof is refused before the upgrade, and never repeated', async t => {
  const { url, logged } = await guarded(t, { tokens: new Map([['alice-token', Date.now() - 1]]) })
  for (const open of [
    () => dial(t, url, '/ws', [SUB_PROTOCOL], { headers: { authorization: basic('alice', 'c4n4ry') } }),
    () => dial(t, url, '/ws?ticket=c4n4ry', [SUB_PROTOCOL]),
    () => dial(t, url, '/ws', [SUB_PROTOCOL, TOKEN_PROTOCOL + base64url('c4n4ry')]),
    () => dial(t, url, '/ws', [SUB_PROTOCOL, TOKEN_PROTOCOL + base64url('alice-token')])
  ]) {
    const { status, body } = await refusal(open())
    t.equal(status, 401)
    t.match(JSON.parse(body), { type: 'urn:barnabas:problem:unauthenticated' })
    t.notMatch(body, /c4n4ry|YzRuNHJ5/)
  }
  for (const parameter of ['access_token', 'token']) {
    const peer = dial(t, url, `/ws?${parameter}=alice-token`, [SUB_PROTOCOL], { headers: as('alice') })
    t.match(await refusal(peer), { status: 400, body: /tickets/ })
  }
  const secretProtocol = dial(t, url, '/ws', [`${TOKEN_PROTOCOL}${base64url('c4n4ry')}`], { headers: as('alice') })
  t.match(await refusal(secretProtocol), { status: 400, body: /^(?!.*YzRuNHJ5).*barnabas\.v1\+json/ })
  t.notMatch(logged.join(''), /c4n4ry|YzRuNHJ5/)
})

t.test('or the first message may', async t => {
  const { url, inject } = await guarded(t, { tokens: new Map([['alice-token', Date.now() + 3_600_000]]) })
  const { ticket } = (await inject({ method: 'POST', url: '/auth/tickets', headers: as('alice') })).json<{ ticket: string }>()
  for (const auth of [{ basic: { user: 'alice', password: passwordOf('alice') } }, { bearer: 'alice-token' }, { ticket }]) {
    const peer = await silent(t, url)
    // What follows is not lost while the proof is looked at.
    peer.send({ type: 'connect', auth }, produce())
    await peer.next('connected')
    t.match(await peer.next(), { type: 'produced', results: [{ partition: 0 }] }, JSON.stringify(Object.keys(auth)))
  }
})

t.test('before it, nothing is served', async t => {
  const { url, log, logged } = await guarded(t, { delayMs: 50 })
  for (const [message, code] of [
    [{ type: 'connect' }, 4401],
    [produce(), 4400],
    [{ type: 'auth', auth: { bearer: 'x' } }, 4400],
    [{ type: 'connect', auth: { basic: { user: 'alice', password: 'c4n4ry' } } }, 4401],
    [{ type: 'connect', auth: { ticket: 'c4n4ry' } }, 4401],
    [{ type: 'connect', auth: { bearer: 'c4n4ry' } }, 4401]
  ] as const) {
    const peer = await silent(t, url)
    peer.send(message, produce())
    const error = await peer.next('error')
    t.match(error, { retry: false, problem: { status: code === 4401 ? 401 : 400 } }, JSON.stringify(message))
    t.match(await peer.closed, { code })
    t.notMatch(JSON.stringify(error), 'c4n4ry')
  }
  const careless = await silent(t, url)
  for (const auth of [{ password: 'c4n4ry' }, { basic: { user: 'c4n4ry' } }, 'c4n4ry']) careless.send({ type: 'connect', auth })
  for (let i = 0; i < 3; i++) t.notMatch(JSON.stringify(await careless.next('error')), 'c4n4ry', 'what is no proof is refused, and may be sent again')
  careless.socket.send('{"type":"connect","auth":{"bearer":c4n4ry"}}')
  const malformed = await careless.next('error')
  t.match(malformed, { problem: { status: 400 } })
  t.notMatch(JSON.stringify(malformed) + JSON.stringify(await careless.closed), 'c4n4ry')
  const nameless = await silent(t, url, { protocol: null })
  nameless.send(produce())
  t.match(await nameless.closed, { code: 4400 }, 'not even without a sub-protocol')
  t.same(log.values('t'), [])
  t.notMatch(logged.join(''), 'c4n4ry')
})

t.test('where the anonymous are let in, one may still say who one is', async t => {
  const { url, log } = await guarded(t, { authentication: { anonymous: true } })
  const nameless = await openPeer(t, url, { protocol: null })
  nameless.send(produce())
  t.match(await nameless.next('error'), { id: 'p', problem: { status: 403, missing: { operation: 'WRITE' } } })
  const named = await silent(t, url)
  named.send({ type: 'connect', auth: { basic: { user: 'alice', password: passwordOf('alice') } } }, produce())
  await named.next('connected')
  await named.next('produced')
  t.equal(log.values('t').length, 1)
})

t.test('a proof that runs out is asked for again', async t => {
  const now = Date.now()
  const tokens = new Map([['alice-1', now + 3000], ['alice-2', now + 3_600_000], ['bob-1', now + 3_600_000]])
  const { door } = await guarded(t, { tokens })
  const { url } = await openGateway(t, door)
  const open = async (): Promise<Peer> => {
    const peer = await silent(t, url)
    peer.send({ type: 'connect', auth: { bearer: 'alice-1' } })
    await peer.next('connected')
    return peer
  }
  const [careful, careless, other] = [await open(), await open(), await open()]
  const expiring = await careful.next('auth_expiring')
  t.ok(expiring['inMs'] as number > 100 && expiring['inMs'] as number <= 1500, 'halfway, as it is a short one')
  careful.send({ type: 'auth', auth: { bearer: 'alice-2' } }, produce())
  t.equal((await careful.next('authenticated'))['expires'], new Date(tokens.get('alice-2')!).toISOString())
  await careful.next('produced')
  await other.next('auth_expiring')
  other.send({ type: 'auth', auth: { bearer: 'bob-1' } })
  t.match(await other.next('error'), { problem: { status: 403 } })
  t.match(await other.closed, { code: 4403 }, 'not by someone else\'s')
  await careless.next('auth_expiring')
  t.match(await careless.next('error'), { retry: false, problem: { status: 401, detail: /expired/ } })
  t.match(await careless.closed, { code: 4401 })
  careful.send(produce('later'))
  await careful.next('produced')
})

t.test('a subscription whose permission is taken away ends, and the session goes on', async t => {
  const { url, log, allow, revoke, acls } = await guarded(t)
  const peer = await silent(t, url, { headers: as('alice') })
  peer.send({ type: 'connect' }, { type: 'subscribe', id: 's', topics: ['t'] })
  await peer.next('connected')
  await peer.next('subscribed')
  await peer.next('caught_up')
  await peer.settled()
  peer.send({ type: 'credit', id: 's', records: 10 })
  await until(() => log.waiting === 1)
  revoke([...acls].find(({ operation }) => operation === 'READ')!)
  t.match(await peer.next('error'), { id: 's', retry: false, problem: { status: 403, missing: { operation: 'READ', resourceName: 't' } } })
  allow('alice', 'READ', 't')
  peer.send({ type: 'subscribe', id: 's', topics: ['t'], credit: { records: 1 } })
  await peer.next('subscribed')
})

t.test('a principal has as many sessions and subscriptions as it may, and no more', async t => {
  const joined: string[] = []
  const connections = {
    admit: () => 'admitted' as const,
    left () {},
    joined: (name: string) => joined.length < 2 && joined.push(name) > 0,
    parted: (name: string) => { joined.splice(joined.indexOf(name), 1) }
  }
  const { url } = await guarded(t, { door: { connections } })
  const first = await openPeer(t, url, { headers: as('alice') })
  await openPeer(t, url, { headers: as('alice') })
  t.same(joined, ['User:alice', 'User:alice'])
  const third = await silent(t, url, { headers: as('alice') })
  t.match(await third.next('error'), { retry: true, problem: { status: 429 } })
  t.match(await third.closed, { code: 4429 })
  await first.close()
  await until(() => joined.length === 1)
  await openPeer(t, url, { headers: as('alice') })

  const tally = new Tally(2)
  const [alice, bob] = ['alice', 'bob'].map(name => ({ type: 'User', name }))
  t.same([tally.add(alice!), tally.add(alice!), tally.add(alice!), tally.add(bob!)], [true, true, false, true])
  tally.remove(alice!)
  t.ok(tally.add({ ...alice! }), 'whatever object stands for them')
})
