import t from 'tap'
import { AclTable } from '../../../src/access/acls.ts'
import type { AclBinding, ResourceType } from '../../../src/access/model.ts'

const rule = (resourceName: string, more: Partial<AclBinding> = {}): AclBinding => ({
  resourceType: 'TOPIC',
  resourceName,
  patternType: 'LITERAL',
  principal: 'User:alice',
  host: '*',
  operation: 'READ',
  permission: 'ALLOW',
  ...more
})

const prefixed = (resourceName: string, more: Partial<AclBinding> = {}): AclBinding => rule(resourceName, { patternType: 'PREFIXED', ...more })

const matching = (table: AclTable, name: string, type: ResourceType = 'TOPIC'): string[] =>
  Array.from(table.matching(type, name), ({ resourceName, patternType }) => patternType === 'PREFIXED' ? `${resourceName}…` : resourceName).sort()

t.test('a rule is there once, whatever object it is', async t => {
  const table = new AclTable()
  t.equal(table.add(rule('orders')), true)
  t.equal(table.add(rule('orders')), false, 'an equal one is the same one')
  t.equal(table.size, 1)
  t.equal(table.revision, 1, 'nothing has changed')
  const others: Array<Partial<AclBinding>> = [
    { resourceType: 'GROUP' }, { patternType: 'PREFIXED' }, { principal: 'User:bob' }, { host: '10.0.0.1' }, { operation: 'WRITE' }, { permission: 'DENY' }
  ]
  for (const other of others) t.equal(table.add(rule('orders', other)), true, `another one by ${Object.keys(other)[0]}`)
  t.equal(table.size, 7)
  t.equal([...table].length, 7)
  for (const other of others) t.equal(table.remove(rule('orders', other)), true)
  t.equal(table.remove(rule('orders', others[0])), false, 'it is gone')
  t.equal(table.remove(rule('orders', { resourceType: 'USER' })), false, 'there never was one of that type')
  t.same([...table], [rule('orders')])
  t.equal(table.revision, 13)
})

t.test('a resource has the rules of its name, of its prefixes and of everything', async t => {
  const table = new AclTable()
  for (const name of ['orders', 'orders-eu', '*']) table.add(rule(name))
  for (const name of ['o', 'ord', 'orders', 'orders-', 'orders-eu-', 'p', 'order-', 'ordf', '']) table.add(prefixed(name))
  t.same(matching(table, 'orders-eu'), ['*', 'orders-eu', 'o…', 'ord…', 'orders…', 'orders-…', '…'].sort())
  t.same(matching(table, 'orders'), ['*', 'orders', 'o…', 'ord…', 'orders…', '…'].sort())
  t.same(matching(table, 'ordz'), ['*', 'o…', 'ord…', '…'].sort())
  t.same(matching(table, 'x'), ['*', '…'])
  t.same(matching(table, ''), ['*', '…'])
  t.same(matching(table, 'orders', 'GROUP'), [], 'other types have their own')
  table.remove(prefixed('ord'))
  table.remove(rule('*'))
  t.same(matching(table, 'orders'), ['orders', 'o…', 'orders…', '…'].sort())
})

t.test('a resource that is called * has the rules of everything once, and a prefix * is only a prefix', async t => {
  const table = new AclTable()
  table.add(rule('*', { resourceType: 'GROUP' }))
  table.add(prefixed('*', { resourceType: 'GROUP' }))
  t.same(matching(table, '*', 'GROUP'), ['*', '*…'])
  t.same(matching(table, '*abc', 'GROUP'), ['*', '*…'])
  t.same(matching(table, 'abc', 'GROUP'), ['*'])
})

t.test('what is no rule is refused', async t => {
  const table = new AclTable()
  t.throws(() => table.add(rule('orders', { resourceType: 'ANY' as 'TOPIC' })), RangeError)
  t.throws(() => table.add(rule('orders', { patternType: 'MATCH' as 'LITERAL' })), RangeError)
  t.equal(table.size, 0)
})
