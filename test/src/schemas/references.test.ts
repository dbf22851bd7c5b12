/** References, found: in order, once, and no more than is good. */
import t from 'tap'
import type { Reference, SchemaVersion } from '../../../src/schemas/model.ts'
import { resolved } from '../../../src/schemas/references.ts'
import { fake } from './support/fake-format.ts'

/** Schemas by subject, each at version 1, with the subjects that they refer to. */
function finder (schemas: Readonly<Record<string, readonly Reference[]>>, text = (subject: string): string => `text of ${subject}`) {
  return (subject: string, version: number): SchemaVersion | undefined => {
    const references = schemas[subject]
    if (references === undefined || version !== 1) return undefined
    return { ...fake('a'), subject, version, id: 1, guid: '', deleted: false, schema: text(subject), references }
  }
}

const to = (...subjects: readonly string[]): Reference[] => subjects.map(subject => ({ name: subject, subject, version: 1 }))
const names = (references: readonly Reference[], find: ReturnType<typeof finder>): string[] => resolved(references, 's', find).map(({ name }) => name)

t.test('what is needed comes first, and once', async t => {
  t.strictSame(names([], finder({})), [])
  t.strictSame(names(to('a', 'b'), finder({ a: to('c'), b: to('c', 'd'), c: to('d'), d: [] })), ['d', 'c', 'a', 'b'])
  t.strictSame(resolved(to('a'), 's', finder({ a: [] })), [{ name: 'a', text: 'text of a' }])
})

t.test('a name without a context is in that of the schema that says it', async t => {
  const find = finder({ ':.c:a': to('b'), ':.c:b': [], b: [], ':.d:x': to(':.c:b') })
  t.strictSame(resolved(to('a'), ':.c:s', find).map(({ text }) => text), ['text of :.c:b', 'text of :.c:a'])
  t.strictSame(resolved(to('x'), ':.d:s', find).map(({ text }) => text), ['text of :.c:b', 'text of :.d:x'])
})

t.test('what cannot be found, or leads in a circle, or in two directions', async t => {
  const refused = (references: readonly Reference[], find: ReturnType<typeof finder>, message: RegExp): void => {
    t.throws(() => names(references, find), { name: 'SchemaError', message })
  }
  refused(to('a'), finder({}), /No schema reference found for subject "a" and version 1: register it first/)
  refused([{ name: 'a', subject: 'a', version: 2 }], finder({ a: [] }), /version 2/)
  refused(to('a'), finder({ a: to('b'), b: to('a') }), /refers to itself/)
  const two = [{ name: 'x', subject: 'a', version: 1 }, { name: 'x', subject: 'b', version: 1 }]
  refused(two, finder({ a: [], b: [] }), /"x" means two schemas: subject 'a' version 1 and subject 'b' version 1/)
})

t.test('limits', async t => {
  const chain = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`c${i}`, to(`c${i + 1}`)]))
  t.throws(() => names(to('c0'), finder(chain)), { name: 'SchemaError', message: /deeper than 100/ })
  const wide = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`w${i}`, []]))
  t.throws(() => names(to(...Object.keys(wide)), finder(wide)), { name: 'SchemaError', message: /500 others at most/ })
  t.throws(() => names(to(...Object.keys(wide)), finder(wide, () => 'x'.repeat(100_000))), { name: 'SchemaError', message: /characters together/ })
  // Each level refers to all of the next: many ways, few schemas.
  const levels = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [[`l${i}a`, i], [`l${i}b`, i]] as const).flat()
    .map(([name, i]) => [name, i === 29 ? [] : to(`l${i + 1}a`, `l${i + 1}b`)]))
  t.equal(names(to('l0a', 'l0b'), finder(levels)).length, 60)
})
