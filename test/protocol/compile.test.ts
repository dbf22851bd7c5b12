import t from 'tap'
import { codec } from '../../protocol/compile.ts'
import { ProtocolError, Reader } from '../../protocol/reader.ts'
import { array, bool, bytes, int16, int32, int64, int8, records, string, struct, uuid, type Fields, type Input, type Output } from '../../protocol/schema.ts'
import { Writer } from '../../protocol/writer.ts'

const zeroUuid = 'AAAAAAAAAAAAAAAAAAAAAA'

function write<F extends Fields> (fields: F, value: Input<F>, { version = 0, flexible = false } = {}): string {
  const writer = new Writer()
  codec(fields, version, flexible).write(writer, value)
  return Buffer.concat(writer.finish()).toString('hex')
}

function read<F extends Fields> (fields: F, hex: string, { version = 0, flexible = false } = {}): Output<F> {
  const reader = new Reader(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
  const value = codec(fields, version, flexible).read(reader)
  if (reader.remaining > 0) throw new Error(`${reader.remaining} bytes left`)
  return value
}

t.test('strings, bytes and arrays have fixed lengths, or compact ones where the version is flexible', async t => {
  const fields = { name: string, data: bytes, list: array(int8) }
  const value = { name: 'hé', data: Buffer.from([7, 8]), list: [1, -1] }
  const fixed = '0003 68c3a9  00000002 0708  00000002 01ff'.replaceAll(' ', '')
  const compact = '04 68c3a9  03 0708  03 01ff  00'.replaceAll(' ', '')
  t.equal(write(fields, value), fixed)
  t.equal(write(fields, value, { flexible: true }), compact)
  t.strictSame(read(fields, fixed), value)
  t.strictSame(read(fields, compact, { flexible: true }), value)
})

t.test('a compact length of 127 bytes takes two bytes', async t => {
  const text = 'a'.repeat(127)
  const hex = '8001' + '61'.repeat(127) + '00'
  t.equal(write({ text: string }, { text }, { flexible: true }), hex)
  t.strictSame(read({ text: string }, hex, { flexible: true }), { text })
})

t.test('null is -1, or 0 where lengths are compact', async t => {
  const fields = { a: string.nullable(), b: bytes.nullable(), c: array(int8).nullable(), d: records.nullable() }
  const value = { a: null, b: null, c: null, d: null }
  t.equal(write(fields, value), 'ffff' + 'ffffffff'.repeat(3))
  t.equal(write(fields, value, { flexible: true }), '00000000' + '00')
  t.strictSame(read(fields, 'ffff' + 'ffffffff'.repeat(3)), value)
  t.strictSame(read(fields, '0000000000', { flexible: true }), value)
})

t.test('null is refused where a value is required, in both directions', async t => {
  const fields = { name: string.nullable(3) }
  t.throws(() => write(fields, { name: null }, { version: 2 }), ProtocolError)
  t.throws(() => read(fields, 'ffff', { version: 2 }), /null where a value is required/)
  t.strictSame(read(fields, 'ffff', { version: 3 }), { name: null })
  t.throws(() => read({ list: array(string) }, '00000001 ffff'), ProtocolError, 'in an array too')
})

t.test('a struct that may be null begins with a byte that says so', async t => {
  const fields = { one: struct({ id: int16 }).nullable() }
  t.equal(write(fields, { one: null }), 'ff')
  t.equal(write(fields, { one: { id: 5 } }), '010005')
  t.strictSame(read(fields, 'ff'), { one: null })
  t.strictSame(read(fields, '010005'), { one: { id: 5 } })
})

t.test('a negative length other than -1 is refused', async t => {
  t.throws(() => read({ name: string.nullable() }, 'fffe'), /negative length: -2/)
  t.throws(() => read({ list: array(int8).nullable() }, '80000000'), /negative length/)
})

t.test('a field is there from its first version to its last, and at its default outside', async t => {
  const fields = { a: int8.since(2), b: int8.until(1).default(-7), c: array(int8).since(2), d: uuid.since(2), e: struct({ x: int8.default(4) }).since(2) }
  t.strictSame(read(fields, '05', { version: 1 }), { a: 0, b: 5, c: [], d: zeroUuid, e: { x: 4 } })
  const v2 = read(fields, `06 00000001 09 ${'00'.repeat(16)} 08`, { version: 2 })
  t.strictSame(v2, { a: 6, b: -7, c: [9], d: zeroUuid, e: { x: 8 } })
})

t.test('what is left out is written as its default', async t => {
  const fields = { a: int32.default(-1), b: string.default('x'), c: bool.default(true), d: string.nullable().default(null) }
  t.equal(write(fields, {}), 'ffffffff' + '000178' + '01' + 'ffff')
})

t.test('every reader gets a fresh array and struct for what is absent', async t => {
  const fields = { list: array(int8).since(1), inner: struct({ x: int8 }).since(1) }
  const first = read(fields, '')
  first.list.push(1)
  first.inner.x = 1
  t.strictSame(read(fields, ''), { list: [], inner: { x: 0 } })
})

t.test('a value that a version has no place for is refused', async t => {
  const fields = { id: int32, name: string.since(3), epoch: int64.since(3).default(-1), leader: struct({ id: int32.default(-1) }).since(3) }
  t.equal(write(fields, { id: 1 }), '00000001')
  t.equal(write(fields, { id: 1, name: '', epoch: -1, leader: { id: -1 } }), '00000001', 'unless it is the default')
  t.throws(() => write(fields, { id: 1, name: 'x' }, { version: 2 }), /version 2 has no place for name/)
  t.throws(() => write(fields, { id: 1, epoch: 0 }), /epoch/)
  t.throws(() => write(fields, { id: 1, leader: { id: 0 } }), /leader/)
})

t.test('inside an array as well', async t => {
  const fields = { list: array({ a: int8, b: int8.since(1) }) }
  t.throws(() => write(fields, { list: [{ a: 1 }, { a: 1, b: 2 }] }), /no place for b/)
})

t.test('unless the field is ignorable', async t => {
  t.equal(write({ id: int8, name: string.since(3).ignorable() }, { id: 1, name: 'lost' }), '01')
})

t.test('records are written chunk by chunk and read as one view', async t => {
  const fields = { data: records.nullable() }
  t.equal(write(fields, { data: [Buffer.from([1, 2]), Buffer.alloc(0), Buffer.from([3])] }), '00000003010203')
  const frame = Buffer.from('00000003010203', 'hex')
  const { data } = codec(fields, 0, false).read(new Reader(frame))
  t.equal(data?.length, 1)
  t.equal(data?.[0]?.buffer, frame.buffer, 'not copied')
})

t.test('record bytes go through a writer by reference', async t => {
  const batch = Buffer.alloc(4096, 1)
  const writer = new Writer()
  codec({ data: records }, 0, false).write(writer, { data: [batch, batch] })
  t.equal(writer.finish().filter(chunk => chunk === batch).length, 2)
})

t.test('a string longer than its length field is refused', async t => {
  t.throws(() => write({ name: string }, { name: 'x'.repeat(32768) }), ProtocolError)
  t.equal(write({ name: string }, { name: 'x'.repeat(32767) }).slice(0, 4), '7fff')
})

t.test('an array count is checked against the bytes left, by the least that its elements take', async t => {
  // Each element takes 4 + 2 + 1 (of the tagged field that is not there: none) bytes at least.
  const fields = { list: array({ id: int32, name: string, flag: bool, late: int64.since(9), extra: int32.tag(0) }) }
  t.throws(() => read(fields, `00000002 ${'00'.repeat(13)}`), /array of 2 elements cannot fit the 13 bytes left/)
  t.equal(read(fields, `00000002 ${'00'.repeat(14)}`).list.length, 2)
})

t.test('a count that only the claim makes large allocates nothing', async t => {
  const bombs = [
    [{ list: array(int8) }, '7fffffff 00', false],
    [{ list: array(array(array(int8))) }, '00000001 00000001 7fffffff', false],
    [{ list: array({}) }, '7fffffff 00', false],
    [{ list: array(struct({}).nullable()) }, '7fffffff 00', false],
    [{ list: array(string) }, 'ffffffff0f 00', true],
    [{ list: array({}) }, 'ffffffff0f 00', true]
  ] as const
  for (const [fields, hex, flexible] of bombs) t.throws(() => read(fields, hex, { flexible }), /cannot fit/, hex)
})

t.test('a codec is compiled once for each version, and apart for flexible ones', async t => {
  const fields = { id: int8 }
  t.equal(codec(fields, 1, true), codec(fields, 1, true))
  t.not(codec(fields, 1, true), codec(fields, 1, false))
  t.not(codec(fields, 1, true), codec(fields, 2, true))
})
