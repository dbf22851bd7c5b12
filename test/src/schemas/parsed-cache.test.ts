/** Parsed schemas are kept within a bound, errors too. */
import t from 'tap'
import { SchemaError, type ParsedSchema } from '../../../src/schemas/format.ts'
import { ParsedCache } from '../../../src/schemas/parsed-cache.ts'
import { fakeFormat } from './support/fake-format.ts'

type Sized = ParsedSchema & { sizeBytes: number }

function sized (sizeBytes: number): Sized {
  const schema = fakeFormat().parse({ text: '{"fields":[]}', references: [] })
  return Object.defineProperty(schema as Sized, 'sizeBytes', { value: sizeBytes, writable: true })
}

t.test('the one that was not used for longest goes first', async t => {
  const cache = new ParsedCache(100)
  const made: string[] = []
  const get = (key: string, size = 40): ParsedSchema => cache.get(key, () => {
    made.push(key)
    return sized(size)
  })
  const a = get('a')
  get('b')
  t.equal(get('a'), a)
  get('c')
  t.equal(get('a'), a)
  get('b')
  t.strictSame(made, ['a', 'b', 'c', 'b'])
  t.strictSame([cache.size, cache.sizeBytes], [2, 80])
  get('huge', 1000)
  t.strictSame([cache.size, cache.sizeBytes], [1, 1000], 'one is kept, however large')
  cache.clear()
  t.strictSame([cache.size, cache.sizeBytes], [0, 0])
})

t.test('what grows while it is kept is counted again', async t => {
  const cache = new ParsedCache(100)
  const growing = sized(10)
  cache.get('a', () => growing)
  cache.get('b', () => sized(10))
  growing.sizeBytes = 95
  cache.get('a', () => { throw new Error('it is there') })
  t.strictSame([cache.size, cache.sizeBytes], [1, 95])
})

t.test('a schema that cannot be parsed is not tried each time', async t => {
  const cache = new ParsedCache()
  let tries = 0
  const parse = (): never => {
    tries++
    throw new SchemaError('no')
  }
  for (let i = 0; i < 3; i++) t.throws(() => cache.get('a', parse), { name: 'SchemaError' })
  t.equal(tries, 1)
  for (let i = 0; i < 2; i++) t.throws(() => cache.get('b', () => { throw new TypeError('a bug') }), TypeError)
})
