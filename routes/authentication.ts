/**
 * Who asks: every request is given an identity, or is refused with 401 before anything else is done with it. Operations whose
 * `security` is empty in openapi.yaml need none.
 *
 * A proof is, in this order: the Authorization header, a client certificate, and where openapi.yaml says so, a ticket in the
 * URL. A WebSocket may bring a token among its sub-protocols, or nothing yet: then its first message says who it is.
 */
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TLSSocket } from 'node:tls'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { anonymous } from '../protocol/rpc.ts'
import { AuthenticationFailed, type Identity, type Origin } from '../src/auth/identity.ts'
import { addressOf, type HttpDoor } from './door.ts'
import { Problem } from './problem.ts'
import { bearerIn } from './ws/sub-protocols.ts'
import type { HttpAuthentication } from './guards.ts'

export const nobody: Identity = { principal: anonymous, method: 'NONE', expiresAtMs: null }

const REALM = 'barnabas'
/** Parameters that other servers take a token in. A URL is written to logs and histories: a token in it is as good as published. */
const TOKEN_PARAMETERS = ['access_token', 'token', 'id_token', 'jwt'] as const

export function guardIdentity (app: FastifyInstance, door: HttpDoor, certificateRequired = false): void {
  app.decorateRequest('identity', null)
  if (certificateRequired) requireCertificates(app)
  const { authentication } = door
  if (authentication === null) return
  app.addHook('onRequest', (request, reply, done) => {
    const { config } = request.routeOptions
    if (config.public === true || (config.operationId === 'getMetrics' && authentication.publicMetrics)) return done()
    const { authorization } = request.headers
    if (authorization !== undefined && authentication.ready && !request.url.includes('token=')) {
      const known = authentication.known(authorization, originOf(request))
      if (known !== null && !hasExpired(known)) {
        request.identity = known
        return done()
      }
    }
    identify(door, authentication, request).then(identity => {
      request.identity = identity
      done()
    }, (error: Error) => {
      if (error instanceof Problem && error.slug === 'unauthenticated') challenge(reply, authentication, authorization)
      done(error)
    })
  })
}

export const originOf = (request: FastifyRequest): Origin => ({ address: addressOf(request.ip), listener: 'http' })

export const hasExpired = ({ expiresAtMs }: Identity): boolean => expiresAtMs !== null && expiresAtMs <= Date.now()

function requireCertificates (app: FastifyInstance): void {
  app.addHook('onRequest', (request, _reply, done) => {
    if (request.routeOptions.config.public === true || certifiedSocket(request) !== null) return done()
    done(new Problem('unauthenticated', 'This server asks for a client certificate of an authority that it knows.'))
  })
}

/** Null unless the client has shown a certificate that an authority here has signed. */
function certifiedSocket ({ raw }: FastifyRequest): TLSSocket | null {
  const socket = raw.socket as Socket & Partial<TLSSocket>
  return socket.encrypted === true && socket.authorized === true ? socket as TLSSocket : null
}

async function identify (door: HttpDoor, authentication: HttpAuthentication, request: FastifyRequest): Promise<Identity | null> {
  const query = request.query as Readonly<Record<string, unknown>>
  const { config } = request.routeOptions
  for (const name of TOKEN_PARAMETERS) {
    if (name in query) {
      throw new Problem('invalid-parameter', `A token must not stand in a URL (${name}): ` +
        'send it as "Authorization: Bearer", or ask POST /auth/tickets for a ticket.')
    }
  }
  if (!authentication.ready) throw new Problem('not-available', 'The log is being opened, and with it what is known of users: ask again in a moment.')
  const origin = originOf(request)
  const { authorization } = request.headers
  if (authorization !== undefined) return await proven(door, authentication, origin, () => authentication.authorization(authorization, origin))
  const socket = certifiedSocket(request)
  if (socket !== null) return await ownerOf(door, authentication, origin, socket)
  const { ticket } = query
  if (config.ticket === true && typeof ticket === 'string') return await proven(door, authentication, origin, () => authentication.redeem(ticket, origin))
  if (config.operationId === 'openWebSocket') {
    const token = bearerIn(request.headers['sec-websocket-protocol'])
    return token === null ? null : await proven(door, authentication, origin, () => authentication.authorization(`Bearer ${token}`, origin))
  }
  if (authentication.anonymous) return nobody
  throw new Problem('unauthenticated', `Credentials are needed: send "Authorization: ${authentication.schemes.join('" or "')}".`)
}

/** What `prove` finds. A failure is answered after a while, with no more than a stranger may know. Rejects with Problem. */
export async function proven (
  door: HttpDoor, authentication: HttpAuthentication, origin: Origin, prove: () => Identity | Promise<Identity>
): Promise<Identity> {
  try {
    const identity = await prove()
    if (hasExpired(identity)) throw new AuthenticationFailed('expired', 'The credentials have expired: send new ones.')
    return identity
  } catch (error) {
    if (!(error instanceof AuthenticationFailed)) throw error
    await sleep(authentication.failureDelayMs(origin), undefined, { signal: door.draining }).catch(() => {})
    throw new Problem('unauthenticated', error.message)
  }
}

/** A certificate is read and mapped once for each connection. */
const owners = new WeakMap<TLSSocket, Identity>()

async function ownerOf (door: HttpDoor, authentication: HttpAuthentication, origin: Origin, socket: TLSSocket): Promise<Identity> {
  let owner = owners.get(socket)
  if (owner === undefined) {
    owner = await proven(door, authentication, origin, () => authentication.certificate(socket.getPeerX509Certificate()!, origin))
    owners.set(socket, owner)
  }
  return owner
}

/** RFC 7617, RFC 6750: one field for each scheme. */
function challenge (reply: FastifyReply, { schemes }: HttpAuthentication, authorization: string | undefined): void {
  const refused = /^bearer /i.test(authorization ?? '')
  const fields = schemes.map(scheme => {
    if (scheme === 'Basic') return `Basic realm="${REALM}", charset="UTF-8"`
    return `${scheme} realm="${REALM}"${refused && scheme === 'Bearer' ? ', error="invalid_token"' : ''}`
  })
  reply.header('www-authenticate', fields.length === 1 ? fields[0] : fields)
}
