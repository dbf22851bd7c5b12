import t from 'tap'
import { KafkaError } from '../../protocol/errors.ts'
import { recordsIn, type LogRecord } from '../../protocol/records.ts'
import { openDoor, type TestDoor } from '../support/http-door.ts'

const recordsOf = ({ log }: TestDoor, topic: string, partition = 0): LogRecord[] =>
  log.topics.get(topic)!.partitions[partition]!.batches.flatMap(batch => [...recordsIn(batch)])

t.test('a body is the value of a record, whatever its content type says', async t => {
  const door = await openDoor(t)
  const bodies: [type: string | undefined, body: string | Buffer][] = [
    [undefined, 'hello'],
    ['application/x-www-form-urlencoded', 'a=b&c=%20'],
    ['application/json', '{ "not": json'],
    ['text/plain; charset=utf-8', 'Grüße'],
    ['application/octet-stream', Buffer.from([0, 255, 10, 13])],
    ['image/png', Buffer.alloc(100_000, 7)],
    ['application/vnd.api+json', '{}']
  ]
  for (const [type, payload] of bodies) {
    const headers = type === undefined ? {} : { 'content-type': type }
    const response = await door.inject({ method: 'POST', url: '/topics/t', payload: Buffer.from(payload), headers })
    t.equal(response.statusCode, 201, type ?? 'no content type')
    const record = recordsOf(door, 't').at(-1)!
    t.same(record.value, Buffer.from(payload))
    t.match(record, { key: null, headers: [] })
  }
})

t.test('the receipt says where the record is, and Location leads there', async t => {
  const { inject } = await openDoor(t, { partitions: 3 })
  const response = await inject({ method: 'POST', url: '/topics/t/records?partition=2', payload: 'x' })
  t.match(response.json(), { topic: 't', partition: 2, offset: 0, timestamp: /^\d{4}-\d\d-\d\dT[\d:.]+Z$/ })
  t.equal(response.headers.location, '/topics/t/partitions/2/records/0')
  t.match((await inject(response.headers.location as string)).json(), { topic: 't', partition: 2, offset: 0, value: 'x', key: null })
  const toPartition = await inject({ method: 'POST', url: '/topics/t/partitions/1?key=k', payload: 'y' })
  t.match(toPartition.json(), { partition: 1, offset: 0 })
})

t.test('a key goes to its partition, also an empty one', async t => {
  const door = await openDoor(t, { partitions: 3 })
  const partitionOf = async (query: string) => {
    const response = await door.inject({ method: 'POST', url: `/topics/t${query}`, payload: 'x' })
    return response.json<{ partition: number }>().partition
  }
  const first = await partitionOf('?key=user%201')
  t.equal(await partitionOf('?key=user+1'), first)
  t.same(recordsOf(door, 't', first).map(({ key }) => key!.toString()), ['user 1', 'user 1'])
  const empty = await partitionOf('?key=')
  t.same(recordsOf(door, 't', empty).at(-1)!.key, Buffer.alloc(0))
})

t.test('an empty body is an empty value, a tombstone is none', async t => {
  const door = await openDoor(t)
  t.equal((await door.inject({ method: 'POST', url: '/topics/t' })).statusCode, 201)
  t.equal((await door.inject({ method: 'POST', url: '/topics/t', payload: '', headers: { 'content-type': 'text/plain' } })).statusCode, 201)
  t.equal((await door.inject({ method: 'POST', url: '/topics/t?key=k&tombstone=true' })).statusCode, 201)
  t.same(recordsOf(door, 't').map(({ value }) => value), [Buffer.alloc(0), Buffer.alloc(0), null])
  const contradiction = await door.inject({ method: 'POST', url: '/topics/t?tombstone=true', payload: 'x' })
  t.match(contradiction.json(), { status: 400, type: 'urn:barnabas:problem:invalid-parameter', detail: /the body must be empty/ })
  const ndjson = { 'content-type': 'application/x-ndjson' }
  t.equal((await door.inject({ method: 'POST', url: '/topics/t?tombstone=true', payload: 'x', headers: ndjson })).statusCode, 400)
})

t.test('parameters that are wrong are named', async t => {
  const { inject, log } = await openDoor(t)
  const faults: [query: string, fault: object][] = [
    ['partition=x', { in: 'query/partition', detail: 'must be integer' }],
    ['partition=-1', { in: 'query/partition', detail: 'must be >= 0' }],
    ['partition=99999999999', { in: 'query/partition', detail: 'must be <= 2147483647' }],
    ['tombstone=maybe', { in: 'query/tombstone', detail: 'must be boolean' }],
    ['key=a&key=b', { in: 'query/key', detail: 'must be string' }],
    ['keys=a', { in: 'query/keys', detail: 'is not known here' }]
  ]
  for (const [query, fault] of faults) {
    const response = await inject({ method: 'POST', url: `/topics/t?${query}`, payload: 'x' })
    t.match(response.json(), { status: 400, type: 'urn:barnabas:problem:invalid-parameter', errors: [fault] }, query)
  }
  t.equal(log.topics.size, 0, 'nothing was created')
})

t.test('what the log refuses is a problem with the Kafka error behind it', async t => {
  const { inject, log } = await openDoor(t, { autoCreate: false, maxMessageBytes: 1000 })
  log.create('t')
  t.match((await inject({ method: 'POST', url: '/topics/nope', payload: 'x' })).json(), {
    type: 'urn:barnabas:problem:unknown-topic',
    status: 404,
    detail: 'There is no topic nope.',
    kafka: { code: 3, name: 'UNKNOWN_TOPIC_OR_PARTITION', retriable: true }
  })
  const elsewhere = await inject({ method: 'POST', url: '/topics/t?partition=4', payload: 'x' })
  t.match(elsewhere.json(), { status: 404, detail: 'Topic t has no partition 4: it has 1.' })
  t.match((await inject({ method: 'POST', url: '/topics/t', payload: 'x'.repeat(2000) })).json(), {
    type: 'urn:barnabas:problem:record-too-large', status: 413, kafka: { name: 'MESSAGE_TOO_LARGE', retriable: false }
  })
  t.match((await inject({ method: 'POST', url: '/topics/no%20good', payload: 'x' })).json(), { type: 'urn:barnabas:problem:invalid-request', status: 400 })
  t.match((await inject({ method: 'POST', url: `/topics/${'%61'.repeat(249)}`, payload: 'x' })).json(), { status: 404 }, 'the longest name fits')
})

t.test('a log that is not there for a while answers 503 and when to come back', async t => {
  const { inject, log, logged } = await openDoor(t)
  log.before = () => { throw new KafkaError('KAFKA_STORAGE_ERROR') }
  const response = await inject({ method: 'POST', url: '/topics/t', payload: 'x' })
  t.match(response.json(), { type: 'urn:barnabas:problem:not-available', status: 503, kafka: { retriable: true } })
  t.equal(response.headers['retry-after'], '1')
  t.same(logged, [], 'it is no fault of the door')
})

t.test('what nobody foresaw is logged, and tells the caller nothing of itself', async t => {
  const { inject, log, logged } = await openDoor(t)
  log.before = () => { throw new Error('the password is hunter2') }
  const response = await inject({ method: 'POST', url: '/topics/t', payload: 'x' })
  t.match(response.json(), { type: 'urn:barnabas:problem:internal-error', status: 500 })
  t.notMatch(response.body, 'hunter2')
  t.match(logged, [/hunter2/])
})

t.test('a request that no path, method or coding fits says so', async t => {
  const { inject } = await openDoor(t)
  t.match((await inject('/nothing/here?x')).json(), { type: 'urn:barnabas:problem:not-found', status: 404, detail: /nothing at \/nothing\/here;/ })
  const wrong = await inject({ method: 'PUT', url: '/topics/t/records', payload: 'x' })
  t.match(wrong.json(), { type: 'urn:barnabas:problem:method-not-allowed', status: 405, allow: ['GET', 'POST'] })
  t.equal(wrong.headers['allow'], 'GET, POST')
  const coded = await inject({ method: 'POST', url: '/topics/t', payload: 'x', headers: { 'content-encoding': 'gzip' } })
  t.match(coded.json(), { type: 'urn:barnabas:problem:unsupported-media-type', status: 415, detail: /gzip is not supported/ })
  t.equal(coded.headers['accept-encoding'], 'identity')
  t.match((await inject({ method: 'POST', url: '/topics/t', payload: 'x', headers: { 'content-type': 'nonsense' } })).json(), { status: 415 })
  t.match((await inject('/topics/%ff')).json(), { status: 400, type: 'urn:barnabas:problem:invalid-request' })
})

t.test('a body that is too large is refused', async t => {
  const { inject } = await openDoor(t, { door: { maxBodyBytes: 1000 } })
  const response = await inject({ method: 'POST', url: '/topics/t', payload: 'x'.repeat(1001) })
  t.match(response.json(), { type: 'urn:barnabas:problem:body-too-large', status: 413 })
})
