import t, { type Test } from 'tap'
import { complete } from '../../../protocol/defaults.ts'
import { errorRow } from '../../../protocol/errors.ts'
import { Metadata } from '../../../protocol/messages/03-metadata.ts'
import { CreateTopics } from '../../../protocol/messages/19-create-topics.ts'
import { DeleteTopics } from '../../../protocol/messages/20-delete-topics.ts'
import { CreatePartitions } from '../../../protocol/messages/37-create-partitions.ts'
import { compose, internalPrincipal, neverAborted, newest, type Context, type Dispatch, type Door } from '../../../protocol/rpc.ts'
import type { Api, Request } from '../../../protocol/schema.ts'
import { QuotaTable } from '../../../src/access/quota-table.ts'
import { mutationQuota } from '../../../src/policies/mutation-quota.ts'
import { Quotas } from '../../../src/policies/quota.ts'
import { openEngine } from '../../storage/embedded/support.ts'

const NO_ID = 'AAAAAAAAAAAAAAAAAAAAAA'

type Sizes = ReadonlyArray<readonly [name: string, partitions: number]>
/** `name: ERROR` of each topic, and how long to wait. */
type Told = [topics: string[], throttleMs: number]

/** An engine of its own, and alice, who may change 5 partitions a second. */
class Bench {
  nowMs = 0
  readonly table = new QuotaTable()
  readonly quotas = new Quotas(this.table, () => this.nowMs)
  readonly dispatch: Dispatch
  readonly engine: Dispatch
  /** What the engine was asked. */
  readonly asked: string[] = []

  private constructor (engine: Dispatch) {
    this.engine = engine
    this.table.set({ user: 'alice' }, { controller_mutation_rate: 5 })
    this.dispatch = compose(((api, request, context) => {
      this.asked.push(`${api.name} by ${context.principal.name}`)
      return engine(api, request, context)
    }) as Dispatch, mutationQuota(this.quotas))
  }

  static async open (t: Test): Promise<Bench> {
    const { engine } = await openEngine(t, t.testdir(), { partitions: 3, durability: 'os' })
    return new Bench(engine.dispatch)
  }

  context (version: number, door: Door = 'kafka', name = 'alice'): Context {
    return { principal: { type: 'User', name }, door, clientId: 'app', address: '127.0.0.1', version, signal: neverAborted, throttleMs: 0 }
  }

  async create (topics: Sizes, { version = newest(CreateTopics), validateOnly = false } = {}): Promise<Told> {
    const context = this.context(version)
    const answer = await this.dispatch(CreateTopics, createOf(topics, validateOnly), context)
    const { throttleTimeMs } = answer
    if (throttleTimeMs > 0 && throttleTimeMs !== context.throttleMs) throw new Error('The answer and the door tell different times.')
    return [answer.topics.map(({ name, errorCode }) => `${name}: ${errorRow(errorCode).name}`), context.throttleMs]
  }

  async extend (topics: Sizes, { version = newest(CreatePartitions), validateOnly = false } = {}): Promise<Told> {
    const context = this.context(version)
    const request = complete(CreatePartitions.request, {
      topics: topics.map(([name, count]) => ({ name, count, assignments: null })), timeoutMs: 1000, validateOnly
    })
    const { results } = await this.dispatch(CreatePartitions, request, context)
    return [results.map(({ name, errorCode }) => `${name}: ${errorRow(errorCode).name}`), context.throttleMs]
  }

  async remove (topics: ReadonlyArray<{ name: string | null, topicId?: string }>, version = newest(DeleteTopics)): Promise<Told> {
    const context = this.context(version)
    const request = version >= 6
      ? complete(DeleteTopics.request, { topics: topics.map(topic => ({ topicId: NO_ID, ...topic })), timeoutMs: 1000 })
      : complete(DeleteTopics.request, { topicNames: topics.map(({ name }) => name!), timeoutMs: 1000 })
    const { responses } = await this.dispatch(DeleteTopics, request, context)
    return [responses.map(({ name, topicId, errorCode }) => `${name ?? topicId}: ${errorRow(errorCode).name}`), context.throttleMs]
  }

  /** What there is: `name: partitions`. */
  async topics (): Promise<string[]> {
    const { topics } = await this.engine(Metadata, complete(Metadata.request, { topics: null }), this.context(newest(Metadata)))
    return topics.map(({ name, partitions }) => `${name}: ${partitions.length}`).filter(topic => !topic.startsWith('__')).sort()
  }

  /** Topics from before there was a quota. */
  async have (topics: Sizes): Promise<void> {
    await this.engine(CreateTopics, createOf(topics, false), this.context(7, 'internal'))
  }
}

const createOf = (topics: Sizes, validateOnly: boolean): Request<typeof CreateTopics> => complete(CreateTopics.request, {
  topics: topics.map(([name, numPartitions]) => ({ name, numPartitions, replicationFactor: 1, assignments: [], configs: [] })), validateOnly
})

t.test('the vector: 100 partitions at once, 8 s left after one, admitted after nine', async t => {
  const bench = await Bench.open(t)
  t.same(await bench.create([['big', 100]]), [['big: NONE'], 0])
  bench.nowMs = 1000
  t.same(await bench.create([['more', 1]]), [['more: THROTTLING_QUOTA_EXCEEDED'], 8000])
  t.same(await bench.topics(), ['big: 100'], 'nothing was done')
  bench.nowMs = 9000
  t.same(await bench.create([['more', 1]]), [['more: NONE'], 0])
  t.same(Array.from(bench.quotas.stats.throttled(), ([quota, door, { sum }]) => [quota, door, sum]), [['controller_mutation_rate', 'kafka', 8]])
})

t.test('each topic for itself: what fits is done', async t => {
  const bench = await Bench.open(t)
  const [told, throttleMs] = await bench.create([['a', 50], ['b', 10], ['c', 1], ['d', 1]])
  t.same(told.sort(), ['a: NONE', 'b: NONE', 'c: THROTTLING_QUOTA_EXCEEDED', 'd: THROTTLING_QUOTA_EXCEEDED'])
  t.equal(throttleMs, 1000)
  t.same(await bench.topics(), ['a: 50', 'b: 10'])
})

t.test('the answer says what is the matter', async t => {
  const bench = await Bench.open(t)
  await bench.create([['big', 60]])
  const answer = await bench.dispatch(CreateTopics, createOf([['more', 1]], false), bench.context(7, 'http'))
  t.equal(answer.throttleTimeMs, 1000)
  t.match(answer.topics, [{
    name: 'more',
    errorMessage: 'Over the controller_mutation_rate of 5 partitions a second: nothing was done. Ask again in 1000 ms.',
    configs: null
  }])
})

t.test('older versions: done, and held back afterwards', async t => {
  const bench = await Bench.open(t)
  t.same(await bench.create([['a', 100]], { version: 5 }), [['a: NONE'], 9000])
  t.same(await bench.create([['b', 5]], { version: 2 }), [['b: NONE'], 10_000])
  t.same(await bench.extend([['b', 10]], { version: 2 }), [['b: NONE'], 11_000])
  t.same(await bench.remove([{ name: 'b' }], 4), [['b: NONE'], 13_000])
  t.same(await bench.topics(), ['a: 100'])
})

t.test('what is only tried, or cannot be done, uses up nothing', async t => {
  const bench = await Bench.open(t)
  await bench.have([['there', 1]])
  t.same(await bench.create([['a', 1000]], { validateOnly: true }), [['a: NONE'], 0])
  t.same((await bench.create([['there', 60], ['bad name', 60], ['zero', 0], ['twice', 60], ['twice', 60]]))[0], [
    'there: TOPIC_ALREADY_EXISTS', 'bad name: INVALID_TOPIC_EXCEPTION', 'zero: INVALID_PARTITIONS', 'twice: INVALID_REQUEST', 'twice: INVALID_REQUEST'
  ])
  t.same(await bench.extend([['there', 1000]], { validateOnly: true }), [['there: NONE'], 0])
  t.same((await bench.extend([['missing', 100], ['there', 1]]))[0], ['missing: UNKNOWN_TOPIC_OR_PARTITION', 'there: INVALID_PARTITIONS'])
  t.same((await bench.remove([{ name: 'missing' }]))[0], ['missing: UNKNOWN_TOPIC_OR_PARTITION'])
  t.same(await bench.create([['last', 55]]), [['last: NONE'], 0])
  t.same(await bench.create([['b', 1]]), [['b: NONE'], 0], 'all of it was left')
  t.same((await bench.create([['c', 1]]))[1], 200)
})

t.test('the default number of partitions counts', async t => {
  const bench = await Bench.open(t)
  await bench.create([['a', 55], ['b', -1]])
  t.same(await bench.create([['c', -1]]), [['c: THROTTLING_QUOTA_EXCEEDED'], 600])
})

t.test('added partitions', async t => {
  const bench = await Bench.open(t)
  await bench.have([['a', 1], ['b', 5], ['c', 1]])
  t.same(await bench.extend([['a', 11], ['b', 55]]), [['a: NONE', 'b: NONE'], 0])
  const [told, throttleMs] = await bench.extend([['c', 2], ['missing', 2], ['c', 3]])
  t.same(told, ['missing: UNKNOWN_TOPIC_OR_PARTITION', 'c: THROTTLING_QUOTA_EXCEEDED'])
  t.equal(throttleMs, 1000)
  t.same(await bench.topics(), ['a: 11', 'b: 55', 'c: 1'])
})

t.test('deleted topics, by name and by id', async t => {
  const bench = await Bench.open(t)
  await bench.have([['a', 60], ['b', 1], ['c', 1]])
  const { topics } = await bench.engine(Metadata, complete(Metadata.request, { topics: [{ name: 'b' }] }), bench.context(newest(Metadata)))
  const { topicId } = topics[0]!
  t.same(await bench.remove([{ name: 'a' }]), [['a: NONE'], 0])
  t.same((await bench.remove([{ name: null, topicId }, { name: 'c' }, { name: 'c' }, { name: 'missing' }]))[0].sort(),
    [`${topicId}: THROTTLING_QUOTA_EXCEEDED`, 'c: THROTTLING_QUOTA_EXCEEDED', 'c: THROTTLING_QUOTA_EXCEEDED', 'missing: UNKNOWN_TOPIC_OR_PARTITION'].sort(),
    'to name a topic twice does not help')
  t.same(await bench.remove([{ name: 'c' }], 5), [['c: THROTTLING_QUOTA_EXCEEDED'], 1000])
  t.same(await bench.topics(), ['b: 1', 'c: 1'])
  bench.nowMs += 1200
  t.same(await bench.remove([{ name: null, topicId }, { name: 'c' }]), [['b: NONE', 'c: NONE'], 0])
})

t.test('topics that Metadata creates', async t => {
  const bench = await Bench.open(t)
  const ask = async (name: string, allowAutoTopicCreation = true): Promise<string> => {
    const context = bench.context(newest(Metadata))
    const { topics } = await bench.dispatch(Metadata, complete(Metadata.request, { topics: [{ name }], allowAutoTopicCreation }), context)
    t.equal(context.throttleMs, 0, 'nobody is held back for it')
    return errorRow(topics[0]!.errorCode).name
  }
  await bench.create([['a', 55]])
  t.equal(await ask('missing', false), 'UNKNOWN_TOPIC_OR_PARTITION')
  t.equal(await ask('b'), 'NONE', 'nothing is owed yet')
  t.equal(await ask('c'), 'UNKNOWN_TOPIC_OR_PARTITION')
  t.equal(await ask('a'), 'NONE', 'what there is is told')
  t.same(await bench.topics(), ['a: 55', 'b: 3'])
  bench.nowMs += 600
  t.equal(await ask('c'), 'NONE')
})

t.test('who has no such quota costs the engine nothing more', async t => {
  const bench = await Bench.open(t)
  const create = async (context: Context): Promise<void> => {
    await bench.dispatch(CreateTopics, createOf([[`topic-${bench.nowMs++}`, 1]], false), context)
  }
  await create(bench.context(7, 'kafka', 'bob'))
  await create({ ...bench.context(7), principal: internalPrincipal })
  bench.table.set({ user: 'alice' }, { producer_byte_rate: 1 })
  await create(bench.context(7))
  bench.table.set({ user: 'alice' }, null)
  await create(bench.context(7))
  t.same(bench.asked, ['CreateTopics by bob', 'CreateTopics by internal', 'CreateTopics by alice', 'CreateTopics by alice'])
  t.equal(bench.quotas.stats.sensors, 0)
})

t.test('other requests pass', async t => {
  const bench = await Bench.open(t)
  await bench.create([['big', 60]])
  const seen: Api[] = []
  const dispatch = mutationQuota(bench.quotas)((async (api: Api) => { seen.push(api) }) as unknown as Dispatch)
  await dispatch(Metadata, complete(Metadata.request, { topics: null }), bench.context(12))
  await dispatch(Metadata, complete(Metadata.request, { topics: [{ name: 'x' }], allowAutoTopicCreation: false }), bench.context(12))
  t.same(seen, [Metadata, Metadata])
})
