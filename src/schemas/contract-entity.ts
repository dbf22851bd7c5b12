/**
 * Metadata and rules as JSON: read with care, and merged.
 */
import { SchemaError } from './format.ts'
import type { Metadata, Rule, RuleSet } from './model.ts'
import { RegistryError } from './registry-error.ts'
import { checkRules } from './rules/contract.ts'

type Json = { readonly [name: string]: unknown }

/** Of the JSON, in characters. All of it is gone through whenever schemas are compared. */
const MAX_METADATA = 100_000
const MAX_RULE_SET = 200_000

const kinds: ReadonlySet<unknown> = new Set(['TRANSFORM', 'CONDITION'])
const modes: ReadonlySet<unknown> = new Set(['UPGRADE', 'DOWNGRADE', 'UPDOWN', 'WRITE', 'READ', 'WRITEREAD'])

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)
const isText = (value: unknown): value is string => typeof value === 'string'
const areTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every(isText)
const isMap = (value: unknown, isValue: (one: unknown) => boolean): boolean => isObject(value) && Object.values(value).every(isValue)
const isMissing = (value: unknown): boolean => value === null || value === undefined

/** Without what is null, and what is not known. */
function picked (json: Json, names: readonly string[]): Json {
  return Object.fromEntries(names.filter(name => !isMissing(json[name])).map(name => [name, json[name]]))
}

/** Throws RegistryError 422. */
export function readMetadata (value: unknown, where = 'metadata'): Metadata {
  const fail = (what: string): never => { throw new RegistryError(422, `${where}: ${what}`) }
  if (!isObject(value)) return fail('expected an object of tags, properties and sensitive.')
  const { tags, properties, sensitive } = value
  if (!isMissing(tags) && !isMap(tags, areTexts)) fail('tags: expected lists of names by path.')
  if (!isMissing(properties) && !isMap(properties, isText)) fail('properties: expected strings by name.')
  if (!isMissing(sensitive) && !areTexts(sensitive)) fail('sensitive: expected a list of names of properties.')
  const metadata = picked(value, ['tags', 'properties', 'sensitive']) as Metadata
  const { length } = JSON.stringify(metadata)
  if (length > MAX_METADATA) fail(`its JSON has ${length} characters, of ${MAX_METADATA} at most.`)
  return metadata
}

const ruleTexts = ['name', 'doc', 'type', 'expr', 'onSuccess', 'onFailure'] as const
const lists = ['migrationRules', 'domainRules', 'encodingRules'] as const

/** Throws RegistryError 42210. */
export function readRuleSet (value: unknown, where = 'ruleSet'): RuleSet {
  const fail = (what: string): never => { throw new RegistryError(42210, `${where}: ${what}`) }
  if (!isObject(value)) return fail('expected an object of migrationRules, domainRules and encodingRules.')
  const ruleSet: Record<string, unknown> = {}
  for (const list of lists) {
    const rules = value[list]
    if (isMissing(rules)) continue
    if (!Array.isArray(rules)) return fail(`${list}: expected a list.`)
    ruleSet[list] = rules.map((rule, i) => readRule(rule, what => fail(`${list}[${i}]: ${what}`)))
  }
  const { enableAt } = value
  if (!isMissing(enableAt)) ruleSet['enableAt'] = isText(enableAt) ? enableAt : fail('enableAt: expected a string.')
  const { length } = JSON.stringify(ruleSet)
  if (length > MAX_RULE_SET) fail(`its JSON has ${length} characters, of ${MAX_RULE_SET} at most.`)
  try {
    checkRules(ruleSet)
  } catch (error) {
    if (error instanceof SchemaError) fail(error.message)
    throw error
  }
  return ruleSet
}

function readRule (rule: unknown, fail: (what: string) => never): Rule {
  if (!isObject(rule)) return fail('expected an object.')
  if (!isText(rule['name']) || rule['name'] === '') fail('a rule needs a name.')
  for (const name of ruleTexts) if (!isMissing(rule[name]) && !isText(rule[name])) fail(`${name}: expected a string.`)
  if (!isMissing(rule['kind']) && !kinds.has(rule['kind'])) fail('kind: expected TRANSFORM or CONDITION.')
  if (!isMissing(rule['mode']) && !modes.has(rule['mode'])) fail(`mode: expected one of ${[...modes].join(', ')}.`)
  if (!isMissing(rule['tags']) && !areTexts(rule['tags'])) fail('tags: expected a list of strings.')
  if (!isMissing(rule['params']) && !isMap(rule['params'], isText)) fail('params: expected strings by name.')
  if (!isMissing(rule['disabled']) && typeof rule['disabled'] !== 'boolean') fail('disabled: expected true or false.')
  return picked(rule, [...ruleTexts, 'kind', 'mode', 'tags', 'params', 'disabled']) as unknown as Rule
}

/** The second goes over the first. */
export function mergedMetadata (under: Metadata | null | undefined, over: Metadata | null | undefined): Metadata | null {
  if (isMissing(under) || isMissing(over)) return over ?? under ?? null
  const merged = {
    tags: { ...under!.tags, ...over!.tags },
    properties: { ...under!.properties, ...over!.properties },
    sensitive: [...new Set([...under!.sensitive ?? [], ...over!.sensitive ?? []])]
  }
  return Object.fromEntries(Object.entries(merged).filter(([, value]) => Object.keys(value).length > 0))
}

/** Rules of the second go over those of the first that have the same name. */
export function mergedRuleSet (under: RuleSet | null | undefined, over: RuleSet | null | undefined): RuleSet | null {
  if (isMissing(under) || isMissing(over)) return over ?? under ?? null
  const merged: Record<string, unknown> = {}
  for (const list of lists) {
    const [a, b] = [under![list] ?? [], over![list] ?? []]
    const rules = [...a.filter(({ name }) => !b.some(rule => rule.name === name)), ...b]
    if (rules.length > 0) merged[list] = rules
  }
  const enableAt = over!.enableAt ?? under!.enableAt
  return enableAt === undefined ? merged : { ...merged, enableAt }
}
