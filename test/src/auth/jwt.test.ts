/**
 * Tokens: a corpus of good ones and of all the ways in which one is not good, against a provider that is served over https.
 */
import t, { type Test } from 'tap'
import fc from 'fast-check'
import { CompactEncrypt, SignJWT, exportSPKI, importJWK } from 'jose'
import { createHmac, createPublicKey, generateKeyPairSync, sign as signBytes } from 'node:crypto'
import { AuthenticationFailed } from '../../../src/auth/identity.ts'
import { OauthVerifier, type OauthOptions } from '../../../src/auth/jwt.ts'
import { AUDIENCE, ISSUER, createSigningKey, goodClaims, openJwksServer, type JwksServer, type SigningKey } from '../../support/jwks-server.ts'
import { refused } from './kit.ts'

const NOW = Date.UTC(2030, 0)
const NOW_S = NOW / 1000
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'ES256', 'ES384', 'EdDSA'] as const

const verifierOf = ({ url, ca }: JwksServer, options: Partial<OauthOptions> = {}): OauthVerifier =>
  new OauthVerifier({ jwksUrl: url, ca, issuer: ISSUER, audience: ['other', AUDIENCE], clock: () => NOW, ...options })

const encode = (value: unknown): string => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

/** A token of any shape, signed as it stands. */
async function signText ({ privateKey, kid, alg }: SigningKey, header: string, claims: string): Promise<string> {
  const [, , signature] = (await new SignJWT({}).setProtectedHeader({ alg, kid }).sign(privateKey)).split('.')
  const input = `${encode(header)}.${encode(claims)}`
  if (alg !== 'ES256') return `${input}.${signature}`
  const bytes = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, privateKey as CryptoKey, Buffer.from(input))
  return `${input}.${Buffer.from(bytes).toString('base64url')}`
}

interface Fixture {
  readonly server: JwksServer
  readonly key: SigningKey
  readonly keys: Readonly<Record<string, SigningKey>>
  readonly foreign: SigningKey
  token (claims?: Record<string, unknown>, header?: Record<string, unknown>, key?: SigningKey): Promise<string>
  text (header: string, claims: string): Promise<string>
}

async function fixture (test: Test): Promise<Fixture> {
  const server = await openJwksServer(test)
  const keys = Object.fromEntries(await Promise.all(ALGORITHMS.map(async alg => [alg, await createSigningKey(alg, alg)] as const)))
  server.keys.push(...Object.values(keys).map(({ jwk }) => jwk))
  const key = server.current
  return {
    server,
    key,
    keys,
    foreign: await createSigningKey('ES256', key.kid),
    token: (claims = {}, header = {}, signer = key) => server.sign({ ...goodClaims(NOW), ...claims }, header, signer),
    text: (header, claims) => signText(key, header, claims)
  }
}

const good: readonly (readonly [name: string, token: (f: Fixture) => Promise<string>, user?: string])[] = [
  ['as it should be', f => f.token()],
  ...ALGORITHMS.map(alg => [alg, (f: Fixture) => f.token({}, {}, f.keys[alg])] as const),
  ['one of several audiences', f => f.token({ aud: ['x', AUDIENCE] })],
  ['another audience that is accepted', f => f.token({ aud: 'other' })],
  ['typ JWT', f => f.token({}, { typ: 'JWT' })],
  ['typ at+jwt, RFC 9068', f => f.token({}, { typ: 'at+JWT' })],
  ['exp just ahead', f => f.token({ exp: NOW_S + 1 })],
  ['exp behind, within the skew', f => f.token({ exp: NOW_S - 29 })],
  ['nbf ahead, within the skew', f => f.token({ nbf: NOW_S + 30 })],
  ['nbf behind', f => f.token({ nbf: NOW_S - 1000 })],
  ['iat ahead, within the skew', f => f.token({ iat: NOW_S + 30 })],
  ['times with fractions', f => f.token({ iat: NOW_S - 0.5, exp: NOW_S + 0.5 })],
  ['exp for ever', f => f.token({ exp: Number.MAX_SAFE_INTEGER })],
  ['a name beyond ASCII', f => f.token({ sub: 'Zoë, 用户' }), 'Zoë, 用户'],
  ['claims that mean nothing here', f => f.token({ scope: 'x', roles: { a: [{}] } })],
  ['a key that it brings along is not looked at', f => f.token({}, { jwk: f.foreign.jwk, jku: 'https://evil.test', x5u: 'https://evil.test' })]
]

type Bad = readonly [name: string, token: (f: Fixture) => Promise<string> | string, reason: RegExp]
const unsigned = (alg: unknown) => (): string => `${encode({ alg, typ: 'JWT' })}.${encode(goodClaims(NOW))}.`
const hmacOf = (alg: string, secret: (f: Fixture) => Promise<string | Buffer>, kid: (f: Fixture) => string) => async (f: Fixture): Promise<string> => {
  const input = `${encode({ alg, kid: kid(f) })}.${encode(goodClaims(NOW))}`
  return `${input}.${createHmac(`sha${alg.slice(2)}`, await secret(f)).update(input).digest('base64url')}`
}
const pem = async (f: Fixture, alg: string): Promise<string> => await exportSPKI(await importJWK(f.keys[alg]!.jwk, alg) as CryptoKey)
const header = (f: Fixture, more = ''): string => `{"alg":"ES256","kid":"${f.key.kid}"${more}}`
const claims = (more = ''): string => JSON.stringify(goodClaims(NOW)).slice(0, -1) + `${more}}`

const bad: readonly Bad[] = [
  // RFC 8725, 3.1: the algorithm
  ...(['none', 'NONE', 'None', 'nOnE'] as const).map(alg => [`alg ${alg} without a signature`, unsigned(alg), /compact form/] as const),
  ['alg none with a signature', f => f.text(`{"alg":"none","kid":"${f.key.kid}"}`, claims()), /algorithm/],
  ['no alg', f => f.text(`{"kid":"${f.key.kid}"}`, claims()), /algorithm/],
  ['alg that is no text', f => f.text('{"alg":["ES256"]}', claims()), /algorithm/],
  ['alg in small letters', f => f.text('{"alg":"es256"}', claims()), /algorithm/],
  ['alg of an object\'s own', f => f.text('{"alg":"constructor"}', claims()), /algorithm/],
  ['ES512, which is not in the list', async f => f.token({}, {}, await createSigningKey('ES512', f.key.kid)), /algorithm/],
  ['HS256 with the RSA key as its secret', hmacOf('HS256', f => pem(f, 'RS256'), () => 'RS256'), /algorithm/],
  ['HS256 with the EC key as its secret', hmacOf('HS256', f => pem(f, 'ES256'), () => 'ES256'), /algorithm/],
  ['HS256 with the JWK as its secret', hmacOf('HS256', async f => JSON.stringify(f.keys['RS256']!.jwk), () => 'RS256'), /algorithm/],
  ['HS384', hmacOf('HS384', f => pem(f, 'RS256'), () => 'RS256'), /algorithm/],
  ['HS512', hmacOf('HS512', f => pem(f, 'RS256'), () => 'RS256'), /algorithm/],
  ['HS256 with an empty secret', hmacOf('HS256', async () => Buffer.alloc(0), f => f.key.kid), /algorithm/],
  ['ES256 with an RSA key', f => f.text('{"alg":"ES256","kid":"RS256"}', claims()), /no key/],
  ['RS256 with an EC key', f => f.text(`{"alg":"RS256","kid":"${f.key.kid}"}`, claims()), /no key/],
  ['ES384 with a key of P-256', f => f.text(`{"alg":"ES384","kid":"${f.key.kid}"}`, claims()), /no key/],
  ['PS256 with a key for RS256', async f => f.token({}, {}, { ...await createSigningKey('PS256'), kid: 'RS256' }), /no key/],
  ['EdDSA with a key of P-256', f => f.text(`{"alg":"EdDSA","kid":"${f.key.kid}"}`, claims()), /no key/],
  // the signature
  ['signed with another key', f => f.token({}, {}, f.foreign), /signature/],
  ['signed with a key that it brings along', f => f.token({}, { jwk: f.foreign.jwk }, f.foreign), /signature/],
  ['signed with another key of the provider', f => f.token({}, { kid: 'ES256' }), /signature/],
  ['no signature', async f => (await f.token()).replace(/[^.]*$/, ''), /compact form/],
  ['half a signature', async f => (await f.token()).slice(0, -40), /signature/],
  ['a signature of zeros (CVE-2022-21449)', async f => (await f.token()).replace(/[^.]*$/, Buffer.alloc(64).toString('base64url')), /signature/],
  ['other claims, the same signature', async f => (await f.token()).replace(/\.[^.]*\./, `.${encode({ ...goodClaims(NOW), sub: 'admin' })}.`), /signature/],
  ['another header, the same signature', async f => (await f.token()).replace(/^[^.]*/, encode(header(f, ',"x":1'))), /signature/],
  // the key
  ['no kid, where several keys fit', f => f.token({}, { kid: undefined }), /no key/],
  ['an unknown kid', f => f.token({}, { kid: 'unknown' }), /no key/],
  ['a kid that is a path', f => f.token({}, { kid: '../../../dev/null' }), /no key/],
  ['a kid that is a URL', f => f.token({}, { kid: 'https://evil.test/jwks' }), /no key/],
  ['a kid that is a query', f => f.token({}, { kid: "x' UNION SELECT 'secret" }), /no key/],
  ['a kid of an object\'s own', f => f.token({}, { kid: '__proto__' }), /no key/],
  ['a kid that is too long', f => f.token({}, { kid: 'k'.repeat(1001) }), /key id/],
  ['a kid that is no text', f => f.text('{"alg":"ES256","kid":7}', claims()), /key id/],
  // the header
  ['crit that is unknown (Authlib)', f => f.text(header(f, ',"crit":["exp"],"exp":1'), claims()), /critical/],
  ['crit that is empty', f => f.text(header(f, ',"crit":[]'), claims()), /critical/],
  ['b64, RFC 7797', f => f.text(header(f, ',"b64":false,"crit":["b64"]'), claims()), /critical/],
  ['a token for a logout', f => f.token({}, { typ: 'logout+jwt' }), /type/],
  ['a token for a proof of possession', f => f.token({}, { typ: 'dpop+jwt' }), /type/],
  ['typ that is no text', f => f.text(header(f, ',"typ":1'), claims()), /type/],
  ['a token in a token', f => f.token({}, { cty: 'JWT' }), /another token/],
  ['an encrypted token (pac4j CVE-2026-29000)', async f => await new CompactEncrypt(Buffer.from(`${encode({ alg: 'none' })}.${encode(goodClaims(NOW))}.`))
    .setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM', kid: 'RS256' })
    .encrypt(createPublicKey({ key: f.keys['RS256']!.jwk, format: 'jwk' })), /encrypted/],
  // who, for whom, from when, till when
  ['no issuer', f => f.token({ iss: undefined }), /"iss" of the token is missing/],
  ['another issuer', f => f.token({ iss: 'https://evil.test' }), /"iss"/],
  ['the issuer and a slash', f => f.token({ iss: `${ISSUER}/` }), /"iss"/],
  ['the issuer in capitals', f => f.token({ iss: ISSUER.toUpperCase() }), /"iss"/],
  ['two issuers', f => f.token({ iss: [ISSUER] }), /"iss"/],
  ['no audience', f => f.token({ aud: undefined }), /"aud" of the token is missing/],
  ['another audience', f => f.token({ aud: 'else' }), /"aud"/],
  ['other audiences', f => f.token({ aud: ['else', 'barnabas2'] }), /"aud"/],
  ['no audience at all', f => f.token({ aud: [] }), /"aud"/],
  ['the audience in a longer one', f => f.token({ aud: `${AUDIENCE} else` }), /"aud"/],
  ['the audience as an object', f => f.token({ aud: { [AUDIENCE]: 1 } }), /"aud"/],
  ['no exp', f => f.token({ exp: undefined }), /"exp" of the token is missing/],
  ['expired, at the end of the skew', f => f.token({ exp: NOW_S - 30 }), /expired/],
  ['expired long ago', f => f.token({ exp: 1 }), /expired/],
  ['exp that is text', f => f.text(header(f), claims().replace(/"exp":(\d+)/, '"exp":"$1"')), /"exp"/],
  ['exp that is null', f => f.text(header(f), claims().replace(/"exp":\d+/, '"exp":null')), /"exp"/],
  ['nbf beyond the skew', f => f.token({ nbf: NOW_S + 31 }), /"nbf"/],
  ['nbf that is text', f => f.text(header(f), claims(',"nbf":"1"')), /"nbf"/],
  ['no iat', f => f.token({ iat: undefined }), /"iat" of the token is missing/],
  ['iat beyond the skew', f => f.token({ iat: NOW_S + 31 }), /"iat"/],
  ['iat that is text', f => f.text(header(f), claims().replace(/"iat":(\d+)/, '"iat":"$1"')), /"iat"/],
  ['no sub', f => f.token({ sub: undefined }), /"sub" of the token is missing/],
  ['an empty sub', f => f.token({ sub: '' }), /"sub"/],
  ['a blank sub', f => f.token({ sub: '  ' }), /"sub"/],
  ['sub that is a number', f => f.token({ sub: 7 }), /"sub"/],
  ['sub that is a list', f => f.token({ sub: ['admin'] }), /"sub"/],
  ['sub that is null', f => f.text(header(f), claims().replace('"alice"', 'null')), /"sub"/],
  ['a sub of two lines', f => f.token({ sub: 'alice\nUser:admin' }), /"sub"/],
  ['a long sub', f => f.token({ sub: 'a'.repeat(1025) }), /"sub"/],
  // JSON that two readers read differently
  ['sub twice', f => f.text(header(f), claims(',"sub":"admin"')), /every key occurs once/],
  ['sub twice, once escaped', f => f.text(header(f), claims(',"\\u0073ub":"admin"')), /every key occurs once/],
  ['alg twice', f => f.text(header(f, ',"alg":"none"'), claims()), /every key occurs once/],
  ['a key twice deep inside', f => f.text(header(f), claims(',"x":[{"a":1,"a":2}]')), /every key occurs once/],
  ['claims that are a list', f => f.text(header(f), '[]'), /JSON object/],
  ['claims that are null', f => f.text(header(f), 'null'), /JSON object/],
  ['claims that are no JSON', f => f.text(header(f), 'sub=alice'), /JSON object/],
  ['claims that are deep', f => f.text(header(f), claims(`,"x":${'['.repeat(40)}${']'.repeat(40)}`)), /JSON object/],
  ['a header that is no JSON', f => f.text('alg', claims()), /JSON object/],
  ['a header that is no UTF-8', async f => (await f.token()).replace(/^[^.]*/, Buffer.from([0x7b, 0xff, 0x7d]).toString('base64url')), /JSON object/],
  // the form
  ['nothing', () => '', /compact form/],
  ['dots', () => '..', /compact form/],
  ['two parts', async f => (await f.token()).split('.').slice(0, 2).join('.'), /compact form/],
  ['four parts', async f => `${await f.token()}.x`, /compact form/],
  ['base64 that is not for URLs', async f => `${await f.token()}==`, /compact form/],
  ['a space', async f => `${await f.token()} `, /compact form/],
  ['JSON serialisation', () => JSON.stringify({ payload: encode(claims()), signatures: [] }), /compact form/],
  ['more than 16 KiB', f => f.token({ x: 'x'.repeat(16 * 1024) }), /longer than 16384/]
]

t.test('the corpus', async t => {
  t.ok(good.length + bad.length >= 60, `${good.length} good and ${bad.length} bad`)
  const f = await fixture(t)
  const verifier = verifierOf(f.server)
  for (const [name, token, user = 'alice'] of good) {
    const outcome = await verifier.verify(await token(f)).catch((error: unknown) => error)
    t.match(outcome, { user, expiresAtMs: Number }, name)
  }
  for (const [name, token, reason] of bad) {
    const text = await token(f)
    await refused(t, () => verifier.verify(text), reason, name)
  }
  t.equal(f.server.requests, 2, 'the keys were fetched at the beginning, and once for all the unknown names')
})

t.test('how long a token holds', async t => {
  const f = await fixture(t)
  const verifier = verifierOf(f.server)
  const until = async (exp: number): Promise<number> => (await verifier.verify(await f.token({ exp }))).expiresAtMs - NOW
  t.equal(await until(NOW_S + 60), 60_000)
  t.equal(await until(NOW_S - 10), 20_000, 'one that is over by our clock, for what the clocks may differ')
  t.ok((await until(1e300)) > 0 && Number.isFinite(new Date(NOW + await until(1e300)).getTime()), 'for ever is a date')
})

t.test('another claim may be the name, and the clocks may have to agree', async t => {
  const f = await fixture(t)
  const verifier = verifierOf(f.server, { principalClaim: 'email', clockSkewMs: 0 })
  t.match(await verifier.verify(await f.token({ email: 'a@b.c' })), { user: 'a@b.c' })
  await refused(t, async () => verifier.verify(await f.token()), /"email" of the token is missing/)
  await refused(t, async () => verifier.verify(await f.token({ email: 'a', exp: NOW_S })), /expired/)
  const inherited = verifierOf(f.server, { principalClaim: 'constructor' })
  await refused(t, async () => inherited.verify(await f.token()), /"constructor"/)
})

t.test('a token that names no key is for the only one that fits', async t => {
  const server = await openJwksServer(t)
  const other = await createSigningKey('RS256')
  server.keys.push(other.jwk)
  const verifier = verifierOf(server)
  const sign = async (key: SigningKey): Promise<string> => await server.sign(goodClaims(NOW), { kid: undefined }, key)
  t.match(await verifier.verify(await sign(server.current)), { user: 'alice' })
  t.match(await verifier.verify(await sign(other)), { user: 'alice' })
})

t.test('keys that are too weak, or not for this, verify nothing', async t => {
  const server = await openJwksServer(t)
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 })
  const weak = publicKey.export({ format: 'jwk' })
  const { jwk } = server.current
  const { alg, ...unbound } = jwk
  server.keys.push({ ...weak, kid: 'weak' } as never, { ...unbound, kid: 'wrap', key_ops: ['wrapKey'] }, { ...unbound, kid: 'other', alg: 'ES384' },
    { ...unbound, kid: 'unbound' }, { kty: 'EC', crv: 'P-256', kid: 'broken', x: 'AA', y: 'AA' })
  t.equal(alg, 'ES256')
  const verifier = verifierOf(server)
  const input = `${encode({ alg: 'RS256', kid: 'weak' })}.${encode(goodClaims(NOW))}`
  await refused(t, () => verifier.verify(`${input}.${signBytes('sha256', Buffer.from(input), privateKey).toString('base64url')}`), /cannot be verified/)
  await refused(t, async () => verifier.verify(await server.sign(goodClaims(NOW), { kid: 'wrap' })), /no key/)
  await refused(t, async () => verifier.verify(await server.sign(goodClaims(NOW), { kid: 'other' })), /no key/)
  await refused(t, async () => verifier.verify(await server.sign(goodClaims(NOW), { kid: 'broken' })), /cannot be verified/)
  t.match(await verifier.verify(await server.sign(goodClaims(NOW), { kid: 'unbound' })), { user: 'alice' })
})

t.test('ten thousand tokens with unknown keys lead to one request', async t => {
  const f = await fixture(t)
  const verifier = verifierOf(f.server)
  await verifier.start()
  t.teardown(() => verifier.close())
  t.equal(verifier.state.fetches, 1)
  const [, payload, signature] = (await f.token()).split('.')
  const results = await Promise.allSettled(Array.from({ length: 10_000 }, async (_, i) =>
    await verifier.verify(`${encode({ alg: 'ES256', kid: `unknown ${i}` })}.${payload}.${signature}`)))
  t.ok(results.every(({ status }) => status === 'rejected'))
  t.equal(f.server.requests, 2)
  t.match(await verifier.verify(await f.token()), { user: 'alice' })
})

t.test('a good token is remembered for a minute, and no longer than it holds', async t => {
  const f = await fixture(t)
  let now = NOW
  const verifier = verifierOf(f.server, { clock: () => now })
  const long = await f.token()
  const short = await f.token({ exp: NOW_S + 10 })
  t.equal(verifier.remembered(long), null)
  const holder = await verifier.verify(long)
  await verifier.verify(short)
  t.equal(verifier.remembered(long), holder)
  now = NOW + 9_999
  t.not(verifier.remembered(short), null)
  now = NOW + 10_000
  t.equal(verifier.remembered(short), null)
  t.equal(await verifier.verify(long), holder)
  now = NOW + 60_000
  t.equal(verifier.remembered(long), null)
  await refused(t, () => verifier.verify(short), /expired/)
})

t.test('CVE-2026-33557: there is no verifier that accepts what nobody has signed, for nobody', async t => {
  const options = { jwksUrl: 'https://issuer.test/jwks', issuer: ISSUER, audience: [AUDIENCE] }
  t.doesNotThrow(() => new OauthVerifier(options))
  t.throws(() => new OauthVerifier({ ...options, jwksUrl: 'http://issuer.test/jwks' }), /https:/)
  t.throws(() => new OauthVerifier({ ...options, jwksUrl: '' }), /https:/)
  t.throws(() => new OauthVerifier({ ...options, issuer: '' }), /issuer/)
  t.throws(() => new OauthVerifier({ ...options, audience: [] }), /audience/)
  t.throws(() => new OauthVerifier({ ...options, audience: [''] }), /audience/)
  t.throws(() => new OauthVerifier({ ...options, principalClaim: '' }), /claim/)
})

t.test('no reason holds what was in a token', async t => {
  const f = await fixture(t)
  const verifier = verifierOf(f.server)
  const canary = 'canary-7f3a'
  for (const claims of [{ iss: canary }, { aud: canary }, { sub: `${canary}\n` }, { exp: canary }, { nbf: canary }]) {
    const error = await verifier.verify(await f.text(header(f), JSON.stringify({ ...goodClaims(NOW), ...claims }))).catch((error: unknown) => error)
    t.ok(error instanceof AuthenticationFailed)
    t.notMatch(`${(error as AuthenticationFailed).reason} ${String(error)} ${(error as Error).stack}`, canary)
  }
  for (const header of [{ alg: canary }, { alg: 'ES256', kid: canary }, { alg: 'ES256', typ: canary }, { alg: 'ES256', crit: [canary] }]) {
    const error = await verifier.verify(`${encode(header)}.${encode({})}.AA`).catch((error: unknown) => error)
    t.notMatch(`${(error as AuthenticationFailed).reason} ${String(error)}`, canary)
  }
})

t.test('any text is refused, and nothing else happens', async t => {
  const f = await fixture(t)
  const verifier = verifierOf(f.server)
  const header = fc.record({ alg: fc.constantFrom('ES256', 'RS256', 'none'), kid: fc.string() })
  const part = fc.oneof(fc.base64String(), fc.json().map(encode), header.map(encode), fc.string())
  await fc.assert(fc.asyncProperty(fc.array(part, { maxLength: 6 }), async parts => {
    const error = await verifier.verify(parts.join('.')).catch((error: unknown) => error)
    t.ok(error instanceof AuthenticationFailed)
  }), { numRuns: 500 })
})
