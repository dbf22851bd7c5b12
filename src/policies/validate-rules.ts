/**
 * What one topic asks of its records, ready to be asked of each: which schemas they may name, and their codecs, looked up
 * once for as long as the registry stays as it is.
 */
import type { Catalog } from '../schemas/catalog.ts'
import { headerNames, payloadOf, prefixOf, readEnvelope, V0_BYTES } from '../schemas/envelope.ts'
import { PayloadError, SchemaError, sentenceOf, type Flaw, type ParsedSchema, type Payload } from '../schemas/format.ts'
import type { SchemaType, SchemaVersion, SubjectNameStrategy } from '../schemas/model.ts'
import { subjectOf, type Part } from '../schemas/naming.ts'
import { RecentlyAsked } from '../schemas/recently-asked.ts'
import type { Level, ValidationSettings } from '../schemas/settings.ts'
import type { RecordCursor } from './validate-cursor.ts'

export type Reason = 'no-id' | 'unknown-id' | 'wrong-subject' | 'unusable-schema' | 'payload' | 'tombstone'

/** Why a record does not pass. */
export interface Fault {
  readonly part: Part
  readonly reason: Reason
  /** Where in the payload; empty for all of it. */
  readonly path: string
  /** A sentence for a person to act on. */
  readonly message: string
  /**
   * There where the schema may have been registered elsewhere since the registry was last read: to be called when it has been
   * read on, so that it is not asked for again in the next moment.
   */
  readonly asked?: () => void
}

/** What else is asked of a value that fits its schema: the rules that come with it. Null if there are none. */
export type RulesOf = (schema: SchemaVersion, parsed: ParsedSchema) => ((payload: Payload) => Flaw | null) | null

export interface LookupStats {
  /** Records whose schema was known from the one before, and those whose schema was looked up. */
  cacheHits: number
  cacheMisses: number
}

/** A schema that records of a part may name. */
interface Known {
  readonly schema: SchemaVersion
  readonly type: SchemaType
  readonly label: string
  /** Null where payloads are not looked at. */
  readonly check: ((payload: Payload) => Flaw | null) | null
}

/** Schemas that one topic's part is written with: topics have few. */
const MAX_KNOWN = 1000
const MAX_SHOWN_BYTES = 16

export class TopicRules {
  readonly topic: string
  readonly settings: ValidationSettings
  readonly #key: PartRules | null
  readonly #value: PartRules | null

  constructor (topic: string, settings: ValidationSettings, catalog: Catalog, stats: LookupStats, rulesOf: RulesOf) {
    this.topic = topic
    this.settings = settings
    const part = (part: Part, level: Level, strategy: SubjectNameStrategy): PartRules | null =>
      level === 'off' ? null : new PartRules({ topic, part, level, strategy, catalog, stats, rulesOf })
    this.#key = part('key', settings.key, settings.keyStrategy)
    this.#value = part('value', settings.value, settings.valueStrategy)
  }

  /** Null if the record that the cursor is on passes. Throws ProtocolError where its headers cannot be read. */
  judge (cursor: RecordCursor): Fault | null {
    if (cursor.valueStart === -1) {
      if (!this.settings.tombstones) return noValue
    } else if (this.#value !== null) {
      const fault = this.#value.judge(cursor, cursor.valueStart, cursor.valueEnd)
      if (fault !== null) return fault
    }
    return this.#key === null || cursor.keyStart === -1 ? null : this.#key.judge(cursor, cursor.keyStart, cursor.keyEnd)
  }
}

const noValue: Fault = {
  part: 'value', reason: 'tombstone', path: '', message: 'The record has no value, and the topic refuses those (barnabas.validation.tombstones=refuse).'
}

interface PartOptions {
  readonly topic: string
  readonly part: Part
  readonly level: Level
  readonly strategy: SubjectNameStrategy
  readonly catalog: Catalog
  readonly stats: LookupStats
  readonly rulesOf: RulesOf
}

class PartRules {
  readonly #options: PartOptions
  readonly #header: Buffer
  /** By id, or by GUID. */
  readonly #known = new Map<number | string, Known>()
  readonly #asked = new RecentlyAsked()
  #revision = -1

  constructor (options: PartOptions) {
    this.#options = options
    this.#header = Buffer.from(headerNames[options.part])
  }

  judge (cursor: RecordCursor, start: number, end: number): Fault | null {
    const { bytes } = cursor
    const header = cursor.header(this.#header)
    // Nearly everything: 00 and an id.
    if (header === undefined && end - start >= V0_BYTES && bytes[start] === 0) {
      const known = this.#find(bytes.readInt32BE(start + 1))
      if (isFault(known) || known.check === null) return isFault(known) ? known : null
      return this.#check(known, bytes.subarray(start + V0_BYTES, end), null)
    }
    const whole = bytes.subarray(start, end)
    const { part } = this.#options
    const envelope = header === undefined ? prefixOf(whole) : readEnvelope(whole, [{ key: headerNames[part], value: header }], part)
    if (envelope === null) return this.#fault('no-id', header === undefined ? unframed(part, whole) : unframedHeader(part, header))
    const known = this.#find(envelope.kind === 'id' ? envelope.id : envelope.guid)
    if (isFault(known)) return known
    return known.check === null ? null : this.#check(known, envelope.rest, envelope.inHeader)
  }

  #check ({ type, check, label }: Known, rest: Buffer, inHeader: Buffer | null): Fault | null {
    let flaw: Flaw | null
    try {
      flaw = check!(payloadOf(type, rest, inHeader))
    } catch (error) {
      if (!(error instanceof PayloadError)) throw error
      flaw = error.flaw
    }
    if (flaw === null) return null
    const { part } = this.#options
    return { part, reason: 'payload', path: flaw.path, message: `The ${part} does not fit ${label}: ${sentenceOf(flaw)}.` }
  }

  #find (id: number | string): Known | Fault {
    const { catalog, stats } = this.#options
    if (this.#revision !== catalog.revision) {
      this.#known.clear()
      this.#revision = catalog.revision
    }
    const known = this.#known.get(id)
    if (known !== undefined) {
      stats.cacheHits++
      return known
    }
    stats.cacheMisses++
    const found = this.#lookUp(id)
    if (isFault(found)) {
      const isFinal = found.reason === 'unusable-schema' || this.#asked.has(id)
      return isFinal ? found : { ...found, asked: () => this.#asked.add(id) }
    }
    if (this.#known.size >= MAX_KNOWN) this.#known.clear()
    this.#known.set(id, found)
    return found
  }

  #lookUp (id: number | string): Known | Fault {
    const { topic, part, level, strategy, catalog, rulesOf } = this.#options
    const schema = typeof id === 'number' ? catalog.byId(id) : catalog.byGuid(id)
    if (schema === undefined) return this.#fault('unknown-id', `The ${part} names schema ${id}, which is not registered here.`)
    try {
      const parsed = strategy === 'TopicName' && level === 'id' ? null : catalog.parsed(schema)
      const subject = subjectOf(strategy, topic, part, parsed?.name ?? null)
      if (subject === null) {
        return this.#fault('wrong-subject', `The ${part} names schema ${id}, which has no name, but the strategy ${strategy} goes by it.`)
      }
      if (!catalog.isUnder(subject, schema)) {
        return this.#fault('wrong-subject', `The ${part} names schema ${id}, which is not registered under the subject ${subject}.`)
      }
      if (level === 'id' || parsed === null) return { schema, type: schema.schemaType, label: '', check: null }
      const { codec } = parsed
      const ruled = rulesOf(schema, parsed)
      const check = ruled === null ? codec.check.bind(codec) : (payload: Payload): Flaw | null => codec.check(payload) ?? ruled(payload)
      return { schema, type: schema.schemaType, label: `schema ${id} of ${subject}`, check }
    } catch (error) {
      if (!(error instanceof SchemaError)) throw error
      return this.#fault('unusable-schema', `The ${part} names schema ${id}, which cannot be used: ${error.message}`)
    }
  }

  #fault (reason: Reason, message: string): Fault {
    return { part: this.#options.part, reason, path: '', message }
  }
}

const isFault = (found: Known | Fault): found is Fault => 'reason' in found

const unframed = (part: Part, bytes: Buffer): string =>
  `The ${part} names no schema: expected 00 and the id of one (4 bytes) before the payload, or a header ${headerNames[part]}; found ${shown(bytes)}.`

const unframedHeader = (part: Part, bytes: Buffer | null): string =>
  `The ${part} names no schema: expected 01 and a GUID (16 bytes) in the header ${headerNames[part]}, found ${bytes === null ? 'null' : shown(bytes)}.`

/** Text as text, and anything else in hexadecimal. */
function shown (bytes: Buffer): string {
  if (bytes.length === 0) return 'nothing'
  const first = bytes.subarray(0, MAX_SHOWN_BYTES)
  const more = bytes.length > MAX_SHOWN_BYTES ? '…' : ''
  const isText = first.every(byte => byte >= 0x20 && byte < 0x7f)
  return isText ? `${JSON.stringify(first.toString('latin1'))}${more}` : `${first.toString('hex').replaceAll(/(..)(?=.)/g, '$1 ')}${more}`
}
