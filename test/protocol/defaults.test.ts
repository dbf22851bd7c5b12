import t from 'tap'
import { complete, initialOf, isInitial } from '../../protocol/defaults.ts'
import { array, bool, bytes, int32, int64, records, string, struct, uuid } from '../../protocol/schema.ts'

const fields = {
  id: int32,
  epoch: int64.default(-1),
  name: string,
  rack: string.nullable().default(null),
  on: bool.default(true),
  data: bytes,
  chunks: records.nullable(),
  topicId: uuid,
  leader: struct({ id: int32.default(-1) }),
  list: array({ x: int32.default(3), inner: array({ y: string }) })
}

t.test('every absent field gets its default, in place and at every depth', async t => {
  const value = { list: [{ inner: [{}] }, { x: 1 }] }
  const completed = complete(fields, value as never)
  t.equal(completed, value, 'in place')
  t.strictSame(completed, {
    id: 0,
    epoch: -1,
    name: '',
    rack: null,
    on: true,
    data: Buffer.alloc(0),
    chunks: null,
    topicId: 'AAAAAAAAAAAAAAAAAAAAAA',
    leader: { id: -1 },
    list: [{ x: 3, inner: [{ y: '' }] }, { x: 1, inner: [] }]
  } as never)
})

t.test('what is present stays, null included', async t => {
  const optional = { one: struct({ id: int32 }).nullable(), list: array({ id: int32 }).nullable(), name: string.nullable().default(null) }
  t.strictSame(complete(optional, { one: null, list: null, name: 'x' }), { one: null, list: null, name: 'x' })
})

t.test('absent arrays and structs are never shared', async t => {
  const first = complete(fields, {} as never)
  first.list.push({ x: 1, inner: [] })
  first.leader.id = 7
  t.match(complete(fields, {} as never), { list: [], leader: { id: -1 } })
  t.not(initialOf(fields.list.spec)(), initialOf(fields.list.spec)())
})

t.test('a value is initial if leaving it out would say the same', async t => {
  const initial = [
    [fields.id, 0], [fields.epoch, -1], [fields.name, ''], [fields.rack, null], [fields.on, true], [fields.data, Buffer.alloc(0)],
    [fields.chunks, null], [fields.topicId, 'AAAAAAAAAAAAAAAAAAAAAA'], [fields.leader, {}], [fields.leader, { id: -1 }], [fields.list, []]
  ] as const
  for (const [field, value] of initial) t.ok(isInitial(field.spec, value), `${field.spec.kind} ${JSON.stringify(value)}`)
  const others = [
    [fields.id, 1], [fields.epoch, 0], [fields.name, 'x'], [fields.rack, ''], [fields.on, false], [fields.data, Buffer.alloc(1)],
    [fields.topicId, 'AAAAAAAAAAAAAAAAAAAAAQ'], [fields.leader, { id: 0 }], [fields.list, [{}]]
  ] as const
  for (const [field, value] of others) t.notOk(isInitial(field.spec, value), `${field.spec.kind} ${JSON.stringify(value)}`)
})

t.test('null is not the same as nothing where a field may be null but is not so by default', async t => {
  t.notOk(isInitial(string.nullable().spec, null))
  t.notOk(isInitial(array(int32).nullable().spec, null))
  t.ok(isInitial(array(int32).nullable().default(null).spec, null))
})
