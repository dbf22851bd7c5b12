/** The schemas that registry clients of all languages are tried with. */

export const FORMATS = ['AVRO', 'JSON', 'PROTOBUF'] as const
export type Format = typeof FORMATS[number]

export interface Evolution {
  readonly first: string
  /** Reads what was written with the first one. */
  readonly second: string
  /** Does not. */
  readonly breaking: string
  readonly invalid: string
  /** What `whole` refers to by this name. */
  readonly part: { readonly name: string, readonly schema: string }
  readonly whole: string
}

const ID = { name: 'id', type: 'long' }
const avro = (...fields: readonly object[]): string => JSON.stringify({ type: 'record', name: 'Order', namespace: 'shop', fields: [ID, ...fields] })
const json = (properties: object): string => JSON.stringify({ type: 'object', title: 'Order', required: ['id'], properties, additionalProperties: false })
const proto = (fields: string, above = ''): string => `syntax = "proto3";\npackage shop;\n${above}\nmessage Order {\n${fields}\n}\n`

export const EVOLUTION: Readonly<Record<Format, Evolution>> = {
  AVRO: {
    first: avro(),
    second: avro({ name: 'note', type: ['null', 'string'], default: null }),
    breaking: avro({ name: 'note', type: 'string' }),
    invalid: '{"type":"nothing"}',
    part: { name: 'shop.Unit', schema: JSON.stringify({ type: 'enum', name: 'Unit', namespace: 'shop', symbols: ['KG', 'M'] }) },
    whole: avro({ name: 'unit', type: 'shop.Unit' })
  },
  JSON: {
    first: json({ id: { type: 'integer' } }),
    second: json({ id: { type: 'integer' }, note: { type: 'string' } }),
    breaking: json({ id: { type: 'string' } }),
    invalid: '{"type":"nothing"}',
    part: { name: 'unit.json', schema: JSON.stringify({ $id: 'unit.json', type: 'string', enum: ['KG', 'M'] }) },
    whole: json({ id: { type: 'integer' }, unit: { $ref: 'unit.json' } })
  },
  PROTOBUF: {
    first: proto('int64 id = 1;'),
    second: proto('int64 id = 1; string note = 2;'),
    breaking: proto('string id = 1;'),
    invalid: 'message {',
    part: { name: 'unit.proto', schema: 'syntax = "proto3";\npackage shop;\nmessage Unit { string name = 1; }\n' },
    whole: proto('int64 id = 1; Unit unit = 2;', 'import "unit.proto";')
  }
}

/** By format: what a reading is. The id has 64 bits. */
export const READING: Readonly<Record<Format, string>> = {
  AVRO: JSON.stringify({
    type: 'record',
    name: 'Reading',
    namespace: 'lab',
    fields: [
      { name: 'id', type: 'long' }, { name: 'name', type: 'string' }, { name: 'value', type: ['null', 'double'], default: null },
      { name: 'tags', type: { type: 'array', items: 'string' } }]
  }),
  JSON: JSON.stringify({
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Reading',
    type: 'object',
    required: ['id', 'name'],
    properties: { id: { type: 'integer' }, name: { type: 'string' }, value: { type: ['number', 'null'] }, tags: { type: 'array', items: { type: 'string' } } }
  }),
  PROTOBUF: 'syntax = "proto3";\npackage lab;\nmessage Reading {\n  int64 id = 1;\n  string name = 2;\n  double value = 3;\n  repeated string tags = 4;\n}\n'
}
