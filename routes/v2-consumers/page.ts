/**
 * What one poll answers: a JSON array of records as Confluent's REST Proxy has them, put together record by record. A record
 * that cannot be shown is an element with an `error` in its place, and those behind it follow.
 */
import type { LogRecord } from '../../protocol/records.ts'
import type { Sink } from '../../src/client/group-fetch.ts'
import type { PartitionAt } from '../../src/client/group-offsets.ts'
import { Poison, type RecordForm, type Show } from './forms.ts'

/** Confluent's "serialization error". */
const POISON_CODE = 40801
/** What an answer holds at most of JSON, unless a single record is larger: a poll can be repeated. */
export const MAX_PAGE_BYTES = 4 * 1024 * 1024

export interface PageBounds {
  /** Of keys and values together; a single record is given whatever its size. */
  readonly maxBytes: number
  readonly maxRecords: number
}

export class Page implements Sink {
  readonly #form: RecordForm
  readonly #bounds: PageBounds
  readonly #elements: string[] = []
  /** Of keys and values. */
  #bytes = 0
  /** Of JSON. */
  #length = 0
  #begunAtMs: number | null = null
  #mayPass = false

  constructor (form: RecordForm, bounds: PageBounds) {
    this.#form = form
    this.#bounds = bounds
  }

  /** Whether something could not be shown that may be another time. */
  get mayPass (): boolean {
    return this.#mayPass
  }

  /** How long the event loop has been busy with it. */
  get workMs (): number {
    return this.#begunAtMs === null ? 0 : performance.now() - this.#begunAtMs
  }

  get json (): string {
    return `[${this.#elements.join(',')}]`
  }

  record ({ topic, partition }: PartitionAt, { offset, key, value, headers }: LogRecord): boolean {
    const bytes = (key?.length ?? 0) + (value?.length ?? 0)
    if (!this.#hasRoom(bytes)) return false
    const shown = (part: 'key' | 'value', data: Buffer | null, show: Show): string | Poison => {
      if (data === null) return 'null'
      try {
        return show(data, headers, topic)
      } catch (error) {
        if (!(error instanceof Poison)) throw error
        this.#mayPass ||= error.mayPass
        return new Poison(`The ${part} ${error.message}.`)
      }
    }
    const keyJson = shown('key', key, this.#form.key)
    const valueJson = shown('value', value, this.#form.value)
    const poison = keyJson instanceof Poison ? keyJson : valueJson instanceof Poison ? valueJson : null
    const json = (part: string | Poison): string => part instanceof Poison ? 'null' : part
    this.#bytes += bytes
    this.#add(`{"topic":${JSON.stringify(topic)},"key":${json(keyJson)},"value":${json(valueJson)},"partition":${partition},"offset":${offset}` +
      (poison === null ? '}' : `,"error":${errorJson(poison.message)}}`))
    return true
  }

  unreadable ({ topic, partition }: PartitionAt, offset: number, next: number, error: Error): boolean {
    if (!this.#hasRoom(0)) return false
    this.#add(`{"topic":${JSON.stringify(topic)},"key":null,"value":null,"partition":${partition},"offset":${offset},` +
      `"error":${errorJson(`The records from here to offset ${next - 1} cannot be read: ${error.message}`)}}`)
    return true
  }

  #hasRoom (bytes: number): boolean {
    const { maxBytes, maxRecords } = this.#bounds
    const count = this.#elements.length
    return count === 0 || (count < maxRecords && this.#bytes + bytes <= maxBytes && this.#length < MAX_PAGE_BYTES)
  }

  #add (json: string): void {
    this.#begunAtMs ??= performance.now()
    this.#length += json.length
    this.#elements.push(json)
  }
}

const errorJson = (message: string): string => JSON.stringify({ error_code: POISON_CODE, message })
