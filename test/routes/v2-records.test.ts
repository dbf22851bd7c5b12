import t from 'tap'
import { recordsIn } from '../../protocol/records.ts'
import { openDoor, type TestDoor } from '../support/http-door.ts'

const JSON_V2 = 'application/vnd.kafka.json.v2+json'
const BINARY_V2 = 'application/vnd.kafka.binary.v2+json'

interface Produced { offsets: { partition: number | null, offset: number | null, error_code: number | null, error: string | null }[] }

async function post ({ inject }: TestDoor, payload: unknown, type = JSON_V2, url = '/topics/t') {
  return inject({ method: 'POST', url, headers: { 'content-type': type }, payload: typeof payload === 'string' ? payload : JSON.stringify(payload) })
}

const stored = ({ log }: TestDoor, partition = 0) => log.topics.get('t')!.partitions[partition]!.batches.flatMap(batch =>
  [...recordsIn(batch)].map(({ key, value }) => [key?.toString() ?? null, value?.toString() ?? null]))

t.test('JSON: keys and values are stored as JSON, null as nothing', async t => {
  const door = await openDoor(t)
  const response = await post(door, {
    records: [
      { value: { a: [1, null] } }, { key: 'k', value: 'text' }, { key: { id: 1 }, value: 0 }, { key: null, value: null }, { value: false }, { value: '' }, {}
    ]
  })
  t.equal(response.statusCode, 200)
  t.match(response.headers['content-type'], 'application/vnd.kafka.v2+json')
  t.same(response.json(), {
    offsets: Array.from({ length: 7 }, (_, offset) => ({ partition: 0, offset, error_code: null, error: null })),
    key_schema_id: null,
    value_schema_id: null
  })
  t.same(stored(door), [[null, '{"a":[1,null]}'], ['"k"', '"text"'], ['{"id":1}', '0'], [null, null], [null, 'false'], [null, '""'], [null, null]])
})

t.test('numbers keep every digit', async t => {
  const door = await openDoor(t)
  await post(door, '{"records":[{"value":{"id":12345678901234567890,"x":0.12345678901234567890,"y":1e400,"z":1.0}},{"value":9007199254740993}]}')
  t.same(stored(door).map(([, value]) => value), ['{"id":12345678901234567890,"x":0.12345678901234567890,"y":1e400,"z":1.0}', '9007199254740993'])
})

t.test('binary: keys and values are base64, and what is not is refused', async t => {
  const door = await openDoor(t)
  const records = [{ key: 'a2V5', value: 'dmFsdWU=' }, { value: 'dmFsdWU' }, { value: '' }, { value: null }]
  t.equal((await post(door, { records }, BINARY_V2)).statusCode, 200)
  t.same(stored(door), [['key', 'value'], [null, 'value'], [null, ''], [null, null]])
  t.equal((await post(door, { records: [{ value: 'eA==' }] }, 'application/vnd.kafka.v2+json')).statusCode, 200, 'Confluent\'s default')
  for (const value of ['not base64!', 'a', 'abc=d', 'ab=', '=', 5, { a: 1 }]) {
    const response = await post(door, { records: [{ value: 'eA==' }, { value }] }, BINARY_V2)
    t.equal(response.statusCode, 422)
    t.match(response.json(), { error_code: 42203, message: /^records\/1\/value / }, JSON.stringify(value))
  }
  t.equal(stored(door).length, 5, 'nothing of a request that is refused is appended')
})

t.test('a record says where it goes, and fails alone', async t => {
  const door = await openDoor(t, { partitions: 2 })
  const { offsets } = (await post(door, { records: [{ value: 1, partition: 1 }, { value: 2, partition: 7 }, { value: 3, partition: 1 }] })).json<Produced>()
  t.match(offsets, [
    { partition: 1, offset: 0, error_code: null },
    { partition: null, offset: null, error_code: 40402, error: 'Topic t has no partition 7: it has 2.' },
    { partition: 1, offset: 1, error_code: null }
  ])
})

t.test('a path can name the partition', async t => {
  const door = await openDoor(t, { partitions: 2 })
  t.match((await post(door, { records: [{ value: 1 }] }, JSON_V2, '/topics/t/partitions/1')).json(), { offsets: [{ partition: 1, offset: 0 }] })
  const response = await post(door, { records: [{ value: 1 }] }, JSON_V2, '/topics/t/partitions/2')
  t.equal(response.statusCode, 404)
  t.match(response.json(), { error_code: 40402 })
})

t.test('what the log refuses is told record by record', async t => {
  const door = await openDoor(t, { maxMessageBytes: 2_000 })
  const { offsets } = (await post(door, { records: [{ value: 'a' }, { value: 'x'.repeat(5_000) }, { value: 'b' }] })).json<Produced>()
  t.match(offsets, [{ offset: 0 }, { offset: null, error_code: 50002, error: /max\.message\.bytes/ }, { offset: 1 }])
})

t.test('a thousand records are few batches', async t => {
  const door = await openDoor(t)
  const { offsets } = (await post(door, { records: Array.from({ length: 1000 }, (_, age) => ({ value: { age } })) })).json<Produced>()
  t.same(offsets.map(({ offset }) => offset), Array.from({ length: 1000 }, (_, i) => i))
  t.equal(door.log.calls.get('Produce'), 1)
})

t.test('what is no request of v2 is refused as Confluent does', async t => {
  const door = await openDoor(t, { autoCreate: false })
  door.log.create('t')
  const wrong: [payload: unknown, status: number, body: object, type?: string][] = [
    ['{"records":', 400, { error_code: 400, message: /^The body is not JSON/ }],
    ['', 400, { error_code: 400 }],
    [{}, 422, { error_code: 42203, message: /required property 'records'/ }],
    [{ records: [] }, 422, { error_code: 42203 }],
    [{ records: {} }, 422, { error_code: 42203, message: 'body/records must be array.' }],
    [{ records: [{ value: 1, partition: -1 }] }, 422, { error_code: 42203, message: 'body/records/0/partition must be >= 0.' }],
    [{ records: [{ valeu: 1 }] }, 422, { error_code: 42203, message: 'body/records/0/valeu is not known here.' }],
    [`{"records":[{"value":${'['.repeat(100_000)}12345678901234567890${']'.repeat(100_000)}}]}`, 400, { error_code: 400 }],
    [{ records: [{ value: 1 }] }, 415, { error_code: 415, message: /use one of .*avro/ }, 'application/vnd.kafka.thrift.v2+json'],
    [{ records: [{ value: 1 }] }, 422, { error_code: 42202, message: /^The request has values and no schema/ }, 'application/vnd.kafka.avro.v2+json'],
    [{ records: [{ key: 1 }] }, 422, { error_code: 42201 }, 'application/vnd.kafka.protobuf.v2+json'],
    [{ value_schema_id: 1, records: [{ value: 1 }] }, 422, { error_code: 42207, message: 'There is no schema registry.' }, 'application/vnd.kafka.avro.v2+json']
  ]
  for (const [payload, status, body, type] of wrong) {
    const response = await post(door, payload, type)
    t.equal(response.statusCode, status)
    t.match(response.json(), body, JSON.stringify(payload).slice(0, 60))
  }
  const unknown = await post(door, { records: [{ value: 1 }] }, JSON_V2, '/topics/nope')
  t.equal(unknown.statusCode, 404)
  t.same(unknown.json(), { error_code: 40401, message: 'There is no topic nope.' })
  t.same(door.logged, [])
})
