/**
 * What changed from one version to another, in words.
 */
import type { ParsedSchema } from './format.ts'

export interface Difference {
  /** One sentence each; empty if the two mean the same. */
  readonly changes: readonly string[]
  /** A sentence: who can read whose data. */
  readonly compatibility: string
}

/** A list for people: what is longer is cut. */
const MAX_CHANGES = 200

export function differenceOf (from: ParsedSchema, to: ParsedSchema): Difference {
  if (from.type !== to.type) {
    return { changes: [`The language changed from ${from.type} to ${to.type}.`], compatibility: 'Neither can read what was written with the other.' }
  }
  const changes = changesOf(from.outline(), to.outline())
  if (from.name !== to.name) changes.unshift(`The name changed from ${from.name ?? 'none'} to ${to.name ?? 'none'}.`)
  const more = changes.length - MAX_CHANGES
  return {
    changes: more > 0 ? [...changes.slice(0, MAX_CHANGES), `And ${more} more.`] : changes,
    compatibility: compatibilityOf(to.incompatibilities(from, 'STRICT').length === 0, from.incompatibilities(to, 'STRICT').length === 0)
  }
}

function changesOf (before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  const changes: string[] = []
  for (const [path, was] of before) {
    const is = after.get(path)
    if (is === undefined) changes.push(`${path} was removed: ${was}.`)
    else if (is !== was) changes.push(`${path} changed from ${was} to ${is}.`)
  }
  for (const [path, is] of after) if (!before.has(path)) changes.push(`${path} was added: ${is}.`)
  return changes
}

function compatibilityOf (backward: boolean, forward: boolean): string {
  if (backward && forward) return 'Each can read what was written with the other (FULL).'
  if (backward) return 'The later one can read what was written with the earlier one (BACKWARD), not the other way round.'
  if (forward) return 'The earlier one can read what was written with the later one (FORWARD), not the other way round.'
  return 'Neither can read what was written with the other.'
}
