/**
 * What makes two schemas the same one. The GUID is the peers': MD5 over the text, then each reference (its version as int32), then
 * a 1 and the metadata, then a 1 and the rules, sets and maps in order, nothing between them; laid out as a UUID. So it is the
 * same in every registry, and in the header form of the framing.
 */
import { createHash, hash } from 'node:crypto'
import type { Metadata, Rule, RuleSet, SchemaContent } from './model.ts'

export function guidOf ({ schema, references, metadata, ruleSet }: Pick<SchemaContent, 'schema' | 'references' | 'metadata' | 'ruleSet'>): string {
  const hex = references.length === 0 && metadata === null && ruleSet === null
    ? hash('md5', schema, 'hex')
    : longHash(schema, references, metadata, ruleSet)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

function longHash (schema: string, references: SchemaContent['references'], metadata: Metadata | null, ruleSet: RuleSet | null): string {
  const md5 = createHash('md5').update(schema)
  for (const { name, subject, version } of references) {
    const int32 = Buffer.alloc(4)
    int32.writeInt32BE(version)
    md5.update(name).update(subject).update(int32)
  }
  if (metadata !== null) md5.update('\x01').update(metadataParts(metadata).join(''))
  if (ruleSet !== null) md5.update('\x01').update(ruleParts(ruleSet).join(''))
  return md5.digest('hex')
}

function metadataParts ({ tags, properties, sensitive }: Metadata): string[] {
  return [
    ...sortedEntries(tags).flatMap(([path, names]) => [path, ...names.toSorted()]),
    ...sortedEntries(properties).flat(),
    ...(sensitive ?? []).toSorted()
  ]
}

function ruleParts ({ migrationRules, domainRules, encodingRules }: RuleSet): string[] {
  return [...migrationRules ?? [], ...domainRules ?? [], ...encodingRules ?? []].flatMap(partsOf)
}

function partsOf ({ name, doc, kind, mode, type, tags, params, expr, onSuccess, onFailure, disabled }: Rule): string[] {
  return [
    ...[name, doc, kind, mode, type].map(one => one ?? ''),
    ...(tags ?? []).toSorted(),
    ...sortedEntries(params).flat(),
    ...[expr, onSuccess, onFailure].map(one => one ?? ''),
    disabled === true ? '\x01' : ''
  ]
}

// In the order of UTF-16 code units, as in Java.
const sortedEntries = <T> (map: Readonly<Record<string, T>> | null | undefined): [string, T][] =>
  Object.entries(map ?? {}).sort(([a], [b]) => a < b ? -1 : 1)
