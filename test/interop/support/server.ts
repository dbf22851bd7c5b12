/**
 * The server that the clients talk to: Barnabas, as a process of its own with an empty log. With `INTEROP_AGAINST=kafka` it is
 * a real Kafka broker, which shows whether a test itself is right; tests that need HTTP are skipped then. `against.ts` has the rest.
 */
import { join } from 'node:path'
import type { Test } from 'tap'
import { againstKafka, logOptions } from './against.ts'
import { formattedBroker, testProperties } from './kafka-broker.ts'
import type { Cluster } from './kafka-cluster.ts'
import { freePort, temporaryFolder } from './ports.ts'
import { Background } from './run.ts'

export interface Server {
  /** `HOST:PORT` of the Kafka door; the same after a restart. */
  readonly kafka: string
  /** `http://HOST:PORT`; empty where there is no HTTP. */
  readonly http: string
  readonly dataFolder: string
  /** SIGTERM, and the end. Gives the exit code. */
  stop (): Promise<number | null>
  /** SIGKILL: what is not on the disk is gone. */
  kill (): Promise<void>
  /** Starts it again over the same data, on the same ports. */
  start (): Promise<void>
}

/** Starts a server; it ends with the test. Further options go to Barnabas alone. */
export async function startServer (t: Test, ...options: readonly string[]): Promise<Server> {
  const server = againstKafka ? await kafkaServer(t) : await barnabasServer(t, options)
  await server.start()
  return server
}

/** A real Kafka broker, whatever the other tests run against; it ends with the test. */
export async function startKafka (t: Test): Promise<Server> {
  const server = await kafkaServer(t)
  await server.start()
  return server
}

/** Barnabas in front of that cluster, whatever the other tests run against; it ends with the test. */
export async function startGateway (t: Test, { bootstrap }: Cluster, ...options: readonly string[]): Promise<Server> {
  const server = await barnabasProcess(t, '', ['--upstream', bootstrap, ...options])
  await server.start()
  return server
}

export const MAIN = new URL('../../../bin/barnabas.js', import.meta.url).pathname
export const START_TIMEOUT_MS = 30_000

async function barnabasServer (t: Test, options: readonly string[]): Promise<Server> {
  const dataFolder = temporaryFolder(t)
  return await barnabasProcess(t, dataFolder, [...await logOptions(t, dataFolder), ...options])
}

async function barnabasProcess (t: Test, dataFolder: string, options: readonly string[]): Promise<Server> {
  const [kafkaPort, httpPort] = [await freePort(), await freePort()]
  const kafka = `127.0.0.1:${kafkaPort}`
  const address = `127.0.0.1:${httpPort}`
  let process: Background | null = null
  return {
    kafka,
    http: `http://${address}`,
    dataFolder,
    async start () {
      process = new Background(t, globalThis.process.execPath, [MAIN, '--kafka', kafka, '--http', address, ...options])
      await process.until(/^then\b/m, START_TIMEOUT_MS)
    },
    stop: () => process!.end('SIGTERM'),
    kill: async () => { await process!.end('SIGKILL') }
  }
}

async function kafkaServer (t: Test): Promise<Server> {
  const folder = temporaryFolder(t)
  const port = await freePort()
  const kafka = `127.0.0.1:${port}`
  const broker = await formattedBroker(t, folder, {
    listeners: [`PLAINTEXT://${kafka}`], properties: testProperties(), listens: [['127.0.0.1', port]]
  })
  return {
    kafka,
    http: '',
    dataFolder: join(folder, 'log'),
    start: () => broker.start(),
    stop: () => broker.stop(),
    kill: () => broker.kill()
  }
}
