/**
 * An identity provider: keys over https for the server, and a token endpoint (OAuth 2, client credentials) for the clients,
 * on which the path says for whom and for how long: `/alice/60`.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import type { Leaf } from '../../support/certificates.ts'
import { openJwksServer, type JwksServer } from '../../support/jwks-server.ts'

export interface TokenServer {
  readonly provider: JwksServer
  /** Where a client gets tokens that live for so many seconds; with a negative number they have run out before they are given. */
  url (subject: string, seconds: number): string
}

export async function startTokenServer (t: Test, certificate: Leaf): Promise<TokenServer> {
  const provider = await openJwksServer(t, { certificate })
  const server = createServer(async (request, response) => {
    const [, sub, seconds] = request.url!.split('/')
    const now = Math.floor(Date.now() / 1000)
    const exp = now + Number(seconds)
    // Some clients want a token to tell its scope.
    const token = await provider.sign({ sub: sub!, iat: Math.min(now, exp - 60), exp, scope: 'kafka' })
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ access_token: token, token_type: 'Bearer', expires_in: Number(seconds) }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  return { provider, url: (subject, seconds) => `http://127.0.0.1:${port}/${subject}/${seconds}` }
}
