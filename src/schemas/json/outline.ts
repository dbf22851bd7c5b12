/** What a schema is made of, for people who compare two of them. */
import { COUNT_LIMITS, NUMBER_LIMITS } from './subschema.ts'
import type { Subschema } from './subschema.ts'
import { typesOf, viewOf } from './view.ts'
import { listed } from './words.ts'

/** Definitions that are used in many places are told in each. */
const MAX_LINES = 5000

/** By path: `address.lines[]`, where `[]` is any item and `{}` any further property; the empty one is the whole. */
export function outlineOf (root: Subschema): ReadonlyMap<string, string> {
  const lines = new Map<string, string>()
  const within = new Set<Subschema>()
  const add = (path: string, schema: Subschema, more: string): void => {
    if (lines.size >= MAX_LINES) return
    if (!lines.has(path)) lines.set(path, wordsFor(schema) + more)
    if (within.has(schema)) return
    within.add(schema)
    const { parts, choices } = viewOf(schema)
    for (const part of parts) {
      const required = new Set(parts.flatMap(one => one.required))
      for (const [name, child] of part.properties) add(path === '' ? name : `${path}.${name}`, child, required.has(name) ? ', required' : '')
      for (const [pattern, child] of part.patternProperties) add(`${path}{${pattern}}`, child, '')
      if (part.additionalProperties !== null && part.additionalProperties.always === null) add(`${path}{}`, part.additionalProperties, '')
      part.prefixItems.forEach((item, index) => add(`${path}[${index}]`, item, ''))
      if (part.items !== null && part.items.always === null) add(`${path}[]`, part.items, '')
    }
    for (const alternative of choices.flat()) add(path, alternative, '')
    within.delete(schema)
  }
  add('', root, '')
  return lines
}

function wordsFor (schema: Subschema): string {
  if (schema.always === false) return 'nothing'
  const view = viewOf(schema)
  if (view.choices.length > 0) return view.choices[0]!.slice(0, 20).map(alternative => briefly(alternative)).join(' or ')
  const types = typesOf(view)
  const words = [types === null ? 'anything' : [...types].join(' or ')]
  for (const part of view.parts) {
    for (const values of part.enums) words.push(`one of ${listed(values)}`)
    if (part.format !== null) words.push(part.format.slice(0, 40))
    if (part.pattern !== null) words.push(`matches ${JSON.stringify(part.pattern.slice(0, 100))}`)
    for (const limit of [...NUMBER_LIMITS, ...COUNT_LIMITS]) if (part.limits[limit] !== undefined) words.push(`${limit} ${part.limits[limit]}`)
    if (part.uniqueItems) words.push('no two items the same')
    if (part.additionalProperties?.always === false) words.push('closed')
    if (part.items?.always === false) words.push('no further items')
  }
  return words.join(', ')
}

const briefly = (schema: Subschema): string => [...typesOf(viewOf(schema)) ?? ['anything']].join(' or ')
