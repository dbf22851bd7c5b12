/**
 * OAUTHBEARER's one message, and what goes with a failure.
 */
import t from 'tap'
import fc from 'fast-check'
import { AuthenticationFailed } from '../../../src/auth/identity.ts'
import { OauthBearerProof } from '../../../src/auth/oauthbearer.ts'
import { refused } from './kit.ts'

const holder = { user: 'alice', expiresAtMs: 1_900_000_000_000 }

async function verify (token: string): Promise<typeof holder> {
  if (token !== 'good.token-_~+/==') throw new AuthenticationFailed('the token is bad')
  return holder
}

const good = [
  'n,,\x01auth=Bearer good.token-_~+/==\x01\x01',
  'n,a=alice,\x01auth=Bearer good.token-_~+/==\x01\x01',
  'y,,\x01auth=bearer   good.token-_~+/==\x01\x01',
  // RFC 7628, 4.1: with the host and the port.
  'n,a=alice,\x01host=server.example.com\x01port=143\x01auth=Bearer good.token-_~+/==\x01\x01',
  // KIP-342: extensions, before or after.
  'n,,\x01auth=Bearer good.token-_~+/==\x01logicalCluster=lkc-1\x01identityPoolId=pool 1\x01empty=\x01\x01'
]

t.test('a good token is accepted with no bytes', async t => {
  for (const message of good) {
    t.same(await new OauthBearerProof(verify).step(Buffer.from(message)), { done: true, reply: Buffer.alloc(0), ...holder }, JSON.stringify(message))
  }
})

t.test('a bad token is answered as RFC 7628 wants it, with the failure', async t => {
  const error = await new OauthBearerProof(verify).step(Buffer.from('n,,\x01auth=Bearer bad\x01\x01')).catch((error: unknown) => error)
  t.ok(error instanceof AuthenticationFailed)
  const { reply, reason } = error as AuthenticationFailed
  t.equal(reason, 'the token is bad')
  t.same(JSON.parse(reply!.toString()), { status: 'invalid_token' })
})

const rows: readonly (readonly [name: string, message: string | Buffer, reason: RegExp])[] = [
  ['CVE-2017-12610: another principal', 'n,a=bob,\x01auth=Bearer good.token-_~+/==\x01\x01', /authorisation id/],
  ['CVE-2017-12610: the same in upper case', 'n,a=ALICE,\x01auth=Bearer good.token-_~+/==\x01\x01', /authorisation id/],
  ['CVE-2017-12610: the same after SASLprep', 'n,a=ali\u00adce,\x01auth=Bearer good.token-_~+/==\x01\x01', /authorisation id/],
  ['channel binding', 'p=tls-unique,,\x01auth=Bearer good.token-_~+/==\x01\x01', /channel binding/],
  ['another scheme', 'n,,\x01auth=Basic good.token-_~+/==\x01\x01', /no bearer token/],
  ['no scheme', 'n,,\x01auth=good.token-_~+/==\x01\x01', /no bearer token/],
  ['no token', 'n,,\x01auth=Bearer \x01\x01', /no bearer token/],
  ['a token with a space', 'n,,\x01auth=Bearer good token\x01\x01', /no bearer token/],
  ['no auth', 'n,,\x01host=a\x01\x01', /no bearer token/],
  ['auth twice', 'n,,\x01auth=Bearer good.token-_~+/==\x01auth=Bearer x\x01\x01', /malformed/],
  ['no end', 'n,,\x01auth=Bearer good.token-_~+/==\x01', /malformed/],
  ['something after the end', 'n,,\x01auth=Bearer good.token-_~+/==\x01\x01x', /malformed/],
  ['no header', '\x01auth=Bearer good.token-_~+/==\x01\x01', /malformed/],
  ['a key with a digit', 'n,,\x01a1=x\x01auth=Bearer good.token-_~+/==\x01\x01', /malformed/],
  ['a NUL in a value', 'n,,\x01a=\0\x01auth=Bearer good.token-_~+/==\x01\x01', /malformed/],
  ['a bare token', 'good.token-_~+/==', /malformed/],
  ['the answer to an error, before there was one', '\x01', /malformed/],
  ['nothing', '', /malformed/],
  ['no UTF-8', Buffer.from([0x6e, 0xff]), /UTF-8/],
  ['too much', `n,,\x01auth=Bearer ${'a'.repeat(64 * 1024)}\x01\x01`, /at most/]
]

t.test('what is refused', async t => {
  for (const [name, message, reason] of rows) await refused(t, () => new OauthBearerProof(verify).step(Buffer.from(message as string)), reason, name)
})

t.test('random bytes are refused, and nothing else happens', async t => {
  const text = fc.array(fc.constantFrom('n', 'y', ',', ',,', 'a=', '\x01', 'auth', '=', 'Bearer ', 'x', '\0', 'é')).map(parts => Buffer.from(parts.join('')))
  await fc.assert(fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 100 }).map(bytes => Buffer.from(bytes)), text), async bytes => {
    await new OauthBearerProof(verify).step(bytes).catch((error: unknown) => t.ok(error instanceof AuthenticationFailed))
  }), { numRuns: 500 })
})
