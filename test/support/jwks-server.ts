/**
 * An identity provider for tests: it publishes its keys over https, signs tokens, and fails when it is told to.
 */
import type { Test } from 'tap'
import { exportJWK, generateKeyPair, SignJWT, type JWK, type JWTPayload } from 'jose'
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAuthority, type Leaf } from './certificates.ts'

type PrivateKey = Awaited<ReturnType<typeof generateKeyPair>>['privateKey']

export interface SigningKey {
  readonly kid: string
  readonly alg: string
  readonly privateKey: PrivateKey
  /** What is published of it. */
  readonly jwk: JWK
}

export interface JwksServerOptions {
  /** Instead of one that an authority of its own has issued. Then `ca` is empty. */
  readonly certificate?: Leaf
  readonly port?: number
}

export interface JwksServer {
  /** Where the keys are: `https://127.0.0.1:PORT/jwks`. */
  readonly url: string
  /** The authority behind its certificate, PEM. */
  readonly ca: string
  readonly issuer: string
  readonly audience: string
  /** How many requests have come. */
  readonly requests: number
  /** What is published, in order. May be changed at will. */
  readonly keys: JWK[]
  /** The key that `sign` uses. */
  readonly current: SigningKey
  /** What is answered instead of the keys while it is set. */
  respond: ((request: IncomingMessage, response: ServerResponse) => void) | null
  /** Makes a key, publishes it beside the others, and signs with it from now on. */
  rotate (alg?: string): Promise<SigningKey>
  /** A token of this issuer, for this audience and `alice`, good for ten minutes; `claims` and `header` go over that, undefined leaves out. */
  sign (claims?: Record<string, unknown>, header?: Record<string, unknown>, key?: SigningKey): Promise<string>
  close (): Promise<void>
}

export const ISSUER = 'https://issuer.test'
export const AUDIENCE = 'barnabas'

export async function createSigningKey (alg = 'ES256', kid = `${alg}-${Math.random().toString(36).slice(2)}`): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  return { kid, alg, privateKey, jwk: { ...await exportJWK(publicKey), kid, alg, use: 'sig' } }
}

/** The claims of a token that is good for ten minutes from now. */
export function goodClaims (nowMs = Date.now()): JWTPayload & { iat: number, exp: number } {
  const iat = Math.floor(nowMs / 1000)
  return { iss: ISSUER, aud: AUDIENCE, sub: 'alice', iat, exp: iat + 600 }
}

export async function openJwksServer (t: Test, { certificate, port = 0 }: JwksServerOptions = {}): Promise<JwksServer> {
  const authority = certificate === undefined ? await createAuthority() : null
  const { cert, key } = certificate ?? await authority!.server()
  let requests = 0
  let current = await createSigningKey()
  const keys: JWK[] = [current.jwk]
  const server = createServer({ cert, key }, (request, response) => {
    requests++
    if (self.respond !== null) return self.respond(request, response)
    const found = request.url === '/jwks'
    response.writeHead(found ? 200 : 404, { 'content-type': 'application/jwk-set+json' }).end(found ? JSON.stringify({ keys }) : '')
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const self: JwksServer = {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`,
    ca: authority?.cert ?? '',
    issuer: ISSUER,
    audience: AUDIENCE,
    get requests () { return requests },
    keys,
    get current () { return current },
    respond: null,
    async rotate (alg = 'ES256') {
      current = await createSigningKey(alg)
      keys.push(current.jwk)
      return current
    },
    sign (claims = {}, header = {}, { privateKey, kid, alg } = current) {
      return new SignJWT(defined({ ...goodClaims(), ...claims })).setProtectedHeader(defined({ alg, kid, ...header }) as { alg: string }).sign(privateKey)
    },
    async close () {
      if (!server.listening) return
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    }
  }
  t.teardown(() => self.close())
  return self
}

/** JSON would leave them out too, but the library looks at some of them before. */
const defined = <T extends object>(value: T): T => Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as T
