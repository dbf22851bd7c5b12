import t, { type Test } from 'tap'
import fc from 'fast-check'
import { MAX_ELEMENTS, ProtocolError, Reader } from '../../protocol/reader.ts'
import { Writer, writeUvarint } from '../../protocol/writer.ts'

const hex = (text: string): Reader => new Reader(Buffer.from(text.replaceAll(' ', ''), 'hex'))

function written (write: (writer: Writer) => void): string {
  const writer = new Writer()
  write(writer)
  return Buffer.concat(writer.finish()).toString('hex')
}

/** One row: the value, its bytes. */
function bothWays<T> (
  t: Test, rows: readonly (readonly [T, string])[], write: (writer: Writer, value: T) => void, read: (reader: Reader) => T
): void {
  for (const [value, bytes] of rows) {
    t.equal(written(writer => write(writer, value)), bytes, `${String(value)} is written`)
    const reader = hex(bytes)
    t.equal(read(reader), value, `${String(value)} is read`)
    t.equal(reader.remaining, 0, 'to its end')
  }
}

t.test('integers of fixed size are big-endian', async t => {
  bothWays(t, [[-128, '80'], [-1, 'ff'], [127, '7f']], (w, v) => w.int8(v), r => r.int8())
  bothWays(t, [[-32768, '8000'], [-2, 'fffe'], [0x0102, '0102']], (w, v) => w.int16(v), r => r.int16())
  bothWays(t, [[0, '0000'], [65535, 'ffff']], (w, v) => w.uint16(v), r => r.uint16())
  bothWays(t, [[-2147483648, '80000000'], [0x01020304, '01020304'], [-1, 'ffffffff']], (w, v) => w.int32(v), r => r.int32())
  bothWays(t, [[0, '00000000'], [4294967295, 'ffffffff']], (w, v) => w.uint32(v), r => r.uint32())
})

t.test('an integer that does not fit its field is refused when written', async t => {
  t.throws(() => written(w => w.int8(128)), RangeError)
  t.throws(() => written(w => w.int16(-32769)), RangeError)
  t.throws(() => written(w => w.int32(2 ** 31)), RangeError)
  t.throws(() => written(w => w.uint32(-1)), RangeError)
})

t.test('an int64 reaches from -(2^53 - 1) to 2^53 - 1', async t => {
  bothWays(t, [
    [0, '0000000000000000'],
    [-1, 'ffffffffffffffff'],
    [1700000000123, '0000018bcfe5687b'],
    [0xffffffff, '00000000ffffffff'],
    [2 ** 32, '0000000100000000'],
    [-(2 ** 32), 'ffffffff00000000'],
    [Number.MAX_SAFE_INTEGER, '001fffffffffffff'],
    [Number.MIN_SAFE_INTEGER, 'ffe0000000000001']
  ], (w, v) => w.int64(v), r => r.int64())
})

t.test('an int64 beyond that is a protocol error, never rounded', async t => {
  for (const bytes of ['0020000000000000', '0020000000000001', 'ffe0000000000000', '7fffffffffffffff', '8000000000000000']) {
    t.throws(() => hex(bytes).int64(), ProtocolError, bytes)
  }
})

t.test('booleans, doubles and UUIDs', async t => {
  bothWays(t, [[true, '01'], [false, '00']], (w, v) => w.bool(v), r => r.bool())
  t.equal(hex('02').bool(), true, 'any byte but 0 is true')
  bothWays(t, [[1.5, '3ff8000000000000'], [-0.1, 'bfb999999999999a']], (w, v) => w.float64(v), r => r.float64())
  bothWays(t, [
    ['AAAAAAAAAAAAAAAAAAAAAA', '00000000000000000000000000000000'],
    ['ASNFZ4mrze8BI0VniavN7w', '0123456789abcdef0123456789abcdef'],
    ['-_-_-_-_-_-_-_-_-_-_-w', 'fbffbffbffbffbffbffbffbffbffbffb']
  ], (w, v) => w.uuid(v), r => r.uuid())
  t.throws(() => written(w => w.uuid('too-short')), TypeError)
})

t.test('an unsigned varint has seven bits a byte, lowest first', async t => {
  bothWays(t, [
    [0, '00'], [1, '01'], [127, '7f'], [128, '8001'], [300, 'ac02'], [16383, 'ff7f'], [16384, '808001'],
    [2097151, 'ffff7f'], [2097152, '80808001'], [2147483647, 'ffffffff07'], [4294967295, 'ffffffff0f']
  ], (w, v) => w.uvarint(v), r => r.uvarint())
  t.throws(() => hex('ffffffff1f').uvarint(), ProtocolError, '2^33 - 1')
  t.throws(() => hex('808080808001').uvarint(), ProtocolError, 'a sixth byte')
  t.throws(() => hex('80').uvarint(), ProtocolError, 'cut off')
  t.equal(hex('8000').uvarint(), 0, 'more bytes than needed are read all the same')
})

t.test('a varint is zigzag', async t => {
  const rows = [
    [0, '00'], [-1, '01'], [1, '02'], [-2, '03'], [63, '7e'], [-64, '7f'], [64, '8001'], [-65, '8101'],
    [2147483647, 'feffffff0f'], [-2147483648, 'ffffffff0f']
  ] as const
  for (const [value, bytes] of rows) t.equal(hex(bytes).varint(), value, bytes)
})

t.test('a varlong is zigzag of 64 bits', async t => {
  const rows = [
    [0, '00'], [-1, '01'], [1, '02'], [-64, '7f'], [64, '8001'], [2147483648, '8080808010'], [-2147483649, '8180808010'],
    [Number.MAX_SAFE_INTEGER, 'feffffffffffff1f'], [Number.MIN_SAFE_INTEGER, 'fdffffffffffff1f']
  ] as const
  for (const [value, bytes] of rows) t.equal(hex(bytes).varlong(), value, bytes)
})

t.test('a varlong beyond 2^53, or one that does not end, is a protocol error', async t => {
  for (const bytes of ['8080808080808020', 'ffffffffffffff1f', 'feffffffffffffffff01', 'ffffffffffffffffff01', '80'.repeat(10) + '00', '8080']) {
    t.throws(() => hex(bytes).varlong(), ProtocolError, bytes)
  }
})

t.test('a length that the frame cannot hold is refused before anything is allocated', async t => {
  const reader = hex('0102')
  t.throws(() => reader.slice(3), ProtocolError)
  t.throws(() => reader.text(2 ** 31), ProtocolError)
  t.throws(() => reader.checkCount(2 ** 31, 1), /2147483648 elements cannot fit the 2 bytes left/)
  t.equal(reader.position, 0, 'and nothing is consumed')
  t.equal(reader.checkCount(2, 1), 2)
})

t.test('all arrays of one frame together have a limit', async t => {
  const reader = new Reader(Buffer.alloc(2_000_000))
  for (let i = 0; i < 10; i++) reader.checkCount(MAX_ELEMENTS / 10, 1)
  t.throws(() => reader.checkCount(1, 1), /more than 250000 array elements/)
})

t.test('a reader stays within its part of a buffer', async t => {
  const reader = new Reader(Buffer.from('00ff01', 'hex'), 1, 2)
  t.equal(reader.int8(), -1)
  t.throws(() => reader.int8(), ProtocolError)
})

t.test('what a reader gives for bytes is a view', async t => {
  const buffer = Buffer.from('abc')
  const slice = new Reader(buffer).slice(3)
  buffer[0] = 0x7a
  t.equal(slice.toString(), 'zbc')
})

t.test('a writer chains long bytes, copies short ones and keeps their order', async t => {
  const long = Buffer.alloc(600, 1)
  const short = Buffer.alloc(10, 2)
  const writer = new Writer(4)
  writer.int8(9)
  writer.raw(long)
  writer.raw(short)
  writer.text('é', 2)
  t.equal(writer.length, 613)
  const chunks = writer.finish()
  t.ok(chunks.includes(long), 'the long bytes are there by reference')
  t.notOk(chunks.includes(short))
  t.strictSame(Buffer.concat(chunks), Buffer.concat([Buffer.from([9]), long, short, Buffer.from('é')]))
})

t.test('whatever the sizes, a writer writes everything once', async () => {
  fc.assert(fc.property(fc.array(fc.oneof(fc.uint8Array({ maxLength: 30 }), fc.uint8Array({ minLength: 505, maxLength: 520 }))), pieces => {
    const writer = new Writer(8)
    for (const piece of pieces) writer.raw(Buffer.from(piece))
    const length = writer.length
    const joined = Buffer.concat(writer.finish())
    return joined.length === length && joined.equals(Buffer.concat(pieces))
  }))
})

t.test('writeUvarint says where it ended', async t => {
  const buffer = Buffer.alloc(8)
  t.equal(writeUvarint(buffer, 300, 2), 4)
  t.equal(buffer.toString('hex'), '0000ac0200000000')
})
