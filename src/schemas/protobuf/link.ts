/**
 * Looks up what names stand for, and refuses what no reader could make sense of: two fields of one number, a type that is not
 * there. What protoc refuses for good taste only is refused when `strict`, since Confluent's registry takes it.
 */
import { protoCamelCase } from '@bufbuild/protobuf/reflect'
import type { DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto } from '@bufbuild/protobuf/wkt'
import { FieldDescriptorProto_Label as Label, FieldDescriptorProto_Type as Type } from '@bufbuild/protobuf/wkt'

import { SchemaError } from '../format.ts'
import { MAX_FULL_NAME, MAX_NESTING } from './limits.ts'
import { has } from './options.ts'
import { MAX_NUMBER } from './parse-message.ts'

type Kind = 'message' | 'enum' | 'map' | 'other'

const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/
const FULL_NAME = /^(?:[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)?$/
const FIRST_RESERVED = 19_000
const LAST_RESERVED = 19_999

export class Linker {
  readonly #symbols = new Map<string, Kind>()
  readonly #strict: boolean
  /** What names stand for in the scope that was looked at last. */
  readonly #known = new Map<string, [string, Kind | undefined]>()
  #knownIn = ''

  constructor (strict: boolean) {
    this.#strict = strict
  }

  /** Learns what `file` declares; `isLinked`: it needs nothing more. Files come in the order in which they import each other. Throws SchemaError. */
  add (file: FileDescriptorProto, isLinked: boolean): void {
    const scope = file.package
    if (scope.length > MAX_FULL_NAME || !FULL_NAME.test(scope) || scope.split('.').length > MAX_NESTING) {
      throw new SchemaError(`${JSON.stringify(scope.slice(0, 80))} is not the name of a package`)
    }
    for (const message of file.messageType) this.#declare(message, scope, 0)
    for (const type of file.enumType) this.#declareOther(type.name, scope, 'enum')
    for (const service of file.service) this.#declareOther(service.name, scope, 'other')
    for (const extension of file.extension) this.#declareOther(extension.name, scope, 'other')
    if (isLinked) return
    for (const message of file.messageType) this.#linkMessage(message, scope, file.syntax)
    for (const type of file.enumType) this.#checkEnum(type, scope, file.syntax)
    for (const extension of file.extension) this.#linkField(extension, scope)
    for (const service of file.service) {
      for (const method of service.method) {
        const where = `${qualify(scope, service.name)}.${method.name}`
        method.inputType = this.#message(method.inputType, scope, where)
        method.outputType = this.#message(method.outputType, scope, where)
      }
    }
  }

  #declare (message: DescriptorProto, scope: string, depth: number): void {
    if (depth >= MAX_NESTING) throw new SchemaError(`messages are nested deeper than ${MAX_NESTING} levels`)
    const name = this.#declareOther(message.name, scope, message.options?.mapEntry === true ? 'map' : 'message')
    for (const nested of message.nestedType) this.#declare(nested, name, depth + 1)
    for (const type of message.enumType) this.#declareOther(type.name, name, 'enum')
    for (const extension of message.extension) this.#declareOther(extension.name, name, 'other')
  }

  #declareOther (name: string, scope: string, kind: Kind): string {
    const full = qualify(scope, checkName(name, scope))
    if (full.length > MAX_FULL_NAME) throw new SchemaError(`a name with all that it is in is longer than ${MAX_FULL_NAME} characters`)
    if (this.#symbols.has(full)) throw new SchemaError(`${full} is declared twice`)
    this.#symbols.set(full, kind)
    return full
  }

  #linkMessage (message: DescriptorProto, scope: string, syntax: string): void {
    const name = qualify(scope, message.name)
    if (message.options?.messageSetWireFormat === true) throw new SchemaError(`${name}: message sets are not supported`)
    const numbers = new Set<number>()
    const names = new Set<string>()
    const jsonNames = new Set<string>()
    const take = (what: string): void => {
      const camel = protoCamelCase(checkName(what, name))
      if (names.has(camel)) throw new SchemaError(`${name} has two members that are ${camel} in JSON: rename one of them`)
      names.add(camel)
    }
    for (const field of message.field) {
      take(field.name)
      if (has(field, 'jsonName') && field.jsonName !== protoCamelCase(field.name)) {
        if (jsonNames.has(field.jsonName)) throw new SchemaError(`${name}: two fields have the json_name ${JSON.stringify(field.jsonName)}`)
        jsonNames.add(field.jsonName)
      }
      if (numbers.has(field.number)) {
        throw new SchemaError(`${name}: two fields have the number ${field.number}: expected each number once`)
      }
      numbers.add(field.number)
      if (has(field, 'oneofIndex') && message.oneofDecl[field.oneofIndex] === undefined) {
        throw new SchemaError(`${name}.${field.name} is in a oneof that is not there`)
      }
      this.#linkField(field, name)
    }
    for (const each of jsonNames) {
      if (names.has(each)) throw new SchemaError(`${name}: the json_name ${JSON.stringify(each)} is what another member is called in JSON`)
    }
    const hidden = new Set(message.field.filter(({ proto3Optional }) => proto3Optional).map(({ oneofIndex }) => oneofIndex))
    for (const [at, oneof] of message.oneofDecl.entries()) if (!hidden.has(at)) take(oneof.name)
    if (this.#strict) checkReserved(message, name, numbers)
    for (const extension of message.extension) this.#linkField(extension, name)
    for (const nested of message.nestedType) this.#linkMessage(nested, name, syntax)
    for (const type of message.enumType) this.#checkEnum(type, name, syntax)
  }

  #linkField (field: FieldDescriptorProto, scope: string): void {
    const where = qualify(scope, field.name)
    const { number } = field
    if (number < 1 || number > MAX_NUMBER || (number >= FIRST_RESERVED && number <= LAST_RESERVED)) {
      const own = `${FIRST_RESERVED} to ${LAST_RESERVED}, which are Protobuf's own`
      throw new SchemaError(`${where} has the number ${number}: expected 1 to ${MAX_NUMBER}, but not ${own}`)
    }
    if (!has(field, 'label')) field.label = Label.OPTIONAL
    if (!has(field, 'jsonName')) field.jsonName = protoCamelCase(field.name)
    if (has(field, 'extendee')) field.extendee = this.#message(field.extendee, scope, where)
    if (!has(field, 'typeName')) {
      if (!has(field, 'type') || field.type < 1 || field.type > 18) throw new SchemaError(`${where} has no type`)
      if (has(field, 'defaultValue')) checkDefault(field, where)
      return
    }
    const [name, kind] = this.#find(field.typeName, scope)
    if (kind === undefined || kind === 'other') {
      throw new SchemaError(missing(field.typeName, where, kind === undefined ? 'type' : 'message or enum'))
    }
    field.typeName = `.${name}`
    if (kind === 'enum') field.type = Type.ENUM
    else if (field.type !== Type.GROUP || !has(field, 'type')) field.type = Type.MESSAGE
  }

  #message (written: string, scope: string, where: string): string {
    const [name, kind] = this.#find(written, scope)
    if (kind !== 'message') throw new SchemaError(missing(written, where, 'message'))
    return `.${name}`
  }

  /** From the innermost scope outwards. */
  #find (written: string, scope: string): [string, Kind | undefined] {
    if (written.startsWith('.')) return [written.slice(1), this.#symbols.get(written.slice(1))]
    if (this.#knownIn !== scope) {
      this.#known.clear()
      this.#knownIn = scope
    }
    let found = this.#known.get(written)
    if (found === undefined) {
      found = this.#search(written, scope)
      this.#known.set(written, found)
    }
    return found
  }

  #search (written: string, scope: string): [string, Kind | undefined] {
    for (let around = scope; around !== ''; around = around.slice(0, Math.max(0, around.lastIndexOf('.')))) {
      const name = `${around}.${written}`
      const kind = this.#symbols.get(name)
      if (kind !== undefined && kind !== 'other') return [name, kind]
    }
    return [written, this.#symbols.get(written)]
  }

  #checkEnum (type: EnumDescriptorProto, scope: string, syntax: string): void {
    const name = qualify(scope, type.name)
    const [first] = type.value
    if (first === undefined) throw new SchemaError(`enum ${name} has no values: expected one at least`)
    if (syntax === 'proto3' && first.number !== 0) {
      throw new SchemaError(`enum ${name}: expected its first value to be 0, since this is proto3, found ${first.name} = ${first.number}`)
    }
    const names = new Set<string>()
    const numbers = new Set<number>()
    for (const value of type.value) {
      if (names.has(checkName(value.name, name))) throw new SchemaError(`enum ${name} has two values called ${value.name}`)
      names.add(value.name)
      if (this.#strict && numbers.has(value.number) && type.options?.allowAlias !== true) {
        throw new SchemaError(`enum ${name}: two values have the number ${value.number}: expected option allow_alias = true, or other numbers`)
      }
      numbers.add(value.number)
      if (this.#strict) this.#declareOther(value.name, scope, 'other')
    }
  }
}

const DEFAULTS = new Map<Type, RegExp>([
  ...[Type.INT32, Type.INT64, Type.SINT32, Type.SINT64, Type.SFIXED32, Type.SFIXED64].map((type): [Type, RegExp] => [type, /^-?\d{1,20}$/]),
  ...[Type.UINT32, Type.UINT64, Type.FIXED32, Type.FIXED64].map((type): [Type, RegExp] => [type, /^\d{1,20}$/]),
  ...[Type.FLOAT, Type.DOUBLE].map((type): [Type, RegExp] => [type, /^(?:-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|-?inf|-?nan)$/]),
  [Type.BOOL, /^(?:true|false)$/]
])

function checkDefault ({ type, defaultValue }: FieldDescriptorProto, where: string): void {
  if (DEFAULTS.get(type)?.test(defaultValue) === false) {
    throw new SchemaError(`${where}: expected ${Type[type].toLowerCase()} as its default, found ${JSON.stringify(defaultValue.slice(0, 80))}`)
  }
}

function checkReserved (message: DescriptorProto, name: string, numbers: ReadonlySet<number>): void {
  const names = new Set(message.reservedName)
  const taken = message.field.find((field) => names.has(field.name))
  if (taken !== undefined) throw new SchemaError(`${name}.${taken.name} has a name that is reserved`)
  const ranges = [...message.reservedRange, ...message.extensionRange].sort((a, b) => a.start - b.start)
  let at = 0
  let end = 0
  for (const number of [...numbers].sort((a, b) => a - b)) {
    for (let range = ranges[at]; range !== undefined && range.start <= number; range = ranges[++at]) end = Math.max(end, range.end)
    if (number < end) throw new SchemaError(`${name}: the number ${number} is reserved, or for extensions`)
  }
}

function checkName (name: string, scope: string): string {
  if (!IDENTIFIER.test(name)) {
    const where = scope === '' ? '' : `${scope}: `
    throw new SchemaError(`${where}${JSON.stringify(name.slice(0, 80))} is not a name: expected letters, digits and underscores`)
  }
  return name
}

const missing = (name: string, where: string, what: string): string =>
  `${where}: there is no ${what} ${name}: expected it in this schema, or in a file that it imports and refers to`

const qualify = (scope: string, name: string): string => scope === '' ? name : `${scope}.${name}`
