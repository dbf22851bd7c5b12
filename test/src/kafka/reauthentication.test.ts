/**
 * Sessions that end, and are renewed (KIP-368).
 */
import t from 'tap'
import { errors } from '../../../protocol/errors.ts'
import { Metadata } from '../../../protocol/messages/03-metadata.ts'
import { ApiVersions } from '../../../protocol/messages/18-api-versions.ts'
import { SaslAuthenticate } from '../../../protocol/messages/36-sasl-authenticate.ts'
import { authenticate, fakeSasl, handshake, login, plain, saslDoor, token } from './sasl.ts'
import { deferred, openDoor } from './wire.ts'

const sleep = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

t.test('a session lasts as long as its proof, and no longer than it may', async t => {
  const sasl = fakeSasl()
  sasl.expiries.set('soon', Date.now() + 30_000)
  sasl.expiries.set('late', Date.now() + 3_600_000)
  for (const [maxReauthMs, name, least, most] of [
    [0, 'ever', 0, 0], [0, 'soon', 20_000, 30_000], [60_000, 'ever', 60_000, 60_000], [60_000, 'soon', 20_000, 30_000], [60_000, 'late', 60_000, 60_000]
  ] as const) {
    const door = await openDoor(t, { ...saslDoor(sasl), maxReauthMs })
    const { sessionLifetimeMs } = await login(await door.open(), name)
    t.ok(sessionLifetimeMs >= least && sessionLifetimeMs <= most, `${maxReauthMs} ${name}: ${sessionLifetimeMs}`)
  }
})

t.test('a session is renewed on the same connection; the old one holds until then', async t => {
  const sasl = fakeSasl()
  const seen: string[] = []
  const door = await openDoor(t, {
    ...saslDoor(sasl), maxReauthMs: 60_000, answer: (_api, _request, { principal }) => { seen.push(principal.name); return {} }
  })
  const wire = await door.open()
  await login(wire, 'alice')
  await handshake(wire)
  await wire.ping()
  t.match(await authenticate(wire, plain('alice')), { errorCode: errors.NONE, sessionLifetimeMs: 60_000 })
  await wire.ping()
  t.same(seen, ['alice', 'alice'])
  t.match(door.stats.authentications.PLAIN, { success: 1, renewed: 1, failure: 0, renewal_failed: 0 })
  t.equal(door.connections.stats.principals, 1)
  wire.socket.destroy()
  await door.ended('client')
  t.equal(door.connections.stats.principals, 0, 'it was counted once')
})

t.test('while a renewal is checked, nothing is served; after it, what came meanwhile is', async t => {
  const sasl = fakeSasl()
  const door = await openDoor(t, { ...saslDoor(sasl), maxReauthMs: 60_000 })
  const wire = await door.open()
  await login(wire, 'alice')
  await handshake(wire)
  const gate = deferred()
  sasl.before = () => gate.promise
  wire.send(SaslAuthenticate, 2, 2, { authBytes: plain('alice') })
  wire.send(Metadata, 1, 3, { topics: [] })
  setImmediate(gate.resolve)
  t.equal((await wire.answer(SaslAuthenticate, 2)).body.errorCode, errors.NONE)
  t.equal((await wire.answer(Metadata, 1)).correlationId, 3)
})

t.test('a renewal is by the same mechanism, for the same principal, and must be right', async t => {
  const cases: [mechanism: string, proof: Buffer, message: RegExp][] = [
    ['PLAIN', plain('bob'), /^Cannot change principals during re-authentication from User\.alice: User\.bob$/],
    ['SCRAM-SHA-256', plain('alice'),
      /^SASL mechanism 'SCRAM-SHA-256' requested by client is not supported for re-authentication of mechanism 'PLAIN'$/],
    ['PLAIN', plain('alice', 'wrong'), /^Authentication failed: the credentials are not valid\.$/]
  ]
  const door = await openDoor(t, saslDoor(fakeSasl()))
  for (const [i, [mechanism, proof, message]] of cases.entries()) {
    const wire = await door.open()
    await login(wire, 'alice')
    t.equal((await handshake(wire, mechanism)).errorCode, errors.NONE)
    t.match(await authenticate(wire, proof), { errorCode: errors.SASL_AUTHENTICATION_FAILED, errorMessage: message, sessionLifetimeMs: 0 })
    await wire.closed()
    await door.ended('authentication_failed', i + 1)
  }
  t.match(door.logs.at(-1), { principal: 'User:alice', msg: /^Re-authentication with PLAIN failed: the password of alice is wrong\./ })
  t.match(door.stats.authentications, { PLAIN: { success: 3, renewal_failed: 2 }, 'SCRAM-SHA-256': { renewal_failed: 1 } })
})

t.test('an expired session ends with the next request, unless that renews it', async t => {
  const door = await openDoor(t, { ...saslDoor(fakeSasl()), maxReauthMs: 100 })
  const [stale, renewed] = [await door.open(), await door.open()]
  for (const wire of [stale, renewed]) t.equal((await login(wire, 'alice')).sessionLifetimeMs, 100)
  await stale.ping()
  await sleep(120)
  stale.send(ApiVersions, 0, 1, {})
  t.equal((await stale.answer(ApiVersions, 0)).correlationId, 1)
  stale.send(Metadata, 1, 2, { topics: [] })
  await stale.closed()
  await door.ended('session_expired')
  t.match(door.logs.at(-1), { principal: 'User:alice', api: 'Metadata', msg: /after the session had expired/ })

  await handshake(renewed)
  t.equal((await authenticate(renewed, plain('alice'))).errorCode, errors.NONE)
  await renewed.ping()
})

t.test('a session may be renewed as often as a client likes; a proof that nobody asked for changes nothing', async t => {
  const door = await openDoor(t, saslDoor(fakeSasl()))
  const wire = await door.open()
  await login(wire, 'alice')
  for (let i = 0; i < 20; i++) {
    await login(wire, 'alice')
    await wire.ping()
  }
  t.equal(door.stats.authentications.PLAIN.renewed, 20)
  t.match(await authenticate(wire, plain('bob')), { errorCode: errors.ILLEGAL_SASL_STATE })
  await wire.ping()
})

t.test('bare tokens renew a session as well', async t => {
  const door = await openDoor(t, { ...saslDoor(fakeSasl()), maxReauthMs: 60_000 })
  const wire = await door.open()
  await login(wire, 'alice')
  await handshake(wire, 'PLAIN', 0)
  wire.write(token(plain('alice')))
  t.same(await wire.bare(), Buffer.alloc(0))
  await wire.ping()
})
