/**
 * The wiring, and the only file that knows every room: engine, policies, doors.
 *
 * HTTP listens first, so that health can be asked while a long recovery runs; Kafka clients are let in when the log is
 * ready, because they would take an error for an answer.
 */
import { compose } from '../protocol/rpc.ts'
import { EmbeddedEngine } from '../storage/embedded/engine.ts'
import { createHttpStats, type HttpDoor } from '../routes/door.ts'
import { createHttpServer } from '../routes/http.ts'
import { Feeds } from './client/feed.ts'
import { formatAddress, type Address } from './config/address.ts'
import type { Config } from './config.ts'
import { createKafkaListener, defaultKafkaLimits } from './kafka/listener.ts'
import { KafkaStats } from './kafka/stats.ts'
import { LogWatch } from './log-watch.ts'
import type { Logger } from './logger.ts'
import { createMetrics } from './metrics.ts'
import { measure, RequestStats } from './policies/measure.ts'

export interface App {
  /** Where the doors listen in fact: the port is a real one, even if 0 was asked for. */
  readonly kafka: Address
  readonly http: Address
  /** Stops taking work, finishes what was accepted, makes it durable. */
  stop (): Promise<void>
  /** Resolves if the app can no longer serve. */
  readonly failed: Promise<Error>
}

const CONTRACT = new URL('../openapi.yaml', import.meta.url)

/** Resolves when every door is open. Rejects with a sentence for the operator, and leaves nothing behind. */
export async function createApp (config: Config, logger: Logger): Promise<App> {
  const logWatch = new LogWatch(logger)
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

  const requests = new RequestStats()
  const dispatch = compose(engine.dispatch, measure(requests))
  const feeds = new Feeds(dispatch)
  const draining = new AbortController()
  const kafkaStats = new KafkaStats()
  const httpStats = createHttpStats()
  const metrics = createMetrics({ requests, kafka: kafkaStats, http: httpStats, log: logWatch, feeds, engine, draining: draining.signal })
  const door: HttpDoor = {
    dispatch,
    feeds,
    log: engine,
    draining: draining.signal,
    maxBodyBytes: config.maxBodyBytes,
    allowedOrigins: config.allowedOrigins,
    metrics: metrics.text,
    stats: httpStats
  }

  const http = await createHttpServer(door, { logger, contractPath: CONTRACT })
  http.addHook('onResponse', (request, reply, done) => {
    metrics.observeHttp(request.routeOptions.url ?? 'none', request.method, reply.statusCode, reply.elapsedTime / 1000)
    done()
  })
  try {
    await http.listen(config.http)
    const httpAddress = http.addresses()[0] as unknown as { address: string, port: number }
    const httpPlace = { host: httpAddress.address, port: httpAddress.port }
    const startedAt = performance.now()
    await engine.open()
    logWatch.recoverySeconds = (performance.now() - startedAt) / 1000
    const kafka = createKafkaListener({
      dispatch,
      supports: engine.supports,
      ...config.kafka,
      advertised: config.advertised,
      limits: { ...defaultKafkaLimits, maxFrameBytes: config.maxRequestBytes },
      logger,
      stats: kafkaStats,
      httpHint: `http://${formatAddress(httpPlace)}`
    })
    await kafka.listen()
    return {
      kafka: kafka.address,
      http: httpPlace,
      // The log itself never gives up serving: what it cannot do any more it answers with an error, and /readyz says so.
      failed: new Promise(() => {}),
      async stop () {
        draining.abort()
        await Promise.all([kafka.close(config.shutdownGraceMs), http.close()])
        await engine.close()
        metrics.stop()
      }
    }
  } catch (error) {
    await http.close()
    await engine.close()
    metrics.stop()
    throw error
  }
}
