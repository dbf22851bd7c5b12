import t from 'tap'
import fc from 'fast-check'
import { OffsetIndex, TimeIndex } from '../../../storage/log/index.ts'
import { T0 } from '../../support/batches.ts'

const MAX_INT = 0x7fffffff
const BASE = 1000
const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex')

t.test('the bytes are those of Kafka\'s index files', async t => {
  const offsets = new OffsetIndex(BASE)
  offsets.add(1005, 4096)
  offsets.add(BASE + MAX_INT, MAX_INT)
  t.equal(offsets.toBytes().toString('hex'), bytes('00000005 00001000  7fffffff 7fffffff').toString('hex'), 'relative offset, position')
  const times = new TimeIndex(BASE)
  times.add({ timestampMs: 1700000000123, offset: 1007 })
  times.add({ timestampMs: Number.MAX_SAFE_INTEGER, offset: 1258 })
  t.equal(times.toBytes().toString('hex'), bytes('0000018bcfe5687b 00000007  001fffffffffffff 00000102').toString('hex'), 'timestamp, relative offset')
})

t.test('what was written is read again, and can be added to', async t => {
  const offsets = new OffsetIndex(BASE, bytes('00000005 00001000  00000009 00002000'))
  t.strictSame([offsets.count, offsets.lookup(1008), offsets.lookup(1009)], [2, { offset: 1005, position: 4096 }, { offset: 1009, position: 8192 }])
  offsets.add(1020, 9000)
  t.strictSame([offsets.lookup(1009), offsets.lookup(5000)], [{ offset: 1009, position: 8192 }, { offset: 1020, position: 9000 }])
  const times = new TimeIndex(BASE, bytes('0000018bcfe5687b 00000007'))
  times.add({ timestampMs: 1700000000124, offset: 1008 })
  t.strictSame(times.lookup(1700000000124), { timestampMs: 1700000000123, offset: 1007 })
  t.strictSame(times.last, { timestampMs: 1700000000124, offset: 1008 })
  t.equal(times.toBytes().length, 24)
})

t.test('bytes that are no whole number of entries are refused', async t => {
  for (const length of [1, 7, 9, 12]) t.throws(() => new OffsetIndex(0, Buffer.alloc(length)), RangeError, `${length}`)
  for (const length of [1, 8, 11, 13]) t.throws(() => new TimeIndex(0, Buffer.alloc(length)), RangeError, `${length}`)
  t.equal(new OffsetIndex(0, Buffer.alloc(0)).lookup(0), null)
  t.equal(new TimeIndex(0, Buffer.alloc(0)).last, null)
})

t.test('an index grows beyond any room it began with', async t => {
  const offsets = new OffsetIndex(BASE)
  const times = new TimeIndex(BASE)
  for (let i = 0; i < 1000; i++) {
    offsets.add(BASE + i, i * 100)
    times.add({ timestampMs: T0 + i, offset: BASE + i })
  }
  t.strictSame([offsets.count, offsets.toBytes().length, times.count, times.toBytes().length], [1000, 8000, 1000, 12_000])
  const [again, timesAgain] = [new OffsetIndex(BASE, offsets.toBytes()), new TimeIndex(BASE, times.toBytes())]
  for (let i = 0; i < 1000; i++) {
    if (again.lookup(BASE + i)?.position !== i * 100) t.fail(`offset ${i}`)
    if (timesAgain.lookup(T0 + i + 1)?.offset !== BASE + i) t.fail(`time ${i}`)
  }
})

t.test('a lookup finds what a walk from the beginning finds', async () => {
  const steps = fc.array(fc.tuple(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 50 })), { maxLength: 60 })
  fc.assert(fc.property(steps, fc.integer({ min: -10, max: 3000 }), (steps, target) => {
    const offsets = new OffsetIndex(BASE)
    const times = new TimeIndex(BASE)
    let [offset, other] = [BASE - 1, -1]
    const rows = steps.map(([first, second]) => {
      offset += first
      other += second
      offsets.add(offset, other)
      times.add({ timestampMs: other, offset })
      return { offset, other }
    })
    const byOffset = rows.findLast(row => row.offset <= BASE + target)
    const byTime = rows.findLast(row => row.other < target)
    const [found, foundTime] = [offsets.lookup(BASE + target), times.lookup(target)]
    return found?.offset === byOffset?.offset && found?.position === byOffset?.other &&
      foundTime?.offset === byTime?.offset && foundTime?.timestampMs === byTime?.other
  }))
})

t.test('what has no room in an entry is left out, never cut to fit', async t => {
  const offsets = new OffsetIndex(BASE)
  offsets.add(BASE + MAX_INT + 1, 0)
  offsets.add(BASE, MAX_INT + 1)
  t.equal(offsets.count, 0)
  const times = new TimeIndex(BASE)
  for (const timestampMs of [-1, 2 ** 53, NaN]) times.add({ timestampMs, offset: BASE })
  times.add({ timestampMs: T0, offset: BASE + MAX_INT + 1 })
  t.equal(times.count, 0)
})

t.test('the time index goes forward only', async t => {
  const times = new TimeIndex(BASE)
  times.add({ timestampMs: T0, offset: 1010 })
  for (const [timestampMs, offset] of [[T0, 1020], [T0 - 1, 1020], [T0 + 1, 1010], [T0 + 1, 1009]] as const) times.add({ timestampMs, offset })
  t.strictSame([times.count, times.last], [1, { timestampMs: T0, offset: 1010 }])
})

t.test('entries that cannot be those of the segment are not plausible', async t => {
  const offsets = (hex: string): boolean => new OffsetIndex(BASE, bytes(hex)).isPlausible(8192, 1020)
  t.equal(offsets('00000005 00001000  00000013 00001fff'), true, 'to the last byte and the last offset')
  t.equal(offsets(''), true)
  const wrong = {
    'an offset beyond the end': '00000014 00001000',
    'an offset before the base': 'ffffffff 00001000',
    'a position at the end': '00000005 00002000',
    'a position before the beginning': '00000005 ffffffff',
    'an offset twice': '00000005 00001000 00000005 00001001',
    'a position twice': '00000005 00001000 00000006 00001000',
    'zeros behind the last entry': '00000005 00001000 00000000 00000000'
  }
  for (const [what, hex] of Object.entries(wrong)) t.equal(offsets(hex), false, what)
  const times = (hex: string): boolean => new TimeIndex(BASE, bytes(hex)).isPlausible(1020)
  t.equal(times('0000018bcfe5687b 00000007 0000018bcfe5687c 00000013'), true)
  const wrongTimes = {
    'a time before 1970': 'ffffffffffffffff 00000007',
    'an offset beyond the end': '0000018bcfe5687b 00000014',
    'an offset before the base': '0000018bcfe5687b ffffffff',
    'a time twice': '0000018bcfe5687b 00000007 0000018bcfe5687b 00000008',
    'an offset twice': '0000018bcfe5687b 00000007 0000018bcfe5687c 00000007'
  }
  for (const [what, hex] of Object.entries(wrongTimes)) t.equal(times(hex), false, what)
})
