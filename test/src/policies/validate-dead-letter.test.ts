/** Records that do not pass, kept elsewhere with the reason. */
import t from 'tap'
import { errors } from '../../../protocol/errors.ts'
import { Produce } from '../../../protocol/messages/00-produce.ts'
import { buildBatch } from '../../../protocol/records.ts'
import { framed, openHouse, produceOf, valued, type House } from './validate-kit.ts'

const configs = {
  'barnabas.value.validation': 'payload', 'barnabas.validation.action': 'dead-letter', 'barnabas.validation.dead.letter.topic': 'orders.bad'
}

async function house (t: Parameters<typeof openHouse>[0], partitions = 1): Promise<House & { readonly id: number }> {
  const opened = await openHouse(t)
  const { id } = opened.catalog.register('orders-value', 'Order')
  await opened.create('orders', configs, partitions)
  return { ...opened, id }
}

const text = (value: Buffer | null): string => value!.toString()

t.test('the bad records of a batch are kept as they are, and the rest is appended', async t => {
  const { id, send, stored, values, stats } = await house(t)
  const key = Buffer.from('k')
  const answer = await send('orders', [
    valued(framed(id, { n: 1 })),
    valued(framed(id, { n: 'x' }), { key, timestampMs: 1234, headers: [{ key: 'trace', value: Buffer.from('7') }] }),
    valued(framed(id, { n: 2 }))
  ], { compression: 'gzip' })
  t.match(answer, { errorCode: errors.NONE, baseOffset: -1, recordErrors: [] }, 'which offset each record has cannot be told')
  t.same((await values('orders')).map(value => value!.slice(5)), ['{"n":1}', '{"n":2}'])
  const [letter, ...more] = await stored('orders.bad')
  t.same(more, [])
  t.match(letter, { key, value: framed(id, { n: 'x' }), timestampMs: 1234 })
  t.strictSame(letter!.headers.map(({ key, value }) => [key, text(value)]), [
    ['trace', '7'],
    ['__barnabas.dlq.topic', 'orders'],
    ['__barnabas.dlq.partition', '0'],
    ['__barnabas.dlq.part', 'value'],
    ['__barnabas.dlq.class', 'payload'],
    ['__barnabas.dlq.path', 'n'],
    ['__barnabas.dlq.reason', 'The value does not fit schema 1 of orders-value: n: expected number, found string "x".'],
    ['__barnabas.dlq.principal', 'User:ANONYMOUS'],
    ['__barnabas.dlq.client', 'test']
  ])
  t.same([...stats.faults()], [['orders', 'dead-lettered', 'payload', 1]])
})

t.test('a batch of which nothing is left is a success all the same', async t => {
  const { send, values } = await house(t)
  t.match(await send('orders', [valued('bad'), valued(null)]), { errorCode: errors.NONE })
  t.match(await send('orders', [valued('worse')]), { errorCode: errors.NONE, baseOffset: -1 })
  t.same(await values('orders'), [null])
  t.same(await values('orders.bad'), ['bad', 'worse'])
})

t.test('who counts his records is told which are bad, and the sequence stays where it was', async t => {
  const { id, send, values } = await house(t)
  const answer = await send('orders', [valued(framed(id, { n: 1 })), valued('bad')], { producerId: 5, producerEpoch: 0, baseSequence: 0 })
  t.match(answer, { errorCode: errors.INVALID_RECORD, recordErrors: [{ batchIndex: 1, batchIndexErrorMessage: /It is kept in the topic orders\.bad\.$/ }] })
  t.match(await send('orders', [valued(framed(id, { n: 1 }))], { producerId: 5, producerEpoch: 0, baseSequence: 0 }), { errorCode: errors.NONE })
  t.same((await values('orders')).length, 1)
  t.same(await values('orders.bad'), ['bad'])
})

t.test('over HTTP each record has an answer of its own', async t => {
  const { ask, values } = await house(t)
  const { responses } = await ask(Produce, produceOf({ orders: { 0: buildBatch([valued('bad')]) } }), 12, 'http')
  t.match(responses, [{ partitionResponses: [{ errorCode: errors.INVALID_RECORD, recordErrors: [{ batchIndex: 0 }] }] }])
  t.same(await values('orders.bad'), ['bad'])
})

t.test('what cannot be kept is refused, and nothing of its batch appended', async t => {
  const { id, create, send, values, stats } = await house(t)
  await create('orders.bad', { 'max.message.bytes': '100' })
  t.match(await send('orders', [valued(framed(id, { n: 1 })), valued('bad')]), {
    errorCode: errors.INVALID_RECORD,
    recordErrors: [{ batchIndex: 1, batchIndexErrorMessage: /It is not kept either: the topic orders\.bad cannot be written to: .*max\.message\.bytes/ }]
  })
  t.same(await values('orders'), [])
  t.same([...stats.faults()], [['orders', 'rejected', 'no-id', 1]])
})

t.test('the other partitions of the request do not notice, and partitions stay apart', async t => {
  const { id, ask, create, values } = await house(t, 3)
  await create('orders.bad', {}, 2)
  const good = (n: number): ReturnType<typeof valued> => valued(framed(id, { n }))
  const batches = { 0: buildBatch([good(1)]), 1: buildBatch([valued('bad1'), good(2)]), 2: buildBatch([valued('bad2')]) }
  const { responses } = await ask(Produce, produceOf({ orders: batches }), 12)
  t.match(responses[0]!.partitionResponses, [
    { index: 0, baseOffset: 0, errorCode: 0 }, { index: 1, baseOffset: -1, errorCode: 0 }, { index: 2, baseOffset: -1, errorCode: 0 }
  ])
  t.same([(await values('orders', 0)).length, (await values('orders', 1)).length, (await values('orders', 2)).length], [1, 1, 0])
  t.same([await values('orders.bad', 0), await values('orders.bad', 1)], [['bad2'], ['bad1']])
})

t.test('many are kept in several batches, in order', async t => {
  const { send, values, configure } = await house(t)
  await configure('orders', { 'max.message.bytes': '10000000' })
  const bad = Array.from({ length: 30 }, (_, i) => String(i).padStart(100_000, '.'))
  t.match(await send('orders', bad.map(value => valued(value))), { errorCode: errors.NONE })
  t.same(await values('orders.bad'), bad)
})
