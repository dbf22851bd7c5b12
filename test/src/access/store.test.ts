/** What is known of access, over a real log: written, read back, shared, restarted, compacted. */
import t, { type Test } from 'tap'
import { once } from 'node:events'
import { complete } from '../../../protocol/defaults.ts'
import { errors, KafkaError } from '../../../protocol/errors.ts'
import { Produce } from '../../../protocol/messages/00-produce.ts'
import { Fetch } from '../../../protocol/messages/01-fetch.ts'
import { CreateTopics } from '../../../protocol/messages/19-create-topics.ts'
import { DescribeConfigs } from '../../../protocol/messages/32-describe-configs.ts'
import { compose, internalPrincipal, on, type Context, type Dispatch } from '../../../protocol/rpc.ts'
import { buildBatch } from '../../../protocol/records.ts'
import type { AccessChange } from '../../../src/access/entries.ts'
import type { AclBinding, ScramCredential } from '../../../src/access/model.ts'
import { AccessStore, type AccessKind } from '../../../src/access/store.ts'
import { ACCESS_TOPIC } from '../../../src/access/topic.ts'
import { compact } from '../../../storage/log/compaction.ts'
import { EARLIEST } from '../../engine/suite/kit.ts'
import { newEngine, openEngine, type Opened } from '../../storage/embedded/support.ts'

async function openStore (t: Test, dispatch: Dispatch, options: ConstructorParameters<typeof AccessStore>[1] = {}): Promise<AccessStore> {
  const store = new AccessStore(dispatch, options)
  await store.open()
  t.teardown(() => store.close())
  return store
}

const rule = (changes: Partial<AclBinding> = {}): AclBinding => ({
  resourceType: 'TOPIC', resourceName: 'orders', patternType: 'LITERAL', principal: 'User:alice', host: '*', operation: 'READ', permission: 'ALLOW', ...changes
})

const credential = (byte: number, iterations = 4096): ScramCredential =>
  ({ salt: Buffer.alloc(16, byte), storedKey: Buffer.alloc(32, byte), serverKey: Buffer.alloc(32, byte + 1), iterations })

const acl = (binding: AclBinding, present = true): AccessChange => ({ kind: 'acl', binding, present })
const user = (name: string, byte: number | null, mechanism: 'SCRAM-SHA-256' | 'SCRAM-SHA-512' = 'SCRAM-SHA-256'): AccessChange =>
  ({ kind: 'user', name, mechanism, credential: byte === null ? null : credential(byte) })

const everything: readonly AccessChange[] = [
  acl(rule()),
  acl(rule({ resourceName: 'ord', patternType: 'PREFIXED', permission: 'DENY', host: '10.0.0.1' })),
  acl(rule({ resourceType: 'GROUP', resourceName: '*', principal: 'User:CN=a,"b"\\,O=ü' })),
  user('alice', 1),
  user('alice', 2, 'SCRAM-SHA-512'),
  user('öl:"[]', 3),
  { kind: 'quota', entity: { user: 'alice' }, values: { producer_byte_rate: 1048576, request_percentage: 12.5 } },
  { kind: 'quota', entity: { 'client-id': null, user: null }, values: { controller_mutation_rate: 0.5 } },
  { kind: 'quota', entity: { ip: '10.0.0.1' }, values: { connection_creation_rate: 10 } }
]

/** All that a store knows, in an order of its own. */
function knownTo (store: AccessStore): object {
  const sorted = (list: readonly unknown[]): unknown[] => list.map(one => JSON.stringify(one)).sort()
  return {
    acls: sorted([...store.acls]),
    users: sorted(Array.from(store.users(), ({ name, mechanisms }) => [name, [...mechanisms]])),
    quotas: sorted([...store.quotas])
  }
}

/** Resolves when a store has heard of a change of this kind. */
const heard = (store: AccessStore, kind: AccessKind): Promise<void> =>
  new Promise(resolve => store.onChange(one => { if (one === kind) resolve() }))

t.test('a change is known when it is made', async t => {
  const { engine } = await openEngine(t, t.testdir())
  const store = await openStore(t, engine.dispatch)
  t.ok(store.isEmpty)
  const told: AccessKind[] = []
  store.onChange(kind => told.push(kind))
  await store.apply(everything)
  t.notOk(store.isEmpty)
  t.strictSame(told, ['acls', 'users', 'quotas'], 'each kind once')
  t.equal(store.acls.size, 3)
  t.strictSame(store.credential('alice', 'SCRAM-SHA-256'), credential(1))
  t.strictSame(store.credential('öl:"[]', 'SCRAM-SHA-256'), credential(3))
  t.equal(store.credential('öl:"[]', 'SCRAM-SHA-512'), undefined)
  t.equal(store.credential('__proto__', 'SCRAM-SHA-256'), undefined)
  t.strictSame(store.quotas.get({ user: null, 'client-id': null }), { controller_mutation_rate: 0.5 })
  const { revision } = store
  await store.apply([user('alice', null), acl(rule(), false), { kind: 'quota', entity: { ip: '10.0.0.1' }, values: null }])
  t.not(store.revision, revision)
  t.equal(store.credential('alice', 'SCRAM-SHA-256'), undefined)
  t.strictSame([...store.user('alice')!.keys()], ['SCRAM-SHA-512'])
  t.equal(store.acls.size, 2)
  await store.apply([user('alice', null, 'SCRAM-SHA-512')])
  t.equal(store.user('alice'), undefined, 'without a credential there is no user')
  await store.apply([])
})

t.test('two stores over one log end in the same state, whoever made the change', async t => {
  const { engine } = await openEngine(t, t.testdir())
  const [one, other] = [await openStore(t, engine.dispatch), await openStore(t, engine.dispatch)]
  const quotas = heard(other, 'quotas')
  await one.apply(everything)
  await quotas
  t.strictSame(knownTo(other), knownTo(one))
  const users = heard(one, 'users')
  await other.apply([user('alice', null)])
  await users
  t.strictSame(knownTo(one), knownTo(other))
  // Both at once, and about the same: the log decides.
  await Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? one : other).apply([user('carol', i + 1), user(`u${i}`, i + 1)])))
  const last = [heard(one, 'acls'), heard(other, 'acls')]
  await one.apply([acl(rule(), false)])
  await Promise.all(last)
  t.strictSame(knownTo(one), knownTo(other))
  const third = await openStore(t, engine.dispatch)
  t.strictSame(knownTo(third), knownTo(one), 'and who comes later knows it all')
})

t.test('it is all there after a restart', async t => {
  const dir = t.testdir()
  const { engine } = await openEngine(t, dir)
  const store = await openStore(t, engine.dispatch)
  await store.apply(everything)
  await store.apply([acl(rule(), false)])
  const before = knownTo(store)
  await store.close()
  await engine.close()
  const again = await openEngine(t, dir)
  t.strictSame(knownTo(await openStore(t, again.engine.dispatch)), before)
})

/** The topic has segments so small that there is something to compact. */
const segmented = (dispatch: Dispatch): Dispatch => compose(dispatch, on(CreateTopics, (request, _context, next) => next({
  ...request,
  topics: request.topics.map(topic => ({
    ...topic, configs: topic.configs.map(one => one.name === 'segment.bytes' ? { ...one, value: '2048' } : one)
  }))
})))

t.test('compaction keeps what counts', async t => {
  const dir = t.testdir()
  const { engine, client } = await openEngine(t, dir)
  const store = await openStore(t, segmented(engine.dispatch))
  await store.apply(everything)
  for (let i = 0; i < 40; i++) await store.apply([user('busy', i + 1), acl(rule({ host: `10.0.0.${i}` })), acl(rule({ host: `10.0.0.${i}` }), false)])
  const before = knownTo(store)
  const { id } = await client.ready(ACCESS_TOPIC)
  const had = (await client.values({ name: ACCESS_TOPIC, id })).length
  await store.close()
  await engine.close()
  const again = await openEngine(t, dir)
  await compacted(again) // the engine does so when it likes
  t.ok((await again.client.values({ name: ACCESS_TOPIC, id })).length < had * 0.8, 'much of it is gone')
  t.strictSame(knownTo(await openStore(t, again.engine.dispatch)), before)
})

async function compacted ({ engine, fs }: Opened): Promise<void> {
  const { log } = engine.topics!.partition(ACCESS_TOPIC, 0)!
  await compact(log, fs, { cleanedTo: 0 }, Date.now())
}

t.test('what a newer version wrote is passed over, counted and kept', async t => {
  const { engine, client } = await openEngine(t, t.testdir())
  const store = await openStore(t, engine.dispatch)
  await store.apply([user('alice', 1)])
  const topic = await client.ready(ACCESS_TOPIC)
  const strange: readonly (readonly [key: string, value: string | null])[] = [
    ['["token","abc"]', '{}'], ['not json', '{}'], ['{"acl":1}', '{}'], ['[]', '{}'], ['["acl","TOPIC"]', '{}'],
    ['["acl","PLANET","LITERAL","mars","User:a","*","READ","ALLOW"]', '{}'], ['["user","bob","SCRAM-SHA-1024"]', '{}'],
    ['["user","bob","SCRAM-SHA-256"]', '{"salt":1}'], ['["user","bob","SCRAM-SHA-256"]', 'no'], ['["user","bob","SCRAM-SHA-256"]', 'null'],
    ['["user",1,"SCRAM-SHA-256"]', '{}'], ['["quota",{"planet":"mars"}]', '{}'], ['["quota",{}]', '{}'], ['["quota",null]', '{}'],
    ['["quota",{"user":"u"}]', '7'], ['["user","alice","SCRAM-SHA-256","more"]', null]
  ]
  await client.append(topic, strange.map(([key, value]) => ({ key: Buffer.from(key), value: value === null ? null : Buffer.from(value) })))
  const known = heard(store, 'quotas')
  const values = '{"producer_byte_rate":5,"new_rate":1,"consumer_byte_rate":-1}'
  await client.append(topic, [{ key: Buffer.from('["quota",{"user":"u"}]'), value: Buffer.from(values) }])
  await known
  t.equal(store.ignored, strange.length)
  t.strictSame(store.credential('alice', 'SCRAM-SHA-256'), credential(1))
  t.strictSame(Array.from(store.users(), ({ name }) => name), ['alice'])
  t.strictSame(store.quotas.get({ user: 'u' }), { producer_byte_rate: 5 })
  t.equal((await client.values(topic)).length, strange.length + 2)
})

t.test('the topic is compacted whoever made it, has one partition, and is asked for in the name of the process', async t => {
  const { engine, client } = await openEngine(t, t.testdir())
  await client.topic(1, { 'cleanup.policy': 'delete' }, ACCESS_TOPIC)
  const principals = new Set<unknown>()
  const watched: Dispatch = (api, request, context) => {
    principals.add(`${context.door} ${context.principal === internalPrincipal}`)
    return engine.dispatch(api, request, context)
  }
  const store = await openStore(t, watched)
  await store.apply([user('alice', 1)])
  t.strictSame([...principals], ['internal true'])
  const { results } = await client.call(DescribeConfigs, {
    resources: [{ resourceType: 2, resourceName: ACCESS_TOPIC, configurationKeys: ['cleanup.policy', 'max.message.bytes'] }]
  })
  t.match(results[0]!.configs.map(({ name, value }) => [name, value]), [['cleanup.policy', 'compact'], ['max.message.bytes', '16777216']])

  const wide = await openEngine(t, t.testdir())
  await wide.client.topic(3, {}, ACCESS_TOPIC)
  await t.rejects(new AccessStore(wide.engine.dispatch).open(), { code: 'INVALID_PARTITIONS', message: /has 3 partitions, but must have one/ })
})

t.test('two that start at once make one topic', async t => {
  const { engine } = await openEngine(t, t.testdir())
  const stores = await Promise.all([openStore(t, engine.dispatch), openStore(t, engine.dispatch), openStore(t, engine.dispatch)])
  await stores[0]!.apply([user('alice', 1)])
})

t.test('many changes are one batch, and too many are refused whole', async t => {
  const { engine, client } = await openEngine(t, t.testdir())
  const store = await openStore(t, engine.dispatch)
  await store.apply(Array.from({ length: 20_000 }, (_, i) => acl(rule({ resourceName: `topic-${i}` }))))
  t.equal(store.acls.size, 20_000)
  const topic = await client.ready(ACCESS_TOPIC)
  const { records } = await client.fetch(topic, await client.offset(topic, EARLIEST))
  t.equal(Buffer.concat(records!).readInt32BE(57), 20_000)
  const long = Array.from({ length: 300 }, (_, i) => user(`${i}`.padEnd(60_000, 'x'), 1))
  await t.rejects(store.apply(long), { code: 'MESSAGE_TOO_LARGE', message: /300 changes at once are too many/ })
  t.ok([...store.users()].length === 0)
})

// ---- troubles

/** Requests of an api meet `failures` first, one each. */
function failing (dispatch: Dispatch, api: typeof Produce | typeof Fetch, failures: Error[]): Dispatch {
  return compose(dispatch, on(api as typeof Produce, async (request, _context, next) => {
    const failure = failures.shift()
    if (failure !== undefined) throw failure
    return await next(request)
  }))
}

t.test('what passes is tried again; what does not is told', async t => {
  const { engine } = await openEngine(t, t.testdir())
  const failures: Error[] = [new KafkaError('NOT_LEADER_OR_FOLLOWER'), new KafkaError('REQUEST_TIMED_OUT')]
  const store = await openStore(t, failing(engine.dispatch, Produce, failures))
  await store.apply([user('alice', 1)])
  t.strictSame(failures, [])
  failures.push(new KafkaError('INVALID_RECORD', 'no'))
  await t.rejects(store.apply([user('bob', 1)]), { code: 'INVALID_RECORD' })
  failures.push(new TypeError('a bug'))
  await t.rejects(store.apply([user('bob', 1)]), TypeError)
  await store.apply([user('carol', 1)])
  t.strictSame(Array.from(store.users(), ({ name }) => name), ['alice', 'carol'])
})

t.test('an error in the answer counts like any other', async t => {
  const { engine } = await openEngine(t, t.testdir())
  const refusing = compose(engine.dispatch, on(Produce, async () => complete(Produce.response, {
    responses: [{ name: ACCESS_TOPIC, partitionResponses: [{ index: 0, errorCode: errors.POLICY_VIOLATION, baseOffset: -1, errorMessage: 'not today' }] }]
  })))
  await t.rejects((await openStore(t, refusing)).apply([user('alice', 1)]), { code: 'POLICY_VIOLATION', message: /_barnabas cannot be written: not today/ })
})

t.test('reading goes on after a failure, and what was known holds until then', async t => {
  const { engine } = await openEngine(t, t.testdir())
  const first = await openStore(t, engine.dispatch)
  const failures: Error[] = []
  const troubles: Error[] = []
  const store = await openStore(t, failing(engine.dispatch, Fetch, failures), { onTrouble: error => troubles.push(error) })
  failures.push(new KafkaError('KAFKA_STORAGE_ERROR'), new Error('odd'), new KafkaError('OFFSET_OUT_OF_RANGE'))
  await first.apply([user('alice', 1)]) // answers the poll that is under way; the next three fail
  await store.apply([user('bob', 2)])
  t.equal(troubles.length, 3)
  t.strictSame(Array.from(store.users(), ({ name }) => name).sort(), ['alice', 'bob'])
})

t.test('if the topic is made anew, what it does not hold is forgotten', async t => {
  const { engine, client } = await openEngine(t, t.testdir())
  const troubles: Error[] = []
  const store = await openStore(t, engine.dispatch, { onTrouble: error => troubles.push(error) })
  await store.apply(everything)
  await client.deleteTopic({ name: ACCESS_TOPIC })
  t.notOk(store.isEmpty)
  const gone = heard(store, 'users')
  const other = await openStore(t, engine.dispatch)
  await gone
  t.ok(store.isEmpty, 'and as long as there was none, it was not')
  t.strictSame(knownTo(store), knownTo(other))
  t.ok(troubles.length > 0)
  await store.apply([user('bob', 2)])
})

t.test('what is written but cannot be read back in time is an error', async t => {
  const { engine } = await openEngine(t, t.testdir())
  const stuck: Dispatch = (api, request, context: Context) => api.key === Fetch.key && (request as { maxWaitMs: number }).maxWaitMs > 0
    ? once(context.signal, 'abort').then(() => { throw context.signal.reason })
    : engine.dispatch(api, request, context)
  const store = await openStore(t, stuck, { appendTimeoutMs: 50 })
  await t.rejects(store.apply([user('alice', 1)]), { code: 'REQUEST_TIMED_OUT', message: /written, but could not be read back/ })
})

t.test('an engine that is not ready is waited for, for a while', async t => {
  const { engine } = newEngine(t, t.testdir())
  const early = new AccessStore(engine.dispatch, { appendTimeoutMs: 5 })
  await t.rejects(early.open(), { code: 'COORDINATOR_NOT_AVAILABLE' })
  const store = new AccessStore(engine.dispatch)
  const opening = store.open()
  await engine.open()
  await opening
  await store.close()
})

t.test('a store that is closed says so', async t => {
  const { engine } = await openEngine(t, t.testdir())
  const never: Dispatch = (api, request, context) => api.key === Produce.key ? new Promise(() => {}) : engine.dispatch(api, request, context)
  const store = new AccessStore(engine.dispatch)
  await store.open()
  await store.close()
  await t.rejects(store.apply([user('alice', 1)]), { code: 'COORDINATOR_NOT_AVAILABLE' })
  await new AccessStore(never).close()
})

t.test('a batch from elsewhere may be compressed and hold more than one record of a key', async t => {
  const { engine, client } = await openEngine(t, t.testdir())
  const store = await openStore(t, engine.dispatch)
  const topic = await client.ready(ACCESS_TOPIC)
  const known = heard(store, 'quotas')
  const entry = (value: string): { key: Buffer, value: Buffer } => ({ key: Buffer.from('["quota",{"user":"u"}]'), value: Buffer.from(value) })
  await client.produce(topic, buildBatch([entry('{"producer_byte_rate":1}'), entry('{"producer_byte_rate":2}')], { compression: 'gzip' }))
  await known
  t.strictSame(store.quotas.get({ user: 'u' }), { producer_byte_rate: 2 })
})
