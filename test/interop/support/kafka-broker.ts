/**
 * One process of Apache Kafka for a test: its properties in a file, its folder formatted, and the process that a test may end,
 * kill, hold and start again over the same files and ports.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { KAFKA_VERSION, type KafkaVersion } from './cache.ts'
import { serverCommand } from './java.ts'
import { accepts, freePort } from './ports.ts'
import { Background, succeed } from './run.ts'

const START_TIMEOUT_MS = 90_000
const SETPRIV = '/usr/bin/setpriv'

export interface ProcessOptions {
  readonly version?: KafkaVersion
  /** Of the virtual machine. */
  readonly java?: readonly string[]
  /** The ports that it listens on once it has started. */
  readonly listens: readonly (readonly [host: string, port: number])[]
}

/** A program of Kafka's jars that serves, whatever it is. It ends with the test. */
export class ServerProcess {
  readonly #t: Test
  readonly #mainClass: string
  readonly #args: readonly string[]
  readonly #options: ProcessOptions
  #process: Background | null = null
  #before = ''

  constructor (t: Test, mainClass: string, args: readonly string[], options: ProcessOptions) {
    this.#t = t
    this.#mainClass = mainClass
    this.#args = args
    this.#options = options
  }

  /** All that it has written, in all its lives. */
  get output (): string {
    return this.#before + (this.#process === null ? '' : this.#process.stdout + this.#process.stderr)
  }

  /** Resolves when it listens. Rejects with what it wrote if it ends instead. */
  async start (): Promise<void> {
    this.#before = this.output
    const { version = KAFKA_VERSION, java = [], listens } = this.#options
    const process = new Background(this.#t, ...orphaned('java', await serverCommand(version, this.#mainClass, this.#args, java)))
    this.#process = process
    const ended = process.exit.then(code => { throw new Error(`${this.#mainClass} ended with ${code}:\n${this.output.slice(-5000)}`) })
    ended.catch(() => {}) // its end is none of our business later
    for (const [host, port] of listens) await Promise.race([accepts(port, START_TIMEOUT_MS, host), ended])
  }

  /** SIGTERM, and the end. Gives the exit code. */
  async stop (): Promise<number | null> {
    this.resume()
    return await this.#process!.end('SIGTERM')
  }

  async kill (): Promise<void> {
    await this.#process!.end('SIGKILL')
  }

  /** It is there and answers nothing. */
  pause (): void {
    this.#process!.signal('SIGSTOP')
  }

  resume (): void {
    this.#process!.signal('SIGCONT')
  }
}

/** A test that is killed has no teardown: Linux is told to end the server with it. */
function orphaned (command: string, args: readonly string[]): [command: string, args: readonly string[]] {
  return existsSync(SETPRIV) ? [SETPRIV, ['--pdeathsig', 'KILL', command, ...args]] : [command, args]
}

/** Small internal topics, and a group that waits for no second member. */
export const testProperties = (replicas = 1): readonly string[] => {
  const minIsr = Math.min(replicas, 2)
  const partitions = replicas === 1 ? 1 : 2 * replicas
  return [
    'num.partitions=1',
    `default.replication.factor=${replicas}`,
    `min.insync.replicas=${minIsr}`,
    `offsets.topic.num.partitions=${partitions}`,
    `offsets.topic.replication.factor=${replicas}`,
    `transaction.state.log.num.partitions=${partitions}`,
    `transaction.state.log.replication.factor=${replicas}`,
    `transaction.state.log.min.isr=${minIsr}`,
    `share.coordinator.state.topic.num.partitions=${partitions}`,
    `share.coordinator.state.topic.replication.factor=${replicas}`,
    `share.coordinator.state.topic.min.isr=${minIsr}`,
    'group.initial.rebalance.delay.ms=0'
  ]
}

export interface BrokerOptions extends ProcessOptions {
  /** 1 if not given. */
  readonly nodeId?: number
  /** `PLAINTEXT://127.0.0.1:9092`, one for each listener but the controller's. */
  readonly listeners: readonly string[]
  /** Beside the roles, the listeners and the folder; a later one replaces an earlier one. */
  readonly properties: readonly string[]
  /** What `StorageTool format` is told beside the file: users, the id of the cluster. */
  readonly format?: readonly string[]
  /** The controllers, this one among them; itself alone if not given. */
  readonly voters?: ReadonlyMap<number, string>
}

export const newClusterId = (): string => randomBytes(16).toString('base64url')

/** A broker that is its own controller (KRaft), or one of several, formatted and not started. */
export async function formattedBroker (t: Test, folder: string, options: BrokerOptions): Promise<ServerProcess> {
  const { version = KAFKA_VERSION, nodeId = 1, listeners, properties, format = [`--cluster-id=${newClusterId()}`] } = options
  const voters = options.voters ?? new Map([[nodeId, `127.0.0.1:${await freePort()}`]])
  const file = writeProperties(folder, [
    'process.roles=broker,controller',
    `node.id=${nodeId}`,
    `controller.quorum.voters=${[...voters].map(([id, address]) => `${id}@${address}`).join(',')}`,
    `listeners=${[...listeners, `CONTROLLER://${voters.get(nodeId)}`].join(',')}`,
    'controller.listener.names=CONTROLLER',
    `log.dirs=${join(folder, 'log')}`,
    ...properties
  ])
  await succeed('java', await serverCommand(version, 'kafka.tools.StorageTool', ['format', ...format, '-c', file], ['-XX:TieredStopAtLevel=1']))
  return new ServerProcess(t, 'kafka.Kafka', [file], options)
}

export function writeProperties (folder: string, lines: readonly string[]): string {
  const file = join(folder, 'server.properties')
  writeFileSync(file, lines.map(line => `${line}\n`).join(''))
  return file
}
