/**
 * Messages, fields and extensions of a .proto file (protobuf.dev/reference/protobuf/proto3-spec, proto2-spec, edition-2023-spec).
 */
import { create } from '@bufbuild/protobuf'
import { protoCamelCase } from '@bufbuild/protobuf/reflect'
import type { DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, UninterpretedOption } from '@bufbuild/protobuf/wkt'
import {
  DescriptorProto_ExtensionRangeSchema as ExtensionRangeSchema, DescriptorProto_ReservedRangeSchema as ReservedRangeSchema, DescriptorProtoSchema,
  ExtensionRangeOptionsSchema, FieldDescriptorProto_Label as Label, FieldDescriptorProto_Type as Type,
  FieldDescriptorProtoSchema, FieldOptionsSchema, MessageOptionsSchema, OneofDescriptorProtoSchema, OneofOptionsSchema
} from '@bufbuild/protobuf/wkt'

import { SchemaError } from '../format.ts'
import { quote } from './lexer.ts'
import { has, optionsOf } from './options.ts'
import { parseEnum } from './parse-enum.ts'
import type { Words } from './words.ts'

export type Syntax = 'proto2' | 'proto3' | 'editions'

/** Where declarations go: a file or a message. */
export interface Scope {
  readonly messages: DescriptorProto[]
  readonly enums: EnumDescriptorProto[]
  readonly extensions: FieldDescriptorProto[]
}

export interface Grammar {
  readonly words: Words
  readonly syntax: Syntax
  /** Refuse what only protoc refuses. */
  readonly strict: boolean
}

export const MAX_NUMBER = 536_870_911
const LABELS: Readonly<Record<string, Label>> = { optional: Label.OPTIONAL, required: Label.REQUIRED, repeated: Label.REPEATED }
export const SCALARS: Readonly<Record<string, Type>> = {
  double: Type.DOUBLE,
  float: Type.FLOAT,
  int32: Type.INT32,
  int64: Type.INT64,
  uint32: Type.UINT32,
  uint64: Type.UINT64,
  sint32: Type.SINT32,
  sint64: Type.SINT64,
  fixed32: Type.FIXED32,
  fixed64: Type.FIXED64,
  sfixed32: Type.SFIXED32,
  sfixed64: Type.SFIXED64,
  bool: Type.BOOL,
  string: Type.STRING,
  bytes: Type.BYTES
}

/** `message`, `enum` or `extend`, where the next word is one of them. */
export function parseDeclaration (grammar: Grammar, scope: Scope): boolean {
  const { words } = grammar
  if (words.accept('message')) scope.messages.push(parseMessage(grammar))
  else if (words.accept('enum')) scope.enums.push(parseEnum(grammar))
  else if (words.accept('extend')) parseExtend(grammar, scope)
  else return false
  return true
}

function parseMessage (grammar: Grammar): DescriptorProto {
  const message = create(DescriptorProtoSchema, { name: grammar.words.name('the name of a message') })
  parseBody(grammar, message)
  return message
}

function parseBody (grammar: Grammar, message: DescriptorProto): void {
  const { words } = grammar
  words.count()
  const scope = { messages: message.nestedType, enums: message.enumType, extensions: message.extension }
  const options = words.nested(() => words.body(() => {
    if (parseDeclaration(grammar, scope)) return
    if (words.accept('oneof')) parseOneof(grammar, message)
    else if (words.accept('extensions')) parseExtensionRanges(words, message)
    else if (words.accept('reserved')) parseReserved(words, message)
    else message.field.push(parseField(grammar, message.nestedType))
  }))
  addOptionalOneofs(message)
  if (options.some(({ name }) => name.length === 1 && name[0]?.namePart === 'map_entry')) {
    throw new SchemaError(`message ${message.name}: map_entry is not for people: write map<key, value>`)
  }
  const known = optionsOf(MessageOptionsSchema, options)
  if (known !== undefined) message.options = known
}

/** One field; what it brings with it (the entry of a map, the message of a group) goes to `nested`. */
function parseField (grammar: Grammar, nested: DescriptorProto[], inOneof = false): FieldDescriptorProto {
  const { words, syntax } = grammar
  words.count()
  const word = words.peek()
  const label = word.kind === 'name' && !inOneof ? LABELS[word.text] : undefined
  if (label !== undefined) words.accept(word.text)
  const typeName = words.dotted('a field')
  if (typeName === 'map' && label === undefined && !inOneof && words.accept('<')) return parseMap(words, nested)
  checkLabel(grammar, label, inOneof, word.line)
  const isGroup = typeName === 'group' && syntax === 'proto2'
  const name = words.name('the name of a field')
  words.expect('=')
  const field = create(FieldDescriptorProtoSchema, {
    name: isGroup ? name.toLowerCase() : name,
    number: words.integer('the number of a field', 1, MAX_NUMBER),
    label: label ?? Label.OPTIONAL,
    ...(isGroup ? { type: Type.GROUP, typeName: name } : typeOf(typeName)),
    ...(syntax === 'proto3' && label === Label.OPTIONAL ? { proto3Optional: true } : {})
  })
  applyOptions(field, words.bracketedOptions())
  if (isGroup) {
    const message = create(DescriptorProtoSchema, { name })
    nested.push(message)
    parseBody(grammar, message)
  } else words.expect(';')
  return field
}

function checkLabel ({ syntax, strict }: Grammar, label: Label | undefined, inOneof: boolean, line: number): void {
  if (label === Label.REQUIRED && syntax !== 'proto2') throw new SchemaError(`line ${line}: required fields are of proto2 only`)
  if (!strict || inOneof) return
  if (label === undefined && syntax === 'proto2') throw new SchemaError(`line ${line}: expected optional, required or repeated: this is proto2`)
  if (label === Label.OPTIONAL && syntax === 'editions') throw new SchemaError(`line ${line}: editions have features.field_presence, not optional`)
}

const typeOf = (name: string): { type: Type } | { typeName: string } => {
  const type = Object.hasOwn(SCALARS, name) ? SCALARS[name] : undefined
  return type === undefined ? { typeName: name } : { type }
}

/** Behind `map<`. What is in the file is a list of messages that have a key and a value. */
function parseMap (words: Words, nested: DescriptorProto[]): FieldDescriptorProto {
  const key = words.name('the type of a key')
  words.expect(',')
  const value = words.dotted('the type of a value')
  words.expect('>')
  const name = words.name('the name of a field')
  words.expect('=')
  const number = words.integer('the number of a field', 1, MAX_NUMBER)
  const camel = protoCamelCase(name)
  const typeName = `${camel.charAt(0).toUpperCase()}${camel.slice(1)}Entry`
  const part = (name: string, number: number, type: string): FieldDescriptorProto => create(FieldDescriptorProtoSchema, {
    name, number, label: Label.OPTIONAL, jsonName: name, ...typeOf(type)
  })
  nested.push(create(DescriptorProtoSchema, {
    name: typeName, field: [part('key', 1, key), part('value', 2, value)], options: { mapEntry: true }
  }))
  const field = create(FieldDescriptorProtoSchema, { name, number, label: Label.REPEATED, type: Type.MESSAGE, typeName })
  applyOptions(field, words.bracketedOptions())
  words.expect(';')
  return field
}

/** `default` and `json_name` look like options, but are fields of the descriptor. */
function applyOptions (field: FieldDescriptorProto, options: readonly UninterpretedOption[]): void {
  const others: UninterpretedOption[] = []
  for (const option of options) {
    const name = option.name.length === 1 && option.name[0]?.isExtension === false ? option.name[0].namePart : null
    if (name === 'default') field.defaultValue = defaultOf(field, option)
    else if (name === 'json_name') field.jsonName = Buffer.from(option.stringValue).toString()
    else others.push(option)
  }
  const known = optionsOf(FieldOptionsSchema, others)
  if (known !== undefined) field.options = known
}

function defaultOf (field: FieldDescriptorProto, option: UninterpretedOption): string {
  if (has(option, 'stringValue')) {
    return field.type === Type.BYTES ? quote(option.stringValue).slice(1, -1) : Buffer.from(option.stringValue).toString()
  }
  if (field.type === Type.STRING || field.type === Type.BYTES) throw new SchemaError(`field ${field.name}: expected a string as its default`)
  if (has(option, 'positiveIntValue')) return String(option.positiveIntValue)
  if (has(option, 'negativeIntValue')) return String(option.negativeIntValue)
  if (has(option, 'doubleValue')) return String(option.doubleValue).replace('Infinity', 'inf').replace('NaN', 'nan')
  if (has(option, 'identifierValue')) return option.identifierValue
  throw new SchemaError(`field ${field.name}: expected a value as its default`)
}

function parseOneof (grammar: Grammar, message: DescriptorProto): void {
  const { words } = grammar
  words.count()
  const oneofIndex = message.oneofDecl.length
  const oneof = create(OneofDescriptorProtoSchema, { name: words.name('the name of a oneof') })
  message.oneofDecl.push(oneof)
  const options = words.body(() => {
    message.field.push(Object.assign(parseField(grammar, message.nestedType, true), { oneofIndex }))
  })
  const known = optionsOf(OneofOptionsSchema, options)
  if (known !== undefined) oneof.options = known
}

/** A field of proto3 that is `optional` is the only member of a oneof that nobody sees (protobuf's implementing_proto3_presence.md). */
function addOptionalOneofs (message: DescriptorProto): void {
  const names = new Set([...message.field, ...message.oneofDecl].map(({ name }) => name))
  for (const field of message.field) {
    if (!field.proto3Optional) continue
    let name = `_${field.name}`
    while (names.has(name)) name = `X${name}`
    names.add(name)
    field.oneofIndex = message.oneofDecl.length
    message.oneofDecl.push(create(OneofDescriptorProtoSchema, { name }))
  }
}

function parseExtend (grammar: Grammar, scope: Scope): void {
  const { words } = grammar
  const extendee = words.dotted('the name of a message')
  words.expect('{')
  while (!words.accept('}')) {
    if (!words.accept(';')) scope.extensions.push(Object.assign(parseField(grammar, scope.messages), { extendee }))
  }
}

function parseExtensionRanges (words: Words, message: DescriptorProto): void {
  const first = message.extensionRange.length
  do {
    const [start, end] = words.range(1, MAX_NUMBER)
    message.extensionRange.push(create(ExtensionRangeSchema, { start, end: end + 1 }))
  } while (words.accept(','))
  const options = optionsOf(ExtensionRangeOptionsSchema, words.bracketedOptions())
  if (options !== undefined) for (const each of message.extensionRange.slice(first)) each.options = options
  words.expect(';')
}

function parseReserved (words: Words, message: DescriptorProto): void {
  do {
    words.count()
    const { kind } = words.peek()
    if (kind === 'string') message.reservedName.push(words.string('a name').toString())
    else if (kind === 'name') message.reservedName.push(words.name('a name'))
    else {
      const [start, end] = words.range(1, MAX_NUMBER)
      message.reservedRange.push(create(ReservedRangeSchema, { start, end: end + 1 }))
    }
  } while (words.accept(','))
  words.expect(';')
}
