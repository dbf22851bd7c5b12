/**
 * The wiring, and the only file that knows every room: engine, policies, doors.
 *
 * HTTP listens first, so that health can be asked while a long recovery runs; Kafka clients are let in when the log is
 * ready, because they would take an error for an answer.
 */
import { hostname } from 'node:os'
import { compose } from '../protocol/rpc.ts'
import type { LogEngine } from '../storage/engine.ts'
import { createHttpStats, type HttpDoor } from '../routes/door.ts'
import { createHttpServer, type HttpTls } from '../routes/http.ts'
import { Feeds } from './client/feed.ts'
import { formatAddress, isWildcard, type Address } from './config/address.ts'
import type { UpstreamConfig } from './config/upstream.ts'
import type { Config } from './config.ts'
import type { Gateways } from './gateways/gateways.ts'
import { supportsOf } from './kafka/handshake.ts'
import { LogLimit } from './kafka/log-limit.ts'
import { untilQuiet } from './kafka/quiet.ts'
import type { BrokerSource } from './metrics/sources.ts'
import { depart } from './policies/depart.ts'
import { isTls } from './config/listener.ts'
import { createReadGate } from './client/read-gate.ts'
import { createKafkaListener, defaultKafkaLimits, type KafkaListener } from './kafka/listener.ts'
import { KafkaStats } from './kafka/stats.ts'
import { LogWatch } from './log-watch.ts'
import type { Logger } from './logger.ts'
import { createMetrics } from './metrics.ts'
import { administered } from './policies/administer.ts'
import { GuardedRegistry } from './policies/authorize-registry.ts'
import { FetchSessionCache } from './policies/fetch-session-cache.ts'
import { fetchSessions } from './policies/fetch-sessions.ts'
import { measure, RequestStats } from './policies/measure.ts'
import { PlannedUpgrade } from './policies/planned-upgrade.ts'
import { formats } from './schemas/formats.ts'
import { Registry } from './schemas/registry.ts'
import { Serde } from './schemas/serde.ts'
import { Security } from './security.ts'
import { Validation } from './validation.ts'
import type { HttpAuthentication } from '../routes/guards.ts'

export interface App {
  /** Where the doors listen in fact, in the order of the configuration: the ports are real ones, even if 0 was asked for. */
  readonly kafka: readonly Address[]
  readonly http: Address
  /** Looks at certificates anew, and goes on in a new audit file. */
  reload (): void
  /** Stops taking work, finishes what was accepted, makes it durable. */
  stop (): Promise<void>
  /** Resolves if the app can no longer serve. */
  readonly failed: Promise<Error>
}

const CONTRACT = new URL('../openapi.yaml', import.meta.url)

/** Resolves when every door is open. Rejects with a sentence for the operator, and leaves nothing behind. */
export async function createApp (config: Config, logger: Logger): Promise<App> {
  const logWatch = new LogWatch(logger)
  const { promise: failed, resolve: fail } = Promise.withResolvers<Error>()
  const { engine, gateways, brokers } = config.upstream === null
    ? await embedded(config, logWatch)
    : await behind(config.upstream, logger, fail)

  const security = await Security.create(config, engine.dispatch, logger)
  const { authorizer, quotas, connections, memory } = security
  const registry = new Registry(engine.dispatch, formats, {
    onTrouble: error => logger.warn({ err: error }, 'schemas cannot be read: it is tried again, and what was known holds')
  })
  const requests = new RequestStats()
  const validation = new Validation({ store: security.store, catalog: registry, authorizer, denied: security.denied, audit: security.audit, logger })
  const sessions = new FetchSessionCache()
  const breaking = new PlannedUpgrade(config.upstream?.planned ?? null, logger)
  const dispatch = compose(engine.dispatch, measure(requests), breaking.policy, fetchSessions(sessions),
    ...gateways === null ? [] : [depart(() => gateways.isLeaving)], ...security.policies, ...validation.policies)
  const serde = new Serde(registry, {
    settingsOf: validation.settingsOf, onUnfit: validation.onUnfit, isOpenToAll: security.authenticator === null
  })
  const feeds = new Feeds(dispatch, createReadGate(authorizer.decide.bind(authorizer), security.deniedRead), serde.show.bind(serde))
  security.onAccessChange(() => feeds.accessChanged())
  const draining = new AbortController()
  const kafkaStats = new KafkaStats()
  const httpStats = createHttpStats()
  const metrics = createMetrics({
    requests,
    kafka: kafkaStats,
    http: httpStats,
    log: logWatch,
    feeds,
    engine,
    draining: draining.signal,
    security: security.sources,
    validation: validation.stats,
    fetchSessions: sessions,
    breaking,
    ...brokers === null ? {} : { brokers }
  })
  const door: HttpDoor = {
    dispatch,
    feeds,
    log: engine,
    registry: new GuardedRegistry(registry, () => authorizer, security.denied),
    serde,
    draining: draining.signal,
    maxBodyBytes: config.maxBodyBytes,
    allowedOrigins: config.allowedOrigins,
    metrics: metrics.text,
    stats: httpStats,
    authentication: authenticationOf(config, security),
    access: authorizer,
    quotas,
    connections,
    memory,
    limited: security.limited
  }
  const tlsFor = (clientAuth: Config['http']['clientAuth']): HttpTls | null => {
    const { tls } = security
    return tls === null ? null : { clientAuth, context: () => tls.context(), onReload: listener => tls.onReload(listener) }
  }

  const http = await createHttpServer(door, { logger, contractPath: CONTRACT, tls: config.http.scheme === 'https' ? tlsFor(config.http.clientAuth) : null })
  http.addHook('onResponse', (request, reply, done) => {
    metrics.observeHttp(request.routeOptions.url ?? 'none', request.method, reply.statusCode, reply.elapsedTime / 1000)
    done()
  })
  const listeners: KafkaListener[] = []
  const close = async (graceMs: number): Promise<void> => {
    validation.close()
    await Promise.all([...listeners.map(listener => listener.close(graceMs)), http.close()])
    await gateways?.close()
    await security.close()
    await registry.close()
    await engine.close()
    metrics.stop()
  }
  try {
    await http.listen({ host: config.http.host, port: config.http.port })
    const httpAddress = http.addresses()[0] as unknown as { address: string, port: number }
    const httpPlace = { host: httpAddress.address, port: httpAddress.port }
    const startedAt = performance.now()
    await engine.open()
    logWatch.recoverySeconds = (performance.now() - startedAt) / 1000
    await gateways?.open()
    await security.open()
    validation.opened()
    await registry.open()
    const { authenticator } = security
    const supports = supportsOf(() => engine.supports, config.upstream?.passAdministration === true ? [] : administered)
    for (const { name, host, port, protocol, advertised, mechanisms, clientAuth } of config.kafka) {
      const listener = createKafkaListener({
        name,
        protocol,
        host,
        port,
        advertised,
        mechanisms,
        tls: isTls(protocol) ? tlsFor(clientAuth) : null,
        sasl: authenticator,
        identityOf: authenticator === null || clientAuth === 'none' ? null : (certificate, origin) => authenticator.certificate(certificate, origin),
        maxReauthMs: config.maxReauthMs,
        connections,
        memory,
        work: quotas.work.bind(quotas),
        dispatch,
        supports,
        ...gateways === null ? {} : { addressOf: gateways.addressOf.bind(gateways) },
        limits: { ...defaultKafkaLimits, maxFrameBytes: config.maxRequestBytes },
        logger,
        stats: kafkaStats,
        limited: security.limited,
        httpHint: `${config.http.scheme}://${formatAddress(httpPlace)}`
      })
      listeners.push(listener)
      await listener.listen()
    }
    await gateways?.announce(new Map(config.kafka.map(({ name, advertised }, i) => [name, advertised ?? reachable(listeners[i]!.address)])))
    return {
      kafka: listeners.map(({ address }) => address),
      http: httpPlace,
      // The log itself never gives up serving: what it cannot do any more it answers with an error, and /readyz says so.
      failed,
      reload: () => security.reload(),
      async stop () {
        draining.abort()
        if (gateways !== null) {
          await gateways.drain()
          if (gateways.isLeaving) await untilQuiet(kafkaStats, config.shutdownGraceMs)
        }
        await close(config.shutdownGraceMs)
      }
    }
  } catch (error) {
    await close(0)
    throw error
  }
}

/** The log, and who else stands in front of it. */
interface Log {
  readonly engine: LogEngine
  /** Null where no other process can. */
  readonly gateways: Gateways | null
  /** How the brokers behind are doing; null where there are none. */
  readonly brokers: BrokerSource | null
}

async function embedded (config: Config, logWatch: LogWatch): Promise<Log> {
  const { EmbeddedEngine } = await import('../storage/embedded/engine.ts')
  const engine = new EmbeddedEngine({
    dataDirectory: config.data,
    durability: config.durability,
    partitions: config.partitions,
    autoCreate: config.autoCreate,
    retentionMs: config.retentionMs,
    segmentBytes: config.segmentBytes,
    tailBytes: config.tailMemoryBytes,
    groupInitialDelayMs: config.groupInitialDelayMs
  }, { observer: logWatch })
  logWatch.watch(engine)
  return { engine, gateways: null, brokers: null }
}

async function behind (upstream: UpstreamConfig, logger: Logger, fail: (error: Error) => void): Promise<Log> {
  const [{ ClusterEngine }, { createUpstreamSecurity }, { Gateways }] = await Promise.all([
    import('../storage/cluster/engine.ts'), import('../storage/cluster/security/security.ts'), import('./gateways/gateways.ts')
  ])
  const log = new LogLimit(logger)
  const { bootstrap, nodeId, passAdministration } = upstream
  const engine: LogEngine & { readonly brokers: BrokerSource } = new ClusterEngine({
    bootstrap, passAdministration, nodes: { own: nodeId, live: () => gateways.live() }
  }, {
    security: createUpstreamSecurity(upstream, { warn: sentence => logger.warn(sentence) }),
    onLost: (broker, address, cause) => {
      log.write('warn', `lost ${broker}`, { broker, address, cause }, 'a broker of the cluster cannot be used: it is tried again')
    }
  })
  const gateways: Gateways = new Gateways(engine.dispatch, {
    nodeId,
    onChange: live => logger.info({ live }, 'the gateways that take clients'),
    onDuplicate: sentence => logger.error(sentence),
    onSuperseded: fail,
    onTrouble: error => log.write('warn', 'gateways', { err: error }, 'other gateways cannot be heard: it is tried again')
  })
  return { engine, gateways, brokers: engine.brokers }
}

/** What others are told where no address to tell them is given: a listener at every address of a machine is found by its name. */
function reachable ({ host, port }: Address): Address {
  return { host: isWildcard(host) ? hostname() : host, port }
}

function authenticationOf ({ anonymous, publicMetrics }: Config, security: Security): HttpAuthentication | null {
  const { authenticator } = security
  if (authenticator === null) return null
  return {
    get ready () { return security.isOpen },
    anonymous,
    publicMetrics,
    schemes: authenticator.schemes,
    known: header => authenticator.known(header),
    authorization: (header, origin) => authenticator.authorization(header, origin),
    certificate: (certificate, origin) => authenticator.certificate(certificate, origin),
    issue: identity => authenticator.tickets.issue(identity),
    redeem: (ticket, origin) => authenticator.redeem(ticket, origin),
    failureDelayMs: origin => authenticator.failureDelayMs(origin)
  }
}
