import t from 'tap'
import fc from 'fast-check'
import { crc32c, tableCrc32c } from '../../protocol/crc32c.ts'

const vectors: readonly (readonly [string, Buffer, number])[] = [
  ['nothing', Buffer.alloc(0), 0],
  ['the check value of the catalogue of CRCs', Buffer.from('123456789'), 0xe3069283],
  // RFC 3720, B.4; it lists the bytes of the checksum lowest first.
  ['32 bytes of zeroes', Buffer.alloc(32), 0x8a9136aa],
  ['32 bytes of ones', Buffer.alloc(32, 0xff), 0x62a8ab43],
  ['32 bytes incrementing', Buffer.from(Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e],
  ['32 bytes decrementing', Buffer.from(Array.from({ length: 32 }, (_, i) => 31 - i)), 0x113fdb5c],
  ['an iSCSI read command', Buffer.from(
    '01c00000000000000000000000000000140000000000040000000014000000182800000000000000' + '0200000000000000', 'hex'), 0xd9963a56]
]

for (const [title, bytes, expected] of vectors) {
  t.test(`the checksum of ${title}`, async t => {
    t.equal(crc32c(bytes), expected, 'native')
    t.equal(tableCrc32c(bytes), expected, 'from the table')
  })
}

t.test('native and table agree', async () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), bytes => crc32c(bytes) === tableCrc32c(bytes)), { numRuns: 500 })
})

t.test('the native one is used where it is there', async t => {
  t.not(crc32c, tableCrc32c)
})
