/**
 * How failures slow down the next, and whose.
 */
import t from 'tap'
import { Backoff } from '../../../src/auth/backoff.ts'

t.test('from 100 ms, doubling, to ten seconds', async t => {
  const backoff = new Backoff(() => 0)
  t.equal(backoff.delayMs('10.0.0.1'), 100)
  const delays = Array.from({ length: 10 }, () => {
    backoff.failed('10.0.0.1', 'alice')
    return backoff.delayMs('10.0.0.1')
  })
  t.same(delays, [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000, 10_000])
  t.equal(backoff.delayMs('10.0.0.2'), 100, 'other addresses are spared')
  backoff.failed('10.0.0.2', 'alice')
  t.equal(backoff.delayMs('10.0.0.2'), 100, 'also under that name')
})

t.test('many names from one address are spared longer, and not for ever', async t => {
  const backoff = new Backoff(() => 0)
  const delays = Array.from({ length: 18 }, (_, i) => {
    backoff.failed('10.0.0.1', i % 2 === 0 ? `user ${i}` : null)
    return backoff.delayMs('10.0.0.1')
  })
  t.same(delays, [...Array(11).fill(100), 200, 400, 800, 1600, 3200, 6400, 10_000])
})

t.test('a success forgives the user, not the address', async t => {
  const backoff = new Backoff(() => 0)
  for (let i = 0; i < 8; i++) backoff.failed('10.0.0.1', 'alice')
  backoff.succeeded('10.0.0.1', 'alice')
  backoff.failed('10.0.0.1', 'alice')
  t.equal(backoff.delayMs('10.0.0.1'), 100)
  for (let i = 0; i < 9; i++) {
    backoff.succeeded('10.0.0.1', 'mine')
    backoff.failed('10.0.0.1', `yours ${i}`)
  }
  t.equal(backoff.delayMs('10.0.0.1'), 10_000, 'who has one password does not try all the others with it')
})

t.test('half is forgotten every half minute', async t => {
  let now = 0
  const backoff = new Backoff(() => now)
  for (let i = 0; i < 8; i++) backoff.failed('10.0.0.1', 'alice')
  now = 30_000
  backoff.failed('10.0.0.1', 'alice')
  t.equal(backoff.delayMs('10.0.0.1'), 1600)
  now = 30_000 + 20 * 30_000
  backoff.failed('10.0.0.1', 'alice')
  t.equal(backoff.delayMs('10.0.0.1'), 100)
})

t.test('addresses of IPv6 count by network, those of IPv4 as they are', async t => {
  const same = [
    ['2001:db8:1:2:3:4:5:6', '2001:DB8:1:2::1', '2001:0db8:0001:0002::', '2001:db8:1:2::ffff:10.0.0.1'],
    ['fe80::1', 'fe80::2%eth0'],
    ['::1', '::2'],
    ['10.0.0.1', '::ffff:10.0.0.1']
  ]
  for (const addresses of same) {
    const backoff = new Backoff(() => 0)
    for (let i = 0; i < 4; i++) backoff.failed(addresses[0]!, 'alice')
    for (const address of addresses) t.equal(backoff.delayMs(address), 800, address)
    for (const other of ['2001:db8:1:3::1', '10.0.0.2', 'fe81::1', '1::', '']) t.equal(backoff.delayMs(other), 100, other)
  }
})

t.test('what is remembered is bounded', async t => {
  const backoff = new Backoff(() => 0)
  for (let i = 0; i < 32_000; i++) backoff.failed(`10.${i >> 16}.${i >> 8 & 255}.${i & 255}`, 'x'.repeat(1000) + i)
  t.ok(backoff.size <= 30_000)
})
