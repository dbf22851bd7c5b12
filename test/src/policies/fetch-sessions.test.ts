import t from 'tap'
import { complete } from '../../../protocol/defaults.ts'
import { errors } from '../../../protocol/errors.ts'
import { Fetch } from '../../../protocol/messages/01-fetch.ts'
import { Metadata } from '../../../protocol/messages/03-metadata.ts'
import { anonymous, type Dispatch, type Principal } from '../../../protocol/rpc.ts'
import { fetchSessions } from '../../../src/policies/fetch-sessions.ts'
import { Bench, BY_ID, BY_NAME, type Answer, type Asked } from './fetch-sessions-bench.ts'

const alice: Principal = { type: 'User', name: 'alice' }
const records = [Buffer.from('records')]

t.test('who asks without a session, at another door or for something else, passes as it is', async t => {
  const bench = new Bench()
  for (const door of ['kafka', 'http', 'internal'] as const) {
    const request = bench.request({ epoch: door === 'kafka' ? -1 : 0, want: { 'a-0': 5 } })
    const { sessionId } = await bench.dispatch(Fetch, request, bench.context({ door }))
    t.equal(bench.requests.at(-1), request)
    t.equal(sessionId, 0)
  }
  const metadata = complete(Metadata.request, { topics: [] })
  let passed: unknown
  const engine = (async (_api: unknown, request: unknown) => { passed = request }) as unknown as Dispatch
  await fetchSessions(bench.cache)(engine)(Metadata, metadata, bench.context({}))
  t.equal(passed, metadata)
  t.equal(bench.cache.open, 0)
})

for (const version of [7, BY_NAME, 13, BY_ID]) {
  t.test(`v${version}: a session, from its beginning to its end`, async t => {
    const bench = new Bench()
    const first = await bench.ask({ version, want: { 'a-0': 1, 'a-1': 2, 'b-0': 3 } })
    t.ok(first.id > 0)
    t.same(first, { id: first.id, error: 0, partitions: ['a-0', 'a-1', 'b-0'] }, 'all is told')
    t.match(bench.requests[0], { sessionId: 0, sessionEpoch: -1 }, 'who is behind knows of no session')
    const { id } = first
    t.same(await bench.ask({ version, id, epoch: 1 }), { id, error: 0, partitions: [] }, 'nothing has changed')
    t.same(bench.seen, ['a-0@1', 'a-1@2', 'b-0@3'], 'all was asked for')
    t.match(bench.requests[1], { sessionId: 0, sessionEpoch: -1, maxWaitMs: 500, minBytes: 1, forgottenTopicsData: [] })

    bench.answers.set('a-0', { highWatermark: 2, records })
    t.same((await bench.ask({ version, id, epoch: 2 })).partitions, ['a-0'])
    bench.answers.set('a-0', { highWatermark: 2 })
    t.same((await bench.ask({ version, id, epoch: 3, want: { 'a-0': 2 } })).partitions, [])
    t.same(bench.seen, ['a-1@2', 'b-0@3', 'a-0@2'], 'who had records is last')

    t.same((await bench.ask({ version, id, epoch: 4, want: { 'c-7': 9 }, forget: ['a-1', 'a-9', 'x-0'] })).partitions, ['c-7'], 'what is new is told')
    t.same(bench.seen, ['b-0@3', 'a-0@2', 'c-7@9'])
    t.same([bench.cache.open, bench.cache.partitions], [1, 3])

    t.same(await bench.ask({ version, id, epoch: -1, want: { 'a-0': 2 } }), { id: 0, error: 0, partitions: ['a-0'] }, 'a last answer, whole')
    t.same([bench.cache.open, bench.cache.partitions, bench.cache.evicted], [0, 0, 0])
    t.match(bench.requests.at(-1), { sessionId: 0, sessionEpoch: -1 })
    t.same(await bench.ask({ version, id, epoch: 5 }), { id: 0, error: errors.FETCH_SESSION_ID_NOT_FOUND, partitions: [] })
  })
}

t.test('what counts as news', async t => {
  const bench = new Bench()
  const id = await bench.begin({ 'a-0': 0, 'a-1': 0 })
  let epoch = 0
  const heard = async (answer: Answer): Promise<number> => {
    bench.answers.set('a-0', answer)
    return (await bench.ask({ id, epoch: ++epoch })).partitions.length
  }
  t.equal(await heard({ highWatermark: 5 }), 1, 'a high watermark')
  t.equal(await heard({ highWatermark: 5 }), 0, 'once')
  t.equal(await heard({ highWatermark: 5, lastStableOffset: 3 }), 0, 'as Kafka: the last stable offset comes with its records')
  t.equal(await heard({ highWatermark: 5, logStartOffset: 2 }), 1, 'a start')
  t.equal(await heard({ highWatermark: 5, logStartOffset: 2 }), 0)
  t.equal(await heard({ highWatermark: 5, logStartOffset: 2, records }), 1, 'records')
  t.equal(await heard({ highWatermark: 5, logStartOffset: 2, records }), 1, 'each time')
  t.equal(await heard({ highWatermark: 5, logStartOffset: 2, records: [Buffer.alloc(0)] }), 0, 'none')
  t.equal(await heard({ highWatermark: 5, logStartOffset: 2, records: null }), 0, 'none')
  t.equal(await heard({ highWatermark: 5, logStartOffset: 2, preferredReadReplica: 3 }), 1)
  t.equal(await heard({ highWatermark: 5, logStartOffset: 2, divergingEpoch: { epoch: 0, endOffset: 1 } }), 1)
  t.equal(await heard({ errorCode: errors.OFFSET_OUT_OF_RANGE, highWatermark: -1, logStartOffset: -1 }), 1, 'an error')
  t.equal(await heard({ errorCode: errors.OFFSET_OUT_OF_RANGE, highWatermark: -1, logStartOffset: -1 }), 1, 'for as long as it lasts')
  t.equal(await heard({ highWatermark: 5, logStartOffset: 2 }), 1, 'and its end')
  t.equal(await heard({ errorCode: errors.NOT_LEADER_OR_FOLLOWER, highWatermark: 5, logStartOffset: 2 }), 1)
  t.equal(await heard({ highWatermark: 5, logStartOffset: 2 }), 1, 'its end, even if everything else is as before')
})

t.test('an error in the first answer is not forgotten', async t => {
  const bench = new Bench()
  bench.answers.set('a-0', { errorCode: errors.TOPIC_AUTHORIZATION_FAILED, highWatermark: 5 })
  const id = await bench.begin({ 'a-0': 0 })
  bench.answers.set('a-0', { highWatermark: 5 })
  t.same((await bench.ask({ id, epoch: 1 })).partitions, ['a-0'])
  t.same((await bench.ask({ id, epoch: 2 })).partitions, [])
})

t.test('nobody starves: who had records is read last', async t => {
  const bench = new Bench()
  const want = { 'a-0': 0, 'a-1': 0, 'b-0': 0, 'b-1': 0 }
  for (const one of Object.keys(want)) bench.answers.set(one, { records })
  const id = await bench.begin(want)
  bench.answers.set('b-0', {})
  bench.answers.set('b-1', {})
  await bench.ask({ id, epoch: 1 })
  t.same(bench.seen, ['a-0@0', 'a-1@0', 'b-0@0', 'b-1@0'])
  t.same(bench.requests[1]!.topics.map(({ partitions }) => partitions.length), [2, 2], 'neighbours of one topic are one')
  bench.answers.set('a-0', {})
  await bench.ask({ id, epoch: 2 })
  t.same(bench.seen, ['b-0@0', 'b-1@0', 'a-0@0', 'a-1@0'])
  await bench.ask({ id, epoch: 3 })
  t.same(bench.seen, ['b-0@0', 'b-1@0', 'a-0@0', 'a-1@0'], 'the last stays where it is')
})

t.test('a topic that is deleted and made anew is another: by its id', async t => {
  const bench = new Bench()
  const id = await bench.begin({ 'old-0': 7 }, { version: BY_ID })
  bench.answers.set('old-0', { errorCode: errors.UNKNOWN_TOPIC_ID, highWatermark: -1 })
  t.same((await bench.ask({ version: BY_ID, id, epoch: 1 })).partitions, ['old-0'])
  t.same((await bench.ask({ version: BY_ID, id, epoch: 2, want: { 'new-0': 0 }, forget: ['old-0'] })).partitions, ['new-0'])
  t.same(bench.seen, ['new-0@0'])
  const named = await bench.begin({ 'a-0': 7 })
  bench.answers.set('a-0', { errorCode: errors.UNKNOWN_TOPIC_OR_PARTITION, highWatermark: -1 })
  await bench.ask({ id: named, epoch: 1 })
  bench.answers.set('a-0', { highWatermark: 1, records })
  t.same((await bench.ask({ id: named, epoch: 2, want: { 'a-0': 0 } })).partitions, ['a-0'], 'by its name it is the same')
})

t.test('a session that is left without partitions ends', async t => {
  const bench = new Bench()
  const id = await bench.begin({ 'a-0': 0, 'a-1': 0 })
  t.same(await bench.ask({ id, epoch: 1, forget: ['a-0', 'a-1'] }), { id: 0, error: 0, partitions: [] })
  t.same([bench.cache.open, bench.cache.partitions], [0, 0])
  t.same(bench.seen, [])
  const other = await bench.begin({ 'a-0': 0 })
  t.same(await bench.ask({ id: other, epoch: 1, want: { 'b-0': 0 }, forget: ['b-0', 'a-0'] }), { id: 0, error: 0, partitions: ['b-0'] },
    'what was asked for is answered, as in Kafka')
})

t.test('wrong epochs', async t => {
  const bench = new Bench()
  const id = await bench.begin()
  const before = bench.requests.length
  for (const epoch of [2, 5, -2, 0x7fffffff, -0x80000000]) {
    t.same(await bench.ask({ id, epoch, want: { 'z-0': 0 } }), { id: 0, error: errors.INVALID_FETCH_SESSION_EPOCH, partitions: [] }, `${epoch}`)
  }
  t.equal(bench.requests.length, before, 'nobody behind was asked')
  t.same(await bench.ask({ id, epoch: 1 }), { id, error: 0, partitions: [] }, 'and the session is as before')
  t.same(bench.seen, ['a-0@0', 'a-1@0', 'b-0@0'])
  t.equal((await bench.ask({ id, epoch: 1 })).error, errors.INVALID_FETCH_SESSION_EPOCH, 'none is used twice')
  t.equal((await bench.ask({ epoch: 3 })).error, errors.FETCH_SESSION_ID_NOT_FOUND, '0 is nobody\'s id')
  t.equal((await bench.ask({ id: -5, epoch: 3 })).error, errors.FETCH_SESSION_ID_NOT_FOUND)
})

t.test('the last epoch is followed by the first', async t => {
  const bench = new Bench()
  const id = await bench.begin()
  bench.cache.find(id, anonymous)!.epoch = 0x7fffffff
  t.equal((await bench.ask({ id, epoch: 0x7fffffff })).error, 0)
  t.equal((await bench.ask({ id, epoch: 1 })).error, 0)
})

t.test('a session names topics in one way', async t => {
  const bench = new Bench()
  const byName = await bench.begin()
  t.same(await bench.ask({ id: byName, epoch: 1, version: BY_ID }), { id: 0, error: errors.FETCH_SESSION_TOPIC_ID_ERROR, partitions: [] })
  t.equal((await bench.ask({ id: byName, epoch: 1, version: 7 })).error, 0)
  const byId = await bench.begin({ 'a-0': 0 }, { version: 13 })
  t.equal((await bench.ask({ id: byId, epoch: 1, version: BY_NAME })).error, errors.FETCH_SESSION_TOPIC_ID_ERROR)
  t.equal((await bench.ask({ id: byId, epoch: 1, version: BY_ID })).error, 0)
})

t.test('a session is its owner\'s', async t => {
  const bench = new Bench()
  const id = await bench.begin({ 'secret-0': 0 }, { principal: alice })
  for (const principal of [anonymous, { type: 'Group', name: 'alice' }, { type: 'User', name: 'bob' }]) {
    t.same(await bench.ask({ id, epoch: 1, principal }), { id: 0, error: errors.FETCH_SESSION_ID_NOT_FOUND, partitions: [] })
    t.same(await bench.ask({ id, epoch: -1, principal }), { id: 0, error: 0, partitions: [] }, 'it is not for others to end it')
    t.not((await bench.ask({ id, epoch: 0, principal, want: { 'a-0': 0 } })).id, id)
  }
  t.equal((await bench.ask({ id, epoch: 1, principal: { type: 'User', name: 'alice', tokenAuthenticated: true } })).id, id)
  t.same(bench.seen, ['secret-0@0'])
})

t.test('a new session in the place of an old one', async t => {
  const bench = new Bench()
  const id = await bench.begin()
  const { id: next } = await bench.ask({ id, epoch: 0, want: { 'b-0': 0 } })
  t.not(next, id)
  t.same([bench.cache.open, bench.cache.partitions], [1, 1])
  t.equal((await bench.ask({ id, epoch: 1 })).error, errors.FETCH_SESSION_ID_NOT_FOUND)
})

t.test('an answer that comes too late says so', async t => {
  const bench = new Bench()
  const id = await bench.begin()
  const { promise, resolve } = Promise.withResolvers<void>()
  bench.pause = promise
  bench.answers.set('a-0', { records })
  const slow = bench.ask({ id, epoch: 1 })
  bench.pause = Promise.resolve()
  t.same((await bench.ask({ id, epoch: 2 })).partitions, ['a-0'])
  resolve()
  t.same(await slow, { id, error: errors.INVALID_FETCH_SESSION_EPOCH, partitions: [] })
})

t.test('failures behind pass by, and the session goes on', async t => {
  const bench = new Bench()
  const id = await bench.begin()
  bench.error = errors.KAFKA_STORAGE_ERROR
  t.match(await bench.ask({ id, epoch: 1 }), { error: errors.KAFKA_STORAGE_ERROR })
  t.match(await bench.ask({ want: { 'a-0': 0 } }), { id: 0, error: errors.KAFKA_STORAGE_ERROR }, 'none begins with one')
  bench.error = errors.NONE
  bench.pause = Promise.reject(new Error('broken'))
  await t.rejects(bench.ask({ id, epoch: 2 }), { message: 'broken' })
  bench.pause = Promise.resolve()
  t.equal((await bench.ask({ id, epoch: 3 })).error, 0)
})

t.test('partitions that are named twice, and answers to what nobody asked for', async t => {
  const bench = new Bench()
  const request = bench.request({ want: { 'a-0': 1, 'b-0': 0 } })
  request.topics.push({ ...request.topics[0]!, partitions: [{ ...request.topics[0]!.partitions[0]!, fetchOffset: 8 }] })
  const { sessionId: id } = await bench.dispatch(Fetch, request, bench.context({}))
  t.equal(bench.cache.partitions, 2)
  await bench.ask({ id, epoch: 1 })
  t.same(bench.seen, ['a-0@8', 'b-0@0'], 'the last word counts')

  const stranger: Dispatch = (async () => complete(Fetch.response, {
    sessionId: 0,
    responses: ['a', 'x'].map(topic => ({
      topic, partitions: [0, 9].map(partitionIndex => ({ partitionIndex, errorCode: 0, highWatermark: 3, abortedTransactions: null, records }))
    }))
  })) as unknown as Dispatch
  const { responses } = await fetchSessions(bench.cache)(stranger)(Fetch, bench.request({ id, epoch: 2 }), bench.context({}))
  t.same(responses.map(({ topic, partitions }) => [topic, partitions.map(({ partitionIndex }) => partitionIndex)]), [['a', [0]]])
})

t.test('at random: a client that hears only of changes knows as much as one that hears everything', async t => {
  for (let seed = 1; seed <= 20; seed++) {
    let state = seed
    const random = (below: number): number => (state = (state * 1_103_515_245 + 12_345) % 0x80000000) % below
    const bench = new Bench()
    const all = Array.from({ length: 12 }, (_one, i) => `t${i % 4}-${i}`)
    const wanted = new Map<string, number>([[all[0]!, 0]])
    const known = new Map<string, Answer>()
    const ask = async (asked: Asked): Promise<number> => {
      const { sessionId, errorCode, responses } = await bench.dispatch(Fetch, bench.request(asked), bench.context(asked))
      if (errorCode !== 0) throw new Error(`error ${errorCode}`)
      for (const { topic, partitions } of responses) {
        for (const { partitionIndex, errorCode, highWatermark, logStartOffset } of partitions) {
          known.set(`${topic}-${partitionIndex}`, { errorCode, highWatermark, logStartOffset })
        }
      }
      return sessionId
    }
    const id = await ask({ want: Object.fromEntries(wanted) })
    for (let epoch = 1; epoch < 200; epoch++) {
      const truth = (one: string): Answer => {
        const { errorCode = 0, highWatermark = 0, logStartOffset = 0 } = bench.answers.get(one) ?? {}
        return { errorCode, highWatermark, logStartOffset }
      }
      for (let i = random(3); i > 0; i--) {
        bench.answers.set(all[random(12)]!, {
          errorCode: random(4) === 0 ? 3 : 0, highWatermark: random(5), logStartOffset: random(3), records: random(2) === 0 ? records : []
        })
      }
      const [add, drop] = [all[random(12)]!, all[random(12)]!]
      const want: Record<string, number> = random(2) === 0 ? {} : { [add]: epoch }
      const forget = random(3) === 0 && drop !== add && wanted.size > 1 ? [drop] : []
      for (const [one, offset] of Object.entries(want)) wanted.set(one, offset)
      for (const one of forget) if (wanted.delete(one)) known.delete(one)
      if (await ask({ id, epoch, want, forget }) !== id) throw new Error('the session has ended')
      const expected = [...wanted].map(([one, offset]) => `${one}@${offset}`).sort()
      if (JSON.stringify(bench.seen.toSorted()) !== JSON.stringify(expected)) t.same(bench.seen.toSorted(), expected, `seed ${seed}, epoch ${epoch}`)
      for (const one of wanted.keys()) {
        if (JSON.stringify(known.get(one)) !== JSON.stringify(truth(one))) t.same(known.get(one), truth(one), `seed ${seed}, epoch ${epoch}, ${one}`)
      }
    }
    t.equal(bench.cache.partitions, wanted.size)
  }
})
