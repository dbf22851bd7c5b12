import t from 'tap'
import { ConnectionLimits, defaultConnectionBounds, type ConnectionBounds } from '../../../src/access/connections.ts'

function limitsOf (bounds: Partial<ConnectionBounds>, ipQuota: (address: string) => number | null = () => null) {
  const clock = { now: 0 }
  return { clock, limits: new ConnectionLimits({ ...defaultConnectionBounds, ...bounds }, ipQuota, () => clock.now) }
}

t.test('so many in all, so many from an address', async t => {
  const { limits } = limitsOf({ max: 3, maxPerAddress: 2 })
  t.same(['a', 'a', 'a', 'b', 'b'].map(address => limits.admit(address)), ['admitted', 'admitted', 'too_many_per_address', 'admitted', 'too_many'])
  limits.left('a')
  t.equal(limits.admit('b'), 'admitted')
  t.equal(limits.stats.open, 3)
  t.match(limits.stats, { addresses: 2, refused: { too_many: 1, too_many_per_address: 1, too_fast: 0 } })
})

t.test('so many new ones a second from an address, and as many at once', async t => {
  const { limits, clock } = limitsOf({ ratePerAddress: 10 })
  const burst = (address: string, count: number): number => Array.from({ length: count }, () => limits.admit(address)).filter(one => one === 'admitted').length
  t.equal(burst('a', 50), 10)
  t.equal(burst('b', 5), 5, 'others are not concerned')
  clock.now = 100
  t.equal(burst('a', 50), 1, 'refused attempts do not add up')
  clock.now = 10_000
  t.equal(burst('a', 50), 10, 'nor does time without attempts')
  t.equal(limits.stats.refused.too_fast, 40 + 49 + 40)
})

t.test('the quota of an address takes the place of the rate, at once', async t => {
  const quotas = new Map([['slow', 0.5], ['none', 0], ['fast', 1000]])
  const { limits, clock } = limitsOf({ ratePerAddress: 5, maxPerAddress: 10_000 }, address => quotas.get(address) ?? null)
  t.equal(limits.admit('slow'), 'admitted')
  t.equal(limits.admit('slow'), 'too_fast')
  clock.now = 1999
  t.equal(limits.admit('slow'), 'too_fast')
  clock.now = 2001
  t.equal(limits.admit('slow'), 'admitted')
  t.equal(limits.admit('none'), 'too_fast')
  for (let i = 0; i < 1000; i++) if (limits.admit('fast') !== 'admitted') t.fail(`connection ${i}`)
  t.equal(limits.admit('fast'), 'too_fast')
  quotas.clear()
  clock.now = 3001
  for (let i = 0; i < 5; i++) t.equal(limits.admit('none'), 'admitted')
  t.equal(limits.admit('none'), 'too_fast')
})

t.test('so many of a principal', async t => {
  const { limits } = limitsOf({ maxPerPrincipal: 2 })
  t.same([limits.joined('User:a'), limits.joined('User:a'), limits.joined('User:a'), limits.joined('User:b')], [true, true, false, true])
  limits.parted('User:a')
  t.ok(limits.joined('User:a'))
  t.equal(limits.stats.principals, 2)
  for (const name of ['User:a', 'User:a', 'User:b']) limits.parted(name)
  t.equal(limits.stats.principals, 0)
  t.equal(limits.stats.refused.too_many_per_principal, 1)
})

t.test('addresses without connections are forgotten, those that were too fast not before their time', async t => {
  const { limits, clock } = limitsOf({ ratePerAddress: 10, max: 1_000_000 })
  for (let i = 0; i < 10_000; i++) {
    limits.admit(`${i}`)
    limits.left(`${i}`)
  }
  limits.admit('stays')
  for (let i = 0; i < 20; i++) if (limits.admit('fast') === 'admitted') limits.left('fast')
  t.equal(limits.stats.addresses, 10_002)
  clock.now = 999
  t.equal(limits.admit('fast'), 'admitted')
  limits.left('fast')
  clock.now = 1001
  limits.admit('stays')
  t.equal(limits.stats.addresses, 2)
  clock.now = 2002
  limits.admit('stays')
  t.equal(limits.stats.addresses, 1)
})

t.test('who was not counted cannot leave', async t => {
  const { limits } = limitsOf({})
  t.throws(() => limits.left('a'), /never admitted/)
  t.throws(() => limits.parted('User:a'), /never joined/)
})
