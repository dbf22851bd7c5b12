/**
 * Registry clients and serdes for Java as they come from Maven Central: Confluent's client with its serdes for Avro, and Apicurio's
 * serdes for Avro, JSON Schema and Protobuf in Confluent's wire format.
 *
 * Apicurio's own client speaks Apicurio's API alone (`/apis/registry/v2` and `v3`), with no mode for Confluent's. Its serdes take
 * another client through an interface of theirs, and here that is Confluent's.
 */
import t from 'tap'
import { needsHttp } from './support/against.ts'
import { registryLibs } from './support/cache.ts'
import { javaProgramWith } from './support/java.ts'
import { linesOf, topicName } from './support/lines.ts'
import { EVOLUTION, FORMATS, READING, type Format } from './support/registry-schemas.ts'
import { startServer } from './support/server.ts'

const PROGRAM = new URL('support/RegistrySerdes.java', import.meta.url).pathname
const EXAMPLE = new URL('../../examples/schemas/java/', import.meta.url).pathname
const COUNT = 30

const server = await startServer(t)
const libs = await registryLibs()

/** Runs the program around the clients, and gives all that it shows as one object. */
async function ask (format: Format, ...args: readonly string[]): Promise<Record<string, unknown>> {
  const input = JSON.stringify({ ...EVOLUTION[format], reading: READING[format] })
  return Object.assign({}, ...linesOf(await javaProgramWith(libs, PROGRAM, args, { input })).map(line => JSON.parse(line) as object))
}

for (const format of FORMATS) {
  t.test(`Confluent's client, ${format}: register, look up, evolve, compare, configure, refer, delete`, needsHttp, async t => {
    const subject = topicName(`java-${format}`)
    const seen = await ask(format, 'client', server.http, format, subject)
    t.strictSame(seen['unknown'], [[404, 40401], [404, 40401], [404, 40401], [404, 40403]])
    t.strictSame(seen['registered'], [true, true, format, 1])
    t.strictSame(seen['not under it'], [[404, 40403]])
    t.strictSame(seen['checks'], [true, true, true])
    t.strictSame([seen['refused'], seen['invalid']], [[[409, 40901]], [[422, 42201]]])
    t.strictSame(seen['evolved'], [true, true, 2, [1, 2], true, true])
    t.strictSame(seen['listed'], [[subject], [subject], 1, 3])
    t.strictSame(seen['config'], ['BACKWARD', [404, 40408], 'NONE', 'NONE', [422, 42203], 'NONE'])
    t.strictSame(seen['mode'], ['READWRITE', [404, 40409], 'READONLY', [422, 42205], 'READONLY'])
    t.strictSame(seen['metadata'], [3, { owner: 'k' }])
    t.strictSame(seen['references'], [true, true, [422, 42206]])
    if (format === 'AVRO') t.strictSame(seen['cached'], [true, true, true, false, 1, 1, 'shop.Unit'])
    t.strictSame(seen['deleted'], [1, [2, 3], [404, 40404], [404, 40401], true, [1, 2, 3]])
  })

  t.test(`${format}: all serdes and REST mixed in one topic`, needsHttp, async t => {
    const outcome = await ask(format, 'rounds', server.http, server.kafka, format, topicName(`java-${format}-rounds`), String(COUNT))
    const names = format === 'AVRO' ? ['confluent', 'apicurio'] : ['apicurio']
    t.strictSame(outcome['http'], [201, 200])
    t.strictSame(outcome['equal'], Object.fromEntries(names.map(name => [name, COUNT + 2])), 'each reads what all have written')
    t.equal(outcome['as JSON'], COUNT + 2, 'and so does REST')
    t.strictSame(outcome['first'], names.map(() => `0 ${outcome['id']}`), 'one id, registered once')
    t.strictSame([outcome['version'], outcome['type']], [1, format])
  })
}

t.test('the example: three measurements are stored and read, and what is none is refused', needsHttp, async t => {
  const run = async (name: string): Promise<string[]> => linesOf(await javaProgramWith(libs, `${EXAMPLE}${name}.java`, [server.http, server.kafka]))
  const produced = await run('MeasurementProducer')
  t.strictSame(produced.slice(0, 3), [0, 1, 2].map(offset => `stored at offset ${offset}`))
  t.match(produced.slice(3), [/^refused: The value names no schema/])
  t.match(await run('MeasurementConsumer'), [/^north: 4.5 at /, /^south: 11.25 at /, /^cellar: null at /])
})
