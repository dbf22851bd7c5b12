/**
 * Follows a topic of state, and writes to it. What is written counts when it has been read back: so every process that
 * shares the topic goes through the same changes in the same order, whoever made them.
 *
 * What cannot be read for a while is read again, from the beginning where changes may have been missed; until then, what
 * was known holds.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { errorRow, KafkaError } from '../../protocol/errors.ts'
import type { Dispatch } from '../../protocol/rpc.ts'
import { StateTopic, type Entry, type LoggedEntry, type TopicSpec } from './topic.ts'

export interface LogReader {
  /** One batch: to be taken as a whole. */
  changed (entries: readonly LoggedEntry[]): void
  /** The topic is read from its beginning. What was known holds until `done`; then what was not read is gone. */
  rebuild (): Rebuild
}

export interface Rebuild {
  changed (entries: readonly LoggedEntry[]): void
  /** Asked at the end. Another one if the topic is to be read once more, with what is known now; this one is not done then. */
  again? (): Rebuild | null
  done (): void
}

export interface StateLogOptions {
  /** Called for each failure to read, which is tried again: for the log. */
  readonly onTrouble?: (error: Error) => void
  /** How long `append` tries, in ms. */
  readonly appendTimeoutMs?: number
  /** Whether a topic that is missing is made by `open`, or not before the first `append`. Until then there is nothing to read. */
  readonly create?: 'at open' | 'when written'
}

const FETCH_WAIT_MS = 10_000
const APPEND_TIMEOUT_MS = 30_000
const FIRST_RETRY_MS = 50
const LAST_RETRY_MS = 5000
/** How often a topic that is not there is looked for: another process may make it. */
const LOOK_MS = 5000
/** Compaction drops tombstones after a day: who has not read for so long cannot go on where it stopped. */
const MISSED_MS = 3_600_000

/** Errors that say that the place where we read is not there any more. */
const elsewhere: ReadonlySet<string> = new Set(['OFFSET_OUT_OF_RANGE', 'UNKNOWN_TOPIC_OR_PARTITION', 'UNKNOWN_TOPIC_ID', 'INCONSISTENT_TOPIC_ID'])

interface Waiting {
  readonly offset: number
  readonly resolve: () => void
}

export class StateLog {
  readonly #topic: StateTopic
  readonly #reader: LogReader
  readonly #onTrouble: (error: Error) => void
  readonly #appendTimeoutMs: number
  readonly #isLazy: boolean
  readonly #closing = new AbortController()
  #position = 0
  #waiting: Waiting[] = []
  #following: Promise<void> | null = null
  #writing: Promise<unknown> = Promise.resolve()
  /** Whether the topic has been found; it may be missing only where it is made late. */
  #exists = false
  /** Whether the topic is configured as it must be to be written. */
  #isEnsured = false
  #finding: Promise<boolean> | null = null
  #refreshing: Promise<void> | null = null
  #refreshingNext: Promise<void> | null = null
  /** Ends the wait of who looks for the topic. */
  #wake: () => void = () => {}

  constructor (dispatch: Dispatch, spec: TopicSpec, reader: LogReader,
    { onTrouble = () => {}, appendTimeoutMs = APPEND_TIMEOUT_MS, create = 'at open' }: StateLogOptions = {}) {
    this.#topic = new StateTopic(dispatch, spec)
    this.#reader = reader
    this.#onTrouble = onTrouble
    this.#appendTimeoutMs = appendTimeoutMs
    this.#isLazy = create === 'when written'
  }

  /** Reads the topic to its end; makes it if it is missing, unless that has time. Rejects with KafkaError when that stays impossible. */
  async open (): Promise<void> {
    const { signal } = this.#closing
    const deadline = performance.now() + this.#appendTimeoutMs
    if (this.#isLazy) {
      await retried(deadline, signal, () => this.#look())
    } else {
      await retried(deadline, signal, () => this.#topic.ensure(signal))
      await retried(deadline, signal, () => this.#readAll())
      this.#exists = true
    }
    this.#following = this.#follow()
  }

  async close (): Promise<void> {
    this.#closing.abort(new KafkaError('COORDINATOR_NOT_AVAILABLE', `Topic ${this.#topic.name} is not served any more: the process stops.`))
    this.#wake()
    await this.#following
  }

  /** Resolves with the offset of the first entry when they are durable and have been read back; the others follow it. Rejects with KafkaError. */
  async append (entries: readonly Entry[]): Promise<number> {
    const { signal } = this.#closing
    const deadline = performance.now() + this.#appendTimeoutMs
    // One after the other: a retry must not overtake what was asked for later.
    const written = this.#writing.then(() => retried(deadline, signal, () => this.#write(entries)))
    this.#writing = written.catch(() => {}) // the caller hears of it
    const offset = await written
    await this.#reached(offset + entries.length, deadline)
    return offset
  }

  /** Reads on to what is the end now. Calls that come together are one. Rejects with KafkaError. */
  async refresh (): Promise<void> {
    // One that is under way may have asked for the end too early for this caller; the next one has not.
    if (this.#refreshing !== null) {
      this.#refreshingNext ??= this.#refreshing.catch(() => {}).then(() => {
        this.#refreshingNext = null
        return this.refresh()
      })
      return await this.#refreshingNext
    }
    this.#refreshing = this.#readOn()
    try {
      await this.#refreshing
    } finally {
      this.#refreshing = null
    }
  }

  async #readOn (): Promise<void> {
    const { signal } = this.#closing
    const deadline = performance.now() + this.#appendTimeoutMs
    if (!this.#exists) {
      // Who looks already may have asked before the topic was made.
      const isJoined = this.#finding !== null
      if (!await this.#look() && (!isJoined || !await this.#look())) return
    }
    await this.#reached(await retried(deadline, signal, () => this.#topic.endOffset(signal)), deadline)
  }

  async #write (entries: readonly Entry[]): Promise<number> {
    const { signal } = this.#closing
    if (this.#isLazy && !(this.#exists && this.#isEnsured)) {
      await this.#topic.ensure(signal)
      this.#isEnsured = true
      if (!this.#exists) await this.#look()
    }
    try {
      return await this.#topic.append(entries, signal)
    } catch (error) {
      // It was deleted: the next attempt makes it anew.
      if (this.#isLazy && error instanceof KafkaError && elsewhere.has(error.code)) this.#exists = this.#isEnsured = false
      throw error
    }
  }

  /** Whether there is a topic; one that was not there before is read to its end. Rejects with KafkaError. */
  async #look (): Promise<boolean> {
    this.#finding ??= this.#find().finally(() => { this.#finding = null })
    return await this.#finding
  }

  async #find (): Promise<boolean> {
    try {
      await this.#topic.find(this.#closing.signal)
    } catch (error) {
      if (error instanceof KafkaError && error.code === 'UNKNOWN_TOPIC_OR_PARTITION') return false
      throw error
    }
    await this.#readAll()
    this.#exists = true
    this.#wake()
    return true
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
    let rebuild = this.#reader.rebuild()
    let position = await this.#topic.startOffset(signal)
    for (;;) {
      const { batches, highWatermark } = await this.#topic.read(position, 0, signal)
      for (const { entries, nextOffset } of batches) {
        if (entries.length > 0) rebuild.changed(entries)
        position = nextOffset
      }
      if (position < highWatermark) continue
      const again = rebuild.again?.() ?? null
      if (again === null) break
      rebuild = again
      position = await this.#topic.startOffset(signal)
    }
    rebuild.done()
    this.#reach(position)
  }

  async #follow (): Promise<void> {
    const { signal } = this.#closing
    let failures = 0
    let failingSince = 0
    while (!signal.aborted) {
      try {
        if (!this.#exists && !await this.#look()) {
          await this.#waitForTopic()
          continue
        }
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

  async #waitForTopic (): Promise<void> {
    // Both may have happened while it was looked for.
    if (this.#closing.signal.aborted || this.#exists) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, LOOK_MS)
    this.#wake = resolve
    await promise
    clearTimeout(timer)
    this.#wake = () => {}
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
