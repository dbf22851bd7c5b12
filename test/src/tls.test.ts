import { once } from 'node:events'
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect, createServer, type SecureContextOptions, type TLSSocket } from 'node:tls'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { TlsFiles } from '../../src/tls.ts'
import { createAuthority, expired, type Leaf } from '../support/certificates.ts'

const authority = await createAuthority()
const first = await authority.server({ subject: 'CN=first' })
const second = await authority.server({ subject: 'CN=second' })

interface Place { readonly folder: string, readonly paths: { cert: string, key: string, ca: string | null }, write (leaf: Leaf): void }

function place (t: Test): Place {
  const folder = t.testdir()
  const paths = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem'), ca: null }
  const write = ({ cert, key }: Leaf): void => {
    writeFileSync(paths.cert, cert)
    writeFileSync(paths.key, key)
  }
  return { folder, paths, write }
}

function open (t: Test, paths: Place['paths'], pollMs?: number): { files: TlsFiles, lines: string[] } {
  const lines: string[] = []
  const files = new TlsFiles(paths, pino({ base: null }, { write: line => { lines.push(line) } }), pollMs)
  t.teardown(() => files.close())
  return { files, lines }
}

/** The files do not keep a process alive, so the test does. */
async function reloaded (files: TlsFiles): Promise<SecureContextOptions> {
  const alive = setInterval(() => {}, 1000)
  return await new Promise<SecureContextOptions>(resolve => files.onReload(resolve)).finally(() => clearInterval(alive))
}

t.test('the name and the end of a certificate are known, that of the authorities as well', async t => {
  const { paths, folder, write } = place(t)
  const notAfter = new Date(Math.ceil(Date.now() / 1000) * 1000 + 3_600_000)
  write(await authority.server({ subject: 'CN=log.example.com,O=Example', notAfter }))
  const { files } = open(t, paths)
  t.equal(files.expiresAtMs, notAfter.getTime())
  t.match(files.subject, 'CN=log.example.com')
  t.same(files.files.map(({ file }) => file), ['cert'])
  t.equal(files.context().minVersion, 'TLSv1.2')
  writeFileSync(join(folder, 'ca.pem'), authority.cert)
  t.same(open(t, { ...paths, ca: join(folder, 'ca.pem') }).files.files.map(({ file }) => file), ['cert', 'ca'])
})

t.test('what cannot be used is refused in a sentence that names the file', async t => {
  const { paths, folder, write } = place(t)
  const refused = (sentence: RegExp): void => { t.throws(() => open(t, paths), { message: sentence }) }
  refused(/cert\.pem cannot be read: ENOENT/)
  write({ cert: first.cert, key: second.key })
  refused(/key\.pem is not the key of the certificate in \S+cert\.pem, which is that of CN=first\. Give the two that were made together\.$/)
  write({ cert: 'no PEM', key: first.key })
  refused(/cert\.pem holds no certificate\. Expected a PEM file/)
  write({ cert: first.cert.replace(/\nM.*\n/, '\nxx\n'), key: first.key })
  refused(/cert\.pem holds a certificate that cannot be read/)
  write({ cert: first.cert, key: 'no PEM either: canary' })
  refused(/key\.pem holds no private key that can be read\. Expected a PEM file with -----BEGIN PRIVATE KEY-----\.$/)
  write({ cert: first.cert, key: first.key.replaceAll('PRIVATE', 'ENCRYPTED PRIVATE') })
  refused(/key\.pem holds a key with a passphrase/)
  write(await authority.server(expired()))
  refused(/cert\.pem: the certificate of CN=server ran out at \d{4}-.*Z\. Give one that is valid\.$/)
  write(await authority.server({ notBefore: new Date(Date.now() + 86_400_000) }))
  refused(/is not valid before .* Check the clock/)
  write(first)
  writeFileSync(join(folder, 'ca.pem'), '')
  t.throws(() => open(t, { ...paths, ca: join(folder, 'ca.pem') }), { message: /ca\.pem holds no certificate/ })
})

t.test('a new pair is used as soon as it is there', async t => {
  const { paths, write } = place(t)
  write(first)
  const { files, lines } = open(t, paths)
  const change = reloaded(files)
  write(second)
  t.equal((await change).cert, second.cert)
  t.match(files.subject, 'CN=second')
  t.match(lines, [/"subject":"CN=second".*"msg":"a new certificate is used"/])
})

t.test('a broken pair leaves the old one in use, is logged once, and is mended by the next', async t => {
  const { paths, write } = place(t)
  write(first)
  const { files, lines } = open(t, paths)
  write({ cert: second.cert, key: first.key })
  t.equal(files.reload(), false)
  t.equal(files.reload(), false)
  t.equal(files.context().cert, first.cert)
  t.match(files.subject, 'CN=first')
  t.match(lines, [/"level":50.*is not the key of.*"msg":"the new certificate is not used: the one before it serves on"/])
  rmSync(paths.key)
  t.equal(files.reload(), false)
  write(await authority.server(expired()))
  t.equal(files.reload(), false)
  t.equal(lines.length, 3)
  t.notMatch(lines.join(), 'PRIVATE')
  write(second)
  t.equal(files.reload(), true)
  t.equal(files.reload(), false, 'and what is the same is nothing new')
  t.equal(files.context().cert, second.cert)
})

t.test('links that are swapped, as a volume of Kubernetes does it', async t => {
  const folder = t.testdir()
  for (const [name, { cert, key }] of [['v1', first], ['v2', second]] as const) {
    mkdirSync(join(folder, name))
    writeFileSync(join(folder, name, 'cert.pem'), cert)
    writeFileSync(join(folder, name, 'key.pem'), key)
  }
  symlinkSync('v1', join(folder, '..data'))
  for (const name of ['cert.pem', 'key.pem']) symlinkSync(join('..data', name), join(folder, name))
  const { files } = open(t, { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem'), ca: null })
  const change = reloaded(files)
  symlinkSync('v2', join(folder, '..new'))
  renameSync(join(folder, '..new'), join(folder, '..data'))
  t.equal((await change).cert, second.cert)
})

t.test('what no folder tells of is found by looking', async t => {
  const target = place(t)
  target.write(first)
  const folder = join(target.folder, 'links')
  mkdirSync(folder)
  for (const name of ['cert.pem', 'key.pem']) symlinkSync(join('..', name), join(folder, name))
  const { files } = open(t, { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem'), ca: null }, 20)
  const change = reloaded(files)
  target.write(second)
  t.equal((await change).cert, second.cert)
})

t.test('connections that are open stay open, and new ones see the new certificate', async t => {
  const { paths, write } = place(t)
  write(first)
  const { files } = open(t, paths)
  const server = createServer(files.context(), socket => socket.pipe(socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  files.onReload(context => server.setSecureContext(context))
  const { port } = server.address() as { port: number }
  const dial = async (): Promise<TLSSocket> => {
    const socket = connect({ port, host: '127.0.0.1', ca: authority.cert })
    t.teardown(() => socket.destroy())
    await once(socket, 'secureConnect')
    return socket
  }
  t.teardown(() => server.close())
  const before = await dial()
  t.equal(before.getPeerCertificate().subject.CN, 'first')
  write(second)
  t.equal(files.reload(), true)
  t.equal((await dial()).getPeerCertificate().subject.CN, 'second')
  before.write('still here')
  t.equal(String((await once(before, 'data'))[0]), 'still here')
})
