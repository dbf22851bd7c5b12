/**
 * What a schema language has to offer. There are three: src/schemas/{avro,json,protobuf}/format.ts.
 *
 * Schemas and payloads come from strangers. Whatever is here takes bounded time and memory: it throws SchemaError or
 * PayloadError instead.
 */
import type { CompatibilityPolicy, SchemaType } from './model.ts'

/** A schema that another one refers to, found. */
export interface ResolvedReference {
  /** What the schema calls it. */
  readonly name: string
  readonly text: string
}

/** A schema and all that it needs, directly or not: each reference stands behind those that it needs itself. */
export interface Source {
  readonly text: string
  readonly references: readonly ResolvedReference[]
}

export interface Format {
  readonly type: SchemaType
  /**
   * Throws SchemaError where the text is not a schema of this language, names what is not there, or is too much: too long,
   * too deep, too many parts. `strict` also refuses what Confluent's registry takes unless `validateNewSchemas` is set.
   */
  parse (source: Source, strict?: boolean): ParsedSchema
}

export interface ParsedSchema {
  readonly type: SchemaType
  /** The full name of the record or message, for strategies that name subjects by it; null if it has none. */
  readonly name: string | null
  /** Equal texts are the same schema. With `normalize`, so are texts that differ in the order of what has none. */
  canonical (normalize: boolean): string
  /**
   * As another text: Avro `resolved` (references embedded); Protobuf `serialized` (base64 of a FileDescriptorProto) and
   * `ignore_extensions`. Null for what this language does not know.
   */
  formatted (form: string): string | null
  /** What stands in the way of reading with this schema what was written with `writer`, which is of the same language. Empty if nothing does. */
  incompatibilities (writer: ParsedSchema, policy: CompatibilityPolicy): readonly Incompatibility[]
  /** What it is made of, by path, in words: for people who compare versions. `address.street`: `string, "" by default`. */
  outline (): ReadonlyMap<string, string>
  /** Made when it is first asked for, and kept. Throws SchemaError. */
  readonly codec: Codec
  /** Roughly what it holds in memory, codec included. */
  readonly sizeBytes: number
}

export interface Incompatibility {
  /** The peers' word for it, such as `READER_FIELD_MISSING_DEFAULT_VALUE`. */
  readonly type: string
  /** Where in the schema: `/fields/2`, `#/properties/a`, `#/1`. */
  readonly path: string
  /** A sentence, in which `%s` stands for "new" or "old": the first one is this schema (the reader), the second the writer. */
  readonly description: string
  /** What the peers append: the names or symbols that it is about. */
  readonly additionalInfo: string
}

/** A payload as it stands behind the framing. */
export interface Payload {
  readonly bytes: Buffer
  /** Protobuf: the place of the message in its file, the outermost first; `[0]` is the first message. Empty for other languages. */
  readonly indexes: readonly number[]
}

/** From JSON to payloads and back. */
export interface Codec {
  /** Null if the payload holds a value of the schema and nothing else. Builds nothing: this runs for every record. */
  check (payload: Payload): Flaw | null
  /**
   * One line of JSON, no digit of a number lost. Avro: unions plain (`"a"`, not `{"string":"a"}`) unless `tagged`, which is Avro's
   * own JSON encoding. Throws PayloadError.
   */
  toJson (payload: Payload, tagged?: boolean): string
  /**
   * `value` comes from `parseExact`: numbers that a double cannot hold are raw JSON. Avro unions are taken in both encodings.
   * `message` is the name of a Protobuf message other than the first one. `tagged`: Avro's own encoding for certain, in which the
   * string for a decimal is its bytes, and not its digits. Throws PayloadError.
   */
  fromJson (value: unknown, message?: string, tagged?: boolean): Payload
  /**
   * The value as rules see it: records are Maps, arrays arrays, integers bigint, other numbers number, bytes Uint8Array, null null.
   * `visit` is called for every field of a record whose value is none of record, array and map. Throws PayloadError.
   */
  toValue (payload: Payload, visit?: (field: Field) => void): unknown
}

/** A field as rules of type CEL_FIELD see it. */
export interface Field {
  /** Of its record, and its own: `com.example.User.ssn`. */
  readonly fullName: string
  readonly name: string
  /** Confluent's word: STRING, BYTES, INT, LONG, FLOAT, DOUBLE, BOOLEAN, ENUM, FIXED, NULL. */
  readonly typeName: string
  /** Those that the schema itself gives it: `confluent:tags`. */
  readonly tags: readonly string[]
  /** Where in the value, as in a flaw. */
  readonly path: string
  readonly value: unknown
}

/** Why a payload is refused, for a person to act on. */
export interface Flaw {
  /** Where in the value: `address.lines[2]`; empty for the whole of it. */
  readonly path: string
  /** What the schema asks for: `long`, `one of "A", "B"`. */
  readonly expected: string
  /** What is there instead: `string "abc"`, `the end after 3 bytes`. */
  readonly found: string
}

export const sentenceOf = ({ path, expected, found }: Flaw): string =>
  `${path === '' ? 'the value' : path}: expected ${expected}, found ${found}`

/** A text is not a schema, or not one that is taken. The message says why. */
export class SchemaError extends Error {
  override readonly name = 'SchemaError'
}

/** A value or payload does not fit its schema. */
export class PayloadError extends Error {
  override readonly name = 'PayloadError'
  readonly flaw: Flaw

  constructor (flaw: Flaw) {
    super(sentenceOf(flaw))
    this.flaw = flaw
  }
}
