import t, { type Test } from 'tap'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { TokenSource } from '../../../../storage/cluster/security/oauthbearer.ts'
import type { TokenEndpointOptions } from '../../../../storage/cluster/security/options.ts'
import { tokenEndpoint, type Patience } from '../../../../storage/cluster/security/token-endpoint.ts'
import { createAuthority, type Leaf } from '../../../support/certificates.ts'

const SECRET = 'secret-canary'
const client = { clientId: 'gateway', clientSecret: { reveal: () => SECRET }, scope: null, ca: null } satisfies Omit<TokenEndpointOptions, 'endpoint'>

interface Asked {
  readonly authorization: string | undefined
  readonly form: string
}

interface Endpoint {
  readonly url: string
  readonly asked: Asked[]
  /** What is answered from now on. */
  respond: (response: ServerResponse, request: IncomingMessage) => void
}

const give = (answer: object, status = 200) => (response: ServerResponse): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
}

async function openEndpoint (t: Test, respond: Endpoint['respond'], certificate?: Leaf): Promise<Endpoint> {
  const listener: RequestListener = async (request, response) => {
    self.asked.push({ authorization: request.headers.authorization, form: await text(request) })
    self.respond(response, request)
  }
  const server = (certificate === undefined ? createServer(listener) : createTlsServer(certificate, listener)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  const self: Endpoint = { url: `http${certificate === undefined ? '' : 's'}://127.0.0.1:${port}/token`, asked: [], respond }
  return self
}

const sourceOf = (endpoint: Endpoint, options: Partial<TokenEndpointOptions> = {}, clock?: () => number, patience: Patience = { againMs: [] }): TokenSource =>
  tokenEndpoint({ ...client, endpoint: endpoint.url, ...options }, { clock }, patience)

const fails = (source: TokenSource): Promise<string> => source.token().then(() => 'no failure', (error: Error) => `${error.stack}`)

t.test('the credentials of the client, and the scope', async t => {
  const endpoint = await openEndpoint(t, give({ access_token: 'abc', token_type: 'Bearer', expires_in: 60 }))
  t.equal(await sourceOf(endpoint).token(), 'abc')
  t.equal(await sourceOf(endpoint, { clientId: 'a:b', clientSecret: { reveal: () => 'c d+é' }, scope: 'kafka read' }).token(), 'abc')
  const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`
  t.strictSame(endpoint.asked, [
    { authorization: basic(`gateway:${SECRET}`), form: 'grant_type=client_credentials' },
    { authorization: basic('a%3Ab:c+d%2B%C3%A9'), form: 'grant_type=client_credentials&scope=kafka+read' }
  ])
})

t.test('one request, whoever waits for it, and none while the token is good', async t => {
  let nowMs = 0
  let count = 0
  const endpoint = await openEndpoint(t, response => give({ access_token: `token-${++count}`, expires_in: 100 })(response))
  const source = sourceOf(endpoint, {}, () => nowMs)
  t.strictSame(await Promise.all([source.token(), source.token(), source.token()]), ['token-1', 'token-1', 'token-1'])
  nowMs = 84_000
  t.equal(await source.token(), 'token-1')
  t.equal(endpoint.asked.length, 1)
  nowMs = 86_000
  t.equal(await source.token(), 'token-1', 'used on while the next one is fetched')
  while (await source.token() === 'token-1') await new Promise(setImmediate)
  t.equal(endpoint.asked.length, 2)
  nowMs += 99_000
  t.equal(await source.token(), 'token-3', 'and waited for where too little of it is left')
})

t.test('while the endpoint is away the token is used as long as it is good', async t => {
  let nowMs = 0
  const endpoint = await openEndpoint(t, give({ access_token: 'first', expires_in: 100 }))
  const source = sourceOf(endpoint, {}, () => nowMs)
  t.equal(await source.token(), 'first')
  endpoint.respond = give({}, 503)
  nowMs = 90_000
  t.equal(await source.token(), 'first')
  nowMs = 96_000
  t.match(await fails(source), /\/token gives no token for gateway: the answer is 503 and not 200\./)
  const { length } = endpoint.asked
  t.match(await fails(source), /503/)
  t.equal(endpoint.asked.length, length, 'a failure holds for a second')
  endpoint.respond = give({ access_token: 'second', expires_in: 100 })
  nowMs += 60_000
  t.equal(await source.token(), 'second')
})

t.test('a failure is tried again at once, but not a refusal', async t => {
  let failures = 2
  const endpoint = await openEndpoint(t, response => failures-- > 0 ? give({}, 500)(response) : give({ access_token: 'abc' })(response))
  t.equal(await sourceOf(endpoint, {}, undefined, { againMs: [1, 1] }).token(), 'abc')
  t.equal(endpoint.asked.length, 3)
  endpoint.respond = give({ error: 'invalid_client', error_description: SECRET }, 401)
  const told = await fails(sourceOf(endpoint, {}, undefined, { againMs: [1, 1] }))
  t.match(told, 'the answer is 401 (invalid_client) and not 200')
  t.notMatch(told, SECRET)
  t.equal(endpoint.asked.length, 4)
  endpoint.respond = give({ error: `Bad ${SECRET}` }, 429)
  t.notMatch(await fails(sourceOf(endpoint, {}, undefined, { againMs: [1, 1] })), SECRET)
  t.equal(endpoint.asked.length, 7)
})

t.test('a token that the cluster refuses is not kept for ever', async t => {
  let nowMs = 0
  let count = 0
  const endpoint = await openEndpoint(t, response => give({ access_token: `token-${++count}`, expires_in: 1000 })(response))
  const source = sourceOf(endpoint, {}, () => nowMs)
  await source.token()
  source.refused('token-1')
  t.equal(await source.token(), 'token-1', 'but not fetched anew for each refusal')
  nowMs += 10_000
  source.refused('another')
  t.equal(await source.token(), 'token-1')
  source.refused('token-1')
  t.equal(await source.token(), 'token-2')
})

t.test('answers that are none', async t => {
  const endpoint = await openEndpoint(t, give({}))
  const answers = async (respond: Endpoint['respond']): Promise<string> => {
    endpoint.respond = respond
    return await fails(sourceOf(endpoint, {}, undefined, { againMs: [], timeoutMs: 100 }))
  }
  const past = `h.${Buffer.from('{"exp":1700000000}').toString('base64url')}.s`
  for (const [respond, why] of [
    [give({}), 'the answer is not a JSON object with an access_token'],
    [give([]), 'not a JSON object'],
    [response => response.end('null'), 'not a JSON object'],
    [response => response.end(SECRET), 'not a JSON object'],
    [give({ access_token: 5 }), 'not a JSON object with an access_token'],
    [give({ access_token: `two words ${SECRET}` }), 'holds what a token may not'],
    [give({ access_token: 'x\x01auth=Bearer y' }), 'holds what a token may not'],
    [give({ access_token: 'x'.repeat(70_000) }), 'is too long'],
    [give({ access_token: 'abc', token_type: 'mac' }), 'the token is not of the type Bearer'],
    [give({ access_token: 'abc', expires_in: 0 }), 'the token has run out before it was given'],
    [give({ access_token: 'abc', expires_in: -5 }), 'has run out'],
    [give({ access_token: past }), 'has run out'],
    [response => response.writeHead(302, { location: '/elsewhere' }).end(), 'the answer is 302 and not 200'],
    [response => response.setHeader('content-encoding', 'gzip').end('x'), 'the answer is compressed'],
    [response => response.end('x'.repeat(200_000)), 'the answer is longer than 131072 bytes'],
    [response => { response.destroy() }, 'the connection failed (ECONNRESET)'],
    [response => { response.socket!.end(`${SECRET}\r\n\r\n`) }, 'the connection failed (HPE_'],
    [() => {}, 'there was no whole answer within 100 ms'],
    [response => { response.write('{"access_token":') }, 'there was no whole answer within 100 ms']
  ] as readonly (readonly [Endpoint['respond'], string])[]) {
    const told = await answers(respond)
    t.match(told, why)
    t.notMatch(told, SECRET)
  }
})

t.test('how long a token lives: what the answer says, what the token says, or a while', async t => {
  let nowMs = 0
  const jwt = `h.${Buffer.from(JSON.stringify({ exp: Math.floor(Date.now() / 1000) + 1000 })).toString('base64url')}.s`
  const endpoint = await openEndpoint(t, give({}))
  const lives = async (answer: object): Promise<number> => {
    endpoint.respond = give(answer)
    const source = sourceOf(endpoint, {}, () => nowMs)
    await source.token()
    const { length } = endpoint.asked
    const startMs = nowMs
    for (; endpoint.asked.length === length && nowMs - startMs < 3_000_000; nowMs += 5000) await source.token()
    return (nowMs - startMs) / 1000
  }
  // Between 85 %, where the next one is fetched, and 95 %, where it is waited for.
  const between = (seconds: number, low: number, high: number): unknown => t.ok(seconds >= low && seconds <= high, `${seconds} s`)
  between(await lives({ access_token: 'abc', expires_in: 2000 }), 1700, 1910)
  between(await lives({ access_token: jwt }), 840, 960)
  between(await lives({ access_token: 'abc' }), 255, 295)
})

t.test('https: an authority of its own, read again when it changes', async t => {
  const [authority, stranger] = [await createAuthority(), await createAuthority('CN=Stranger')]
  const endpoint = await openEndpoint(t, give({ access_token: 'abc' }), await authority.server())
  const ca = join(t.testdir({ ca: stranger.cert }), 'ca')
  let nowMs = 0
  const source = sourceOf(endpoint, { ca }, () => nowMs)
  t.match(await fails(source), /gives no token for gateway: the connection failed \([A-Z_]+\)/)
  writeFileSync(ca, authority.cert)
  nowMs += 60_000
  t.equal(await source.token(), 'abc')
  t.match(await fails(sourceOf(endpoint)), /the connection failed/)
  writeFileSync(ca, 'x')
  t.throws(() => sourceOf(endpoint, { ca }), /holds no certificate/)
  const misnamed = await openEndpoint(t, give({ access_token: 'abc' }), await authority.server({ san: ['id.example'] }))
  writeFileSync(ca, authority.cert)
  t.match(await fails(sourceOf(misnamed, { ca })), /ERR_TLS_CERT_ALTNAME_INVALID/)
})
