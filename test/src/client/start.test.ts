import t from 'tap'
import { anonymous, neverAborted, type Context } from '../../../protocol/rpc.ts'
import { encodeCursor } from '../../../src/client/cursor.ts'
import { produce } from '../../../src/client/producer.ts'
import { EARLIEST, LATEST, offsetsAt, parseStart, parseTime } from '../../../src/client/start.ts'
import { MemoryLog } from '../../support/memory-log.ts'

const context: Context = { principal: anonymous, door: 'http', clientId: '', address: '', version: 0, signal: neverAborted, throttleMs: 0 }

t.test('a start is a word, a cursor or a time', async t => {
  t.same(parseStart('earliest'), { kind: 'earliest' })
  t.same(parseStart('latest'), { kind: 'latest' })
  t.same(parseStart('2026-11-21T08:00:00Z'), { kind: 'time', timestampMs: Date.UTC(2026, 10, 21, 8) })
  const cursor = new Map([['t', { topicId: 'x', offsets: new Map([[0, 1]]) }]])
  t.same(parseStart(encodeCursor(cursor)), { kind: 'cursor', cursor })
  for (const text of ['', 'now', '2026', '17:00', '2026-11-21 or so', '2026-13-01', '1795000000000']) {
    t.throws(() => parseStart(text), { name: 'TypeError', message: /is not a place to start/ }, text)
  }
})

t.test('a time without a zone is UTC, whatever the zone of the machine', async t => {
  const noon = Date.UTC(2026, 10, 21, 12)
  t.equal(parseTime('2026-11-21T12:00'), noon)
  t.equal(parseTime('2026-11-21T12:00:00.000'), noon)
  t.equal(parseTime('2026-11-21'), Date.UTC(2026, 10, 21))
  t.equal(parseTime('2026-11-21T14:00+02:00'), noon)
  t.equal(parseTime('2026-11-21T14:00 02:00'), noon, 'a plus that a query string turned into a space')
  t.equal(parseTime('2026-11-21T07:00-0500'), noon)
})

t.test('offsets of both ends and of a time', async t => {
  const log = new MemoryLog({ partitions: 2 })
  const record = (timestampMs: number) => ({ key: null, value: Buffer.from('x'), partition: 0, timestampMs })
  await produce(log.dispatch, context, 't', [record(1000), record(2000), record(3000)])
  const at = async (time: number) => Object.fromEntries(await offsetsAt(log.dispatch, context, 't', [0, 1], time))
  t.same(await at(EARLIEST), { 0: 0, 1: 0 })
  t.same(await at(LATEST), { 0: 3, 1: 0 })
  t.same(await at(1500), { 0: 1, 1: 0 })
  t.same(await at(4000), { 0: 3, 1: 0 }, 'a time after the last record is the end')
  await t.rejects(offsetsAt(log.dispatch, context, 't', [2], LATEST), { code: 'UNKNOWN_TOPIC_OR_PARTITION' })
})
