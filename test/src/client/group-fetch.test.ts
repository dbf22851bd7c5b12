/**
 * What becomes of the records of one Fetch, whatever is wrong with some of them.
 */
import t from 'tap'
import { CONTROL } from '../../../protocol/batch.ts'
import { complete } from '../../../protocol/defaults.ts'
import { errors, type ErrorName } from '../../../protocol/errors.ts'
import { Fetch } from '../../../protocol/messages/01-fetch.ts'
import { buildBatch, type BatchOptions } from '../../../protocol/records.ts'
import { deliver, type Fetched, type Target } from '../../../src/client/group-fetch.ts'

const ID = 'BBBBBBBBBBBBBBBBBBBBBB'

function batch (baseOffset: number, values: readonly string[], options: BatchOptions = {}): Buffer {
  return buildBatch(values.map(value => ({ key: null, value: Buffer.from(value) })), { nowMs: 0, baseOffset, ...options }).bytes
}

const target = (partition: number, next: number): Target =>
  ({ topicId: ID, position: { topic: 't', partition, next, committed: null, isPending: false, outOfRange: false } })

function fetched (...partitions: readonly { partitionIndex: number, error?: ErrorName, records?: Buffer[] }[]): Fetched {
  return complete(Fetch.response, {
    sessionId: 0,
    responses: [{
      topic: '',
      topicId: ID,
      partitions: partitions.map(({ partitionIndex, error = 'NONE', records = [] }) =>
        ({ partitionIndex, errorCode: errors[error], highWatermark: 0, abortedTransactions: null, records }))
    }]
  })
}

function run (answer: Fetched, targets: readonly Target[], room = Infinity) {
  const seen: string[] = []
  const take = (line: string): boolean => seen.length < room && seen.push(line) > 0
  const delivered = deliver(answer, targets, {
    record: ({ partition }, { offset, value }) => take(`${partition}:${offset}=${value?.toString()}`),
    unreadable: ({ partition }, offset, next) => take(`${partition}:${offset}-${next - 1}!`)
  })
  return { seen, ...delivered, next: targets.map(({ position }) => position.next) }
}

t.test('records from the position on, and no further than there is room', async t => {
  const answer = fetched({ partitionIndex: 0, records: [batch(3, ['a', 'b', 'c']), batch(6, ['d'])] }, { partitionIndex: 1, records: [batch(0, ['x'])] })
  t.match(run(answer, [target(0, 4), target(1, 0)]), {
    seen: ['0:4=b', '0:5=c', '0:6=d', '1:0=x'], next: [7, 1], hasMoved: true, isStale: false, failure: null
  })
  t.match(run(answer, [target(0, 4), target(1, 0)], 1), { seen: ['0:4=b'], next: [5, 0] })
  t.match(run(answer, [target(1, 0), target(0, 4)], 1), { seen: ['1:0=x'], next: [1, 4] })
})

t.test('a sink that fails half-way has been given nothing', async t => {
  const answer = fetched({ partitionIndex: 0, records: [batch(0, ['a', 'b'])] }, { partitionIndex: 1, records: [batch(0, ['c', 'd'])] })
  const targets = [target(0, 0), target(1, 0)]
  const failing = new Error('what the sink is given for d')
  t.throws(() => deliver(answer, targets, {
    record: (_, { value }) => {
      if (value?.toString() === 'd') throw failing
      return true
    },
    unreadable: () => true
  }), failing)
  t.match(targets, [{ position: { next: 0, isPending: false } }, { position: { next: 0, isPending: false } }])
})

t.test('control batches and gaps are passed by', async t => {
  const answer = fetched({ partitionIndex: 0, records: [batch(0, ['\0\0\0\0\0\0'], { attributes: CONTROL }), batch(5, ['a'], { lastOffsetDelta: 4 })] })
  t.match(run(answer, [target(0, 0)]), { seen: ['0:5=a'], next: [10] })
  t.match(run(answer, [target(0, 6)]), { seen: [], next: [10], hasMoved: true })
})

t.test('a batch that cannot be read is one element, and what follows is read', async t => {
  const broken = batch(0, ['a', 'b', 'c'], { compression: 'gzip' })
  broken.fill(0xff, 70, 80)
  const answer = fetched({ partitionIndex: 0, records: [broken, batch(3, ['d'])] })
  t.match(run(answer, [target(0, 1)]), { seen: ['0:1-2!', '0:3=d'], next: [4] })
  t.match(run(answer, [target(0, 1)], 0), { seen: [], next: [1], hasMoved: false })
})

t.test('what is wrong with a partition does not hold up the others', async t => {
  const good = { partitionIndex: 1, records: [batch(0, ['x'])] }
  const beside = (error: ErrorName): ReturnType<typeof run> => run(fetched({ partitionIndex: 0, error }, good), [target(0, 9), target(1, 0)])
  t.match(beside('OFFSET_OUT_OF_RANGE'), { seen: ['1:0=x'], next: [null, 1], hasMoved: true })
  t.match(beside('NOT_LEADER_OR_FOLLOWER'), { seen: ['1:0=x'], next: [9, 1], isStale: true })
  t.match(beside('TOPIC_AUTHORIZATION_FAILED'), {
    seen: ['1:0=x'], next: [9, 1], failure: { code: 'TOPIC_AUTHORIZATION_FAILED', message: 'Not authorised: this needs READ on the topic t.' }
  })
})
