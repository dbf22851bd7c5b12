import t from 'tap'
import fc from 'fast-check'
import { buildBatch } from '../../../protocol/records.ts'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { limits } from '../../../routes/ws/limits.ts'
import { append, eventually, offsetsOf, openBoth, openPeer, type Message } from './support.ts'

/** The text of the list in a message of records, as it came. */
const listIn = (text: string): string => text.slice(text.indexOf('"records":') + '"records":'.length, -1)

t.test('never more than was granted, in order, and nothing left out', async t => {
  const { peer, log } = await openBoth(t)
  let run = 0
  const values = fc.array(fc.string({ unit: 'grapheme', maxLength: 60 }), { minLength: 1, maxLength: 30 })
  const grants = fc.array(fc.record({ records: fc.nat(6), bytes: fc.nat(900) }), { maxLength: 12 })
  await fc.assert(fc.asyncProperty(values, grants, async (values, grants) => {
    const topic = `t${run++}`
    append(log, topic, values)
    const granted = { records: 0, bytes: 0 }
    const spent = { records: 0, bytes: 0 }
    const offsets: number[] = []
    const hear = (message: Message): void => {
      if (message.type !== 'records') return
      const list = listIn(peer.texts.shift()!)
      spent.records += message.records.length
      spent.bytes += Buffer.byteLength(list)
      if (Buffer.byteLength(list) !== message.bytes) throw new Error(`${message.bytes} bytes were charged for ${Buffer.byteLength(list)}`)
      if (spent.records > granted.records || spent.bytes > granted.bytes) throw new Error(`spent ${JSON.stringify(spent)} of ${JSON.stringify(granted)}`)
      offsets.push(...offsetsOf(message))
    }
    peer.send({ type: 'subscribe', id: topic, topics: [topic], from: 'earliest', credit: { records: 0, bytes: 0 } })
    await peer.next('subscribed')
    for (const grant of grants) {
      granted.records += grant.records
      granted.bytes += grant.bytes
      peer.send({ type: 'credit', id: topic, ...grant })
      for (const message of await peer.settled()) hear(message)
    }
    granted.records += 1000
    granted.bytes += 1_000_000
    peer.send({ type: 'credit', id: topic, records: 1000, bytes: 1_000_000 })
    while (offsets.length < values.length) hear(await peer.next())
    peer.send({ type: 'unsubscribe', id: topic })
    await peer.find('complete')
    const expected = values.map((_, i) => i)
    if (JSON.stringify(offsets) !== JSON.stringify(expected)) throw new Error(`got ${offsets.join()}`)
  }), { numRuns: 150 })
  t.pass(`${run} runs`)
})

t.test('what the first grant leaves out is not limited', async t => {
  const { peer, log } = await openBoth(t)
  append(log, 'a', Array.from({ length: 20 }, () => 'x'.repeat(1000)))
  peer.send({ type: 'subscribe', id: 'records', topics: ['a'], from: 'earliest', credit: { records: 7 } })
  t.strictSame((await peer.records(7)).map(({ offset }) => offset), [0, 1, 2, 3, 4, 5, 6])
  peer.send({ type: 'subscribe', id: 'bytes', topics: ['a'], from: 'earliest' }, { type: 'credit', id: 'bytes', bytes: 5000 })
  const { records, bytes } = await peer.find('records')
  t.equal(records.length, 4)
  t.ok(bytes <= 5000)
})

t.test('a record that is larger than the credit is waited for, and the client is told', async t => {
  const { peer, log, door } = await openBoth(t)
  append(log, 'a', ['ä'.repeat(1000), 'small'])
  peer.send({ type: 'subscribe', id: 's', topics: ['a'], from: 'earliest', credit: { records: 10, bytes: 1200 } })
  await peer.next('subscribed')
  const blocked = await peer.next('blocked')
  t.ok(blocked.bytes > 2000, 'bytes, not characters')
  const missing = blocked.bytes - 1200
  peer.send({ type: 'credit', id: 's', bytes: missing - 1 })
  t.strictSame(await peer.settled(), [], 'one byte too few')
  peer.send({ type: 'credit', id: 's', bytes: 1 })
  t.match(await peer.next('records'), { bytes: blocked.bytes, records: [{ offset: 0 }] })
  t.equal(door.stats.webSocket.creditStalls, 2)
  peer.send({ type: 'credit', id: 's', bytes: 1000 })
  t.strictSame(offsetsOf(await peer.next('records')), [1])
})

t.test('messages are not larger than they may be, unless a record is', async t => {
  const { peer, log } = await openBoth(t)
  append(log, 'a', ['first', 'x'.repeat(900_000), ...Array.from({ length: 30 }, () => 'x'.repeat(50_000)), 'ä'.repeat(400_000)])
  // One batch that is small on the wire and large as JSON, two bytes to the character.
  const many = Array.from({ length: 400 }, () => ({ key: null, value: Buffer.from('ä'.repeat(5000)) }))
  const { partitions: [partition] } = log.topics.get('a')!
  partition!.batches.push(buildBatch(many, { baseOffset: partition!.end, compression: 'gzip' }))
  partition!.end += many.length
  peer.send({ type: 'subscribe', id: 's', topics: ['a'], from: 'earliest', credit: { records: 1000 } })
  const offsets: number[] = []
  let largest = 0
  while (offsets.length < partition!.end) {
    const message = await peer.find('records')
    offsets.push(...offsetsOf(message))
    if (message.records.length > 1) largest = Math.max(largest, message.bytes)
  }
  t.strictSame(offsets, offsets.map((_, i) => i))
  t.ok(largest <= limits.messageBytes && largest > limits.messageBytes * 0.9, `up to ${largest} bytes`)
})

t.test('a grant above the limit does not count', async t => {
  const { peer, log } = await openBoth(t)
  append(log, 'a', ['0', '1'])
  peer.send({ type: 'subscribe', id: 's', topics: ['a'], from: 'earliest', credit: { records: 0, bytes: 0 } })
  await peer.next('subscribed')
  peer.send({ type: 'credit', id: 's', records: limits.creditRecords + 1, bytes: 1000 })
  t.match(await peer.next('error'), { id: 's', retry: false, problem: { status: 400, detail: /Nothing was granted/ } })
  t.strictSame(await peer.settled(), [])
  peer.send({ type: 'credit', id: 's', records: 2, bytes: 1000 })
  t.match(await peer.next('records'), { records: [{}, {}] }, 'the subscription lives')
})

t.test('without credit nothing is fetched and nothing is kept: a thousand subscriptions cost next to nothing', async t => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const used = (): number => {
    collect()
    collect()
    return process.memoryUsage().heapUsed
  }
  const { url, log, door } = await openBoth(t)
  log.create('a')
  const peers = await Promise.all(Array.from({ length: 10 }, () => openPeer(t, url)))
  const before = used()
  for (const peer of peers) {
    for (let i = 0; i < 100; i++) peer.send({ type: 'subscribe', id: `s${i}`, topics: ['a'], from: 'earliest' })
    await peer.settled()
  }
  await eventually(() => door.stats.webSocket.subscriptions === 1000)
  const each = (used() - before) / 1000
  t.ok(each < 6000, `${Math.round(each)} bytes of heap for each subscription`)

  append(log, 'a', Array.from({ length: 2000 }, () => 'x'.repeat(10_000)))
  const empty = used()
  peers[0]!.send({ type: 'produce', id: 'p', topic: 'a', records: [{ value: 'wakes every long poll' }] })
  await peers[0]!.find('produced')
  t.ok(used() - empty < 500_000, '20 MB of records change nothing')
  t.equal(log.calls.get('Fetch') ?? 0, 0, 'nothing was fetched')
  t.equal(log.waiting, 0, 'nothing waits')
})

t.test('however many subscribe, a partition is fetched once', async t => {
  const fetches = async (subscribers: number): Promise<number> => {
    const { url, log, peer } = await openBoth(t)
    log.create('a')
    const peers = await Promise.all(Array.from({ length: subscribers }, () => openPeer(t, url)))
    for (const each of peers) {
      each.send({ type: 'subscribe', id: 's', topics: ['a'], credit: { records: 1000 } })
      await each.find('caught_up')
    }
    for (let i = 0; i < 20; i++) {
      peer.send({ type: 'produce', id: 'p', topic: 'a', records: [{ value: i }, { value: 'more' }] })
      for (const each of peers) {
        const [first, second, ...more] = offsetsOf(await each.next('records'))
        if (first !== 2 * i || second !== 2 * i + 1 || more.length > 0) throw new Error(`got ${first}, ${second}`)
      }
      await peer.find('produced')
    }
    await eventually(() => log.waiting === 1)
    return log.calls.get('Fetch')!
  }
  const [one, many] = [await fetches(1), await fetches(60)]
  t.equal(many, one, `${one} fetches for one and for sixty`)
})

t.test('who does not read holds up nobody and fills nothing, and gets every record when he reads again', async t => {
  const { url, log, door } = await openBoth(t)
  const COUNT = 600
  log.create('a')
  const slow = await openPeer(t, url)
  const quick = await openPeer(t, url)
  slow.send({ type: 'subscribe', id: 's', topics: ['a'], credit: { records: COUNT } })
  await slow.find('caught_up')
  slow.socket.pause()
  append(log, 'a', Array.from({ length: COUNT }, (_, i) => `${i} `.padEnd(100_000, 'x')))
  await quick.send({ type: 'produce', id: 'p', topic: 'a', records: [{ value: 'wake up' }] })
  await quick.find('produced')
  const sent = (): number => door.stats.webSocket.bytesOut
  let last = -1
  while (last !== sent()) {
    last = sent()
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  t.ok(last < 30_000_000, `${last} bytes went out, most of them into the system's buffers`)
  quick.send({ type: 'subscribe', id: 'q', topics: ['a'], from: 'earliest', credit: { records: 20 } })
  t.equal((await quick.records(20)).at(-1)!.offset, 19)
  slow.socket.resume()
  const records = await slow.records(COUNT)
  t.strictSame(records.map(({ offset }) => offset), records.map((_, i) => i))
})

t.test('many subscriptions of one peer that does not read do not all send at once', async t => {
  const { url, log, door } = await openBoth(t)
  const COUNT = 80
  log.create('a')
  const slow = await openPeer(t, url)
  const quick = await openPeer(t, url)
  for (let i = 0; i < COUNT; i++) slow.send({ type: 'subscribe', id: `s${i}`, topics: ['a'], credit: { records: 1 } })
  for (let i = 0; i < COUNT; i++) await slow.find('caught_up')
  await eventually(() => log.waiting === 1)
  slow.socket.pause()
  quick.send({ type: 'produce', id: 'p', topic: 'a', records: [{ value: 'x'.repeat(500_000) }] })
  await quick.find('produced')
  t.ok(door.stats.webSocket.bytesOut < 20_000_000, `${door.stats.webSocket.bytesOut} bytes of 40,000,000`)
  slow.socket.resume()
  const ids = new Set<string>()
  while (ids.size < COUNT) ids.add((await slow.find('records')).id!)
  t.equal(door.stats.webSocket.recordsOut, COUNT)
})

t.test('who asks and does not read is not read either', async t => {
  const { url, door } = await openBoth(t)
  const COUNT = 100_000
  const rude = await openPeer(t, url)
  rude.socket.pause()
  for (let i = 0; i < COUNT; i++) rude.socket.send('{"type":"connect"}')
  const { webSocket: stats } = door.stats
  let last = -1
  while (last !== stats.framesOut) {
    last = stats.framesOut
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  t.ok(stats.framesIn < COUNT, `${stats.framesIn} of ${COUNT} messages were read`)
  rude.socket.resume()
  await eventually(() => stats.framesIn >= COUNT)
})
