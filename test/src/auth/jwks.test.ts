/**
 * The keys of an identity provider: when they are fetched, for how long they hold, and what is not taken for them.
 */
import t from 'tap'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Jwks, type JwksOptions } from '../../../src/auth/jwks.ts'
import { createAuthority, expired } from '../../support/certificates.ts'
import { createSigningKey, openJwksServer } from '../../support/jwks-server.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

interface Kept {
  readonly jwks: Jwks
  readonly failures: string[]
  now: number
}

function keep (options: Pick<JwksOptions, 'url' | 'ca' | 'timeoutMs'>): Kept {
  const failures: string[] = []
  const kept: Kept = { failures, now: Date.UTC(2030, 0), jwks: new Jwks({ ...options, clock: () => kept.now, onFailure: reason => failures.push(reason) }) }
  return kept
}

const kids = async (jwks: Jwks, kid?: string): Promise<(string | undefined)[]> => (await jwks.find(kid)).map(key => key.kid)

t.test('keys are fetched once and kept', async t => {
  const server = await openJwksServer(t)
  const { kid } = server.current
  const kept = keep(server)
  t.same(kept.jwks.state, { lastFetchMs: null, fetches: 0, failures: 0, keys: 0 })
  await Promise.all(Array.from({ length: 20 }, async () => t.same(await kids(kept.jwks, kid), [kid])))
  t.equal(server.requests, 1)
  t.same(kept.jwks.state, { lastFetchMs: kept.now, fetches: 1, failures: 0, keys: 1 })
})

t.test('after an hour they are fetched anew, and nobody waits for that', async t => {
  const server = await openJwksServer(t)
  const { kid } = server.current
  const kept = keep(server)
  await kept.jwks.start()
  t.teardown(() => kept.jwks.close())
  kept.now += HOUR - 1
  t.same(await kids(kept.jwks, kid), [kid])
  t.equal(kept.jwks.state.fetches, 1)
  kept.now += 1
  const { promise: asked, resolve: release } = Promise.withResolvers<void>()
  server.respond = (_, response) => { asked.then(() => response.end(JSON.stringify({ keys: [] })), () => {}) }
  t.same(await kids(kept.jwks, kid), [kid], 'while the provider has not answered')
  t.equal(kept.jwks.state.fetches, 2)
  release()
  t.same(await kids(kept.jwks, 'unknown'), [], 'who asks for an unknown key waits for the answer')
  t.same(await kids(kept.jwks, kid), [], 'and a key that is no longer published is no key')
})

t.test('a new key is fetched when a token names it', async t => {
  const server = await openJwksServer(t)
  const kept = keep(server)
  await kids(kept.jwks, server.current.kid)
  const { kid } = await server.rotate()
  t.same(await kids(kept.jwks, kid), [kid])
  t.equal(server.requests, 2)
})

t.test('ten thousand unknown keys lead to one request a minute, and hold up nobody', async t => {
  const server = await openJwksServer(t)
  const { kid } = server.current
  const kept = keep(server)
  await kids(kept.jwks, kid)
  const flood = async (from: number): Promise<void> => {
    const found = await Promise.all(Array.from({ length: 10_000 }, (_, i) => kept.jwks.find(`unknown ${from + i}`)))
    t.ok(found.every(keys => keys.length === 0))
  }
  const { promise: asked, resolve: release } = Promise.withResolvers<void>()
  server.respond = (_, response) => { asked.then(() => response.end(JSON.stringify({ keys: server.keys })), () => {}) }
  const flooded = flood(0)
  t.same(await kids(kept.jwks, kid), [kid], 'a known key is found while the others wait')
  release()
  await flooded
  t.equal(server.requests, 2)
  for (let at = 1; at <= 5; at++) {
    kept.now += 10 * SECOND
    await flood(at * 10_000)
  }
  t.equal(server.requests, 2)
  kept.now += 10 * SECOND
  await flood(60_000)
  t.equal(server.requests, 3)
})

t.test('the name of a key is a name, whatever it looks like', async t => {
  const server = await openJwksServer(t)
  const kept = keep(server)
  await kids(kept.jwks, server.current.kid)
  for (const kid of ['../../etc/passwd', 'https://evil.test/jwks', '__proto__', 'constructor', '', "' OR 1=1 --", 'a'.repeat(1000), 'a'.repeat(1001)]) {
    t.same(await kept.jwks.find(kid), [], kid.slice(0, 30))
  }
  t.equal(server.requests, 2)
  t.equal((await kept.jwks.find(undefined)).length, 1, 'a token that names none is for any')
})

t.test('while the provider is away its keys hold for a day, and it is asked less and less often', async t => {
  const server = await openJwksServer(t)
  const { kid } = server.current
  const kept = keep(server)
  await kids(kept.jwks, kid)
  server.respond = (_, response) => { response.writeHead(503).end('secret-of-the-provider') }
  const start = kept.now
  const asked: number[] = []
  for (let second = 0; second < 25 * 3600; second += second >= 3600 && second < 3600 + 300 ? 1 : 900) {
    kept.now = start + second * SECOND
    const { fetches } = kept.jwks.state
    const found = kept.jwks.find(kid)
    if (kept.jwks.state.fetches > fetches) {
      asked.push(second - 3600)
      await kept.jwks.find('unknown')
    }
    const { length } = await found
    if (length !== (second < 24 * 60 * 60 ? 1 : 0)) t.fail(`${length} keys after ${second} s`)
  }
  t.same(asked.slice(0, 10), [0, 1, 3, 7, 15, 31, 63, 123, 183, 243])
  t.equal(kept.failures[0], `The keys at ${server.url} could not be fetched: the answer is 503 and not 200.`)
  server.respond = null
  kept.now += MINUTE
  t.same(await kids(kept.jwks, kid), [kid], 'it is back, and at the next attempt so are the keys')
})

t.test('an unknown key does not make a provider that is away be asked more often', async t => {
  const server = await openJwksServer(t)
  server.respond = (_, response) => { response.destroy() }
  const kept = keep(server)
  for (let i = 0; i < 100; i++) t.same(await kept.jwks.find(`unknown ${i}`), [])
  t.equal(kept.jwks.state.fetches, 1)
  t.match(kept.failures[0], /could not be fetched: the connection failed \(ECONNRESET\)\.$/)
})

const answers: readonly (readonly [name: string, respond: (request: IncomingMessage, response: ServerResponse) => void, failure: RegExp])[] = [
  ['a redirect', (_, response) => { response.writeHead(302, { location: '/jwks' }).end() }, /the answer is 302 and not 200/],
  ['an error', (_, response) => { response.writeHead(500).end('canary-body') }, /the answer is 500 and not 200/],
  ['a page', (_, response) => { response.end('<html>canary-body</html>') }, /not a JSON object/],
  ['a list', (_, response) => { response.end('["canary-body"]') }, /not a JSON object/],
  ['an object without keys', (_, response) => { response.end('{"canary-body":1}') }, /not a JSON object/],
  ['keys that are no list', (_, response) => { response.end('{"keys":"canary-body"}') }, /not a JSON object/],
  ['keys that are named twice', (_, response) => { response.end('{"keys":[],"keys":["canary-body"]}') }, /not a JSON object/],
  ['no UTF-8', (_, response) => { response.end(Buffer.from([0xff, 0xfe])) }, /not a JSON object/],
  ['too much', (_, response) => { response.end(' '.repeat(256 * 1024 + 1)) }, /longer than 262144 bytes/],
  ['without end', (_, response) => {
    const more = (): void => { if (!response.destroyed) response.write('canary-body'.repeat(1000), () => setImmediate(more)) }
    more()
  }, /longer than 262144 bytes/],
  ['too many keys', (_, response) => { response.end(JSON.stringify({ keys: Array(257).fill({ kty: 'EC' }) })) }, /more than 256 keys/],
  ['compressed', (_, response) => { response.writeHead(200, { 'content-encoding': 'gzip' }).end('canary-body') }, /compressed/],
  ['half an answer', (_, response) => {
    response.writeHead(200, { 'content-length': '100' }).write('{"keys":', () => response.destroy())
  }, /the connection failed \(ECONNRESET\)/],
  ['no HTTP', (request, response) => {
    response.destroyed || request.socket.end('canary-body\r\n\r\n')
  }, /the connection failed \(HPE_INVALID_CONSTANT\)/]
]

t.test('what is not an answer', async t => {
  const server = await openJwksServer(t)
  for (const [name, respond, failure] of answers) {
    server.respond = respond
    const kept = keep(server)
    t.same(await kept.jwks.find('any'), [], name)
    t.match(kept.failures, [failure], name)
    t.notMatch(kept.failures.join(''), /canary/, `${name}: nothing of the answer is told`)
    t.equal(kept.jwks.state.failures, 1)
  }
})

t.test('keys that are not for signatures that can be checked here are left out', async t => {
  const server = await openJwksServer(t)
  const { jwk } = server.current
  const other = await createSigningKey('RS256')
  server.keys.push(
    { kty: 'oct', kid: 'symmetric', k: 'c2VjcmV0' }, { ...jwk, kid: 'encryption', use: 'enc' }, { ...jwk, kid: 'private', d: 'c2VjcmV0' },
    { ...jwk, kid: 'k'.repeat(1001) }, { ...jwk, kid: 7 as unknown as string }, null as unknown as object, { kid: 'untyped' }, other.jwk
  )
  const kept = keep(server)
  for (const kid of ['symmetric', 'encryption', 'private', 'untyped']) t.same(await kept.jwks.find(kid), [], kid)
  t.same(await kids(kept.jwks), [jwk.kid, other.kid])
  t.equal(kept.jwks.state.keys, 2)
})

t.test('a provider that cannot show who it is is not asked', async t => {
  const authority = await createAuthority()
  const foreign = await createAuthority('CN=Another Authority')
  const cases: readonly (readonly [name: string, certificate: Awaited<ReturnType<typeof authority.server>>, ca: string | undefined, code: string])[] = [
    ['another name', await authority.server({ san: ['elsewhere.test'] }), authority.cert, 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['out of date', await authority.server(expired()), authority.cert, 'CERT_HAS_EXPIRED'],
    ['another authority', await foreign.server(), authority.cert, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    ['no authority that is known', await authority.server(), undefined, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE']
  ]
  for (const [name, certificate, ca, code] of cases) {
    const server = await openJwksServer(t, { certificate })
    const kept = keep({ url: server.url, ...ca !== undefined && { ca } })
    t.same(await kept.jwks.find(server.current.kid), [], name)
    t.match(kept.failures[0], `the connection failed (${code})`, name)
    t.equal(server.requests, 0)
  }
})

t.test('an answer that does not come is not waited for', async t => {
  const server = await openJwksServer(t)
  server.respond = (_, response) => { response.writeHead(200).write('{') }
  const kept = keep({ ...server, timeoutMs: 100 })
  t.same(await kept.jwks.find('any'), [])
  t.match(kept.failures, [/there was no whole answer within 100 ms/])
})

t.test('the URL is https, and says nothing but where', async t => {
  for (const url of ['http://issuer.test/jwks', 'file:///etc/passwd', 'data:application/json,{}', 'ftp://issuer.test', 'jwks.json', '']) {
    t.throws(() => new Jwks({ url }), /must begin with https:/, url)
  }
  t.throws(() => new Jwks({ url: 'https://user:canary@issuer.test/jwks' }), { message: /^(?!.*canary).*no password/ })
})
