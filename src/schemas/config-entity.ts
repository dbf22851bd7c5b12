/**
 * What can be said about how a subject, a context or the whole registry treats new schemas. A subject's word goes before its
 * context's, and that before the global one, field by field.
 */
import { mergedMetadata, mergedRuleSet, readMetadata, readRuleSet } from './contract-entity.ts'
import type { CompatibilityLevel, CompatibilityPolicy, Metadata, RuleSet, SchemaContent } from './model.ts'
import { RegistryError } from './registry-error.ts'

/** In the words of the log and of `GET /config`; `PUT /config` calls the first one `compatibility`. */
export interface ConfigEntity {
  readonly compatibilityLevel?: CompatibilityLevel
  /** The key of a metadata property: only versions with the same value are compared. */
  readonly compatibilityGroup?: string
  readonly compatibilityPolicy?: CompatibilityPolicy
  readonly normalize?: boolean
  /** Another subject, which is meant by this one. */
  readonly alias?: string
  /** Only false: what true would check is refused. */
  readonly validateFields?: boolean
  /** Refuse what Confluent's registry takes unless this is set. */
  readonly validateNewSchemas?: boolean
  readonly defaultMetadata?: Metadata
  readonly overrideMetadata?: Metadata
  readonly defaultRuleSet?: RuleSet
  readonly overrideRuleSet?: RuleSet
}

/** A field that is not there stays as it is; null takes it away. */
export type ConfigChange = { readonly [K in keyof ConfigEntity]?: ConfigEntity[K] | null }

/** As it is in the log. */
export interface StoredConfig {
  readonly entity: ConfigEntity
  /** What is not known here, kept for who knows it. */
  readonly extra: Readonly<Record<string, unknown>>
}

/** What holds where nobody said anything. */
export const DEFAULT_LEVEL: CompatibilityLevel = 'BACKWARD'

const levels: ReadonlySet<unknown> = new Set<CompatibilityLevel>([
  'NONE', 'BACKWARD', 'BACKWARD_TRANSITIVE', 'FORWARD', 'FORWARD_TRANSITIVE', 'FULL', 'FULL_TRANSITIVE'
])
const policies: ReadonlySet<unknown> = new Set<CompatibilityPolicy>(['STRICT', 'LENIENT'])

const refused = (name: string, why: string): never => { throw new RegistryError(422, `${name}: ${why}`) }

function text (value: unknown, name: string): string {
  return typeof value === 'string' && value !== '' ? value : refused(name, 'expected a string that is not empty.')
}

function flag (value: unknown, name: string): boolean {
  return typeof value === 'boolean' ? value : refused(name, 'expected true or false.')
}

const readers: { readonly [K in keyof ConfigEntity]-?: (value: unknown, name: string) => NonNullable<ConfigEntity[K]> } = {
  compatibilityLevel (value) {
    const level = typeof value === 'string' ? value.toUpperCase() : value
    if (levels.has(level)) return level as CompatibilityLevel
    throw new RegistryError(42203, 'Invalid compatibility level. Valid values are none, backward, forward, full, backward_transitive, ' +
      'forward_transitive, and full_transitive')
  },
  compatibilityGroup: text,
  compatibilityPolicy (value, name) {
    const policy = typeof value === 'string' ? value.toUpperCase() : value
    return policies.has(policy) ? policy as CompatibilityPolicy : refused(name, 'this registry knows STRICT and LENIENT.')
  },
  normalize: flag,
  alias: text,
  validateFields: (value, name) => flag(value, name) ? refused(name, 'reserved fields are not checked here; leave it out, or say false.') : false,
  validateNewSchemas: flag,
  defaultMetadata: readMetadata,
  overrideMetadata: readMetadata,
  defaultRuleSet: readRuleSet,
  overrideRuleSet: readRuleSet
}

const isKnown = (name: string): name is keyof ConfigEntity => Object.hasOwn(readers, name)

/** The body of `PUT /config`. Throws 42203, and 422 for a field that would not be acted on: it is named. */
export function readConfig (body: unknown): ConfigChange {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw new RegistryError(422, 'Expected an object, such as {"compatibility":"FULL"}.')
  const change: Record<string, unknown> = {}
  for (const [field, value] of Object.entries(body)) {
    const name = field === 'compatibility' ? 'compatibilityLevel' : field
    if (!isKnown(name)) refused(field, `this registry does not act on it. It knows compatibility, ${Object.keys(readers).slice(1).join(', ')}.`)
    else change[name] = value === null ? null : readers[name](value, field)
  }
  return change
}

/** What is known is taken, the rest is kept; null if it is no configuration. */
export function configOfLog (json: Record<string, unknown> | null): StoredConfig | null {
  if (json === null) return null
  const entity: Record<string, unknown> = {}
  const extra: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(json)) {
    if (value === null || value === undefined) continue
    try {
      if (!isKnown(name)) throw new RangeError(name)
      entity[name] = readers[name](value, name)
    } catch {
      extra[name] = value // of a newer registry, or none that we would act on
    }
  }
  return { entity, extra }
}

export function changed (config: StoredConfig | undefined, change: ConfigChange): StoredConfig {
  const entity = Object.fromEntries(Object.entries({ ...config?.entity, ...change }).filter(([, value]) => value !== null && value !== undefined))
  return { entity, extra: Object.fromEntries(Object.entries(config?.extra ?? {}).filter(([name]) => !(name in change))) }
}

/** The content that is registered: what the configuration says goes over and under what the request says. */
export function withContract (content: SchemaContent, config: ConfigEntity, previous: SchemaContent | undefined): SchemaContent {
  return {
    ...content,
    metadata: mergedMetadata(mergedMetadata(config.defaultMetadata, content.metadata ?? previous?.metadata), config.overrideMetadata),
    ruleSet: mergedRuleSet(mergedRuleSet(config.defaultRuleSet, content.ruleSet ?? previous?.ruleSet), config.overrideRuleSet)
  }
}
