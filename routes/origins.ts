/**
 * Which web pages may use the HTTP door: the same that may open a WebSocket. A browser lets any page send a simple POST
 * anywhere and only keeps the answer from it, so what changes something is refused here, before anything is done; what
 * only reads is answered, and the browser keeps it from pages that are not named (Fetch standard, CORS protocol).
 */
import type { FastifyInstance } from 'fastify'
import type { Contract } from './contract.ts'
import type { HttpDoor } from './door.ts'
import { Problem } from './problem.ts'
import { isAllowedOrigin } from './ws/origin.ts'

/** Every header that a request here may carry beyond those that browsers allow by themselves. */
const REQUEST_HEADERS = 'accept, authorization, confluent-accept-unknown-properties, content-type, last-event-id'
const RESPONSE_HEADERS = 'link, location, ratelimit, ratelimit-policy, retry-after, www-authenticate'
const MAX_AGE_SECONDS = 600

export function guardOrigins (app: FastifyInstance, { allowedOrigins }: HttpDoor, contract: Contract): void {
  app.addHook('onRequest', (request, reply, done) => {
    const { origin, host } = request.headers
    if (origin === undefined) return done()
    const isAllowed = isAllowedOrigin(origin, host, allowedOrigins)
    if (isAllowed) {
      reply.header('access-control-allow-origin', origin)
        .header('access-control-expose-headers', RESPONSE_HEADERS)
        .header('vary', 'origin')
    } else if (request.method !== 'GET') {
      return done(new Problem('forbidden', `Pages of ${origin} may not use this server; its configuration lists those that may (allowed origins).`))
    }
    if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined) return done()
    reply.code(204)
      .header('access-control-allow-methods', contract.methodsOf(request.url.split('?')[0]!).join(', '))
      .header('access-control-allow-headers', REQUEST_HEADERS)
      .header('access-control-max-age', MAX_AGE_SECONDS)
      .send()
  })
}
