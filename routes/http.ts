/**
 * The HTTP server: its limits, how bodies are read, what becomes of errors, and every route.
 */
import type { Server } from 'node:http'
import { fastify, LogController, type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import { BodyWatch, readJson, readRaw, readStream } from './bodies.ts'
import { browserClient } from './client-js.ts'
import { readContract } from './contract.ts'
import type { HttpDoor } from './door.ts'
import { guardOrigins } from './origins.ts'
import { Problem, sendError } from './problem.ts'
import { reading } from './read.ts'
import { records } from './records.ts'
import { service } from './service.ts'
import { topics } from './topics.ts'
import { v3Records } from './v3-records.ts'
import { v3Topics } from './v3-topics.ts'
import { shouldUpgrade, webSocket } from './ws.ts'

export interface HttpOptions {
  readonly logger: FastifyBaseLogger
  /** Where openapi.yaml is. */
  readonly contractPath: string | URL
}

/** The longest topic name, should every character of it be percent-encoded. */
const MAX_PARAM_LENGTH = 3 * 249
const HEADERS_TIMEOUT_MS = 10_000
const KEEP_ALIVE_TIMEOUT_MS = 72_000
const CHECK_INTERVAL_MS = 1_000
const IDLE_SWEEP_MS = 50
/** How long a connection may say nothing before the system asks whether the peer is still there. */
const TCP_KEEP_ALIVE_MS = 60_000

/** A server that is ready to listen. Rejects if openapi.yaml cannot be read or a route has no operation in it. */
export async function createHttpServer (door: HttpDoor, { logger, contractPath }: HttpOptions): Promise<FastifyInstance> {
  const contract = await readContract(contractPath)
  const app = fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    // A logger for each request would be made for every record, and used by almost none.
    childLoggerFactory: logger => logger,
    bodyLimit: door.maxBodyBytes,
    onProtoPoisoning: 'error',
    onConstructorPoisoning: 'error',
    exposeHeadRoutes: false,
    // Headers have a deadline of Node's; bodies have one in bodies.ts, from which uploads that are meant to last are free.
    requestTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    http: {
      headersTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: CHECK_INTERVAL_MS,
      keepAlive: true,
      keepAliveInitialDelay: TCP_KEEP_ALIVE_MS,
      shouldUpgradeCallback: shouldUpgrade
    },
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    frameworkErrors: (error, request, reply) => sendError(error, request, reply)
  })
  app.setValidatorCompiler(contract.validation.compiler)
  app.setErrorHandler(sendError)
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?')[0]!
    const allow = contract.methodsOf(path)
    sendError(allow.length === 0
      ? new Problem('not-found', `There is nothing at ${path}; /openapi.yaml says what there is.`)
      : new Problem('method-not-allowed', `${path} can be asked with ${allow.join(', ')}, not with ${request.method}.`, { allow }), request, reply)
  })

  guardOrigins(app, door, contract)
  const watch = new BodyWatch()
  watch.watch(app)
  app.addHook('onClose', async () => watch.close())
  app.addHook('preClose', async () => closeAsTheyFallIdle(app.server))
  readJson(app, watch)
  for (const routes of [service, topics, reading, v3Topics, webSocket, browserClient]) routes(app, door, contract)
  await app.register(async scope => {
    readRaw(scope, watch)
    records(scope, door, contract)
  })
  await app.register(async scope => {
    readStream(scope, watch)
    v3Records(scope, door, contract)
  })
  return app
}

/**
 * A connection that is busy when the server closes would else be kept alive when it has finished: one whose answer was given
 * before the end of its body cannot be told so any more.
 */
function closeAsTheyFallIdle (server: Server): void {
  if (!server.listening) return
  const timer = setInterval(() => server.closeIdleConnections(), IDLE_SWEEP_MS)
  server.once('close', () => clearInterval(timer))
}
