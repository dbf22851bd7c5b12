/**
 * The text of a .proto file, as a FileDescriptorProto: what protoc makes before it looks up names. Type names are as they are
 * written, and custom options are kept as UninterpretedOption.
 *
 * protobufjs has a parser of .proto text too. It is not used, because what it gives has lost what a registry has to keep: the
 * digits of 64-bit defaults, whether an option is a word or a string, `import public`; and because it looks through all
 * reserved ranges for each field, a text of 700 kB keeps it busy for more than a minute.
 */
import { create } from '@bufbuild/protobuf'
import type { FileDescriptorProto, UninterpretedOption } from '@bufbuild/protobuf/wkt'
import { Edition, FileDescriptorProtoSchema, FileOptionsSchema } from '@bufbuild/protobuf/wkt'

import { SchemaError } from '../format.ts'
import { MAX_IMPORTS, MAX_TEXT } from './limits.ts'
import { optionsOf } from './options.ts'
import { parseService } from './parse-enum.ts'
import type { Grammar, Syntax } from './parse-message.ts'
import { parseDeclaration } from './parse-message.ts'
import type { Budget } from './words.ts'
import { Words } from './words.ts'

const EDITIONS: Readonly<Record<string, Edition>> = { 2023: Edition.EDITION_2023, 2024: Edition.EDITION_2024 }

/** `name` is what others import it by. Throws SchemaError that says in which line what was expected. */
export function parseProto (name: string, text: string, budget: Budget, strict = false): FileDescriptorProto {
  if (text.length > MAX_TEXT) throw new SchemaError(`the schema has ${text.length} characters: expected ${MAX_TEXT} at most`)
  const words = new Words(text, budget)
  const file = create(FileDescriptorProtoSchema, { name })
  const syntax = parseSyntax(words, file)
  const grammar: Grammar = { words, syntax, strict }
  const scope = { messages: file.messageType, enums: file.enumType, extensions: file.extension }
  const options: UninterpretedOption[] = []
  while (words.peek().kind !== 'end') {
    if (words.accept(';')) continue
    if (file.edition >= Edition.EDITION_2024 && (words.accept('export') || words.accept('local'))) {
      if (!parseDeclaration(grammar, scope)) words.fail('message or enum')
    } else if (parseDeclaration(grammar, scope)) continue
    else if (words.accept('import')) parseImport(words, file)
    else if (words.accept('package')) parsePackage(words, file)
    else if (words.accept('service')) file.service.push(parseService(grammar))
    else if (words.accept('option')) {
      options.push(words.option())
      words.expect(';')
    } else words.fail('message, enum, import, package, option, service or extend')
  }
  const known = optionsOf(FileOptionsSchema, options)
  if (known !== undefined) file.options = known
  return file
}

function parseSyntax (words: Words, file: FileDescriptorProto): Syntax {
  while (words.accept(';')) { /* nothing is declared by it */ }
  if (words.accept('syntax')) {
    words.expect('=')
    const syntax = words.string('"proto2" or "proto3"').toString()
    words.expect(';')
    if (syntax !== 'proto2' && syntax !== 'proto3') throw new SchemaError(`expected the syntax "proto2" or "proto3", found ${JSON.stringify(syntax)}`)
    if (syntax === 'proto3') file.syntax = syntax
    return syntax
  }
  if (words.accept('edition')) {
    words.expect('=')
    const year = words.string('an edition').toString()
    words.expect(';')
    const edition = Object.hasOwn(EDITIONS, year) ? EDITIONS[year] : undefined
    if (edition === undefined) throw new SchemaError(`expected one of the editions ${Object.keys(EDITIONS).join(', ')}, found ${JSON.stringify(year)}`)
    file.syntax = 'editions'
    file.edition = edition
    return 'editions'
  }
  return 'proto2'
}

function parseImport (words: Words, file: FileDescriptorProto): void {
  words.count()
  const isPublic = words.accept('public')
  const isWeak = !isPublic && words.accept('weak')
  const isOption = !isPublic && !isWeak && words.accept('option')
  const path = words.string('the path of a file').toString()
  words.expect(';')
  if (isOption) {
    file.optionDependency.push(path)
    return
  }
  if (file.dependency.length >= MAX_IMPORTS) throw new SchemaError(`expected ${MAX_IMPORTS} imports at most`)
  if (file.dependency.includes(path)) throw new SchemaError(`${JSON.stringify(path)} is imported twice`)
  if (isPublic) file.publicDependency.push(file.dependency.length)
  if (isWeak) file.weakDependency.push(file.dependency.length)
  file.dependency.push(path)
}

function parsePackage (words: Words, file: FileDescriptorProto): void {
  if (file.package !== '') words.fail('one package only')
  file.package = words.dotted('the name of a package')
  words.expect(';')
}
