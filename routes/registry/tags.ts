/**
 * Tags of parts of a schema, added and removed. They are kept in its metadata, where rules look for them, and not written into its
 * text, as Confluent's registry does: so it is the same for all languages, and the text stays as its author wrote it.
 */
import { mergedRuleSet, readMetadata, readRuleSet } from '../../src/schemas/contract-entity.ts'
import type { Metadata, RuleSet, SchemaContent } from '../../src/schemas/model.ts'
import { RegistryError } from '../../src/schemas/registry-error.ts'

export interface TagChange {
  readonly schemaEntity: {
    /** `.shop.Order.id`: the dot in front is Confluent's. */
    readonly entityPath: string
  }
  readonly tags: readonly string[]
}

export interface TagsBody {
  readonly tagsToAdd?: readonly TagChange[] | null
  readonly tagsToRemove?: readonly TagChange[] | null
  readonly metadata?: object | null
  readonly ruleSet?: object | null
  readonly rulesToMerge?: object | null
  readonly rulesToRemove?: readonly string[] | null
  readonly newVersion?: number | null
}

/**
 * What is to be registered as the next version. What is taken away to the last is left empty: null would mean that it is as it was in
 * the version before. Throws RegistryError.
 */
export function changedContent (schema: SchemaContent, body: TagsBody): SchemaContent {
  if ((body.newVersion ?? -1) > 0) throw new RegistryError(422, 'newVersion is not supported: the next version is the one after the newest. Leave it out.')
  const { schemaType, schema: text, references } = schema
  const metadata = isGiven(body.metadata) ? readMetadata(body.metadata) : schema.metadata
  const ruleSet = isGiven(body.ruleSet) ? readRuleSet(body.ruleSet) : schema.ruleSet
  const merged = isGiven(body.rulesToMerge) ? mergedRuleSet(ruleSet, readRuleSet(body.rulesToMerge, 'rulesToMerge')) : ruleSet
  return {
    schemaType,
    schema: text,
    references,
    metadata: withTags(metadata, body.tagsToAdd ?? [], body.tagsToRemove ?? []),
    ruleSet: withoutRules(merged, body.rulesToRemove ?? [])
  }
}

export function withTags (metadata: Metadata | null, toAdd: readonly TagChange[], toRemove: readonly TagChange[]): Metadata | null {
  if (toAdd.length === 0 && toRemove.length === 0) return metadata
  const tags = new Map(Object.entries(metadata?.tags ?? {}).map(([path, names]) => [path, new Set(names)]))
  for (const { schemaEntity: { entityPath }, tags: names } of toAdd) {
    const path = pathOf(entityPath)
    tags.set(path, new Set([...tags.get(path) ?? [], ...names]))
  }
  for (const { schemaEntity: { entityPath }, tags: names } of toRemove) for (const name of names) tags.get(pathOf(entityPath))?.delete(name)
  const { tags: _, ...rest } = metadata ?? {}
  const left = [...tags].filter(([, names]) => names.size > 0).map(([path, names]) => [path, [...names]] as const)
  if (left.length > 0) return { ...rest, tags: Object.fromEntries(left) }
  return metadata === null ? null : rest
}

function withoutRules (ruleSet: RuleSet | null, names: readonly string[]): RuleSet | null {
  if (ruleSet === null || names.length === 0) return ruleSet
  const lists = (['migrationRules', 'domainRules', 'encodingRules'] as const)
    .map(list => [list, (ruleSet[list] ?? []).filter(({ name }) => !names.includes(name))] as const)
    .filter(([, rules]) => rules.length > 0)
  return { ...Object.fromEntries(lists), ...ruleSet.enableAt === undefined ? {} : { enableAt: ruleSet.enableAt } }
}

const pathOf = (entityPath: string): string => entityPath.replace(/^\./, '')

const isGiven = (value: object | null | undefined): value is object => value !== null && value !== undefined
