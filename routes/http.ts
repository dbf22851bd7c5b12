/**
 * The HTTP server: its limits, how bodies are read, what becomes of errors, and every route.
 */
import type { Server, ServerOptions } from 'node:http'
import type { SecureContextOptions, Server as TlsServer } from 'node:tls'
import { fastify, LogController, type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import { guardIdentity } from './authentication.ts'
import { BodyWatch, readJson, readRaw, readStream } from './bodies.ts'
import { browserClient } from './client-js.ts'
import { clientQuotas } from './client-quotas.ts'
import { readContract } from './contract.ts'
import type { HttpDoor } from './door.ts'
import { isStream } from './form.ts'
import { identity } from './identity.ts'
import { limitConnections, limitHeaders, reserveBodies } from './limits.ts'
import { guardOrigins } from './origins.ts'
import { Problem, sendError } from './problem.ts'
import { limitRates } from './quotas.ts'
import { reading } from './read.ts'
import { records } from './records.ts'
import { registry } from './registry.ts'
import { registryPath } from './registry/context-path.ts'
import { readRegistryBodies } from './registry/media.ts'
import { service } from './service.ts'
import { topicValidation } from './topic-validation.ts'
import { topics } from './topics.ts'
import { users } from './users.ts'
import { v2Consumers } from './v2-consumers.ts'
import { readV2Json } from './v2-consumers/bodies.ts'
import { v3Acls } from './v3-acls.ts'
import { v3Configs } from './v3-configs.ts'
import { v3Records } from './v3-records.ts'
import { v3Topics } from './v3-topics.ts'
import { shouldUpgrade, webSocket } from './ws.ts'

export interface HttpOptions {
  readonly logger: FastifyBaseLogger
  /** Where openapi.yaml is. */
  readonly contractPath: string | URL
  /** Null, or left out: plain HTTP. */
  readonly tls?: HttpTls | null
}

export interface HttpTls {
  /** Key, certificates and authorities as they are now. */
  readonly context: () => SecureContextOptions
  /** Whether clients are asked for a certificate, and refused (401) where they bring none that an authority here has signed. */
  readonly clientAuth: 'none' | 'requested' | 'required'
  /** Connections from then on get what `context` says then; those that are open stay as they are. */
  readonly onReload: (listener: () => void) => void
}

/** The longest name of a subject, should every character of it be percent-encoded. Topics have shorter ones. */
const MAX_PARAM_LENGTH = 3 * 4096
/** Node's default, named because it is one of our limits. */
const MAX_HEADER_BYTES = 16 * 1024
const HEADERS_TIMEOUT_MS = 10_000
const KEEP_ALIVE_TIMEOUT_MS = 72_000
const CHECK_INTERVAL_MS = 1_000
const IDLE_SWEEP_MS = 50
/** How long a connection may say nothing before the system asks whether the peer is still there. */
const TCP_KEEP_ALIVE_MS = 60_000

/** A server that is ready to listen. Rejects if openapi.yaml cannot be read or a route has no operation in it. */
export async function createHttpServer (door: HttpDoor, { logger, contractPath, tls = null }: HttpOptions): Promise<FastifyInstance> {
  const contract = await readContract(contractPath)
  const http: ServerOptions = {
    headersTimeout: HEADERS_TIMEOUT_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
    connectionsCheckingInterval: CHECK_INTERVAL_MS,
    keepAlive: true,
    keepAliveInitialDelay: TCP_KEEP_ALIVE_MS,
    shouldUpgradeCallback: shouldUpgrade
  }
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
    ...tls === null ? { http } : { https: { ...http, ...tlsOptions(tls) } as ServerOptions },
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    rewriteUrl: ({ url = '/' }) => registryPath(url),
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

  limitConnections(app, door.connections, tls !== null)
  tls?.onReload(() => (app.server as unknown as TlsServer).setSecureContext(tls.context()))
  limitHeaders(app)
  guardOrigins(app, door, contract)
  guardIdentity(app, door, tls?.clientAuth === 'required')
  limitRates(app, door, isStream)
  reserveBodies(app, door, isStream)
  const watch = new BodyWatch()
  watch.watch(app)
  app.addHook('onClose', async () => watch.close())
  app.addHook('preClose', async () => closeAsTheyFallIdle(app.server))
  readJson(app, watch)
  for (const routes of [
    service, identity, users, clientQuotas, topics, topicValidation, reading, v3Topics, v3Configs, v3Acls, webSocket, browserClient
  ]) routes(app, door, contract)
  await app.register(async scope => {
    readRaw(scope, watch)
    records(scope, door, contract)
  })
  await app.register(async scope => {
    readRegistryBodies(scope, watch)
    registry(scope, door, contract)
  })
  await app.register(async scope => {
    readStream(scope, watch)
    v3Records(scope, door, contract)
  })
  await app.register(async scope => {
    readV2Json(scope, watch)
    v2Consumers(scope, door, contract)
  })
  return app
}

/** Certificates are asked for here and judged with each request, which can be answered and not merely cut off. */
function tlsOptions ({ context, clientAuth }: HttpTls): object {
  return { ...context(), minVersion: 'TLSv1.2', handshakeTimeout: HEADERS_TIMEOUT_MS, requestCert: clientAuth !== 'none', rejectUnauthorized: false }
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
