/**
 * Restart: what was acknowledged is there again, and nothing else.
 */
import type { Test } from 'tap'
import { errors } from '../../../protocol/errors.ts'
import { Metadata } from '../../../protocol/messages/03-metadata.ts'
import { DeleteRecords } from '../../../protocol/messages/21-delete-records.ts'
import { DescribeConfigs } from '../../../protocol/messages/32-describe-configs.ts'
import { CreatePartitions } from '../../../protocol/messages/37-create-partitions.ts'
import { commit, committed, coordinated } from './groups.ts'
import { Client, EARLIEST, LATEST, batchOf, nameOf, type Engine } from './kit.ts'

const TOPIC = 2

export function restartSuite (t: Test, engine: Engine, open: (testdir: string) => Promise<Engine>): void {
  if (engine.reopen === undefined) {
    t.comment('this engine cannot be opened again')
    return
  }

  /** `before` on one run of the engine, then what it gives back on the next. */
  async function across<T> (t: Test, before: (client: Client) => Promise<T>, after: (client: Client, kept: T) => Promise<void>): Promise<void> {
    const first = await open(t.testdir())
    const kept = await before(new Client(first))
    const second = await first.reopen!()
    await after(new Client(second), kept)
    await second.close()
  }

  t.test('records are there again at their offsets, and appending goes on behind them', async t => across(t,
    async client => {
      const topic = await client.topic(2)
      for (let i = 0; i < 20; i++) await client.append(topic, [`${i}`, `${i}'`], i % 2)
      return topic
    },
    async (client, topic) => {
      t.strictSame(await client.values(topic, 0), Array.from({ length: 10 }, (_, i) => [`${2 * i}`, `${2 * i}'`]).flat())
      t.equal(await client.offset(topic, LATEST, 1), 20)
      t.equal(await client.append(topic, ['next'], 1), 20)
    }))

  t.test('segments that were rolled are there again', async t => across(t,
    async client => {
      const topic = await client.topic(1, { 'segment.bytes': '1048576', 'max.message.bytes': '1000000' })
      for (let i = 0; i < 8; i++) await client.append(topic, [`${i}`.repeat(400_000)])
      return topic
    },
    async (client, topic) => {
      t.strictSame((await client.values(topic)).map(value => value[0]), [...'01234567'])
      t.equal(await client.append(topic, ['next']), 8)
    }))

  t.test('topics keep their ids, partitions and configurations, and the cluster its own id', async t => across(t,
    async client => {
      const topic = await client.topic(2, { 'retention.ms': '777000' })
      await client.call(CreatePartitions, { topics: [{ name: topic.name, count: 3, assignments: null }], timeoutMs: 30_000, validateOnly: false })
      const { clusterId } = await client.call(Metadata, { topics: [] })
      return { topic: await client.ready(topic.name, 3), clusterId }
    },
    async (client, { topic, clusterId }) => {
      const metadata = await client.call(Metadata, { topics: [{ name: topic.name }], allowAutoTopicCreation: false })
      t.match(metadata, { clusterId, topics: [{ topicId: topic.id }] })
      t.equal(metadata.topics[0]!.partitions.length, 3)
      const { results } = await client.call(DescribeConfigs, {
        resources: [{ resourceType: TOPIC, resourceName: topic.name, configurationKeys: ['retention.ms'] }], includeDocumentation: false
      })
      t.equal(results[0]!.configs[0]!.value, '777000')
    }))

  t.test('a topic that was deleted stays deleted, and one that was made in its place begins anew', async t => across(t,
    async client => {
      const [gone, replaced] = [await client.topic(), await client.topic()]
      for (const topic of [gone, replaced]) {
        await client.append(topic, ['a', 'b', 'c'])
        await client.call(DeleteRecords, { timeoutMs: 30_000, topics: [{ name: topic.name, partitions: [{ partitionIndex: 0, offset: 2 }] }] })
      }
      for (const { name } of [gone, replaced]) t.equal(await client.deleteTopic({ name }), 'NONE')
      const again = await client.topic(1, {}, replaced.name)
      t.equal(await client.append(again, ['d', 'e', 'f', 'g']), 0, 'at 0 at once')
      return { gone, again }
    },
    async (client, { gone, again }) => {
      const { topics } = await client.call(Metadata, { topics: [{ name: gone.name }], allowAutoTopicCreation: false })
      t.equal(nameOf(topics[0]!.errorCode), 'UNKNOWN_TOPIC_OR_PARTITION')
      t.equal(await client.offset(again, EARLIEST), 0)
      t.strictSame(await client.values(again), ['d', 'e', 'f', 'g'])
      const once = await client.topic(1, {}, gone.name)
      t.equal(await client.append(once, ['e']), 0)
      t.strictSame(await client.values(once), ['e'])
    }))

  t.test('records that were deleted stay deleted', async t => across(t,
    async client => {
      const topic = await client.topic()
      await client.append(topic, ['a', 'b', 'c'])
      await client.call(DeleteRecords, { timeoutMs: 30_000, topics: [{ name: topic.name, partitions: [{ partitionIndex: 0, offset: 2 }] }] })
      return topic
    },
    async (client, topic) => {
      t.equal(await client.offset(topic, EARLIEST), 2)
      t.strictSame(await client.values(topic), ['c'])
    }))

  t.test('a topic that is made anew after the restart does not begin where records of the old one were deleted', async t => across(t,
    async client => {
      const topic = await client.topic()
      await client.append(topic, ['a', 'b', 'c'])
      await client.call(DeleteRecords, { timeoutMs: 30_000, topics: [{ name: topic.name, partitions: [{ partitionIndex: 0, offset: 2 }] }] })
      return topic
    },
    async (client, topic) => {
      t.equal(await client.deleteTopic({ name: topic.name }), 'NONE')
      const again = await client.topic(1, {}, topic.name)
      t.equal(await client.append(again, ['d']), 0)
      t.equal(await client.offset(again, EARLIEST), 0)
    }))

  t.test('what a group has committed is there again', async t => across(t,
    async client => {
      const topic = await client.topic(2)
      const group = await coordinated(client)
      t.strictSame(await commit(client, group, topic, [[0, 5, 'five'], [1, 6, '']]), ['NONE', 'NONE'])
      t.strictSame(await commit(client, group, topic, [[0, 7, 'seven']]), ['NONE'])
      return { topic, group }
    },
    async (client, { topic, group }) => {
      t.strictSame(await committed(client, group, topic, [0, 1]), [[7, 'seven'], [6, '']])
    }))

  t.test('a batch that was appended before is known again, and the producer goes on where it was', async t => across(t,
    async client => {
      const topic = await client.topic()
      const producerId = await client.producerId()
      for (let baseSequence = 0; baseSequence < 8; baseSequence++) {
        await client.append(topic, [`${baseSequence}`], 0, { producerId, producerEpoch: 3, baseSequence })
      }
      return { topic, producerId }
    },
    async (client, { topic, producerId }) => {
      const send = async (baseSequence: number, producerEpoch = 3): Promise<string> => {
        const { errorCode, baseOffset } = await client.produce(topic, batchOf([`${baseSequence}`], { producerId, producerEpoch, baseSequence }))
        return errorCode === errors.NONE ? `at ${baseOffset}` : nameOf(errorCode)
      }
      for (const sequence of [7, 3, 5]) t.equal(await send(sequence), `at ${sequence}`)
      t.equal(await send(9), 'OUT_OF_ORDER_SEQUENCE_NUMBER')
      t.equal(await send(0, 2), 'INVALID_PRODUCER_EPOCH')
      t.equal(await send(8), 'at 8')
      t.not(await client.producerId(), producerId, 'and nobody else gets its id')
    }))
}
