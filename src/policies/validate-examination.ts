/**
 * One batch, looked into: which of its records do not pass, and why. A batch of many records is looked into piece by piece,
 * so that others get their turn in between.
 */
import type { RecordBatch } from '../../protocol/batch.ts'
import { KafkaError } from '../../protocol/errors.ts'
import { ProtocolError } from '../../protocol/reader.ts'
import { RecordCursor } from './validate-cursor.ts'
import type { Fault, Reason, TopicRules } from './validate-rules.ts'
import type { ValidationStats } from './validate-stats.ts'

export interface Found {
  readonly batchIndex: number
  readonly fault: Fault
}

/** Records that are named in an answer to a stranger: it must not be a hundred times as long as what was sent. */
export const MAX_NAMED = 100
/** Records that are kept elsewhere at once, or named to a door, which has an answer for each. */
export const MAX_FOUND = 10_000
/** How long one batch may keep everybody else waiting. */
const SLICE_MS = 5
const RECORDS_BETWEEN_LOOKS = 64

export class Examination {
  readonly batch: RecordBatch
  readonly rules: TopicRules
  /** In the order of the batch. */
  readonly found: Found[] = []
  /** Those that did not pass: more than are in `found` where they are only counted. */
  faulty = 0
  readonly reasons = new Map<Reason, number>()
  /** Whether the rest was not looked at, because enough was found. */
  isCutShort = false
  /** Why the records cannot be read. */
  error: KafkaError | null = null
  readonly #stats: ValidationStats
  #cursor: RecordCursor | null = null
  #spentMs = 0

  readonly #enough: number

  constructor (batch: RecordBatch, rules: TopicRules, stats: ValidationStats, isNamedToDoor: boolean) {
    this.batch = batch
    this.rules = rules
    this.#enough = isNamedToDoor || rules.settings.action === 'dead-letter' ? MAX_FOUND : MAX_NAMED
    this.#stats = stats
  }

  /** Goes on for a while; true if it is finished. */
  run (): boolean {
    const startedMs = performance.now()
    try {
      const isDone = this.#walk(startedMs)
      if (isDone) this.#stats.validated += this.#cursor!.index + 1
      return isDone
    } catch (error) {
      this.error = unreadable(error, this.batch)
      return true
    } finally {
      this.#spentMs += performance.now() - startedMs
    }
  }

  /** From the beginning: the registry knows more now. */
  restart (): void {
    this.#stats.validated -= (this.#cursor?.index ?? -1) + 1
    this.#cursor = null
    this.found.length = 0
    this.faulty = 0
    this.reasons.clear()
    this.isCutShort = false
    this.error = null
  }

  /** Whether it names schemas that the registry may know when it has been read on. */
  get isBehind (): boolean {
    return this.found.some(({ fault }) => fault.asked !== undefined)
  }

  asked (): void {
    for (const { fault } of this.found) fault.asked?.()
  }

  finish (): void {
    this.#cursor = null
    this.#stats.seconds.observe(this.#spentMs / 1000)
  }

  #walk (startedMs: number): boolean {
    const { rules } = this
    const { action } = rules.settings
    const cursor = this.#cursor ??= new RecordCursor(this.batch)
    const enough = this.#enough
    while (cursor.next()) {
      const fault = rules.judge(cursor)
      if (fault !== null) {
        this.faulty++
        this.reasons.set(fault.reason, (this.reasons.get(fault.reason) ?? 0) + 1)
        if (this.found.length < enough) this.found.push({ batchIndex: cursor.index, fault })
        if (this.faulty >= enough && action !== 'shadow') {
          this.isCutShort = true
          return true
        }
      }
      if (cursor.index % RECORDS_BETWEEN_LOOKS === RECORDS_BETWEEN_LOOKS - 1 && performance.now() - startedMs > SLICE_MS) return false
    }
    return true
  }
}

/** What the producer itself has put together wrongly is no damage on the way (CORRUPT_MESSAGE), which clients send again. */
function unreadable (error: unknown, batch: RecordBatch): KafkaError {
  const isUnsound = error instanceof ProtocolError || (error instanceof KafkaError && error.code === 'CORRUPT_MESSAGE')
  if (!isUnsound) {
    if (error instanceof KafkaError) return error
    throw error
  }
  return batch.isSound
    ? new KafkaError('INVALID_RECORD', `The records of the batch cannot be read: ${error.message}.`)
    : new KafkaError('CORRUPT_MESSAGE', 'The batch does not match its checksum.')
}
