import t from 'tap'
import { buildBatch } from '../../../protocol/records.ts'
import { render } from '../../../src/client/block.ts'

/** A batch that begins at an offset; with `extra`, bytes behind its records that belong to none of them. */
function batchAt (baseOffset: number, values: readonly string[], extra = 0): Buffer {
  const { bytes } = buildBatch(values.map(value => ({ key: null, value: Buffer.from(value) })))
  const batch = Buffer.concat([bytes, Buffer.alloc(extra)])
  batch.writeBigInt64BE(BigInt(baseOffset), 0)
  batch.writeInt32BE(batch.length - 12, 8)
  return batch
}

t.test('what stands wrongly behind the records of a batch hides no others', async t => {
  const { offsets, lines, next } = render('t', 0, 0, [Buffer.concat([batchAt(0, ['"a"'], 2), batchAt(1, ['"b"', '"c"']), batchAt(3, ['"d"'])])])
  t.strictSame(offsets, [0, 1, 2, 3])
  t.strictSame(lines.map(line => (JSON.parse(line) as { value: unknown }).value), ['a', 'b', 'c', 'd'])
  t.equal(next, 4)
})

t.test('a batch that breaks off is shown as such, in its place', async t => {
  const broken = batchAt(1, ['"b"', '"c"'])
  broken[broken.length - 8] = 0xff
  const { offsets, lines } = render('t', 0, 0, [Buffer.concat([batchAt(0, ['"a"']), broken, batchAt(3, ['"d"'])])])
  t.equal(offsets.at(-1), 3)
  t.match(JSON.parse(lines.at(-1)!), { value: 'd' })
  t.ok(lines.some(line => line.includes('cannot be read')))
  t.strictSame([...new Set(offsets)], offsets)
})
