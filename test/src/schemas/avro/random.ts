/**
 * Random Avro schemas, as JSON, with pairs of them that are close relatives; and random values, as JSON text in Avro's own
 * encoding. The same seed gives the same ones.
 */
import { labelOf, type Type } from '../../../../src/schemas/avro/schema.ts'

export type SchemaJson = string | SchemaJson[] | { [key: string]: unknown }
type Node = { [key: string]: unknown }

const PRIMITIVES = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string']
const LOGICAL: readonly Node[] = [
  { type: 'int', logicalType: 'date' }, { type: 'long', logicalType: 'timestamp-millis' }, { type: 'string', logicalType: 'uuid' },
  { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 }, { type: 'string', 'avro.java.string': 'String' },
  { type: 'int', x: 1.50, y: [1e7, { b: 2, a: null }] }
]
const TEXTS = ['', 'a', 'Grüße, "x"\\', '\u0001\u001f\u007f\u2028', '😀', 'null']
const LONGS = ['0', '-1', '9223372036854775807', '-9223372036854775808', '9007199254740993', '-9007199254740993', '4503599627370496', '-4503599627370496',
  '-4503599627370497', '9007199254740991', '2147483648', '63', '64', '-64', '-65', '8192', '-8193']

export class Random {
  #state: number
  #names = 0

  constructor (seed: number) {
    this.#state = seed
  }

  /** mulberry32 */
  number (below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return Math.floor(((t ^ (t >>> 14)) >>> 0) / 2 ** 32 * below)
  }

  chance (of: number): boolean {
    return this.number(of) === 0
  }

  pick<T> (list: readonly T[]): T {
    return list[this.number(list.length)]!
  }

  schema (): SchemaJson {
    this.#names = 0
    return this.chance(4) ? this.#type(0, [], null) : this.#named('record', 0, [], null)
  }

  #type (depth: number, known: { name: string, within: boolean }[], namespace: string | null): SchemaJson {
    const kind = this.number(depth > 3 ? 5 : 12)
    if (kind < 3) return this.pick(PRIMITIVES)
    if (kind === 3) return { ...this.pick(LOGICAL) }
    if (kind === 4) {
      const usable = known.filter(one => !one.within)
      return usable.length > 0 ? this.pick(usable).name : 'string'
    }
    if (kind === 5) return { type: 'array', items: this.#type(depth + 1, known, namespace), ...this.chance(4) && { note: 'x' } }
    if (kind === 6) return { type: 'map', values: this.#type(depth + 1, known, namespace) }
    if (kind === 7 || kind === 8) return this.#union(depth, known, namespace)
    return this.#named(kind === 9 ? this.pick(['enum', 'fixed']) : 'record', depth, known, namespace)
  }

  #union (depth: number, known: { name: string, within: boolean }[], namespace: string | null): SchemaJson {
    const branches = new Map<string, SchemaJson>()
    // Within a union a type may contain itself.
    const open = known.map(one => ({ name: one.name, within: false }))
    for (let i = this.number(4); i >= 0; i--) {
      const names = open.length
      const type = this.chance(3) ? 'null' : this.#type(depth + 1, open, namespace)
      const label = Array.isArray(type) ? null : labelIn(type, namespace)
      if (label !== null && !branches.has(label)) branches.set(label, type)
      else open.length = names
    }
    for (const one of open) if (!known.some(other => other.name === one.name)) known.push(one)
    return [...branches.values()]
  }

  #named (kind: string, depth: number, known: { name: string, within: boolean }[], enclosing: string | null): SchemaJson {
    const name = `${this.pick(['User', 'Order', 'T'])}${this.#names++}`
    const given = this.pick([undefined, undefined, 'n', 'org.example', ''])
    const namespace = given === undefined ? enclosing : given === '' ? null : given
    const entry = { name: namespace === null ? name : `${namespace}.${name}`, within: true }
    known.push(entry)
    const type: Node = { type: kind, name, ...given !== undefined && { namespace: given } }
    if (this.chance(3)) type['doc'] = this.pick(TEXTS)
    if (this.chance(3)) type['aliases'] = [this.pick(['Old', 'org.example.Older', 'n.User1', '.Bare'])]
    if (this.chance(4)) type['x-prop'] = this.pick<unknown>([1, 'a', { a: [null, true] }, 1.5, 1e-7, 123456789012])
    if (kind === 'fixed') type['size'] = 1 + this.number(5)
    if (kind === 'enum') {
      const symbols = ['A', 'B', 'C', 'D'].slice(0, 1 + this.number(4))
      Object.assign(type, { symbols }, this.chance(3) && { default: this.pick(symbols) })
    }
    if (kind === 'record') {
      type['fields'] = Array.from({ length: this.number(6) }, (_, i) => this.#field(`f${i}`, depth, known, namespace))
    }
    entry.within = false
    return type
  }

  #field (name: string, depth: number, known: { name: string, within: boolean }[], namespace: string | null): Node {
    const type = this.#type(depth + 1, known, namespace)
    const field: Node = { name, type }
    const fallback = defaultFor(type)
    if (fallback !== undefined && this.chance(2)) field['default'] = fallback
    if (this.chance(5)) field['doc'] = this.pick(TEXTS)
    if (this.chance(6)) field['order'] = this.pick(['ascending', 'descending', 'ignore'])
    if (this.chance(6)) field['aliases'] = [this.pick(['f0', 'f9', 'was'])]
    if (this.chance(8)) field['confluent:tags'] = ['PII']
    return field
  }

  /** Another schema, of which most is the same. It may be none at all. */
  relative (schema: SchemaJson): SchemaJson {
    const copy = { root: structuredClone(schema) }
    for (let i = 1 + this.number(3); i > 0; i--) this.#mutate(this.pick(placesIn(copy)))
    return copy.root
  }

  #mutate (place: Place): void {
    const node = place.get()
    if (Array.isArray(node)) return this.#mutateUnion(node, place)
    if (typeof node === 'string') return place.set(this.chance(3) ? [node === 'null' ? 'int' : 'null', node] : this.pick(PRIMITIVES))
    const fields = node['fields'] as Node[] | undefined
    const symbols = node['symbols'] as string[] | undefined
    if (Array.isArray(fields) && !this.chance(4)) return this.#mutateFields(fields)
    if (Array.isArray(symbols) && !this.chance(3)) {
      if (this.chance(2)) symbols.push(`S${this.number(3)}`)
      else symbols.splice(this.number(symbols.length), 1)
      if (this.chance(3)) delete node['default']
    } else if (typeof node['size'] === 'number' && !this.chance(3)) {
      node['size'] = 1 + this.number(5)
    } else if (typeof node['name'] === 'string' && !this.chance(3)) {
      if (this.chance(2)) node['aliases'] = [node['name'], `n.${node['name']}`, `org.example.${node['name']}`]
      if (this.chance(2)) node['name'] = `Renamed${this.number(3)}`
      else node['namespace'] = this.pick(['n', 'other', ''])
    } else {
      place.set(this.chance(2) ? [node] : this.pick(PRIMITIVES))
    }
  }

  #mutateUnion (union: SchemaJson[], place: Place): void {
    const which = this.number(4)
    if (which === 0) union.push(this.pick(PRIMITIVES))
    else if (which === 1) union.reverse()
    else if (which === 2 && union.length > 0) union.splice(this.number(union.length), 1)
    else if (union.length > 0) place.set(this.pick(union))
  }

  #mutateFields (fields: Node[]): void {
    const which = this.number(5)
    const field = fields.length > 0 ? this.pick(fields) : undefined
    if (which === 0) fields.push({ name: `g${this.number(3)}`, type: this.pick(['int', 'string']), ...this.chance(2) && { default: 0 } })
    else if (which === 1) fields.reverse()
    else if (field === undefined) fields.push({ name: 'g', type: { type: 'enum', name: 'Fresh', symbols: ['A'], default: 'A' } })
    else if (which === 2) fields.splice(fields.indexOf(field), 1)
    else if (which === 3) Object.assign(field, this.chance(2) && { aliases: [field['name']] }, { name: `g${this.number(3)}` })
    else field['type'] = this.pick(PRIMITIVES)
  }

  /** JSON text in Avro's encoding. Throws NoValue. */
  value (type: Type, depth = 0): string {
    if (depth > 40) throw new NoValue()
    switch (type.kind) {
      case 'null': return 'null'
      case 'boolean': return this.chance(2) ? 'true' : 'false'
      case 'int': return this.pick(['0', '-1', '2147483647', '-2147483648', '63', '64', '-64', '-65', String(this.number(100000))])
      case 'long': return this.chance(4) ? String(BigInt.asIntN(64, BigInt(this.number(2 ** 32)) << BigInt(this.number(33)))) : this.pick(LONGS)
      case 'float': return String(Math.fround((this.number(2 ** 32) - 2 ** 31) / 10 ** this.number(12)))
      case 'double': return this.pick(['0.1', '-0.0', '1e300', '5e-324', '123456789.125', String(this.number(2 ** 32) / 7)])
      case 'string': return JSON.stringify(this.pick(TEXTS) + (this.chance(3) ? 'x'.repeat(this.number(200)) : ''))
      case 'bytes': return this.#latin1(type.logical?.name === 'decimal' ? 1 + this.number(3) : this.number(70))
      case 'fixed': return this.#latin1(type.size)
      case 'enum':
        if (type.symbols.length === 0) throw new NoValue()
        return JSON.stringify(this.pick(type.symbols))
      case 'array': return `[${this.#times(depth, () => this.value(type.items, depth + 1))}]`
      case 'map': return `{${this.#times(depth, i => `${JSON.stringify(`k${i}${this.pick(TEXTS)}`)}:${this.value(type.values, depth + 1)}`)}}`
      case 'union': {
        if (type.types.length === 0) throw new NoValue()
        const last = type.types.find(branch => branch.kind === 'null') ?? type.types.find(branch => branch.kind !== 'record') ?? type.types[0]!
        const branch = depth > 6 ? last : this.pick(type.types)
        return branch.kind === 'null' ? 'null' : `{${JSON.stringify(labelOf(branch))}:${this.value(branch, depth + 1)}}`
      }
      case 'record': return `{${type.fields.map(field => `${JSON.stringify(field.name)}:${this.value(field.type, depth + 1)}`).join(',')}}`
    }
  }

  #times (depth: number, one: (i: number) => string): string {
    return Array.from({ length: depth > 6 ? 0 : this.number(4) }, (_, i) => one(i)).join(',')
  }

  #latin1 (length: number): string {
    return JSON.stringify(String.fromCharCode(...Array.from({ length }, () => this.number(256))))
  }
}

/** The type has none, or none that ends. */
export class NoValue extends Error {}

interface Place {
  get (): SchemaJson
  set (schema: SchemaJson): void
}

function placesIn (holder: { root: SchemaJson }): Place[] {
  const places: Place[] = []
  const visit = (get: () => SchemaJson, set: (schema: SchemaJson) => void): void => {
    places.push({ get, set })
    const node = get()
    if (typeof node === 'string') return
    if (Array.isArray(node)) return node.forEach((_, i) => visit(() => node[i]!, schema => { node[i] = schema }))
    for (const key of ['items', 'values']) if (node[key] !== undefined) visit(() => node[key] as SchemaJson, schema => { node[key] = schema })
    for (const field of node['fields'] as Node[] ?? []) visit(() => field['type'] as SchemaJson, schema => { field['type'] = schema })
  }
  visit(() => holder.root, schema => { holder.root = schema })
  return places
}

function labelIn (type: Exclude<SchemaJson, SchemaJson[]>, namespace: string | null): string {
  if (typeof type === 'string') return type
  if (typeof type['name'] !== 'string') return type['type'] as string
  const given = type['namespace'] as string | undefined ?? namespace ?? ''
  return given === '' ? type['name'] : `${given}.${type['name']}`
}

function defaultFor (type: SchemaJson): unknown {
  const kind = typeof type === 'string' ? type : Array.isArray(type) ? 'union' : type['type']
  switch (kind) {
    case 'null': return null
    case 'boolean': return true
    case 'int': case 'long': return 7
    case 'float': case 'double': return 1.5
    case 'string': return 'a"\u0002ü'
    case 'bytes': return '\u00ff\u0001'
    case 'array': return []
    case 'map': return {}
    case 'enum': return (type as { symbols: string[] }).symbols[0]
    case 'fixed': return 'x'.repeat((type as { size: number }).size)
    case 'union': return (type as SchemaJson[]).length > 0 ? defaultFor((type as SchemaJson[])[0]!) : undefined
    default: return undefined
  }
}
