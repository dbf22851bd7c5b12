/**
 * Which schema the records of a request are written with, where the request says so itself: as Confluent's REST Proxy, by id, by
 * subject and version, the newest of a subject, or a text, which is registered if it is new.
 */
import { SchemaError } from '../src/schemas/format.ts'
import { formats } from '../src/schemas/formats.ts'
import type { SchemaContent, SchemaType, SchemaVersion, SubjectNameStrategy } from '../src/schemas/model.ts'
import { subjectOf, type Part } from '../src/schemas/naming.ts'
import { RecentlyAsked } from '../src/schemas/recently-asked.ts'
import { RegistryError } from '../src/schemas/registry-error.ts'
import { contextOf, DEFAULT_CONTEXT } from '../src/schemas/subjects.ts'
import type { Context } from '../protocol/rpc.ts'
import type { HttpDoor } from './door.ts'
import type { DoorRegistry } from './guards.ts'
import { ConfluentError } from './problem.ts'

export interface SchemaSpec {
  /** What the caller says the language is; null if he leaves it to the schema. */
  readonly type: SchemaType | null
  readonly text?: string | undefined
  readonly id?: number | undefined
  readonly version?: number | undefined
  readonly subject?: string | undefined
  readonly strategy?: SubjectNameStrategy | undefined
}

/** By the names that Confluent's REST Proxy has for them. */
export const schemaTypes = { AVRO: 'AVRO', JSONSCHEMA: 'JSON', PROTOBUF: 'PROTOBUF' } as const satisfies Record<string, SchemaType>
export type RestSchemaType = keyof typeof schemaTypes

export const restTypeOf = (type: SchemaType): RestSchemaType => type === 'JSON' ? 'JSONSCHEMA' : type

const askedFor = new WeakMap<DoorRegistry, RecentlyAsked>()

/** What the registry keeps apart from a missing schema: a text that is new. */
const UNKNOWN = new Set([40401, 40403])

/** Rejects with ConfluentError, or with KafkaError where the caller may not. */
export async function chooseSchema (door: HttpDoor, context: Context, topic: string, part: Part, spec: SchemaSpec): Promise<SchemaVersion> {
  const { registry } = door
  const strategy = spec.strategy ?? door.serde?.strategy(topic, part) ?? 'TopicName'
  if (registry === null) throw new ConfluentError(42207, 'There is no schema registry.')
  try {
    const schema = await found()
    checkContext(schema.subject, `Schema ${schema.id} is one of`)
    if (spec.type !== null && schema.schemaType !== spec.type) {
      throw new ConfluentError(42207, `Schema ${schema.id} is ${restTypeOf(schema.schemaType)}, and the ${part} is said to be ${restTypeOf(spec.type)}.`)
    }
    return schema
  } catch (error) {
    if (error instanceof RegistryError) throw new ConfluentError(error.code === 42201 ? 42205 : 42207, `The schema of the ${part}: ${error.message}`)
    throw error
  }

  async function found (): Promise<SchemaVersion> {
    const { text, id, version, subject } = spec
    if (text !== undefined) return await registered(text)
    if (id !== undefined) return await byId(id, subject === undefined ? {} : { subject })
    return registry!.get(context, subject ?? named(null), version ?? 'latest')
  }

  /** Another gateway may have registered it a moment ago. */
  async function byId (id: number, options: { readonly subject?: string }): Promise<SchemaVersion> {
    try {
      return registry!.schemaById(context, id, options)
    } catch (error) {
      const asked = askedFor.get(registry!) ?? new RecentlyAsked()
      askedFor.set(registry!, asked)
      if (!(error instanceof RegistryError && UNKNOWN.has(error.code)) || door.serde === null || asked.has(id)) throw error
      await door.serde.catalog.refresh()
      asked.add(id)
      return registry!.schemaById(context, id, options)
    }
  }

  async function registered (text: string): Promise<SchemaVersion> {
    const { type } = spec
    const content: SchemaContent = { schemaType: type ?? 'AVRO', schema: text, references: [], metadata: null, ruleSet: null }
    const subject = spec.subject ?? named(strategy === 'TopicName' ? null : nameIn(content))
    try {
      return registry!.lookup(context, subject, content)
    } catch (error) {
      if (!(error instanceof RegistryError && UNKNOWN.has(error.code))) throw error
      checkContext(subject, 'The schema would be one of')
      return await registry!.register(context, subject, content)
    }
  }

  function named (recordName: string | null): string {
    const subject = subjectOf(strategy, topic, part, recordName)
    if (subject === null) {
      throw new ConfluentError(42205,
        `The subject of the ${part} goes by the name of its record (${strategy}), and nothing here says it: give the subject, or the id.`)
    }
    return subject
  }
}

/** A record names its schema by the id, and readers look for that in the default context. */
function checkContext (subject: string, what: string): void {
  if (contextOf(subject) !== DEFAULT_CONTEXT) throw new ConfluentError(42207, `${what} ${subject}, and records can only name schemas of the default context.`)
}

function nameIn ({ schemaType, schema }: SchemaContent): string | null {
  try {
    return formats.find(({ type }) => type === schemaType)!.parse({ text: schema, references: [] }).name
  } catch (error) {
    if (error instanceof SchemaError) throw new ConfluentError(42205, `The schema is not valid: ${error.message}`)
    throw error
  }
}
