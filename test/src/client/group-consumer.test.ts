/**
 * Consumers of a group over the embedded engine, with a hand on the requests in between.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { complete } from '../../../protocol/defaults.ts'
import { errors } from '../../../protocol/errors.ts'
import { Fetch } from '../../../protocol/messages/01-fetch.ts'
import { OffsetCommit } from '../../../protocol/messages/08-offset-commit.ts'
import { JoinGroup } from '../../../protocol/messages/11-join-group.ts'
import { Heartbeat } from '../../../protocol/messages/12-heartbeat.ts'
import { LeaveGroup } from '../../../protocol/messages/13-leave-group.ts'
import { DeleteRecords } from '../../../protocol/messages/21-delete-records.ts'
import { CreatePartitions } from '../../../protocol/messages/37-create-partitions.ts'
import { compose, newest, on } from '../../../protocol/rpc.ts'
import type { Response } from '../../../protocol/schema.ts'
import { createTopic } from '../../../src/client/admin.ts'
import type { GroupConsumer } from '../../../src/client/group-consumer.ts'
import type { Sink } from '../../../src/client/group-fetch.ts'
import { committed, context, eventually, houseTest, read } from '../../support/group-house.ts'

const refusal = (errorCode: number): Response<typeof JoinGroup> =>
  complete(JoinGroup.response, { errorCode, protocolName: null, leader: '', skipAssignment: false, memberId: '', members: [] })

houseTest('two consumers share the partitions, and one takes over what the other leaves', async (t, { dispatch, consumer, write, engine }) => {
  await createTopic(dispatch, context, { name: 't', partitions: 4 })
  const [a, b] = [consumer(), consumer()]
  await a.subscribe(context, { topics: ['t'] })
  await eventually(() => a.assignment.length === 4, 'a has all')
  await write('t', 0, '0a', '0b')
  t.same(await read(a, 2), ['0a', '0b'])
  await b.subscribe(context, { topics: ['t'] })
  await eventually(() => a.assignment.length === 2 && b.assignment.length === 2, 'each has two')
  t.same([...a.assignment, ...b.assignment].map(({ partition }) => partition).sort(), [0, 1, 2, 3])
  const [zero] = [a, b].filter(one => one.assignment.some(({ partition }) => partition === 0))
  for (const partition of [0, 1, 2, 3]) await write('t', partition, `${partition}`)
  const expected = zero === a ? ['0', '1', '2', '3'] : ['0', '0a', '0b', '1', '2', '3']
  t.same([...await read(a), ...await read(b)].sort(), expected, 'what is kept goes on, what moves begins where it was committed')
  await a.commit(context)
  await b.commit(context)
  await a.close()
  await eventually(() => b.assignment.length === 4, 'b has all')
  await write('t', 0, 'x')
  await write('t', 3, 'y')
  t.same((await read(b)).sort(), ['x', 'y'])
  t.equal((await engine.groups!.describe('g'))!.members.size, 1)
  await t.rejects(read(a), { name: 'ConsumerError', fault: 'closed' })
})

houseTest('what was fetched before a rebalance is not handed out after it', async (t, { dispatch, consumer, write }) => {
  await createTopic(dispatch, context, { name: 't', partitions: 2 })
  await write('t', 0, '0')
  await write('t', 1, '1')
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  const [a, b] = [consumer({}, {}, compose(dispatch, on(Fetch, async (request, _context, next) => {
    const answer = await next(request)
    await released
    return answer
  }))), consumer()]
  await a.subscribe(context, { topics: ['t'] })
  await eventually(() => a.assignment.length === 2, 'a has both')
  const reading = read(a, 1)
  await sleep(50)
  await b.subscribe(context, { topics: ['t'] })
  await eventually(() => a.assignment.length === 1 && b.assignment.length === 1, 'each has one')
  release()
  t.same([...await reading, ...await read(b, 1)].sort(), ['0', '1'])
})

houseTest('what was handed out in kept partitions is not handed out again', async (t, { dispatch, consumer, write }) => {
  await createTopic(dispatch, context, { name: 't', partitions: 1 })
  await createTopic(dispatch, context, { name: 'u', partitions: 1 })
  const a = consumer()
  await a.subscribe(context, { topics: ['t'] })
  await write('t', 0, '1', '2', '3')
  t.same(await read(a, 2, 5000, 2), ['1', '2'])
  await a.subscribe(context, { topics: ['t', 'u'] })
  await write('u', 0, '4')
  t.same((await read(a, 2)).sort(), ['3', '4'])
  t.equal(await committed(dispatch, 't'), undefined, 'nothing was committed meanwhile')
})

houseTest('auto-commit: with a poll what the ones before it handed out, with a rebalance and at the end the rest', async (t, { dispatch, consumer, write }) => {
  await write('t', 0, '1', '2', '3', '4')
  const a = consumer({ autoCommit: true })
  await a.subscribe(context, { topics: ['t'] })
  t.same(await read(a, 1, 5000, 1), ['1'])
  t.equal(await committed(dispatch, 't'), undefined)
  t.same(await read(a, 1, 5000, 1), ['2'])
  t.equal(await committed(dispatch, 't'), 1)
  await a.subscribe(context, { topics: ['t', 'u'] })
  await eventually(async () => await committed(dispatch, 't') === 2, 'a rebalance commits')
  t.same(await read(a, 1, 5000, 1), ['3'])
  await a.close()
  t.equal(await committed(dispatch, 't'), 3)
  const b = consumer()
  await b.subscribe(context, { topics: ['t'] })
  t.same(await read(b, 1), ['4'])
})

houseTest('an answer that did not arrive is taken back', async (t, { consumer, write }) => {
  await write('t', 0, '1', '2')
  const a = consumer()
  await a.subscribe(context, { topics: ['t'] })
  const sink: Sink = { record: () => true, unreadable: () => true }
  const takeBack = await a.poll(context, sink, { waitMs: 5000, maxBytes: 1000 })
  takeBack()
  t.same(await read(a, 2), ['1', '2'])
  takeBack()
  await a.seek(context, [{ topic: 't', partition: 0, offset: 1 }])
  takeBack()
  t.same(await read(a, 1), ['2'], 'not after it has been moved')
})

houseTest('who was put out joins anew, from what is committed', async (t, { dispatch, consumer, write, engine }) => {
  await write('t', 0, '1', '2', '3')
  const a = consumer()
  await a.subscribe(context, { topics: ['t'] })
  t.same(await read(a, 2, 5000, 2), ['1', '2'])
  await a.commit(context, [{ topic: 't', partition: 0, offset: 1, metadata: '' }])
  const memberId = (): string | undefined => engine.groups === null ? undefined : [...group!.members.values()][0]?.memberId
  const group = await engine.groups!.describe('g')
  const before = memberId()!
  await dispatch(LeaveGroup, complete(LeaveGroup.request, { groupId: 'g', members: [{ memberId: before }] }), { ...context, version: newest(LeaveGroup) })
  await eventually(() => memberId() !== undefined && memberId() !== before, 'a new member')
  t.same(await read(a, 2), ['2', '3'])
})

houseTest('partitions and topics that are added are found', async (t, { dispatch, consumer, write }) => {
  await createTopic(dispatch, context, { name: 'p-1', partitions: 1 })
  const a = consumer()
  const b = consumer({ groupId: 'h' })
  await a.subscribe(context, { matches: topic => topic.startsWith('p-') })
  await b.subscribe(context, { topics: ['p-1', 'p-2'] })
  await eventually(() => a.assignment.length === 1 && b.assignment.length === 1, 'one partition')
  await dispatch(CreatePartitions, complete(CreatePartitions.request, {
    topics: [{ name: 'p-1', count: 2, assignments: null }], timeoutMs: 1000, validateOnly: false
  }), { ...context, version: newest(CreatePartitions) })
  await eventually(() => a.assignment.length === 2 && b.assignment.length === 2, 'two partitions')
  await write('p-2', 0, 'x')
  await eventually(() => a.assignment.length === 3 && b.assignment.length === 3, 'another topic')
  t.same(await read(a, 1), ['x'])
  t.same(await read(b, 1), ['x'])
})

houseTest('what keeps a consumer out of the group is said by a poll, and the next one tries again', async (t, { dispatch, consumer, write }) => {
  await write('t', 0, '1')
  let refused = true
  const guarded = compose(dispatch,
    on(JoinGroup, async (request, _context, next) => refused ? refusal(errors.GROUP_AUTHORIZATION_FAILED) : next(request)))
  const a = consumer({}, {}, guarded)
  await a.subscribe(context, { topics: ['t'] })
  await t.rejects(read(a), { code: 'GROUP_AUTHORIZATION_FAILED', message: 'Not authorised: this needs READ on the group g.' })
  await t.rejects(a.commit(context), { code: 'GROUP_AUTHORIZATION_FAILED' })
  refused = false
  t.same(await read(a, 1), ['1'])
})

houseTest('a coordinator that cannot be reached for a while does no harm', async (t, { dispatch, consumer, write }) => {
  await write('t', 0, '1', '2')
  let down = true
  const flaky = compose(dispatch,
    on(JoinGroup, async (request, _context, next) => down ? refusal(errors.COORDINATOR_NOT_AVAILABLE) : next(request)),
    on(Heartbeat, async (request, _context, next) => down ? { throttleTimeMs: 0, errorCode: errors.NOT_COORDINATOR } : next(request)))
  const a = consumer({}, {}, flaky)
  await a.subscribe(context, { topics: ['t'] })
  const reading = read(a, 1, 5000, 1)
  await sleep(150)
  down = false
  t.same(await reading, ['1'])
  down = true
  await sleep(100)
  t.same(await read(a, 1), ['2'])
  down = false
})

houseTest('a commit during a rebalance waits for it', async (t, { dispatch, consumer, write }) => {
  await createTopic(dispatch, context, { name: 't', partitions: 2 })
  await write('t', 0, '1')
  const [a, b] = [consumer(), consumer()]
  await a.subscribe(context, { topics: ['t'] })
  t.same(await read(a, 1), ['1'])
  const joining = b.subscribe(context, { topics: ['t'] })
  for (let i = 0; i < 20; i++) await a.commit(context)
  await joining
  await eventually(() => b.assignment.length === 1, 'b has one')
  await a.commit(context)
  await b.commit(context)
  const lost = b.assignment[0]!
  await t.rejects(a.commit(context, [{ ...lost, offset: 0, metadata: '' }]), { name: 'ConsumerError', fault: 'illegal-state' })
})

houseTest('by hand: commits are refused while the group has members', async (t, { consumer, write, dispatch }) => {
  await write('t', 0, '1')
  const [a, b] = [consumer(), consumer()]
  await a.assign(context, [{ topic: 't', partition: 0 }])
  t.same(await read(a, 1), ['1'])
  await a.commit(context)
  t.equal(await committed(dispatch, 't'), 1)
  await b.subscribe(context, { topics: ['t'] })
  await eventually(() => b.assignment.length === 1, 'b is a member')
  await t.rejects(a.commit(context), { name: 'ConsumerError', fault: 'illegal-state', message: /has members/ })
})

houseTest('one poll goes on at a time, and the next one waits no longer than it says', async (t, { consumer, write }) => {
  await write('t', 0, '1')
  const a = consumer()
  await a.subscribe(context, { topics: ['t'] })
  t.same(await read(a, 1), ['1'])
  const first = read(a, 1, 5000)
  const startedAt = performance.now()
  t.same(await read(a, 1, 50), [])
  t.ok(performance.now() - startedAt < 2000)
  const third = read(a, 1, 5000)
  await write('t', 0, '2')
  t.same(await first, ['2'])
  await write('t', 0, '3')
  t.same(await third, ['3'])
})

houseTest('what retention has removed is begun anew at the place that was asked for', async (t, { consumer, write, dispatch }) => {
  await write('t', 0, '1', '2', '3')
  const a = consumer()
  await a.assign(context, [{ topic: 't', partition: 0 }])
  await a.commit(context, [{ topic: 't', partition: 0, offset: 1, metadata: '' }])
  await dispatch(DeleteRecords, complete(DeleteRecords.request, {
    topics: [{ name: 't', partitions: [{ partitionIndex: 0, offset: 2 }] }], timeoutMs: 1000
  }), { ...context, version: newest(DeleteRecords) })
  t.same(await read(a, 1), ['3'])
  const b = consumer({ reset: 'none' })
  await b.assign(context, [{ topic: 't', partition: 0 }])
  await t.rejects(read(b, 1), { message: /What is committed is not in the log any more of partition 0 of t, and auto\.offset\.reset is none/ })
})

houseTest('close ends a poll that waits, and a join that goes on', async (t, { consumer, write, engine }) => {
  await write('t', 0, '1')
  const a = consumer()
  await a.subscribe(context, { topics: ['t'] })
  await read(a, 1)
  const reading = t.rejects(read(a, 1, 60_000), { name: 'ConsumerError', fault: 'closed' })
  await sleep(20)
  await a.close()
  await reading
  const b = consumer()
  await b.subscribe(context, { topics: ['t'] })
  await b.close()
  const group = (await engine.groups!.describe('g'))!
  await eventually(() => group.members.size === 0, 'nobody is left')
})

houseTest('who subscribes and assigns at once reads in one way, and is told of the other', async (t, { consumer, write }) => {
  await write('t', 0, '1')
  const subscribe = (one: GroupConsumer): Promise<void> => one.subscribe(context, { topics: ['t'] })
  const match = (one: GroupConsumer): Promise<void> => one.subscribe(context, { matches: topic => topic === 't' })
  const assign = (one: GroupConsumer): Promise<void> => one.assign(context, [{ topic: 't', partition: 0 }])
  for (const [first, second] of [[subscribe, assign], [assign, subscribe], [subscribe, match], [match, assign]] as const) {
    const one = consumer()
    const results = await Promise.allSettled([first(one), second(one)])
    t.match(results.filter(({ status }) => status === 'rejected'), [{ reason: { name: 'ConsumerError', fault: 'already-subscribed' } }])
    t.same(await read(one, 1), ['1'])
    await one.close()
  }
})

houseTest('a subscription that begins while one before it ends leaves no member behind', async (t, { consumer, write, dispatch, engine }) => {
  await write('t', 0, '1')
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  let isFirst = true
  const a = consumer({ autoCommit: true }, { autoCommitMs: 60_000 }, compose(dispatch, on(OffsetCommit, async (request, _context, next) => {
    const isHeld = isFirst
    isFirst = false
    if (isHeld) await released
    return await next(request)
  })))
  await a.subscribe(context, { topics: ['t'] })
  t.same(await read(a, 1), ['1'])
  const ending = a.unsubscribe()
  await a.unsubscribe()
  await a.subscribe(context, { topics: ['t'] })
  await eventually(() => a.assignment.length === 1, 'it is a member once more')
  release()
  await ending
  await a.close()
  t.equal((await engine.groups!.describe('g'))!.members.size, 0)
})
