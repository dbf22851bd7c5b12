import t from 'tap'
import { RecordBatch } from '../../../protocol/batch.ts'
import { KafkaError, errors } from '../../../protocol/errors.ts'
import { complete } from '../../../protocol/defaults.ts'
import { Produce } from '../../../protocol/messages/00-produce.ts'
import { recordsIn } from '../../../protocol/records.ts'
import { anonymous, compose, neverAborted, on, type Context } from '../../../protocol/rpc.ts'
import { describeTopic, produce, type Outcome, type Receipt } from '../../../src/client/producer.ts'
import { partitionOfKey } from '../../../src/client/partitioner.ts'
import { MemoryLog } from '../../support/memory-log.ts'

const context: Context = { principal: anonymous, door: 'http', clientId: '', address: '', version: 0, signal: neverAborted, throttleMs: 0 }

const value = (text: string, rest: object = {}) => ({ key: null, value: Buffer.from(text), ...rest })
const keyed = (key: string, text: string) => ({ key: Buffer.from(key), value: Buffer.from(text) })
const receipts = (outcomes: readonly Outcome[]): Receipt[] => outcomes.map(outcome => {
  if (outcome instanceof KafkaError) throw outcome
  return outcome
})

t.test('outcomes come in the order of the records, which keep their order in each partition', async t => {
  const log = new MemoryLog({ partitions: 3 })
  const records = [keyed('a', '0'), keyed('b', '1'), keyed('a', '2'), keyed('c', '3'), keyed('b', '4'), keyed('a', '5')]
  const outcomes = receipts(await produce(log.dispatch, context, 't', records))
  outcomes.forEach(({ partition, offset }, i) => {
    t.equal(partition, partitionOfKey(records[i]!.key, 3))
    t.equal(log.values('t', partition)[offset], String(i))
  })
  t.equal(log.calls.get('Produce'), 1, 'one request for all partitions')
})

t.test('records without a key go together, and to another partition the next time', async t => {
  const log = new MemoryLog({ partitions: 2 })
  const first = receipts(await produce(log.dispatch, context, 't', [value('a'), value('b')]))
  const second = receipts(await produce(log.dispatch, context, 't', [value('c')]))
  t.equal(first[0]!.partition, first[1]!.partition)
  t.not(second[0]!.partition, first[0]!.partition)
})

t.test('a record says where it goes; a partition that is not there fails it alone', async t => {
  const log = new MemoryLog({ partitions: 2 })
  const [a, b, c] = await produce(log.dispatch, context, 't', [value('a', { partition: 1 }), value('b', { partition: 2 }), value('c', { partition: 1 })])
  t.match(a, { partition: 1, offset: 0 })
  t.match(b, { code: 'UNKNOWN_TOPIC_OR_PARTITION', message: 'Topic t has no partition 2: it has 2.' })
  t.match(c, { partition: 1, offset: 1 })
  const [only] = await produce(log.dispatch, context, 't', [value('x', { partition: 9 })])
  t.match(only, { code: 'UNKNOWN_TOPIC_OR_PARTITION' })
})

t.test('timestamps are those of the records, or now', async t => {
  const log = new MemoryLog()
  const before = Date.now()
  const [set, now] = receipts(await produce(log.dispatch, context, 't', [value('a', { timestampMs: 5 }), value('b')]))
  t.equal(set!.timestampMs, 5)
  t.ok(now!.timestampMs >= before && now!.timestampMs <= Date.now())
})

t.test('more than a batch should hold goes out in several, in order', async t => {
  const log = new MemoryLog()
  const records = Array.from({ length: 30 }, (_, i) => value(String(i).padStart(100_000, '.')))
  const outcomes = receipts(await produce(log.dispatch, context, 't', records))
  t.same(outcomes.map(({ offset }) => offset), records.map((_, i) => i))
  t.same(log.values('t').map(text => Number(text!.replaceAll('.', ''))), records.map((_, i) => i))
  t.equal(log.calls.get('Produce'), 6)
})

t.test('a batch that is too large for the topic is halved until only the record that is too large itself fails', async t => {
  const log = new MemoryLog({ maxMessageBytes: 2_000 })
  const sizes = [500, 500, 500, 5_000, 500, 500, 500]
  const outcomes = await produce(log.dispatch, context, 't', sizes.map((size, i) => value(String(i).padEnd(size, ' '))))
  t.same(outcomes.map(outcome => outcome instanceof KafkaError ? outcome.code : outcome.offset), [0, 1, 2, 'MESSAGE_TOO_LARGE', 3, 4, 5])
  t.same(log.values('t').map(text => text!.trim()), ['0', '1', '2', '4', '5', '6'])
})

t.test('with stop, nothing of a partition is appended behind a batch that was refused', async t => {
  const log = new MemoryLog({ maxMessageBytes: 2_000 })
  const sizes = [500, 500, 500, 5_000, 500, 500, 500]
  const outcomes = await produce(log.dispatch, context, 't', sizes.map((size, i) => value(String(i).padEnd(size, ' '))), -1, 'stop')
  t.same(outcomes.map(outcome => outcome instanceof KafkaError ? outcome.code : outcome.offset), [
    0, 1, 2, 'MESSAGE_TOO_LARGE', 'OPERATION_NOT_ATTEMPTED', 'OPERATION_NOT_ATTEMPTED', 'OPERATION_NOT_ATTEMPTED'
  ])
  t.same(log.values('t').map(text => text!.trim()), ['0', '1', '2'])
})

/** Refuses batches that hold `bad`, and names the records as a broker does: no more than it likes to. */
const picky = (log: MemoryLog, maxNamed = 100): MemoryLog['dispatch'] => compose(log.dispatch, on(Produce, async (request, _context, next) => {
  const bytes = request.topicData[0]!.partitionData[0]!.records![0]!
  const bad = [...recordsIn(new RecordBatch(bytes))].flatMap(({ value }, batchIndex) =>
    value!.toString().startsWith('bad') ? [{ batchIndex, batchIndexErrorMessage: `${value} must be good` }] : [])
  return bad.length === 0
    ? await next(request)
    : complete(Produce.response, {
      responses: [{
        topicId: request.topicData[0]!.topicId,
        partitionResponses: [{
          index: 0,
          errorCode: errors.INVALID_RECORD,
          baseOffset: -1,
          recordErrors: bad.slice(0, maxNamed),
          errorMessage: 'One or more records were refused'
        }]
      }]
    })
}))

t.test('where the log names the records at fault, only they are told the reason, and the others are appended in order', async t => {
  const log = new MemoryLog()
  const outcomes = await produce(picky(log), context, 't', ['a', 'bad1', 'b', 'bad2', 'c'].map(text => value(text)))
  t.match(outcomes, [
    { offset: 0 },
    { code: 'INVALID_RECORD', message: 'bad1 must be good' },
    { offset: 1 },
    { code: 'INVALID_RECORD', message: 'bad2 must be good' },
    { offset: 2 }
  ])
  t.same(log.values('t'), ['a', 'b', 'c'])
  t.match(await produce(picky(log), context, 't', [value('bad')]), [{ code: 'INVALID_RECORD' }], 'nothing is left to be sent')
})

t.test('with stop, only what lies before the first of them is', async t => {
  const log = new MemoryLog()
  const outcomes = await produce(picky(log), context, 't', ['a', 'b', 'bad1', 'c', 'bad2'].map(text => value(text)), -1, 'stop')
  t.match(outcomes, [{ offset: 0 }, { offset: 1 }, { code: 'INVALID_RECORD' }, { code: 'OPERATION_NOT_ATTEMPTED' }, { code: 'INVALID_RECORD' }])
  t.same(log.values('t'), ['a', 'b'])
})

t.test('they are sent again once: what was not named then fails with the others', async t => {
  const log = new MemoryLog()
  const outcomes = await produce(picky(log, 1), context, 't', ['a', 'bad1', 'bad2', 'bad3'].map(text => value(text)))
  t.match(outcomes, [
    { code: 'OPERATION_NOT_ATTEMPTED', message: /another record of the same batch/ },
    { message: /bad1/ },
    { message: /bad2/ },
    { code: 'OPERATION_NOT_ATTEMPTED' }
  ])
  t.same(log.values('t'), [])
})

t.test('a partition that the answer leaves out has an error, not nothing', async t => {
  const log = new MemoryLog()
  const dispatch = compose(log.dispatch, on(Produce, async () => complete(Produce.response, { responses: [] })))
  t.match(await produce(dispatch, context, 't', [value('a')]), [{ code: 'UNKNOWN_SERVER_ERROR' }])
})

t.test('a topic that is out of reach fails everything at once', async t => {
  const log = new MemoryLog({ autoCreate: false })
  await t.rejects(produce(log.dispatch, context, 'nope', [value('a')]), { code: 'UNKNOWN_TOPIC_OR_PARTITION', message: 'There is no topic nope.' })
  await t.rejects(produce(log.dispatch, context, 'no/pe', [value('a')]), { code: 'INVALID_TOPIC_EXCEPTION' })
  t.equal(log.calls.get('Produce'), undefined)
})

t.test('describing a topic creates it only if asked to', async t => {
  const log = new MemoryLog({ partitions: 4 })
  await t.rejects(describeTopic(log.dispatch, context, 't', false), { code: 'UNKNOWN_TOPIC_OR_PARTITION' })
  t.match(await describeTopic(log.dispatch, context, 't'), { partitionCount: 4 })
  t.ok(log.topics.has('t'))
})

t.test('a topic is asked about once in a while, and again when it is not what it was', async t => {
  const log = new MemoryLog()
  for (const text of ['a', 'b', 'c']) receipts(await produce(log.dispatch, context, 't', [value(text)]))
  t.strictSame([log.calls.get('Metadata'), log.calls.get('Produce')], [1, 3])
  log.create('t', 2)
  const [made] = receipts(await produce(log.dispatch, context, 't', [value('d', { partition: 1 })]))
  t.strictSame([made!.offset, log.values('t', 1)], [0, ['d']], 'the topic is another one of that name, and larger')
  log.topics.delete('t')
  receipts(await produce(log.dispatch, context, 't', [value('e', { partition: 0 }), value('f', { partition: 0 })], -1, 'stop'))
  t.strictSame(log.values('t'), ['e', 'f'], 'or has gone, and is made')
  t.equal(log.calls.get('Metadata'), 3)
})
