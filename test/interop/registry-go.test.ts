/**
 * Go's registry clients as they are released: Confluent's with its serializers and its librdkafka, and franz-go's. Their records lie
 * in one topic with those that come over HTTP.
 */
import t from 'tap'
import { needsHttp } from './support/against.ts'
import { goRegistryProgram } from './support/cache.ts'
import { ask, exact, exactText, plainly, valuesOf } from './support/exact.ts'
import { topicName } from './support/lines.ts'
import { samples, type Sample } from './support/registry-samples.ts'
import { succeed } from './support/run.ts'
import { startServer } from './support/server.ts'

const server = await startServer(t)

/** What the program makes of a job. */
async function go (op: string, job: object): Promise<any> {
  return exact(await succeed(await goRegistryProgram(), [], { input: exactText({ op, url: server.http, bootstrap: server.kafka, ...job }) }))
}

const post = (path: string, type: string, value: unknown): Promise<any> => ask(server, 'POST', path, { type, body: exactText(value) })

const reading = (i: number): object =>
  ({ id: 9007199254740993n + BigInt(i), name: `näme ${i}`, ...i % 2 === 0 ? { value: i / 8 } : {}, tags: Array<string>(i % 3).fill('t') })

for (const sample of samples) {
  const { type } = sample

  t.test(`${type}: all that Confluent's client asks`, needsHttp, async t => {
    const subject = topicName(`go/confluent ${type}`)
    const seen = await go('confluent client', { ...sample, subject })
    t.strictSame(seen.unknown, [40401, 40401, 40401, 40403])
    t.strictSame(seen.registered, [true, true, 1, 40403])
    t.strictSame(meaning(sample, seen.text), meaning(sample, sample.first))
    t.strictSame(seen.compatible, [true, false, 40402])
    t.strictSame(seen.refused, [40901, 42201])
    t.strictSame(seen.evolved, [true, 2, true, true, [1, 2]])
    t.strictSame(seen.listed, [true, [{ subject, version: 1 }], true, true])
    t.strictSame(seen.config, ['BACKWARD', 40408, 'BACKWARD', 'FULL_TRANSITIVE', 'FULL_TRANSITIVE', true, 'NONE'])
    t.strictSame(seen.metadata, [4, { owner: 'lab' }])
    t.strictSame(seen.deleted, [1, [2, 3, 4], 40404, 40401, true, [1, 2, 3, 4]])
  })

  t.test(`${type}: all that franz-go's client asks`, needsHttp, async t => {
    const subject = topicName(`go/franz ${type}`)
    const seen = await go('franz client', { ...sample, subject })
    t.strictSame(seen.unknown, [40401, 40401, 40401, 40403])
    t.strictSame(seen.registered, [1, true, 40403])
    t.strictSame(seen.compatible, [true, false, true])
    t.strictSame(seen.refused, [40901, 42201])
    t.strictSame(seen.evolved, [2, true, [1, 2]])
    t.strictSame(seen.read, [true, true, true, true, [subject], true, true, 2, 3])
    // What is answered to DELETE is called compatibilityLevel, as in Confluent's registry; this client looks for compatibility.
    t.strictSame(seen.config, ['BACKWARD', 40408, 'NONE', 0, ''])
    t.strictSame(seen.mode, ['READWRITE', 'READONLY', 42205, 'READONLY'])
    t.strictSame(seen.imported, [true, 5])
    t.strictSame(seen.references, [42201, true, true, 42206])
    t.strictSame(seen.deleted, [[1, 2, 3], 40404, [1, 2, 3]])
    t.strictSame(seen.context, [1, 1, true], 'ids of its own')
  })

  t.test(`${type}: serializers, ids in front and in headers, and JSON over HTTP, in one topic`, needsHttp, async t => {
    const topic = topicName(`go-${type}`)
    const job = { type, kind: 'reading', topic }
    const readings = Array.from({ length: 12 }, (_, i) => reading(i))
    t.strictSame(await go('confluent produce', { ...job, values: readings.slice(0, 3) }), { failures: [] })
    t.strictSame(await go('confluent produce', { ...job, header: true, values: readings.slice(3, 6) }), { failures: [] })
    await go('franz produce', { ...job, values: readings.slice(6, 8) })

    // The field has no default in the schema that is made of Go's type.
    const said = (i: number): object => type === 'AVRO' ? { value: null, ...readings[i] } : readings[i]!
    await post(`/topics/${topic}`, 'application/json', said(8))
    await post(`/topics/${topic}`, 'application/x-ndjson', said(9))
    const { data: [{ cluster_id: cluster }] } = await ask(server, 'GET', '/v3/clusters')
    const rest = type === 'JSON' ? 'JSONSCHEMA' : type
    const subject = `${topic}-value`
    const receipt = await post(`/v3/clusters/${cluster}/topics/${topic}/records`, 'application/json',
      { value: { subject, schema_version: 1, data: said(10) } })
    t.match(receipt, { error_code: 200, offset: 10, value: { type: rest, subject, schema_version: 1 } })
    const { id } = await ask(server, 'GET', `/subjects/${subject}/versions/latest`)
    await post(`/topics/${topic}`, `application/vnd.kafka.${rest.toLowerCase()}.v2+json`, { value_schema_id: id, records: [{ value: said(11) }] })

    t.strictSame((await valuesOf(server, topic)).map(plainly), readings.map(plainly), 'as JSON')
    const { values } = await go('confluent consume', { ...job, count: 12 })
    t.strictSame(values.map(plainly), readings.map(plainly), "by Confluent's deserializer")
    const franz = await go('franz consume', { ...job, count: 12 })
    t.strictSame(franz.values.map(plainly), readings.filter((_, i) => i < 3 || i > 5).map(plainly), 'by franz-go, which knows no ids in headers')
    t.strictSame(await ask(server, 'GET', `/subjects/${subject}/versions`), [1], 'nobody has made a schema of his own')
  })

  t.test(`${type}: a schema that refers to another`, needsHttp, async t => {
    const topic = topicName(`go-references-${type}`)
    const job = { type, kind: 'order', topic }
    const orders = ['KG', 'M'].map((unit, i) => ({ id: 9007199254740993n + BigInt(i), unit }))
    // Protobuf's serializer registers what the file imports.
    if (type !== 'PROTOBUF') {
      const base = `${topic} base`
      await post(`/subjects/${encodeURIComponent(base)}/versions`, 'application/json', { schemaType: type, schema: sample.base })
      await post(`/subjects/${topic}-value/versions`, 'application/json',
        { schemaType: type, schema: sample.referring, references: [{ name: sample.name, subject: base, version: 1 }] })
    }
    t.strictSame(await go('confluent produce', { ...job, latest: type !== 'PROTOBUF', values: orders }), { failures: [] })
    const { references } = await ask(server, 'GET', `/subjects/${topic}-value/versions/latest`) as { references: { name: string }[] }
    t.strictSame(references.map(({ name }) => name), [sample.name])
    const written = [...orders]
    if (type !== 'PROTOBUF') {
      written.push({ id: 1n, unit: 'M' })
      await post(`/topics/${topic}`, 'application/json', { id: 1, unit: 'M' })
    }
    t.strictSame((await valuesOf(server, topic)).map(plainly), written.map(plainly))
    const { values } = await go('confluent consume', { ...job, count: written.length })
    t.strictSame(values.map(plainly), written.map(plainly))
  })
}

/** The text of a schema without its layout. */
const meaning = ({ type }: Sample, schema: string): unknown => type === 'PROTOBUF' ? schema.replace(/\s+/g, '') : JSON.parse(schema)
