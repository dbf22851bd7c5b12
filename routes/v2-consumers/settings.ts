/**
 * What a consumer instance is made with: Confluent's settings, checked one by one. Anything else is refused by its name, so that
 * nothing is accepted and ignored.
 */
import { randomUUID } from 'node:crypto'
import type { Reset } from '../../src/client/positions.ts'
import { ConfluentError } from '../problem.ts'
import type { RecordForm, RecordForms } from './forms.ts'

export interface Settings {
  readonly name: string
  readonly form: RecordForm
  readonly reset: Reset
  readonly autoCommit: boolean
  /** Bytes; 1 where a poll ends with the first record. */
  readonly minBytes: number
  /** How long a poll waits that does not say so. */
  readonly requestTimeoutMs: number
}

const RESETS: readonly Reset[] = ['earliest', 'latest', 'none']
const KNOWN = ['name', 'id', 'format', 'auto.offset.reset', 'auto.commit.enable', 'fetch.min.bytes', 'consumer.request.timeout.ms']
/** A poll waits no longer, whatever is asked for. */
export const MAX_WAIT_MS = 60_000
const MAX_INT32 = 0x7fffffff
const DEFAULT_WAIT_MS = 1_000
const MAX_MIN_BYTES = 10_000_000
const MAX_NAME = 255

/** Throws ConfluentError 42204. */
export function settingsOf (body: Readonly<Record<string, unknown>>, forms: RecordForms): Settings {
  const unknown = Object.keys(body).find(name => !KNOWN.includes(name))
  if (unknown !== undefined) throw invalid(`${unknown} is not known here: there are ${KNOWN.join(', ')}`)
  const format = body['format'] ?? 'binary'
  const form = typeof format === 'string' ? forms.get(format.toLowerCase()) : undefined
  if (form === undefined) throw invalid(`format is one of ${[...forms.keys()].join(', ')}, not ${show(format)}`)
  const reset = body['auto.offset.reset'] ?? 'latest'
  if (!RESETS.includes(reset as Reset)) throw invalid(`auto.offset.reset is one of ${RESETS.join(', ')}, not ${show(reset)}`)
  return {
    name: nameOf(body['name'] ?? body['id']),
    form,
    reset: reset as Reset,
    autoCommit: booleanOf('auto.commit.enable', body['auto.commit.enable'], true),
    // Confluent's -1 waits for the whole timeout, whatever has come: here a poll is answered as soon as there is a record.
    minBytes: Math.max(1, integerOf('fetch.min.bytes', body['fetch.min.bytes'], -1, MAX_MIN_BYTES, 1)),
    requestTimeoutMs: integerOf('consumer.request.timeout.ms', body['consumer.request.timeout.ms'], 0, MAX_INT32, DEFAULT_WAIT_MS)
  }
}

function nameOf (name: unknown): string {
  if (name === undefined || name === null) return `rest-consumer-${randomUUID()}`
  if (typeof name === 'string' && name.length <= MAX_NAME && isSegment(name)) return name
  throw invalid(`name is a text of 1 to ${MAX_NAME} characters that can stand in a path, not ${show(name)}`)
}

/** A group that no instance could be called by is refused when one is made. Throws ConfluentError 42204. */
export function checkGroup (group: string): void {
  if (!isSegment(group)) throw invalid(`the group is a text that can stand in a path, not ${show(group)}`)
}

/**
 * Whether a name can be a segment of a path, and is shown to operators as it is: control characters are not, and half a surrogate pair
 * has no percent-encoding. Whoever resolves a URI takes dots for steps between folders, encoded or not (RFC 3986, section 5.2.4).
 */
const isSegment = (name: string): boolean => name !== '' && name !== '.' && name !== '..' && name.isWellFormed() && !/\p{Cc}/u.test(name)

/** Clients send texts as well as values. */
function booleanOf (setting: string, value: unknown, fallback: boolean): boolean {
  if (value === undefined || value === null) return fallback
  const text = String(value).toLowerCase()
  if (text !== 'true' && text !== 'false') throw invalid(`${setting} is true or false, not ${show(value)}`)
  return text === 'true'
}

function integerOf (setting: string, value: unknown, min: number, max: number, fallback: number): number {
  if (value === undefined || value === null) return fallback
  const number = typeof value === 'number' ? value : typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : NaN
  if (!Number.isInteger(number) || number < min || number > max) throw invalid(`${setting} is a whole number from ${min} to ${max}, not ${show(value)}`)
  return number
}

const show = (value: unknown): string => {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length <= 100 ? text : `${text.slice(0, 100)}…`
}

const invalid = (detail: string): ConfluentError => new ConfluentError(42204, `Invalid consumer configuration: ${detail}.`)
