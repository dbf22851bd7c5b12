/**
 * Transactions: who may have them, what they may hold, and who sees them.
 */
import t from 'tap'
import { errors } from '../../../protocol/errors.ts'
import { AddPartitionsToTxn } from '../../../protocol/messages/24-add-partitions-to-txn.ts'
import { AddOffsetsToTxn } from '../../../protocol/messages/25-add-offsets-to-txn.ts'
import { EndTxn } from '../../../protocol/messages/26-end-txn.ts'
import { TxnOffsetCommit } from '../../../protocol/messages/28-txn-offset-commit.ts'
import { DescribeProducers } from '../../../protocol/messages/61-describe-producers.ts'
import { DescribeTransactions } from '../../../protocol/messages/65-describe-transactions.ts'
import { ListTransactions } from '../../../protocol/messages/66-list-transactions.ts'
import type { RequestInput } from '../../../protocol/schema.ts'
import { openHouse } from './authorize-kit.ts'

const tx = { transactionalId: 'tx', producerId: 1, producerEpoch: 0 }
const { TOPIC_AUTHORIZATION_FAILED: TOPIC, GROUP_AUTHORIZATION_FAILED: GROUP, TRANSACTIONAL_ID_AUTHORIZATION_FAILED: TX } = errors
const { OPERATION_NOT_ATTEMPTED: UNTRIED, UNKNOWN_TOPIC_OR_PARTITION: UNKNOWN } = errors

const partitionsOf = (...topics: readonly string[]): RequestInput<typeof AddPartitionsToTxn> => ({
  v3AndBelowTransactionalId: 'tx',
  v3AndBelowProducerId: 1,
  v3AndBelowProducerEpoch: 0,
  v3AndBelowTopics: topics.map(name => ({ name, partitions: [0, 7] }))
})

t.test('partitions are taken into a transaction all together or not at all', async t => {
  const house = await openHouse(t)
  const add = async (who: string[] | 'root', ...topics: string[]): Promise<unknown> => {
    const { resultsByTopicV3AndBelow } = await house.ask(who, AddPartitionsToTxn, partitionsOf(...topics))
    return resultsByTopicV3AndBelow.map(({ name, resultsByPartition }) => [name, ...resultsByPartition.map(({ partitionErrorCode }) => partitionErrorCode)])
  }
  const id = 'WRITE TRANSACTIONAL_ID tx'
  t.same(await add([id, 'WRITE TOPIC orders'], 'orders'), [['orders', 0, 0]])
  t.equal(house.seen.length, 1)
  t.same(await add([id, 'WRITE TOPIC orders', 'WRITE TOPIC absent'], 'orders', 'secret', 'absent'),
    [['orders', UNTRIED, UNKNOWN], ['secret', TOPIC, TOPIC], ['absent', UNKNOWN, UNKNOWN]])
  t.same(house.seen, [], 'nothing of it goes further')
  t.same(house.denied, ['WRITE TOPIC secret'])
  t.same(await add(['WRITE TOPIC *'], 'orders', 'secret'), [['orders', TX, TX], ['secret', TX, TX]])
  t.same(house.denied, ['WRITE TRANSACTIONAL_ID tx'])
  t.same(await add('root', 'orders', '_barnabas'), [['orders', UNTRIED, UNKNOWN], ['_barnabas', UNKNOWN, UNKNOWN]])
  t.same(house.seen, [])
})

t.test('offsets in a transaction: the transaction, the group, then the topics', async t => {
  const house = await openHouse(t)
  const topics = ['secret', 'orders', '_barnabas'].map(name => ({ name, partitions: [{ partitionIndex: 0, committedOffset: 5, committedMetadata: null }] }))
  const commit = async (who: string[] | 'root'): Promise<unknown> => {
    const answer = await house.ask(who, TxnOffsetCommit, { ...tx, groupId: 'g', topics })
    return answer.topics.map(({ name, partitions }) => [name, partitions[0]!.errorCode])
  }
  const [id, group] = ['WRITE TRANSACTIONAL_ID tx', 'READ GROUP g']
  t.same(await commit([id, group, 'READ TOPIC orders']), [['secret', TOPIC], ['orders', 0], ['_barnabas', TOPIC]])
  t.same(house.seen.map(({ request }) => (request as { topics: { name: string }[] }).topics.map(({ name }) => name)), [['orders']])
  t.same(await commit([id, 'READ TOPIC *']), [['secret', GROUP], ['orders', GROUP], ['_barnabas', GROUP]])
  t.same(house.denied, ['READ GROUP g'])
  t.same(await commit([group, 'READ TOPIC *']), [['secret', TX], ['orders', TX], ['_barnabas', TX]])
  t.same(house.denied, ['WRITE TRANSACTIONAL_ID tx'])
  t.same(house.seen, [])
  t.same(await commit('root'), [['secret', 0], ['orders', 0], ['_barnabas', UNKNOWN]])
})

t.test('a transaction may take offsets and end where it may be written', async t => {
  const house = await openHouse(t)
  const offsets = async (rules: string[]): Promise<number> => (await house.ask(rules, AddOffsetsToTxn, { ...tx, groupId: 'g' })).errorCode
  t.equal(await offsets(['READ GROUP g']), TX)
  t.equal(await offsets(['WRITE TRANSACTIONAL_ID tx']), GROUP)
  t.equal(await offsets(['WRITE TRANSACTIONAL_ID tx', 'READ GROUP g']), 0)
  const { errorCode, producerId, producerEpoch } = await house.ask(['DESCRIBE TRANSACTIONAL_ID tx'], EndTxn, { ...tx, committed: true })
  t.same([errorCode, producerId, producerEpoch], [TX, -1, -1])
  t.equal((await house.ask(['WRITE TRANSACTIONAL_ID tx'], EndTxn, { ...tx, committed: true })).errorCode, 0)
})

t.test('producers are seen by those who may read', async t => {
  const house = await openHouse(t)
  const topics = ['orders', 'secret', '_barnabas'].map(name => ({ name, partitionIndexes: [0, 1] }))
  const codes = async (who: string[] | 'root'): Promise<unknown> =>
    (await house.ask(who, DescribeProducers, { topics })).topics.map(({ partitions }) => partitions.map(({ errorCode }) => errorCode))
  t.same(await codes(['READ TOPIC orders', 'DESCRIBE TOPIC secret']), [[0, 0], [TOPIC, TOPIC], [TOPIC, TOPIC]])
  t.same(await codes('root'), [[0, 0], [0, 0], [UNKNOWN, UNKNOWN]])
})

t.test('transactions are seen by those who may describe them, their topics by those who may describe these', async t => {
  const house = await openHouse(t)
  const seen = async (who: string[] | 'root'): Promise<unknown> => {
    const { transactionStates } = await house.ask(who, DescribeTransactions, { transactionalIds: ['other', 'tx'] })
    return transactionStates.map(({ transactionalId, errorCode, topics }) => [transactionalId, errorCode, ...topics.map(({ topic }) => topic)])
  }
  t.same(await seen(['DESCRIBE TRANSACTIONAL_ID tx', 'READ TOPIC orders']), [['other', TX], ['tx', 0, 'orders']])
  t.same(house.denied, ['DESCRIBE TRANSACTIONAL_ID other'], 'what is left out is not reported')
  t.same(await seen('root'), [['other', 0, 'orders', 'secret'], ['tx', 0, 'orders', 'secret']])
  const listed = async (who: string[] | 'root'): Promise<string[]> =>
    (await house.ask(who, ListTransactions, { stateFilters: [], producerIdFilters: [] })).transactionStates.map(({ transactionalId }) => transactionalId)
  t.same(await listed(['WRITE TRANSACTIONAL_ID tx']), ['tx'])
  t.same(await listed([]), [])
  t.same(house.denied, [])
  t.same(await listed('root'), ['tx', 'other'])
})
