/**
 * What a peer may take of the server before anything it asks for is looked at: connections, header fields, memory for bodies.
 */
import type { Socket } from 'node:net'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { formatPrincipal } from '../protocol/rpc.ts'
import { addressOf, contextOf, type HttpDoor } from './door.ts'
import { Problem, problemOf } from './problem.ts'
import type { DoorConnections } from './guards.ts'

const MAX_HEADERS = 100
/** Bodies up to this size are not worth counting. */
export const UNCOUNTED_BYTES = 64 * 1024
/** How long a request may wait for room. */
const ROOM_WAIT_MS = 30_000
/** How long a peer that is turned away has to read why. */
const LINGER_MS = 100

const refusals = {
  too_many: 'The server has as many connections as it may have: try again later.',
  too_many_per_address: 'There are as many connections from your address as there may be: close some, or use them again.',
  too_fast: 'Connections from your address come too fast: keep them open, and use them again.'
} as const

/** Sockets that were refused: what they had sent by then is not obeyed. */
const turnedAway = new WeakSet<Socket>()

export function limitConnections ({ server }: FastifyInstance, connections: DoorConnections, speaksTls: boolean): void {
  server.on('connection', (socket: Socket) => {
    const address = addressOf(socket.remoteAddress)
    const admission = connections.admit(address)
    if (admission === 'admitted') {
      socket.once('close', () => connections.left(address))
      return
    }
    turnedAway.add(socket)
    if (speaksTls) {
      socket.destroy()
      return
    }
    const body = JSON.stringify(problemOf(new Problem('not-available', refusals[admission])))
    socket.on('error', () => {})
    socket.end('HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\nconnection: close\r\nretry-after: 1\r\n' +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
    setTimeout(() => socket.destroy(), LINGER_MS).unref()
  })
}

/** For all routes. Node itself sees to the bytes of the header. */
export function limitHeaders (app: FastifyInstance): void {
  app.addHook('onRequest', ({ raw }, reply, done) => {
    if (turnedAway.has(raw.socket)) return done(new Problem('not-available', refusals.too_many))
    if (raw.rawHeaders.length > 2 * MAX_HEADERS) return done(new Problem('header-too-large', `The request has more than ${MAX_HEADERS} header fields.`))
    // Node takes HTTP/0.9, and the first of several hosts (RFC 9112, 3.2): what stands before this server may see other requests there.
    if (raw.httpVersionMajor !== 1) {
      reply.hijack()
      raw.socket.destroy()
      return
    }
    if (hostsIn(raw.rawHeaders) > 1) {
      reply.header('connection', 'close')
      return done(new Problem('invalid-request', 'The request has more than one Host.'))
    }
    done()
  })
}

function hostsIn (rawHeaders: readonly string[]): number {
  let count = 0
  for (let i = 0; i < rawHeaders.length; i += 2) if (rawHeaders[i]!.length === 4 && rawHeaders[i]!.toLowerCase() === 'host') count++
  return count
}

/** Reserves memory for bodies that are read as a whole, before they are: until there is room, the peer's bytes stay where they are. */
export function reserveBodies (app: FastifyInstance, { memory, maxBodyBytes, limited }: HttpDoor, isStream: (request: FastifyRequest) => boolean): void {
  app.addHook('onRequest', (request, reply, done) => {
    const bytes = bytesToCome(request, maxBodyBytes)
    if (bytes <= UNCOUNTED_BYTES || isStream(request)) return done()
    const context = contextOf(request)
    const principal = formatPrincipal(context.principal)
    const reserved = memory.reserve(principal, bytes)
    const { raw } = reply
    const hold = (): void => { raw.once('close', () => memory.release(principal, bytes)) }
    if (reserved === true) {
      hold()
      return done()
    }
    const giveUp = (): void => reserved.cancel()
    const timer = setTimeout(giveUp, ROOM_WAIT_MS).unref()
    raw.once('close', giveUp)
    reserved.then(granted => {
      clearTimeout(timer)
      raw.off('close', giveUp)
      if (!granted) {
        limited('memory', context)
        return done(new Problem('not-available', 'The server has no memory to spare for a body of this size: send it again later.'))
      }
      if (raw.destroyed) memory.release(principal, bytes)
      else hold()
      done()
    })
  })
}

/** What is too large is left to whoever refuses it. A body that does not say how long it is may be as long as bodies may be. */
function bytesToCome ({ headers }: FastifyRequest, maxBodyBytes: number): number {
  if (headers['transfer-encoding'] !== undefined) return maxBodyBytes
  const length = Number(headers['content-length'] ?? 0)
  return length <= maxBodyBytes ? length : 0
}
