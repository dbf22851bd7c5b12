/**
 * Schemas as text, the way Apache Avro for Java prints them: registries take schemas for the same if these texts are equal.
 */
import { quote, writeJson } from './json.ts'
import { isNamed, PRIMITIVES, simpleName, type Field, type Logical, type NamedType, type Props, type Type } from './schema.ts'

export interface PrintOptions {
  /** Full names that are written and not defined. */
  readonly known?: Iterable<string>
  /** Attributes that have no order in one order, and without what says nothing: as `normalize=true` of Confluent's registry. */
  readonly normalize?: boolean
}

export function printAvro (type: Type, { known = [], normalize = false }: PrintOptions = {}): string {
  return new Printer(new Set(known), normalize).type(type, null)
}

/** What makes a definition that definition (Schema.equals of Java): no doc and no aliases; the named types in it by their names. */
export function shapeOf (type: NamedType): string {
  switch (type.kind) {
    case 'enum': return `enum ${type.symbols.join()}${shapeOfProps(type.props)}`
    case 'fixed': return `fixed ${type.size}${shapeOfProps(type.props)}`
    case 'record': return `record ${type.fields.map(({ name, type, order, default: value, props }) =>
      `${name} ${shapeWithin(type)} ${order} ${value === undefined ? '' : writeJson(value, true)}${shapeOfProps(props)}`).join()}${shapeOfProps(type.props)}`
  }
}

function shapeWithin (type: Type): string {
  switch (type.kind) {
    case 'union': return `[${type.types.map(shapeWithin).join()}]`
    case 'array': return `array(${shapeWithin(type.items)})${shapeOfProps(type.props)}`
    case 'map': return `map(${shapeWithin(type.values)})${shapeOfProps(type.props)}`
    default: return isNamed(type) ? type.fullName : `${type.kind}${shapeOfProps(type.props)}`
  }
}

const shapeOfProps = (props: Props): string => props.size === 0 ? '' : ` ${writeJson(Object.fromEntries(props), true)}`

const RESERVED_NAMES = new Set<string>([...PRIMITIVES, 'record', 'enum', 'array', 'map', 'union', 'fixed'])

class Printer {
  readonly #known: Set<string>
  readonly #normalize: boolean

  constructor (known: Set<string>, normalize: boolean) {
    this.#known = known
    this.#normalize = normalize
  }

  type (type: Type, namespace: string | null): string {
    switch (type.kind) {
      case 'union': return `[${type.types.map(branch => this.type(branch, namespace)).join(',')}]`
      case 'array': return `{"type":"array","items":${this.type(type.items, namespace)}${this.#props(type.props)}}`
      case 'map': return `{"type":"map","values":${this.type(type.values, namespace)}${this.#props(type.props)}}`
      case 'record': case 'enum': case 'fixed': return this.#named(type, namespace)
      default: return type.props.size === 0 ? `"${type.kind}"` : `{"type":"${type.kind}"${this.#props(type.props, type.logical)}}`
    }
  }

  #named (type: NamedType, namespace: string | null): string {
    if (this.#known.has(type.fullName)) return quote(reference(type.fullName, namespace))
    this.#known.add(type.fullName)
    const kind = type.kind === 'record' && type.isError && !this.#normalize ? 'error' : type.kind
    const parts = [`{"type":"${kind}","name":${quote(simpleName(type.fullName))}`]
    if (type.namespace !== namespace) parts.push(`,"namespace":${quote(type.namespace ?? '')}`)
    if (type.doc !== null && !(this.#normalize && type.doc === '')) parts.push(`,"doc":${quote(type.doc)}`)
    if (type.kind === 'record') parts.push(`,"fields":[${type.fields.map(field => this.#field(field, type.namespace)).join(',')}]`)
    if (type.kind === 'fixed') parts.push(`,"size":${type.size}`)
    if (type.kind === 'enum') {
      parts.push(`,"symbols":[${type.symbols.map(quote).join(',')}]`)
      if (type.default !== null) parts.push(`,"default":${quote(type.default)}`)
    }
    parts.push(this.#props(type.props, type.logical))
    parts.push(this.#aliases(type.aliases.map(alias => reference(alias, type.namespace))), '}')
    return parts.join('')
  }

  #field (field: Field, namespace: string | null): string {
    const parts = [`{"name":${quote(field.name)},"type":${this.type(field.type, namespace)}`]
    if (field.doc !== null) parts.push(`,"doc":${quote(field.doc)}`)
    if (field.default !== undefined) parts.push(`,"default":${writeJson(field.default, this.#normalize)}`)
    if (field.order !== 'ascending') parts.push(`,"order":"${field.order}"`)
    parts.push(this.#aliases(field.aliases), this.#props(field.props), '}')
    return parts.join('')
  }

  #aliases (aliases: readonly string[]): string {
    if (aliases.length === 0) return ''
    return `,"aliases":[${(this.#normalize ? aliases.toSorted() : aliases).map(quote).join(',')}]`
  }

  /** Of a logical type the name goes first, then what it says of itself. */
  #props (props: Props, logical: Logical | null = null): string {
    if (props.size === 0) return ''
    const keys = [...props.keys()]
    if (this.#normalize) {
      const first = logical === null ? [] : logical.name === 'decimal' ? ['logicalType', 'precision', ...logical.scale === 0 ? [] : ['scale']] : ['logicalType']
      keys.sort()
      keys.splice(0, keys.length, ...first, ...keys.filter(key => !first.includes(key)))
    }
    return keys.map(key => `,${quote(key)}:${writeJson(props.get(key)!, this.#normalize)}`).join('')
  }
}

/** The namespace is left out where it is understood, unless what is left means something else. */
function reference (fullName: string, namespace: string | null): string {
  const simple = simpleName(fullName)
  return namespace !== null && fullName === `${namespace}.${simple}` && !RESERVED_NAMES.has(simple) ? simple : fullName
}
