import t from 'tap'
import fc from 'fast-check'
import { setImmediate } from 'node:timers/promises'
import { decodeBase64 } from '../../routes/base64.ts'
import { parseExact } from '../../src/schemas/exact-json.ts'
import { Flight } from '../../routes/flight.ts'
import { ObjectSplitter } from '../../routes/json-stream.ts'
import { LineSplitter } from '../../routes/lines.ts'
import { negotiate } from '../../routes/negotiate.ts'

/** The bytes of a text, cut at random. */
const cuts = (text: string): fc.Arbitrary<Buffer[]> => fc.array(fc.nat(Buffer.byteLength(text))).map(at => {
  const bytes = Buffer.from(text)
  const places = [0, ...at.sort((a, b) => a - b), bytes.length]
  return places.slice(1).map((end, i) => bytes.subarray(places[i], end))
})

t.test('lines are the same wherever the chunks are cut', async t => {
  const line = fc.string({ unit: fc.constantFrom('a', 'ü', ' ', '\t', '"') })
  const ending = fc.constantFrom('\n', '\r\n')
  const texts = fc.array(fc.tuple(line, ending)).chain(lines => fc.tuple(line, fc.constant(lines)))
  fc.assert(fc.property(texts.chain(([last, lines]) => {
    const text = lines.map(([one, end]) => one + end).join('') + last
    return fc.tuple(fc.constant([...lines.map(([one]) => one), last]), cuts(text))
  }), ([lines, chunks]) => {
    const splitter = new LineSplitter(1000)
    const found = [...chunks.flatMap(chunk => [...splitter.push(chunk)]), splitter.finish()].filter(one => one !== null)
    const expected = lines.map((text, i) => ({ text, number: i + 1 })).filter(({ text }) => text !== '')
    t.same(found.map(({ bytes, number }) => ({ text: bytes.toString(), number })), expected)
  }), { numRuns: 200 })
})

t.test('objects are the same wherever the chunks are cut', async t => {
  fc.assert(fc.property(fc.array(fc.tuple(fc.dictionary(fc.string(), fc.jsonValue()), fc.constantFrom('', ' ', '\r\n')), { maxLength: 5 }).chain(objects =>
    fc.tuple(fc.constant(objects.map(([object]) => object)), cuts(objects.map(([object, space]) => JSON.stringify(object) + space).join('')))
  ), ([objects, chunks]) => {
    const splitter = new ObjectSplitter(100_000)
    const found = chunks.flatMap(chunk => [...splitter.push(chunk)])
    t.same(found.map(bytes => bytes.toString()), objects.map(object => JSON.stringify(object)))
    t.ok(splitter.atBoundary)
  }), { numRuns: 200 })
})

t.test('base64 is what Node would write, in either alphabet, and nothing else', async t => {
  fc.assert(fc.property(fc.uint8Array(), array => {
    const bytes = Buffer.from(array)
    const padded = bytes.toString('base64')
    for (const text of [padded, padded.replace(/=+$/, ''), bytes.toString('base64url')]) t.same(decodeBase64(text), bytes)
  }))
  fc.assert(fc.property(fc.uint8Array({ minLength: 1 }), fc.nat(), fc.constantFrom('!', ' ', '\n', 'é', '=', '.'), (array, at, wrong) => {
    const text = Buffer.from(array).toString('base64').replace(/=+$/, '')
    const place = at % text.length
    t.throws(() => decodeBase64(text.slice(0, place) + wrong + text.slice(place + 1) + 'AAAA'))
  }))
})

t.test('JSON comes through as it went in', async t => {
  fc.assert(fc.property(fc.jsonValue(), value => t.equal(JSON.stringify(parseExact(JSON.stringify(value))), JSON.stringify(value))))
  const exact = ['12345678901234567890', '-0.1234567890123456789', '1e999', '[1e-400,{"a":100000000000000000001}]', '{"__proto__":1}', '"1234567890123456"']
  for (const text of exact) {
    t.equal(JSON.stringify(parseExact(text)), text)
  }
  for (const text of ['', '{', '01', '1234567890123456789.']) t.throws(() => parseExact(text), { name: 'SyntaxError' })
})

t.test('the preferred of what is offered', async t => {
  const offers = ['a/x', 'a/y', 'b/z']
  const cases: [accept: string | undefined, offer: string | null][] = [
    [undefined, 'a/x'], ['', 'a/x'], ['*/*', 'a/x'], ['b/z', 'b/z'], ['B/Z', 'b/z'], ['a/*', 'a/x'], ['a/y, a/x', 'a/x'], ['a/x;q=0.5, a/y', 'a/y'],
    ['a/x;q=0, */*', 'a/y'], ['a/*;q=0.1, b/*;q=0.2', 'b/z'], ['c/d', null], ['*/*;q=0', null], ['a/x;q=2', null], ['a/x;q=nonsense', null],
    ['a/x ; charset=utf-8 ; q=0.3 , b/z;q=0.4', 'b/z']
  ]
  for (const [accept, offer] of cases) t.equal(negotiate(accept, offers), offer, String(accept))
})

t.test('one batch is under way at a time, and what comes meanwhile goes together', async t => {
  const sent: number[][] = []
  let land = (): void => {}
  const flight = new Flight<number>(async batch => {
    sent.push([...batch])
    await new Promise<void>(resolve => { land = resolve })
  })
  flight.add(1, 10)
  flight.go()
  for (const n of [2, 3, 4]) {
    flight.add(n, 10)
    flight.go()
  }
  t.same(sent, [[1]])
  land()
  await setImmediate()
  t.same(sent, [[1], [2, 3, 4]])
  const done = flight.done()
  land()
  await done
})

t.test('a batch is full by bytes or by number, but takes one item of any size', async t => {
  const flight = new Flight<number>(async () => {})
  t.notOk(flight.isFull(10_000_000))
  flight.add(1, 500_000)
  t.notOk(flight.isFull(20_000))
  t.ok(flight.isFull(30_000))
  await flight.room()
  for (let i = 0; i < 2_000; i++) {
    t.notOk(flight.isFull(1))
    flight.add(i, 1)
  }
  t.ok(flight.isFull(1))
  await flight.done()
})

t.test('after a batch that failed nothing is sent', async t => {
  let sent = 0
  const flight = new Flight<number>(async () => {
    sent++
    throw new Error('refused')
  })
  flight.add(1, 1)
  flight.go()
  flight.add(2, 1)
  await t.rejects(flight.room(), { message: 'refused' })
  flight.go()
  await t.rejects(flight.done(), { message: 'refused' })
  t.equal(sent, 1)
})
