import t from 'tap'

import type { ParsedSchema } from '../../../../src/schemas/format.ts'
import { protobuf } from '../../../../src/schemas/protobuf/format.ts'
import { cases } from './compatibility-cases.ts'

const parse = (text: string, files: Readonly<Record<string, string>> = {}): ParsedSchema =>
  protobuf.parse({ text, references: Object.entries(files).map(([name, text]) => ({ name, text })) })

t.test('the table', async (t) => {
  t.ok(cases.length >= 110, `${cases.length} cases`)
  for (const { rule, what, writer, reader, expected, writerFiles, readerFiles } of cases) {
    const found = parse(reader, readerFiles).incompatibilities(parse(writer, writerFiles), 'STRICT')
    t.strictSame(found.map(({ type, path }) => `${type} ${path}`).sort(), [...expected].sort(), `${rule}: ${what}`)
  }
})

t.test('the same holds between descriptors, and between a text and a descriptor', async (t) => {
  for (const { rule, what, writer, reader, expected, writerFiles, readerFiles } of cases) {
    const written = parse(writer, writerFiles)
    const descriptor = parse(written.formatted('serialized') as string, writerFiles)
    const found = parse(reader, readerFiles).incompatibilities(descriptor, 'LENIENT')
    t.strictSame(found.map(({ type, path }) => `${type} ${path}`).sort(), [...expected].sort(), `${rule}: ${what}`)
    t.strictSame(descriptor.incompatibilities(written, 'STRICT'), [], `${what}: with itself`)
  }
})

t.test('each has a sentence with two places, and says what it is about', async (t) => {
  const found = parse('syntax = "proto3"; message M { string a = 1; }').incompatibilities(parse('syntax = "proto3"; message M { int32 a = 1; }'), 'STRICT')
  t.equal(found.length, 1)
  t.equal(found[0]?.additionalInfo, 'int32 -> string')
  t.equal(found[0]?.description.split('%s').length, 3)
  t.match(found[0]?.description, "at path '#/M/1'")
})

t.test('imported messages that fan out are compared once each', async (t) => {
  // Each message has two fields of the next: 2^40 ways through them.
  const file = (last: string): string => 'syntax = "proto3"; package i; ' + Array.from({ length: 40 }, (_, i) =>
    `message N${i} { N${i + 1} a = 1; N${i + 1} b = 2; }`).join(' ') + ` message N40 { ${last} x = 1; }`
  const text = 'syntax = "proto3"; import "i"; message M { i.N0 n = 1; }'
  const before = performance.now()
  const found = parse(text, { i: file('string') }).incompatibilities(parse(text, { i: file('int32') }), 'STRICT')
  t.ok(performance.now() - before < 1000)
  t.ok(found.some(({ type, path }) => type === 'FIELD_SCALAR_KIND_CHANGED' && path === '#/N40/1'))
  t.ok(found.some(({ type, path }) => type === 'FIELD_NAMED_TYPE_CHANGED' && path === '#/M/1'))
})

t.test('a long chain of imported messages is compared', async (t) => {
  const file = 'syntax = "proto3"; package i; ' + Array.from({ length: 2400 }, (_, i) => `message N${i} { N${i + 1} a = 1; }`).join(' ') + ' message N2400 { }'
  const text = 'syntax = "proto3"; import "i"; message M { i.N0 n = 1; }'
  t.strictSame(parse(text, { i: file }).incompatibilities(parse(text, { i: file }), 'STRICT'), [])
})
