/**
 * Topics page by page: only those of the caller, and a cursor that tells of no others.
 */
import t from 'tap'
import { complete } from '../../../protocol/defaults.ts'
import { errors } from '../../../protocol/errors.ts'
import { Metadata } from '../../../protocol/messages/03-metadata.ts'
import { DescribeTopicPartitions } from '../../../protocol/messages/75-describe-topic-partitions.ts'
import type { Dispatch } from '../../../protocol/rpc.ts'
import type { Request, RequestInput, Response } from '../../../protocol/schema.ts'
import { openAuthorizer } from '../../../src/access/authorizer.ts'
import { operations } from '../../../src/access/model.ts'
import { authorize } from '../../../src/policies/authorize.ts'
import { alice, contextOf, openHouse, type House } from './authorize-kit.ts'

type Page = Request<typeof DescribeTopicPartitions>

const { TOPIC_AUTHORIZATION_FAILED: TOPIC, UNKNOWN_TOPIC_OR_PARTITION: UNKNOWN } = errors
const empty = { topicId: 'AAAAAAAAAAAAAAAAAAAAZQ', isInternal: false, partitions: [] }
const named = (...names: readonly string[]): { name: string }[] => names.map(name => ({ name }))

async function page (house: House, who: string[] | 'root', request: RequestInput<typeof DescribeTopicPartitions>): Promise<unknown> {
  const { topics } = await house.ask(who, DescribeTopicPartitions, request)
  return topics.map(({ name, errorCode }) => [name, errorCode])
}

const asked = ({ seen }: House): Page[] => seen.map(({ request }) => request as Page)

t.test('topics that are named are refused one by one', async t => {
  const house = await openHouse(t)
  t.same(await page(house, ['READ TOPIC orders'], { topics: named('secret', 'orders', 'nowhere') }), [['orders', 0], ['secret', TOPIC], ['nowhere', TOPIC]])
  t.same(house.denied, ['DESCRIBE TOPIC secret', 'DESCRIBE TOPIC nowhere'])
  t.same(await page(house, [], { topics: named('secret', 'orders') }), [['secret', TOPIC], ['orders', TOPIC]])
  t.same(house.seen, [], 'a request for none of them would be one for all')
  t.same(await page(house, 'root', { topics: named('orders', '_barnabas') }), [['orders', 0], ['_barnabas', UNKNOWN]])
  t.same(asked(house).map(({ topics }) => topics), [named('orders')])
})

t.test('a list has what may be described', async t => {
  const house = await openHouse(t)
  t.same(await page(house, ['DESCRIBE TOPIC orders'], { topics: [] }), [['orders', 0]])
  t.same(asked(house).map(({ topics }) => topics), [named('orders')])
  t.same(house.denied, [])
  t.same(await page(house, [], { topics: [] }), [])
  t.same(house.seen, [])
  t.same(await page(house, 'root', { topics: [] }), [['__consumer_offsets', 0], ['orders', 0], ['secret', 0]])
})

t.test('a cursor to a topic that is not shown begins with the next', async t => {
  const house = await openHouse(t)
  const cursor = { topicName: 'orders', partitionIndex: 3 }
  t.same(await page(house, 'root', { topics: [], cursor }), [['orders', 0], ['secret', 0]])
  t.same(asked(house)[0]!.cursor, cursor)
  t.same(await page(house, ['DESCRIBE TOPIC secret'], { topics: [], cursor }), [['secret', 0]])
  t.equal(asked(house)[0]!.cursor, null)
  t.same(await page(house, ['DESCRIBE TOPIC secret'], { topics: named('a', 'orders', 'secret'), cursor }), [['secret', 0], ['orders', TOPIC]])
  t.equal(asked(house)[0]!.cursor, null)
  await page(house, ['DESCRIBE TOPIC secret'], { topics: named('a', 'secret'), cursor })
  t.same(asked(house)[0]!.cursor, cursor, 'that it is in none of the topics is for the engine to say')
})

t.test('a list is longer than a page', async t => {
  const all = named(...Array.from({ length: 2003 }, (_, i) => `t${String(i).padStart(4, '0')}`)).reverse()
  const next = (async (api: unknown, request: Page) => api === Metadata
    ? complete(Metadata.response, { brokers: [], topics: all.map(({ name }) => ({ errorCode: 0, name, partitions: [] })) })
    : complete(DescribeTopicPartitions.response, { topics: request.topics.map(({ name }) => ({ errorCode: 0, name, ...empty })) })) as unknown as Dispatch
  const dispatch = authorize(() => openAuthorizer, () => t.fail('nobody was refused'))(next)
  const ask = async (cursor: Page['cursor']): Promise<Response<typeof DescribeTopicPartitions>> =>
    await dispatch(DescribeTopicPartitions, complete(DescribeTopicPartitions.request, { topics: [], cursor }), contextOf(alice, 0))
  const first = await ask(null)
  t.same([first.topics.length, first.topics[0]!.name, first.nextCursor], [2000, 't0000', { topicName: 't2000', partitionIndex: 0 }])
  const rest = await ask(first.nextCursor)
  t.same([rest.topics.map(({ name }) => name), rest.nextCursor], [['t2000', 't2001', 't2002'], null])
})

t.test('the caller is told what they may do', async t => {
  const house = await openHouse(t)
  const { topics } = await house.ask(['READ TOPIC orders'], DescribeTopicPartitions, { topics: named('orders', 'secret') })
  t.same(topics.map(({ topicAuthorizedOperations }) => topicAuthorizedOperations), [1 << operations.READ | 1 << operations.DESCRIBE, -2147483648])
})
