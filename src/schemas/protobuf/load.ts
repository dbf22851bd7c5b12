/**
 * A schema with all that it imports: each file parsed once, each behind those that it imports itself.
 */
import { fromBinary } from '@bufbuild/protobuf'
import type { FileDescriptorProto } from '@bufbuild/protobuf/wkt'
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt'

import type { Source } from '../format.ts'
import { SchemaError } from '../format.ts'
import { builtin } from './builtin.ts'
import { MAX_ALL_TEXT, MAX_ELEMENTS, MAX_IMPORTS, MAX_TEXT } from './limits.ts'
import { Linker } from './link.ts'
import { parseProto } from './parser.ts'
import { checkDescriptor } from './wire-check.ts'
import type { Budget } from './words.ts'

/** What a schema is called by itself: nobody imports it by this name. */
export const OWN_NAME = 'default.proto'

export interface Loaded {
  /** The schema itself; names are looked up. */
  readonly file: FileDescriptorProto
  /** With it, in the order in which they import each other. */
  readonly files: readonly FileDescriptorProto[]
  /** How many parts were read. */
  readonly elements: number
}

/** Throws SchemaError. */
export function load ({ text, references }: Source, strict: boolean): Loaded {
  let characters = text.length
  for (const reference of references) characters += reference.text.length
  if (characters > MAX_ALL_TEXT) throw new SchemaError(`the schema and its references have ${characters} characters: expected ${MAX_ALL_TEXT} at most`)
  const texts = new Map(references.map((reference) => [reference.name, reference.text]))
  const budget: Budget = { elements: MAX_ELEMENTS }
  const linker = new Linker(strict)
  const files: FileDescriptorProto[] = []
  const states = new Map<string, 'open' | 'done'>()

  const add = (file: FileDescriptorProto, isLinked: boolean): void => {
    states.set(file.name, 'open')
    for (const path of file.dependency) visit(path, file.name)
    states.set(file.name, 'done')
    linker.add(file, isLinked)
    files.push(file)
  }
  const visit = (path: string, from: string): void => {
    const state = states.get(path)
    if (state === 'done') return
    if (state === 'open') throw new SchemaError(`${JSON.stringify(path)} imports itself, by way of ${JSON.stringify(from)}`)
    if (states.size > MAX_IMPORTS) throw new SchemaError(`expected ${MAX_IMPORTS} imported files at most`)
    const known = builtin(path)
    const found = path.startsWith('google/protobuf/') ? known ?? texts.get(path) : texts.get(path) ?? known
    if (found === undefined) throw new SchemaError(`${JSON.stringify(path)} is imported, but not among the references: refer to it by this name`)
    if (typeof found !== 'string') add(found, true)
    else add(within(`imported ${JSON.stringify(path)}`, () => read(path, found, budget, false)), false)
  }

  if (text.trim() === '') throw new SchemaError('the schema is empty: expected the text of a .proto file')
  const file = read(OWN_NAME, text, budget, strict)
  add(file, false)
  return { file, files, elements: MAX_ELEMENTS - budget.elements }
}

/** Whether this can be no text of a .proto file, all of which have at least one of `;{"`. */
export const isDescriptor = (text: string): boolean => /^[A-Za-z0-9+/\s]*[A-Za-z0-9+/]={0,2}\s*$/.test(text)

/** The text of a .proto file, or the Base64 of a FileDescriptorProto, which some clients register. Names are not looked up. */
export function read (name: string, text: string, budget: Budget, strict: boolean): FileDescriptorProto {
  if (!isDescriptor(text)) return parseProto(name, text, budget, strict)
  if (text.length > 2 * MAX_TEXT) throw new SchemaError(`the schema has ${text.length} characters: expected ${2 * MAX_TEXT} at most`)
  const bytes = Buffer.from(text, 'base64')
  const flaw = checkDescriptor(bytes, budget)
  if (flaw !== null) throw new SchemaError(`the schema is neither the text of a .proto file nor a FileDescriptorProto in Base64: ${flaw}`)
  try {
    const file = fromBinary(FileDescriptorProtoSchema, bytes)
    file.name = name
    delete (file as { sourceCodeInfo?: unknown }).sourceCodeInfo
    return file
  } catch (error) {
    throw new SchemaError(`the schema is not a FileDescriptorProto in Base64: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function within<T> (where: string, run: () => T): T {
  try {
    return run()
  } catch (error) {
    throw error instanceof SchemaError ? new SchemaError(`${where}: ${error.message}`) : error
  }
}
