import t from 'tap'
import type { Socket } from 'node:net'
import { KafkaError } from '../../../protocol/errors.ts'
import { append, eventually, offsetsOf, openBoth, openPeer, type Message } from './support.ts'

const LOTS = { records: 1000, bytes: 10_000_000 }

t.test('from the earliest record, then caught up, then live', async t => {
  const { peer, log } = await openBoth(t)
  append(log, 'a', ['one', '{"two":2}'])
  peer.send({ type: 'subscribe', id: 's', topics: ['a'], from: 'earliest', credit: LOTS })
  const { cursor } = await peer.next('subscribed')
  const records = await peer.next('records')
  t.match(records, { id: 's', records: [{ topic: 'a', partition: 0, offset: 0, value: 'one' }, { offset: 1, value: { two: 2 } }] })
  t.not(records.cursor, cursor)
  t.match(await peer.next('caught_up'), { id: 's', cursor: records.cursor })
  peer.send({ type: 'produce', id: 'p', topic: 'a', records: [{ value: 'three' }] })
  t.match(await peer.find('records'), { records: [{ offset: 2, value: 'three' }] })
})

t.test('from the latest record is what follows, and is caught up at once', async t => {
  const { peer, log } = await openBoth(t)
  append(log, 'a', ['old'])
  peer.send({ type: 'subscribe', id: 's', topics: ['a'], credit: LOTS })
  await peer.next('subscribed')
  await peer.next('caught_up')
  peer.send({ type: 'produce', id: 'p', topic: 'a', records: [{ value: 'new' }] })
  t.strictSame(offsetsOf(await peer.find('records')), [1])
})

t.test('from a time', async t => {
  const { peer, log } = await openBoth(t)
  append(log, 'a', ['old'])
  await new Promise(resolve => setTimeout(resolve, 5))
  const from = new Date().toISOString()
  append(log, 'a', ['new'])
  peer.send({ type: 'subscribe', id: 's', topics: ['a'], from, credit: LOTS })
  t.strictSame(offsetsOf(await peer.find('records')), [1])
})

t.test('two topics in one subscription, and two subscriptions to one topic', async t => {
  const { peer, log } = await openBoth(t)
  append(log, 'a', ['a0', 'a1'])
  append(log, 'b', ['b0'])
  peer.send({ type: 'subscribe', id: 'both', topics: ['a', 'b'], from: 'earliest', credit: LOTS })
  const values = (await peer.records(3)).map(({ topic, value }) => `${topic} ${String(value)}`)
  t.strictSame(values.sort(), ['a a0', 'a a1', 'b b0'])
  await peer.find('caught_up')
  peer.send({ type: 'subscribe', id: 'one', topics: ['a'], from: 'earliest', credit: LOTS })
  t.match(await peer.find('records'), { id: 'one', records: [{ value: 'a0' }, { value: 'a1' }] })
})

t.test('a reader that comes back with its cursor gets exactly the next record, wherever it was cut off', async t => {
  const { peer, log, url } = await openBoth(t, { partitions: 3 })
  const COUNT = 60
  log.create('a', 3)
  for (let i = 0; i < COUNT; i++) append(log, 'a', [String(i)], i % 3)
  // One record a message, so that there is a cursor for every place.
  peer.send({ type: 'subscribe', id: 's', topics: ['a'], from: 'earliest', credit: { records: 1 } })
  const cuts: { cursor: string, seen: Map<number, number> }[] = []
  const seen = new Map<number, number>([[0, 0], [1, 0], [2, 0]])
  cuts.push({ cursor: (await peer.next('subscribed')).cursor, seen: new Map(seen) })
  for (let i = 0; i < COUNT; i++) {
    const { cursor, records: [record] } = await peer.next('records')
    t.equal(record!.offset, seen.get(record!.partition), 'in the order of its partition')
    seen.set(record!.partition, record!.offset + 1)
    cuts.push({ cursor, seen: new Map(seen) })
    peer.send({ type: 'credit', id: 's', records: 1 })
  }
  for (const { cursor, seen } of cuts) {
    const back = await openPeer(t, url)
    back.send({ type: 'subscribe', id: 's', topics: ['a'], from: cursor, credit: LOTS })
    const missing = COUNT - [...seen.values()].reduce((sum, count) => sum + count, 0)
    for (const { partition, offset } of await back.records(missing)) {
      if (offset !== seen.get(partition)) t.fail(`expected offset ${seen.get(partition)} in partition ${partition}, got ${offset}`)
      seen.set(partition, offset + 1)
    }
    t.strictSame([...seen.values()], [20, 20, 20])
    await back.find('caught_up')
    await back.close()
  }
})

t.test('a cursor that came with the end of a subscription is not ahead of what was sent', async t => {
  const { peer, log } = await openBoth(t)
  append(log, 'a', Array.from({ length: 20 }, (_, i) => String(i)))
  peer.send({ type: 'subscribe', id: 's', topics: ['a'], from: 'earliest', credit: { records: 5 } })
  await peer.records(5)
  // In one packet, so that the server reads the second before it has come to send what the first allows.
  const { _socket: stream } = peer.socket as unknown as { _socket: Socket }
  stream.cork()
  peer.send({ type: 'credit', id: 's', records: 5 }, { type: 'unsubscribe', id: 's' })
  stream.uncork()
  let got = 5
  let message: Message
  while ((message = await peer.next()).type !== 'complete') got += message.records?.length ?? 0
  peer.send({ type: 'subscribe', id: 's', topics: ['a'], from: message.cursor, credit: { records: 1 } })
  t.strictSame(offsetsOf(await peer.find('records')), [got])
})

t.test('an end that comes while a subscription is being opened waits for that', async t => {
  const { peer, log, door } = await openBoth(t)
  log.create('a')
  peer.send({ type: 'subscribe', id: 's', topics: ['a'], credit: LOTS }, { type: 'unsubscribe', id: 's' })
  await peer.find('complete')
  peer.send({ type: 'subscribe', id: 's', topics: ['a'] })
  await peer.next('subscribed')
  t.equal(door.stats.webSocket.subscriptions, 1)
  t.equal(door.feeds.size, 1)
  await peer.close()
  await eventually(() => door.feeds.size === 0)
  t.equal(door.stats.webSocket.subscriptions, 0)
})

t.test('records that retention has deleted are a gap, and it goes on behind it', async t => {
  const { peer, log, door, url } = await openBoth(t)
  append(log, 'a', ['0', '1', '2', '3', '4'])
  peer.send({ type: 'subscribe', id: 's', topics: ['a'], from: 'earliest', credit: { records: 2 } })
  await peer.records(2)
  await peer.settled()
  log.deleteBefore('a', 0, 4)
  const back = await openPeer(t, url)
  peer.send({ type: 'unsubscribe', id: 's' })
  const { cursor } = await peer.next('complete')
  back.send({ type: 'subscribe', id: 's', topics: ['a'], from: cursor, credit: LOTS })
  await back.next('subscribed')
  const gap = await back.next('gap')
  t.match(gap, { id: 's', topic: 'a', partition: 0, requested: 2, actual: 4, reason: 'retention' })
  t.strictSame(offsetsOf(await back.next('records')), [4])
  t.equal(door.stats.webSocket.gaps, 1)

  back.send({ type: 'subscribe', id: 'stop', topics: ['a'], from: cursor, credit: LOTS, onGap: 'stop' })
  const stopped = await back.find('gap')
  const complete = await back.next('complete')
  t.match(complete, { id: 'stop', cursor: stopped.cursor })
  back.send({ type: 'subscribe', id: 'stop', topics: ['a'], from: stopped.cursor, credit: LOTS, onGap: 'stop' })
  t.strictSame(offsetsOf(await back.find('records')), [4], 'the cursor of the gap is behind it')
})

t.test('another topic of the same name is a gap too', async t => {
  const { peer, log } = await openBoth(t)
  append(log, 'a', ['0', '1'])
  peer.send({ type: 'subscribe', id: 's', topics: ['a'], from: 'earliest', credit: LOTS })
  const { cursor } = await peer.find('records')
  log.topics.delete('a')
  append(log, 'a', ['new'])
  peer.send({ type: 'subscribe', id: 't', topics: ['a'], from: cursor, credit: LOTS })
  t.match(await peer.find('gap'), { id: 't', requested: 2, actual: 0, reason: 'recreated' })
  t.match(await peer.find('records'), { id: 't', records: [{ value: 'new' }] })
})

t.test('a topic that is not there is an error and is not created', async t => {
  const { peer, log, door } = await openBoth(t)
  peer.send({ type: 'subscribe', id: 's', topics: ['nowhere'] })
  t.match(await peer.next('error'), { id: 's', retry: false, problem: { status: 404, detail: /nowhere/, type: 'urn:barnabas:problem:unknown-topic' } })
  t.equal(log.topics.size, 0)
  t.equal(door.stats.webSocket.subscriptions, 0)
  log.create('here')
  peer.send({ type: 'subscribe', id: 's', topics: ['here'] })
  t.match(await peer.next('subscribed'), { id: 's' }, 'the id is free')
})

t.test('an error while a subscription is being opened leaves nothing behind', async t => {
  const { peer, log, door } = await openBoth(t)
  append(log, 'a', ['0'])
  let asked = 0
  log.before = ({ name }) => { if (name === 'ListOffsets' && ++asked === 2) throw new KafkaError('REQUEST_TIMED_OUT') }
  peer.send({ type: 'subscribe', id: 's', topics: ['a'], from: 'earliest' })
  t.match(await peer.next('error'), { id: 's', retry: true, problem: { status: 504 } })
  t.equal(door.feeds.size, 0)
})

t.test('an error while reading ends the subscription and says whether to ask again', async t => {
  const { peer, log, door } = await openBoth(t)
  append(log, 'a', ['0'])
  log.before = ({ name }) => { if (name === 'Fetch') throw new KafkaError('KAFKA_STORAGE_ERROR') }
  peer.send({ type: 'subscribe', id: 's', topics: ['a'], from: 'earliest', credit: LOTS })
  await peer.next('subscribed')
  t.match(await peer.next('error'), { id: 's', retry: true, problem: { status: 503 } })
  t.equal(door.feeds.size, 0)
  log.before = () => {}
  peer.send({ type: 'subscribe', id: 's', topics: ['a'], from: 'earliest', credit: LOTS })
  t.strictSame(offsetsOf(await peer.find('records')), [0])
})
