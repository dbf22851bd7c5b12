import t from 'tap'
import { complete } from '../../../protocol/defaults.ts'
import { errors } from '../../../protocol/errors.ts'
import { readResponse, writeResponse } from '../../../protocol/frame.ts'
import { Fetch } from '../../../protocol/messages/01-fetch.ts'
import { ShareFetch } from '../../../protocol/messages/78-share-fetch.ts'
import { anonymous, internalPrincipal, type Context } from '../../../protocol/rpc.ts'
import type { Chunks, Request, Response } from '../../../protocol/schema.ts'
import { Bench, context } from './quota-bench.ts'

const fetchOf = (maxBytes = 50_000_000, minBytes = 1): Request<typeof Fetch> => complete(Fetch.request, {
  maxWaitMs: 500,
  minBytes,
  maxBytes,
  topics: [{ topic: 'a', topicId: 'AAAAAAAAAAAAAAAAAAAAAQ', partitions: [{ partition: 0, fetchOffset: 5, partitionMaxBytes: 1_048_576 }] }]
})

const fetched = (records: Chunks): Response<typeof Fetch> => complete(Fetch.response, {
  sessionId: 0,
  responses: [{
    topic: 'a',
    topicId: 'AAAAAAAAAAAAAAAAAAAAAQ',
    partitions: [
      {
        partitionIndex: 0,
        errorCode: 0,
        highWatermark: 77,
        lastStableOffset: 76,
        logStartOffset: 3,
        abortedTransactions: [{ producerId: 1, firstOffset: 4 }],
        records
      },
      { partitionIndex: 1, errorCode: errors.OFFSET_OUT_OF_RANGE, highWatermark: -1, abortedTransactions: null, records: null }
    ]
  }]
})

const bytesOf = ({ responses }: Response<typeof Fetch>): number =>
  responses.flatMap(({ partitions }) => partitions).flatMap(({ records }) => records ?? []).reduce((sum, { length }) => sum + length, 0)

t.test('without quotas everything passes, and nothing is kept', async t => {
  const bench = new Bench()
  t.equal(await bench.produce(1e8), 0)
  t.equal(bench.quotas.charge(context(), 'consumer', 1e9), 0)
  bench.quotas.work(context(), 1e6)
  t.equal(bench.quotas.throttle(context(), 'producer', 'consumer', 'request'), null)
  t.equal(bench.quotas.stats.sensors, 0)
  bench.table.set({ user: 'bob' }, { producer_byte_rate: 1 })
  t.equal(await bench.produce(1e8), 0, 'nor for him who has none')
  t.equal(bench.quotas.stats.sensors, 0)
  t.same(bench.counted, [])
})

t.test('the process itself has no quota', async t => {
  const bench = new Bench()
  bench.table.set({ user: null }, { producer_byte_rate: 1, consumer_byte_rate: 1, request_percentage: 1 })
  const asker: Context = { ...context('http'), principal: internalPrincipal }
  const answer = fetched([Buffer.alloc(1e6)])
  bench.answer = () => answer
  t.equal(await bench.dispatch(Fetch, fetchOf(), asker), answer)
  t.equal((bench.seen[0] as Request<typeof Fetch>).maxBytes, 50_000_000)
  t.equal(await bench.produce(1e6, { asker }), 0)
  t.equal(bench.quotas.charge(asker, 'consumer', 1e6), 0)
  bench.quotas.work(asker, 1e6)
  t.equal(bench.quotas.throttle(asker, 'consumer', 'producer', 'request'), null)
  t.equal(bench.quotas.stats.sensors, 0)
})

t.test('produced bytes: answered at once, held back after', async t => {
  const bench = new Bench({ producer_byte_rate: 1000 })
  t.equal(await bench.produce(10_000), 0)
  bench.nowMs += 2500
  t.equal(await bench.produce(10_000), 20_000 - 10_500)
  t.equal(bench.seen.length, 2, 'it was done')
  t.same(bench.counted, ['producer_byte_rate kafka: 1'])
})

t.test('what a member of a share group was given counts as what is fetched, and is given', async t => {
  const bench = new Bench({ consumer_byte_rate: 1000 })
  const ask = async (bytes: number): Promise<readonly [number, number]> => {
    const asker = context()
    const partition = { partitionIndex: 0, errorCode: 0, acknowledgeErrorCode: 0, currentLeader: { leaderId: 0, leaderEpoch: 0 }, acquiredRecords: [] }
    bench.answer = () => complete(ShareFetch.response, {
      errorCode: 0,
      acquisitionLockTimeoutMs: 30_000,
      responses: [{ topicId: 'AAAAAAAAAAAAAAAAAAAAAQ', partitions: [{ ...partition, records: [Buffer.alloc(bytes)] }] }],
      nodeEndpoints: []
    })
    const asked = { maxWaitMs: 1, minBytes: 1, maxBytes: 1, maxRecords: 1, batchSize: 1, topics: [], forgottenTopicsData: [] }
    const response = await bench.dispatch(ShareFetch, complete(ShareFetch.request, { groupId: 'g', memberId: 'm', shareSessionEpoch: 1, ...asked }), asker)
    return [response.responses[0]!.partitions[0]!.records![0]!.length, asker.throttleMs]
  }
  t.strictSame(await ask(10_000), [10_000, 0])
  t.strictSame(await ask(2000), [2000, 2000])
  t.same(bench.counted, ['consumer_byte_rate kafka: 1'])
})

t.test('those that fail count too', async t => {
  const bench = new Bench({ producer_byte_rate: 1000 })
  const asker = context()
  bench.answer = () => { throw new Error('no disk') }
  await t.rejects(bench.produce(20_000, { asker }), { message: 'no disk' })
  t.equal(asker.throttleMs, 10_000)
})

t.test('the user shares over clients and doors; another has his own', async t => {
  const bench = new Bench()
  bench.table.set({ user: null }, { producer_byte_rate: 1000 })
  t.equal(await bench.produce(5000, { asker: context('kafka', 'alice', 'a') }), 0)
  t.equal(await bench.produce(5000, { asker: context('http', 'alice', 'b') }), 0)
  t.equal(await bench.produce(1000, { asker: context('ws', 'alice', 'c') }), 1000)
  t.equal(await bench.produce(10_000, { asker: context('kafka', 'bob', 'a') }), 0)
  t.equal(await bench.produce(11_000, { asker: { ...context(), principal: anonymous } }), 1000, 'ANONYMOUS is a user')
  t.same(bench.counted, ['producer_byte_rate ws: 1', 'producer_byte_rate kafka: 1'])
})

t.test('bandwidth has no bound, work has; the longer one holds', async t => {
  const bench = new Bench({ producer_byte_rate: 1000, request_percentage: 10 })
  // 60 seconds of the event loop in no time: 600 % over ten seconds.
  bench.quotas.work(context(), 60_000)
  t.equal(await bench.heartbeat(), 1000, 'any request, for a second at most')
  t.equal(await bench.produce(10_500), 1000, 'bandwidth asks for 500 ms')
  t.equal(await bench.produce(9500, { acks: 0 }), 10_000)
  t.same(bench.counted, ['request_percentage kafka: 2', 'producer_byte_rate kafka: 1'])
})

t.test('acks=0 is held back for its bytes, not for its work', async t => {
  const bench = new Bench({ producer_byte_rate: 1000, request_percentage: 1 })
  bench.quotas.work(context(), 60_000)
  t.equal(await bench.produce(10_000, { acks: 0 }), 0)
  t.equal(await bench.produce(100, { acks: 0 }), 100)
  t.equal(await bench.produce(1, { acks: 1 }), 1000)
})

t.test('work: 100 % is the whole event loop', async t => {
  const bench = new Bench({ request_percentage: 50 })
  // Half a second in each second.
  for (let i = 0; i < 30; i++) {
    bench.quotas.work(context(), 500)
    t.ok(await bench.heartbeat() <= (i < 10 ? 0 : 1000))
    bench.nowMs += 1000
  }
  const idle = new Bench({ request_percentage: 50 })
  idle.quotas.work(context(), 5000)
  t.equal(await idle.heartbeat(), 0, '5 of 10 seconds')
  idle.quotas.work(context(), 100)
  t.equal(await idle.heartbeat(), 200)
  t.equal(idle.quotas.throttle(context('http'), 'request')?.delayMs, 200, 'the same at every door')
})

t.test('a request that was held back for longer already is not held back for less', async t => {
  const bench = new Bench({ producer_byte_rate: 1000 })
  const asker = context()
  asker.throttleMs = 60_000
  t.equal(await bench.produce(20_000, { asker }), 60_000)
  t.same(bench.counted, [])
})

t.test('a quota of nothing holds for as long as can be said', async t => {
  const bench = new Bench({ producer_byte_rate: 0 })
  t.equal(await bench.produce(100), 0x7fffffff)
  t.equal(bench.quotas.throttle(context('http'), 'producer')!.delayMs, 0x7fffffff)
})

t.test('fetched bytes: within the quota they pass', async t => {
  const bench = new Bench({ consumer_byte_rate: 1000 })
  const answer = fetched([Buffer.alloc(4000), Buffer.alloc(6000)])
  bench.answer = () => answer
  const asker = context()
  t.equal(await bench.dispatch(Fetch, fetchOf(), asker), answer)
  t.equal(asker.throttleMs, 0)
})

t.test('too much for a Kafka client: it is given nothing, waits, and gets it then', async t => {
  const bench = new Bench({ consumer_byte_rate: 1000 })
  bench.answer = () => fetched([Buffer.alloc(6000)])
  t.equal(bytesOf(await bench.dispatch(Fetch, fetchOf(), context())), 6000)
  for (let i = 0; i < 3; i++) {
    const asker = context()
    t.equal(bytesOf(await bench.dispatch(Fetch, fetchOf(), asker)), 0)
    t.equal(asker.throttleMs, 2000, 'what was not given does not count')
  }
  bench.nowMs += 12_000
  const asker = context()
  t.equal(bytesOf(await bench.dispatch(Fetch, fetchOf(), asker)), 6000)
  t.equal(asker.throttleMs, 0)
  t.same(bench.counted, ['consumer_byte_rate kafka: 3'])
})

t.test('the answer without records is one, in every version', async t => {
  const bench = new Bench({ consumer_byte_rate: 1000 })
  bench.answer = () => fetched([Buffer.alloc(9000)])
  await bench.dispatch(Fetch, fetchOf(), context())
  const { responses: [topic] } = await bench.dispatch(Fetch, fetchOf(), context())
  t.match(topic, {
    topic: 'a',
    partitions: [
      { partitionIndex: 0, errorCode: 0, highWatermark: 77, lastStableOffset: 76, logStartOffset: 3, abortedTransactions: [], records: [] },
      { partitionIndex: 1, errorCode: errors.OFFSET_OUT_OF_RANGE, abortedTransactions: null }
    ]
  })
  for (let version = Fetch.versions[0]; version <= Fetch.versions[1]; version++) {
    const answer = await bench.dispatch(Fetch, fetchOf(), { ...context(), version })
    const read = roundTrip(answer, version)
    t.equal(read.sessionId, 0)
    t.equal(read.errorCode, 0)
    t.equal(read.responses[0]!.partitions.length, 2)
    t.equal(read.responses[0]!.partitions[0]!.highWatermark, 77)
    t.equal(bytesOf(read), 0, `v${version}`)
  }
})

function roundTrip (answer: Response<typeof Fetch>, version: number): Response<typeof Fetch> {
  const frame = Buffer.concat(writeResponse(Fetch, version, 1, answer))
  return readResponse(Fetch, version, frame.subarray(4)).body
}

t.test('nobody is offered more than he may have', async t => {
  const bench = new Bench({ consumer_byte_rate: 1000 })
  bench.answer = ({ maxBytes }: Request<typeof Fetch>) => fetched([Buffer.alloc(Math.min(maxBytes, 4000))])
  const seen = (): Request<typeof Fetch> => bench.seen.at(-1) as Request<typeof Fetch>
  await bench.dispatch(Fetch, fetchOf(50_000_000, 20_000), context())
  t.equal(seen().maxBytes, 10_000, 'the quota over ten seconds')
  t.equal(seen().minBytes, 10_000)
  await bench.dispatch(Fetch, fetchOf(500, 1), context())
  t.equal(seen().maxBytes, 500, 'nor more than he asked for')
  await bench.dispatch(Fetch, fetchOf(), context())
  t.equal(seen().maxBytes, 5500, 'what is left')
  await bench.dispatch(Fetch, fetchOf(), context())
  t.equal(seen().maxBytes, 1500)
  await bench.dispatch(Fetch, fetchOf(), context())
  t.equal(seen().maxBytes, 250, 'but a piece worth the way')
  bench.table.set({ user: 'alice' }, { consumer_byte_rate: 0.1 })
  await bench.dispatch(Fetch, fetchOf(), context())
  t.equal(seen().maxBytes, 1)
})

t.test('a batch that no window allows is read all the same, by one who was silent', async t => {
  const bench = new Bench({ consumer_byte_rate: 1000 })
  bench.answer = () => fetched([Buffer.alloc(30_000)])
  const asker = context()
  t.equal(bytesOf(await bench.dispatch(Fetch, fetchOf(), asker)), 30_000)
  t.equal(asker.throttleMs, 20_000, 'and waited for after it')
  let read = 0
  // A client that polls without waiting gets one in the time that it takes.
  for (const endMs = bench.nowMs + 300_000; bench.nowMs < endMs; bench.nowMs += 100) read += bytesOf(await bench.dispatch(Fetch, fetchOf(), context()))
  t.ok(read > 0 && read <= 300_000, `${read} bytes in 300 seconds`)
})

t.test('other doors get what they asked for, and are held back', async t => {
  const bench = new Bench({ consumer_byte_rate: 1000 })
  bench.answer = () => fetched([Buffer.alloc(9000)])
  for (const [door, throttleMs] of [['http', 0], ['http', 8000]] as const) {
    const asker = context(door)
    t.equal(bytesOf(await bench.dispatch(Fetch, fetchOf(), asker)), 9000)
    t.equal(asker.throttleMs, throttleMs)
  }
})

t.test('connections that are held back come back one after the other', async t => {
  const bench = new Bench({ consumer_byte_rate: 1000 })
  bench.answer = () => fetched([Buffer.alloc(200)])
  bench.quotas.charge(context(), 'consumer', 9900)
  const connections = Array.from({ length: 3 }, () => new AbortController().signal)
  const fetchOn = async (signal: AbortSignal): Promise<readonly [bytes: number, throttleMs: number]> => {
    const asker = { ...context('kafka'), signal }
    return [bytesOf(await bench.dispatch(Fetch, fetchOf(), asker)), asker.throttleMs]
  }
  t.strictSame(await fetchOn(connections[0]!), [0, 100], 'too much by 100 bytes')
  bench.quotas.charge(context(), 'consumer', 200)
  t.strictSame(await fetchOn(connections[1]!), [0, 300], 'when the one before it has had its 200 bytes')
  t.strictSame(await fetchOn(connections[2]!), [0, 500])
  t.strictSame(await fetchOn(connections[2]!), [0, 500], 'who asks again is not behind himself')
  bench.nowMs += 60_000
  t.strictSame(await fetchOn(connections[2]!), [200, 0])
})

t.test('who left while he waited for his turn is given nothing, and nobody is charged for it', async t => {
  const leaving = new AbortController()
  const waited: unknown[] = []
  const take = async (_key: object, _apartMs: number, signal?: AbortSignal): Promise<void> => {
    waited.push(signal)
    leaving.abort()
  }
  const bench = new Bench({ consumer_byte_rate: 1000 }, { turns: { has: () => true, take } })
  bench.answer = () => fetched([Buffer.alloc(200)])
  const { responses, errorCode } = await bench.dispatch(Fetch, fetchOf(), { ...context(), signal: leaving.signal })
  t.same([responses, errorCode, bench.seen], [[], 0, []])
  t.same(waited, [leaving.signal])
  t.equal(bench.quotas.allowance(context(), 'consumer')!.remaining, 10_000)
})

t.test('what is offered is what is left when the turn has come', async t => {
  const bench: Bench = new Bench({ consumer_byte_rate: 1000 }, { turns: { has: () => true, take: async () => { bench.nowMs += 15_000 } } })
  bench.answer = () => fetched([])
  bench.quotas.charge(context(), 'consumer', 9000)
  await bench.dispatch(Fetch, fetchOf(), context())
  t.match(bench.seen, [{ maxBytes: 10_000 }], 'and not the thousand bytes of when he came')
})

t.test('a reader of what was fetched for all is charged', async t => {
  const bench = new Bench({ consumer_byte_rate: 1000 })
  t.equal(bench.quotas.charge(context('ws'), 'consumer', 10_000), 0)
  t.equal(bench.quotas.charge(context('sse'), 'consumer', 500), 500)
  bench.answer = () => fetched([Buffer.alloc(1)])
  const asker = context('kafka')
  t.equal(bytesOf(await bench.dispatch(Fetch, fetchOf(), asker)), 0, 'and uses up what he may fetch')
  t.equal(asker.throttleMs, 500)
  t.equal(bench.quotas.charge(context('ws'), 'producer', 1e9), 0, 'of another quota there is none')
})

t.test('a quota that comes or goes during a long poll', async t => {
  const bench = new Bench({ consumer_byte_rate: 1000 })
  bench.answer = () => {
    bench.table.set({ user: 'alice' }, { request_percentage: 100 })
    return fetched([Buffer.alloc(30_000)])
  }
  bench.quotas.charge(context(), 'consumer', 9000)
  const asker = context()
  t.equal(bytesOf(await bench.dispatch(Fetch, fetchOf(), asker)), 30_000)
  t.equal(asker.throttleMs, 0)
})
