import t from 'tap'
import type { Header } from '../../../protocol/records.ts'
import { PayloadError } from '../../../src/schemas/format.ts'
import { Serde } from '../../../src/schemas/serde.ts'
import { defaultSettings } from '../../../src/schemas/settings.ts'
import { FakeCatalog } from './fake-catalog.ts'

t.test('plain JSON is written with the newest schema under the subject of the topic', async t => {
  const catalog = new FakeCatalog()
  const serde = new Serde(catalog)
  t.equal(serde.encode('orders', 'value', { n: 1 }), null, 'a topic without a schema takes what it is given')
  catalog.register('orders-value', 'Order')
  catalog.register('orders-value', 'Order2')
  catalog.register('orders-key', 'Key')
  t.equal(serde.encode('orders', 'value', { n: 1 })!.toString('latin1'), '\0\0\0\0\x02{"n":1}')
  t.equal(serde.encode('orders', 'key', { n: 1 })!.toString('latin1'), '\0\0\0\0\x03{"n":1}')
  t.equal(serde.encode('other', 'value', { n: 1 }), null)
  t.throws(() => serde.encode('orders', 'value', { n: 'x' }), { name: 'PayloadError', message: 'n: expected number, found string "x"' })
})

t.test('a schema that is chosen needs no subject', async t => {
  const catalog = new FakeCatalog()
  const schema = catalog.register('elsewhere', 'Order', { type: 'PROTOBUF' })
  t.equal(new Serde(catalog).encode('orders', 'value', { n: 1 }, { schema })!.toString('latin1'), '\0\0\0\0\x01\0{"n":1}')
})

t.test('a strategy that goes by the name of the record leaves plain JSON as it is', async t => {
  const catalog = new FakeCatalog()
  catalog.register('orders-value', 'Order')
  const serde = new Serde(catalog, { settingsOf: topic => topic === 'orders' ? { ...defaultSettings, valueStrategy: 'RecordName' } : undefined })
  t.equal(serde.encode('orders', 'value', { n: 1 }), null)
  t.equal(serde.subject(serde.strategy('orders', 'value'), 'orders', 'value', 'Order'), 'Order')
  t.equal(serde.subject('TopicRecordName', 'orders', 'value', 'Order'), 'orders-Order')
  t.equal(serde.subject('TopicName', 'orders', 'key'), 'orders-key')
})

t.test('every framing is read, of schemas that are deleted too', async t => {
  const catalog = new FakeCatalog()
  const serde = new Serde(catalog)
  const { guid } = catalog.register('orders-value', 'Order')
  const bytes = serde.encode('orders', 'value', { n: 1 })!
  catalog.delete('orders-value')
  t.equal(serde.encode('orders', 'value', { n: 1 }), null, 'nothing new is written with it')
  t.equal(serde.decode(bytes, [], 'value'), '{"n":1}')
  const header = Buffer.from(`01${guid.replaceAll('-', '')}`, 'hex')
  t.equal(serde.decode(Buffer.concat([header, Buffer.from('{"n":2}')]), [], 'value'), '{"n":2}')
  t.equal(serde.decode(Buffer.from('{"n":3}'), [{ key: '__value_schema_id', value: header }], 'value'), '{"n":3}')
  t.equal(serde.decode(Buffer.from('{"n":3}'), [], 'value'), null, 'not framed')
  t.equal(serde.decode(Buffer.from('\0\0\0\0\x09{"n":3}'), [], 'value'), null, 'not known')
})

t.test('what cannot be read is a PayloadError, whatever is wrong with it', async t => {
  const catalog = new FakeCatalog()
  const serde = new Serde(catalog)
  catalog.register('orders-value', 'Order')
  catalog.register('orders-value', 'broken')
  catalog.register('orders-value', 'Proto', { type: 'PROTOBUF' })
  for (const text of ['\0\0\0\0\x01{"n":"a"}', '\0\0\0\0\x02{"n":1}', '\0\0\0\0\x03']) {
    t.throws(() => serde.decode(Buffer.from(text, 'latin1'), [], 'value'), PayloadError)
  }
})

t.test('where not everybody may see every schema, JSON is shown of those of the topic', async t => {
  const catalog = new FakeCatalog()
  const settingsOf = (topic: string) => topic === 'named' ? { ...defaultSettings, valueStrategy: 'RecordName' as const } : undefined
  const serde = new Serde(catalog, { settingsOf, isOpenToAll: false })
  const open = new Serde(catalog, { settingsOf })
  const bytesOf = (subject: string, name = 'Order'): Buffer => serde.encode('', 'value', { n: 1 }, { schema: catalog.register(subject, name) })!
  const check = (topic: string, bytes: Buffer, isShown: boolean, headers: Header[] = []): void => {
    t.equal(serde.mayShow(topic, bytes, headers, 'value'), isShown, topic)
    t.equal(serde.show(topic, bytes, headers, 'value'), isShown ? '{"n":1}' : null, topic)
    t.equal(open.show(topic, bytes, headers, 'value'), '{"n":1}', 'where nothing asks for credentials all is shown')
  }
  const [own, secret] = [bytesOf('orders-value'), bytesOf('secrets-value', 'Secret')]
  check('orders', own, true)
  check('orders', secret, false)
  check('orders', bytesOf('orders-Order'), true)
  check('orders', bytesOf('Order'), false)
  check('named', bytesOf('Order'), true)
  check('named', secret, false)
  catalog.delete('orders-value')
  check('orders', own, true)
  const header = Buffer.from(`01${catalog.byId(2)!.guid.replaceAll('-', '')}`, 'hex')
  check('orders', Buffer.from('{"n":1}'), false, [{ key: '__value_schema_id', value: header }])
  check('secrets', Buffer.from('{"n":1}'), true, [{ key: '__value_schema_id', value: header }])
  for (const bytes of [Buffer.from('plain'), Buffer.from('\0\0\0\0\x63{}')]) {
    t.ok(serde.mayShow('orders', bytes, [], 'value'), 'nothing is told of what is not known')
    t.equal(serde.show('orders', bytes, [], 'value'), null)
  }
})

t.test('a schema that cannot be read any more is not one of the topic by its name', async t => {
  const catalog = new FakeCatalog()
  const serde = new Serde(catalog, { isOpenToAll: false })
  catalog.register('secrets-value', 'broken')
  catalog.register('orders-value', 'broken')
  t.equal(serde.show('orders', Buffer.from('\0\0\0\0\x01{"n":1}'), [], 'value'), null)
  t.throws(() => serde.show('orders', Buffer.from('\0\0\0\0\x02{"n":1}'), [], 'value'), PayloadError)
})
