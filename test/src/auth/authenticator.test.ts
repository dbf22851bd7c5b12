/**
 * Every way to prove who one is, through the one that ties them together: what comes out, what is told of it, what is not.
 */
import t, { type Test } from 'tap'
import { X509Certificate } from 'node:crypto'
import { Authenticator, type AuthEvent, type AuthenticatorOptions } from '../../../src/auth/authenticator.ts'
import { Backoff } from '../../../src/auth/backoff.ts'
import { Credentials } from '../../../src/auth/credentials.ts'
import { AuthenticationFailed, type Identity, type Origin, type SaslExchange } from '../../../src/auth/identity.ts'
import { OauthVerifier } from '../../../src/auth/jwt.ts'
import { parsePrincipalMapping } from '../../../src/auth/principal-mapping.ts'
import { createAuthority } from '../../support/certificates.ts'
import { openJwksServer, type JwksServer } from '../../support/jwks-server.ts'
import { Users, clientFinal, refused } from './kit.ts'

const origin: Origin = { address: '10.0.0.1', listener: 'kafka' }
const SECRET = 'canary-password-91c4'

interface House {
  readonly authenticator: Authenticator
  readonly events: AuthEvent[]
  readonly provider: JwksServer
  readonly users: Users
}

async function open (t: Test, options: Partial<AuthenticatorOptions> = {}): Promise<House> {
  const users = await new Users().add('alice', SECRET)
  const provider = await openJwksServer(t)
  const events: AuthEvent[] = []
  const { url: jwksUrl, issuer, audience, ca } = provider
  const authenticator = new Authenticator({
    credentials: await Credentials.create({ directory: users, admin: { name: 'admin', password: SECRET } }),
    oauth: new OauthVerifier({ jwksUrl, issuer, audience: [audience], ca }),
    backoff: new Backoff(),
    observe: event => events.push(event),
    ...options
  })
  return { authenticator, events, provider, users }
}

const basic = (user: string, password: string): string => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
const plain = (user: string, password: string): Buffer => Buffer.from(`\0${user}\0${password}`)
const oauth = (token: string): Buffer => Buffer.from(`n,,\x01auth=Bearer ${token}\x01\x01`)

async function scram (exchange: SaslExchange, user: string, password: string): Promise<Identity> {
  const bare = `n=${user},r=abc`
  const { reply } = await exchange.step(Buffer.from(`n,,${bare}`))
  const step = await exchange.step(Buffer.from(clientFinal('SCRAM-SHA-512', password, bare, reply.toString()).message))
  if (!step.done) throw new Error('it is not done')
  return step.identity
}

async function once (exchange: SaslExchange, bytes: Buffer): Promise<Identity> {
  const step = await exchange.step(bytes)
  if (!step.done) throw new Error('it is not done')
  return step.identity
}

t.test('one user is one principal, whichever way it was proved', async t => {
  const { authenticator, events, provider } = await open(t, { principalOf: parsePrincipalMapping('RULE:CN=(.*)/$1/') })
  const token = await provider.sign()
  const authority = await createAuthority()
  const { cert } = await authority.client({ subject: 'CN=alice' })
  const basicIdentity = await authenticator.authorization(basic('alice', SECRET), origin)
  const identities = [
    basicIdentity,
    await once(authenticator.start('PLAIN', origin), plain('alice', SECRET)),
    await scram(authenticator.start('SCRAM-SHA-512', origin), 'alice', SECRET),
    await once(authenticator.start('OAUTHBEARER', origin), oauth(token)),
    await authenticator.authorization(`Bearer ${token}`, origin),
    await authenticator.bearer(token, origin),
    authenticator.certificate(new X509Certificate(cert), origin),
    authenticator.redeem(authenticator.tickets.issue(basicIdentity).ticket, origin)
  ]
  t.same(identities.map(({ method }) => method), ['BASIC', 'PLAIN', 'SCRAM-SHA-512', 'OAUTHBEARER', 'BEARER', 'BEARER', 'TLS', 'TICKET'])
  for (const { principal, expiresAtMs, method } of identities) {
    t.same(principal, { type: 'User', name: 'alice' })
    t.equal(principal, basicIdentity.principal, 'one object')
    t.equal(expiresAtMs === null, method !== 'OAUTHBEARER' && method !== 'BEARER')
  }
  t.same(events.map(({ outcome, method, cached }) => [outcome, method, cached]), [
    ['success', 'BASIC', false], ['success', 'PLAIN', false], ['success', 'SCRAM-SHA-512', false], ['success', 'OAUTHBEARER', false],
    ['success', 'BEARER', true], ['success', 'BEARER', true], ['success', 'TLS', false], ['success', 'TICKET', false]
  ])
  for (const event of events) t.match(event, { principal: 'User:alice', address: '10.0.0.1', reason: null, door: 'kafka' })
})

t.test('every failure is told, with who it is said to be, and counts', async t => {
  const { authenticator, events, provider } = await open(t, { principalOf: parsePrincipalMapping('RULE:CN=alice/$0/') })
  const { cert } = await (await createAuthority()).client({ subject: 'CN=bob,O=Org' })
  const nameless = await (await createAuthority()).client({ subject: [] })
  const attempts: readonly (readonly [method: string, principal: string | null, attempt: () => Promise<unknown>, reason: RegExp])[] = [
    ['PLAIN', 'User:alice', () => authenticator.start('PLAIN', origin).step(plain('alice', 'wrong')), /unknown user or wrong password/],
    ['PLAIN', 'User:bob', () => authenticator.start('PLAIN', origin).step(plain('bob', SECRET)), /unknown user or wrong password/],
    ['PLAIN', null, () => authenticator.start('PLAIN', origin).step(Buffer.from(SECRET)), /three parts/],
    ['SCRAM-SHA-512', 'User:alice', () => scram(authenticator.start('SCRAM-SHA-512', origin), 'alice', 'wrong'), /unknown user or wrong password/],
    ['SCRAM-SHA-512', 'User:bob', () => scram(authenticator.start('SCRAM-SHA-512', origin), 'bob', SECRET), /unknown user or wrong password/],
    ['OAUTHBEARER', null, () => authenticator.start('OAUTHBEARER', origin).step(oauth(SECRET)), /compact form/],
    ['OAUTHBEARER', null, async () => authenticator.start('OAUTHBEARER', origin).step(oauth(await provider.sign({ aud: SECRET }))), /"aud"/],
    ['BASIC', 'User:alice', () => authenticator.authorization(basic('alice', 'wrong'), origin), /unknown user or wrong password/],
    ['BEARER', null, () => authenticator.authorization(`Bearer ${SECRET}`, origin), /compact form/],
    ['BEARER', null, () => authenticator.bearer(SECRET, origin), /compact form/],
    ['HTTP', null, () => authenticator.authorization(`Digest ${SECRET}`, origin), /neither/],
    ['TICKET', null, async () => authenticator.redeem(SECRET, origin), /unknown/],
    ['TLS', 'User:CN=bob,O=Org', async () => authenticator.certificate(new X509Certificate(cert), origin), /mapping rules/],
    ['TLS', null, async () => authenticator.certificate(new X509Certificate(nameless.cert), origin), /mapping rules/],
    ['GSSAPI', null, async () => authenticator.start('GSSAPI' as never, origin), /not offered/]
  ]
  for (const [method, principal, attempt, reason] of attempts) {
    events.length = 0
    await refused(t, attempt, reason, method)
    t.match(events, [{ outcome: 'failure', method, principal, address: '10.0.0.1', reason, door: 'kafka', cached: false }], `${method}: it is told once`)
  }
  t.ok(authenticator.failureDelayMs(origin) > 100, 'and the next failure waits longer')
  t.equal(authenticator.failureDelayMs({ address: '10.0.0.2', listener: 'kafka' }), 100, 'not elsewhere')
})

t.test('a failure is no obstacle to who knows the password', async t => {
  const { authenticator } = await open(t)
  for (let i = 0; i < 20; i++) await authenticator.authorization(basic('alice', `wrong ${i}`), origin).catch(() => {})
  t.equal(authenticator.failureDelayMs(origin), 10_000)
  t.match(await authenticator.authorization(basic('alice', SECRET), origin), { method: 'BASIC' })
})

t.test('an exchange is used once, and waited for', async t => {
  const { authenticator, events } = await open(t)
  const done = authenticator.start('PLAIN', origin)
  await done.step(plain('alice', SECRET))
  await refused(t, () => done.step(plain('alice', SECRET)), /over/)

  const failed = authenticator.start('SCRAM-SHA-512', origin)
  await t.rejects(scram(failed, 'alice', 'wrong'))
  await refused(t, () => scram(failed, 'alice', SECRET), /over/)

  const hasty = authenticator.start('PLAIN', origin)
  const first = hasty.step(plain('alice', SECRET))
  await refused(t, () => hasty.step(plain('alice', SECRET)), /did not wait/)
  t.match(await first, { done: true })
  t.equal(events.length, 3)
})

t.test('SCRAM and PLAIN take as much for a user who does not exist as for one who does', async t => {
  const users = await new Users().add('alice', SECRET)
  const credentials = await Credentials.create({ directory: users, admin: null })
  const { authenticator } = await open(t, { credentials })
  const cost = async (attempt: () => Promise<unknown>): Promise<number> => {
    const before = credentials.derivations
    await t.rejects(attempt)
    return credentials.derivations - before
  }
  for (const user of ['alice', 'nobody']) {
    t.equal(await cost(() => authenticator.start('PLAIN', origin).step(plain(user, 'wrong'))), 1, `PLAIN ${user}`)
    t.equal(await cost(() => authenticator.authorization(basic(user, 'wrong'), origin)), 1, `BASIC ${user}`)
    t.equal(await cost(() => scram(authenticator.start('SCRAM-SHA-512', origin), user, 'wrong')), 0, `SCRAM ${user}`)
  }
})

t.test('what is known needs no check, and is known no longer than it holds', async t => {
  const { authenticator, events, provider, users } = await open(t)
  const token = await provider.sign()
  for (const header of [basic('alice', SECRET), `Bearer ${token}`]) {
    t.equal(authenticator.known(header), null)
    const identity = await authenticator.authorization(header, origin)
    t.same(authenticator.known(header), identity)
    t.equal(authenticator.known(header)!.principal, identity.principal)
    t.match(await authenticator.authorization(header, origin), identity)
  }
  t.same(events.map(({ cached }) => cached), [false, true, false, true])
  for (const header of ['', 'Basic', basic('alice', 'wrong'), basic('bob', SECRET), `Bearer ${token}x`]) t.equal(authenticator.known(header), null)
  users.remove('alice')
  t.equal(authenticator.known(basic('alice', SECRET)), null)
  await refused(t, () => authenticator.authorization(basic('alice', SECRET), origin), /unknown user/)
})

t.test('what is offered is what can be done, or less', async t => {
  const { authenticator } = await open(t)
  t.same(authenticator.mechanisms, ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'])
  t.same(authenticator.schemes, ['Basic', 'Bearer'])

  const { authenticator: without } = await open(t, { oauth: null })
  t.same(without.mechanisms, ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'])
  t.same(without.schemes, ['Basic'])
  await refused(t, () => without.start('OAUTHBEARER', origin), /not offered/)
  await refused(t, () => without.authorization('Bearer x', origin), /not accepted here/)
  t.equal(without.known('Bearer x'), null)

  const { authenticator: less } = await open(t, { mechanisms: ['SCRAM-SHA-512', 'OAUTHBEARER'], oauth: null })
  t.same(less.mechanisms, ['SCRAM-SHA-512'])
  await refused(t, () => less.start('PLAIN', origin), /not offered/)
})

t.test('no event and no error holds a secret', async t => {
  const { authenticator, events, provider } = await open(t)
  const secrets = [SECRET, Buffer.from(SECRET).toString('base64'), 'eyJ']
  const token = await provider.sign({ aud: 'else' })
  const errors: unknown[] = []
  const attempts: (() => Promise<unknown> | unknown)[] = [
    () => authenticator.start('PLAIN', origin).step(plain('bob', SECRET)),
    () => authenticator.start('PLAIN', origin).step(Buffer.from(`${SECRET}\0${SECRET}`)),
    () => authenticator.start('PLAIN', origin).step(Buffer.from(`eve\0bob\0${SECRET}`)),
    () => scram(authenticator.start('SCRAM-SHA-256', origin), 'bob', SECRET),
    () => authenticator.start('SCRAM-SHA-256', origin).step(Buffer.from(SECRET)),
    () => authenticator.start('OAUTHBEARER', origin).step(oauth(token)),
    () => authenticator.start('OAUTHBEARER', origin).step(Buffer.from(token)),
    () => authenticator.authorization(basic('bob', SECRET), origin),
    () => authenticator.authorization(`Basic ${SECRET}`, origin),
    () => authenticator.authorization(`Bearer ${token}`, origin),
    () => authenticator.authorization(SECRET, origin),
    () => authenticator.redeem(SECRET, origin)
  ]
  for (const attempt of attempts) errors.push(await Promise.resolve().then(attempt).catch((error: unknown) => error))
  t.equal(errors.filter(error => error instanceof AuthenticationFailed).length, attempts.length)
  t.equal(events.length, attempts.length)
  const told = [...events, ...errors.map(error => ({ ...error as object, message: (error as Error).message, stack: (error as Error).stack }))]
  for (const secret of secrets) t.notOk(JSON.stringify(told).includes(secret))
})
