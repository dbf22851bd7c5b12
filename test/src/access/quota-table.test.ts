import t from 'tap'
import type { QuotaEntity, QuotaKey } from '../../../src/access/model.ts'
import { clientQuotas, QuotaTable } from '../../../src/access/quota-table.ts'

/** Kafka's precedence, the first that is set wins. Who shares the sensor: each user, each client id, or each pair. */
const levels: ReadonlyArray<readonly [QuotaEntity, sharedBy: 'pair' | 'user' | 'client']> = [
  [{ user: 'alice', 'client-id': 'app' }, 'pair'],
  [{ user: 'alice', 'client-id': null }, 'pair'],
  [{ user: 'alice' }, 'user'],
  [{ user: null, 'client-id': 'app' }, 'pair'],
  [{ user: null, 'client-id': null }, 'pair'],
  [{ user: null }, 'user'],
  [{ 'client-id': 'app' }, 'client'],
  [{ 'client-id': null }, 'client']
]

/** Which levels a caller can be subject to, by their place. */
const callers: ReadonlyArray<readonly [user: string, clientId: string, levels: readonly number[]]> = [
  ['alice', 'app', [0, 1, 2, 3, 4, 5, 6, 7]],
  ['alice', 'other', [1, 2, 4, 5, 7]],
  ['bob', 'app', [3, 4, 5, 6, 7]],
  ['bob', 'other', [4, 5, 7]],
  ['bob', '', [4, 5, 7]],
  ['ANONYMOUS', 'app', [3, 4, 5, 6, 7]]
]

t.test('eight levels of four quotas: every set of levels, for every caller', async t => {
  for (const key of clientQuotas) {
    let cells = 0
    for (let set = 0; set < 256; set++) {
      const table = new QuotaTable()
      levels.forEach(([entity], level) => { if ((set & 1 << level) !== 0) table.set(entity, { [key]: level + 1 }) })
      for (const [user, clientId, subject] of callers) {
        const expected = subject.find(level => (set & 1 << level) !== 0)
        const found = table.limit(key, user, clientId)
        cells++
        if (found?.limit !== (expected === undefined ? undefined : expected + 1)) t.fail(`${key} of ${user}, ${clientId} with levels ${set.toString(2)}`)
        if (found !== null && JSON.stringify(found.entity) !== JSON.stringify(levels[expected!]![0])) {
          t.fail(`the entity of ${key} with levels ${set.toString(2)}`)
        }
        if (clientQuotas.some(other => other !== key && table.limit(other, user, clientId) !== null)) t.fail(`another quota than ${key}`)
      }
    }
    t.equal(cells, 256 * callers.length, `${key}`)
  }
})

t.test('the level says who shares', async t => {
  const everyone = ['alice', 'bob'].flatMap(user => ['app', 'other', ''].map(clientId => [user, clientId] as const))
  for (const [entity, sharedBy] of levels) {
    const table = new QuotaTable()
    table.set(entity, { producer_byte_rate: 1 })
    const subject = everyone.flatMap(([user, clientId]) => {
      const limit = table.limit('producer_byte_rate', user, clientId)
      return limit === null ? [] : [{ user, clientId, sensor: limit.sensor }]
    })
    for (const one of subject) {
      for (const other of subject) {
        const [isUser, isClient] = [one.user === other.user, one.clientId === other.clientId]
        const isSame = { pair: isUser && isClient, user: isUser, client: isClient }[sharedBy]
        t.equal(one.sensor === other.sensor, isSame, `${JSON.stringify(entity)}: ${JSON.stringify([one, other])}`)
      }
    }
    t.ok(subject.length > 0)
  }
})

t.test('names of any kind make different sensors', async t => {
  const table = new QuotaTable()
  table.set({ user: null, 'client-id': null }, { producer_byte_rate: 1 })
  const names = ['', 'a', '*', '-', '1:a', 'a-', ':', '\0', 'ab', 'b', 'x'.repeat(300), 'x'.repeat(301), 'x'.repeat(40_000)]
  const sensors = new Set(names.flatMap(user => names.map(clientId => table.limit('producer_byte_rate', user, clientId)!.sensor)))
  t.equal(sensors.size, names.length ** 2)
  t.ok([...sensors].every(name => name.length < 600), 'and short ones')
})

t.test('an entity that is named like a default is none', async t => {
  const table = new QuotaTable()
  table.set({ user: '*' }, { producer_byte_rate: 1 })
  t.equal(table.limit('producer_byte_rate', 'alice', 'app'), null)
  t.equal(table.limit('producer_byte_rate', '*', 'app')!.limit, 1)
})

t.test('who shares is told to people, but not what strangers call themselves', async t => {
  const table = new QuotaTable()
  const subject = (entity: QuotaEntity, user = 'alice', clientId = 'app'): QuotaEntity => {
    table.set(entity, { consumer_byte_rate: 1 })
    const found = table.limit('consumer_byte_rate', user, clientId)!.subject
    table.set(entity, null)
    return found
  }
  t.same(subject({ user: null }), { user: 'alice' })
  t.same(subject({ user: 'alice', 'client-id': null }), { user: 'alice', 'client-id': null })
  t.same(subject({ 'client-id': 'app' }), { 'client-id': 'app' })
  t.same(subject({ 'client-id': null }), { 'client-id': null })
  t.same(subject({ user: null }, 'u'.repeat(300)), { user: `${'u'.repeat(255)}…` })
})

t.test('set, change, remove', async t => {
  const table = new QuotaTable()
  const limit = (key: QuotaKey = 'producer_byte_rate'): number | undefined => table.limit(key, 'alice', 'app')?.limit
  t.ok(table.isEmpty)
  t.equal(table.revision, 0)
  table.set({ user: 'alice' }, { producer_byte_rate: 10, request_percentage: 50 })
  t.notOk(table.isEmpty)
  t.equal(limit(), 10)
  t.equal(limit('request_percentage'), 50)
  t.same(table.get({ user: 'alice' }), { producer_byte_rate: 10, request_percentage: 50 })
  t.equal(table.get({ user: null }), undefined)
  t.equal(table.revision, 1)

  table.set({ user: 'alice' }, { producer_byte_rate: 20 })
  t.equal(limit(), 20, 'what is remembered is forgotten')
  t.equal(limit('request_percentage'), undefined, 'the whole of it is replaced')
  table.set({ user: 'alice', 'client-id': 'app' }, { producer_byte_rate: 30 })
  t.equal(limit(), 30, 'a level above')
  t.same([...table], [[{ user: 'alice' }, { producer_byte_rate: 20 }], [{ user: 'alice', 'client-id': 'app' }, { producer_byte_rate: 30 }]])

  table.set({ user: 'alice', 'client-id': 'app' }, null)
  t.equal(limit(), 20)
  table.set({ user: 'alice' }, {})
  t.equal(limit(), undefined)
  t.same([...table], [])
  t.ok(table.isEmpty)
  t.equal(table.revision, 5)
  table.set({ user: 'nobody' }, null)
  t.ok(table.isEmpty)
})

t.test('limits of zero and of fractions are limits', async t => {
  const table = new QuotaTable()
  table.set({ user: null }, { request_percentage: 0.5 })
  table.set({ 'client-id': null }, { producer_byte_rate: 0 })
  t.equal(table.limit('request_percentage', 'alice', '')!.limit, 0.5)
  t.equal(table.limit('producer_byte_rate', 'alice', '')!.limit, 0)
})

t.test('addresses', async t => {
  const table = new QuotaTable()
  t.equal(table.ipLimit('10.0.0.1'), null)
  table.set({ ip: null }, { connection_creation_rate: 10 })
  table.set({ ip: '10.0.0.1' }, { connection_creation_rate: 1 })
  table.set({ ip: '0:0:0:0:0:0:0:1' }, { connection_creation_rate: 2 })
  t.ok(table.isEmpty, 'they are no quotas of clients')
  t.equal(table.ipLimit('10.0.0.1'), 1)
  t.equal(table.ipLimit('::ffff:10.0.0.1'), 1)
  t.equal(table.ipLimit('::FFFF:a00:1'), 1)
  t.equal(table.ipLimit('::1'), 2)
  t.equal(table.ipLimit('10.0.0.2'), 10)
  t.equal(table.ipLimit('fe80::1%eth0'), 10)
  t.equal(table.ipLimit(''), 10, 'a peer without an address')
  table.set({ ip: null }, null)
  t.equal(table.ipLimit('10.0.0.2'), null)
  t.equal(table.ipLimit('10.0.0.1'), 1)
  t.same(table.get({ ip: '10.0.0.1' }), { connection_creation_rate: 1 })
  table.set({ ip: '10.0.0.1' }, {})
  t.equal(table.ipLimit('10.0.0.1'), null)
})

t.test('any number of made-up names is looked up, and the right one found after them', async t => {
  const table = new QuotaTable()
  table.set({ user: null }, { producer_byte_rate: 5 })
  table.set({ user: 'alice' }, { producer_byte_rate: 7 })
  for (let i = 0; i < 25_000; i++) if (table.limit('producer_byte_rate', `stranger-${i}`, `app-${i}`)!.limit !== 5) t.fail(String(i))
  t.equal(table.limit('producer_byte_rate', 'alice', 'app')!.limit, 7)
  t.equal(table.limit('producer_byte_rate', 'alice', 'app'), table.limit('producer_byte_rate', 'alice', 'app'), 'remembered')
})
