/**
 * Protobuf schemas: texts in the language of .proto files, or descriptors in Base64.
 */
import type { FileRegistry } from '@bufbuild/protobuf'
import { clone, create, createFileRegistry, toBinary } from '@bufbuild/protobuf'
import type { FileDescriptorProto } from '@bufbuild/protobuf/wkt'
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt'

import type { Format, Incompatibility, ParsedSchema, Source } from '../format.ts'
import { SchemaError } from '../format.ts'
import { ProtobufCodec } from './codec.ts'
import { incompatibilities } from './compatibility.ts'
import { spellOut } from './custom-options.ts'
import { MAX_ELEMENTS } from './limits.ts'
import type { Loaded } from './load.ts'
import { isDescriptor, load, OWN_NAME } from './load.ts'
import { outlineOf } from './outline.ts'
import { parseProto } from './parser.ts'
import { printProto } from './print.ts'

/** What a part takes: its descriptor, what the library makes of that, and its place in the tables of readers and writers. */
const PART_BYTES = 3_000

class ProtobufSchema implements ParsedSchema {
  readonly type = 'PROTOBUF'
  readonly name: string | null
  readonly sizeBytes: number
  readonly #text: string
  readonly #loaded: Loaded
  #registry: FileRegistry | undefined
  #codec: ProtobufCodec | undefined

  constructor (source: Source, strict: boolean) {
    this.#text = source.text
    this.#loaded = load(source, strict)
    const { package: scope, messageType: [first] } = this.#loaded.file
    this.name = first === undefined ? null : scope === '' ? first.name : `${scope}.${first.name}`
    this.sizeBytes = 2 * source.text.length + PART_BYTES * this.#loaded.elements
  }

  canonical (normalize: boolean): string {
    return printProto(this.#printable(normalize), { sorted: normalize })
  }

  formatted (form: string): string | null {
    if (form === 'serialized') return Buffer.from(toBinary(FileDescriptorProtoSchema, this.#loaded.file)).toString('base64')
    return form === 'ignore_extensions' ? printProto(this.#printable(false), { withoutExtensions: true }) : null
  }

  incompatibilities (writer: ParsedSchema): readonly Incompatibility[] {
    if (!(writer instanceof ProtobufSchema)) throw new TypeError('expected a Protobuf schema as the writer')
    return incompatibilities(this.#loaded, writer.#loaded)
  }

  outline (): ReadonlyMap<string, string> {
    return outlineOf(this.#loaded)
  }

  get codec (): ProtobufCodec {
    if (this.#codec === undefined) {
      const registry = this.#descriptors()
      const file = registry.getFile(OWN_NAME)
      if (file === undefined) throw new SchemaError('the schema is not among its own files')
      this.#codec = new ProtobufCodec(file, registry)
    }
    return this.#codec
  }

  /** Type names are full ones if `isLinked`, else as they were written. */
  #printable (isLinked: boolean): FileDescriptorProto {
    const { file } = this.#loaded
    if (!isDescriptor(this.#text)) return isLinked ? file : parseProto(OWN_NAME, this.#text, { elements: MAX_ELEMENTS })
    const copy = clone(FileDescriptorProtoSchema, file)
    spellOut(copy, this.#descriptors())
    return copy
  }

  #descriptors (): FileRegistry {
    if (this.#registry !== undefined) return this.#registry
    try {
      this.#registry = createFileRegistry(create(FileDescriptorSetSchema, { file: [...this.#loaded.files] }))
      return this.#registry
    } catch (error) {
      throw new SchemaError(`the schema cannot be used: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
}

export const protobuf: Format = {
  type: 'PROTOBUF',
  parse: (source, strict = false) => new ProtobufSchema(source, strict)
}
