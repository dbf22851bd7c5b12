import t from 'tap'
import { frame, payloadOf, readEnvelope } from '../../../src/schemas/envelope.ts'
import { PayloadError } from '../../../src/schemas/format.ts'

const GUID = '89791762-2336-4186-9674-299b90a802e2'
const guidBytes = Buffer.from(GUID.replaceAll('-', ''), 'hex')
const payload = Buffer.from('payload')
const v0 = (id: number): Buffer => Buffer.concat([Buffer.from([0, id >>> 24, id >> 16 & 255, id >> 8 & 255, id & 255])])
const v1 = Buffer.concat([Buffer.from([1]), guidBytes])

t.test('V0 and V1 stand before the payload', async t => {
  t.match(readEnvelope(Buffer.concat([v0(0x01020304), payload]), [], 'value'), { kind: 'id', id: 0x01020304, inHeader: null })
  t.match(readEnvelope(Buffer.concat([v1, payload]), [], 'value'), { kind: 'guid', guid: GUID, inHeader: null })
  for (const framing of [v0(7), v1]) {
    t.same(readEnvelope(Buffer.concat([framing, payload]), [], 'key')?.rest, payload)
    t.same(readEnvelope(framing, [], 'key')?.rest, Buffer.alloc(0), 'an empty payload is one')
  }
})

t.test('what is neither is not framed', async t => {
  for (const bytes of [Buffer.alloc(0), Buffer.from('{"n":1}'), v0(7).subarray(0, 4), v1.subarray(0, 16), Buffer.from([2, 0, 0, 0, 1, 0])]) {
    t.equal(readEnvelope(bytes, [], 'value'), null, bytes.toString('hex'))
  }
})

t.test('a header says it beside the payload, each part in its own, and counts before what the payload begins with', async t => {
  const prefixed = Buffer.concat([v0(9), payload])
  t.match(readEnvelope(prefixed, [{ key: '__value_schema_id', value: v1 }], 'value'), { kind: 'guid', guid: GUID, rest: prefixed })
  t.match(readEnvelope(payload, [{ key: '__value_schema_id', value: v0(3) }], 'value'), { kind: 'id', id: 3, rest: payload })
  t.match(readEnvelope(prefixed, [{ key: '__key_schema_id', value: v1 }], 'value'), { kind: 'id', id: 9 }, 'that of the key is none of the value')
  t.match(readEnvelope(payload, [{ key: '__key_schema_id', value: v1 }], 'key'), { kind: 'guid', guid: GUID })
  t.match(readEnvelope(payload, [{ key: '__value_schema_id', value: v0(1) }, { key: '__value_schema_id', value: v0(2) }], 'value'), { id: 2 }, 'the last one')
  for (const value of [null, Buffer.alloc(0), Buffer.from('7'), v1.subarray(0, 12)]) {
    t.equal(readEnvelope(prefixed, [{ key: '__value_schema_id', value }], 'value'), null, 'readers would stumble over it')
  }
})

t.test('Protobuf says which message of the file it is', async t => {
  const read = (hex: string): { indexes: readonly number[], rest: string } => {
    const { indexes, bytes } = payloadOf('PROTOBUF', Buffer.from(hex, 'hex'))
    return { indexes, rest: bytes.toString('hex') }
  }
  t.same(read('00ff'), { indexes: [0], rest: 'ff' }, 'nearly always')
  t.same(read('0200ff'), { indexes: [0], rest: 'ff' }, 'the long form of it')
  t.same(read('0202ff'), { indexes: [1], rest: 'ff' })
  t.same(read('04020600'), { indexes: [1, 3], rest: '00' })
  t.same(read('028001'), { indexes: [64], rest: '' })
  const inHeader = payloadOf('PROTOBUF', Buffer.from('ff', 'hex'), Buffer.from('0202', 'hex'))
  t.same(inHeader, { bytes: Buffer.from('ff', 'hex'), indexes: [1] }, 'in the header form, the payload is the whole value')
  t.same(payloadOf('AVRO', Buffer.from('00ff', 'hex')), { bytes: Buffer.from('00ff', 'hex'), indexes: [] }, 'other languages have none')
})

t.test('indexes that are not there, negative or too many are refused', async t => {
  for (const hex of ['', '02', '0280', '01', '0201', 'ffffffffff7f', 'ca01' + '00'.repeat(101), 'feffffff0f' + '00'.repeat(100)]) {
    t.throws(() => payloadOf('PROTOBUF', Buffer.from(hex, 'hex')), PayloadError, hex.slice(0, 20))
  }
})

t.test('V0 is written, and read back', async t => {
  t.equal(frame('AVRO', 1, { bytes: payload, indexes: [] }).toString('hex'), `0000000001${payload.toString('hex')}`)
  t.equal(frame('PROTOBUF', 258, { bytes: payload, indexes: [0] }).toString('hex'), `000000010200${payload.toString('hex')}`)
  t.equal(frame('PROTOBUF', 258, { bytes: payload, indexes: [] }).toString('hex'), `000000010200${payload.toString('hex')}`)
  for (const indexes of [[0], [1], [0, 0], [63, 64, 8191, 8192], [2 ** 31 - 1]]) {
    const envelope = readEnvelope(frame('PROTOBUF', 2 ** 31 - 1, { bytes: payload, indexes }), [], 'value')!
    t.match(envelope, { kind: 'id', id: 2 ** 31 - 1 })
    t.same(payloadOf('PROTOBUF', envelope.rest), { bytes: payload, indexes })
  }
})
