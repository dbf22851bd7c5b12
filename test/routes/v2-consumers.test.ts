/**
 * Consumer instances as Confluent's clients use them, over a whole engine.
 */
import t, { type Test } from 'tap'
import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { json } from 'node:stream/consumers'
import { V2, withHouse, type House } from '../support/consumer-house.ts'

function houseTest (name: string, run: (t: Test, house: House) => Promise<void>): void {
  t.test(name, async t => withHouse(t, t.testdir(), house => run(t, house)))
}

houseTest('create, subscribe, read, commit, delete', async (t, { ask, write }) => {
  await write('orders', { key: '"a"', value: '{"n":12345678901234567890}' }, 'true')
  const created = await ask('POST', '/consumers/billing', { name: 'one', format: 'json', 'auto.offset.reset': 'earliest', 'auto.commit.enable': 'false' })
  t.equal(created.statusCode, 200)
  t.match(created.headers['content-type'], V2)
  t.same(created.document, { instance_id: 'one', base_uri: 'http://localhost:80/consumers/billing/instances/one' })
  const path = '/consumers/billing/instances/one'
  t.equal((await ask('POST', `${path}/subscription`, { topics: ['orders'] })).statusCode, 204)
  t.same((await ask('GET', `${path}/subscription`)).document, { topics: ['orders'] })

  const read = await ask('GET', `${path}/records?timeout=5000`, undefined, { accept: 'application/vnd.kafka.json.v2+json' })
  t.match(read.headers['content-type'], 'application/vnd.kafka.json.v2+json')
  t.equal(read.body, '[{"topic":"orders","key":"a","value":{"n":12345678901234567890},"partition":0,"offset":0},' +
    '{"topic":"orders","key":null,"value":true,"partition":0,"offset":1}]', 'no number loses digits')
  t.same((await ask('GET', `${path}/assignments`)).document, { partitions: [{ topic: 'orders', partition: 0 }] })
  t.same((await ask('GET', `${path}/records?timeout=0`)).document, [])

  t.same((await ask('GET', `${path}/offsets`)).document, { offsets: [] })
  const committed = await ask('POST', `${path}/offsets`)
  t.equal(committed.statusCode, 200)
  t.same(committed.document, [])
  const asked = { partitions: [{ topic: 'orders', partition: 0 }] }
  const two = { offsets: [{ topic: 'orders', partition: 0, offset: 2, metadata: '' }] }
  t.same((await ask('GET', `${path}/offsets`, asked)).document, two, 'a body on a GET')
  t.same((await ask('GET', `${path}/offsets?topic=orders&partition=0`)).document, two)
  t.same((await ask('GET', `${path}/offsets`)).document, two)

  await ask('POST', `${path}/offsets`, { offsets: [{ topic: 'orders', partition: 0, offset: 0, metadata: 'm' }] })
  t.same((await ask('GET', `${path}/offsets`)).document, { offsets: [{ topic: 'orders', partition: 0, offset: 1, metadata: 'm' }] }, 'offset N commits N + 1')

  t.equal((await ask('DELETE', path)).statusCode, 204)
  for (const [method, rest] of [['GET', '/records'], ['GET', '/subscription'], ['POST', '/offsets'], ['DELETE', '']] as const) {
    const gone = await ask(method, path + rest)
    t.equal(gone.statusCode, 404)
    t.same(gone.document, { error_code: 40403, message: 'Consumer instance not found.' })
  }
  const next = await ask('POST', '/consumers/billing', { format: 'json' })
  await ask('POST', `${new URL(next.document.base_uri as string).pathname}/subscription`, { topics: ['orders'] })
  const rest = await ask('GET', `${new URL(next.document.base_uri as string).pathname}/records?timeout=5000`)
  t.match(rest.document, [{ offset: 1 }], 'another instance of the group goes on there')
})

houseTest('a binary instance gives base64, by both names', async (t, { ask, write, subscribed }) => {
  await write('b', { key: Buffer.from([0xff]), value: Buffer.from([0, 1]) }, { value: null })
  const path = await subscribed('g', {}, 'b')
  const read = await ask('GET', `${path}/records?timeout=5000`, undefined, { accept: V2 })
  t.match(read.headers['content-type'], 'application/vnd.kafka.binary.v2+json')
  t.same(read.document, [
    { topic: 'b', key: '/w==', value: 'AAE=', partition: 0, offset: 0 }, { topic: 'b', key: null, value: null, partition: 0, offset: 1 }
  ])
  const other = await ask('GET', `${path}/records`, undefined, { accept: 'application/vnd.kafka.json.v2+json' })
  t.equal(other.statusCode, 406)
  t.match(other.document, { error_code: 40601, message: /application\/vnd\.kafka\.binary\.v2\+json/ })
})

houseTest('a record that is not JSON is an error element, and the cursor moves on', async (t, { ask, write, subscribed }) => {
  await write('p', '1', { key: 'plain key', value: 'not json' }, { key: Buffer.from([0xff]), value: '2' }, { key: 'plain', value: '3' })
  const path = await subscribed('g', { format: 'json' }, 'p')
  t.same((await ask('GET', `${path}/records?timeout=5000`)).document, [
    { topic: 'p', key: null, value: 1, partition: 0, offset: 0 },
    { topic: 'p', key: 'plain key', value: null, partition: 0, offset: 1, error: { error_code: 40801, message: 'The value is not JSON.' } },
    { topic: 'p', key: null, value: 2, partition: 0, offset: 2, error: { error_code: 40801, message: 'The key is not JSON, nor text.' } },
    { topic: 'p', key: 'plain', value: 3, partition: 0, offset: 3 }
  ])
  t.same((await ask('GET', `${path}/records?timeout=0`)).document, [])
})

houseTest('max_bytes and max_records end an answer; a single record is given whatever its size', async (t, { ask, write, subscribed }) => {
  await write('m', '"aaaaaaaa"', '"bbbbbbbb"', '"cccccccc"', '"dddddddd"')
  const path = await subscribed('g', { format: 'json' }, 'm')
  const values = async (query: string): Promise<unknown[]> =>
    (await ask('GET', `${path}/records?timeout=5000&${query}`)).document.map((one: { value: unknown }) => one.value)
  t.same(await values('max_bytes=1'), ['aaaaaaaa'])
  t.same(await values('max_records=2'), ['bbbbbbbb', 'cccccccc'])
  t.same(await values('max_bytes=-1'), ['dddddddd'])
  await ask('POST', `${path}/positions/beginning`, { partitions: [{ topic: 'm', partition: 0 }] })
  t.same(await values('max_bytes=25'), ['aaaaaaaa', 'bbbbbbbb'], 'the record that would be too much waits')
  t.match((await ask('GET', `${path}/records?max_records=0`)).statusCode, 400)
})

houseTest('a poll is answered as soon as there is a record', async (t, { ask, write, subscribed }) => {
  await write('l', 'x')
  const path = await subscribed('g', { 'auto.offset.reset': 'latest', format: 'binary' }, 'l')
  t.same((await ask('GET', `${path}/records?timeout=300`)).document, [], 'latest is the end of the time of subscribing')
  const startedAt = performance.now()
  const reading = ask('GET', `${path}/records?timeout=30000`)
  await write('l', 'y')
  t.match((await reading).document, [{ value: 'eQ==' }])
  t.ok(performance.now() - startedAt < 5000)
})

houseTest('positions: an offset, a time, the beginning, the end', async (t, { ask, write, subscribed }) => {
  await write('s', '0', '1', '2', '3')
  const path = await subscribed('g', { format: 'json' }, 's')
  const at = { topic: 's', partition: 0 }
  const read = async (): Promise<unknown> => (await ask('GET', `${path}/records?timeout=0`)).document.map((one: { value: unknown }) => one.value)
  t.equal((await ask('POST', `${path}/positions`, { offsets: [{ ...at, offset: 2 }] })).statusCode, 204, 'a join is waited for')
  t.same(await read(), [2, 3])
  t.equal((await ask('POST', `${path}/positions/beginning`, { partitions: [at] })).statusCode, 204)
  t.same(await read(), [0, 1, 2, 3])
  await ask('POST', `${path}/positions`, { timestamps: [{ ...at, timestamp: '2001-01-01T00:00:00Z' }] })
  t.same(await read(), [0, 1, 2, 3])
  await ask('POST', `${path}/positions`, { timestamps: [{ ...at, timestamp: '2101-01-01T00:00:00Z' }] })
  t.same(await read(), [])
  await ask('POST', `${path}/positions/end`, { partitions: [at] })
  t.same(await read(), [])
  t.match((await ask('POST', `${path}/positions`, { timestamps: [{ ...at, timestamp: 'soon' }] })).document, { error_code: 42203 })
  const elsewhere = await ask('POST', `${path}/positions`, { offsets: [{ topic: 's', partition: 7, offset: 2 }] })
  t.equal(elsewhere.statusCode, 409)
  t.match(elsewhere.document, { error_code: 40903, message: /Partition 7 of s is not assigned/ })
  t.match((await ask('POST', `${path}/offsets`, { offsets: [{ topic: 's', partition: 7, offset: 2 }] })).document, { error_code: 40903 })
})

houseTest('partitions of one\'s own choice', async (t, { ask, write, create }) => {
  await create('a', 3)
  await write('a', { value: '1', partition: 1 }, { value: '2', partition: 2 })
  await ask('POST', '/consumers/g', { name: 'i', format: 'json', 'auto.offset.reset': 'earliest' })
  const path = '/consumers/g/instances/i'
  t.match((await ask('GET', `${path}/records`)).document, { error_code: 40903, message: /reads nothing yet/ })
  const partitions = [{ topic: 'a', partition: 0 }, { topic: 'a', partition: 2 }]
  t.equal((await ask('POST', `${path}/assignments`, { partitions })).statusCode, 204)
  t.same((await ask('GET', `${path}/assignments`)).document, { partitions })
  t.match((await ask('GET', `${path}/records?timeout=1000`)).document, [{ value: 2, partition: 2 }])
  await ask('POST', `${path}/offsets`)
  t.match((await ask('GET', `${path}/offsets`)).document, { offsets: [{ partition: 0, offset: 0 }, { partition: 2, offset: 1 }] })
  t.match((await ask('POST', `${path}/assignments`, { partitions: [{ topic: 'a', partition: 3 }] })).document, { error_code: 40402 })
  t.match((await ask('POST', `${path}/assignments`, { partitions: [{ topic: 'nope', partition: 0 }] })).document, { error_code: 40401 })
  const conflict = await ask('POST', `${path}/subscription`, { topics: ['a'] })
  t.equal(conflict.statusCode, 409)
  t.match(conflict.document, { error_code: 40901 })
  t.equal((await ask('DELETE', `${path}/subscription`)).statusCode, 204)
  t.equal((await ask('POST', `${path}/subscription`, { topics: ['a'] })).statusCode, 204)
  t.match((await ask('POST', `${path}/assignments`, { partitions })).document, { error_code: 40901 })
  t.match((await ask('POST', `${path}/subscription`, { topic_pattern: 'a.*' })).document, { error_code: 40901 })
})

houseTest('a pattern', async (t, { ask, write }) => {
  await write('logs-a', '1')
  await write('logs-b', '2')
  await write('mylogs-c', '3')
  await ask('POST', '/consumers/g', { name: 'i', format: 'json', 'auto.offset.reset': 'earliest' })
  const path = '/consumers/g/instances/i'
  t.equal((await ask('POST', `${path}/subscription`, { topic_pattern: 'logs-\\p{Ll}' })).statusCode, 204)
  t.same((await ask('GET', `${path}/subscription`)).document, { topics: ['logs-a', 'logs-b'] })
  t.match((await ask('GET', `${path}/records?timeout=5000`)).document.map((one: { value: number }) => one.value).sort(), [1, 2])
  for (const bad of ['(', '(?=a)', 'a{1001}', 'x'.repeat(1001)]) {
    t.match((await ask('POST', `${path}/subscription`, { topic_pattern: bad })).document, { error_code: 42203 }, bad.slice(0, 20))
  }
  for (const bad of [{}, { topics: ['a'], topic_pattern: 'b' }, { topics: 'a' }, { partitions: [] }]) {
    t.match(await ask('POST', `${path}/subscription`, bad), { statusCode: 422, document: { error_code: 42203 } })
  }
})

houseTest('what an instance is created with is checked', async (t, { ask }) => {
  for (const [settings, message] of [
    [{ format: 'xml' }, /format is one of binary, json, not "xml"/],
    [{ 'auto.offset.reset': 'first' }, /earliest, latest, none/],
    [{ 'auto.commit.enable': 'maybe' }, /true or false/],
    [{ 'fetch.min.bytes': '10000001' }, /from -1 to 10000000/],
    [{ 'consumer.request.timeout.ms': 'x' }, /consumer\.request\.timeout\.ms/],
    [{ name: '' }, /1 to 255/],
    [{ name: 'a\nb' }, /1 to 255/],
    [{ name: '.' }, /can stand in a path, not "\."/],
    [{ id: '..' }, /can stand in a path, not "\.\."/],
    [{ name: 'a\ud800' }, /can stand in a path, not "a\\ud800"/],
    [{ 'max.poll.records': 5 }, /max\.poll\.records is not known here/]
  ] as const) {
    const refused = await ask('POST', '/consumers/g', settings)
    t.equal(refused.statusCode, 422, JSON.stringify(settings))
    t.match(refused.document, { error_code: 42204, message })
  }
  t.match((await ask('POST', '/consumers/g', { format: 5 })).statusCode, 422)
  t.match((await ask('POST', '/consumers/g', '[')).statusCode, 400)
  t.match((await ask('POST', '/consumers/g', 'a=b', { 'content-type': 'application/x-www-form-urlencoded' })).statusCode, 415)
  const one = { name: 'a/b ü', format: 'JSON', 'fetch.min.bytes': '-1', 'auto.commit.enable': false }
  const created = await ask('POST', '/consumers/g%2Fh', one)
  t.match(created.document, { instance_id: 'a/b ü', base_uri: 'http://localhost:80/consumers/g%2Fh/instances/a%2Fb%20%C3%BC' })
  t.same((await ask('GET', '/consumers/g%2Fh/instances/a%2Fb%20%C3%BC/assignments')).document, { partitions: [] })
  const again = await ask('POST', '/consumers/g%2Fh', one)
  t.equal(again.statusCode, 409)
  t.match(again.document, { error_code: 40902, message: /already exists/ })
  const [first, second] = [await ask('POST', '/consumers/g'), await ask('POST', '/consumers/g', '')]
  t.match(first.document.instance_id, /^rest-consumer-[\da-f-]{36}$/)
  t.not(first.document.instance_id, second.document.instance_id)
})

houseTest('a group whose instances could not be called has none', async (t, { listen }) => {
  // Sent as it is: most clients take the dots for steps between folders.
  const { hostname, port } = new URL(await listen())
  for (const group of ['%2E', '%2e%2e', '..', 'a%00']) {
    const asked = request({ hostname, port, method: 'POST', path: `/consumers/${group}`, agent: false }).end()
    const [answer] = await once(asked, 'response') as [IncomingMessage]
    t.equal(answer.statusCode, 422, group)
    t.match(await json(answer), { error_code: 42204, message: /can stand in a path/ }, group)
  }
})

houseTest('base_uri is the server as the request reached it', async (t, { ask }) => {
  const uri = async (headers: Record<string, string>): Promise<string> => {
    const { document } = await ask('POST', '/consumers/g', {}, headers)
    return (document.base_uri as string).replace(/\/consumers\/g\/instances\/.*/, '')
  }
  t.equal(await uri({ host: 'h:1' }), 'http://h:1')
  t.equal(await uri({ forwarded: 'for=1.2.3.4;proto=https;host="api.example:8443", for=5.6.7.8;host=inner' }), 'https://api.example:8443')
  t.equal(await uri({ 'x-forwarded-proto': 'https', 'x-forwarded-host': 'api.example, inner', 'x-forwarded-prefix': '/kafka/' }), 'https://api.example/kafka')
  t.equal(await uri({ 'x-forwarded-host': 'api.example', 'x-forwarded-port': '8443', 'x-forwarded-path': '/k' }), 'http://api.example:8443/k')
  t.equal(await uri({ 'x-forwarded-host': '[::1]:80' }), 'http://[::1]:80')
  t.equal(await uri({ 'x-forwarded-host': 'evil"><script>' }), '', 'relative, where there is no host to be trusted')
  t.equal(await uri({ host: 'h:1', 'x-forwarded-prefix': '/a"b', 'x-forwarded-proto': 'http' }), 'http://h:1')
})

houseTest('auto.offset.reset none, and a topic that does not exist yet', async (t, { ask, write, subscribed }) => {
  await write('n', '1')
  const path = await subscribed('g', { 'auto.offset.reset': 'none', format: 'json' }, 'n')
  const refused = await ask('GET', `${path}/records?timeout=5000`)
  t.equal(refused.statusCode, 409)
  t.match(refused.document, { error_code: 40903, message: /Nothing is committed of partition 0 of n, and auto\.offset\.reset is none/ })
  await ask('POST', `${path}/positions`, { offsets: [{ topic: 'n', partition: 0, offset: 0 }] })
  t.match((await ask('GET', `${path}/records?timeout=0`)).document, [{ value: 1 }])
  const later = await subscribed('h', {}, 'later')
  t.same((await ask('GET', `${later}/records?timeout=100`)).document, [])
})
