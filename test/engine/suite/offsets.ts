/**
 * ListOffsets, OffsetForLeaderEpoch and DeleteRecords: where a log begins and ends, and what lies at a time.
 */
import type { Test } from 'tap'
import { ListOffsets } from '../../../protocol/messages/02-list-offsets.ts'
import { DeleteRecords } from '../../../protocol/messages/21-delete-records.ts'
import { OffsetForLeaderEpoch } from '../../../protocol/messages/23-offset-for-leader-epoch.ts'
import type { NewRecord } from '../../../protocol/records.ts'
import { Client, EARLIEST, LATEST, nameOf, valuesOf, type Engine, type TopicRef } from './kit.ts'

const MAX_TIMESTAMP = -3
const MAX_TIMESTAMP_SINCE = 7
const NOT_A_TIMESTAMP = -9

export function offsetSuite (t: Test, engine: Engine): void {
  const client = new Client(engine)
  const at = (timestampMs: number): NewRecord => ({ key: null, value: Buffer.from(String(timestampMs)), timestampMs })

  async function list (topic: TopicRef, timestamp: number, { version = client.versions(ListOffsets).at(-1)!, partition = 0, epoch = -1 } = {}) {
    const { topics } = await client.call(ListOffsets, {
      replicaId: -1, topics: [{ name: topic.name, partitions: [{ partitionIndex: partition, timestamp, currentLeaderEpoch: epoch }] }]
    }, { version })
    const { errorCode, offset, timestamp: found } = topics[0]!.partitions[0]!
    return errorCode === 0 ? [offset, found] : nameOf(errorCode)
  }

  t.test('every version tells where a log begins and ends', async t => {
    const topic = await client.topic()
    await client.append(topic, ['a', 'b', 'c'])
    for (const version of client.versions(ListOffsets)) {
      t.strictSame(await list(topic, EARLIEST, { version }), [0, -1], `v${version}`)
      t.strictSame(await list(topic, LATEST, { version }), [3, -1], `v${version}`)
    }
  })

  t.test('an empty log begins and ends at 0, and has nothing at any time', async t => {
    const topic = await client.topic()
    t.strictSame(await list(topic, EARLIEST), [0, -1])
    t.strictSame(await list(topic, LATEST), [0, -1])
    t.strictSame(await list(topic, 0), [-1, -1])
    t.strictSame(await list(topic, MAX_TIMESTAMP), [-1, -1])
  })

  t.test('a time finds the first record that is not older, also inside a batch', async t => {
    const topic = await client.topic()
    await client.append(topic, [at(1000), at(2000), at(3000)])
    await client.append(topic, [at(5000)])
    await client.append(topic, [at(4000)])
    await client.append(topic, [at(6000)])
    const cases: [time: number, found: unknown][] = [
      [0, [0, 1000]], [1000, [0, 1000]], [1001, [1, 2000]], [3000, [2, 3000]], [3001, [3, 5000]], [5000, [3, 5000]], [5001, [5, 6000]], [6001, [-1, -1]]
    ]
    for (const [time, found] of cases) t.strictSame(await list(topic, time), found, String(time))
  })

  t.test('the youngest record is found wherever it lies (KIP-734)', async t => {
    const topic = await client.topic()
    await client.append(topic, [at(1000), at(9000), at(2000)])
    await client.append(topic, [at(3000)])
    t.strictSame(await list(topic, MAX_TIMESTAMP), [1, 9000])
    t.strictSame(await list(topic, MAX_TIMESTAMP, { version: MAX_TIMESTAMP_SINCE }), [1, 9000])
  })

  t.test('what is not there is told', async t => {
    const topic = await client.topic()
    t.equal(await list(topic, LATEST, { partition: 7 }), 'UNKNOWN_TOPIC_OR_PARTITION')
    t.equal(await list({ ...topic, name: `${topic.name}-gone` }, LATEST), 'UNKNOWN_TOPIC_OR_PARTITION')
    t.equal(await list(topic, LATEST, { epoch: 1000 }), 'UNKNOWN_LEADER_EPOCH')
    t.equal(await list(topic, NOT_A_TIMESTAMP), 'UNSUPPORTED_VERSION')
  })

  t.test('a leader epoch ends where the next begins, and the last at the end of the log', async t => {
    const topic = await client.topic()
    await client.append(topic, ['a', 'b'])
    const ask = async (leaderEpoch: number, version: number, partition = 0): Promise<unknown[]> => {
      const { topics } = await client.call(OffsetForLeaderEpoch, {
        topics: [{ topic: topic.name, partitions: [{ partition, leaderEpoch }] }], replicaId: -1
      }, { version })
      const { errorCode, leaderEpoch: found, endOffset } = topics[0]!.partitions[0]!
      return [nameOf(errorCode), found, endOffset]
    }
    for (const version of client.versions(OffsetForLeaderEpoch)) {
      t.strictSame(await ask(0, version), ['NONE', 0, 2])
      t.strictSame(await ask(1000, version), ['NONE', -1, -1])
      t.strictSame(await ask(0, version, 5), ['UNKNOWN_TOPIC_OR_PARTITION', -1, -1])
    }
  })

  t.test('records that were deleted are not read again, and nothing else is lost', async t => {
    const topic = await client.topic(2)
    await client.append(topic, ['a', 'b', 'c', 'd'])
    await client.append(topic, ['e'])
    t.strictSame(await deleteBefore(topic, 2), ['NONE', 2])
    t.equal(await client.offset(topic, EARLIEST), 2)
    t.equal(nameOf((await client.fetch(topic, 1)).errorCode), 'OFFSET_OUT_OF_RANGE')
    const fetched = await client.fetch(topic, 2)
    t.equal(fetched.logStartOffset, 2)
    t.strictSame(valuesOf(fetched), ['a', 'b', 'c', 'd', 'e'], 'the batch comes whole: clients drop what they did not ask for')
    t.strictSame(await deleteBefore(topic, 1), ['NONE', 2], 'the beginning never goes back')
    t.strictSame(await deleteBefore(topic, 6), ['OFFSET_OUT_OF_RANGE', -1])
    t.strictSame(await deleteBefore(topic, -2), ['OFFSET_OUT_OF_RANGE', -1])
    t.strictSame(await deleteBefore(topic, -1), ['NONE', 5], '-1 deletes everything')
    t.strictSame(await client.values(topic), [])
    t.equal(await client.append(topic, ['f']), 5)
    t.strictSame(await deleteBefore(topic, 0, 7), ['UNKNOWN_TOPIC_OR_PARTITION', -1])
  })

  t.test('of a topic that only compacts no records are deleted', async t => {
    const topic = await client.topic(1, { 'cleanup.policy': 'compact' })
    await client.append(topic, [{ key: Buffer.from('k'), value: null }])
    t.strictSame(await deleteBefore(topic, 1), ['POLICY_VIOLATION', -1])
  })

  async function deleteBefore (topic: TopicRef, offset: number, partitionIndex = 0): Promise<unknown[]> {
    const { topics } = await client.call(DeleteRecords, { timeoutMs: 30_000, topics: [{ name: topic.name, partitions: [{ partitionIndex, offset }] }] })
    const { errorCode, lowWatermark } = topics[0]!.partitions[0]!
    return [nameOf(errorCode), lowWatermark]
  }
}
