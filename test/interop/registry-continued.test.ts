/**
 * A topic `_schemas` that another registry has written is gone on with as it is, and that one can go on with it afterwards. Karapace is
 * on no package index, nor is Confluent's registry, so support/other_registry.py has their side: what it writes, byte for byte in the forms
 * of Karapace, and how it reads, over librdkafka.
 *
 * What that one does not take from ours, and says nothing of:
 * - MODE: it knows no modes, and passes over them.
 * - CONFIG without `compatibilityLevel`, such as `normalize` alone: the level stays what it was, as it is here.
 */
import t, { type Test } from 'tap'
import { needsHttp } from './support/against.ts'
import { confluentPython } from './support/cache.ts'
import { succeed } from './support/run.ts'
import { startServer, type Server } from './support/server.ts'

const PROGRAM = new URL('support/other_registry.py', import.meta.url).pathname

type Schema = [subject: string, version: number, id: number, type: string, deleted: boolean, schema: string, references: [string, string, number][]]
interface Seen { readonly schemas: Schema[], readonly configs: [string, string][], readonly discarded: string[] }

async function ask<T> ({ http }: Server, path: string, body?: unknown, method = body === undefined ? 'GET' : 'POST'): Promise<T> {
  const response = await fetch(`${http}${path}`, {
    method, ...body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
  return JSON.parse(text) as T
}

interface Version {
  readonly subject: string
  readonly version: number
  readonly id: number
  readonly schemaType?: string
  readonly schema: string
  readonly references?: readonly { readonly name: string, readonly subject: string, readonly version: number }[]
}

/** By the first element, and then by number. */
const inOrder = (a: readonly unknown[], b: readonly unknown[]): number =>
  String(a[0]) < String(b[0]) ? -1 : String(a[0]) > String(b[0]) ? 1 : Number(a[1]) - Number(b[1])

/** What our registry knows, in the words of the other one. */
async function known (server: Server): Promise<Omit<Seen, 'discarded'>> {
  const live = await ask<Version[]>(server, '/schemas')
  const all = await ask<Version[]>(server, '/schemas?deleted=true')
  const schemas = all.map(({ subject, version, id, schemaType = 'AVRO', schema, references = [] }): Schema => [subject, version, id, schemaType,
    !live.some(one => one.subject === subject && one.version === version), schema, references.map(({ name, subject, version }) => [name, subject, version])])
  const configs: [string, string][] = [['', (await ask<{ compatibilityLevel: string }>(server, '/config')).compatibilityLevel]]
  for (const subject of new Set(all.map(({ subject }) => subject))) {
    const config = await ask<{ compatibilityLevel?: string }>(server, `/config/${encodeURIComponent(subject)}`).catch(() => null)
    if (config?.compatibilityLevel !== undefined) configs.push([subject, config.compatibilityLevel])
  }
  return { schemas: schemas.sort(inOrder), configs: configs.sort(inOrder) }
}

const short = ({ schemas }: Pick<Seen, 'schemas'>): unknown[] => schemas.map(([subject, version, id, type, deleted]) => [subject, version, id, type, deleted])

for (const order of ['canonical', 'older']) {
  t.test(`a topic with keys in the ${order} order`, needsHttp, async (t: Test) => {
    const python = await confluentPython()
    const server = await startServer(t)
    const other = async (command: string): Promise<string> => await succeed(python, [PROGRAM, command, server.kafka, order])
    const read = async (): Promise<Seen> => JSON.parse(await other('read')) as Seen

    await other('write')
    const written = await read()
    t.strictSame(short(written), [
      ['old-value', 1, 6, 'AVRO', true], ['old-value', 2, 7, 'AVRO', true], ['old-value', 3, 6, 'AVRO', false],
      ['orders-value', 1, 1, 'AVRO', true], ['orders-value', 2, 2, 'AVRO', false],
      ['parts-value', 1, 5, 'PROTOBUF', false], ['people-value', 1, 3, 'JSON', false], ['sätze-value', 1, 1, 'AVRO', false],
      ['unit', 1, 4, 'PROTOBUF', false]
    ], 'what the other registry has')
    await server.stop()
    await server.start()
    const { discarded, ...expected } = written
    t.strictSame(await known(server), expected, 'is what ours has: subjects, versions, ids, texts, references, levels')
    t.strictSame(await ask(server, '/schemas/ids/1/versions?deleted=true'), [{ subject: 'orders-value', version: 1 }, { subject: 'sätze-value', version: 1 }])
    t.strictSame(await ask(server, '/subjects/unit/versions/1/referencedby'), [5])

    await ask(server, '/topics/orders', { n: 1, note: 'ours' })
    const { records: [first] } = await ask<{ records: { value: unknown }[] }>(server, '/topics/orders/records?from=earliest')
    t.strictSame(first?.value, { n: 1, note: 'ours' }, 'in use')
    const part = 'syntax = "proto3"; package shop; message Part { string id = 1; }'
    await t.rejects(ask(server, '/subjects/parts-value/versions', { schemaType: 'PROTOBUF', schema: part }),
      { message: /40901/ }, 'the level of everything, FULL, holds')

    const register = async (subject: string, body: object): Promise<number> =>
      (await ask<{ id: number }>(server, `/subjects/${encodeURIComponent(subject)}/versions`, body)).id
    const note = { name: 'note', type: 'int' }
    t.equal(await register('orders-value', { schema: JSON.stringify({ type: 'record', name: 'Order', namespace: 'shop', fields: [note] }) }), 9,
      'ids go on after the largest that ever was')
    const person = { type: 'object', title: 'Person', required: ['name'], properties: { name: { type: 'string' } }, description: 'ours' }
    t.equal(await register('people-value', { schemaType: 'JSON', schema: JSON.stringify(person) }), 10)
    t.equal(await register('wholes-value', {
      schemaType: 'PROTOBUF',
      schema: 'syntax = "proto3"; import "unit.proto"; message Whole { shop.Unit unit = 1; }',
      references: [{ name: 'unit.proto', subject: 'unit', version: 1 }]
    }), 11)
    t.equal(await register('sätze-value', { schema: written.schemas.find(([subject]) => subject === 'sätze-value')![5] }), 1, 'what it has')
    await ask(server, '/subjects/orders-value/versions/2', undefined, 'DELETE')
    await ask(server, '/subjects/old-value/versions/1?permanent=true', undefined, 'DELETE')
    await ask(server, '/subjects/s%C3%A4tze-value', undefined, 'DELETE')
    await ask(server, '/subjects/s%C3%A4tze-value?permanent=true', undefined, 'DELETE')
    await ask(server, '/config', { compatibility: 'BACKWARD_TRANSITIVE' }, 'PUT')
    await ask(server, '/config/wholes-value', { normalize: true }, 'PUT')
    await ask(server, '/mode/unit', { mode: 'READONLY' }, 'PUT')

    const after = await read()
    t.strictSame({ schemas: after.schemas, configs: after.configs }, await known(server), 'the other one reads what ours wrote')
    t.strictSame(short(after).filter(row => (row as unknown[])[0] !== 'parts-value'), [
      ['old-value', 2, 7, 'AVRO', true], ['old-value', 3, 6, 'AVRO', false],
      ['orders-value', 1, 1, 'AVRO', true], ['orders-value', 2, 2, 'AVRO', true], ['orders-value', 3, 9, 'AVRO', false],
      ['people-value', 1, 3, 'JSON', false], ['people-value', 2, 10, 'JSON', false],
      ['unit', 1, 4, 'PROTOBUF', false], ['wholes-value', 1, 11, 'PROTOBUF', false]
    ])
    t.strictSame(after.discarded, ['CONFIG', 'MODE'], 'but for what it does not know')

    await other('more')
    const last = await read()
    await server.stop()
    await server.start()
    t.strictSame({ schemas: last.schemas, configs: last.configs }, await known(server), 'and the other way again')
    t.strictSame(short(last).filter(row => ['orders-value', 'people-value'].includes((row as string[])[0]!)), [
      ['orders-value', 1, 1, 'AVRO', true], ['orders-value', 2, 2, 'AVRO', true], ['orders-value', 3, 9, 'AVRO', false], ['orders-value', 4, 12, 'AVRO', false]
    ])
    t.equal(await register('new-value', { schema: '"double"' }), 13)
  })
}
