import t from 'tap'
import { DirectWrites } from '../../../storage/log/direct-writes.ts'

t.test('small writes are made on the spot, large ones are not', async t => {
  const writes = new DirectWrites()
  t.equal(writes.suits(256 * 1024, 1000), true)
  t.equal(writes.suits(256 * 1024 + 1, 1000), false)
})

t.test('quick ones change nothing', async t => {
  const writes = new DirectWrites()
  for (let ms = 0; ms < 1000; ms++) writes.made(ms, ms + 1)
  t.equal(writes.suits(100, 1000), true)
})

t.test('a slow one stops them, the longer the slower it was', async t => {
  const writes = new DirectWrites()
  writes.made(1000, 1020)
  t.equal(writes.suits(100, 1020), false)
  t.equal(writes.suits(100, 1419), false)
  t.equal(writes.suits(100, 1420), true, 'and then they are tried again')
  writes.made(1420, 1421)
  t.equal(writes.suits(100, 1421), true)
  writes.made(2000, 2200)
  t.equal(writes.suits(100, 42_199), false)
  t.equal(writes.suits(100, 42_200), true)
})
