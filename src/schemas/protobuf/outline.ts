/** What a schema is made of, for people who compare two of them. */
import type { DescriptorProto, EnumDescriptorProto, FieldDescriptorProto } from '@bufbuild/protobuf/wkt'
import { FieldDescriptorProto_Label as Label, FieldDescriptorProto_Type as Type } from '@bufbuild/protobuf/wkt'

import { builtin } from './builtin.ts'
import type { Loaded } from './load.ts'
import { has } from './options.ts'

const MAX_LINES = 5000
const MAX_VALUES = 100

/** By name, without the package: `Order.id`; what is imported with its package. Every message stands for itself, wherever it is used. */
export function outlineOf ({ file, files }: Loaded): ReadonlyMap<string, string> {
  const lines = new Map<string, string>()
  const add = (path: string, words: string): void => { if (lines.size < MAX_LINES) lines.set(path, words) }
  const addEnum = (type: EnumDescriptorProto, scope: string): void => { add(`${scope}${type.name}`, enumWords(type)) }
  const addMessage = (message: DescriptorProto, scope: string): void => {
    if (message.options?.mapEntry === true) return
    const path = `${scope}${message.name}`
    add(path, 'message')
    for (const field of message.field) add(`${path}.${field.name}`, fieldWords(field, message))
    for (const nested of message.nestedType) addMessage(nested, `${path}.`)
    for (const type of message.enumType) addEnum(type, `${path}.`)
  }
  for (const each of files.toReversed()) {
    if (builtin(each.name) !== undefined) continue
    const scope = each === file || each.package === '' ? '' : `${each.package}.`
    for (const message of each.messageType) addMessage(message, scope)
    for (const type of each.enumType) addEnum(type, scope)
  }
  return lines
}

function fieldWords (field: FieldDescriptorProto, message: DescriptorProto): string {
  const words = [typeWords(field, message, labelWord(field)), `number ${field.number}`]
  if (has(field, 'oneofIndex') && !field.proto3Optional) words.push(`in oneof ${message.oneofDecl[field.oneofIndex]?.name}`)
  if (has(field, 'defaultValue')) words.push(`${field.defaultValue.slice(0, 100)} by default`)
  return words.join(', ')
}

function labelWord ({ label, proto3Optional }: FieldDescriptorProto): string {
  if (label === Label.REQUIRED) return 'required '
  return label === Label.REPEATED ? 'repeated ' : proto3Optional ? 'optional ' : ''
}

function typeWords (field: FieldDescriptorProto, message: DescriptorProto, label = ''): string {
  if (!has(field, 'typeName')) return label + (Type[field.type] ?? '').toLowerCase()
  const last = field.typeName.slice(field.typeName.lastIndexOf('.') + 1)
  const [key, value] = message.nestedType.find(({ name, options }) => name === last && options?.mapEntry === true)?.field ?? []
  if (key !== undefined && value !== undefined) return `map of ${typeWords(key, message)} to ${typeWords(value, message)}`
  return `${label}${(Type[field.type] ?? '').toLowerCase()} ${field.typeName.slice(1)}`
}

function enumWords ({ value }: EnumDescriptorProto): string {
  const values = value.slice(0, MAX_VALUES).map(({ name, number }) => `${name} = ${number}`)
  return `enum of ${values.join(', ')}${value.length > MAX_VALUES ? ', …' : ''}`
}
