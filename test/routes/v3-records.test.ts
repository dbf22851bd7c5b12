import { once } from 'node:events'
import { request, type ClientRequest, type IncomingMessage } from 'node:http'
import t from 'tap'
import { recordsIn } from '../../protocol/records.ts'
import { openDoor, type TestDoor } from '../support/http-door.ts'
import { until } from '../support/until.ts'

const path = '/v3/clusters/memory-cluster/topics/t/records'
const headers = { 'content-type': 'application/json' }

interface Item { error_code: number, message?: string, offset?: number, partition_id?: number }

const itemsOf = (body: string): Item[] => body.split('\r\n').filter(Boolean).map(line => JSON.parse(line) as Item)

async function post ({ inject }: TestDoor, payload: unknown, url = path): Promise<Item[]> {
  const response = await inject({ method: 'POST', url, headers, payload: typeof payload === 'string' ? payload : JSON.stringify(payload) })
  if (response.statusCode !== 200) throw new Error(`${response.statusCode} ${response.body}`)
  return itemsOf(response.body)
}

const stored = ({ log }: TestDoor, partition = 0) => log.topics.get('t')!.partitions[partition]!.batches.flatMap(batch => [...recordsIn(batch)])

t.test('one record, with everything that it can have', async t => {
  const door = await openDoor(t, { partitions: 2 })
  const [receipt] = await post(door, {
    partition_id: 1,
    headers: [{ name: 'a', value: 'MQ==' }, { name: 'b', value: null }, { name: 'a', value: 'Mg==' }, { name: 'c' }],
    key: { type: 'STRING', data: 'user-1' },
    value: { type: 'JSON', data: { visits: 3 } },
    timestamp: '2026-11-21T08:00:00Z'
  })
  t.same(receipt, {
    error_code: 200,
    cluster_id: 'memory-cluster',
    topic_name: 't',
    partition_id: 1,
    offset: 0,
    timestamp: '2026-11-21T08:00:00.000Z',
    key: { type: 'STRING', size: 6 },
    value: { type: 'JSON', size: 12 }
  })
  const [record] = stored(door, 1)
  t.same(record, {
    offset: 0,
    timestampMs: Date.UTC(2026, 10, 21, 8),
    key: Buffer.from('user-1'),
    value: Buffer.from('{"visits":3}'),
    headers: [{ key: 'a', value: Buffer.from('1') }, { key: 'b', value: null }, { key: 'a', value: Buffer.from('2') }, { key: 'c', value: null }]
  }, 'headers keep their order')
})

t.test('the types of data, and what is null', async t => {
  const door = await openDoor(t)
  const values = [
    { type: 'BINARY', data: 'AP8=' }, { type: 'STRING', data: '' }, { type: 'JSON', data: 'text' }, { type: 'JSON', data: 0 },
    { type: 'JSON', data: null }, { type: 'BINARY' }, null
  ]
  const receipts = await post(door, values.map(value => JSON.stringify({ value })).join('') + '{}')
  t.same(receipts.map(({ error_code: code }) => code), Array(8).fill(200))
  t.same(stored(door).map(({ value }) => value), [Buffer.from([0, 255]), Buffer.alloc(0), Buffer.from('"text"'), Buffer.from('0'), null, null, null, null])
  t.match(receipts[5], { value: { type: 'BINARY', size: 0 } })
  t.notOk('value' in receipts[6]!)
})

t.test('numbers keep every digit', async t => {
  const door = await openDoor(t)
  await post(door, '{"value":{"type":"JSON","data":{"id":12345678901234567890}}}')
  t.equal(stored(door)[0]!.value!.toString(), '{"id":12345678901234567890}')
})

t.test('many records, one behind the other with or without space, are answered in order', async t => {
  const door = await openDoor(t)
  const objects = Array.from({ length: 5000 }, (_, i) => `{"value":{"type":"STRING","data":"${i} } { \\" ü"}}` + ['', ' ', '\n', '\r\n\t'][i % 4]!)
  const receipts = await post(door, objects.join(''))
  t.same(receipts.map(({ offset }) => offset), Array.from({ length: 5000 }, (_, i) => i))
  t.same(stored(door).map(({ value }) => Number.parseInt(value!.toString())), Array.from({ length: 5000 }, (_, i) => i))
  t.ok(door.log.calls.get('Produce')! < 50, `${door.log.calls.get('Produce')} batches`)
})

t.test('an object that is no record is answered with an error, and the stream goes on', async t => {
  const door = await openDoor(t)
  const good = '{"value":{"type":"STRING","data":"good"}}'
  const bad: [object: string, message: RegExp][] = [
    ['{"value":{"type":"NOPE","data":1}}', /record\/value\/type must be equal to one of the allowed values: BINARY, JSON, STRING/],
    ['{"value":{"type":"BINARY","data":"!"}}', /record\/value\/data is not base64/],
    ['{"value":{"type":"BINARY","data":{}}}', /record\/value\/data must be a string of base64/],
    ['{"value":{"type":"STRING","data":1}}', /record\/value\/data must be a string, as the type is STRING/],
    ['{"value":{"data":1}}', /There is no schema registry/],
    ['{"key":{"type":"AVRO","data":1}}', /record\/key: the type AVRO needs the text of the schema/],
    ['{"key":{"type":"AVRO","schema":"{}","schema_id":1,"data":1}}', /neither schema_id nor schema_version/],
    ['{"key":{"schema":"{}","data":1}}', /needs its type/],
    ['{"key":{"schema_id":1,"schema_version":1,"data":1}}', /one of the two/],
    ['{"key":{"subject":"s","subject_name_strategy":"TOPIC_NAME","data":1}}', /one of the two/],
    ['{"key":{"subject_name_strategy":"RECORD_NAME","data":1}}', /goes by the name in a schema/],
    ['{"value":{"type":"JSON","schema_id":1,"data":1}}', /schema_id is for formats that have a schema/],
    ['{"partition_id":-1}', /record\/partition_id must be >= 0/],
    ['{"headers":[{"value":"eA=="}]}', /record\/headers\/0 must have required property 'name'/],
    ['{"headers":[{"name":"a","value":"?"}]}', /record\/headers\/0\/value is not base64/],
    ['{"timestamp":"yesterday"}', /"yesterday" is not an ISO 8601 time/],
    ['{"vlaue":{"type":"STRING"}}', /record\/vlaue is not known here/]
  ]
  const items = await post(door, good + bad.map(([object]) => object + good).join(''))
  t.equal(items.length, bad.length * 2 + 1)
  bad.forEach(([, message], i) => t.match(items[i * 2 + 1], { error_code: 422, message }))
  t.match(items.at(-1), { error_code: 200, offset: bad.length })
  t.match(items[1]!.message, /^Error: 42206 : Payload error\. /)
})

t.test('what is not JSON ends the stream, after what came before it', async t => {
  const door = await openDoor(t, { door: { maxBodyBytes: 1000 } })
  const good = '{"value":{"type":"STRING","data":"good"}}'
  const ends: [text: string, message: RegExp][] = [
    ['x', /a JSON object was expected, not "x"/],
    ['[]', /a JSON object was expected, not "\["/],
    ['{"a":}' + good, /./],
    ['{]' + good, /./],
    ['{"value":', /the body ends within an object/],
    ['{"value":{"type":"STRING","data":"' + 'x'.repeat(2000) + '"}}' + good, /longer than 1000 bytes/],
    ['{"value":{"type":"JSON","data":' + '['.repeat(300), /more than 256 levels deep/]
  ]
  for (const [text, message] of ends) {
    const items = await post(door, good + text)
    t.match(items, [{ error_code: 200 }, { error_code: 400, message }], text.slice(0, 20))
    t.equal(items.length, 2)
  }
})

t.test('what the log refuses is told record by record', async t => {
  const door = await openDoor(t, { autoCreate: false, maxMessageBytes: 2000 })
  door.log.create('t')
  const value = (data: string, rest: object = {}) => JSON.stringify({ ...rest, value: { type: 'STRING', data } })
  t.match(await post(door, value('a') + value('x'.repeat(3000)) + value('b', { partition_id: 3 }) + value('c')), [
    { error_code: 200, offset: 0 }, { error_code: 413 }, { error_code: 40402, message: 'Topic t has no partition 3: it has 1.' }, { error_code: 200, offset: 1 }
  ])
  t.match(await post(door, value('a') + value('b'), path.replace('/t/', '/nope/')), [
    { error_code: 40401, message: 'There is no topic nope.' }, { error_code: 40401 }
  ])
})

t.test('what is wrong before the stream begins has a status of its own', async t => {
  const { inject } = await openDoor(t)
  const cluster = await inject({ method: 'POST', url: path.replace('memory-cluster', 'other'), headers, payload: '{}' })
  t.equal(cluster.statusCode, 404)
  t.match(cluster.json(), { error_code: 404, message: /Cluster other/ })
  const type = await inject({ method: 'POST', url: path, headers: { 'content-type': 'text/plain' }, payload: '{}' })
  t.equal(type.statusCode, 415)
  t.match(type.json(), { error_code: 415 })
  t.equal((await inject({ method: 'POST', url: path })).statusCode, 400)
})

async function openStream ({ listen }: TestDoor): Promise<{ upload: ClientRequest, response: IncomingMessage, text: () => string }> {
  const upload = request(`${await listen()}${path}`, { method: 'POST', headers })
  upload.on('error', () => {})
  upload.flushHeaders()
  const [response] = await once(upload, 'response') as [IncomingMessage]
  let text = ''
  response.setEncoding('utf8').on('data', chunk => { text += chunk }).on('error', () => {})
  return { upload, response, text: () => text }
}

t.test('records and receipts go both ways on one connection', async t => {
  const door = await openDoor(t)
  const { upload, response, text } = await openStream(door)
  t.equal(response.statusCode, 200, 'the status comes before the first record')
  for (let i = 0; i < 5; i++) {
    upload.write(`{"value":{"type":"STRING","data":"${i}"}`)
    upload.write('}')
    await until(() => itemsOf(text()).length === i + 1)
    t.equal(itemsOf(text())[i]!.offset, i)
  }
  upload.end()
  await once(response, 'end')
  t.same(door.log.values('t'), ['0', '1', '2', '3', '4'])
})

t.test('a stream is told that the process stops', async t => {
  const door = await openDoor(t)
  const { upload, response, text } = await openStream(door)
  upload.write('{"value":{"type":"STRING","data":"a"}}{"val')
  await until(() => itemsOf(text()).length === 1)
  door.draining.abort()
  await once(response, 'end')
  t.match(itemsOf(text()), [{ error_code: 200 }, { error_code: 50302 }])
  upload.destroy()
})

t.test('a peer that leaves is no error', async t => {
  const door = await openDoor(t)
  const { upload, text } = await openStream(door)
  upload.write('{"value":{"type":"STRING","data":"a"}}{"val')
  await until(() => itemsOf(text()).length === 1)
  upload.destroy()
  await door.app.close()
  t.same(door.logged, [])
  t.same(door.log.values('t'), ['a'])
})
