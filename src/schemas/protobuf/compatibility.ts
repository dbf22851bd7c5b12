/**
 * What stands in the way of reading with one schema what was written with another, in the words of Confluent's registry. Fields
 * are compared by number, as readers find them.
 *
 * Changes that no reader minds are not spoken of: messages, enums, fields and members of oneofs added, fields that are not
 * required removed, things renamed or moved to another place, a string or a message that becomes a list of them.
 */
import type { DescriptorProto, FieldDescriptorProto, FileDescriptorProto } from '@bufbuild/protobuf/wkt'
import { FieldDescriptorProto_Label as Label, FieldDescriptorProto_Type as Type } from '@bufbuild/protobuf/wkt'

import type { Incompatibility } from '../format.ts'
import type { Loaded } from './load.ts'
import { has } from './options.ts'

/** More are not told. */
const MAX_FOUND = 100

type Kind = keyof typeof SENTENCES

/** Of the schema that reads, and then of the one that wrote: see Incompatibility. */
const SENTENCES = {
  PACKAGE_CHANGED: 'The package in the %s schema is not that in the %s schema',
  MESSAGE_REMOVED: 'The %s schema lacks a message that the %s schema has',
  FIELD_KIND_CHANGED: 'In the %s schema the field is of another kind (a single value, a message, a group, a map) than in the %s schema',
  FIELD_SCALAR_KIND_CHANGED: 'The type of the field in the %s schema is encoded in another way than that in the %s schema',
  FIELD_NAMED_TYPE_CHANGED: 'The message that the field holds in the %s schema is not that in the %s schema, or cannot read it',
  FIELD_NUMERIC_LABEL_CHANGED: 'The number is repeated, optional or required in the %s schema, and another of these in the %s schema',
  REQUIRED_FIELD_ADDED: 'The %s schema requires a field that the %s schema does not have',
  REQUIRED_FIELD_REMOVED: 'The %s schema lacks a field that the %s schema requires',
  ONEOF_FIELD_REMOVED: 'In the %s schema the oneof lacks a field that it has in the %s schema',
  MULTIPLE_FIELDS_MOVED_TO_ONEOF: 'In the %s schema several fields are in one oneof that could be set side by side in the %s schema',
  FIELD_MOVED_TO_EXISTING_ONEOF: 'In the %s schema a field is in a oneof with others that it could be set beside in the %s schema'
}

/** Types whose values are read by each other. */
const GROUPS = new Map<Type, string>([
  ...[Type.INT32, Type.INT64, Type.UINT32, Type.UINT64, Type.BOOL, Type.ENUM].map((type): [Type, string] => [type, 'varint']),
  ...[Type.SINT32, Type.SINT64].map((type): [Type, string] => [type, 'zigzag']),
  ...[Type.STRING, Type.BYTES].map((type): [Type, string] => [type, 'bytes']),
  ...[Type.FIXED32, Type.SFIXED32].map((type): [Type, string] => [type, 'fixed32']),
  ...[Type.FIXED64, Type.SFIXED64].map((type): [Type, string] => [type, 'fixed64']),
  [Type.FLOAT, 'float'],
  [Type.DOUBLE, 'double']
])

export const incompatibilities = (reader: Loaded, writer: Loaded): readonly Incompatibility[] => new Comparison(reader, writer).run()

interface Found {
  readonly message: DescriptorProto
  /** Within its package. */
  readonly name: string
  readonly file: FileDescriptorProto
}

/** Two imported messages of the same name, and the fields that hold them. */
interface Pair {
  readonly reader: Found
  readonly writer: Found
  isIncompatible: boolean
  readonly users: Array<{ readonly path: string, readonly change: string, readonly within: Pair | null }>
}

class Comparison {
  readonly #reader: Loaded
  readonly #writer: Loaded
  readonly #readerTypes: ReadonlyMap<string, Found>
  readonly #writerTypes: ReadonlyMap<string, Found>
  readonly #found: Incompatibility[] = []
  /** Imported messages to compare, each pair once. A list and not a recursion: messages may hold themselves, and chains be long. */
  readonly #pairs = new Map<string, Pair>()
  #current: Pair | null = null

  constructor (reader: Loaded, writer: Loaded) {
    this.#reader = reader
    this.#writer = writer
    this.#readerTypes = messagesOf(reader.files)
    this.#writerTypes = messagesOf(writer.files)
  }

  run (): readonly Incompatibility[] {
    const [reader, writer] = [this.#reader.file, this.#writer.file]
    if (reader.package !== writer.package) this.#add('PACKAGE_CHANGED', '', `${writer.package || 'no package'} -> ${reader.package || 'no package'}`)
    this.#messages(reader.messageType, writer.messageType, '')
    for (const pair of this.#pairs.values()) {
      this.#current = pair
      this.#message(pair.reader.message, pair.writer.message, `/${pair.reader.name.replaceAll('.', '/')}`)
    }
    this.#current = null
    const incompatible = new Set([...this.#pairs.values()].filter((pair) => pair.isIncompatible))
    for (const { users } of incompatible) {
      for (const { path, change, within } of users) {
        this.#add('FIELD_NAMED_TYPE_CHANGED', path, change)
        if (within !== null) incompatible.add(within)
      }
    }
    return this.#found
  }

  #messages (reader: readonly DescriptorProto[], writer: readonly DescriptorProto[], path: string): void {
    const read = new Map(reader.map((message) => [message.name, message]))
    for (const written of writer) {
      if (written.options?.mapEntry === true) continue
      const message = read.get(written.name)
      const at = `${path}/${written.name}`
      if (message === undefined || message.options?.mapEntry === true) this.#add('MESSAGE_REMOVED', at, written.name)
      else {
        this.#message(message, written, at)
        this.#messages(message.nestedType, written.nestedType, at)
      }
    }
  }

  #message (reader: DescriptorProto, writer: DescriptorProto, path: string): void {
    const read = new Map(reader.field.map((field) => [field.number, field]))
    const written = new Map(writer.field.map((field) => [field.number, field]))
    this.#oneofs(reader, writer, written, path)
    for (const field of [...writer.field].sort((a, b) => a.number - b.number)) {
      const update = read.get(field.number)
      const oneof = oneofOf(writer, field)
      if (update !== undefined) {
        // Members of a oneof that has the same name are told with it.
        const isThere = oneof !== null && oneofOf(reader, update) === oneof
        this.#field(update, field, `${path}${isThere ? `/${oneof}` : ''}/${field.number}`)
      } else if (field.label === Label.REQUIRED) this.#add('REQUIRED_FIELD_REMOVED', `${path}/${field.number}`, field.name)
      else if (oneof !== null && reader.oneofDecl.some(({ name }) => name === oneof)) {
        this.#add('ONEOF_FIELD_REMOVED', `${path}/${oneof}/${field.number}`, field.name)
      }
    }
    for (const field of reader.field) {
      if (field.label === Label.REQUIRED && !written.has(field.number)) this.#add('REQUIRED_FIELD_ADDED', `${path}/${field.number}`, field.name)
    }
  }

  /** What was independent must not exclude each other now: of a writer's fields, those of one oneof may come together again. */
  #oneofs (reader: DescriptorProto, writer: DescriptorProto, written: ReadonlyMap<number, FieldDescriptorProto>, path: string): void {
    const members = Map.groupBy(reader.field.filter((field) => oneofOf(reader, field) !== null), (field) => oneofOf(reader, field) as string)
    for (const [name, fields] of members) {
      const alone: string[] = []
      const oneofs = new Set<string>()
      for (const { number } of fields) {
        const before = written.get(number)
        if (before === undefined) continue
        const oneof = oneofOf(writer, before)
        if (oneof === null) alone.push(before.name)
        else oneofs.add(oneof)
      }
      if (alone.length > 1) this.#add('MULTIPLE_FIELDS_MOVED_TO_ONEOF', `${path}/${name}`, alone.join(', '))
      else if (alone.length + oneofs.size > 1) this.#add('FIELD_MOVED_TO_EXISTING_ONEOF', `${path}/${name}`, [...alone, ...oneofs].join(', '))
    }
  }

  #field (reader: FieldDescriptorProto, writer: FieldDescriptorProto, path: string, withLabels = true): void {
    const [read, written] = [kindOf(reader, this.#readerTypes), kindOf(writer, this.#writerTypes)]
    const change = `${typeText(writer)} -> ${typeText(reader)}`
    if (read !== written) this.#add('FIELD_KIND_CHANGED', path, change)
    else if (read === 'map') {
      const [readKey, readValue] = this.#readerTypes.get(reader.typeName)?.message.field ?? []
      const [writtenKey, writtenValue] = this.#writerTypes.get(writer.typeName)?.message.field ?? []
      if (readKey !== undefined && writtenKey !== undefined) this.#field(readKey, writtenKey, path, false)
      if (readValue !== undefined && writtenValue !== undefined) this.#field(readValue, writtenValue, path, false)
    } else if (read !== 'scalar') this.#named(reader.typeName, writer.typeName, path)
    else if (GROUPS.get(reader.type) !== GROUPS.get(writer.type)) this.#add('FIELD_SCALAR_KIND_CHANGED', path, change)
    else if (withLabels && reader.label !== writer.label && GROUPS.get(reader.type) !== 'bytes') {
      this.#add('FIELD_NUMERIC_LABEL_CHANGED', path, `${labelText(writer.label)} -> ${labelText(reader.label)}`)
    }
  }

  /** Messages of the schemas themselves are compared where they stand; imported ones here, under their own name. */
  #named (reader: string, writer: string, path: string): void {
    const [read, written] = [this.#readerTypes.get(reader), this.#writerTypes.get(writer)]
    if (read === undefined || written === undefined) return
    const change = `${writer.slice(1)} -> ${reader.slice(1)}`
    if (read.name !== written.name) {
      this.#add('FIELD_NAMED_TYPE_CHANGED', path, change)
      return
    }
    if ((read.file === this.#reader.file && written.file === this.#writer.file) || read.file === written.file) return
    const key = `${reader} ${writer}`
    let pair = this.#pairs.get(key)
    if (pair === undefined) {
      pair = { reader: read, writer: written, isIncompatible: false, users: [] }
      this.#pairs.set(key, pair)
    }
    pair.users.push({ path, change, within: this.#current })
  }

  #add (type: Kind, path: string, additionalInfo: string): void {
    const at = path === '' ? '#/' : `#${path}`
    if (this.#current !== null) this.#current.isIncompatible = true
    if (this.#found.length >= MAX_FOUND) return
    this.#found.push({ type, path: at, description: `${SENTENCES[type]}, at path '${at}' (${additionalInfo})`, additionalInfo })
  }
}

/** By full name, with a dot in front of it as type names have it. */
function messagesOf (files: readonly FileDescriptorProto[]): Map<string, Found> {
  const all = new Map<string, Found>()
  for (const file of files) {
    const prefix = file.package === '' ? '.' : `.${file.package}.`
    const add = (message: DescriptorProto, scope: string): void => {
      const name = `${scope}${message.name}`
      all.set(`${prefix}${name}`, { message, name, file })
      for (const nested of message.nestedType) add(nested, `${name}.`)
    }
    for (const message of file.messageType) add(message, '')
  }
  return all
}

/** The name of the oneof that a field is a member of, unless that is only there to make it optional. */
const oneofOf = (message: DescriptorProto, field: FieldDescriptorProto): string | null =>
  has(field, 'oneofIndex') && !field.proto3Optional ? message.oneofDecl[field.oneofIndex]?.name ?? null : null

function kindOf (field: FieldDescriptorProto, types: ReadonlyMap<string, Found>): 'scalar' | 'message' | 'group' | 'map' {
  if (field.type === Type.GROUP) return 'group'
  if (field.type !== Type.MESSAGE) return 'scalar'
  return field.label === Label.REPEATED && types.get(field.typeName)?.message.options?.mapEntry === true ? 'map' : 'message'
}

const typeText = (field: FieldDescriptorProto): string => has(field, 'typeName') ? field.typeName.slice(1) : (Type[field.type] ?? '').toLowerCase()

const labelText = (label: Label): string => (Label[label] ?? '').toLowerCase()
