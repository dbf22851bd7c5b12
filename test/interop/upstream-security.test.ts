/**
 * What the cluster engine says to a broker about who it is, said to a real Kafka.
 */
import { writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { FrameSplitter, readResponse, writeRequest } from '../../protocol/frame.ts'
import { DescribeCluster } from '../../protocol/messages/60-describe-cluster.ts'
import { internalPrincipal, type Principal } from '../../protocol/rpc.ts'
import type { Api, RequestInput, Response } from '../../protocol/schema.ts'
import type { PasswordMechanism, SaslOptions, TlsOptions, UpstreamSecurityOptions } from '../../storage/cluster/security/options.ts'
import { createUpstreamSecurity, type Surroundings } from '../../storage/cluster/security/security.ts'
import type { Channel } from '../../storage/cluster/upstream.ts'
import { issueCertificates } from './support/certificate-files.ts'
import { freePort, temporaryFolder } from './support/ports.ts'
import { startSecureKafka } from './support/secure-kafka.ts'
import { MAX_REAUTH_MS, passwordOf } from './support/secure-model.ts'
import { startTokenServer } from './support/token-server.ts'

/** One request after the other, as `Channel` wants it. */
class TinyChannel implements Channel {
  readonly #socket: Socket
  readonly #frames = new FrameSplitter()
  #waiting: PromiseWithResolvers<Buffer> | null = null
  #correlationId = 0

  constructor (socket: Socket) {
    this.#socket = socket
    const end = (error: Error): void => this.#waiting?.reject(error)
    socket.on('data', chunk => {
      try {
        this.#frames.push(chunk as Buffer)
        const frame = this.#frames.next()
        if (frame !== null) this.#waiting?.resolve(frame)
      } catch (error) {
        end(error as Error)
      }
    }).on('error', end).on('close', () => end(new Error('the connection is closed')))
  }

  async request<A extends Api> (api: A, version: number, body: RequestInput<A>): Promise<Response<A>> {
    this.#waiting = Promise.withResolvers()
    for (const chunk of writeRequest(api, version, ++this.#correlationId, 'interop', body)) this.#socket.write(chunk)
    return readResponse(api, version, await this.#waiting.promise).body
  }

  close (): void {
    this.#socket.destroy()
  }
}

const folder = temporaryFolder(t)
const files = await issueCertificates(folder)
const tokens = await startTokenServer(t, files.provider)
const [plaintext, encrypted, mutual] = [await freePort(), await freePort(), await freePort()]
await startSecureKafka(t, folder, { plaintext, encrypted, mutual, plaintextRelay: plaintext, encryptedRelay: encrypted }, files, tokens)

const never = new AbortController().signal
const tls: TlsOptions = { ca: files.ca, cert: null, key: null }
const alice: Principal = { type: 'User', name: 'alice' }
const withPassword = (mechanism: PasswordMechanism, username = 'admin', password = passwordOf(username)): SaslOptions =>
  ({ mechanism, username, password: { reveal: () => password } })
const withToken = (subject: string, seconds: number): SaslOptions => ({
  mechanism: 'OAUTHBEARER',
  token: { endpoint: tokens.url(subject, seconds), clientId: 'gateway', clientSecret: { reveal: () => 'x' }, scope: null, ca: null }
})
const fileOf = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

interface Login {
  readonly channel: TinyChannel
  readonly lifetimeMs: number
  /** Proves it once more on the same connection. */
  again (): Promise<number>
}

async function login (
  port: number, options: Partial<UpstreamSecurityOptions>, principal: Principal = internalPrincipal, surroundings: Surroundings = {}
): Promise<Login> {
  const security = createUpstreamSecurity({ tls: null, sasl: null, credentials: null, insecure: false, ...options }, surroundings)
  const channel = new TinyChannel(await security.connect({ host: 'localhost', port }, never))
  t.teardown(() => channel.close())
  const identity = security.identityFor(principal)
  return { channel, lifetimeMs: await identity.authenticate(channel), again: () => identity.authenticate(channel) }
}

/** Whether who is logged in may change the cluster: the super user may. */
async function mayAlter ({ channel }: Login): Promise<boolean> {
  const { errorCode, clusterAuthorizedOperations } = await channel.request(DescribeCluster, 0, { includeClusterAuthorizedOperations: true })
  const ALTER = 7
  return errorCode === 0 && (clusterAuthorizedOperations & (1 << ALTER)) !== 0
}

for (const [what, port, options] of [
  ['PLAIN', plaintext, { sasl: withPassword('PLAIN') }],
  ['SCRAM-SHA-256', plaintext, { sasl: withPassword('SCRAM-SHA-256') }],
  ['SCRAM-SHA-512', plaintext, { sasl: withPassword('SCRAM-SHA-512') }],
  ['OAUTHBEARER of an endpoint', plaintext, { sasl: withToken('admin', 60) }],
  ['OAUTHBEARER of a file', plaintext, {
    sasl: { mechanism: 'OAUTHBEARER', token: { file: fileOf('admin.token', await tokens.provider.sign({ sub: 'admin', scope: 'kafka' })) } }
  }],
  ['PLAIN within TLS', encrypted, { tls, sasl: withPassword('PLAIN') }],
  ['SCRAM-SHA-512 within TLS', encrypted, { tls, sasl: withPassword('SCRAM-SHA-512') }],
  ['OAUTHBEARER within TLS', encrypted, { tls, sasl: withToken('admin', 60) }]
] as readonly (readonly [string, number, Partial<UpstreamSecurityOptions>])[]) {
  t.test(`${what}: proves who it is, and once more before that runs out`, async t => {
    const it = await login(port, options)
    t.ok(it.lifetimeMs > 0 && it.lifetimeMs <= MAX_REAUTH_MS, `it holds for ${it.lifetimeMs} ms`)
    t.ok(await mayAlter(it), 'as the super user')
    // A broker does not want to hear it twice within a second.
    await sleep(1500)
    t.ok(await it.again() > 0)
    await sleep(MAX_REAUTH_MS - 1000)
    t.ok(await mayAlter(it), 'and the session goes on')
  })
}

t.test('certificates on both sides', async t => {
  const own = { tls: { ca: files.ca, cert: files.client.certificate, key: files.client.key } }
  const it = await login(mutual, own)
  t.equal(it.lifetimeMs, 0, 'which hold as long as the connection')
  t.notOk(await mayAlter(it))
  await t.rejects(login(mutual, { tls }).then(mayAlter), /certificate|closed|TLS handshake/i, 'without one of ours')
  const strange = { tls: { ca: files.ca, cert: files.stranger.certificate, key: files.stranger.key } }
  await t.rejects(login(mutual, strange).then(mayAlter), /certificate|closed|TLS handshake/i, 'a stranger\'s')
})

t.test('what is wrong is told', async t => {
  const token = fileOf('old.token', await tokens.provider.sign({ sub: 'admin', scope: 'kafka', iat: 1_700_000_000, exp: 1_700_000_600 }))
  for (const [what, port, options, message] of [
    ['a password of PLAIN', plaintext, { sasl: withPassword('PLAIN', 'admin', 'wrong-canary') },
      /^The cluster refuses PLAIN as admin \(SASL_AUTHENTICATION_FAILED\): "Authentication failed: Invalid username or password"\. Check/],
    ['a password of SCRAM', plaintext, { sasl: withPassword('SCRAM-SHA-256', 'admin', 'wrong-canary') },
      /^The cluster refuses SCRAM-SHA-256 as admin \(SASL_AUTHENTICATION_FAILED\): ".*"\. Check the name and the password\.$/],
    ['a user', plaintext, { sasl: withPassword('SCRAM-SHA-512', 'nobody', 'wrong-canary') }, /^The cluster refuses SCRAM-SHA-512 as nobody/],
    ['a mechanism', encrypted, { tls, sasl: withPassword('SCRAM-SHA-256') },
      /^The cluster does not offer SCRAM-SHA-256 there, but (?=.*PLAIN)(?=.*SCRAM-SHA-512)(?=.*OAUTHBEARER)/],
    ['a token that ran out', plaintext, { sasl: { mechanism: 'OAUTHBEARER', token: { file: token } } },
      /^The cluster refuses OAUTHBEARER .* The broker calls it invalid_token\. The token of \S+ ran out at 2023-11-14T22:23:20\.000Z\.$/],
    ['an endpoint that gives such', plaintext, { sasl: withToken('admin', -60) }, /gives no token for gateway: the token has run out before it was given/],
    ['a listener without credentials', mutual, {
      tls: { ca: files.ca, cert: files.client.certificate, key: files.client.key }, sasl: withPassword('PLAIN')
    }, /^The cluster asks for no credentials there\./],
    ['TLS where there is none', plaintext, { tls, sasl: withPassword('PLAIN') },
      /closed the connection in the middle of the TLS handshake\. Is that its TLS listener/],
    ['no TLS where there is some', encrypted, { sasl: withPassword('SCRAM-SHA-512') }, /closed|ECONNRESET|a frame of \d+ bytes was announced/]
  ] as readonly (readonly [string, number, Partial<UpstreamSecurityOptions>, RegExp])[]) {
    const surroundings = { connectTimeoutMs: 3000, patience: { againMs: [] } }
    const error = await login(port, options, internalPrincipal, surroundings).then(() => null, (error: Error) => error)
    t.match(error?.message, message, what)
    t.notMatch(error?.stack, 'wrong-canary')
  }
})

t.test('everybody as whom the mapping says', async t => {
  const credentials = fileOf('mapping.yaml', [
    `User:alice: { mechanism: SCRAM-SHA-256, username: alice, password: ${passwordOf('alice')} }`,
    `default: { mechanism: SCRAM-SHA-512, username: admin, password: ${passwordOf('admin')} }`
  ].join('\n'))
  const options = { sasl: withPassword('SCRAM-SHA-512'), credentials }
  t.notOk(await mayAlter(await login(plaintext, options, alice)))
  t.ok(await mayAlter(await login(plaintext, options, { type: 'User', name: 'somebody' })))
  t.ok(await mayAlter(await login(plaintext, options)))
})
