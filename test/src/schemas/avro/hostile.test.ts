/** Schemas and payloads that are made to hurt: refused or done with, in bounded time. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t, { type Test } from 'tap'
import { avro } from '../../../../src/schemas/avro/format.ts'
import { SchemaError } from '../../../../src/schemas/format.ts'
import { flawIn, payload, recordOf, schemaOf } from './avro.ts'

/** Far more than it takes, on a machine that does much else. */
const MOST_MS = 4000

/** What it is refused with, in time. */
function within (t: Pick<Test, 'ok'>, work: () => unknown): string {
  const start = performance.now()
  let message = ''
  try {
    work()
  } catch (error) {
    if (!(error instanceof SchemaError)) throw error
    message = error.message
  }
  const took = performance.now() - start
  t.ok(took < MOST_MS, `${Math.round(took)} ms`)
  return message
}

const parse = (text: string) => avro.parse({ text, references: [] }, true)
const record = (name: string, ...types: readonly unknown[]) => ({ type: 'record', name, fields: types.map((type, i) => ({ name: `f${i}`, type })) })

t.test('schemas that are too long, too deep, too many', async t => {
  t.match(within(t, () => parse(' '.repeat(1_000_001))), /1000001 characters/)
  t.match(within(t, () => parse('['.repeat(500_000))), /nested deeper/)
  t.match(within(t, () => parse(`${'{"type":"array","items":'.repeat(300)}"int"${'}'.repeat(300)}`)), /nested deeper than 200/)
  t.match(within(t, () => parse('{"a":'.repeat(400) + '"int"' + '}'.repeat(400))), /attribute "type"/)
  t.match(within(t, () => schemaOf({ type: 'enum', name: 'E', symbols: Array.from({ length: 100_000 }, (_, i) => `S${i}`) })),
    /more than 10000 types, fields and symbols/)
  t.match(within(t, () => schemaOf(recordOf(...Array.from({ length: 30_000 }, (_, i) => [`f${i}`, 'int'] as const)))), /more than 10000/)
  t.match(within(t, () => schemaOf(recordOf(['a'.repeat(100_000), 'int']))), /the name of a field/)
  t.equal(within(t, () => schemaOf({ type: 'enum', name: 'E', symbols: Array.from({ length: 9_900 }, (_, i) => `S${i}`) }).canonical(true)), '')
})

t.test('names that lead from one type to the next are depth too', async t => {
  const chain = Array.from({ length: 1000 }, (_, i) => record(`R${i}`, i === 999 ? 'int' : `R${i + 1}`))
  t.match(within(t, () => schemaOf(chain)), /nested deeper than 200, counted through their names/)
})

t.test('types that contain themselves', async t => {
  const endless = schemaOf(record('R', 'R'))
  within(t, () => t.match(endless.codec.check(payload([])), { found: 'more' }))
  within(t, () => t.ok(flawIn(() => endless.codec.fromJson({ f0: {} }))))
  const list = schemaOf(record('R', ['null', 'R']))
  within(t, () => t.match(list.codec.check(payload(new Array<number>(1_000_000).fill(2))), { expected: 'at most 500 values within each other' }))
  t.equal(list.codec.check(payload([...new Array<number>(400).fill(2), 0])), null)
  const tree = schemaOf({ type: 'record', name: 'T', fields: [{ name: 'f', type: { type: 'array', items: 'T' } }] })
  within(t, () => t.ok(tree.codec.check(payload(new Array<number>(1_000_000).fill(2)))))
  let deep: unknown = { f0: null }
  for (let i = 0; i < 3000; i++) deep = { f0: { R: deep } }
  within(t, () => t.match(flawIn(() => list.codec.fromJson(deep)), { expected: 'at most 500 values within each other' }))
  // A default that needs itself.
  within(t, () => t.ok(flawIn(() => avro.parse({
    text: JSON.stringify({
      type: 'record',
      name: 'R',
      fields: [{
        name: 'r',
        type: 'R',
        default: {}
      }]
    }),
    references: []
  }).codec.fromJson({}))))
})

t.test('items that take no bytes cannot be made to be many', async t => {
  // 2^61 of them in ten bytes.
  const many = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0]
  for (const items of ['null', record('R'), { type: 'fixed', name: 'F', size: 0 }, record('S', 'null', record('T'))]) {
    const { codec } = avro.parse({ text: JSON.stringify({ type: 'array', items }), references: [] })
    within(t, () => t.match(codec.check(payload(many)), { expected: 'at most 100000 items that take no bytes' }))
  }
  const nested = schemaOf({ type: 'array', items: { type: 'array', items: 'null' } })
  const inner = [0xa0, 0x8d, 0x06, 0] // fifty thousand
  within(t, () => t.match(nested.codec.check(payload([6, ...inner, ...inner, ...inner, 0])), { path: '[2]' }))
  t.equal(nested.codec.check(payload([4, ...inner, ...inner, 0])), null)
  within(t, () => t.equal((JSON.parse(nested.codec.toJson(payload([4, ...inner, ...inner, 0]))) as unknown[][]).flat().length, 100_000))
})

t.test('few bytes that stand for much', async t => {
  const nulls = {
    type: 'record',
    name: 'Wide',
    fields: [...Array.from({ length: 4900 }, (_, i) =>
      ({ name: `a_rather_long_name_${i}`, type: 'null' })), { name: 'b', type: 'boolean' }]
  }
  const schema = schemaOf({ type: 'array', items: nulls })
  const bytes = payload([0x80, 0x89, 0x7a, ...new Array<number>(1_000_000).fill(1), 0])
  within(t, () => t.equal(schema.codec.check(bytes), null))
  within(t, () => t.match(flawIn(() => schema.codec.toJson(bytes)), { expected: /characters of JSON/ }))
  within(t, () => t.match(flawIn(() => schema.codec.toValue(bytes)), { expected: /at most 200000 values/ }))
  const defaults = schemaOf(recordOf(['list', { type: 'array', items: recordOf2({ default: 'x'.repeat(100_000) }) }]))
  within(t, () => t.match(flawIn(() => defaults.codec.fromJson({ list: Array.from({ length: 10_000 }, () => ({})) })), { expected: /at most 67108864 bytes/ }))
  const empties = schemaOf({
    type: 'array',
    items: {
      type: 'record',
      name: 'W',
      fields: Array.from({ length: 4900 }, (_, i) =>
        ({ name: `f${i}`, type: 'null', default: null }))
    }
  })
  within(t, () => t.match(flawIn(() => empties.codec.fromJson(Array.from({ length: 100_000 }, () => ({})))), { expected: /bounded time/ }))
  const decimal = schemaOf({ type: 'bytes', logicalType: 'decimal', precision: 9863, scale: 0 })
  within(t, () => t.ok(decimal.codec.check(payload([0x80, 0x89, 0x7a, ...new Array<number>(1_000_000).fill(1)]))))
  within(t, () => t.ok(flawIn(() => decimal.codec.fromJson('9'.repeat(1_000_000)))))
  within(t, () => t.ok(flawIn(() => decimal.codec.fromJson('1e999999'))))
})

t.test('decimals of more digits than a value may have are bytes', async t => {
  const type = { type: 'bytes', logicalType: 'decimal', precision: 2_147_483_647, scale: 2_000_000_000 }
  const schema = schemaOf(type)
  t.equal(schema.codec.check(payload([2, 0])), null)
  within(t, () => t.equal(schema.codec.toJson(payload([2, 0])), '"\\u0000"'))
  within(t, () => t.same(schema.codec.toValue(payload([2, 0])), new Uint8Array(1)))
  t.same(schema.codec.fromJson('\0').bytes, Buffer.from([2, 0]))
  t.same(JSON.parse(schema.canonical(false)), type, 'it is still printed')
  const long = schemaOf({ ...type, precision: 9863, scale: 9863 }).codec
  t.equal(long.toJson(payload([2, 1])).length, 9863 + 4)
  t.same(long.fromJson(JSON.parse(long.toJson(payload([2, 1])))).bytes, Buffer.from([2, 1]))
  const zeros = schemaOf({ type: 'array', items: { ...type, precision: 9863, scale: 9863 } }).codec
  const many = payload([0xa0, 0x8d, 0x06, ...Array.from({ length: 50_000 }, () => [2, 0]).flat(), 0])
  t.equal(zeros.check(many), null)
  within(t, () => t.match(flawIn(() => zeros.toValue(many)), { expected: /at most 200000 values/ }))
})

/** Each is twice the one before, which begins with a thousand bytes. Neither has to be said. */
const doubling = (levels: number): object => Array.from({ length: levels }).reduce<object>((inner, _, i) => ({
  type: 'record',
  name: `D${i + 1}`,
  fields: [{ name: 'a', type: inner, default: {} }, { name: 'b', type: `D${i}`, default: {} }]
}), { type: 'record', name: 'D0', fields: [{ name: 's', type: 'string', default: 'x'.repeat(1000) }] })

t.test('what is kept of defaults is bounded', async t => {
  const wide = (levels: number) => schemaOf(recordOf(...Array.from({ length: 200 },
    (_, i) => [`f${i}`, [i === 0 ? doubling(levels) : `D${levels}`, 'null'], { default: {} }] as const))).codec
  const allBut = (but: number) => Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`f${i}`, null] as const).filter((_, i) => i !== but))
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const codec = wide(9)
  collect()
  const before = process.memoryUsage().arrayBuffers
  within(t, () => { for (let i = 0; i < 200; i++) if (codec.fromJson(allBut(i)).bytes.length < 500_000) t.fail('it is the default') })
  collect()
  collect()
  const kept = process.memoryUsage().arrayBuffers - before
  t.ok(kept < 24 * 1024 * 1024, `${kept} bytes are kept`)
  t.equal(codec.check(codec.fromJson(allBut(7))), null)
  within(t, () => t.match(flawIn(() => wide(12).fromJson(allBut(0))), { expected: /at most 1048576 bytes/, path: 'f0' }))
})

t.test('defaults count where they are put to use', async t => {
  const lists = 150
  const deep = Array.from({ length: lists }).reduce<object>(items => ({ type: 'array', items }), { type: 'array', items: 'int' })
  const { codec } = schemaOf(recordOf(['next', ['null', 'R']], ['deep', deep, { default: JSON.parse(`${'['.repeat(lists)}${']'.repeat(lists)}`) as unknown }]))
  const nested = (levels: number) => Array.from({ length: levels }).reduce<object>(next => ({ next }), { next: null })
  for (const levels of [1, 300, 348]) t.equal(codec.check(codec.fromJson(nested(levels))), null, `${levels} levels`)
  for (const levels of [360, 450]) {
    t.match(flawIn(() => codec.fromJson(nested(levels))), { expected: 'at most 500 values within each other' }, `${levels} levels`)
  }
  const nulls = schemaOf({
    type: 'array',
    items: recordOf(['n', { type: 'array', items: 'null' }, { default: new Array<null>(2000).fill(null) }])
  }).codec
  t.equal(nulls.check(nulls.fromJson(new Array<object>(50).fill({}))), null)
  t.match(flawIn(() => nulls.fromJson(new Array<object>(51).fill({}))), { expected: /100000 items that take no bytes/ })
})

const recordOf2 = (more: object) => ({ type: 'record', name: 'S', fields: [{ name: 's', type: 'string', ...more }] })

t.test('unions whose branches all nearly fit', async t => {
  const branches = Array.from({ length: 1100 }, (_, i) => ({
    type: 'record',
    name: `B${i}`,
    fields: [{ name: 'a', type: 'int' },
      { name: 'next', type: i === 0 ? ['null', 'B0'] : 'B0' }, { name: `x${i}`, type: 'int' }]
  }))
  const { codec } = schemaOf({ type: 'array', items: branches })
  within(t, () => t.ok(flawIn(() => codec.fromJson(Array.from({ length: 100_000 }, () => ({ a: 1, next: null, x1099: 2 }))))))
})

t.test('pairs of schemas that take long to compare, or say the same thing without end', async t => {
  // Each level uses the one below twice: 2^60 ways down.
  const levels = (leaf: string) => Array.from({ length: 60 }).reduce<unknown>((inner, _, i) =>
    ({ type: 'record', name: `L${i}`, fields: [{ name: 'a', type: inner }, { name: 'b', type: i === 0 ? leaf : `L${i - 1}` }] }), leaf)
  within(t, () => t.equal(schemaOf(levels('int')).incompatibilities(schemaOf(levels('string')), 'STRICT').length, 2))
  const wide = (type: string) => Array.from({ length: 1500 }, (_, i) => ({ type: 'record', name: `W${type}${i}`, fields: [{ name: 'a', type }] }))
  t.match(within(t, () => schemaOf(wide('int')).incompatibilities(schemaOf(wide('string')), 'STRICT')), /take too long to compare/)
  const same = recordOf(...Array.from({ length: 2400 }, (_, i) => [`f${i}`, ['null', 'string']] as const))
  t.equal(within(t, () => t.same(schemaOf(same).incompatibilities(schemaOf(same), 'STRICT'), [])), '')
  within(t, () => t.equal(schemaOf(recordOf(...Array.from({ length: 4900 },
    (_, i) => [`f${i}`, 'int'] as const))).incompatibilities(schemaOf(recordOf()), 'STRICT').length, 4900))
})
