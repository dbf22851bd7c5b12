/** Schemas of the three languages that registry clients are put through the same steps with. */
import type { SchemaType } from '../../../src/schemas/model.ts'

export interface Sample {
  readonly type: SchemaType
  readonly first: string
  /** Reads what the first has written. */
  readonly second: string
  /** Does not. */
  readonly broken: string
  readonly invalid: string
  readonly base: string
  /** Refers to the base by the name. */
  readonly referring: string
  readonly name: string
}

const avroRecord = (...more: readonly object[]): string => JSON.stringify({
  type: 'record',
  name: 'Reading',
  namespace: 'lab',
  fields: [{ name: 'id', type: 'long' }, { name: 'name', type: 'string' }, { name: 'value', type: ['null', 'double'], default: null },
    { name: 'tags', type: { type: 'array', items: 'string' } }, ...more]
})

const jsonObject = (id: string, more: object = {}): string => JSON.stringify({
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'Reading',
  type: 'object',
  properties: { id: { type: id }, name: { type: 'string' }, value: { type: ['number', 'null'] }, tags: { type: 'array', items: { type: 'string' } }, ...more },
  required: ['id', 'name'],
  additionalProperties: false
})

const protoFile = (id: string, more = ''): string => `syntax = "proto3";
package lab;

message Reading {
  ${id} id = 1;
  string name = 2;
  optional double value = 3;
  repeated string tags = 4;
${more}}
`

export const samples: readonly Sample[] = [
  {
    type: 'AVRO',
    first: avroRecord(),
    second: avroRecord({ name: 'note', type: 'string', default: '' }),
    broken: avroRecord({ name: 'note', type: 'string' }),
    invalid: '{"type":"record","name":"Reading"}',
    base: '{"type":"enum","name":"Unit","namespace":"lab","symbols":["KG","M"]}',
    referring: '{"type":"record","name":"Order","namespace":"lab","fields":[{"name":"id","type":"long"},{"name":"unit","type":"Unit"}]}',
    name: 'lab.Unit'
  },
  {
    type: 'JSON',
    first: jsonObject('integer'),
    second: jsonObject('integer', { note: { type: 'string' } }),
    broken: jsonObject('string'),
    invalid: '{"type":"nothing"}',
    base: '{"$id":"http://lab.example/unit.json","type":"string","enum":["KG","M"]}',
    referring: '{"$id":"http://lab.example/order.json","type":"object","properties":{"id":{"type":"integer"},"unit":{"$ref":"http://lab.example/unit.json"}}}',
    name: 'http://lab.example/unit.json'
  },
  {
    type: 'PROTOBUF',
    first: protoFile('int64'),
    second: protoFile('int64', '  string note = 5;\n'),
    broken: protoFile('string'),
    invalid: 'syntax = "proto3"; message {',
    base: 'syntax = "proto3";\npackage lab;\n\nenum Unit {\n  KG = 0;\n  M = 1;\n}\n',
    referring: 'syntax = "proto3";\npackage lab;\n\nimport "lab/unit.proto";\n\nmessage Order {\n  int64 id = 1;\n  lab.Unit unit = 2;\n}\n',
    name: 'lab/unit.proto'
  }
]
