/**
 * Passwords: which are right, what is remembered of them, and how much work is done for whom.
 */
import t from 'tap'
import { Credentials } from '../../../src/auth/credentials.ts'
import { Users, refused } from './kit.ts'

t.test('a password is checked against whichever credential a user has', async t => {
  const directory = await new Users().add('both', 'secret')
  await directory.add('short', 'secret', ['SCRAM-SHA-256'])
  await directory.add('long', 'secret', ['SCRAM-SHA-512'], 8192)
  const credentials = await Credentials.create({ directory, admin: null })
  for (const user of ['both', 'short', 'long']) {
    t.equal(await credentials.verify(user, 'secret'), true, user)
    t.equal(await credentials.verify(user, 'Secret'), false, user)
    t.equal(await credentials.verify(user, ''), false, user)
  }
  t.equal(await credentials.verify('nobody', 'secret'), false)
})

t.test('the admin of the configuration has both credentials, and goes before a user of that name', async t => {
  const directory = await new Users().add('admin', 'of the log')
  const credentials = await Credentials.create({ directory, admin: { name: 'admin', password: 'of the configuration' } })
  t.equal(await credentials.verify('admin', 'of the configuration'), true)
  t.equal(await credentials.verify('admin', 'of the log'), false)
  for (const mechanism of ['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const) {
    t.not(credentials.scram('admin', mechanism), directory.credential('admin', mechanism))
    t.equal(credentials.scram('admin', mechanism), credentials.scram('admin', mechanism))
  }
})

t.test('what was right is remembered for a minute', async t => {
  let now = 0
  const credentials = await Credentials.create({ directory: await new Users().add('alice', 'secret'), admin: null, clock: () => now })
  t.equal(credentials.remembers('alice', 'secret'), false)
  await credentials.verify('alice', 'secret')
  for (let i = 0; i < 10; i++) t.equal(await credentials.verify('alice', 'secret'), true)
  t.equal(credentials.derivations, 1)
  t.equal(credentials.remembers('alice', 'secret'), true)
  t.equal(credentials.remembers('alice', 'Secret'), false)
  t.equal(credentials.remembers('alic', 'esecret'), false, 'where the name ends matters')
  now = 59_999
  t.equal(credentials.remembers('alice', 'secret'), true)
  now = 60_000
  t.equal(credentials.remembers('alice', 'secret'), false)
  await credentials.verify('alice', 'secret')
  t.equal(credentials.derivations, 2)
})

t.test('what was wrong is not', async t => {
  const credentials = await Credentials.create({ directory: await new Users().add('alice', 'secret'), admin: null })
  for (let i = 0; i < 3; i++) t.equal(await credentials.verify('alice', 'wrong'), false)
  t.equal(credentials.derivations, 3)
})

t.test('any change of users makes it forget', async t => {
  const directory = await new Users().add('alice', 'secret')
  const credentials = await Credentials.create({ directory, admin: null })
  t.equal(await credentials.verify('alice', 'secret'), true)
  await directory.add('alice', 'new')
  t.equal(await credentials.verify('alice', 'secret'), false)
  t.equal(await credentials.verify('alice', 'new'), true)
  directory.remove('alice')
  t.equal(await credentials.verify('alice', 'new'), false)

  await directory.add('alice', 'secret')
  const underway = credentials.verify('alice', 'secret')
  await directory.add('alice', 'new')
  t.equal(await underway, true, 'a check that began before the change goes by what was so')
  t.equal(credentials.remembers('alice', 'secret'), false, 'and is not remembered')

  const early = credentials.verify('alice', 'new')
  directory.remove('alice')
  t.equal(await credentials.verify('alice', 'new'), false, 'nor shared with whoever comes after it')
  t.equal(await early, true)
})

t.test('a user who does not exist costs the same work', async t => {
  const credentials = await Credentials.create({ directory: await new Users().add('alice', 'secret'), admin: null })
  for (const user of ['alice', 'nobody']) {
    const before = credentials.derivations
    t.equal(await credentials.verify(user, 'wrong'), false)
    t.equal(credentials.derivations - before, 1, user)
  }
  const { iterations, salt, storedKey, serverKey } = credentials.scram('nobody', 'SCRAM-SHA-512')
  const real = credentials.scram('alice', 'SCRAM-SHA-512')
  t.same([iterations, storedKey.length, serverKey.length], [real.iterations, real.storedKey.length, real.serverKey.length])
  t.ok(Math.abs(salt.length - real.salt.length) <= 4)
})

t.test('the same credentials, many times at once, are checked once', async t => {
  const credentials = await Credentials.create({ directory: await new Users().add('alice', 'secret'), admin: null })
  const all = await Promise.all(Array.from({ length: 1000 }, () => credentials.verify('alice', 'secret', '10.0.0.1')))
  t.ok(all.every(Boolean))
  t.equal(credentials.derivations, 1)
})

t.test('a flood of passwords is bounded, and keeps others out of nothing', async t => {
  const directory = await new Users().add('alice', 'secret')
  const credentials = await Credentials.create({ directory, admin: null, limits: { atOnce: 2, waiting: 40, waitingEach: 20 } })
  const flood = Array.from({ length: 100 }, (_, i) => credentials.verify('alice', `wrong ${i}`, '10.0.0.1'))
  let isAhead = true
  const attacks = Promise.allSettled(flood).then(results => {
    isAhead = false
    return results
  })
  t.equal(await credentials.verify('alice', 'secret', '10.0.0.2'), true, 'another address gets its turn')
  t.ok(isAhead, 'before the flood is over')
  const results = await attacks
  t.equal(results.filter(({ status }) => status === 'fulfilled').length, 22)
  for (const result of results) {
    if (result.status === 'rejected') await refused(t, () => { throw result.reason }, /^overloaded: /)
  }
  t.equal(await credentials.verify('alice', 'secret', '10.0.0.1'), true, 'and when it is, the first too')
})
