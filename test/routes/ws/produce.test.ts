import t from 'tap'
import fc from 'fast-check'
import { isUtf8 } from 'node:buffer'
import { KafkaError } from '../../../protocol/errors.ts'
import { recordsIn } from '../../../protocol/records.ts'
import { limits } from '../../../routes/ws/limits.ts'
import { eventually, openBoth } from './support.ts'

t.test('records get a place and a time each', async t => {
  const { peer, log } = await openBoth(t)
  const before = Date.now()
  peer.send({ type: 'produce', id: 'p1', topic: 'a', records: [{ value: 'one' }, { key: 'k', value: { two: 2 } }] })
  const { id, results } = await peer.next('produced')
  t.equal(id, 'p1')
  t.match(results, [{ partition: 0, offset: 0 }, { partition: 0, offset: 1 }])
  for (const { timestamp } of results) t.ok(Date.parse(timestamp) >= before && Date.parse(timestamp) <= Date.now())
  t.strictSame(log.values('a'), ['one', '{"two":2}'])
})

t.test('the partition is the one that is named, or that of the key', async t => {
  const { peer, log } = await openBoth(t, { partitions: 4 })
  peer.send({ type: 'produce', id: 'p', topic: 'a', records: [{ value: 1, partition: 3 }, { value: 2, key: 'k' }, { value: 3, key: 'k' }] })
  const { results: [named, one, other] } = await peer.next('produced')
  t.match(named, { partition: 3, offset: 0 })
  t.equal(one!.partition, other!.partition)
  t.strictSame(log.values('a', one!.partition), ['2', '3'])
})

t.test('what is read back is what was sent', async t => {
  const { peer } = await openBoth(t)
  let run = 0
  const isJson = (text: string): boolean => {
    try {
      JSON.parse(text)
      return true
    } catch {
      return false
    }
  }
  const text = fc.string({ unit: 'grapheme' })
  // The one exception that docs/websocket.md tells of.
  const value = fc.jsonValue().filter(value => !(typeof value === 'string' && isJson(value)))
  const header = fc.oneof(fc.record({ name: text, value: fc.option(text) }))
  const bytes = fc.uint8Array().map(bytes => Buffer.from(bytes)).filter(bytes => !isUtf8(bytes))
    .map(bytes => ({ value: bytes.toString('base64'), valueEncoding: 'base64' }))
  const record = fc.tuple(fc.oneof(fc.record({ value }), bytes), fc.record({ key: fc.option(text), headers: fc.array(header, { maxLength: 3 }) }))
    .map(([value, rest]) => ({ ...rest, ...value }))
  await fc.assert(fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 5 }), async records => {
    const topic = `t${run++}`
    peer.send({ type: 'produce', id: 'p', topic, records })
    const sent = JSON.stringify(await peer.find('produced'))
    if (sent.includes('error')) throw new Error(sent)
    peer.send({ type: 'subscribe', id: topic, topics: [topic], from: 'earliest', credit: { records: records.length } })
    const back = await peer.records(records.length)
    peer.send({ type: 'unsubscribe', id: topic })
    for (const [i, record] of records.entries()) {
      const { topic: _t, partition: _p, offset: _o, timestamp: _s, ...rest } = back[i] as unknown as Record<string, unknown>
      // JSON has no -0.
      t.strictSame(rest, JSON.parse(JSON.stringify(record)), { diagnostic: true })
    }
  }), { numRuns: 60 })
})

t.test('bytes, tombstones, header encodings and large numbers arrive as they are', async t => {
  const { peer, log } = await openBoth(t)
  const bytes = Buffer.from([0, 255, 128])
  peer.socket.send(`{"type":"produce","id":"p","topic":"a","records":[
    {"value":"${bytes.toString('base64')}","valueEncoding":"base64","key":"/w==","keyEncoding":"base64",
     "headers":[{"name":"h","value":"/w==","encoding":"base64"}]},
    {"key":"gone","value":null},
    {"value":{"id":12345678901234567890,"e":1e400}},
    {"value":"17"}]}`)
  await peer.next('produced')
  const [first, second, third, fourth] = log.topics.get('a')!.partitions[0]!.batches.flatMap(batch => [...recordsIn(batch)])
  t.same(first!.value, bytes)
  t.same(first!.key, Buffer.from([255]))
  t.same(first!.headers, [{ key: 'h', value: Buffer.from([255]) }])
  t.equal(second!.value, null)
  t.equal(third!.value!.toString(), '{"id":12345678901234567890,"e":1e400}')
  t.equal(fourth!.value!.toString(), '17', 'a string is stored as its text')
})

t.test('one record can be refused while others are appended', async t => {
  const { peer, log } = await openBoth(t)
  log.create('a')
  peer.send({ type: 'produce', id: 'p', topic: 'a', records: [{ value: 'good' }, { value: 'lost', partition: 7 }] })
  const { results } = await peer.next('produced')
  t.match(results, [{ offset: 0 }, { error: { status: 404, detail: /partition 7/, kafka: { name: 'UNKNOWN_TOPIC_OR_PARTITION' } } }])
  t.strictSame(log.values('a'), ['good'])
})

t.test('a topic that cannot be written to is an error', async t => {
  const { peer, log } = await openBoth(t, { autoCreate: false })
  peer.send({ type: 'produce', id: 'p', topic: 'a', records: [{ value: 1 }] })
  t.match(await peer.next('error'), { id: 'p', retry: false, problem: { status: 404 } })
  peer.send({ type: 'produce', id: 'p', topic: 'not a name', records: [{ value: 1 }] })
  t.match(await peer.next('error'), { id: 'p', retry: false, problem: { status: 400 } })
  log.create('a')
  log.before = ({ name }) => { if (name === 'Produce') throw new KafkaError('KAFKA_STORAGE_ERROR') }
  peer.send({ type: 'produce', id: 'p', topic: 'a', records: [{ value: 1 }] })
  t.match(await peer.next('error'), { id: 'p', retry: true, problem: { status: 503 } })
})

t.test('what one session sends to a topic is appended in that order, and only so much at a time', async t => {
  const { peer, log } = await openBoth(t)
  log.create('a')
  log.create('b')
  // The first append takes its time; without a queue, the others would overtake it.
  const { promise: held, resolve: release } = Promise.withResolvers<undefined>()
  let first = true
  log.before = async ({ name }) => {
    if (name !== 'Metadata' || !first) return
    first = false
    await held
  }
  for (let i = 0; i < limits.produceInFlight - 1; i++) peer.send({ type: 'produce', id: `p${i}`, topic: 'a', records: [{ value: i }] })
  peer.send({ type: 'produce', id: 'b', topic: 'b', records: [{ value: 'other' }] })
  t.match(await peer.next('produced'), { id: 'b' }, 'another topic does not wait')
  peer.send({ type: 'produce', id: 'last', topic: 'a', records: [{ value: 'last' }] })
  peer.send({ type: 'produce', id: 'more', topic: 'a', records: [{ value: 'more' }] })
  t.match(await peer.next('error'), { id: 'more', retry: true, problem: { status: 429 } })
  release(undefined)
  for (let i = 0; i < limits.produceInFlight - 1; i++) t.match(await peer.next('produced'), { id: `p${i}`, results: [{ offset: i }] })
  t.match(await peer.next('produced'), { id: 'last' })
})

t.test('records that were sent are appended, even if the client leaves before it hears of it', async t => {
  const { peer, log } = await openBoth(t)
  log.create('a')
  const { promise: held, resolve: release } = Promise.withResolvers<undefined>()
  const { promise: reached, resolve: onReached } = Promise.withResolvers<undefined>()
  log.before = async ({ name }) => {
    if (name !== 'Produce') return
    onReached(undefined)
    await held
  }
  peer.send({ type: 'produce', id: 'p', topic: 'a', records: [{ value: 'kept' }] })
  await reached
  await peer.close()
  release(undefined)
  await eventually(() => log.values('a').length > 0)
  t.strictSame(log.values('a'), ['kept'])
})
