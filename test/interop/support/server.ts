/**
 * The server that the clients talk to: Barnabas, as a process of its own with an empty data folder. With
 * `INTEROP_AGAINST=kafka` it is a real Kafka broker, which shows whether a test itself is right; tests that need HTTP are
 * skipped then.
 */
import { once } from 'node:events'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { runJava, startJava } from './java.ts'
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

export const againstKafka = process.env['INTEROP_AGAINST'] === 'kafka'

/** What `t.test` takes to pass over a test that needs what Kafka does not have. */
export const needsHttp = againstKafka ? { skip: 'a Kafka broker has no HTTP' } : {}

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

export const MAIN = new URL('../../../bin/barnabas.js', import.meta.url).pathname
export const START_TIMEOUT_MS = 30_000

async function barnabasServer (t: Test, options: readonly string[]): Promise<Server> {
  const dataFolder = temporaryFolder(t)
  const [kafkaPort, httpPort] = [await freePort(), await freePort()]
  const kafka = `127.0.0.1:${kafkaPort}`
  const address = `127.0.0.1:${httpPort}`
  let process: Background | null = null
  return {
    kafka,
    http: `http://${address}`,
    dataFolder,
    async start () {
      process = new Background(t, globalThis.process.execPath, [MAIN, '--data', dataFolder, '--kafka', kafka, '--http', address, ...options])
      await process.until(/^then\b/m, START_TIMEOUT_MS)
    },
    stop: () => process!.end('SIGTERM'),
    kill: async () => { await process!.end('SIGKILL') }
  }
}

async function kafkaServer (t: Test): Promise<Server> {
  const folder = temporaryFolder(t)
  const [port, controllerPort] = [await freePort(), await freePort()]
  const properties = join(folder, 'server.properties')
  writeFileSync(properties, `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${controllerPort}
listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}
controller.listener.names=CONTROLLER
log.dirs=${folder}/log
num.partitions=1
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
`)
  await runJava('kafka.tools.StorageTool', ['format', `--cluster-id=${randomBytes(16).toString('base64url')}`, '-c', properties])
  let broker: Background | null = null
  return {
    kafka: `127.0.0.1:${port}`,
    http: '',
    dataFolder: join(folder, 'log'),
    async start () {
      broker = await startJava(t, 'kafka.Kafka', [properties])
      await accepts(port, 60_000)
    },
    stop: () => broker!.end('SIGTERM'),
    kill: async () => { await broker!.end('SIGKILL') }
  }
}

/** Not `t.testdir()`, which empties its folder when the test asks for one too. */
export function temporaryFolder (t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'barnabas-interop-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Ports are chosen before the start, so that a restart can have the same ones. */
export async function freePort (): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as AddressInfo
  listener.close()
  await once(listener, 'close')
  return port
}

/** Waits until something listens. */
export async function accepts (port: number, timeoutMs: number): Promise<void> {
  for (const deadline = Date.now() + timeoutMs; ; await sleep(100)) {
    const socket = connect(port, '127.0.0.1')
    try {
      return await once(socket, 'connect').then(() => {})
    } catch (error) {
      if (Date.now() > deadline) throw error
    } finally {
      socket.destroy()
    }
  }
}
