/**
 * `GET /ws`: the WebSocket door. docs/websocket.md is its protocol.
 *
 * Everything that can be refused is refused before the upgrade, as a problem document: curl and a program's error message
 * show that, where a closed socket shows nothing.
 */
import websocket, { type WebsocketPluginOptions } from '@fastify/websocket'
import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { nobody, originOf } from './authentication.ts'
import type { Contract } from './contract.ts'
import { contextOf, type HttpDoor } from './door.ts'
import { Problem } from './problem.ts'
import { Closed, closes } from './ws/close.ts'
import { defaultTiming, limits, PRINCIPAL_SUBSCRIPTIONS, SUB_PROTOCOL, type Timing } from './ws/limits.ts'
import { isAllowedOrigin } from './ws/origin.ts'
import { Session } from './ws/session.ts'
import { offeredIn } from './ws/sub-protocols.ts'
import { Tally } from './ws/tally.ts'

const options: NonNullable<WebsocketPluginOptions['options']> & { closeTimeout: number } = {
  maxPayload: limits.payloadBytes,
  maxFragments: 1024,
  maxBufferedChunks: 16 * 1024,
  // It costs memory and CPU for every connection, and lets a small message grow into a large one.
  perMessageDeflate: false,
  // How long, in ms, a client may take to answer our closing frame.
  closeTimeout: 5000,
  handleProtocols: protocols => protocols.has(SUB_PROTOCOL) ? SUB_PROTOCOL : false
}

/**
 * For Node's `shouldUpgradeCallback`, which whoever makes the server passes on: without it, Node would take every
 * `Upgrade` header as the end of HTTP, and some clients send `Upgrade: h2c` with all they ask.
 */
export function shouldUpgrade ({ headers, url }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket' && (url === '/ws' || url?.startsWith('/ws?') === true)
}

export function webSocket (app: FastifyInstance, door: HttpDoor, contract: Contract, timing: Timing = defaultTiming): void {
  const sessions = new Set<Session>()
  const subscriptions = new Tally(PRINCIPAL_SUBSCRIPTIONS)
  const drain = async (): Promise<void> => { await Promise.all(Array.from(sessions, session => session.drain())) }
  door.draining.addEventListener('abort', drain, { once: true })

  app.addHook('onResponse', ({ raw, ws }, _reply, done) => {
    // What is refused before the plugin sees it still has the socket that was to be a WebSocket.
    if (ws !== true && shouldUpgrade(raw)) raw.socket.destroySoon()
    done()
  })

  app.register(async scope => {
    await scope.register(websocket, {
      options,
      // The socket closes itself, with the code that the error stands for.
      errorHandler: (error, _socket, request) => request.log.debug({ err: error }, 'a WebSocket broke the protocol'),
      preClose: drain
    })
    scope.route({
      ...contract.route('openWebSocket'),
      preValidation: async request => { if (request.ws) admit(request, door) },
      handler: async (_request, reply) => {
        // RFC 9110, 15.5.22: both, because a hop may only tell the next one.
        reply.header('upgrade', 'websocket').header('connection', 'upgrade')
        throw new Problem('upgrade-required', 'This is a WebSocket: ask for it with "Upgrade: websocket". docs/websocket.md is its protocol.')
      },
      wsHandler: (socket, request) => {
        const isNameless = socket.protocol === ''
        const isPage = request.headers.origin !== undefined
        const identity = door.authentication === null ? nobody : request.identity ?? null
        const session = new Session(socket, request.raw.socket, door, {
          context: contextOf(request, 'ws'),
          origin: originOf(request),
          identity,
          // Who has said nothing of itself yet has to say it in words.
          implicit: isNameless && !isPage && (identity !== null || door.authentication?.anonymous === true),
          subscriptions,
          timing,
          log: app.log
        })
        sessions.add(session)
        session.closed.then(() => sessions.delete(session))
        if (isNameless && isPage) {
          session.close(new Closed(closes.subProtocol, `A page must name the sub-protocol: new WebSocket(url, "${SUB_PROTOCOL}").`))
        }
      }
    })
  })
}

function admit ({ headers }: FastifyRequest, door: HttpDoor): void {
  if (door.draining.aborted) throw new Problem('not-available', 'The server is about to stop.')
  if (!isAllowedOrigin(headers.origin, headers.host, door.allowedOrigins)) {
    throw new Problem('forbidden', `Pages of ${headers.origin} may not connect here; the server's configuration lists those that may (allowed origins).`)
  }
  const offered = offeredIn(headers['sec-websocket-protocol'])
  if (offered !== undefined && !offered.includes(SUB_PROTOCOL)) {
    throw new Problem('invalid-request', `None of the sub-protocols offered (${offered.join(', ')}) is known here; the one that is, is ${SUB_PROTOCOL}.`)
  }
}
