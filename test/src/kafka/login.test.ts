import t from 'tap'
import { apis } from '../../../protocol/apis.ts'
import { errors } from '../../../protocol/errors.ts'
import { Fetch } from '../../../protocol/messages/01-fetch.ts'
import { Metadata } from '../../../protocol/messages/03-metadata.ts'
import { SaslHandshake } from '../../../protocol/messages/17-sasl-handshake.ts'
import { ApiVersions } from '../../../protocol/messages/18-api-versions.ts'
import { InitProducerId } from '../../../protocol/messages/22-init-producer-id.ts'
import { SaslAuthenticate } from '../../../protocol/messages/36-sasl-authenticate.ts'
import type { Principal } from '../../../protocol/rpc.ts'
import type { Api, RequestInput, Response } from '../../../protocol/schema.ts'
import { authenticate, fakeSasl, handshake, login, plain, saslDoor, token } from './sasl.ts'
import { deferred, openDoor, requestFrame, until } from './wire.ts'

t.test('a client that proves who it is is served as that, and is the same object from request to request', async t => {
  const principals: Principal[] = []
  const sasl = fakeSasl()
  const door = await openDoor(t, { ...saslDoor(sasl), answer: (_api, _request, { principal }) => { principals.push(principal); return {} } })
  for (const version of [0, 1, 2]) {
    const wire = await door.open()
    t.match(await handshake(wire), { errorCode: errors.NONE, mechanisms: ['PLAIN', 'SCRAM-SHA-256', 'OAUTHBEARER'] })
    const answer = await authenticate(wire, plain('alice'), version)
    t.match(answer, { errorCode: errors.NONE, errorMessage: null, authBytes: Buffer.alloc(0), sessionLifetimeMs: 0 })
    await wire.ping()
    await wire.ping()
    t.same(principals.splice(0), [{ type: 'User', name: 'alice' }, { type: 'User', name: 'alice' }])
  }
  t.same(sasl.origins[0], { address: '127.0.0.1', listener: 'test' })
  t.equal(door.stats.authentications.PLAIN.success, 3)
  t.equal(door.connections.stats.principals, 1)
})

t.test('a mechanism of several steps, and one whose error is heard first', async t => {
  const door = await openDoor(t, saslDoor(fakeSasl()))
  const wire = await door.open()
  await handshake(wire, 'SCRAM-SHA-256')
  t.equal((await authenticate(wire, Buffer.from('n,,n=alice'))).authBytes.toString(), 'r=1')
  t.equal((await authenticate(wire, plain('alice'))).authBytes.toString(), 'v=1')
  await wire.ping()

  const bearer = await door.open()
  await handshake(bearer, 'OAUTHBEARER')
  const error = await authenticate(bearer, Buffer.from('old'))
  t.match(error, { errorCode: errors.NONE, authBytes: Buffer.from('{"status":"invalid_token"}'), sessionLifetimeMs: 0 })
  const refusal = await authenticate(bearer, Buffer.from('\x01'))
  t.match(refusal, { errorCode: errors.SASL_AUTHENTICATION_FAILED, errorMessage: /credentials are not valid/ })
  await bearer.closed()
  await door.ended('authentication_failed')
  t.match(door.stats.authentications, { 'SCRAM-SHA-256': { success: 1, failure: 0 }, OAUTHBEARER: { success: 0, failure: 1 } })
})

t.test('a client that takes the error for a success is told so in the answer to what it asks next', async t => {
  const door = await openDoor(t, saslDoor(fakeSasl()))
  const refused = async <A extends Api>(api: A, version: number, request: RequestInput<A>): Promise<Response<A>> => {
    const wire = await door.open()
    await handshake(wire, 'OAUTHBEARER')
    await authenticate(wire, Buffer.from('old'))
    wire.send(api, version, 9, request)
    const { body } = await wire.answer(api, version)
    await wire.closed()
    return body
  }
  for (const version of [1, 6, 12]) {
    t.match(await refused(Metadata, version, { topics: [{ name: 'orders' }] }), { topics: [{ errorCode: errors.ILLEGAL_SASL_STATE, name: 'orders' }] })
  }
  t.match(await refused(InitProducerId, 4, { transactionalId: null, transactionTimeoutMs: 1 }), { errorCode: errors.ILLEGAL_SASL_STATE })
  await door.ended('not_authenticated', 4)

  const wire = await door.open()
  await handshake(wire)
  wire.send(Fetch, 4, 9, { maxWaitMs: 0, minBytes: 0, topics: [] })
  await wire.closed()
  await door.ended('not_authenticated', 5)
  t.pass('where there is no place for it, it is told nothing')
})

t.test('a failure is answered, after the delay that it deserves, and closes the connection', async t => {
  const sasl = fakeSasl()
  sasl.delayMs = 150
  const door = await openDoor(t, saslDoor(sasl))
  const wire = await door.open()
  await handshake(wire)
  const start = performance.now()
  wire.send(SaslAuthenticate, 2, 2, { authBytes: plain('alice', 'wrong') })
  wire.send(Metadata, 1, 3, { topics: [] })
  const { body } = await wire.answer(SaslAuthenticate, 2)
  t.match(body, { errorCode: errors.SASL_AUTHENTICATION_FAILED, errorMessage: 'Authentication failed: the credentials are not valid.', sessionLifetimeMs: 0 })
  t.ok(performance.now() - start >= 149)
  await wire.closed()
  await door.ended('authentication_failed')
  const line = door.logs.at(-1)!
  const msg = 'Authentication with PLAIN failed: the password of alice is wrong. The connection is closed.'
  t.match(line, { level: 30, listener: 'test', address: '127.0.0.1', msg })
  t.notMatch(JSON.stringify(door.logs), /wrong["-]|alice-secret/)
  t.equal(door.stats.authentications.PLAIN.failure, 1)
  t.equal(door.connections.stats.principals, 0)
})

t.test('who leaves, and a listener that closes, do not wait for the delay', async t => {
  const sasl = fakeSasl()
  sasl.delayMs = 60_000
  const door = await openDoor(t, saslDoor(sasl))
  const [one, two] = [await door.open(), await door.open()]
  for (const wire of [one, two]) {
    await handshake(wire)
    wire.send(SaslAuthenticate, 2, 2, { authBytes: plain('alice', 'wrong') })
  }
  await until(() => door.stats.authentications.PLAIN.failure === 2)
  one.socket.resetAndDestroy()
  await until(() => door.stats.connections === 1)
  two.socket.end()
  const start = performance.now()
  await door.listener.close(10_000)
  await until(() => door.stats.connections === 0)
  t.ok(performance.now() - start < 1000)
})

t.test('a handshake v0 is followed by bare tokens, answered bare', async t => {
  const door = await openDoor(t, saslDoor(fakeSasl()))
  const wire = await door.open()
  await handshake(wire, 'PLAIN', 0)
  wire.write(token(plain('alice')))
  t.same(await wire.bare(), Buffer.alloc(0))
  await wire.ping()

  const scram = await door.open()
  await handshake(scram, 'SCRAM-SHA-256', 0)
  scram.write(token(Buffer.from('n,,n=alice')))
  t.equal((await scram.bare()).toString(), 'r=1')
  scram.write(token(plain('alice')))
  t.equal((await scram.bare()).toString(), 'v=1')
  await scram.ping()

  const wrong = await door.open()
  await handshake(wrong, 'PLAIN', 0)
  wrong.write(token(plain('alice', 'wrong')))
  await wrong.closed()
  await door.ended('authentication_failed')
})

t.test('an unknown mechanism is answered with those that there are, and then closed', async t => {
  const door = await openDoor(t, { ...saslDoor(fakeSasl()), mechanisms: ['PLAIN'] })
  for (const mechanism of ['GSSAPI', 'SCRAM-SHA-256', '']) {
    const wire = await door.open()
    t.match(await handshake(wire, mechanism), { errorCode: errors.UNSUPPORTED_SASL_MECHANISM, mechanisms: ['PLAIN'] })
    await wire.closed()
  }
  await door.ended('authentication_failed', 3)
  t.match(door.logs.at(-1)!.msg, /these are: PLAIN\./)
  t.equal(door.stats.authentications.other.failure, 3)
})

t.test('before authentication, of all apis in all versions three are answered; the others close the connection', async t => {
  const door = await openDoor(t, { ...saslDoor(fakeSasl()), bounds: { ratePerAddress: 100_000 }, answer: () => { throw new Error('dispatched') } })
  const answered: string[] = []
  for (let key = 0; key < 93; key++) {
    const api = apis.find(one => one.key === key)
    const [min, max] = api?.versions ?? [0, 1]
    await Promise.all(Array.from({ length: max - min + 3 }, async (_, i) => {
      const version = min - 1 + i
      const wire = await door.open()
      if (key === SaslAuthenticate.key) await handshake(wire)
      const bodies = new Map([[SaslHandshake.key, '0005504c41494e'], [SaslAuthenticate.key, version === 2 ? '000100' : '00000000'], [ApiVersions.key, '']])
      const frame = Buffer.from(`000000000000000000000007ffff${bodies.get(key) ?? '00'}`, 'hex')
      frame.writeInt32BE(frame.length - 4, 0)
      frame.writeInt16BE(key, 4)
      frame.writeInt16BE(version, 6)
      wire.write(frame)
      if (await wire.next() !== null) answered.push(`${key} v${version}`)
      wire.socket.destroy()
    }))
  }
  t.same(answered.sort(), [
    '17 v0', '17 v1', '36 v0', '36 v1', '36 v2',
    // In a version that nobody knows it is answered with those that we do (KIP-511).
    '18 v-1', '18 v0', '18 v1', '18 v2', '18 v5'
  ].sort())
  t.match(door.logs.find(({ api }) => api === 'Produce'), { msg: /Unexpected Kafka request of type Produce before authentication: set security\.protocol/ })
})

t.test('SaslAuthenticate needs a SaslHandshake, one after the other', async t => {
  const door = await openDoor(t, saslDoor(fakeSasl()))
  const wire = await door.open()
  wire.send(SaslAuthenticate, 2, 1, { authBytes: plain('alice') })
  await wire.closed()
  await door.ended('not_authenticated')
  const twice = await door.open()
  await handshake(twice)
  t.equal((await handshake(twice)).errorCode, errors.ILLEGAL_SASL_STATE)
  await twice.closed()
  await door.ended('not_authenticated', 2)
})

t.test('requests before authentication are few, and small', async t => {
  const door = await openDoor(t, saslDoor(fakeSasl()))
  const wire = await door.open()
  for (let i = 0; i < 9; i++) wire.send(ApiVersions, 0, i, {})
  for (let i = 0; i < 8; i++) await wire.answer(ApiVersions, 0)
  await wire.closed()
  await door.ended('not_authenticated')

  const large = await door.open()
  large.write(Buffer.from('00080001', 'hex'))
  await large.closed()
  const known = await door.open()
  await handshake(known)
  known.write(Buffer.from('00080001', 'hex'))
  await known.closed()
  t.match(door.logs.at(-1)!.msg, /a frame of 524289 bytes was announced, the limit is 524288/)

  const authenticated = await door.open()
  await login(authenticated, 'alice')
  authenticated.write(requestFrame(Metadata, 1, 1, { topics: Array.from({ length: 100_000 }, () => ({ name: 'a-topic' })) }))
  t.equal((await authenticated.answer(Metadata, 1)).correlationId, 1)
})

t.test('who does not say in time who it is is closed', async t => {
  const sasl = fakeSasl()
  sasl.before = () => new Promise(() => {})
  const door = await openDoor(t, { ...saslDoor(sasl), limits: { authenticationTimeoutMs: 150 } })
  const start = performance.now()
  const silent = await door.open()
  const slow = await door.open()
  const checked = await door.open()
  await handshake(checked)
  checked.send(SaslAuthenticate, 2, 2, { authBytes: plain('alice') })
  slow.write(Buffer.from([0, 0, 1, 0]))
  const talking = setInterval(() => slow.write(Buffer.from([0])), 10)
  await Promise.all([silent, checked, slow].map(wire => wire.closed()))
  clearInterval(talking)
  await until(() => door.stats.connections === 0)
  t.ok(performance.now() - start < 1150, 'within a second of the limit')
  await door.ended('not_authenticated', 3)
})

t.test('a proof that is being checked holds back what comes after it', async t => {
  const sasl = fakeSasl()
  const gate = deferred()
  sasl.before = () => gate.promise
  const seen: string[] = []
  const door = await openDoor(t, { ...saslDoor(sasl), answer: (_api, _request, { principal }) => { seen.push(principal.name); return {} } })
  const wire = await door.open()
  await handshake(wire)
  wire.send(SaslAuthenticate, 2, 2, { authBytes: plain('alice') })
  wire.send(Metadata, 1, 3, { topics: [] })
  await until(() => door.stats.bytesIn === wire.socket.bytesWritten)
  t.same(seen, [])
  gate.resolve()
  await wire.answer(SaslAuthenticate, 2)
  await wire.answer(Metadata, 1)
  t.same(seen, ['alice'])
})

t.test('an error of ours is no failure of the client, and no success', async t => {
  const sasl = fakeSasl()
  sasl.before = () => Promise.reject(new Error('the directory is gone'))
  const door = await openDoor(t, saslDoor(sasl))
  const wire = await door.open()
  await handshake(wire)
  wire.send(SaslAuthenticate, 2, 2, { authBytes: plain('alice') })
  await wire.closed()
  await door.ended('failure')
  t.match(door.logs.at(-1), { level: 50, err: { message: 'the directory is gone' } })
})

t.test('one principal has so many connections', async t => {
  const door = await openDoor(t, { ...saslDoor(fakeSasl()), bounds: { maxPerPrincipal: 2 } })
  const [one, two, three, other] = [await door.open(), await door.open(), await door.open(), await door.open()]
  await login(one, 'alice')
  await login(two, 'alice')
  await login(other, 'bob')
  await handshake(three)
  three.send(SaslAuthenticate, 2, 2, { authBytes: plain('alice') })
  await three.closed()
  await door.ended('too_many_per_principal')
  t.match(door.logs.at(-1), { principal: 'User:alice', msg: /2 connections of that principal are open, which is the limit/ })
  one.socket.destroy()
  await until(() => door.stats.connections === 2)
  await login(await door.open(), 'alice')
})
