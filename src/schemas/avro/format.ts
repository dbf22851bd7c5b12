/** The Avro language: schemas of Apache Avro 1.12, taken and compared as Confluent's registry does it. */
import { SchemaError, type Codec, type Format, type Incompatibility, type ParsedSchema, type Source } from '../format.ts'
import type { CompatibilityPolicy } from '../model.ts'
import { AvroCodec } from './codec.ts'
import { incompatibilitiesOf } from './compatibility.ts'
import { outlineOf } from './outline.ts'
import { parseAvro, type Parsed } from './parse.ts'
import { printAvro } from './print.ts'

/** What a type, field or symbol takes with the closures that are made of it: some 270 bytes, measured. */
const BYTES_PER_PART = 300

export const avro: Format = {
  type: 'AVRO',
  parse: (source, strict = false) => new AvroSchema(source, strict)
}

class AvroSchema implements ParsedSchema {
  readonly type = 'AVRO'
  readonly #parsed: Parsed
  readonly #parsedBytes: number
  #codec: AvroCodec | undefined

  constructor (source: Source, strict: boolean) {
    this.#parsed = parseAvro(source, strict)
    this.#parsedBytes = 1000 + this.#parsed.parts * BYTES_PER_PART + source.text.length
  }

  get sizeBytes (): number {
    return this.#parsedBytes + (this.#codec?.keptBytes ?? 0)
  }

  get name (): string | null {
    const { root } = this.#parsed
    return root.kind === 'record' ? root.fullName : null
  }

  canonical (normalize: boolean): string {
    return printAvro(this.#parsed.root, { known: this.#parsed.referenced, normalize })
  }

  formatted (form: string): string | null {
    return form === 'resolved' ? printAvro(this.#parsed.root) : null
  }

  /** The policy is for JSON Schema. */
  incompatibilities (writer: ParsedSchema, _policy: CompatibilityPolicy): readonly Incompatibility[] {
    if (!(writer instanceof AvroSchema)) throw new SchemaError(`An Avro schema cannot be compared with one of type ${writer.type}`)
    return incompatibilitiesOf(this.#parsed.root, writer.#parsed.root)
  }

  outline (): ReadonlyMap<string, string> {
    return outlineOf(this.#parsed.root)
  }

  get codec (): Codec {
    this.#codec ??= new AvroCodec(this.#parsed.root)
    return this.#codec
  }
}
