/**
 * Custom options of a schema that came as a descriptor: bytes, whose meaning is in the files that declare the extensions. They
 * are spelled out, so that they can be printed like those of a text.
 */
import type { DescExtension, DescField, DescMessage, FileRegistry, Message } from '@bufbuild/protobuf'
import { getExtension, ScalarType } from '@bufbuild/protobuf'
import { toText } from '@bufbuild/protobuf/txtpb'
import type { DescriptorProto, EnumDescriptorProto, FileDescriptorProto, UninterpretedOption } from '@bufbuild/protobuf/wkt'

import { quote } from './lexer.ts'
import { MAX_ELEMENTS } from './limits.ts'
import { Words } from './words.ts'

type Options = Message & { uninterpretedOption: UninterpretedOption[] }

/** Changes `file`. Options that no file declares stay as they are. */
export function spellOut (file: FileDescriptorProto, registry: FileRegistry): void {
  const all: Array<{ options?: Options | undefined }> = [file]
  const addEnum = (type: EnumDescriptorProto): void => { all.push(type, ...type.value) }
  const addMessage = (message: DescriptorProto): void => {
    all.push(message, ...message.field, ...message.oneofDecl, ...message.extensionRange, ...message.extension)
    message.enumType.forEach(addEnum)
    message.nestedType.forEach(addMessage)
  }
  file.enumType.forEach(addEnum)
  file.messageType.forEach(addMessage)
  all.push(...file.extension)
  for (const service of file.service) all.push(service, ...service.method)
  for (const { options } of all) if (options?.$unknown !== undefined) spell(options, registry)
}

function spell (options: Options, registry: FileRegistry): void {
  const extendee = registry.getMessage(options.$typeName)
  if (extendee === undefined) return
  for (const number of new Set(options.$unknown?.map(({ no }) => no))) {
    const extension = registry.getExtensionFor(extendee, number)
    if (extension === undefined) continue
    const value: unknown = getExtension(options, extension)
    const values = extension.fieldKind === 'list' ? value as readonly unknown[] : [value]
    for (const each of values) {
      const text = `(.${extension.typeName}) = ${textOf(extension, each, registry)}`
      options.uninterpretedOption.push(new Words(text, { elements: MAX_ELEMENTS }).option())
    }
  }
}

function textOf (extension: DescExtension, value: unknown, registry: FileRegistry): string {
  const { message, enum: type, scalar } = extension as DescField | DescExtension
  if (message !== undefined) return `{ ${toText(message as DescMessage, value as Message, { registry })} }`
  if (type !== undefined) return type.value[value as number]?.name ?? String(value)
  if (scalar === ScalarType.STRING) return quote(Buffer.from(value as string))
  if (scalar === ScalarType.BYTES) return quote(value as Uint8Array)
  return String(value).replace('Infinity', 'inf').replace('NaN', 'nan')
}
