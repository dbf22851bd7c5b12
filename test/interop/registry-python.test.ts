/** confluent-kafka's schema registry client and its serializers for Avro, JSON Schema and Protobuf, as they come from PyPI. */
import t from 'tap'
import { needsHttp } from './support/against.ts'
import { registryPython } from './support/cache.ts'
import { linesOf, topicName } from './support/lines.ts'
import { succeed } from './support/run.ts'
import { startServer } from './support/server.ts'

const PROGRAM = new URL('support/registry.py', import.meta.url).pathname

const server = await startServer(t)

async function ask (...args: readonly string[]): Promise<Record<string, unknown>[]> {
  return linesOf(await succeed(await registryPython(), [PROGRAM, ...args])).map(line => JSON.parse(line) as Record<string, unknown>)
}

t.test('the client: register, look up, evolve, compare, configure, refer, delete', needsHttp, async t => {
  const subject = topicName('registry-python')
  const seen = Object.assign({}, ...await ask('client', server.http, subject)) as Record<string, unknown>
  t.strictSame(seen['unknown'], [[404, 40401], [404, 40401], [404, 40401], [404, 40403]])
  t.equal(seen['same'], true)
  t.equal(seen['text'], true)
  t.strictSame(seen['full'], [subject, 1, true, true])
  t.equal(seen['lookup'], 1)
  t.strictSame(seen['not under it'], [404, 40403])
  t.strictSame([seen['goes'], seen['goes not'], seen['all']], [true, false, false])
  t.strictSame(seen['refused'], [409, 40901])
  t.strictSame(seen['invalid'], [422, 42201])
  t.strictSame(seen['evolved'], [true, 2, true, [1, 2], true])
  t.strictSame(seen['listed'], [true, true, [subject], [[subject, 1]], ['AVRO', 'JSON', 'PROTOBUF']])
  t.equal(seen['by guid'], true)
  t.strictSame(seen['config'], ['BACKWARD', [404, 40408], 'NONE', 'NONE'])
  t.strictSame(seen['bad level'], [422, 42203])
  t.equal(seen['deleted config'], 'NONE')
  t.strictSame(seen['then'], [404, 40408])
  t.strictSame(seen['modes'], ['READWRITE', [404, 40409], 'READONLY', [422, 42205], 'READONLY'])
  t.strictSame(seen['metadata'], [4, { owner: 'k' }])
  t.strictSame(seen['references'], [['shop.Unit', true, 1]])
  t.equal(seen['referred by'], true)
  t.strictSame(seen['kept'], [422, 42206])
  t.equal(seen['contexts'], true)
  t.strictSame(seen['deleted'], [1, [2, 3, 4], [404, 40404], [404, 40401], true, [1, 2, 3, 4]])
})

for (const format of ['avro', 'json', 'protobuf']) {
  for (const framing of ['prefix', 'header']) {
    t.test(`${format}, ids in the ${framing}: what is serialized and sent comes back`, needsHttp, async t => {
      const topic = topicName(`registry-${format}-${framing}`)
      const [outcome] = await ask('rounds', server.http, server.kafka, format, framing, topic, '30')
      t.match(outcome, { failures: [], equal: true, count: 30, version: 1, type: format.toUpperCase() })
      const { first, id } = outcome as { first: string, id: number }
      if (framing === 'prefix') t.equal(first.slice(0, 10), `00${id.toString(16).padStart(8, '0')}`, 'V0: a zero byte and the id')
      else t.not(first.slice(0, 10), `00${id.toString(16).padStart(8, '0')}`, 'nothing in front of the payload')
    })
  }
}

t.test('a client that is given a context with its base URL', needsHttp, async t => {
  const topic = topicName('registry-context')
  const [outcome] = await ask('rounds', `${server.http}/contexts/.team`, server.kafka, 'avro', 'prefix', topic, '5')
  t.match(outcome, { failures: [], equal: true, count: 5, version: 1, id: 1 }, 'ids of its own')
  t.strictSame(await (await fetch(`${server.http}/subjects?subjectPrefix=:.team:`)).json(), [`:.team:${topic}-value`])
})
