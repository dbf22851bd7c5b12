/** The registry with its real languages: each registers, evolves, refers, and is found again. */
import t from 'tap'
import { avro } from '../../../src/schemas/avro/format.ts'
import { jsonSchema } from '../../../src/schemas/json/format.ts'
import type { Reference, SchemaContent, SchemaType } from '../../../src/schemas/model.ts'
import { protobuf } from '../../../src/schemas/protobuf/format.ts'
import { Registry } from '../../../src/schemas/registry.ts'
import { MemoryLog } from '../../support/memory-log.ts'

const content = (schemaType: SchemaType, schema: string, references: readonly Reference[] = []): SchemaContent =>
  ({ schemaType, schema, references, metadata: null, ruleSet: null })

interface Language {
  readonly type: SchemaType
  readonly first: string
  /** The same in other words. */
  readonly same: string
  readonly compatible: string
  readonly incompatible: string
  readonly item: string
  /** Refers to `item` by this name. */
  readonly name: string
  readonly using: string
}

const languages: readonly Language[] = [{
  type: 'AVRO',
  first: '{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"id","type":"long"}]}',
  same: '{ "type": "record", "name": "Order", "namespace": "shop",\n "fields": [ { "name": "id", "type": "long" } ] }',
  compatible: '{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"id","type":"long"},{"name":"note","type":"string","default":""}]}',
  incompatible: '{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"id","type":"long"},{"name":"must","type":"string"}]}',
  item: '{"type":"record","name":"Item","namespace":"shop","fields":[{"name":"n","type":"int"}]}',
  name: 'shop.Item',
  using: '{"type":"record","name":"Basket","namespace":"shop","fields":[{"name":"items","type":{"type":"array","items":"shop.Item"}}]}'
}, {
  type: 'JSON',
  first: '{"type":"object","properties":{"id":{"type":"integer"}},"additionalProperties":false}',
  same: '{ "type": "object", "properties": { "id": { "type": "integer" } },\n "additionalProperties": false }',
  compatible: '{"type":"object","properties":{"id":{"type":"integer"},"note":{"type":"string"}},"additionalProperties":false}',
  incompatible: '{"type":"object","properties":{"id":{"type":"string"}},"additionalProperties":false}',
  item: '{"type":"object","properties":{"n":{"type":"integer"}}}',
  name: 'item.json',
  using: '{"type":"array","items":{"$ref":"item.json"}}'
}, {
  type: 'PROTOBUF',
  first: 'syntax = "proto3";\npackage shop;\nmessage Order { int64 id = 1; }\n',
  same: 'syntax = "proto3";\n\npackage shop;\n\nmessage Order {\n  int64 id = 1;\n}\n',
  compatible: 'syntax = "proto3";\npackage shop;\nmessage Order { int64 id = 1; string note = 2; }\n',
  incompatible: 'syntax = "proto3";\npackage shop;\nmessage Order { string id = 1; }\n',
  item: 'syntax = "proto3";\npackage shop;\nmessage Item { int32 n = 1; }\n',
  name: 'item.proto',
  using: 'syntax = "proto3";\npackage shop;\nimport "item.proto";\nmessage Basket { repeated Item items = 1; }\n'
}]

for (const { type, first, same, compatible, incompatible, item, name, using } of languages) {
  t.test(type, async t => {
    const log = new MemoryLog()
    const registry = new Registry(log.dispatch, [avro, jsonSchema, protobuf])
    await registry.open()
    t.teardown(() => registry.close())
    t.strictSame(registry.types(), ['AVRO', 'JSON', 'PROTOBUF'])
    const { id } = await registry.register('orders-value', content(type, first))
    t.match(await registry.register('orders-value', content(type, same)), { id, version: 1 })
    t.match(await registry.register('other', content(type, same)), { id, version: 1 })
    t.match(registry.lookup('orders-value', content(type, same)), { id })
    await t.rejects(registry.register('orders-value', content(type, incompatible)),
      { code: 40901, message: /errorType:'[A-Z_]+', description:'[^%]+', additionalInfo:/ })
    t.match(await registry.register('orders-value', content(type, compatible)), { version: 2 })
    await t.rejects(registry.register('baskets', content(type, using)), { code: 42201 })
    await registry.register('items', content(type, item))
    const basket = await registry.register('baskets', content(type, using, [{ name, subject: 'items', version: 1 }]))
    t.equal(registry.parsed(basket).type, type)
    t.strictSame(registry.referencedBy('items', 1), [basket.id])
    await t.rejects(registry.register('bad', content(type, '{"type":')), { code: 42201 })
    const later = new Registry(log.dispatch, [avro, jsonSchema, protobuf])
    await later.open()
    t.teardown(() => later.close())
    t.match(await later.register('more', content(type, same)), { id }, 'after a restart')
    t.match(await later.register('more', content(type, compatible)), { version: 2 })
  })
}
