/** No bad record gets in, and no good one is kept out. */
import t from 'tap'
import { setTimeout as sleep } from 'node:timers/promises'
import { COMPRESSION_MASK, RecordBatch } from '../../../protocol/batch.ts'
import { complete } from '../../../protocol/defaults.ts'
import { errors, KafkaError } from '../../../protocol/errors.ts'
import { Produce } from '../../../protocol/messages/00-produce.ts'
import { Metadata } from '../../../protocol/messages/03-metadata.ts'
import { buildBatch } from '../../../protocol/records.ts'
import { validate } from '../../../src/policies/validate.ts'
import { ValidationTable } from '../../../src/policies/validation-table.ts'
import { context, framed, openHouse, produceOf, valued } from './validate-kit.ts'

const PAYLOAD = { 'barnabas.value.validation': 'payload' }
const ID = { 'barnabas.value.validation': 'id' }
const HEADER = 61

t.test('a bad record takes its batch with it, and is named with the reason', async t => {
  const house = await openHouse(t)
  const { id } = house.catalog.register('orders-value', 'Order')
  await house.create('orders', PAYLOAD)
  t.match(await house.send('orders', [valued(framed(id, { n: 1 })), valued(framed(id, { n: 2 }))]), { errorCode: errors.NONE, baseOffset: 0 })
  const refused = await house.send('orders', [valued(framed(id, { n: 3 })), valued(framed(id, { n: 'x' })), valued(framed(id, {}))])
  t.match(refused, {
    errorCode: errors.INVALID_RECORD,
    errorMessage: '2 of 3 records were refused: The value does not fit schema 1 of orders-value: n: expected number, found string "x".',
    baseOffset: -1,
    recordErrors: [
      { batchIndex: 1, batchIndexErrorMessage: 'The value does not fit schema 1 of orders-value: n: expected number, found string "x".' },
      { batchIndex: 2, batchIndexErrorMessage: 'The value does not fit schema 1 of orders-value: n: expected number, found nothing.' }
    ]
  })
  t.equal(refused.recordErrors.length, 2)
  t.same(await house.values('orders'), ['\0\0\0\0\x01{"n":1}', '\0\0\0\0\x01{"n":2}'])
  t.same([...house.stats.faults()], [['orders', 'rejected', 'payload', 2]])
  t.equal(house.stats.validated, 5)
})

t.test('what a record may name depends on the level', async t => {
  const house = await openHouse(t)
  const { id } = house.catalog.register('orders-value', 'Order')
  const other = house.catalog.register('others-value', 'Other')
  const gone = house.catalog.register('orders-value', 'Gone')
  const broken = house.catalog.register('orders-value', 'broken')
  house.catalog.register('gone-value', 'Gone', { id: gone.id })
  house.catalog.delete('gone-value')
  await house.create('off')
  await house.create('orders', ID)
  await house.create('strict', { ...PAYLOAD, 'barnabas.value.subject.name.strategy': 'RecordName' })
  await house.create('gone', ID)
  const fate = async (topic: string, value: Buffer | string): Promise<string | null> =>
    (await house.send(topic, [valued(value)])).recordErrors[0]?.batchIndexErrorMessage ?? null

  t.equal(await fate('off', 'anything'), null)
  t.equal(await fate('orders', framed(id, 'whatever')), null, 'the payload is not looked at')
  t.equal(await fate('orders', framed(broken.id, 1)), null, 'nor is the schema')
  t.match(await fate('orders', framed(999, 1)), 'The value names schema 999, which is not registered here.')
  t.match(await fate('orders', framed(-1, 1)), 'The value names schema -1, which is not registered here.')
  t.match(await fate('orders', framed(other.id, 1)), 'The value names schema 2, which is not registered under the subject orders-value.')
  t.match(await fate('gone', framed(gone.id, 1)), /not registered under the subject gone-value/, 'a schema that was deleted')
  t.match(await fate('orders', '{"n":1}'), 'The value names no schema: expected 00 and the id of one (4 bytes) before the payload, ' +
    'or a header __value_schema_id; found "{\\"n\\":1}".')
  t.match(await fate('orders', Buffer.from([0, 0, 0, 1])), /found 00 00 00 01\./)
  t.match(await fate('orders', ''), /found nothing\./)

  house.catalog.register('Order', 'Order', { id })
  t.match(await fate('strict', framed(id, { n: 1 })), null)
  t.match(await fate('strict', framed(id, { n: '' })), /does not fit schema 1 of Order/)
  t.match(await fate('strict', framed(other.id, { n: 1 })), /not registered under the subject Other/)
  t.match(await fate('strict', framed(broken.id, { n: 1 })), /cannot be used: a schema that nobody can read/)
})

t.test('GUIDs and headers name a schema as well, and Protobuf its message', async t => {
  const house = await openHouse(t)
  const { guid } = house.catalog.register('orders-value', 'Order')
  const proto = house.catalog.register('protos-value', 'Proto', { type: 'PROTOBUF' })
  await house.create('orders', PAYLOAD)
  await house.create('protos', PAYLOAD)
  const v1 = Buffer.from(`01${guid.replaceAll('-', '')}`, 'hex')
  const good = Buffer.from('{"n":1}')
  const bad = Buffer.from('{}')
  const code = async (topic: string, value: Buffer, header?: Buffer | null): Promise<number> => {
    const headers = header === undefined ? [] : [{ key: 'other', value: null }, { key: '__value_schema_id', value: header }, { key: 'more', value: good }]
    return (await house.send(topic, [valued(value, { headers })])).errorCode
  }
  t.equal(await code('orders', Buffer.concat([v1, good])), errors.NONE)
  t.equal(await code('orders', Buffer.concat([v1, bad])), errors.INVALID_RECORD)
  t.equal(await code('orders', good, v1), errors.NONE)
  t.equal(await code('orders', bad, v1), errors.INVALID_RECORD)
  t.equal(await code('orders', good, Buffer.from([0, 0, 0, 0, 1])), errors.NONE)
  t.equal(await code('orders', framed(1, { n: 1 }), Buffer.from('nonsense')), errors.INVALID_RECORD, 'readers would go by the header')
  t.equal(await code('orders', framed(1, { n: 1 }), null), errors.INVALID_RECORD)
  const twice = async (...values: readonly Buffer[]): Promise<number> =>
    (await house.send('orders', [valued(good, { headers: values.map(value => ({ key: '__value_schema_id', value })) })])).errorCode
  t.equal(await twice(Buffer.from('nonsense'), v1), errors.NONE, 'the last header of the name, as for readers')
  t.equal(await twice(v1, Buffer.from('nonsense')), errors.INVALID_RECORD)
  const withIndexes = (indexes: string): Buffer => Buffer.concat([framed(proto.id, 0).subarray(0, 5), Buffer.from(indexes, 'hex'), good])
  t.equal(await code('protos', withIndexes('00')), errors.NONE)
  t.equal(await code('protos', withIndexes('0202')), errors.NONE)
  t.match((await house.send('protos', [valued(withIndexes('feffffff0f'))])).errorMessage, /message indexes before the payload/)
})

t.test('null keys and tombstones pass, unless those are refused', async t => {
  const house = await openHouse(t)
  const { id } = house.catalog.register('orders-key', 'Key')
  await house.create('orders', { ...PAYLOAD, 'barnabas.key.validation': 'payload' })
  t.match(await house.send('orders', [valued(null), valued(null, { key: framed(id, { n: 1 }) })]), { errorCode: errors.NONE })
  t.match((await house.send('orders', [valued(null, { key: framed(id, {}) })])).errorMessage, /The key does not fit schema 1 of orders-key/)
  t.match(await house.configure('orders', { 'barnabas.validation.tombstones': 'refuse', 'barnabas.value.validation': null }), { errorCode: errors.NONE })
  t.match((await house.send('orders', [valued(null)])).errorMessage, /has no value, and the topic refuses those/)
  t.match(await house.send('orders', [valued('anything')]), { errorCode: errors.NONE })
})

t.test('the other partitions of the request are appended, and the answers stand in its order', async t => {
  const house = await openHouse(t)
  const { id } = house.catalog.register('orders-value', 'Order')
  await house.create('orders', PAYLOAD, 3)
  await house.create('plain')
  const good = buildBatch([valued(framed(id, { n: 1 }))])
  const bad = buildBatch([valued('bad')])
  const { responses } = await house.ask(Produce, produceOf({ orders: { 0: good, 1: bad, 2: good }, plain: { 0: bad, 7: bad } }), 12)
  t.match(responses, [
    { name: 'orders', partitionResponses: [{ index: 0, errorCode: 0 }, { index: 1, errorCode: errors.INVALID_RECORD }, { index: 2, errorCode: 0 }] },
    { name: 'plain', partitionResponses: [{ index: 0, errorCode: 0 }, { index: 7, errorCode: errors.UNKNOWN_TOPIC_OR_PARTITION }] }
  ])
  for (const [partition, count] of [1, 0, 1].entries()) t.equal((await house.values('orders', partition)).length, count)
  t.match(await house.ask(Produce, produceOf({ orders: { 1: bad } }), 12), { responses: [{ partitionResponses: [{ errorCode: errors.INVALID_RECORD }] }] })
})

t.test('newer clients name topics by their ids', async t => {
  const house = await openHouse(t)
  await house.create('orders', PAYLOAD)
  await house.create('plain')
  const { topics } = await house.ask(Metadata, { topics: [{ name: 'orders' }, { name: 'plain' }] })
  const partitionData = [{ index: 0, records: [buildBatch([valued('bad')]).bytes] }]
  const { responses } = await house.ask(Produce, {
    acks: -1, timeoutMs: 1000, topicData: topics.map(({ topicId }) => ({ topicId, partitionData }))
  }, 13)
  t.match(responses, topics.map(({ topicId }, i) => ({
    topicId, partitionResponses: [{ index: 0, errorCode: i === 0 ? errors.INVALID_RECORD : errors.NONE }]
  })))
})

t.test('compressed batches are looked into, and appended as they came', async t => {
  const house = await openHouse(t)
  const { id } = house.catalog.register('orders-value', 'Order')
  await house.create('orders', PAYLOAD)
  for (const compression of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
    t.match(await house.send('orders', [valued(framed(id, { n: 1 })), valued('bad')], { compression }), { recordErrors: [{ batchIndex: 1 }] }, compression)
    t.match(await house.send('orders', [valued(framed(id, { n: 1 }))], { compression }), { errorCode: errors.NONE }, compression)
  }
  t.equal((await house.values('orders')).length, 4)
})

t.test('batches that cannot be looked into do not get in', async t => {
  const house = await openHouse(t)
  const { id } = house.catalog.register('orders-value', 'Order')
  await house.create('orders', PAYLOAD)
  const send = async (bytes: Buffer | null): Promise<number> => {
    const { responses } = await house.ask(Produce, {
      acks: -1, timeoutMs: 1000, topicData: [{ name: 'orders', partitionData: [{ index: 0, records: bytes === null ? null : [bytes] }] }]
    }, 12)
    return responses[0]!.partitionResponses[0]!.errorCode
  }
  const good = (): Buffer => Buffer.from(buildBatch([valued(framed(id, { n: 1 }))]).bytes)
  const changed = (change: (bytes: Buffer) => void, seal = true): Buffer => {
    const bytes = good()
    change(bytes)
    if (seal) new RecordBatch(bytes).seal()
    return bytes
  }
  t.equal(await send(null), errors.INVALID_RECORD)
  t.equal(await send(Buffer.alloc(10)), errors.INVALID_RECORD)
  t.equal(await send(Buffer.concat([good(), good()])), errors.INVALID_RECORD, 'two batches')
  t.equal(await send(changed(bytes => { bytes[16] = 1 }, false)), errors.INVALID_RECORD, 'an old format')
  t.equal(await send(changed(bytes => { bytes[HEADER] = 0xff }, false)), errors.CORRUPT_MESSAGE, 'damaged on the way')
  t.equal(await send(changed(bytes => { bytes[HEADER] = 0xff })), errors.INVALID_RECORD, 'put together wrongly')
  t.equal(await send(changed(bytes => bytes.writeInt32BE(2, 57))), errors.INVALID_RECORD, 'fewer records than it says')
  t.equal(await send(changed(bytes => bytes.writeInt32BE(0, 57))), errors.INVALID_RECORD, 'more records than it says')
  t.equal(await send(changed(bytes => bytes.writeInt32BE(-5, 57))), errors.MESSAGE_TOO_LARGE)
  t.equal(await send(changed(bytes => { bytes[22]! = bytes[22]! & ~COMPRESSION_MASK | 4 })), errors.INVALID_RECORD, 'no zstd')
  t.equal(await send(changed(bytes => { bytes[22]! |= 7 })), errors.UNSUPPORTED_COMPRESSION_TYPE)
  t.same(await house.values('orders'), [])
  t.equal(await send(good()), errors.NONE)
})

t.test('a few bytes that become very many are refused in little time', async t => {
  const house = await openHouse(t)
  const { id } = house.catalog.register('orders-value', 'Order')
  await house.create('orders', PAYLOAD)
  const bomb = framed(id, { n: 1, text: ' '.repeat(48 * 1024 * 1024) })
  for (const compression of ['gzip', 'zstd'] as const) {
    const batch = buildBatch([valued(bomb)], { compression })
    t.ok(batch.sizeBytes < 200_000)
    const { responses } = await house.ask(Produce, produceOf({ orders: { 0: batch } }), 12)
    t.match(responses[0]!.partitionResponses[0], { errorCode: errors.MESSAGE_TOO_LARGE }, compression)
  }
})

t.test('a long batch lets others have their turn, and an answer names so many records and no more', async t => {
  const house = await openHouse(t)
  const { id } = house.catalog.register('orders-value', 'Order')
  await house.create('orders', { ...PAYLOAD, 'max.message.bytes': '60000000' })
  let turns = 0
  const timer = setInterval(() => turns++, 1)
  t.teardown(() => clearInterval(timer))
  t.match(await house.send('orders', Array.from({ length: 100_000 }, () => valued(framed(id, { n: 1 }))), { compression: 'zstd' }), { errorCode: 0 })
  t.ok(turns > 5, `${turns} turns`)
  const { validated } = house.stats
  const refused = await house.send('orders', Array.from({ length: 100_000 }, () => valued('bad')), { compression: 'zstd' })
  t.match(refused, { errorCode: errors.INVALID_RECORD, errorMessage: /^At least 100 of 100000 records were refused/ })
  t.equal(refused.recordErrors.length, 100)
  t.equal(house.stats.validated - validated, 100, 'the rest is not looked at')
})

t.test('a schema that was registered elsewhere a moment ago is found', async t => {
  const house = await openHouse(t)
  await house.create('orders', PAYLOAD)
  house.catalog.onRefresh = () => { house.catalog.onRefresh = () => {}; house.catalog.register('orders-value', 'Order') }
  t.match(await house.send('orders', [valued(framed(1, { n: 1 })), valued(framed(1, { n: 2 }))]), { errorCode: errors.NONE })
  t.equal(house.catalog.refreshes, 1)
  house.catalog.onRefresh = () => { house.catalog.register('orders-value', 'Order2') }
  t.match(await house.send('orders', [valued(framed(2, { n: '' }))]), { errorCode: errors.INVALID_RECORD, errorMessage: /n: expected number/ })
})

t.test('who names what nobody knows is not asked about again and again', async t => {
  const house = await openHouse(t)
  await house.create('orders', PAYLOAD)
  for (let i = 0; i < 5; i++) t.match(await house.send('orders', [valued(framed(7, {})), valued(framed(7, {}))]), { errorCode: errors.INVALID_RECORD })
  t.equal(house.catalog.refreshes, 1)
  await house.send('orders', [valued(framed(8, {}))])
  t.equal(house.catalog.refreshes, 2, 'another one is')
  await sleep(1600)
  await house.send('orders', [valued(framed(7, {}))])
  t.equal(house.catalog.refreshes, 3, 'and so is the same one, after a while')
  house.catalog.register('orders-value', 'Order', { id: 7 })
  t.match(await house.send('orders', [valued(framed(7, { n: 1 }))]), { errorCode: errors.NONE }, 'what is registered here is known at once')
})

t.test('while the registry cannot be read, what is known gets in and what is new may be sent again', async t => {
  const house = await openHouse(t)
  const { id } = house.catalog.register('orders-value', 'Order')
  await house.create('orders', PAYLOAD, 2)
  house.catalog.onRefresh = () => { throw new KafkaError('REQUEST_TIMED_OUT', 'nobody answers') }
  const { responses } = await house.ask(Produce, produceOf({
    orders: { 0: buildBatch([valued(framed(id, { n: 1 }))]), 1: buildBatch([valued(framed(99, {}))]) }
  }), 12)
  t.match(responses[0]!.partitionResponses, [
    { errorCode: errors.NONE }, { errorCode: errors.LEADER_NOT_AVAILABLE, errorMessage: /cannot be read just now.*nobody answers/ }
  ])
})

t.test('what was known once is looked up again when the registry changes', async t => {
  const house = await openHouse(t)
  const { id } = house.catalog.register('orders-value', 'Order')
  await house.create('orders', PAYLOAD)
  const send = async (): Promise<number> => (await house.send('orders', [valued(framed(id, { n: 1 })), valued(framed(id, { n: 1 }))])).errorCode
  t.equal(await send(), errors.NONE)
  t.match(house.stats, { cacheHits: 1, cacheMisses: 1 })
  t.equal(await send(), errors.NONE)
  t.match(house.stats, { cacheHits: 3, cacheMisses: 1 })
  house.catalog.delete('orders-value')
  t.equal(await send(), errors.INVALID_RECORD)
})

t.test('shadow lets everything in, counts it and tells of it', async t => {
  const house = await openHouse(t)
  await house.create('orders', { ...PAYLOAD, 'barnabas.validation.action': 'shadow' })
  t.match(await house.send('orders', Array.from({ length: 300 }, () => valued('bad'))), { errorCode: errors.NONE })
  t.equal((await house.values('orders')).length, 300)
  t.same([...house.stats.faults()], [['orders', 'let-in', 'no-id', 300]])
  t.match(house.letIn, [/^orders-0 300 The value names no schema/])
})

t.test('acks=0: good batches are appended, bad ones dropped and counted', async t => {
  const house = await openHouse(t)
  const { id } = house.catalog.register('orders-value', 'Order')
  await house.create('orders', PAYLOAD, 2)
  const { responses } = await house.ask(Produce, produceOf({
    orders: { 0: buildBatch([valued('bad')]), 1: buildBatch([valued(framed(id, { n: 1 }))]) }
  }, 0), 12)
  t.same(responses[0]!.partitionResponses.map(({ index, errorCode }) => [index, errorCode]), [[1, errors.NONE]], 'nothing that costs the connection')
  t.match(await house.send('orders', [valued(framed(id, { n: 2 }))], {}, 1), { baseOffset: 1 }, 'and durable behind it')
  t.same([(await house.values('orders', 0)).length, (await house.values('orders', 1)).length], [0, 2])
  t.same([...house.stats.faults()], [['orders', 'rejected', 'no-id', 1]])
})

t.test('the sequence of an idempotent producer does not move on over a batch that was refused', async t => {
  const house = await openHouse(t)
  const { id } = house.catalog.register('orders-value', 'Order')
  await house.create('orders', PAYLOAD)
  const send = async (n: unknown, baseSequence: number, producerEpoch = 0): Promise<number> =>
    (await house.send('orders', [valued(framed(id, { n }))], { producerId: 9, producerEpoch, baseSequence })).errorCode
  t.equal(await send(1, 0), errors.NONE)
  t.equal(await send('bad', 1), errors.INVALID_RECORD)
  t.equal(await send(2, 2), errors.OUT_OF_ORDER_SEQUENCE_NUMBER, 'what was sent behind it does not overtake')
  t.equal(await send(3, 1), errors.NONE, 'a producer that counts what was appended goes on')
  t.equal(await send('bad', 2), errors.INVALID_RECORD)
  t.equal(await send(4, 3), errors.OUT_OF_ORDER_SEQUENCE_NUMBER)
  t.equal(await send(4, 0, 1), errors.NONE, 'and so does one that begins a new epoch')
  t.equal(await send(4, 0, 1), errors.NONE, 'what is sent twice is appended once')
  t.same((await house.values('orders')).map(text => text!.slice(5)), ['{"n":1}', '{"n":3}', '{"n":4}'])
})

t.test('nobody gets past before what topics ask for is known', async t => {
  const house = await openHouse(t)
  await house.create('orders', PAYLOAD)
  const table = new ValidationTable(house.store)
  const dispatch = validate({ table, catalog: house.catalog, stats: house.stats })(house.engine)
  const sent = dispatch(Produce, complete(Produce.request, produceOf({ orders: { 0: buildBatch([valued('bad')]) } })), { ...context, version: 12 })
  const first = await Promise.race([sent.then(() => 'answered'), sleep(50, 'waits')])
  t.equal(first, 'waits')
  table.opened()
  t.match(await sent, { responses: [{ partitionResponses: [{ errorCode: errors.INVALID_RECORD }] }] })
})
