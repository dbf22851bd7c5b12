/**
 * Consumer instances of the formats that a schema stands behind.
 */
import t, { type Test } from 'tap'
import { avro } from '../../src/schemas/avro/format.ts'
import { jsonSchema } from '../../src/schemas/json/format.ts'
import type { SchemaType, SchemaVersion } from '../../src/schemas/model.ts'
import { protobuf } from '../../src/schemas/protobuf/format.ts'
import { Registry } from '../../src/schemas/registry.ts'
import { Serde, type SerdeOptions } from '../../src/schemas/serde.ts'
import { withHouse, type House } from '../support/consumer-house.ts'

const FORMATS = [avro, jsonSchema, protobuf]

const types = { avro: 'AVRO', jsonschema: 'JSON', protobuf: 'PROTOBUF' } as const satisfies Record<string, SchemaType>

const texts: Readonly<Record<SchemaType, string>> = {
  AVRO: '{"type":"record","name":"N","fields":[{"name":"n","type":"int"}]}',
  JSON: '{"type":"object","properties":{"n":{"type":"integer"}}}',
  PROTOBUF: 'syntax = "proto3"; message N { int32 n = 1; }'
}

interface SchemaHouse extends House {
  readonly registry: Registry
  readonly serde: Serde
  readonly register: (subject: string, schemaType: SchemaType, registry?: Registry) => Promise<SchemaVersion>
}

function houseTest (name: string, run: (t: Test, house: SchemaHouse) => Promise<void>, options: SerdeOptions = {}): void {
  t.test(name, async t => {
    let registry: Registry | undefined
    let serde: Serde | undefined
    await withHouse(t, t.testdir(), async house => {
      await registry!.open()
      try {
        const register: SchemaHouse['register'] = (subject, schemaType, at = registry!) =>
          at.register(subject, { schemaType, schema: texts[schemaType], references: [], metadata: null, ruleSet: null }, {})
        await run(t, { ...house, registry: registry!, serde: serde!, register })
      } finally {
        await registry!.close()
      }
    }, ({ dispatch }) => {
      registry = new Registry(dispatch, FORMATS)
      serde = new Serde(registry, options)
      return { serde }
    })
  })
}

for (const [format, type] of Object.entries(types)) {
  houseTest(`${format}: the JSON that the schema makes of the bytes, and an error element where it cannot`, async (t, house) => {
    const { ask, write, subscribed, register, serde } = house
    await register('t-value', type)
    const foreign = await register('other', type === 'AVRO' ? 'JSON' : 'AVRO')
    const value = serde.encode('t', 'value', { n: 7 })!
    const unknown = Buffer.concat([Buffer.from([0, 0, 0, 3, 231]), value.subarray(5)])
    await write('t', { key: 'k', value }, { key: value, value: null }, 'plain', { value: unknown },
      { value: serde.encode('t', 'value', { n: 1 }, { schema: foreign })! }, { value: value.subarray(0, 5) }, { value })
    const path = await subscribed('g', { format }, 't')
    const read = await ask('GET', `${path}/records?timeout=5000`, undefined, { accept: `application/vnd.kafka.${format}.v2+json` })
    t.match(read.headers['content-type'], `application/vnd.kafka.${format}.v2+json`)
    const error = (message: RegExp | string): object => ({ value: null, error: { error_code: 40801, message } })
    t.match(read.document, [
      { offset: 0, key: 'k', value: { n: 7 } },
      { offset: 1, key: { n: 7 }, value: null },
      { offset: 2, ...error('The value does not say which schema it was written with.') },
      { offset: 3, ...error('The value is of schema 999, which is not known here.') },
      { offset: 4, ...error(/The value is of schema \d+, which is (JSON|AVRO) and not /) },
      { offset: 5, ...error(/The value cannot be read: /) },
      { offset: 6, value: { n: 7 } }
    ])
    t.notOk('error' in read.document[0] || 'error' in read.document[1])
    t.same((await ask('GET', `${path}/records?timeout=0`)).document, [], 'the cursor has moved on')
    t.equal((await ask('GET', `${path}/records`, undefined, { accept: 'application/vnd.kafka.binary.v2+json' })).statusCode, 406)
  })
}

houseTest('where not everybody may see all schemas, those of other topics show nothing', async (t, { ask, write, subscribed, register, serde }) => {
  await register('t-value', 'AVRO')
  const foreign = await register('secret-value', 'JSON')
  const own = serde.encode('t', 'value', { n: 7 })!
  await write('t', { value: own }, { value: serde.encode('t', 'value', { n: 1 }, { schema: foreign })! })
  for (const format of ['avro', 'jsonschema']) {
    const path = await subscribed(`g-${format}`, { format }, 't')
    t.match((await ask('GET', `${path}/records?timeout=5000`)).document[1], {
      value: null, error: { error_code: 40801, message: `The value is of schema ${foreign.id}, which is none of topic t.` }
    }, format)
  }
  const path = await subscribed('g', { format: 'avro' }, 't')
  t.match((await ask('GET', `${path}/records?timeout=5000`)).document[0], { value: { n: 7 } })
}, { isOpenToAll: false })

houseTest('a schema that is not known is asked for once more', async (t, { ask, write, subscribed, register, registry, serde }) => {
  await register('t-value', 'AVRO')
  const value = serde.encode('t', 'value', { n: 5 })!
  let refreshed = 0
  const byId = registry.byId.bind(registry)
  registry.byId = (...args) => refreshed === 0 ? undefined : byId(...args)
  registry.refresh = async () => { refreshed++ }
  await write('t', { value }, { value })
  const path = await subscribed('g', { format: 'avro' }, 't')
  const { document } = await ask('GET', `${path}/records?timeout=5000`)
  t.match(document, [{ offset: 0, value: { n: 5 } }, { offset: 1, value: { n: 5 } }])
  t.equal(refreshed, 1)
})
