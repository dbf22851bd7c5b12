/**
 * Enums and services of a .proto file.
 */
import { create } from '@bufbuild/protobuf'
import type { EnumDescriptorProto, ServiceDescriptorProto } from '@bufbuild/protobuf/wkt'
import {
  EnumDescriptorProto_EnumReservedRangeSchema as EnumReservedRangeSchema, EnumDescriptorProtoSchema, EnumOptionsSchema, EnumValueDescriptorProtoSchema,
  EnumValueOptionsSchema, MethodDescriptorProtoSchema, MethodOptionsSchema, ServiceDescriptorProtoSchema, ServiceOptionsSchema
} from '@bufbuild/protobuf/wkt'

import { optionsOf } from './options.ts'
import type { Grammar } from './parse-message.ts'
import type { Words } from './words.ts'

const MIN = -2_147_483_648
const MAX = 2_147_483_647

/** Behind the word `enum`. */
export function parseEnum ({ words }: Grammar): EnumDescriptorProto {
  words.count()
  const type = create(EnumDescriptorProtoSchema, { name: words.name('the name of an enum') })
  const options = words.body(() => {
    if (words.accept('reserved')) return parseReserved(words, type)
    words.count()
    const name = words.name('the name of an enum value')
    words.expect('=')
    const value = create(EnumValueDescriptorProtoSchema, { name, number: words.integer('the number of an enum value', MIN, MAX) })
    const known = optionsOf(EnumValueOptionsSchema, words.bracketedOptions())
    if (known !== undefined) value.options = known
    type.value.push(value)
    words.expect(';')
  })
  const known = optionsOf(EnumOptionsSchema, options)
  if (known !== undefined) type.options = known
  return type
}

function parseReserved (words: Words, type: EnumDescriptorProto): void {
  do {
    const { kind } = words.peek()
    if (kind === 'string') type.reservedName.push(words.string('a name').toString())
    else if (kind === 'name') type.reservedName.push(words.name('a name'))
    else {
      const [start, end] = words.range(MIN, MAX)
      type.reservedRange.push(create(EnumReservedRangeSchema, { start, end }))
    }
    words.count()
  } while (words.accept(','))
  words.expect(';')
}

/** Behind the word `service`. */
export function parseService ({ words }: Grammar): ServiceDescriptorProto {
  words.count()
  const service = create(ServiceDescriptorProtoSchema, { name: words.name('the name of a service') })
  const options = words.body(() => {
    words.expect('rpc')
    parseMethod(words, service)
  })
  const known = optionsOf(ServiceOptionsSchema, options)
  if (known !== undefined) service.options = known
  return service
}

function parseMethod (words: Words, service: ServiceDescriptorProto): void {
  words.count()
  const method = create(MethodDescriptorProtoSchema, { name: words.name('the name of a method') })
  service.method.push(method)
  const message = (): { stream: boolean, name: string } => {
    words.expect('(')
    const stream = words.accept('stream')
    const name = words.dotted('the name of a message')
    words.expect(')')
    return { stream, name }
  }
  const input = message()
  words.expect('returns')
  const output = message()
  method.inputType = input.name
  method.outputType = output.name
  if (input.stream) method.clientStreaming = true
  if (output.stream) method.serverStreaming = true
  if (words.accept(';')) return
  const options = words.body(() => words.fail('"option"'))
  words.accept(';')
  const known = optionsOf(MethodOptionsSchema, options)
  if (known !== undefined) method.options = known
}
