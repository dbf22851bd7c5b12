/**
 * Schemas as Confluent's registry writes them and reads them. Fields that say nothing are left out: an Avro schema says no type, one
 * without references no references. Clients of all ages read it so.
 */
import type { Context } from '../../protocol/rpc.ts'
import { readMetadata, readRuleSet } from '../../src/schemas/contract-entity.ts'
import { RegistryError } from '../../src/schemas/registry-error.ts'
import type { Metadata, Reference, RuleSet, SchemaContent, SchemaType, SchemaVersion } from '../../src/schemas/model.ts'
import { besides } from '../../src/schemas/subjects.ts'
import type { DoorRegistry } from '../guards.ts'
import { withTags, type TagChange } from './tags.ts'

/** How a schema is to be shown. */
export interface ShownAs {
  /** Another text: `resolved`, `serialized`, `ignore_extensions`. Empty: as it was registered. */
  readonly format?: string
  /** `qualified`: references say their context. */
  readonly referenceFormat?: string
}

/** A schema by its id: nothing is said of subjects. */
export interface SchemaBody {
  readonly schema: string
  readonly schemaType?: SchemaType
  readonly references?: readonly Reference[]
  readonly metadata?: Metadata
  readonly ruleSet?: RuleSet
  readonly guid: string
  readonly maxId?: number
}

export interface VersionBody extends SchemaBody {
  readonly subject: string
  readonly version: number
  readonly id: number
  readonly deleted?: true
}

/** Of what a client sends. What is not here is not read. */
export interface ContentBody {
  readonly schema?: string | null
  readonly schemaType?: string | null
  readonly references?: readonly Reference[] | null
  readonly metadata?: object | null
  readonly ruleSet?: object | null
  readonly id?: number | null
  readonly version?: number | null
  readonly schemaTagsToAdd?: readonly TagChange[] | null
  readonly schemaTagsToRemove?: readonly TagChange[] | null
}

/** In which a schema says what stands in those that it refers to. */
const RESOLVED = 'resolved'
/** What `ParsedSchema.formatted` knows. */
const FORMATS: Readonly<Record<SchemaType, readonly string[]>> = { AVRO: [RESOLVED], JSON: [], PROTOBUF: ['serialized', 'ignore_extensions'] }

/** The text in another form. Throws RegistryError for one that its language does not know, and KafkaError as `requireReferences`. */
export function textOf (registry: DoorRegistry, context: Context, schema: SchemaVersion, format = ''): string {
  if (format === '') return schema.schema
  checkFormat(registry, context, schema, format)
  return registry.parsed(schema).formatted(format) ?? schema.schema
}

/** Whether a schema can be shown so, before anything is done: throws as `textOf` does. */
export function checkFormat (registry: DoorRegistry, context: Context, schema: Referring & Pick<SchemaContent, 'schemaType'>, format = ''): void {
  const { schemaType } = schema
  if (format !== '' && !FORMATS[schemaType].includes(format)) {
    throw new RegistryError(422, `There is no format "${format.slice(0, 100)}" of ${schemaType} schemas: leave it out for the schema as it was registered.`)
  }
  if (format === RESOLVED) requireReferences(registry, context, schema)
}

type Referring = Pick<SchemaVersion, 'subject' | 'references'>

/**
 * Where is shown what stands in other schemas, directly or not: whoever is shown it must be allowed to see those, too. Throws KafkaError,
 * and RegistryError where one of them is gone.
 */
export function requireReferences (registry: DoorRegistry, context: Context, schema: Referring): void {
  const seen = new Set<string>()
  const walk = ({ subject, references }: Referring): void => {
    for (const { subject: named, version } of references) {
      const there = besides(subject, named)
      const place = `${version} ${there}`
      if (seen.has(place)) continue
      seen.add(place)
      // Peers let -1 stand for the latest.
      walk(registry.get(context, there, version === -1 ? 'latest' : version, { deleted: version !== -1 }))
    }
  }
  walk(schema)
}

export function schemaBody (
  registry: DoorRegistry, context: Context, schema: SchemaVersion, { format, referenceFormat }: ShownAs = {}
): SchemaBody {
  const { schemaType, references, metadata, ruleSet, guid } = schema
  return {
    ...schemaType === 'AVRO' ? {} : { schemaType },
    ...references.length === 0 ? {} : { references: referenceFormat === 'qualified' ? qualified(references, schema.subject) : references },
    ...metadata === null ? {} : { metadata },
    ...ruleSet === null ? {} : { ruleSet },
    guid,
    schema: textOf(registry, context, schema, format)
  }
}

export function versionBody (registry: DoorRegistry, context: Context, schema: SchemaVersion, shown: ShownAs = {}): VersionBody {
  const { subject, version, id, deleted } = schema
  return { subject, version, id, ...schemaBody(registry, context, schema, shown), ...deleted ? { deleted } : {} }
}

const qualified = (references: readonly Reference[], subject: string): Reference[] =>
  references.map(one => ({ ...one, subject: besides(subject, one.subject) }))

/** Throws RegistryError where there is no schema, or one in a language that nobody here speaks. */
export function contentOf (body: ContentBody, types: readonly string[]): SchemaContent {
  const { schema, references, metadata, ruleSet } = body
  const schemaType = body.schemaType ?? 'AVRO'
  if (!types.includes(schemaType)) throw new RegistryError(42201, `Invalid schema type ${schemaType.slice(0, 100)}: it is one of ${types.join(', ')}.`)
  if (schema === undefined || schema === null || schema === '') throw new RegistryError(42201, 'Empty schema')
  return {
    schemaType: schemaType as SchemaType,
    schema,
    references: (references ?? []).map(({ name, subject, version }) => ({ name, subject, version })),
    metadata: metadata === undefined || metadata === null ? null : readMetadata(metadata),
    ruleSet: ruleSet === undefined || ruleSet === null ? null : readRuleSet(ruleSet)
  }
}

/** The same, with the place that it is to have: only in mode IMPORT may a client say that. */
export function newContentOf (body: ContentBody, types: readonly string[]): SchemaContent & { readonly id?: number, readonly version?: number } {
  const { id, version } = body
  const content = contentOf(body, types)
  return {
    ...content,
    metadata: withTags(content.metadata, body.schemaTagsToAdd ?? [], body.schemaTagsToRemove ?? []),
    ...isGiven(id) ? { id } : {},
    ...isGiven(version) ? { version } : {}
  }
}

/** Clients write -1 and 0 for what they leave to the registry. */
const isGiven = (number: number | null | undefined): number is number => typeof number === 'number' && number > 0

const LARGEST = 2 ** 31 - 1

/** `latest`, `-1` and numbers. Throws RegistryError. */
export function versionOf (text: string): number | 'latest' {
  if (text === 'latest' || text === '-1') return 'latest'
  const version = /^\d{1,10}$/.test(text) ? Number(text) : 0
  if (version >= 1 && version <= LARGEST) return version
  throw new RegistryError(42202, `The specified version '${text.slice(0, 100)}' is not a valid version id. ` +
    'Allowed values are between [1, 2^31-1] and the string "latest"')
}

export interface Paging {
  readonly offset: number
  readonly limit: number
}

/** The part of a list that was asked for; without a limit, all of it. */
export function paged<T> (list: readonly T[], { offset, limit }: Paging): readonly T[] {
  const from = Math.max(0, offset)
  return from === 0 && limit < 0 ? list : list.slice(from, limit < 0 ? undefined : from + limit)
}
