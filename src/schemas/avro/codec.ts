/** The binary encoding of one schema: checked, shown as JSON, made from JSON. */
import { PayloadError, type Codec, type Flaw, type Payload } from '../format.ts'
import { Skippers, type Skip } from './check.ts'
import { Cursor } from './cursor.ts'
import { encodeAvro } from './encode.ts'
import { EncodedDefaults } from './encoded-defaults.ts'
import { readValue, type Visit } from './read-value.ts'
import type { Type } from './schema.ts'
import { JsonWriters } from './write-json.ts'

/** Nothing here waits, or calls what is not of here, so one is enough for all. */
const cursor = new Cursor()

export class AvroCodec implements Codec {
  readonly #type: Type
  readonly #skip: Skip
  #plain: JsonWriters | undefined
  #tagged: JsonWriters | undefined
  readonly #defaults = new EncodedDefaults()

  constructor (type: Type) {
    this.#type = type
    this.#skip = new Skippers().for(type)
  }

  /** What it holds beside what a schema of this size always does. */
  get keptBytes (): number {
    return this.#defaults.sizeBytes
  }

  check ({ bytes }: Payload): Flaw | null {
    cursor.start(bytes)
    const isRight = this.#skip(cursor) && (cursor.at === bytes.length || cursor.fail('the end of the value', `${bytes.length - cursor.at} bytes behind it`))
    cursor.release()
    return isRight ? null : cursor.flaw()
  }

  toJson (payload: Payload, tagged = false): string {
    const writers = tagged ? this.#tagged ??= new JsonWriters(true) : this.#plain ??= new JsonWriters(false)
    return this.#read(payload, cursor, () => writers.write(this.#type, cursor))
  }

  toValue (payload: Payload, visit?: Visit): unknown {
    // Whoever visits may ask for more.
    const own = new Cursor()
    return this.#read(payload, own, () => readValue(this.#type, own, visit))
  }

  #read<T> (payload: Payload, from: Cursor, read: () => T): T {
    const flaw = this.check(payload)
    if (flaw !== null) throw new PayloadError(flaw)
    from.start(payload.bytes)
    try {
      return read()
    } finally {
      from.release()
    }
  }

  fromJson (value: unknown, _message?: string, tagged = false): Payload {
    return { bytes: encodeAvro(this.#type, value, tagged ? 'tagged' : 'any', this.#defaults), indexes: [] }
  }
}
