/**
 * The languages of schemas, each loaded when the first schema of it is parsed.
 */
import type { Format } from './format.ts'
import { lazily } from './lazy.ts'

const avro = lazily<typeof import('./avro/format.ts')>('./avro/format')
const jsonSchema = lazily<typeof import('./json/format.ts')>('./json/format')
const protobuf = lazily<typeof import('./protobuf/format.ts')>('./protobuf/format')

export const formats: readonly Format[] = [
  { type: 'AVRO', parse: (source, strict) => avro().avro.parse(source, strict) },
  { type: 'JSON', parse: (source, strict) => jsonSchema().jsonSchema.parse(source, strict) },
  { type: 'PROTOBUF', parse: (source, strict) => protobuf().protobuf.parse(source, strict) }
]
