/**
 * Parts of v3's records that are written with a schema. A stream names the same schema in each of its records: it is looked for
 * once.
 */
import { KafkaError } from '../protocol/errors.ts'
import type { Context } from '../protocol/rpc.ts'
import type { SchemaVersion } from '../src/schemas/model.ts'
import type { Part } from '../src/schemas/naming.ts'
import type { HttpDoor } from './door.ts'
import { ConfluentError } from './problem.ts'
import { chooseSchema, restTypeOf, type SchemaSpec } from './schema-choice.ts'
import { encodeJson, serdeOrRefused } from './schema-json.ts'
import { plain, withParts, type ParsedPart, type ParsedRecord, type ReadyPart, type ReadyRecord } from './v3-record.ts'

/** Different schemas of one stream that are remembered. */
const MAX_KNOWN = 100

export class SchemaStream {
  readonly #door: HttpDoor
  readonly #context: Context
  readonly #topic: string
  readonly #known = new Map<string, SchemaVersion>()

  constructor (door: HttpDoor, context: Context, topic: string) {
    this.#door = door
    this.#context = context
    this.#topic = topic
  }

  /** The record, or why there is none. */
  async ready ({ record, key, value }: ParsedRecord): Promise<ReadyRecord | Error> {
    try {
      return withParts(record, await this.#part('key', key), await this.#part('value', value))
    } catch (error) {
      if (error instanceof ConfluentError || error instanceof KafkaError) return error
      throw error
    }
  }

  async #part (name: Part, part: ParsedPart | null): Promise<ReadyPart | null> {
    if (part === null || part.spec === null) return plain(part) ?? null
    const serde = serdeOrRefused(this.#door, this.#context, this.#topic)
    const schema = await this.#schema(name, part.spec)
    const bytes = encodeJson(serde, this.#topic, name, part.data, { schema, tagged: true })
    return { type: restTypeOf(schema.schemaType), bytes, schema }
  }

  async #schema (name: Part, spec: SchemaSpec): Promise<SchemaVersion> {
    const { text, id, version } = spec
    // The newest one may be another in a moment.
    if (text === undefined && id === undefined && version === undefined) return await chooseSchema(this.#door, this.#context, this.#topic, name, spec)
    const key = JSON.stringify([name, spec])
    let schema = this.#known.get(key)
    if (schema === undefined) {
      schema = await chooseSchema(this.#door, this.#context, this.#topic, name, spec)
      if (this.#known.size >= MAX_KNOWN) this.#known.clear()
      this.#known.set(key, schema)
    }
    return schema
  }
}
