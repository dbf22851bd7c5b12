/**
 * The registry as keys and values of the log, in the form of Confluent's Schema Registry, which goes on with ours and we with
 * its. Compaction goes by the bytes of keys, so each is written in one order: keytype, subject, version, magic.
 *
 *   {"keytype":"SCHEMA","subject":"s","version":1,"magic":1}   {"subject":"s","version":1,"id":7,"schema":"…","deleted":false}
 *   {"keytype":"CONFIG","subject":null,"magic":0}              {"compatibilityLevel":"FULL"}
 *   {"keytype":"MODE","subject":"s","magic":0}                 {"mode":"IMPORT"}
 *   {"keytype":"DELETE_SUBJECT","subject":"s","magic":0}       {"subject":"s","version":3}: up to that version
 *   {"keytype":"CLEAR_SUBJECT","subject":"s","magic":0}        the deleted versions are gone
 */
import type { Entry, LoggedEntry } from '../state/topic.ts'
import { configOfLog, type StoredConfig } from './config-entity.ts'
import { parseExact } from './exact-json.ts'
import type { Stored } from './ids.ts'
import type { Metadata, Mode, Reference, RuleSet, SchemaContent, SchemaType } from './model.ts'
import { normalSubject } from './subjects.ts'

/** On a record that says again what holds, because another one said otherwise: it changes nothing, wherever it comes to stand. */
export const REPAIR_HEADER = 'barnabas.repair'

/**
 * On a version whose numbers a gateway like this one has given: only such a record can have lost a race. What another registry has
 * written holds as it does there, even where it gave an id twice.
 */
export const WRITER_HEADER = 'barnabas.registry'

const writer = [{ key: WRITER_HEADER, value: Buffer.from('1') }]

export interface SchemaValue {
  readonly id: number
  readonly content: SchemaContent
  readonly deleted: boolean
  readonly extra: Readonly<Record<string, unknown>> | null
}

export interface SchemaChange {
  readonly kind: 'schema'
  readonly subject: string
  readonly version: number
  readonly value: SchemaValue | null
  readonly isRepair: boolean
  /** Of a repair: the offset of the record that was passed over. */
  readonly repairs: number
  readonly isOurs: boolean
}

export type RegistryChange =
  | SchemaChange
  | { readonly kind: 'config', readonly scope: string, readonly value: StoredConfig | null }
  | { readonly kind: 'mode', readonly scope: string, readonly value: Mode | null }
  | { readonly kind: 'delete', readonly subject: string, readonly upTo: number }
  | { readonly kind: 'clear', readonly subject: string }
  | { readonly kind: 'context', readonly context: string, readonly exists: boolean }

export const schemaKey = (subject: string, version: number): string =>
  `{"keytype":"SCHEMA","subject":${JSON.stringify(subject)},"version":${version},"magic":1}`

/** The empty scope is everything. */
const scopedKey = (keytype: string, scope: string): string =>
  `{"keytype":"${keytype}","subject":${scope === '' ? 'null' : JSON.stringify(scope)},"magic":0}`

/** The key of what a change is about; null for one that is never written here. */
export function keyOf (change: RegistryChange): string | null {
  switch (change.kind) {
    case 'schema': return schemaKey(change.subject, change.version)
    case 'config': return scopedKey('CONFIG', change.scope)
    case 'mode': return scopedKey('MODE', change.scope)
    case 'delete': return scopedKey('DELETE_SUBJECT', change.subject)
    default: return null
  }
}

export function schemaEntry (subject: string, version: number, { id, content, deleted, extra }: SchemaValue, isOurs = true): Entry {
  const { schemaType, schema, references, metadata, ruleSet } = content
  const { md5, ...more } = extra ?? {}
  return {
    key: schemaKey(subject, version),
    value: JSON.stringify({
      subject,
      version,
      id,
      md5,
      schemaType: schemaType === 'AVRO' ? undefined : schemaType,
      references: references.length === 0 ? undefined : references,
      metadata: metadata ?? undefined,
      ruleSet: ruleSet ?? undefined,
      schema,
      deleted,
      ...more
    }),
    ...isOurs && { headers: writer }
  }
}

export const storedEntry = ({ view, content, extra, isOurs }: Stored, deleted = view.deleted): Entry =>
  schemaEntry(view.subject, view.version, { id: view.id, content, deleted, extra }, isOurs)

export const schemaTombstone = (subject: string, version: number): Entry => ({ key: schemaKey(subject, version), value: null })

export const configEntry = (scope: string, config: StoredConfig | null): Entry =>
  ({ key: scopedKey('CONFIG', scope), value: config === null ? null : JSON.stringify({ ...config.entity, ...config.extra }) })

export const modeEntry = (scope: string, mode: Mode | null): Entry =>
  ({ key: scopedKey('MODE', scope), value: mode === null ? null : JSON.stringify({ mode }) })

export const deleteEntry = (subject: string, upTo: number): Entry =>
  ({ key: scopedKey('DELETE_SUBJECT', subject), value: JSON.stringify({ subject, version: upTo }) })

export const repairEntry = (entry: Entry, offset: number): Entry =>
  ({ ...entry, headers: [...entry.headers ?? [], { key: REPAIR_HEADER, value: Buffer.from(String(offset)) }] })

/** Null for what is passed over: what this version does not know, and what is no entry of a registry. */
export function changeOf ({ key, value: text, headers }: LoggedEntry): RegistryChange | null {
  // Karapace deletes with a value of no bytes, where Confluent's registry writes none.
  const value = text === '' ? null : text
  const fields = objectOf(key)
  if (fields === null) return null
  const { keytype, subject, version } = fields
  const scope = subject === null || subject === undefined ? '' : typeof subject === 'string' ? normalSubject(subject) : null
  if (scope === null) return null
  switch (keytype) {
    case 'SCHEMA': {
      if (scope === '' || !isPositive(version)) return null
      const found = value === null ? null : schemaValueOf(value)
      if (found === undefined) return null
      const repair = headers.find(header => header.key === REPAIR_HEADER)
      const isOurs = headers.some(header => header.key === WRITER_HEADER)
      return { kind: 'schema', subject: scope, version, value: found, isRepair: repair !== undefined, repairs: Number(repair?.value ?? -1), isOurs }
    }
    case 'CONFIG': return value === null ? { kind: 'config', scope, value } : scoped('config', scope, configOfLog(objectOf(value)))
    case 'MODE': return value === null ? { kind: 'mode', scope, value } : scoped('mode', scope, modeOf(objectOf(value)?.['mode']))
    case 'DELETE_SUBJECT': {
      const upTo = value === null ? null : objectOf(value)?.['version']
      return isPositive(upTo) ? { kind: 'delete', subject: scope, upTo } : null
    }
    case 'CLEAR_SUBJECT': return value === null ? null : { kind: 'clear', subject: scope }
    case 'CONTEXT': return typeof fields['context'] === 'string' ? { kind: 'context', context: fields['context'], exists: value !== null } : null
    default: return null
  }
}

function scoped (kind: 'config' | 'mode', scope: string, value: StoredConfig | Mode | null): RegistryChange | null {
  return value === null ? null : { kind, scope, value } as RegistryChange
}

const modes: ReadonlySet<unknown> = new Set<Mode>(['READWRITE', 'READONLY', 'READONLY_OVERRIDE', 'IMPORT', 'FORWARD'])
const types: ReadonlySet<unknown> = new Set<SchemaType>(['AVRO', 'JSON', 'PROTOBUF'])

const modeOf = (mode: unknown): Mode | null => modes.has(mode) ? mode as Mode : null
const isPositive = (value: unknown): value is number => Number.isInteger(value) && (value as number) > 0 && (value as number) <= 0x7fff_ffff

/** Undefined if it is none. */
function schemaValueOf (text: string): SchemaValue | undefined {
  const json = objectOf(text)
  if (json === null) return undefined
  const { subject: _, version: __, id, schemaType = 'AVRO', references, metadata, ruleSet, schema, deleted, ...rest } = json
  if (!isPositive(id) || typeof schema !== 'string' || !types.has(schemaType ?? 'AVRO')) return undefined
  if (![metadata ?? null, ruleSet ?? null].every((one, i) => one === null || (i === 0 ? isMetadata(one) : isRuleSet(one)))) return undefined
  const found = references ?? []
  if (!Array.isArray(found) || !found.every(isReference)) return undefined
  return {
    id,
    content: {
      schemaType: (schemaType ?? 'AVRO') as SchemaType,
      schema,
      references: found,
      metadata: isMetadata(metadata) ? metadata : null,
      ruleSet: isRuleSet(ruleSet) ? ruleSet : null
    },
    deleted: deleted === true,
    extra: Object.keys(rest).length === 0 ? null : rest
  }
}

function isReference (value: unknown): value is Reference {
  return isObject(value) && typeof value['name'] === 'string' && typeof value['subject'] === 'string' && isPositive(value['version'])
}

const isText = (value: unknown): value is string => typeof value === 'string'
const areTexts = (value: unknown): boolean => Array.isArray(value) && value.every(isText)
const isMapOf = (isOne: (value: unknown) => boolean) => (value: unknown): boolean => isObject(value) && Object.values(value).every(isOne)
/** What other registries write for what is not there. */
const orNull = (isOne: (value: unknown) => boolean) => (value: unknown): boolean => value === null || value === undefined || isOne(value)

/** Whoever wrote the topic: nothing may be there that those who work with it do not expect. */
function isMetadata (value: unknown): value is Metadata {
  return isObject(value) && orNull(isMapOf(areTexts))(value['tags']) && orNull(isMapOf(isText))(value['properties']) && orNull(areTexts)(value['sensitive'])
}

function isRuleSet (value: unknown): value is RuleSet {
  return isObject(value) && ['migrationRules', 'domainRules', 'encodingRules'].every(list => {
    const rules = value[list]
    return rules === null || rules === undefined || (Array.isArray(rules) && rules.every(isRule))
  })
}

function isRule (value: unknown): boolean {
  return isObject(value) && isText(value['name']) && orNull(areTexts)(value['tags']) && orNull(isMapOf(isText))(value['params']) &&
    ['doc', 'kind', 'mode', 'type', 'expr', 'onSuccess', 'onFailure'].every(name => orNull(isText)(value[name]))
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)

function objectOf (text: string): Record<string, unknown> | null {
  try {
    const json = parseExact(text)
    return isObject(json) ? json : null
  } catch {
    return null
  }
}
