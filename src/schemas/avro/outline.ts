/** What a schema is made of, for people who compare two of them. */
import { writeJson } from './json.ts'
import { labelOf, type Type } from './schema.ts'

/** Types that are used in many places are told in each. */
const MAX_LINES = 5000

/** By path: `address.lines[]`, where `[]` is any item and `{}` any entry of a map; the empty one is the whole. */
export function outlineOf (root: Type): ReadonlyMap<string, string> {
  const lines = new Map<string, string>()
  const within = new Set<Type>()
  const add = (path: string, type: Type, more: string): void => {
    if (lines.size >= MAX_LINES) return
    if (!lines.has(path)) lines.set(path, wordsFor(type) + more)
    if (within.has(type)) return
    within.add(type)
    switch (type.kind) {
      case 'array':
        add(`${path}[]`, type.items, '')
        break
      case 'map':
        add(`${path}{}`, type.values, '')
        break
      case 'union':
        for (const branch of type.types) if (branch.kind === 'record' || branch.kind === 'array' || branch.kind === 'map') add(path, branch, '')
        break
      case 'record':
        for (const field of type.fields) {
          const fallback = field.default === undefined ? '' : `, ${writeJson(field.default).slice(0, 100)} by default`
          const aliases = field.aliases.length === 0 ? '' : `, also called ${field.aliases.join(', ')}`
          add(path === '' ? field.name : `${path}.${field.name}`, field.type, fallback + aliases)
        }
    }
    within.delete(type)
  }
  add('', root, '')
  return lines
}

function wordsFor (type: Type): string {
  switch (type.kind) {
    case 'union': return type.types.map(wordsFor).join(' or ')
    case 'array': case 'map': return type.kind
    case 'enum': {
      const symbols = `${type.symbols.slice(0, 100).join(', ')}${type.symbols.length > 100 ? ', …' : ''}`
      return `enum ${type.fullName} of ${symbols}${type.default === null ? '' : ` (${type.default} for others)`}`
    }
    case 'fixed': return `fixed ${type.fullName} of ${type.size} bytes${logical(type)}`
    case 'record': return `record ${labelOf(type)}`
    default: return `${type.kind}${logical(type)}`
  }
}

function logical ({ logical }: Extract<Type, { logical: unknown }>): string {
  if (logical === null) return ''
  if (logical.name === 'decimal') return `, decimal of ${logical.precision} digits, ${logical.scale} after the point`
  return `, ${logical.name === 'uuid' ? 'uuid' : logical.word}`
}
