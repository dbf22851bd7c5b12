/**
 * Options of a schema: those that Protobuf itself knows become fields of the options message, others are kept as they were
 * written. Nothing here asks what a custom option means.
 */
import type { DescField, DescMessage, Message } from '@bufbuild/protobuf'
import { create, ScalarType } from '@bufbuild/protobuf'
import type { GenMessage } from '@bufbuild/protobuf/codegenv2'
import { reflect } from '@bufbuild/protobuf/reflect'
import type { UninterpretedOption } from '@bufbuild/protobuf/wkt'
import { FeatureSetSchema } from '@bufbuild/protobuf/wkt'

import { SchemaError } from '../format.ts'

type Options = Message & { uninterpretedOption: UninterpretedOption[] }

/** The options message of type `schema` that `options` make, or undefined if there are none. Throws SchemaError. */
export function optionsOf<T extends Options> (schema: GenMessage<T>, options: readonly UninterpretedOption[]): T | undefined {
  if (options.length === 0) return undefined
  const message = create<GenMessage<T>>(schema) as T
  for (const option of options) {
    if (!set(schema, message, option)) message.uninterpretedOption.push(option)
  }
  return message
}

/** As it is written: `(a.b).c`. */
export const nameOf = ({ name }: UninterpretedOption): string =>
  name.map(({ namePart, isExtension }) => isExtension ? `(${namePart})` : namePart).join('.')

function set (schema: DescMessage, message: Message, option: UninterpretedOption): boolean {
  const [first, second] = option.name
  if (first === undefined || option.name.some(({ isExtension }) => isExtension)) return false
  const field = schema.fields.find(({ name }) => name === first.namePart)
  if (field?.message?.typeName === FeatureSetSchema.typeName && second !== undefined && option.name.length === 2) {
    const options = reflect(schema, message)
    const features = options.isSet(field) ? options.get(field) as { message: Message } : undefined
    const inner = features?.message ?? create(FeatureSetSchema)
    const feature = FeatureSetSchema.fields.find(({ name }) => name === second.namePart)
    if (feature === undefined || feature.fieldKind !== 'enum') return false
    reflect(FeatureSetSchema, inner as never).set(feature, valueFor(feature, option) as never)
    options.set(field as never, reflect(FeatureSetSchema, inner as never) as never)
    return true
  }
  if (field === undefined || option.name.length > 1 || (field.fieldKind !== 'scalar' && field.fieldKind !== 'enum')) return false
  const options = reflect(schema, message)
  if (options.isSet(field)) throw new SchemaError(`option ${first.namePart} is set twice`)
  options.set(field, valueFor(field, option) as never)
  return true
}

function valueFor (field: DescField, option: UninterpretedOption): unknown {
  const { identifierValue: word } = option
  if (field.fieldKind === 'enum') {
    const value = field.enum.values.find(({ name }) => name === word)
    if (value !== undefined) return value.number
  } else if (field.scalar === ScalarType.BOOL && (word === 'true' || word === 'false')) {
    return word === 'true'
  } else if (field.scalar === ScalarType.STRING && has(option, 'stringValue')) {
    return Buffer.from(option.stringValue).toString()
  } else if (field.scalar === ScalarType.INT32 && has(option, 'positiveIntValue') && option.positiveIntValue < 2n ** 31n) {
    return Number(option.positiveIntValue)
  }
  throw new SchemaError(`option ${nameOf(option)}: expected ${field.enum === undefined
    ? ScalarType[field.scalar as ScalarType]?.toLowerCase()
    : `one of ${field.enum.values.map(({ name }) => name).join(', ')}`}`)
}

/** Whether an optional field of a descriptor was given: an own property, as the library has it. */
export const has = (message: object, field: string): boolean => Object.hasOwn(message, field)
