import t from 'tap'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createIdentity } from '../../../../storage/cluster/security/identity.ts'
import type { SaslOptions } from '../../../../storage/cluster/security/options.ts'
import { IdentityRefused } from '../../../../storage/cluster/security/refused.ts'
import { FakeChannel } from './fake-channel.ts'

const SECRET = 'secret-canary'
const password = { reveal: () => SECRET }
const plain: SaslOptions = { mechanism: 'PLAIN', username: 'alice', password }

const prove = (options: SaslOptions, channel: FakeChannel): Promise<number> => createIdentity(options, {}, {}).authenticate(channel)
const fails = (options: SaslOptions, channel: FakeChannel): Promise<string> =>
  prove(options, channel).then(() => 'no failure', (error: Error) => `${error.stack} ${JSON.stringify(error)}`)

t.test('PLAIN', async t => {
  const channel = new FakeChannel(() => ({ lifetimeMs: 60_000 }))
  t.equal(await prove(plain, channel), 60_000)
  t.strictSame(channel.mechanisms, ['PLAIN'])
  t.strictSame(channel.shown, [`\0alice\0${SECRET}`])
  t.equal(await prove(plain, new FakeChannel(() => ({ lifetimeMs: -5 }))), 0)
})

t.test('a refusal is told, without what was shown', async t => {
  const refused = (message: string | null): Promise<string> => fails(plain, new FakeChannel(() => ({ error: 'SASL_AUTHENTICATION_FAILED', message })))
  t.match(await refused('Invalid username or password'),
    'The cluster refuses PLAIN as alice (SASL_AUTHENTICATION_FAILED): "Invalid username or password". Check the name and the password.')
  t.match(await refused(null), 'The cluster refuses PLAIN as alice (SASL_AUTHENTICATION_FAILED). Check')
  t.match(await refused('a\nb\x1b[31m'), '"a?b?[31m"', 'and without what could mislead')
  for (const echoed of [`no: ${SECRET}`, Buffer.from(SECRET).toString('base64')]) {
    const told = await refused(echoed)
    t.notMatch(told, SECRET)
    t.notMatch(told, Buffer.from(SECRET).toString('base64'))
  }
})

t.test('what is offered is told where ours is not among it', async t => {
  const channel = new FakeChannel(() => ({}), { error: 'UNSUPPORTED_SASL_MECHANISM', offered: ['SCRAM-SHA-512', 'GSSAPI\n'] })
  t.match(await fails(plain, channel), 'The cluster does not offer PLAIN there, but SCRAM-SHA-512, GSSAPI?. Use one of those')
  t.strictSame(channel.shown, [], 'and no password is shown')
  t.match(await fails(plain, new FakeChannel(() => ({}), { error: 'UNSUPPORTED_SASL_MECHANISM' })), 'but nothing')
  t.match(await fails(plain, new FakeChannel(() => ({}), { error: 'ILLEGAL_SASL_STATE' })), 'asks for no credentials there')
})

t.test('a connection that ends is told as it ended', async t => {
  const broken = new FakeChannel(() => { throw new Error('the connection ended') })
  await t.rejects(prove(plain, broken), { name: 'Error', message: 'the connection ended' }, 'which is no fault of the identity')
  await t.rejects(prove(plain, new FakeChannel(() => ({ error: 'SASL_AUTHENTICATION_FAILED' }))), IdentityRefused)
})

t.test('a password of a file is read again when it changes', async t => {
  const file = join(t.testdir({ password: 'one\n' }), 'password')
  let nowMs = 0
  const warnings: string[] = []
  const identity = createIdentity({ ...plain, password: { file } }, { clock: () => nowMs, warn: sentence => warnings.push(sentence) }, {})
  const shown = async (): Promise<string> => {
    const channel = new FakeChannel()
    await identity.authenticate(channel)
    return channel.shown[0]!
  }
  t.equal(await shown(), '\0alice\0one')
  writeFileSync(file, 'another')
  t.equal(await shown(), '\0alice\0one', 'it is looked at once a second')
  nowMs += 1000
  t.equal(await shown(), '\0alice\0another')
  writeFileSync(file, 'a\nb\n')
  nowMs += 1000
  t.equal(await shown(), '\0alice\0another')
  t.match(warnings, [/does not hold one line with a secret that is not empty\. What was read before is used on\.$/])
  t.throws(() => createIdentity({ ...plain, password: { file } }, {}, {}), /does not hold one line/)
})

t.test('OAUTHBEARER, with a token of a file', async t => {
  const file = join(t.testdir({ token: 'abc.def-1\n' }), 'token')
  let nowMs = 0
  const options: SaslOptions = { mechanism: 'OAUTHBEARER', token: { file } }
  const identity = createIdentity(options, { clock: () => nowMs }, {})
  const channel = new FakeChannel(() => ({ lifetimeMs: 5 }))
  t.equal(await identity.authenticate(channel), 5)
  writeFileSync(file, 'another-token')
  nowMs += 1000
  await identity.authenticate(channel)
  t.strictSame(channel.shown, ['n,,\x01auth=Bearer abc.def-1\x01\x01', 'n,,\x01auth=Bearer another-token\x01\x01'])
  for (const wrong of ['', 'two words', 'a\x01host=b', `${'x'.repeat(70_000)}`]) {
    writeFileSync(file, wrong)
    t.throws(() => createIdentity(options, {}, {}), /does not hold one token|longer than/)
  }
})

t.test('a token that is refused: the status, and when it ran out', async t => {
  const expired = `h.${Buffer.from(JSON.stringify({ exp: 1_700_000_000 })).toString('base64url')}.s`
  const file = join(t.testdir({ token: expired }), 'token')
  const options: SaslOptions = { mechanism: 'OAUTHBEARER', token: { file } }
  const refusing = (status: string): FakeChannel => new FakeChannel(shown => shown === '\x01'
    ? { error: 'SASL_AUTHENTICATION_FAILED', message: `{"status":"invalid_token"} ${expired}` }
    : { reply: status })
  const channel = refusing('{"status":"invalid_token","scope":"x"}')
  const told = await fails(options, channel)
  t.match(told, 'The broker calls it invalid_token. The token of ')
  t.match(told, ' ran out at 2023-11-14T22:13:20.000Z.')
  t.notMatch(told, expired)
  t.strictSame(channel.shown.at(-1), '\x01', 'RFC 7628: the refusal is acknowledged')
  t.match(await fails(options, refusing('no JSON')), 'The broker calls it invalid. ')
  t.match(await fails(options, refusing('{"status":"x\\n y"}')), 'The broker calls it invalid. ')
  const goesOn = new FakeChannel(shown => shown === '\x01' ? {} : { reply: '{}' })
  t.match(await fails(options, goesOn), 'refuses the token (invalid) and goes on', 'a refusal stays one')
})
