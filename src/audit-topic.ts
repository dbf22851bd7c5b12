/**
 * The topic of the audit: lines become records, appended in the background by the process itself. While the log does not
 * take them they wait, as many as there is room for; the rest is dropped and counted.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { internalPrincipal, neverAborted, type Context, type Dispatch } from '../protocol/rpc.ts'
import { produce } from './client/producer.ts'
import { LogLimit } from './kafka/log-limit.ts'
import type { Logger } from './logger.ts'

const MAX_QUEUED = 10_000
const BATCH = 500
const RETRY_MS = 1000

const context: Context = {
  principal: internalPrincipal, door: 'internal', clientId: 'audit', address: '', version: 0, signal: neverAborted, throttleMs: 0
}

interface Line { readonly key: string, readonly text: string, readonly timeMs: number }

export class AuditTopic {
  readonly #name: string
  readonly #dispatch: Dispatch
  readonly #log: LogLimit
  readonly #closing = new AbortController()
  readonly #queue: Line[] = []
  #sending: Promise<void> | null = null
  dropped = 0

  constructor (name: string, dispatch: Dispatch, logger: Logger) {
    this.#name = name
    this.#dispatch = dispatch
    this.#log = new LogLimit(logger)
  }

  /** `key` keeps the lines of one who acts in order. */
  append (key: string, text: string, timeMs: number): void {
    if (this.#closing.signal.aborted || this.#queue.length >= MAX_QUEUED) {
      this.dropped++
      return
    }
    this.#queue.push({ key, text, timeMs })
    this.#work()
  }

  /** Appends what waits, if the log takes it now. */
  async close (): Promise<void> {
    this.#closing.abort()
    while (this.#sending !== null) await this.#sending
    this.dropped += this.#queue.splice(0).length
  }

  #work (): void {
    this.#sending ??= this.#send().finally(() => {
      this.#sending = null
      if (this.#queue.length > 0 && !this.#closing.signal.aborted) this.#work()
    })
  }

  async #send (): Promise<void> {
    while (this.#queue.length > 0) {
      const lines = this.#queue.slice(0, BATCH)
      const error = await this.#produce(lines)
      if (error === null) {
        this.#queue.splice(0, lines.length)
        continue
      }
      this.#log.write('error', 'produce', { topic: this.#name, err: error, waiting: this.#queue.length }, 'the audit topic refused')
      if (this.#closing.signal.aborted) return
      await sleep(RETRY_MS, undefined, { signal: this.#closing.signal, ref: false }).catch(() => {})
    }
  }

  /** The first error, if there is one: then all of them are sent again, and those that were taken are there twice. */
  async #produce (lines: readonly Line[]): Promise<Error | null> {
    try {
      const outcomes = await produce(this.#dispatch, context, this.#name, lines.map(({ key, text, timeMs }) => ({
        key: Buffer.from(key), value: Buffer.from(text), headers: [], timestampMs: timeMs
      })))
      return outcomes.find(outcome => outcome instanceof Error) ?? null
    } catch (error) {
      return error as Error
    }
  }
}
