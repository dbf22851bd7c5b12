/**
 * JSON in and out for topics that have a schema: who writes JSON stores what the schema makes of it, and gets JSON back.
 * Nothing is waited for: a schema that was registered elsewhere a moment ago may not be known yet (`Catalog.refresh`).
 */
import type { Catalog } from './catalog.ts'
import { frame, payloadOf, readEnvelope, type Envelope } from './envelope.ts'
import { PayloadError, SchemaError, type Codec, type Payload } from './format.ts'
import type { Header } from '../../protocol/records.ts'
import type { SchemaVersion, SubjectNameStrategy } from './model.ts'
import { subjectOf, type Part } from './naming.ts'
import { contractOf, type Direction } from './rules/contract.ts'
import { defaultSettings, type ValidationSettings } from './settings.ts'
import { besides } from './subjects.ts'

/** The settings of a topic; undefined if it has none of its own. */
export type SettingsOf = (topic: string) => ValidationSettings | undefined

/** Told of JSON that a schema could make nothing of: it comes no further, so nobody else counts it. */
export type OnUnfit = (topic: string, part: Part) => void

export interface EncodeChoice {
  readonly schema?: SchemaVersion
  readonly message?: string
  readonly tagged?: boolean
}

export interface SerdeOptions {
  readonly settingsOf?: SettingsOf
  readonly onUnfit?: OnUnfit
  /** Whether everybody may see every schema, as where nothing asks for credentials. Default: true. */
  readonly isOpenToAll?: boolean
}

export class Serde {
  readonly catalog: Catalog
  /** To be called by who refuses it. */
  readonly onUnfit: OnUnfit
  readonly #settingsOf: SettingsOf
  readonly #isOpenToAll: boolean

  constructor (catalog: Catalog, { settingsOf = () => undefined, onUnfit = () => {}, isOpenToAll = true }: SerdeOptions = {}) {
    this.catalog = catalog
    this.onUnfit = onUnfit
    this.#settingsOf = settingsOf
    this.#isOpenToAll = isOpenToAll
  }

  /** The strategy that the topic asks for. */
  strategy (topic: string, part: Part): SubjectNameStrategy {
    const { keyStrategy, valueStrategy } = this.#settingsOf(topic) ?? defaultSettings
    return part === 'key' ? keyStrategy : valueStrategy
  }

  /** Null where the strategy goes by the name of the record, and there is none. */
  subject (strategy: SubjectNameStrategy, topic: string, part: Part, recordName: string | null = null): string | null {
    return subjectOf(strategy, topic, part, recordName)
  }

  /**
   * The schema that plain JSON for this topic is written with: the newest under its subject. Undefined if it has none, or if
   * its strategy goes by the name of the record: plain JSON does not say which record it is.
   */
  schema (topic: string, part: Part): SchemaVersion | undefined {
    const subject = subjectOf(this.strategy(topic, part), topic, part, null)
    return subject === null ? undefined : this.catalog.latest(subject)
  }

  /**
   * `value` comes from `parseExact`; null in it is a null for the schema, not a tombstone. With `schema`, that one is used and no
   * subject is looked at; `message` is a Protobuf message other than the first. Null if the topic has no schema for this
   * part. `tagged` says that it is Avro's own JSON encoding. Throws PayloadError.
   */
  encode (topic: string, part: Part, value: unknown, choice: EncodeChoice = {}): Buffer | null {
    const schema = choice.schema ?? this.schema(topic, part)
    if (schema === undefined) return null
    const codec = this.#codec(schema)
    const payload = codec.fromJson(value, choice.message, choice.tagged)
    keep(schema, codec, payload, 'WRITE')
    return frame(schema.schemaType, schema.id, payload)
  }

  /**
   * One line of JSON; `tagged` is about Avro's unions, see Codec. Null if nothing says which schema it is, or if that is not known.
   * Data of schemas that were soft-deleted since can be read. Throws PayloadError.
   */
  decode (bytes: Buffer, headers: readonly Header[], part: Part, tagged = false): string | null {
    const envelope = readEnvelope(bytes, headers, part)
    if (envelope === null) return null
    const schema = schemaIn(this.catalog, envelope)
    if (schema === undefined) return null
    const codec = this.#codec(schema)
    const payload = payloadOf(schema.schemaType, envelope.rest, envelope.inHeader)
    const json = codec.toJson(payload, tagged)
    keep(schema, codec, payload, 'READ')
    return json
  }

  /**
   * As `decode`, for whoever shows what is there: bytes that only look like those of some schema are none where the topic has no
   * schema, and so are those that `mayShow` withholds. Throws PayloadError.
   */
  show (topic: string, bytes: Buffer, headers: readonly Header[], part: Part): string | null {
    if (!this.mayShow(topic, bytes, headers, part)) return null
    try {
      return this.decode(bytes, headers, part)
    } catch (error) {
      if (error instanceof PayloadError && this.schema(topic, part) === undefined && this.#settingsOf(topic) === undefined) return null
      throw error
    }
  }

  /**
   * Whether whoever may read the topic may be shown these bytes as JSON. Anybody who may write to it can put the id of any schema in
   * front of some bytes, and their JSON would tell the names of its fields: where not everybody may see all schemas, it must be one
   * of the topic. True where no schema is named that is known, as there is nothing to tell.
   */
  mayShow (topic: string, bytes: Buffer, headers: readonly Header[], part: Part): boolean {
    if (this.#isOpenToAll) return true
    const envelope = readEnvelope(bytes, headers, part)
    const schema = envelope === null ? undefined : schemaIn(this.catalog, envelope)
    return schema === undefined || this.#belongs(topic, part, schema)
  }

  /** By its subject, soft-deleted or not: whichever strategy has the topic in the name, or the one that the topic asks for. */
  #belongs (topic: string, part: Part, schema: SchemaVersion): boolean {
    const isUnder = (strategy: SubjectNameStrategy, name: string | null): boolean => {
      const subject = subjectOf(strategy, topic, part, name)
      return subject !== null && this.catalog.isUnder(besides(schema.subject, subject), schema, true)
    }
    if (isUnder('TopicName', null)) return true
    try {
      const { name } = this.catalog.parsed(schema)
      return isUnder('TopicRecordName', name) || isUnder(this.strategy(topic, part), name)
    } catch (error) {
      if (error instanceof SchemaError) return false
      throw error
    }
  }

  #codec (schema: SchemaVersion): Codec {
    try {
      return this.catalog.parsed(schema).codec
    } catch (error) {
      if (!(error instanceof SchemaError)) throw error
      throw new PayloadError({ path: '', expected: `schema ${schema.id} of ${schema.subject} to be readable`, found: error.message })
    }
  }
}

/** Rules of the schema that a client with Confluent's serdes would keep by itself. Throws PayloadError. */
function keep (schema: SchemaVersion, codec: Codec, payload: Payload, direction: Direction): void {
  const flaw = contractOf(schema)?.check(codec, payload, direction) ?? null
  if (flaw !== null) throw new PayloadError(flaw)
}

/** The schema that an envelope names. */
export function schemaIn (catalog: Catalog, envelope: Envelope): SchemaVersion | undefined {
  return envelope.kind === 'id' ? catalog.byId(envelope.id) : catalog.byGuid(envelope.guid)
}
