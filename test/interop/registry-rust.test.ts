/**
 * schema_registry_converter, Rust's registry client and serdes, as it is released. What it encodes goes in over HTTP and by Kafka's
 * protocol (rskafka), and what came in as JSON it decodes.
 */
import t from 'tap'
import { needsHttp } from './support/against.ts'
import { rustProgram } from './support/cache.ts'
import { ask, exact, exactText, plainly, valuesOf } from './support/exact.ts'
import { topicName } from './support/lines.ts'
import { samples } from './support/registry-samples.ts'
import { succeed } from './support/run.ts'
import { startServer } from './support/server.ts'

const V2 = 'application/vnd.kafka.v2+json'

const server = await startServer(t)

/** What the program makes of a job. */
async function rust (op: string, job: object): Promise<any> {
  return exact(await succeed(await rustProgram(), [], { input: exactText({ op, url: server.http, bootstrap: server.kafka, ...job }) }))
}

const post = (path: string, type: string, value: unknown): Promise<any> => ask(server, 'POST', path, { type, body: exactText(value) })

async function store (topic: string, payloads: readonly string[]): Promise<void> {
  for (const payload of payloads) {
    await ask(server, 'POST', `/topics/${topic}`, { type: 'application/octet-stream', body: Buffer.from(payload, 'hex') })
  }
}

/** The values of a topic as they are stored, in hexadecimal digits: a consumer of the REST Proxy's, with the format binary. */
async function stored (topic: string, count: number): Promise<string[]> {
  const group = `/consumers/${topic}-raw`
  await post(group, V2, { name: 'one', format: 'binary', 'auto.offset.reset': 'earliest' })
  const base = `${group}/instances/one`
  await post(`${base}/subscription`, V2, { topics: [topic] })
  const values: string[] = []
  for (const deadline = Date.now() + 30_000; values.length < count;) {
    if (Date.now() > deadline) throw new Error(`${values.length} records instead of ${count}`)
    const page = await ask(server, 'GET', `${base}/records?timeout=1000`, { accept: 'application/vnd.kafka.binary.v2+json' }) as { value: string }[]
    values.push(...page.map(({ value }) => Buffer.from(value, 'base64').toString('hex')))
  }
  await ask(server, 'DELETE', base, { type: V2 })
  return values
}

const reading = (i: number): object => ({ id: 9007199254740993n + BigInt(i), name: `näme ${i}`, value: i / 8, tags: Array<string>(i % 3).fill('t') })

for (const sample of samples) {
  const { type, first: schema } = sample

  t.test(`${type}: all that the client asks`, needsHttp, async t => {
    const seen = await rust('registry', { ...sample, subject: topicName(`rust-${type}`) })
    t.strictSame(seen.unknown, [40401, 40403, 40401])
    t.strictSame(seen.registered, [true, true, true, true])
    t.strictSame(seen.compatible, [true, false])
    t.strictSame(seen.refused, [40901, 42201])
    t.strictSame(seen.evolved, [true, true, 2, [1, 2]])
    t.equal(seen.listed, true)
    t.strictSame(seen.references, [true, true, 1])
  })

  t.test(`${type}: what is encoded is read as JSON, and JSON is decoded, in one topic`, needsHttp, async t => {
    const topic = topicName(`rust-${type}`)
    const job = { type, topic, message: 'lab.Reading' }
    const readings = Array.from({ length: 9 }, (_, i) => reading(i))
    const { payloads } = await rust('encode', { ...job, schema, values: readings.slice(0, 3) })
    const { id } = await ask(server, 'GET', `/subjects/${topic}-value/versions/latest`) as { id: number }
    for (const payload of payloads) t.equal(payload.slice(0, 10), id.toString(16).padStart(10, '0'), 'V0: a zero byte and the id')
    await store(topic, payloads)
    for (const value of readings.slice(3, 5)) await post(`/topics/${topic}`, 'application/json', value)
    t.strictSame(await rust('produce', { ...job, values: readings.slice(5, 7) }), { offsets: [5, 6] }, 'with the newest schema')

    t.strictSame((await valuesOf(server, topic)).map(plainly), readings.slice(0, 7).map(plainly), 'as JSON')
    const { values } = await rust('decode', { ...job, payloads: await stored(topic, 7) })
    t.strictSame(values.map(plainly), readings.slice(0, 7).map(plainly), 'decoded, of what is stored')

    t.strictSame(await rust('produce', { ...job, schema, header: true, values: readings.slice(7) }), { offsets: [7, 8] }, 'ids in headers')
    t.strictSame((await valuesOf(server, topic)).map(plainly), readings.map(plainly))
    t.strictSame((await rust('consume', job)).values.map(plainly), readings.map(plainly), "by Kafka's protocol")
    t.strictSame(await ask(server, 'GET', `/subjects/${topic}-value/versions`), [1], 'nobody has made a schema of his own')
  })

  t.test(`${type}: a schema that refers to another`, needsHttp, async t => {
    const topic = topicName(`rust-references-${type}`)
    const { base, name, referring } = sample
    const job = { type, topic, message: 'lab.Order', base, name, refers: true }
    const orders = ['KG', 'M', 'M'].map((unit, i) => ({ id: 9007199254740993n + BigInt(i), unit }))
    const { payloads } = await rust('encode', { ...job, schema: referring, values: orders.slice(0, 2) })
    await store(topic, payloads)
    await post(`/topics/${topic}`, 'application/json', orders[2])
    t.strictSame((await valuesOf(server, topic)).map(plainly), orders.map(plainly))
    const { values } = await rust('consume', job)
    t.strictSame(values.map(plainly), orders.map(plainly))
  })
}
