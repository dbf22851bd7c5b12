/**
 * A FileDescriptorProto as the text of a .proto file, always in the same way, so that white space, comments and the place of
 * options make no other schema. Messages keep their order, which payloads count on: their indexes.
 */
import type {
  DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto, OneofDescriptorProto, ServiceDescriptorProto
} from '@bufbuild/protobuf/wkt'
import {
  EnumOptionsSchema, EnumValueOptionsSchema, ExtensionRangeOptionsSchema, FieldDescriptorProto_Label as Label, FieldDescriptorProto_Type as Type,
  FieldOptionsSchema, FileOptionsSchema, MessageOptionsSchema, MethodOptionsSchema, OneofOptionsSchema, ServiceOptionsSchema
} from '@bufbuild/protobuf/wkt'
import { protoCamelCase } from '@bufbuild/protobuf/reflect'

import { quote } from './lexer.ts'
import { has } from './options.ts'
import { MAX_NUMBER, SCALARS } from './parse-message.ts'
import { optionTexts } from './print-options.ts'

export interface PrintOptions {
  /** Sorts what has no order: imports, options, fields, reserved numbers. */
  readonly sorted?: boolean
  /** Leaves out extensions and the numbers set aside for them. */
  readonly withoutExtensions?: boolean
}

type ByName = ReadonlyMap<string, DescriptorProto>

const SCALAR_NAMES = new Map(Object.entries(SCALARS).map(([name, type]) => [type, name]))
const MAX_ENUM = 2_147_483_647

export function printProto (file: FileDescriptorProto, options: PrintOptions = {}): string {
  return new Printer(file, options).file()
}

class Printer {
  readonly #file: FileDescriptorProto
  readonly #sorted: boolean
  readonly #withExtensions: boolean
  readonly #lines: string[] = []
  #indent = ''

  constructor (file: FileDescriptorProto, { sorted = false, withoutExtensions = false }: PrintOptions) {
    this.#file = file
    this.#sorted = sorted
    this.#withExtensions = !withoutExtensions
  }

  file (): string {
    const { syntax, edition, package: name, dependency, publicDependency, weakDependency, options } = this.#file
    this.#line(syntax === 'editions' ? `edition = "${edition - 1000 + 2023}";` : `syntax = "${syntax === '' ? 'proto2' : syntax}";`)
    if (name !== '') this.#line(`package ${name};`)
    const imports = dependency.map((path, at) =>
      `import ${publicDependency.includes(at) ? 'public ' : weakDependency.includes(at) ? 'weak ' : ''}${quote(Buffer.from(path))};`)
    imports.push(...this.#file.optionDependency.map((path) => `import option ${quote(Buffer.from(path))};`))
    for (const line of this.#sorted ? imports.toSorted() : imports) this.#line(line)
    this.#options(optionTexts(FileOptionsSchema, options, this.#sorted))
    for (const message of this.#file.messageType) this.#message(message)
    for (const type of this.#file.enumType) this.#enum(type)
    this.#extensions(this.#file.extension, this.#file.messageType)
    for (const service of this.#file.service) this.#service(service)
    return `${this.#lines.join('\n')}\n`
  }

  #message (message: DescriptorProto): void {
    this.#block(`message ${message.name}`, () => { this.#body(message) })
  }

  #body (message: DescriptorProto): void {
    this.#options(optionTexts(MessageOptionsSchema, message.options, this.#sorted))
    this.#reserved(message.reservedRange.map(({ start, end }) => [start, end - 1]), message.reservedName, MAX_NUMBER)
    if (this.#withExtensions) {
      for (const { start, end, options } of this.#sorted ? message.extensionRange.toSorted((a, b) => a.start - b.start) : message.extensionRange) {
        this.#line(`extensions ${rangeText([start, end - 1], MAX_NUMBER)}${brackets(optionTexts(ExtensionRangeOptionsSchema, options, this.#sorted))};`)
      }
    }
    const fields = this.#inOrder(message.field)
    const nested = byName(message.nestedType)
    const alternatives = Map.groupBy(fields, field => has(field, 'oneofIndex') ? field.oneofIndex : -1)
    const printed = new Set<number>()
    for (const field of fields) {
      if (!has(field, 'oneofIndex') || field.proto3Optional) this.#field(field, nested)
      else if (!printed.has(field.oneofIndex)) {
        printed.add(field.oneofIndex)
        this.#oneof(message.oneofDecl[field.oneofIndex], alternatives.get(field.oneofIndex)!, nested)
      }
    }
    const isPart = partNames(message.field)
    for (const nested of message.nestedType) if (nested.options?.mapEntry !== true && !isPart.has(nested.name)) this.#message(nested)
    for (const type of message.enumType) this.#enum(type)
    this.#extensions(message.extension, message.nestedType)
  }

  #oneof (oneof: OneofDescriptorProto | undefined, fields: readonly FieldDescriptorProto[], nested: ByName): void {
    this.#block(`oneof ${oneof?.name}`, () => {
      this.#options(optionTexts(OneofOptionsSchema, oneof?.options, this.#sorted))
      for (const field of fields) this.#field(field, nested, true)
    })
  }

  #field (field: FieldDescriptorProto, nested: ByName, inOneof = false): void {
    const options = optionTexts(FieldOptionsSchema, field.options, this.#sorted)
    if (has(field, 'jsonName') && field.jsonName !== protoCamelCase(field.name)) options.unshift(`json_name = ${quote(Buffer.from(field.jsonName))}`)
    if (has(field, 'defaultValue')) options.unshift(`default = ${defaultText(field)}`)
    const last = lastOf(field.typeName)
    const own = has(field, 'typeName') ? nested.get(last) : undefined
    if (own?.options?.mapEntry === true && field.label === Label.REPEATED) {
      const [key, value] = own.field
      if (key !== undefined && value !== undefined) {
        this.#line(`map<${typeText(key)}, ${typeText(value)}> ${field.name} = ${field.number}${brackets(options)};`)
        return
      }
    }
    const label = inOneof ? '' : this.#label(field)
    if (field.type === Type.GROUP && own !== undefined) {
      this.#block(`${label}group ${own.name} = ${field.number}${brackets(options)}`, () => { this.#body(own) })
    } else this.#line(`${label}${typeText(field)} ${field.name} = ${field.number}${brackets(options)};`)
  }

  #label ({ label, proto3Optional }: FieldDescriptorProto): string {
    if (label === Label.REPEATED) return 'repeated '
    if (label === Label.REQUIRED) return 'required '
    const { syntax } = this.#file
    return proto3Optional || syntax === '' || syntax === 'proto2' ? 'optional ' : ''
  }

  #extensions (extensions: readonly FieldDescriptorProto[], messages: readonly DescriptorProto[]): void {
    if (!this.#withExtensions || extensions.length === 0) return
    const nested = byName(messages)
    const groups = [...Map.groupBy(extensions, ({ extendee }) => extendee)]
    for (const [extendee, fields] of this.#sorted ? groups.sort(([a], [b]) => a < b ? -1 : 1) : groups) {
      this.#block(`extend ${extendee}`, () => {
        for (const field of this.#inOrder(fields)) this.#field(field, nested)
      })
    }
  }

  #enum (type: EnumDescriptorProto): void {
    this.#block(`enum ${type.name}`, () => {
      this.#options(optionTexts(EnumOptionsSchema, type.options, this.#sorted))
      this.#reserved(type.reservedRange.map(({ start, end }) => [start, end]), type.reservedName, MAX_ENUM)
      for (const value of type.value) {
        this.#line(`${value.name} = ${value.number}${brackets(optionTexts(EnumValueOptionsSchema, value.options, this.#sorted))};`)
      }
    })
  }

  #service (service: ServiceDescriptorProto): void {
    this.#block(`service ${service.name}`, () => {
      this.#options(optionTexts(ServiceOptionsSchema, service.options, this.#sorted))
      for (const { name, inputType, outputType, clientStreaming, serverStreaming, options } of service.method) {
        const head = `rpc ${name} (${clientStreaming ? 'stream ' : ''}${inputType}) returns (${serverStreaming ? 'stream ' : ''}${outputType})`
        const texts = optionTexts(MethodOptionsSchema, options, this.#sorted)
        if (texts.length === 0) this.#line(`${head};`)
        else this.#block(head, () => { this.#options(texts) })
      }
    })
  }

  #reserved (ranges: ReadonlyArray<readonly [number, number]>, names: readonly string[], max: number): void {
    const numbers = (this.#sorted ? ranges.toSorted((a, b) => a[0] - b[0]) : ranges).map((range) => rangeText(range, max))
    if (numbers.length > 0) this.#line(`reserved ${numbers.join(', ')};`)
    const texts = this.#file.syntax === 'editions' ? names : names.map((name) => quote(Buffer.from(name)))
    if (names.length > 0) this.#line(`reserved ${(this.#sorted ? texts.toSorted() : texts).join(', ')};`)
  }

  #inOrder (fields: readonly FieldDescriptorProto[]): readonly FieldDescriptorProto[] {
    return this.#sorted ? fields.toSorted((a, b) => a.number - b.number) : fields
  }

  #options (texts: readonly string[]): void {
    for (const text of texts) this.#line(`option ${text};`)
  }

  #block (head: string, print: () => void): void {
    this.#line(`${head} {`)
    const around = this.#indent
    this.#indent += '  '
    print()
    this.#indent = around
    this.#line('}')
  }

  #line (text: string): void {
    this.#lines.push(`${this.#indent}${text}`)
  }
}

const brackets = (texts: readonly string[]): string => texts.length === 0 ? '' : ` [${texts.join(', ')}]`

const rangeText = ([start, end]: readonly [number, number], max: number): string =>
  start === end ? String(start) : `${start} to ${end === max ? 'max' : end}`

const typeText = (field: FieldDescriptorProto): string => has(field, 'typeName') ? field.typeName : SCALAR_NAMES.get(field.type) ?? 'bytes'

const lastOf = (name: string): string => name.slice(name.lastIndexOf('.') + 1)

/** Where two have a name, the first. */
const byName = (messages: readonly DescriptorProto[]): ByName => new Map(messages.toReversed().map(message => [message.name, message]))

/** Messages that are printed where a group is. */
const partNames = (fields: readonly FieldDescriptorProto[]): ReadonlySet<string> =>
  new Set(fields.filter(({ type }) => type === Type.GROUP).map(({ typeName }) => lastOf(typeName)))

function defaultText ({ type, typeName, defaultValue }: FieldDescriptorProto): string {
  if (type === Type.STRING && typeName === '') return quote(Buffer.from(defaultValue))
  return type === Type.BYTES ? `"${defaultValue}"` : defaultValue
}
