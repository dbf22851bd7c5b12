/**
 * JSON Schema: draft-04, -06, -07, 2019-09 and 2020-12, references by `$ref`. Nothing is ever fetched.
 *
 * Limits: 1 MB of text each, 128 levels, 5,000 subschemas and 20,000 values of enums together; payloads are checked against at most 1,000 (300 with
 * `unevaluatedItems` or `unevaluatedProperties`), nested 256 levels at most.
 */
import type { Codec, Format, Incompatibility, ParsedSchema, Source } from '../format.ts'
import { parseExact } from '../exact-json.ts'
import type { CompatibilityPolicy } from '../model.ts'
import { build } from './builder.ts'
import type { Built } from './builder.ts'
import { JsonCodec, lazily } from './codec.ts'
import { incompatibilities } from './compatibility.ts'
import { outlineOf } from './outline.ts'

/** A compiled subschema, its generated code included: measured. */
const BYTES_PER_SUBSCHEMA = 2_000

export const jsonSchema: Format = {
  type: 'JSON',
  parse: (source, strict = false) => new JsonSchema(source, build(source, strict))
}

class JsonSchema implements ParsedSchema {
  readonly type = 'JSON'
  readonly #text: string
  readonly #built: Built
  readonly #codec: () => Codec
  readonly sizeBytes: number

  constructor (source: Source, built: Built) {
    this.#text = source.text
    this.#built = built
    this.#codec = lazily(() => new JsonCodec(built.root, built.patterns))
    this.sizeBytes = source.references.reduce((sum, { text }) => sum + text.length, source.text.length) * 2 + built.size * BYTES_PER_SUBSCHEMA
  }

  get name (): string | null {
    return this.#built.title
  }

  canonical (normalize: boolean): string {
    const tree = parseExact(this.#text)
    return JSON.stringify(normalize ? sorted(tree) : tree)
  }

  formatted (): null {
    return null
  }

  incompatibilities (writer: ParsedSchema, policy: CompatibilityPolicy): readonly Incompatibility[] {
    if (!(writer instanceof JsonSchema)) throw new TypeError(`A JSON Schema is not compared with a schema of ${writer.type}`)
    return incompatibilities(this.#built.root, writer.#built.root, policy)
  }

  outline (): ReadonlyMap<string, string> {
    return outlineOf(this.#built.root)
  }

  get codec (): Codec {
    return this.#codec()
  }
}

/** Names in order. The order of arrays has a meaning: it stays. */
function sorted (value: unknown): unknown {
  if (typeof value !== 'object' || value === null || isRaw(value)) return value
  if (Array.isArray(value)) return value.map(sorted)
  const object = value as Readonly<Record<string, unknown>>
  return Object.fromEntries(Object.keys(object).sort().map(key => [key, sorted(object[key])]))
}

const isRaw = (JSON as unknown as { isRawJSON: (value: unknown) => boolean }).isRawJSON
