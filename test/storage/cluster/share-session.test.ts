/** The session of a member of a share group, spread over brokers. */
import t from 'tap'
import type { Broker } from '../../../storage/cluster/broker.ts'
import { FINAL, memberAt, ShareSession, type Acknowledged } from '../../../storage/cluster/share-session.ts'

const [a, b] = [{ id: 1 } as Broker, { id: 2 } as Broker]
const named = (...partitions: number[]): Acknowledged[] =>
  [{ topicId: 'T', partitions: partitions.map(partitionIndex => ({ partitionIndex, acknowledgementBatches: [] })) }]
const batch = { firstOffset: 0, lastOffset: 1, acknowledgeTypes: [1] }
const acked = (...partitions: number[]): Acknowledged[] =>
  [{ topicId: 'T', partitions: partitions.map(partitionIndex => ({ partitionIndex, acknowledgementBatches: [batch] })) }]
const evenToA = (_topic: string, partition: number): Broker => partition % 2 === 0 ? a : b
const said = (session: ShareSession, broker: Broker, isFinal = false, acknowledged = named()) => {
  const { epoch, topics, forgotten } = session.request(broker, acknowledged, isFinal)
  return [epoch, topics.flatMap(one => one.partitions.map(({ partitionIndex }) => partitionIndex)), forgotten.flatMap(({ partitions }) => partitions)]
}

t.test('each broker hears of its own partitions once, in epochs of its own', async t => {
  const session = new ShareSession()
  t.strictSame(session.change(named(0, 1, 2), [], evenToA), [])
  t.strictSame(session.brokers(), [a, b])
  t.strictSame([said(session, a), said(session, b)], [[0, [0, 2], []], [0, [1], []]])
  session.change(named(4), [{ topicId: 'T', partitions: [1] }], evenToA)
  t.strictSame([said(session, a), said(session, b)], [[1, [4], []], [1, [], [1]]])
  t.strictSame(said(session, a, true), [FINAL, [], []])
})

t.test('a partition whose leader has moved is taken along', async t => {
  const session = new ShareSession()
  session.change(named(0, 1), [], () => a)
  said(session, a)
  session.change([], [], evenToA)
  t.strictSame([said(session, a), said(session, b)], [[1, [], [1]], [0, [1], []]])
})

t.test('what nobody leads is told, and asked for once somebody does', async t => {
  const session = new ShareSession()
  t.strictSame(session.change(named(0), [], () => undefined), [{ topicId: 'T', partitionIndex: 0 }])
  t.strictSame(session.brokers(), [])
  t.strictSame(session.change([], [], () => b), [])
  t.strictSame(said(session, b), [0, [0], []])
})

t.test('acknowledgements go to who has the partition', async t => {
  const session = new ShareSession()
  session.change(named(0, 1), [], evenToA)
  said(session, a)
  said(session, b)
  t.strictSame(session.acknowledged(b, acked(0, 1))[0]!.partitions.map(({ partitionIndex }) => partitionIndex), [1])
  t.strictSame(said(session, a, false, acked(0)), [1, [0], []])
})

t.test('a session that a broker has lost is begun anew with all that it had', async t => {
  const session = new ShareSession()
  session.change(named(0, 2), [], evenToA)
  said(session, a)
  session.reset(a)
  t.strictSame(said(session, a), [0, [0, 2], []])
})

t.test('a member is another one at each gateway, and the same each time', async t => {
  const member = 'q83vEjRWeJCrze8SNFZ4kA'
  t.equal(memberAt(member, 0), member)
  t.not(memberAt(member, 1), member)
  t.not(memberAt(member, 1), memberAt(member, 2))
  t.equal(memberAt(memberAt(member, 7), 7), member)
  t.equal(memberAt('no uuid', 3), 'no uuid')
  t.equal(memberAt(null, 3), null)
})
