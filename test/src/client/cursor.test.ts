import t from 'tap'
import { decodeCursor, encodeCursor, type Cursor } from '../../../src/client/cursor.ts'

const cursor: Cursor = new Map([
  ['greetings', { topicId: 'AAAAAAAAAAAAAAAAAAAAAQ', offsets: new Map([[0, 42], [7, Number.MAX_SAFE_INTEGER]]) }],
  ['orders', { topicId: 'AAAAAAAAAAAAAAAAAAAAAg', offsets: new Map() }]
])

t.test('a cursor comes back as it went out', async t => {
  const text = encodeCursor(cursor)
  t.match(text, /^c1\.[\w-]+$/, 'it fits a URL, a header and a line')
  t.same(decodeCursor(text), cursor)
})

t.test('what is no cursor is refused with a sentence', async t => {
  const encoded = (rows: unknown): string => 'c1.' + Buffer.from(JSON.stringify(rows)).toString('base64url')
  const wrong = [
    '', 'c1.', 'c2.W10', 'latest', 'c1.!!!', encoded(null), encoded({}), encoded([1]), encoded([['t']]), encoded([['t', 'id', 'x']]),
    encoded([['t', 1, []]]), encoded([['t', 'id', [0]]]), encoded([['t', 'id', [0, -1]]]), encoded([['t', 'id', [0, 1.5]]]),
    encoded([['t', 'id', [0, 2 ** 60]]]), 'c1.' + 'A'.repeat(70_000)
  ]
  for (const text of wrong) t.throws(() => decodeCursor(text), { name: 'TypeError', message: /is not a cursor: pass one back/ }, text.slice(0, 20))
})

t.test('a cursor that is longer than any of ours is not even looked at', async t => {
  const offsets = new Map(Array.from({ length: 20_000 }, (_, i) => [i, i] as const))
  t.throws(() => decodeCursor(encodeCursor(new Map([['t', { topicId: 'x', offsets }]]))), { name: 'TypeError', message: /is not a cursor/ })
})

t.test('a long text that is no cursor is not repeated in full', async t => {
  t.throws(() => decodeCursor('x'.repeat(1000)), { message: /^"x{40}…" is not/ })
})
