/**
 * Follows the topic of access, and writes to it. What is written counts when it has been read back: so every process that
 * shares the topic goes through the same changes in the same order, whoever made them.
 *
 * What cannot be read for a while is read again, from the beginning where changes may have been missed; until then, what
 * was known holds.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { errorRow, KafkaError } from '../../protocol/errors.ts'
import type { Dispatch } from '../../protocol/rpc.ts'
import { AccessTopic, type Entry } from './topic.ts'

export interface LogReader {
  /** One batch: to be taken as a whole. */
  changed (entries: readonly Entry[]): void
  /** All that counts, read from the beginning: what is not in it is gone. */
  replaced (entries: ReadonlyMap<string, string>): void
}

export interface AccessLogOptions {
  /** Called for each failure to read, which is tried again: for the log. */
  readonly onTrouble?: (error: Error) => void
  /** How long `append` tries, in ms. */
  readonly appendTimeoutMs?: number
}

const FETCH_WAIT_MS = 10_000
const APPEND_TIMEOUT_MS = 30_000
const FIRST_RETRY_MS = 50
const LAST_RETRY_MS = 5000
/** Compaction drops tombstones after a day: who has not read for so long cannot go on where it stopped. */
const MISSED_MS = 3_600_000

/** Errors that say that the place where we read is not there any more. */
const elsewhere: ReadonlySet<string> = new Set(['OFFSET_OUT_OF_RANGE', 'UNKNOWN_TOPIC_OR_PARTITION', 'UNKNOWN_TOPIC_ID', 'INCONSISTENT_TOPIC_ID'])

interface Waiting {
  readonly offset: number
  readonly resolve: () => void
}

export class AccessLog {
  readonly #topic: AccessTopic
  readonly #reader: LogReader
  readonly #onTrouble: (error: Error) => void
  readonly #appendTimeoutMs: number
  readonly #closing = new AbortController()
  #position = 0
  #waiting: Waiting[] = []
  #following: Promise<void> | null = null
  #writing: Promise<unknown> = Promise.resolve()

  constructor (dispatch: Dispatch, reader: LogReader, { onTrouble = () => {}, appendTimeoutMs = APPEND_TIMEOUT_MS }: AccessLogOptions = {}) {
    this.#topic = new AccessTopic(dispatch)
    this.#reader = reader
    this.#onTrouble = onTrouble
    this.#appendTimeoutMs = appendTimeoutMs
  }

  /** Makes the topic if it is missing and reads it to its end. Rejects with KafkaError when that stays impossible. */
  async open (): Promise<void> {
    const { signal } = this.#closing
    const deadline = performance.now() + this.#appendTimeoutMs
    await retried(deadline, signal, () => this.#topic.ensure(signal))
    await retried(deadline, signal, () => this.#readAll())
    this.#following = this.#follow()
  }

  async close (): Promise<void> {
    this.#closing.abort(new KafkaError('COORDINATOR_NOT_AVAILABLE', 'What is known of access is not served any more: the process stops.'))
    await this.#following
  }

  /** Resolves when the entries are durable and have been read back. Rejects with KafkaError. */
  async append (entries: readonly Entry[]): Promise<void> {
    if (entries.length === 0) return
    const { signal } = this.#closing
    const deadline = performance.now() + this.#appendTimeoutMs
    // One after the other: a retry must not overtake what was asked for later.
    const written = this.#writing.then(() => retried(deadline, signal, () => this.#topic.append(entries, signal)))
    this.#writing = written.catch(() => {}) // the caller hears of it
    await this.#reached(await written, deadline)
  }

  async #reached (offset: number, deadline: number): Promise<void> {
    if (this.#position >= offset) return
    const { signal } = this.#closing
    signal.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const waiting = { offset, resolve }
    const aborted = (): void => reject(signal.reason as Error)
    const timer = setTimeout(() => reject(new KafkaError('REQUEST_TIMED_OUT', 'The change is written, but could not be read back in time.')),
      Math.max(0, deadline - performance.now()))
    this.#waiting.push(waiting)
    signal.addEventListener('abort', aborted)
    try {
      await promise
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', aborted)
      this.#waiting = this.#waiting.filter(one => one !== waiting)
    }
  }

  /** From the beginning to what is the end now. */
  async #readAll (): Promise<void> {
    const { signal } = this.#closing
    const all = new Map<string, string>()
    let position = await this.#topic.startOffset(signal)
    for (;;) {
      const { batches, highWatermark } = await this.#topic.read(position, 0, signal)
      for (const { entries, nextOffset } of batches) {
        for (const { key, value } of entries) {
          if (value === null) all.delete(key)
          else all.set(key, value)
        }
        position = nextOffset
      }
      if (position >= highWatermark) break
    }
    this.#reader.replaced(all)
    this.#reach(position)
  }

  async #follow (): Promise<void> {
    const { signal } = this.#closing
    let failures = 0
    let failingSince = 0
    while (!signal.aborted) {
      try {
        if (failures > 0) await this.#findPlace(performance.now() - failingSince > MISSED_MS)
        const { batches } = await this.#topic.read(this.#position, FETCH_WAIT_MS, signal)
        for (const { entries, nextOffset } of batches) {
          if (entries.length > 0) this.#reader.changed(entries)
          this.#reach(nextOffset)
        }
        failures = 0
      } catch (error) {
        if (signal.aborted) return
        if (failures === 0) failingSince = performance.now()
        this.#onTrouble(error as Error)
        if (error instanceof KafkaError && elsewhere.has(error.code)) failingSince = -Infinity
        await sleep(retryDelayMs(failures++), undefined, { signal }).catch(() => {}) // closing: the loop ends
      }
    }
  }

  /** After a failure: goes on where it stopped, unless the topic is another or changes may have been missed. */
  async #findPlace (missed: boolean): Promise<void> {
    const isAnother = await this.#topic.find(this.#closing.signal)
    if (isAnother || missed) await this.#readAll()
  }

  #reach (position: number): void {
    this.#position = position
    for (const { offset, resolve } of this.#waiting) if (offset <= position) resolve()
  }
}

const retryDelayMs = (failures: number): number => Math.min(FIRST_RETRY_MS * 2 ** failures, LAST_RETRY_MS)

/** Tries again for as long as the error is one that passes. */
async function retried<T> (deadline: number, signal: AbortSignal, attempt: () => Promise<T>): Promise<T> {
  for (let failures = 0; ; failures++) {
    signal.throwIfAborted()
    try {
      return await attempt()
    } catch (error) {
      const delayMs = retryDelayMs(failures)
      const passes = error instanceof KafkaError && errorRow(error.errorCode).retriable
      if (signal.aborted || !passes || performance.now() + delayMs > deadline) throw error
      await sleep(delayMs, undefined, { signal }).catch(() => signal.throwIfAborted())
    }
  }
}
