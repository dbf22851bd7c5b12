/** Payloads as values for rules (CEL): integers exact, and each property with what the schema says of it. */
import type { Field } from '../format.ts'
import type { Subschema } from './subschema.ts'
import { viewOf } from './view.ts'
import { pathOf } from './words.ts'

// JSON.parse source text access (ECMAScript 2026), which TypeScript does not know yet.
const { parse } = JSON as unknown as {
  parse: (text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown) => unknown
}

/** `text` is JSON. Values lie as deep as the text, which is bounded. */
export function readValue (text: string, root: Subschema, visit: ((field: Field) => void) | undefined): unknown {
  const value = parse(text, (_, parsed, { source }) => {
    if (typeof parsed === 'number') return source !== undefined && /^-?\d+$/.test(source) ? BigInt(source) : parsed
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return parsed
    return new Map(Object.entries(parsed))
  })
  if (visit !== undefined) new Visitor(visit).value(value, [root], '', '$')
  return value
}

class Visitor {
  readonly #visit: (field: Field) => void
  readonly #opened = new Map<Subschema, readonly Subschema[]>()

  constructor (visit: (field: Field) => void) {
    this.#visit = visit
  }

  value (value: unknown, schemas: readonly Subschema[], path: string, fullName: string): void {
    if (Array.isArray(value)) {
      const parts = this.#open(schemas)
      value.forEach((item, index) => {
        const items = parts.flatMap(part => part.prefixItems[index] ?? part.items ?? [])
        this.value(item, items, `${path}[${index}]`, fullName)
      })
    } else if (value instanceof Map) {
      const parts = this.#open(schemas)
      for (const [name, child] of value as Map<string, unknown>) {
        const said = parts.flatMap(part => part.properties.get(name) ?? [])
        const own = pathOf(`/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`, {})
        const at = path === '' || own.startsWith('[') ? `${path}${own}` : `${path}.${own}`
        if (Array.isArray(child) || child instanceof Map) this.value(child, said, at, `${fullName}.${name}`)
        else this.#field(name, child, this.#open(said), at, `${fullName}.${name}`)
      }
    }
  }

  #field (name: string, value: unknown, parts: readonly Subschema[], path: string, fullName: string): void {
    const isReal = parts.some(part => part.types?.includes('number') === true) && !parts.some(part => part.types?.includes('integer') === true)
    const seen = isReal && typeof value === 'bigint' ? Number(value) : value
    const tags = [...new Set(parts.flatMap(part => part.tags))]
    this.#visit({ fullName, name, typeName: typeNameOf(seen), tags, path, value: seen })
  }

  /** What may be said of a value: alternatives too. */
  #open (schemas: readonly Subschema[]): readonly Subschema[] {
    const open = new Set<Subschema>()
    for (const schema of schemas) {
      let own = this.#opened.get(schema)
      if (own === undefined) {
        const reached = new Set([schema])
        for (const one of reached) {
          const view = viewOf(one)
          for (const next of [...view.parts, ...view.choices.flat()]) reached.add(next)
        }
        this.#opened.set(schema, own = [...reached])
      }
      for (const one of own) open.add(one)
    }
    return [...open]
  }
}

/** Confluent's words. */
function typeNameOf (value: unknown): string {
  switch (typeof value) {
    case 'string': return 'STRING'
    case 'boolean': return 'BOOLEAN'
    case 'bigint': return BigInt.asIntN(32, value) === value ? 'INT' : 'LONG'
    case 'number': return 'DOUBLE'
    default: return 'NULL'
  }
}
