/**
 * Options as a .proto file writes them.
 */
import type { Message } from '@bufbuild/protobuf'
import { ScalarType } from '@bufbuild/protobuf'
import type { GenMessage } from '@bufbuild/protobuf/codegenv2'
import { reflect } from '@bufbuild/protobuf/reflect'
import type { UninterpretedOption } from '@bufbuild/protobuf/wkt'

import { quote } from './lexer.ts'
import { has, nameOf } from './options.ts'

type Options = Message & { uninterpretedOption: UninterpretedOption[] }

/** `name = value`: those that Protobuf knows by their number, then the others as they were given, or `sorted`. */
export function optionTexts<T extends Options> (schema: GenMessage<T>, options: T | undefined, sorted: boolean): string[] {
  if (options === undefined) return []
  const texts = knownTexts(schema, options, '')
  const others = options.uninterpretedOption.map((option) => `${nameOf(option)} = ${valueText(option)}`)
  return [...texts, ...sorted ? others.toSorted() : others]
}

function knownTexts<T extends Message> (schema: GenMessage<T>, options: T, prefix: string): string[] {
  const texts: string[] = []
  const values = reflect(schema, options)
  for (const field of schema.fields) {
    if (!values.isSet(field) || field.name === 'uninterpreted_option' || field.name === 'map_entry') continue
    const name = `${prefix}${field.name}`
    const value: unknown = values.get(field)
    if (field.fieldKind === 'enum') texts.push(`${name} = ${field.enum.value[value as number]?.name ?? String(value)}`)
    else if (field.fieldKind === 'scalar') texts.push(`${name} = ${field.scalar === ScalarType.STRING ? quote(Buffer.from(value as string)) : String(value)}`)
    else if (field.fieldKind === 'list' && field.enum !== undefined) {
      for (const each of value as Iterable<number>) texts.push(`${name} = ${field.enum.value[each]?.name ?? String(each)}`)
    } else if (field.fieldKind === 'message' && field.name === 'features') {
      texts.push(...knownTexts(field.message as GenMessage<Message>, (value as { message: Message }).message, `${name}.`))
    }
  }
  return texts
}

function valueText (option: UninterpretedOption): string {
  if (has(option, 'identifierValue')) return option.identifierValue
  if (has(option, 'stringValue')) return quote(option.stringValue)
  if (has(option, 'positiveIntValue')) return String(option.positiveIntValue)
  if (has(option, 'negativeIntValue')) return String(option.negativeIntValue)
  if (has(option, 'doubleValue')) return String(option.doubleValue).replace('Infinity', 'inf').replace('NaN', 'nan')
  return `{ ${option.aggregateValue} }`
}
