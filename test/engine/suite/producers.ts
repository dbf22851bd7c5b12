/**
 * Idempotent producers (KIP-98): what is sent twice is there once, and nothing is missing in between.
 */
import type { Test } from 'tap'
import { InitProducerId } from '../../../protocol/messages/22-init-producer-id.ts'
import { Client, LATEST, batchOf, nameOf, type Engine, type TopicRef } from './kit.ts'

const LAST_SEQUENCE = 0x7fffffff

export function producerSuite (t: Test, engine: Engine): void {
  const client = new Client(engine)

  /** What a producer's batch of `count` records from sequence number `baseSequence` on is answered. */
  async function send (topic: TopicRef, producerId: number, baseSequence: number, { epoch = 0, count = 1 } = {}): Promise<string> {
    const values = Array.from({ length: count }, (_, i) => `${epoch}/${baseSequence + i}`)
    const { errorCode, baseOffset } = await client.produce(topic, batchOf(values, { producerId, producerEpoch: epoch, baseSequence }))
    return errorCode === 0 ? `at ${baseOffset}` : nameOf(errorCode)
  }

  t.test('every producer gets an id that nobody had', async t => {
    const versions = client.versions(InitProducerId)
    const ids = new Set([await client.producerId()])
    for (const version of versions) {
      const { producerId, producerEpoch } = await client.call(InitProducerId, { transactionalId: null, transactionTimeoutMs: 0 }, { version })
      t.equal(producerEpoch, 0)
      ids.add(producerId)
    }
    for (const id of await Promise.all(Array.from({ length: 50 }, () => client.producerId()))) ids.add(id)
    t.equal(ids.size, 1 + versions.length + 50)
    t.ok([...ids].every(id => id >= 0))
  })

  t.test('a batch that is sent again is answered with the offset it has, and is there once', async t => {
    const topic = await client.topic()
    const id = await client.producerId()
    t.equal(await send(topic, id, 0, { count: 3 }), 'at 0')
    t.equal(await send(topic, id, 3), 'at 3')
    t.equal(await send(topic, id, 0, { count: 3 }), 'at 0')
    t.equal(await send(topic, id, 3), 'at 3')
    t.equal(await send(topic, id, 4), 'at 4')
    t.strictSame(await client.values(topic), ['0/0', '0/1', '0/2', '0/3', '0/4'])
  })

  t.test('the last five batches are known again, in any order', async t => {
    const topic = await client.topic()
    const id = await client.producerId()
    for (let sequence = 0; sequence < 9; sequence++) await send(topic, id, sequence)
    for (const sequence of [8, 4, 6, 5, 7]) t.equal(await send(topic, id, sequence), `at ${sequence}`)
    t.equal(await send(topic, id, 0), 'OUT_OF_ORDER_SEQUENCE_NUMBER')
    t.equal(await client.offset(topic, LATEST), 9)
  })

  t.test('a gap is refused, and what fills it is not', async t => {
    const topic = await client.topic()
    const id = await client.producerId()
    t.equal(await send(topic, id, 0), 'at 0')
    t.equal(await send(topic, id, 2), 'OUT_OF_ORDER_SEQUENCE_NUMBER')
    t.equal(await send(topic, id, 1), 'at 1')
    t.equal(await send(topic, id, 2), 'at 2')
  })

  t.test('half of a batch that is known is no repetition', async t => {
    const topic = await client.topic()
    const id = await client.producerId()
    t.equal(await send(topic, id, 0, { count: 4 }), 'at 0')
    t.equal(await send(topic, id, 0, { count: 2 }), 'OUT_OF_ORDER_SEQUENCE_NUMBER')
    t.equal(await send(topic, id, 2, { count: 2 }), 'OUT_OF_ORDER_SEQUENCE_NUMBER')
  })

  t.test('a new epoch begins at 0, and the old one is shut out', async t => {
    const topic = await client.topic()
    const id = await client.producerId()
    t.equal(await send(topic, id, 0), 'at 0')
    t.equal(await send(topic, id, 1, { epoch: 1 }), 'OUT_OF_ORDER_SEQUENCE_NUMBER')
    t.equal(await send(topic, id, 0, { epoch: 1 }), 'at 1')
    t.equal(await send(topic, id, 1), 'INVALID_PRODUCER_EPOCH')
    t.equal(await send(topic, id, 0), 'INVALID_PRODUCER_EPOCH')
    t.equal(await send(topic, id, 1, { epoch: 1 }), 'at 2')
  })

  t.test('sequence numbers go on at 0 after 2^31 - 1, also within a batch', async t => {
    const topic = await client.topic()
    const id = await client.producerId()
    t.equal(await send(topic, id, LAST_SEQUENCE - 2), 'at 0', 'a producer that is not known may begin anywhere')
    t.equal(await send(topic, id, LAST_SEQUENCE - 1, { count: 4 }), 'at 1')
    t.equal(await send(topic, id, 1), 'OUT_OF_ORDER_SEQUENCE_NUMBER')
    t.equal(await send(topic, id, LAST_SEQUENCE - 1, { count: 4 }), 'at 1')
    t.equal(await send(topic, id, 2), 'at 5')
  })

  t.test('partitions and producers count for themselves', async t => {
    const [one, other] = [await client.topic(), await client.topic()]
    const [first, second] = [await client.producerId(), await client.producerId()]
    t.equal(await send(one, first, 0), 'at 0')
    t.equal(await send(other, first, 0), 'at 0')
    t.equal(await send(one, second, 0), 'at 1')
    t.equal(await send(one, first, 1), 'at 2')
  })

  t.test('a batch that is refused does not count', async t => {
    const topic = await client.topic()
    const id = await client.producerId()
    const large = batchOf(['x'.repeat(2_000_000)], { producerId: id, producerEpoch: 0, baseSequence: 0 })
    t.equal(nameOf((await client.produce(topic, large)).errorCode), 'MESSAGE_TOO_LARGE')
    t.equal(await send(topic, id, 0), 'at 0')
  })

  t.test('of one batch that is sent many times at once, one is appended and all are answered with its offset', async t => {
    const topic = await client.topic()
    const id = await client.producerId()
    const answers = await Promise.all(Array.from({ length: 20 }, () => send(topic, id, 0)))
    t.strictSame(new Set(answers), new Set(['at 0']))
    t.equal(await client.offset(topic, LATEST), 1)
  })
}
