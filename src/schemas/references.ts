/**
 * The schemas that a schema needs, found: directly or not, each once, behind those that it needs itself.
 */
import { SchemaError, type ResolvedReference } from './format.ts'
import type { Reference, SchemaVersion } from './model.ts'
import { besides } from './subjects.ts'

const MAX_REFERENCES = 500
const MAX_DEPTH = 100
const MAX_CHARACTERS = 4 * 1024 * 1024

/** A subject without a context is in that of the schema that names it. Throws SchemaError. */
export function resolved (
  references: readonly Reference[], subject: string, find: (subject: string, version: number) => SchemaVersion | undefined
): ResolvedReference[] {
  const found: ResolvedReference[] = []
  /** By name, where it leads. */
  const known = new Map<string, string>()
  /** Names on the way to here. */
  const path = new Set<string>()
  let characters = 0

  const walk = (references: readonly Reference[], subject: string): void => {
    if (path.size > MAX_DEPTH) throw new SchemaError(`References go deeper than ${MAX_DEPTH} schemas.`)
    for (const { name, subject: named, version } of references) {
      const there = besides(subject, named)
      const place = `${version} ${there}`
      if (path.has(place)) throw new SchemaError(`Subject '${there}' version ${version} refers to itself.`)
      const before = known.get(name)
      if (before === place) continue
      if (before !== undefined) throw new SchemaError(`"${name}" means two schemas: ${described(before)} and ${described(place)}.`)
      const schema = find(there, version)
      if (schema === undefined) throw new SchemaError(`No schema reference found for subject "${there}" and version ${version}: register it first.`)
      known.set(name, place)
      if (known.size > MAX_REFERENCES) throw new SchemaError(`A schema refers to ${MAX_REFERENCES} others at most, directly or not.`)
      characters += schema.schema.length
      if (characters > MAX_CHARACTERS) throw new SchemaError(`The schemas that it refers to have more than ${MAX_CHARACTERS} characters together.`)
      path.add(place)
      walk(schema.references, there)
      path.delete(place)
      found.push({ name, text: schema.schema })
    }
  }
  walk(references, subject)
  return found
}

const described = (place: string): string => {
  const at = place.indexOf(' ')
  return `subject '${place.slice(at + 1)}' version ${place.slice(0, at)}`
}
