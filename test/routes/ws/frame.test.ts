import t from 'tap'
import { ending, opening, payloadBytes } from '../../../routes/ws/frame.ts'

t.test('the shortest header that holds the length, and which of the two fragments it is', async t => {
  const headers: readonly (readonly [size: number, header: readonly number[]])[] = [
    [0, [0]],
    [125, [125]],
    [126, [126, 0, 126]],
    [65_535, [126, 255, 255]],
    [65_536, [127, 0, 0, 0, 0, 0, 1, 0, 0]]
  ]
  for (const [size, header] of headers) {
    const text = 'x'.repeat(size)
    t.same(opening(text), Buffer.concat([Buffer.from([0x01, ...header]), Buffer.from(text)]), `${size} bytes`)
    t.same(ending(text), Buffer.concat([Buffer.from([0x80, ...header]), Buffer.from(text)]))
    t.equal(payloadBytes(ending(text)), size)
  }
  t.equal(payloadBytes(opening('ä€')), 5, 'bytes, not characters')
})
