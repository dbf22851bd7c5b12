/**
 * What went wrong in Kafka once, and must not here.
 */
import t from 'tap'
import { TRANSACTIONAL } from '../../../protocol/batch.ts'
import { Produce } from '../../../protocol/messages/00-produce.ts'
import { Fetch } from '../../../protocol/messages/01-fetch.ts'
import { Metadata } from '../../../protocol/messages/03-metadata.ts'
import { buildBatch } from '../../../protocol/records.ts'
import type { RequestInput } from '../../../protocol/schema.ts'
import { openHouse } from './authorize-kit.ts'

const fetched: RequestInput<typeof Fetch> = {
  maxWaitMs: 0, minBytes: 0, topics: [{ topic: 'orders', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }] }]
}
const codes = (answer: unknown): number[] =>
  Array.from(JSON.stringify(answer).matchAll(/"errorCode":(-?\d+)/g), ([, code]) => Number(code)).filter(code => code !== 0)

// CVE-2018-1288: a Fetch with a replica id of one's own choice disturbed replication.
t.test('CVE-2018-1288: who claims to be a replica must be one of the cluster', async t => {
  const house = await openHouse(t)
  const reader = ['READ TOPIC orders']
  t.same(codes(await house.ask(reader, Fetch, fetched, 12)), [])
  t.same(codes(await house.ask(reader, Fetch, { ...fetched, replicaId: 0 }, 12)), [29])
  t.same(house.seen, [], 'it goes no further')
  t.same(house.denied, ['CLUSTER_ACTION CLUSTER kafka-cluster'])
  t.same(codes(await house.ask(reader, Fetch, { ...fetched, replicaState: { replicaId: 1, replicaEpoch: 1 } }, 15)), [29], 'where newer versions say it')
  t.same(codes(await house.ask(reader, Fetch, { ...fetched, replicaId: -2 }, 12)), [], 'the debugging consumer is a consumer')
  t.same(codes(await house.ask(['CLUSTER_ACTION CLUSTER kafka-cluster'], Fetch, { ...fetched, replicaId: 1 }, 12)), [])
})

// CVE-2018-17196: a Produce whose batches said other than the request bypassed the check of the transactional id.
t.test('CVE-2018-17196: every batch of every partition is asked whether it is transactional', async t => {
  const house = await openHouse(t, ['a', 'b'])
  const plain = (): Buffer => buildBatch([{ key: null, value: Buffer.from('v') }]).bytes
  const transactional = (): Buffer =>
    buildBatch([{ key: null, value: Buffer.from('v') }], { attributes: TRANSACTIONAL, producerId: 7, producerEpoch: 0, baseSequence: 0 }).bytes
  const request = (last: Buffer[] | null, transactionalId: string | null): RequestInput<typeof Produce> => ({
    acks: -1,
    timeoutMs: 1000,
    transactionalId,
    topicData: [
      { name: 'a', partitionData: [{ index: 0, records: [plain()] }] },
      { name: 'b', partitionData: [{ index: 0, records: [plain()] }, { index: 1, records: null }, { index: 2, records: last }] }
    ]
  })
  const writer = ['WRITE TOPIC *']
  const refused = [53, 53, 53, 53]
  t.same(codes(await house.ask(writer, Produce, request([transactional()], null), 12)), refused, 'the request says nothing of a transaction')
  t.same(codes(await house.ask([...writer, 'WRITE TRANSACTIONAL_ID *'], Produce, request([transactional()], null), 12)), refused, 'no id, no permission')
  t.same(codes(await house.ask(writer, Produce, request([transactional()], 'tx'), 12)), refused)
  t.same(house.denied, ['WRITE TRANSACTIONAL_ID tx'])
  t.same(codes(await house.ask(writer, Produce, request([Buffer.concat([plain(), transactional()])], 'tx'), 12)), refused, 'behind another batch')
  t.same(codes(await house.ask(writer, Produce, request([plain(), transactional()], 'tx'), 12)), refused, 'in a chunk of its own')
  t.same(house.seen, [], 'none of it was handed on')
  await house.ask([...writer, 'WRITE TRANSACTIONAL_ID tx'], Produce, request([transactional()], 'tx'), 12)
  t.equal(house.seen.length, 1)
  for (const garbage of [Buffer.alloc(0), Buffer.alloc(30), Buffer.alloc(100, 0xff), plain().subarray(0, 40)]) {
    const answer = await house.ask(writer, Produce, request([garbage], null), 12)
    t.equal(answer.responses.length, 2, 'what is no batch is refused as that, or as transactional, and ends')
  }
})

t.test('in v0 an empty list asks for all: what is left of a request that was refused asks for nothing', async t => {
  const house = await openHouse(t)
  const { topics } = await house.ask(['DESCRIBE TOPIC orders'], Metadata, { topics: [{ name: 'secret' }] }, 0)
  t.same(topics.map(({ name, errorCode }) => [name, errorCode]), [['secret', 29]])
})
