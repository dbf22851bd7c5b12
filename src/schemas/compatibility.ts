/**
 * Whether a new schema goes with those before it, as the level asks, told in the format of Confluent's registry, which people
 * read with programs.
 */
import { setImmediate as othersTurn } from 'node:timers/promises'
import type { Incompatibility, ParsedSchema } from './format.ts'
import type { CompatibilityLevel, CompatibilityPolicy } from './model.ts'
import type { VersionConflict } from './registry-error.ts'

/** A version to compare with. */
export interface Earlier {
  readonly version: number
  readonly text: string
  /** Throws SchemaError. */
  readonly parsed: () => ParsedSchema
}

export interface Rules {
  readonly level: CompatibilityLevel
  readonly policy: CompatibilityPolicy
}

export interface Verdict {
  /** Empty if it goes with them. */
  readonly messages: readonly string[]
  readonly conflicts: readonly VersionConflict[]
}

export const COMPATIBLE: Verdict = { messages: [], conflicts: [] }
const OTHER_TYPE: Incompatibility = {
  type: 'SCHEMA_TYPE_MISMATCH', path: '', description: 'Incompatible because of different schema type', additionalInfo: ''
}
const MAX_OLD_SCHEMA = 10 * 1024
/** How long comparing may keep everybody else waiting, but for the version that it is at. */
const SLICE_MS = 10

export const isTransitive = (level: CompatibilityLevel): boolean => level.endsWith('_TRANSITIVE')

/**
 * `earlier`: the newest first; those that are not deleted, and of the same group. Only the first counts unless the level is
 * transitive; the first that does not go with it is told.
 */
export function compatibility (schema: ParsedSchema, earlier: Iterable<Earlier>, { level, policy }: Rules): Verdict {
  if (level === 'NONE') return COMPATIBLE
  for (const one of earlier) {
    const conflicts = conflictsWith(schema, one, level, policy)
    if (conflicts.length > 0) return { messages: messagesOf(conflicts, one, level), conflicts }
    if (!isTransitive(level)) break
  }
  return COMPATIBLE
}

/** The same, piece by piece: a subject may have thousands of versions. `earlier` is gone through while others change what they like. */
export async function compatibilityInTurns (schema: ParsedSchema, earlier: readonly Earlier[], rules: Rules): Promise<Verdict> {
  let startedAt = performance.now()
  for (const one of earlier) {
    const verdict = compatibility(schema, [one], rules)
    if (verdict.messages.length > 0 || !isTransitive(rules.level)) return verdict
    if (performance.now() - startedAt < SLICE_MS) continue
    await othersTurn()
    startedAt = performance.now()
  }
  return COMPATIBLE
}

function conflictsWith (schema: ParsedSchema, { version, parsed }: Earlier, level: CompatibilityLevel, policy: CompatibilityPolicy): VersionConflict[] {
  const old = parsed()
  if (old.type !== schema.type) return [{ version, reader: 'new', incompatibilities: [OTHER_TYPE] }]
  const conflicts: VersionConflict[] = []
  if (!level.startsWith('FORWARD')) conflicts.push({ version, reader: 'new', incompatibilities: inWords(schema.incompatibilities(old, policy), 'new') })
  if (!level.startsWith('BACKWARD')) conflicts.push({ version, reader: 'old', incompatibilities: inWords(old.incompatibilities(schema, policy), 'old') })
  return conflicts.filter(({ incompatibilities }) => incompatibilities.length > 0)
}

function messagesOf (conflicts: readonly VersionConflict[], { version, text }: Earlier, level: CompatibilityLevel): string[] {
  return [
    ...conflicts.flatMap(({ incompatibilities }) => incompatibilities.map(one => one === OTHER_TYPE ? one.description : message(one))),
    `{oldSchemaVersion: ${version}}`,
    `{oldSchema: '${text.length > MAX_OLD_SCHEMA ? `${text.slice(0, MAX_OLD_SCHEMA)}...` : text}'}`,
    `{validateFields: 'false', compatibility: '${level}'}`
  ]
}

const message = ({ type, description, additionalInfo }: Incompatibility): string =>
  `{errorType:'${type}', description:'${description}', additionalInfo:'${additionalInfo}'}`

/** Languages know a reader and a writer; people have a new and an old schema. */
function inWords (incompatibilities: readonly Incompatibility[], reader: 'new' | 'old'): Incompatibility[] {
  return incompatibilities.map(one => {
    const words = [reader, reader === 'new' ? 'old' : 'new']
    return { ...one, description: one.description.replace(/%s/g, () => words.shift() ?? '%s') }
  })
}
