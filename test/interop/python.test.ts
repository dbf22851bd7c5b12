/** kafka-python: a client in pure Python. */
import t from 'tap'
import { topicName } from './support/lines.ts'
import { runPython } from './support/python.ts'
import { startServer } from './support/server.ts'

const server = await startServer(t)

for (const [compression, idempotence] of [
  ['none', 'plain'], ['gzip', 'idempotent'], ['snappy', 'plain'], ['lz4', 'plain'], ['zstd', 'idempotent']
] as const) {
  t.test(`${compression} goes both ways, ${idempotence}`, async t => {
    const topic = topicName(`python-${compression}`)
    t.strictSame(await runPython('produce', server.kafka, topic, compression, '50', idempotence), [Array.from({ length: 50 }, (_, i) => [0, i])])
    const records = await runPython('consume', server.kafka, topic, topicName('group'), '50')
    t.strictSame(records, Array.from({ length: 50 }, (_, i) => ({
      partition: 0, offset: i, timestamp: 1700000000000 + i, key: `key-${i % 3}`, value: `value ${i}`, headers: [['n', `${i}`]]
    })))
  })
}

t.test('a group goes on where it has committed', async t => {
  const topic = topicName('python-group')
  const group = topicName('group')
  await runPython('produce', server.kafka, topic, 'none', '5', 'plain')
  t.equal((await runPython('consume', server.kafka, topic, group, '3')).length, 3)
  t.match(await runPython('consume', server.kafka, topic, group, '2'), [{ offset: 3 }, { offset: 4 }])
})

t.test('the admin client: create, list, describe, add partitions, delete', async t => {
  t.match(await runPython('admin', server.kafka, topicName('python-admin')), [{ listed: true, partitions: 4, end: 0, gone: true }])
})
