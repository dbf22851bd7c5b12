/** Tagged fields (KIP-482). */
import t from 'tap'
import { codec, unknownTags } from '../../protocol/compile.ts'
import { ProtocolError, Reader } from '../../protocol/reader.ts'
import { array, int32, int8, string, struct } from '../../protocol/schema.ts'
import { Writer } from '../../protocol/writer.ts'

const fields = {
  id: int8,
  name: string.tag(1),
  epoch: int32.default(-1).tag(0),
  leader: struct({ id: int32.default(-1) }).tag(2),
  rack: string.nullable().default(null).tag(5)
}
const absent = { name: '', epoch: -1, leader: { id: -1 }, rack: null }

const flexible = codec(fields, 0, true)

function read (hex: string): unknown {
  const reader = new Reader(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
  const value = flexible.read(reader)
  t.equal(reader.remaining, 0)
  return value
}

function write (value: object): string {
  const writer = new Writer()
  flexible.write(writer, value as { id: number })
  return Buffer.concat(writer.finish()).toString('hex')
}

t.test('a tagged field at its default is not sent', async t => {
  t.equal(write({ id: 1 }), '0100')
  t.equal(write({ id: 1, ...absent }), '0100')
  t.strictSame(read('0100'), { id: 1, ...absent })
})

t.test('others are sent in the order of their tags, each with its size', async t => {
  const hex = '01 04  00 04 00000009  01 03 036869  02 05 00000003 00  05 01 01'.replaceAll(' ', '')
  const value = { id: 1, name: 'hi', epoch: 9, leader: { id: 3 }, rack: '' }
  t.equal(write(value), hex)
  t.strictSame(read(hex), value)
})

t.test('a struct inside has tags of its own', async t => {
  const nested = codec({ list: array({ id: int8, name: string.tag(0) }) }, 0, true)
  const writer = new Writer()
  nested.write(writer, { list: [{ id: 1 }, { id: 2, name: 'x' }] })
  t.equal(Buffer.concat(writer.finish()).toString('hex'), '03 01 00  02 01 00 02 0278  00'.replaceAll(' ', ''))
})

t.test('a version that is not flexible has no tagged fields', async t => {
  const fixed = codec(fields, 0, false)
  const writer = new Writer()
  fixed.write(writer, { id: 1 })
  t.equal(Buffer.concat(writer.finish()).toString('hex'), '01')
  t.throws(() => fixed.write(new Writer(), { id: 1, epoch: 3 }), /no place for epoch/)
})

t.test('unknown tags survive a round trip byte for byte, between known ones too', async t => {
  const hex = '01 04  00 04 00000009  03 02 beef  05 03 036869  8001 00'.replaceAll(' ', '')
  const value = read(hex) as { [unknownTags]?: Map<number, Buffer> }
  t.match(value, { id: 1, epoch: 9, rack: 'hi' })
  t.strictSame([...value[unknownTags]!.keys()], [3, 128])
  t.equal(write(value), hex)
  t.equal(write({ ...value }), hex, 'in a copy as well')
})

t.test('a tag that is not greater than the one before is refused', async t => {
  t.throws(() => read('01 02  00 04 00000009  00 04 00000009'), /tag 0 after tag 0/, 'twice the same')
  t.throws(() => read('01 02  01 03 036869  00 04 00000009'), /tag 0 after tag 1/)
  t.throws(() => read('01 02  07 00  07 00'), ProtocolError, 'unknown ones as well')
})

t.test('a size that is not that of the value is refused', async t => {
  t.throws(() => read('01 01  00 03 000009'), ProtocolError, 'too short')
  t.throws(() => read('01 01  00 05 0000000900'), /tag 0 is 5 bytes long, but its value is not/)
  t.throws(() => read('01 01  00 ffffffff0f 00'), /claims 4294967295 bytes/)
  t.throws(() => read('01 01  09 ffffffff0f 00'), ProtocolError, 'of an unknown tag')
})

t.test('more tags than any message has are refused', async t => {
  t.throws(() => read('01 ffffffff0f'), /4294967295 tagged fields/)
})
