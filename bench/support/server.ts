/**
 * Servers under measurement, as processes of their own: Barnabas, or a real Kafka broker, on free ports over a fresh
 * folder; and what they have used, from /proc.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { kafkaLibs } from '../../test/interop/support/cache.ts'
import { succeed } from '../../test/interop/support/run.ts'
import { freePort } from '../../test/interop/support/ports.ts'

const ROOT = new URL('../..', import.meta.url).pathname
/** Linux counts processor time in these. */
const TICKS_PER_SECOND = 100

export class Server {
  readonly name: string
  readonly kafka: string
  readonly http: string
  readonly #child: ChildProcess
  readonly #folder: string

  constructor (name: string, child: ChildProcess, kafka: string, http: string, folder: string) {
    this.name = name
    this.#child = child
    this.kafka = kafka
    this.http = http
    this.#folder = folder
  }

  /** User and system time so far, in seconds. */
  get cpuSeconds (): number {
    const fields = readFileSync(`/proc/${this.#child.pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
  }

  /** Resident memory, in MB. */
  get memoryMb (): number {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.#child.pid}/status`, 'utf8'))![1]) / 1000
  }

  async stop (): Promise<void> {
    this.#child.kill('SIGKILL')
    await once(this.#child, 'exit')
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** Data lies beside the project: a temporary folder may be in memory, and a disk is what is to be measured. */
function dataFolder (): string {
  return mkdtempSync(join(ROOT, '.cache/bench-'))
}

export async function startBarnabas (durability: 'fsync' | 'os', ...options: readonly string[]): Promise<Server> {
  return await start({}, durability, options)
}

/** One that asks everyone who they are: `admin` with this password may do everything. */
export async function startGuardedBarnabas (password: string, durability: 'fsync' | 'os', ...options: readonly string[]): Promise<Server> {
  return await start({ BARNABAS_ADMIN: `admin:${password}` }, durability, options)
}

/** One in front of a cluster. */
export async function startGateway (upstream: string, ...options: readonly string[]): Promise<Server> {
  return await run('Gateway', {}, dataFolder(), ['--upstream', upstream, ...options])
}

/** What gives everything on, and knows nothing of it. */
export async function startRelay (upstream: string): Promise<Server> {
  const child = spawn(process.execPath, ['bench/support/relay.ts', upstream], { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] })
  const [address] = await once(child.stdout!.setEncoding('utf8'), 'data') as [string]
  return new Server('Relay', child, address.trim(), '', dataFolder())
}

async function start (env: NodeJS.ProcessEnv, durability: 'fsync' | 'os', options: readonly string[]): Promise<Server> {
  const folder = dataFolder()
  return await run(`Barnabas ${durability}`, env, folder, ['--data', folder, '--durability', durability, ...options])
}

async function run (name: string, env: NodeJS.ProcessEnv, folder: string, options: readonly string[]): Promise<Server> {
  const child = spawn(process.execPath, ['bin/barnabas.js', '--kafka', '127.0.0.1:0', '--http', '127.0.0.1:0', '--log-level', 'warn', ...options],
    { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...env } })
  let banner = ''
  for await (const text of child.stdout!.setEncoding('utf8')) {
    banner += text as string
    const [, kafka, http] = /kafka +(\S+)\nhttp +(\S+)\n/.exec(banner) ?? []
    if (kafka !== undefined) return new Server(name, child, kafka, http!, folder)
  }
  throw new Error(`Barnabas did not start:\n${banner}`)
}

export async function startKafka (...properties: readonly string[]): Promise<Server> {
  const folder = dataFolder()
  const [port, controller] = [await freePort(), await freePort()]
  const file = join(folder, 'server.properties')
  writeFileSync(file, [
    'process.roles=broker,controller', 'node.id=1', `controller.quorum.voters=1@127.0.0.1:${controller}`,
    `listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}`, 'controller.listener.names=CONTROLLER',
    `log.dirs=${folder}/data`, 'offsets.topic.replication.factor=1', 'transaction.state.log.replication.factor=1',
    'transaction.state.log.min.isr=1', 'group.initial.rebalance.delay.ms=0', ...properties
  ].join('\n'))
  const classpath = join(await kafkaLibs(), '*')
  await succeed('java', ['-cp', classpath, 'kafka.tools.StorageTool', 'format', `--cluster-id=${randomBytes(16).toString('base64url')}`, '-c', file])
  const child = spawn('java', ['-Xmx1g', '-Xms1g', '-cp', classpath, 'kafka.Kafka', file], { stdio: 'ignore' })
  const server = new Server('Kafka', child, `127.0.0.1:${port}`, '', folder)
  await kafkaClient('TopicCommand', ['--bootstrap-server', server.kafka, '--list'])
  return server
}

/** Runs one of Kafka's own tools, which wait for a broker that is still starting. */
export async function kafkaClient (name: string, args: readonly string[]): Promise<string> {
  return await succeed('java', ['-Xmx512m', '-cp', join(await kafkaLibs(), '*'), `org.apache.kafka.tools.${name}`, ...args], { timeoutMs: 300_000 })
}
