/** The schema registry clients and serializers for Node, `@confluentinc/schemaregistry` and `@kafkajs/confluent-schema-registry`, as they come from npm. */
import t from 'tap'
import { needsHttp } from './support/against.ts'
import { nodeRegistryClients } from './support/cache.ts'
import { linesOf, topicName } from './support/lines.ts'
import { FORMATS } from './support/registry-schemas.ts'
import { succeed } from './support/run.ts'
import { startServer } from './support/server.ts'

const COUNT = 20

const server = await startServer(t)
const folder = await nodeRegistryClients()

/** Runs one of the programs around the clients, and gives all that it shows as one object. */
async function ask (program: 'confluent' | 'kafkajs', ...args: readonly string[]): Promise<Record<string, unknown>> {
  const path = new URL(`support/registry-${program}.mjs`, import.meta.url).pathname
  return Object.assign({}, ...linesOf(await succeed(process.execPath, [path, folder, ...args])).map(line => JSON.parse(line) as object))
}

const prefixOf = (id: unknown): string => `00${Number(id).toString(16).padStart(8, '0')}`

for (const format of FORMATS) {
  t.test(`@confluentinc/schemaregistry, ${format}: register, look up, evolve, compare, configure, refer, delete`, needsHttp, async t => {
    const seen = await ask('confluent', 'client', server.http, format, topicName(`confluent-${format}`))
    t.strictSame(seen['unknown'], [[404, 40401], [404, 40401], [404, 40401], [404, 40403]])
    t.strictSame(seen['full'], [true, 1, true, 'string'])
    t.strictSame(seen['text'], [true, format])
    t.strictSame([seen['lookup'], seen['not under it']], [[true, 1], [404, 40403]])
    t.strictSame(seen['checks'], [true, false, false])
    t.strictSame([seen['refused'], seen['invalid']], [[409, 40901], [422, 42201]])
    t.strictSame(seen['evolved'], [true, true, 2, [1, 2], true, 2])
    t.strictSame([seen['by guid'], seen['listed']], [true, true])
    t.strictSame(seen['config'], ['BACKWARD', [404, 40408], 'NONE', 'NONE'])
    t.strictSame([seen['bad level'], seen['more']], [[422, 42203], ['FULL', 'major']])
    t.strictSame(seen['metadata'], [3, { owner: 'k', major: '2' }])
    t.strictSame([seen['references'], seen['kept']], [true, [422, 42206]])
    t.strictSame(seen['deleted'], [1, [2, 3], [404, 40404], [404, 40401], true, [1, 2, 3]])
  })

  for (const framing of ['prefix', 'header']) {
    t.test(`@confluentinc/schemaregistry, ${format}, ids in the ${framing}: native and REST mixed in one topic`, needsHttp, async t => {
      const outcome = await ask('confluent', 'rounds', server.http, server.kafka, format, framing, topicName(`confluent-${format}-${framing}`), String(COUNT))
      t.match(outcome, { version: 1, type: format, equal: true, http: [201, 200, outcome['id']], records: COUNT + 2, errors: 0 })
      t.strictSame(outcome['missing'], [])
      const framed = String(outcome['first']).startsWith(prefixOf(outcome['id']))
      t.equal(framed, framing === 'prefix')
    })
  }

  t.test(`@kafkajs/confluent-schema-registry, ${format}: register, look up, evolve, refer`, needsHttp, async t => {
    const seen = await ask('kafkajs', 'client', server.http, format, topicName(`kafkajs-${format}`))
    const missing = ['ResponseError', 404, 'not found']
    t.strictSame(seen['unknown'], [missing, missing, ['ConfluentSchemaRegistryError', null, 'not found'], missing])
    t.strictSame([seen['same'], seen['lookup'], seen['got']], [true, true, true])
    t.strictSame(seen['not under it'], ['ConfluentSchemaRegistryError', null, 'not found'])
    t.equal(seen['config'], 'BACKWARD', 'the client sets the level of what it registers first')
    t.strictSame(seen['another level'], ['ConfluentSchemaRegistryCompatibilityError', null, 'does not match'])
    t.strictSame(seen['refused'], ['ResponseError', 409, 'incompatible'])
    t.strictSame(seen['evolved'], [true, true, true])
    t.strictSame(seen['references'], [true, 1, 'KG'])
  })

  t.test(`@kafkajs/confluent-schema-registry, ${format}: native and REST mixed in one topic`, needsHttp, async t => {
    const outcome = await ask('kafkajs', 'rounds', server.http, server.kafka, format, topicName(`kafkajs-${format}-rounds`), String(COUNT))
    t.match(outcome, { equal: true, http: [201, 200, outcome['id']], records: COUNT + 2 })
    t.match(String(outcome['first']), new RegExp(`^${prefixOf(outcome['id'])}`))
    // This client writes Protobuf without the message indexes that the wire format has, and reads it with or without them.
    const unreadable = format === 'PROTOBUF' ? COUNT : 0
    t.strictSame([(outcome['missing'] as unknown[]).length, outcome['errors']], [unreadable, unreadable])
  })
}

for (const format of ['AVRO', 'JSON']) {
  t.test(`@confluentinc/schemaregistry, ${format}: a schema that the serializer makes of a value and registers`, needsHttp, async t => {
    t.match(await ask('confluent', 'derived', server.http, format, topicName(`derived-${format}`)), { equal: true, versions: [1] })
  })
}
