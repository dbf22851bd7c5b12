import t from 'tap'
import { ConsumerProtocolAssignment, ConsumerProtocolSubscription } from '../../protocol/messages/consumer-protocol.ts'
import { GroupMetadataKey, OffsetCommitKey } from '../../protocol/messages/group-log.ts'
import { readPayload, writePayload } from '../../protocol/payload.ts'
import { ProtocolError } from '../../protocol/reader.ts'
import { int8, payload } from '../../protocol/schema.ts'

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')

t.test('a payload begins with its version', async t => {
  const bytes = writePayload(ConsumerProtocolSubscription, 0, { topics: ['a'] })
  t.equal(bytes.toString('hex'), '0000' + '00000001' + '000161' + 'ffffffff')
  t.strictSame(readPayload(ConsumerProtocolSubscription, bytes), {
    topics: ['a'], userData: null, ownedPartitions: [], generationId: -1, rackId: null
  })
})

t.test('one that is newer than we know is read as the newest that we do', async t => {
  const newer = hex('0009 00000001 0001 61 00000001 00000002 ffffffff beef')
  t.strictSame(readPayload(ConsumerProtocolAssignment, newer), { assignedPartitions: [{ topic: 'a', partitions: [2] }], userData: null })
})

t.test('with the fields that the newest has, though their versions end there', async t => {
  const sample = payload('Sample', { versions: [0, 1], flexible: Infinity }, { a: int8.until(1), b: int8.since(2) })
  t.strictSame(readPayload(sample, hex('0009 07')), { a: 7, b: 0 })
})

t.test('what an older version lacks is left out when it is written', async t => {
  const subscription = { topics: [], ownedPartitions: [{ topic: 'a', partitions: [1] }], generationId: 4, rackId: 'r' }
  t.equal(writePayload(ConsumerProtocolSubscription, 0, subscription).toString('hex'), '0000' + '00000000' + 'ffffffff')
  t.equal(writePayload(ConsumerProtocolSubscription, 1, subscription).toString('hex'),
    '0001' + '00000000' + 'ffffffff' + '00000001' + '000161' + '00000001' + '00000001')
})

t.test('the version before a key of the group log says what it is about', async t => {
  t.equal(writePayload(OffsetCommitKey, 1, { group: 'g', topic: 't', partition: 3 }).toString('hex'), '0001' + '000167' + '000174' + '00000003')
  t.equal(writePayload(GroupMetadataKey, 2, { group: 'g' }).toString('hex'), '0002' + '000167')
  t.throws(() => readPayload(GroupMetadataKey, hex('0001 0001 67')), /GroupMetadataKey v1 is older than v2/)
})

t.test('what is cut off or older than any version is a protocol error', async t => {
  t.throws(() => readPayload(ConsumerProtocolSubscription, hex('ffff 00000000')), ProtocolError)
  t.throws(() => readPayload(ConsumerProtocolSubscription, hex('00')), ProtocolError)
  t.throws(() => readPayload(ConsumerProtocolSubscription, hex('0000 00000001 0005 61')), ProtocolError)
})
