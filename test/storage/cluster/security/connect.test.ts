import t, { type Test } from 'tap'
import { once } from 'node:events'
import { utimesSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { createServer as createTlsServer, TLSSocket, type TlsOptions } from 'node:tls'
import { createUpstreamSecurity, type Surroundings } from '../../../../storage/cluster/security/security.ts'
import type { UpstreamSecurityOptions } from '../../../../storage/cluster/security/options.ts'
import type { UpstreamSecurity } from '../../../../storage/cluster/upstream.ts'
import { createAuthority, expired, type Leaf } from '../../../support/certificates.ts'

const plain: UpstreamSecurityOptions = { tls: null, sasl: null, credentials: null, insecure: false }
const never = new AbortController().signal

const authority = await createAuthority()
const [server, client, stranger] = [await authority.server(), await authority.client(), await createAuthority('CN=Stranger')]

async function listen (t: Test, server: Server, host = '127.0.0.1'): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', socket => {
    sockets.add(socket)
    socket.on('error', () => {})
  }).listen(0, host)
  await once(server, 'listening')
  t.teardown(async () => {
    server.close()
    for (const socket of sockets) socket.destroy()
    await once(server, 'close')
  })
  return (server.address() as AddressInfo).port
}

const tlsServer = (t: Test, { cert, key }: Leaf, options: TlsOptions = {}, onSecure: (socket: TLSSocket) => void = () => {}): Promise<number> =>
  listen(t, createTlsServer({ cert, key, ...options }, onSecure).on('tlsClientError', () => {}))

/** A folder of PEM files, and what uses them. */
function withFiles (t: Test, files: Record<string, string>, own = false, surroundings: Surroundings = {}): { folder: string, security: UpstreamSecurity } {
  const folder = t.testdir(files)
  const [cert, key] = own ? [join(folder, 'cert'), join(folder, 'key')] : [null, null]
  return { folder, security: createUpstreamSecurity({ ...plain, tls: { ca: join(folder, 'ca'), cert, key } }, surroundings) }
}

const fails = async (security: UpstreamSecurity, port: number, host = '127.0.0.1', signal = never): Promise<string> => {
  try {
    (await security.connect({ host, port }, signal)).destroy()
    return 'no failure'
  } catch (error) {
    return (error as Error).message
  }
}

t.test('a connection', async t => {
  const port = await listen(t, createServer())
  const socket = await createUpstreamSecurity(plain).connect({ host: 'localhost', port }, never)
  t.equal(socket.remotePort, port)
  t.equal(socket.listenerCount('error'), 0, 'errors are for whoever has it now')
  socket.destroy()
})

t.test('nobody is there, or nobody answers', async t => {
  const gone = createServer()
  const port = await listen(t, gone)
  const security = createUpstreamSecurity(plain, { connectTimeoutMs: 50 })
  t.match(await fails(security, 1), /^The broker at 127\.0\.0\.1:1 refuses connections \(ECONNREFUSED\)/)
  t.match(await fails(security, 1, '::1'), /^The broker at \[::1\]:1 /)
  t.match(await fails(security, 1, 'nobody.invalid'), /cannot be found|did not answer within 50 ms/)
  const { security: tls } = withFiles(t, { ca: authority.cert }, false, { connectTimeoutMs: 50 })
  t.match(await fails(tls, port), `The broker at 127.0.0.1:${port} did not finish the TLS handshake within 50 ms.`)
})

t.test('whoever has left waits no longer', async t => {
  const port = await listen(t, createServer())
  const { security } = withFiles(t, { ca: authority.cert })
  const controller = new AbortController()
  const connecting = fails(security, port, '127.0.0.1', controller.signal)
  controller.abort(new Error('left'))
  t.equal(await connecting, 'left')
  t.equal(await fails(security, port, '127.0.0.1', controller.signal), 'left')
  t.equal(await fails(security, port, '127.0.0.1', AbortSignal.timeout(50)), `The broker at 127.0.0.1:${port} did not finish the TLS handshake in time.`)
})

t.test('TLS: the authority and the name of the certificate are checked', async t => {
  const port = await tlsServer(t, server)
  const { security } = withFiles(t, { ca: authority.cert })
  const socket = await security.connect({ host: 'localhost', port }, never)
  t.ok(socket instanceof TLSSocket && socket.authorized)
  t.equal((socket as TLSSocket).servername, 'localhost')
  socket.destroy()
  t.equal(await fails(security, port, '127.0.0.1'), 'no failure', 'an address that the certificate holds')

  const { security: other } = withFiles(t, { ca: stranger.cert })
  t.match(await fails(other, port), /shows a certificate that no authority of \S+ca has signed \([A-Z_]+\)\. Name the one that did with --upstream-ca FILE\.$/)
  const system = createUpstreamSecurity({ ...plain, tls: { ca: null, cert: null, key: null } })
  t.match(await fails(system, port), /no authority of this machine has signed/)

  const misnamed = await tlsServer(t, await authority.server({ san: ['kafka.example'] }))
  t.match(await fails(security, misnamed, 'localhost'), /shows a certificate that is not for localhost\./)
  t.match(await fails(security, misnamed), /shows a certificate that is not for 127\.0\.0\.1\./)
  t.match(await fails(security, await tlsServer(t, await authority.server(expired()))), /shows a certificate that has run out/)
})

t.test('TLS: a broker that does not speak it', async t => {
  const port = await listen(t, createServer(socket => { socket.end('this is no TLS, and long enough to be seen as that') }))
  const { security } = withFiles(t, { ca: authority.cert })
  t.match(await fails(security, port), /does not speak TLS there \(ERR_SSL_[A-Z_]+\)/)
  const closing = await listen(t, createServer(socket => { socket.destroy() }))
  t.match(await fails(security, closing), /closed the connection in the middle of the TLS handshake\. Is that its TLS listener/)
})

t.test('TLS: a certificate of ours is shown where we have one', async t => {
  const shown: string[] = []
  const port = await tlsServer(t, server, { ca: authority.cert, requestCert: true, maxVersion: 'TLSv1.2' }, socket => {
    shown.push(String(socket.getPeerCertificate().subject?.CN))
  })
  const { security } = withFiles(t, { ca: authority.cert, ...client }, true)
  t.equal(await fails(security, port), 'no failure')
  t.match(await fails(withFiles(t, { ca: authority.cert }).security, port), /ends the TLS handshake|closed the connection in the middle/)
  t.strictSame(shown, ['client'])
})

t.test('TLS: files that change are read again, and what is wrong with them leaves those before in use', async t => {
  let nowMs = 0
  const warnings: string[] = []
  const { folder, security } = withFiles(t, { ca: stranger.cert, ...client }, true, { clock: () => nowMs, warn: sentence => warnings.push(sentence) })
  const port = await tlsServer(t, server)
  const write = (name: string, text: string): void => {
    writeFileSync(join(folder, name), text)
    // A clock that stands still between two writes of the same length would hide the second.
    utimesSync(join(folder, name), new Date(), new Date(Date.now() + nowMs))
    nowMs += 1000
  }
  t.match(await fails(security, port), /no authority/)
  write('ca', authority.cert)
  t.equal(await fails(security, port), 'no failure')
  write('ca', 'half a fi')
  t.equal(await fails(security, port), 'no failure')
  write('ca', authority.cert)
  write('key', (await authority.client()).key)
  t.equal(await fails(security, port), 'no failure')
  t.match(warnings, [/ca holds no certificate\. .* What was read before is used on\.$/, /key is not the key of the certificate in \S+cert\./])
})

t.test('TLS: files that cannot be used are told at once', async t => {
  const create = (files: Record<string, string>): void => { withFiles(t, { ca: authority.cert, ...client, ...files }, true) }
  t.throws(() => create({ ca: 'x' }), /ca holds no certificate/)
  t.throws(() => create({ cert: '-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----' }), /cert holds a certificate that cannot be read\./)
  t.throws(() => create({ key: 'secret-canary' }), { message: /key holds no private key that can be read\. Expected [^]*$/ })
  t.throws(() => create({ key: '-----BEGIN ENCRYPTED PRIVATE KEY-----' }), /holds a key with a passphrase/)
  t.throws(() => create({ key: server.key }), /is not the key of the certificate/)
  t.throws(() => withFiles(t, {}), /ca cannot be read: /)
  const old = await authority.client(expired())
  t.throws(() => create({ ...old }), /the certificate ran out at/)
})

const elsewhere = Object.values(networkInterfaces()).flat().find(one => one?.family === 'IPv4' && !one.internal)?.address

t.test('a secret does not leave this machine unencrypted', { skip: elsewhere === undefined && 'this machine has no other address' }, async t => {
  const port = await listen(t, createServer(), '0.0.0.0')
  const password = { reveal: () => 'secret-canary' }
  const folder = t.testdir({
    plain: 'User:a: { mechanism: PLAIN, username: a, password: b }',
    scram: 'User:a: { mechanism: SCRAM-SHA-256, username: a, password: b }'
  })
  const sasl = { mechanism: 'PLAIN', username: 'a', password } as const
  const scram = { ...sasl, mechanism: 'SCRAM-SHA-256' } as const
  for (const [what, options, leaves] of [
    ['PLAIN', { sasl }, false],
    ['PLAIN of somebody', { sasl: scram, credentials: join(folder, 'plain') }, false],
    ['PLAIN, insecurely', { sasl, insecure: true }, true],
    ['SCRAM', { sasl: scram, credentials: join(folder, 'scram') }, true],
    ['nothing', {}, true]
  ] as const) {
    const security = createUpstreamSecurity({ ...plain, ...options })
    t.match(await fails(security, port, elsewhere!), leaves ? 'no failure' : /is on another machine, and without TLS .* Use TLS \(--upstream-tls\)/, what)
    t.equal(await fails(security, port), 'no failure', `${what}, on this machine`)
  }
})
