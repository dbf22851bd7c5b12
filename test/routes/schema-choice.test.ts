/** Which schema a request means, against a registry that answers as told. */
import t from 'tap'
import { anonymous, neverAborted, type Context } from '../../protocol/rpc.ts'
import type { HttpDoor } from '../../routes/door.ts'
import { chooseSchema } from '../../routes/schema-choice.ts'
import type { SchemaVersion, SubjectNameStrategy } from '../../src/schemas/model.ts'
import { RegistryError } from '../../src/schemas/registry-error.ts'

const context: Context = { principal: anonymous, door: 'http', clientId: '', address: '', version: 0, signal: neverAborted, throttleMs: 0 }
const record = '{"type":"record","name":"Order","namespace":"shop","fields":[]}'

class World {
  readonly known = new Map<number, Partial<SchemaVersion>>()
  /** What another gateway has registered, and this one has not read yet. */
  readonly elsewhere = new Map<number, Partial<SchemaVersion>>()
  strategy: SubjectNameStrategy = 'TopicName'
  refreshes = 0
  readonly registered: string[] = []

  readonly door = {
    registry: {
      schemaById: (_: Context, id: number) => {
        const found = this.known.get(id)
        if (found === undefined) throw new RegistryError(40403, `Schema ${id} not found`)
        return found
      },
      lookup: (_: Context, subject: string) => { throw new RegistryError(40401, `Subject '${subject}' not found.`) },
      register: async (_: Context, subject: string) => {
        this.registered.push(subject)
        return { subject, id: 9, schemaType: 'AVRO' }
      }
    },
    serde: {
      strategy: () => this.strategy,
      catalog: {
        refresh: async () => {
          this.refreshes++
          for (const [id, schema] of this.elsewhere) this.known.set(id, schema)
        }
      }
    }
  } as unknown as HttpDoor

  async choose (spec: Partial<Parameters<typeof chooseSchema>[4]>): Promise<SchemaVersion> {
    return await chooseSchema(this.door, context, 'orders', 'value', { type: null, ...spec })
  }
}

t.test('an id that nobody knows here is looked for once more, and not again and again', async t => {
  const world = new World()
  world.elsewhere.set(7, { id: 7, schemaType: 'AVRO', subject: 'orders-value' })
  t.match(await world.choose({ id: 7 }), { id: 7 })
  t.equal(world.refreshes, 1)
  for (let i = 0; i < 3; i++) await t.rejects(world.choose({ id: 8 }), { errorCode: 42207, message: 'The schema of the value: Schema 8 not found' })
  t.equal(world.refreshes, 2)
  await world.choose({ id: 7 })
  t.equal(world.refreshes, 2, 'what is known is not looked for')
  await t.rejects(world.choose({ id: 7, type: 'JSON' }), { errorCode: 42207, message: /is AVRO, and the value is said to be JSONSCHEMA/ })
})

t.test('records can only name schemas of the default context', async t => {
  const world = new World()
  world.known.set(5, { id: 5, schemaType: 'AVRO', subject: ':.team:orders-value' })
  const message = 'Schema 5 is one of :.team:orders-value, and records can only name schemas of the default context.'
  await t.rejects(world.choose({ id: 5, subject: ':.team:' }), { errorCode: 42207, message })
  const registered = world.choose({ text: record, type: 'AVRO', subject: ':.team:mine' })
  await t.rejects(registered, { errorCode: 42207, message: /and records can only name/ })
  t.strictSame(world.registered, [], 'and nothing is registered for it')
})

t.test('a text is registered under the subject of the strategy: that of the request, or else that of the topic', async t => {
  const world = new World()
  await world.choose({ text: record, type: 'AVRO' })
  world.strategy = 'RecordName'
  await world.choose({ text: record, type: 'AVRO' })
  await world.choose({ text: record, type: 'AVRO', strategy: 'TopicRecordName' })
  await world.choose({ text: record, type: 'AVRO', subject: 'mine' })
  t.strictSame(world.registered, ['orders-value', 'shop.Order', 'orders-shop.Order', 'mine'])
  await t.rejects(world.choose({ text: '"string"', type: 'AVRO' }), { errorCode: 42205, message: /goes by the name of its record \(RecordName\)/ })
  await t.rejects(world.choose({}), { errorCode: 42205, message: /give the subject, or the id/ })
  await t.rejects(world.choose({ text: '{', type: 'AVRO' }), { errorCode: 42205, message: /^The schema is not valid/ })
})
