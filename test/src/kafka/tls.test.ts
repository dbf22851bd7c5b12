import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import t from 'tap'
import { Produce } from '../../../protocol/messages/00-produce.ts'
import { Metadata } from '../../../protocol/messages/03-metadata.ts'
import { ApiVersions } from '../../../protocol/messages/18-api-versions.ts'
import { SaslHandshake } from '../../../protocol/messages/17-sasl-handshake.ts'
import { errors } from '../../../protocol/errors.ts'
import { AuthenticationFailed } from '../../../src/auth/identity.ts'
import { subjectOf } from '../../../src/auth/distinguished-name.ts'
import type { KafkaListenerOptions } from '../../../src/kafka/listener.ts'
import type { ListenerTls } from '../../../src/kafka/tls.ts'
import { createAuthority, expired, type Leaf } from '../../support/certificates.ts'
import { fakeSasl, login, saslDoor } from './sasl.ts'
import { fetched, openDoor, produce, requestFrame, until, type DoorOptions, type Door } from './wire.ts'

const authority = await createAuthority()
const stranger = await createAuthority('CN=Somebody Else')
const server = await authority.server()
const alice = await authority.client({ subject: 'CN=alice,O=Org' })

interface Settable extends ListenerTls { replace: (leaf: Leaf) => void }

function tlsOf (clientAuth: ListenerTls['clientAuth'] = 'none', leaf = server): Settable {
  let current = leaf
  const listeners: (() => void)[] = []
  return {
    clientAuth,
    context: () => ({ cert: current.cert, key: current.key, ca: authority.cert }),
    onReload: listener => { listeners.push(listener) },
    replace (leaf) {
      current = leaf
      for (const listener of listeners) listener()
    }
  }
}

const identityOf: NonNullable<KafkaListenerOptions['identityOf']> = certificate => {
  const name = /^CN=(\w+),O=Org$/.exec(subjectOf(certificate))?.[1]
  if (name === undefined) throw new AuthenticationFailed('no rule fits')
  return { principal: { type: 'User', name }, method: 'TLS', expiresAtMs: null }
}

const trusting = { ca: authority.cert }
const ssl = (tls: ListenerTls = tlsOf()): DoorOptions => ({ protocol: 'SSL', tls, identityOf })

/** Reads a socket to its end, which may be a RST. */
const gone = (socket: Socket): Promise<void> => new Promise(resolve => socket.on('error', () => {}).resume().once('close', () => resolve()))

/** Opens a connection and sees it closed by the server: with TLS 1.3 a client learns of a refusal only after its own handshake. */
async function refused (door: Door, options: object): Promise<void> {
  try {
    const wire = await door.openTls({ ...trusting, ...options })
    wire.socket.on('error', () => {})
    await wire.next()
    wire.socket.destroy()
  } catch {} // within the handshake, with TLS 1.2
}

t.test('requests over TLS 1.2 and 1.3, small and large, in both directions', async t => {
  const records = Buffer.alloc(3 * 1024 * 1024, 'abcdefg')
  const door = await openDoor(t, { ...ssl(), answer: api => api === Produce ? { responses: [] } : fetched(records) })
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const wire = await door.openTls({ ...trusting, minVersion: version, maxVersion: version })
    t.equal((wire.socket as TLSSocket).getProtocol(), version)
    wire.send(ApiVersions, 0, 1, {})
    await wire.answer(ApiVersions, 0)
    wire.write(Buffer.concat([1, 2, 3].map(id => requestFrame(Produce, 9, id, produce(-1, 't', records)))))
    for (const id of [1, 2, 3]) t.equal((await wire.answer(Produce, 9)).correlationId, id)
    wire.socket.destroy()
  }
  await until(() => door.connections.stats.open === 0)
  t.equal(door.stats.connections, 0)
  t.match(door.stats.listeners.get('test'), { protocol: 'SSL', open: 0, total: 2 })
})

t.test('what was sent before the end is carried out and answered, as without TLS', async t => {
  const door = await openDoor(t, { ...ssl(), answer: async () => { await new Promise(resolve => setTimeout(resolve, 20)); return { responses: [] } } })
  const wire = await door.openTls(trusting)
  wire.send(Produce, 9, 1, produce(-1))
  wire.send(Produce, 9, 2, produce(-1))
  wire.socket.end()
  t.equal((await wire.answer(Produce, 9)).correlationId, 1)
  t.equal((await wire.answer(Produce, 9)).correlationId, 2)
  await wire.closed()
  await door.ended('client')
})

t.test('older versions of TLS are refused, with what to do', async t => {
  const door = await openDoor(t, ssl())
  await refused(door, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' })
  await door.ended('tls')
  t.match(door.logs.at(-1), { level: 40, msg: /does not speak TLS 1\.2 or 1\.3/ })
})

t.test('a certificate names the principal, where one is required', async t => {
  const names: string[] = []
  const door = await openDoor(t, { ...ssl(tlsOf('required')), answer: (_api, _request, { principal }) => { names.push(principal.name); return {} } })
  const wire = await door.openTls({ ...trusting, ...alice })
  await wire.ping()
  t.same(names, ['alice'])
  t.equal(door.connections.stats.principals, 1)

  await refused(door, {})
  await door.ended('tls', 1)
  t.match(door.logs.at(-1), { level: 40, msg: /showed no certificate, which is required there/ })
  await refused(door, await stranger.client({ subject: 'CN=alice,O=Org' }))
  await door.ended('tls', 2)
  t.match(door.logs.at(-1), { msg: /showed a certificate that is not accepted \(\w+\)/ })
  await refused(door, await authority.client({ subject: 'CN=alice,O=Org', ...expired() }))
  await door.ended('tls', 3)
  t.match(door.logs.at(-1), { msg: /not accepted \(CERT_HAS_EXPIRED\)/ })
  await refused(door, await authority.client({ subject: 'CN=alice,O=Another' }))
  await door.ended('authentication_failed', 1)
  t.match(door.logs.at(-1), { msg: 'Authentication with a certificate failed: no rule fits. The connection is closed.', address: '127.0.0.1' })
  t.match(door.stats.authentications.TLS, { success: 1, failure: 1 })
  t.equal(door.connections.stats.open, 1)
})

t.test('where a certificate is requested, none is as good as a right one, and a wrong one is not', async t => {
  const names: string[] = []
  const door = await openDoor(t, { ...ssl(tlsOf('requested')), answer: (_api, _request, { principal }) => { names.push(principal.name); return {} } })
  await (await door.openTls({ ...trusting, ...alice })).ping()
  await (await door.openTls(trusting)).ping()
  t.same(names, ['alice', 'ANONYMOUS'])
  await refused(door, await stranger.client({ subject: 'CN=alice,O=Org' }))
  await door.ended('tls')
  t.match(door.logs.at(-1), { msg: /showed a certificate that is not accepted/ })
})

t.test('with SASL over TLS, SASL says who it is', async t => {
  const names: string[] = []
  const door = await openDoor(t, {
    ...saslDoor(fakeSasl()),
    protocol: 'SASL_SSL',
    tls: tlsOf('requested'),
    identityOf,
    answer: (_api, _request, { principal }) => { names.push(principal.name); return {} }
  })
  const wire = await door.openTls({ ...trusting, ...alice })
  await login(wire, 'bob')
  await wire.ping()
  t.same(names, ['bob'])
  const early = await door.openTls({ ...trusting, ...alice })
  early.send(Metadata, 1, 1, { topics: [] })
  await early.closed()
  await door.ended('not_authenticated')
})

t.test('SASL where TLS is all: the client is told so', async t => {
  const door = await openDoor(t, ssl())
  const wire = await door.openTls(trusting)
  wire.send(SaslHandshake, 1, 1, { mechanism: 'PLAIN' })
  t.equal((await wire.answer(SaslHandshake, 1)).body.errorCode, errors.ILLEGAL_SASL_STATE)
})

t.test('a new certificate is used from the next connection on, and the open ones stay', async t => {
  const tls = tlsOf()
  const door = await openDoor(t, ssl(tls))
  const numberOf = (socket: TLSSocket): string => socket.getPeerCertificate().serialNumber
  const before = await door.openTls(trusting)
  await before.ping(1)
  tls.replace(await authority.server())
  const after = await door.openTls(trusting)
  t.not(numberOf(before.socket as TLSSocket), numberOf(after.socket as TLSSocket))
  await before.ping(2)
  await after.ping()

  tls.replace({ cert: server.cert, key: 'nonsense' })
  t.match(door.logs.at(-1), { level: 50, msg: /the one before stays in use/ })
  const still = await door.openTls(trusting)
  t.equal(numberOf(still.socket as TLSSocket), numberOf(after.socket as TLSSocket))
  await before.ping(3)
  t.equal(door.stats.connectionsTotal, 3)
})

t.test('what is not TLS is named as such: a Kafka client, an HTTP client, nonsense', async t => {
  const door = await openDoor(t, ssl())
  const cases: [Buffer | string, RegExp][] = [
    [requestFrame(ApiVersions, 0, 1, {}), /Something that is not TLS reached the Kafka port 127\.0\.0\.1:\d+, which speaks TLS: set security\.protocol=SSL/],
    [requestFrame(ApiVersions, 3, 1, { clientSoftwareName: 'apache-kafka-java', clientSoftwareVersion: '4.3.1' }), /not TLS.*set security\.protocol=SSL/],
    ['GET / HTTP/1.1\r\n\r\n', /An HTTP request without TLS reached/],
    ['SSH-2.0-OpenSSH_9.9\r\n', /not TLS/]
  ]
  for (const [i, [bytes, sentence]] of cases.entries()) {
    const socket = connect(door.port, '127.0.0.1')
    socket.write(bytes)
    await gone(socket)
    await door.ended('tls', i + 1)
    t.match(door.logs.at(-1), { level: 40, listener: 'test', address: '127.0.0.1', msg: sentence })
  }
  t.equal(door.connections.stats.open, 0)
})

t.test('a client that does not trust us leaves a line that says so; one that only looks does not', async t => {
  const door = await openDoor(t, ssl())
  const { port } = door
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const distrustful = connectTls({ port, host: '127.0.0.1', ca: stranger.cert, minVersion: version, maxVersion: version })
    await t.rejects(once(distrustful, 'secureConnect'))
  }
  await until(() => door.connections.stats.open === 0)
  for (const line of door.logs.filter(({ level }) => level === 40)) t.match(line.msg, /does not trust our certificate/)
  const lines = door.logs.length
  const probe = connect(port, '127.0.0.1')
  await once(probe, 'connect')
  await until(() => door.connections.stats.open === 1)
  probe.end()
  await until(() => door.connections.stats.open === 0)
  t.equal(door.logs.length, lines)
})

t.test('a TLS hello that never ends is closed in time, and so is none at all', async t => {
  const door = await openDoor(t, { ...ssl(), limits: { authenticationTimeoutMs: 200 } })
  const start = performance.now()
  const [slow, silent] = [connect(door.port, '127.0.0.1'), connect(door.port, '127.0.0.1')]
  const hello = Buffer.concat([Buffer.from('160301020001000', 'hex'), Buffer.alloc(600, 1)])
  let at = 0
  const talking = setInterval(() => { slow.write(hello.subarray(at, ++at)) }, 20)
  await Promise.all([slow, silent].map(gone))
  clearInterval(talking)
  t.ok(performance.now() - start < 1200, 'within a second of the limit')
  await door.ended('tls', 2)
  t.match(door.logs.at(-1)!.msg, /did not finish the TLS handshake in time/)
  await until(() => door.connections.stats.open === 0)
})

t.test('the time for the handshake is part of the time for the proof', async t => {
  const door = await openDoor(t, { ...saslDoor(fakeSasl()), protocol: 'SASL_SSL', tls: tlsOf(), limits: { authenticationTimeoutMs: 600 } })
  const start = performance.now()
  const raw = connect(door.port, '127.0.0.1')
  await once(raw, 'connect')
  await new Promise(resolve => setTimeout(resolve, 400))
  const socket = connectTls({ socket: raw, ...trusting, host: '127.0.0.1' })
  await once(socket, 'secureConnect')
  await gone(socket)
  const took = performance.now() - start
  t.ok(took >= 599 && took < 999, `${took}`)
  await door.ended('not_authenticated')
})

t.test('a listener that closes waits for no handshake', async t => {
  const door = await openDoor(t, ssl())
  const socket = connect(door.port, '127.0.0.1')
  await once(socket, 'connect')
  await until(() => door.connections.stats.open === 1)
  const closed = gone(socket)
  await door.listener.close(60_000)
  await closed
})

t.test('a listener with TLS or SASL needs what that needs', async t => {
  await t.rejects(openDoor(t, { protocol: 'SSL' }), { message: 'A listener with the protocol SSL needs a certificate.' })
  await t.rejects(openDoor(t, { protocol: 'SASL_PLAINTEXT' }), { message: /needs somebody who knows credentials/ })
})
