/**
 * The server under test: a process that is started over the same data on the same ports as often as it was ended, however
 * that was.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { Metadata } from '../../protocol/messages/03-metadata.ts'
import { Connection } from '../engine/connection.ts'
import { freePort } from '../interop/support/ports.ts'

const MAIN = new URL('../../bin/barnabas.js', import.meta.url).pathname
const START_TIMEOUT_MS = 60_000

export class Server {
  readonly kafkaPort: number
  readonly httpPort: number
  readonly dataFolder: string
  readonly #options: readonly string[]
  readonly #prefix: readonly string[]
  #process: ChildProcess | null = null
  #exited: Promise<unknown> = Promise.resolve()
  /** What it wrote, in all of its lives: for whoever has to find out what went wrong. */
  output = ''

  private constructor (kafkaPort: number, httpPort: number, dataFolder: string, options: readonly string[], prefix: readonly string[]) {
    this.kafkaPort = kafkaPort
    this.httpPort = httpPort
    this.dataFolder = dataFolder
    this.#options = options
    this.#prefix = prefix
  }

  /** `prefix` is a command that the server is run under. */
  static async create (t: Test, options: readonly string[] = [], { dataFolder = t.testdir(), prefix = [] as readonly string[] } = {}): Promise<Server> {
    return await Server.#create(t, ['--data', dataFolder, ...options], dataFolder, prefix)
  }

  /** A gateway in front of the cluster that the options name. */
  static async gateway (t: Test, options: readonly string[]): Promise<Server> {
    return await Server.#create(t, options, '', [])
  }

  static async #create (t: Test, options: readonly string[], dataFolder: string, prefix: readonly string[]): Promise<Server> {
    const kafkaPort = await freePort()
    let httpPort = await freePort()
    while (httpPort === kafkaPort) httpPort = await freePort() // it was free again
    const server = new Server(kafkaPort, httpPort, dataFolder, options, prefix)
    t.teardown(() => server.end('SIGKILL'))
    return server
  }

  get pid (): number {
    return this.#process!.pid!
  }

  /** Starts it, without waiting for more. */
  spawn (): void {
    const [command, ...args] = [...this.#prefix, process.execPath, MAIN,
      '--kafka', `127.0.0.1:${this.kafkaPort}`, '--http', `127.0.0.1:${this.httpPort}`, ...this.#options]
    const child = spawn(command!, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => { this.output = (this.output + text).slice(-100_000) })
    }
    this.#process = child
    this.#exited = once(child, 'close')
  }

  /** Waits until it answers; gives how long that took in ms. Rejects if it ends instead. */
  async ready (): Promise<number> {
    const startedAt = performance.now()
    for (;;) {
      const connection = await Connection.open(this.kafkaPort).catch(() => null)
      const answered = await connection?.send(Metadata, 4, { topics: [], allowAutoTopicCreation: false }).then(() => true, () => false)
      connection?.destroy()
      if (answered === true) return performance.now() - startedAt
      const child = this.#process!
      const isLate = performance.now() - startedAt > START_TIMEOUT_MS
      if (child.exitCode !== null || child.signalCode !== null || isLate) throw new Error(`the server did not start: ${this.output.slice(-3000)}`)
      await sleep(5)
    }
  }

  async start (): Promise<number> {
    this.spawn()
    return await this.ready()
  }

  signal (signal: NodeJS.Signals): void {
    this.#process!.kill(signal)
  }

  /** Sends a signal and waits for the end. Gives the exit code, or the signal that ended it. */
  async end (signal: NodeJS.Signals): Promise<number | NodeJS.Signals | null> {
    const child = this.#process
    if (child === null) return null
    if (child.exitCode === null && child.signalCode === null) child.kill(signal)
    await this.#exited
    return child.exitCode ?? child.signalCode
  }
}
