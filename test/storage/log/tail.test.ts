import t from 'tap'
import { mock } from 'node:test'
import { RecordBatch, batchSizeAt } from '../../../protocol/batch.ts'
import { Tail, TailBudget } from '../../../storage/log/tail.ts'
import { batchOf, batchOfSize, seeded, valuesOf } from '../../support/batches.ts'

/** Batches as one frame brings them: views into one piece of memory, which is theirs alone. Offsets from `base` on. */
function frame (base: number, ...batches: readonly RecordBatch[]): RecordBatch[] {
  const memory = Buffer.allocUnsafeSlow(batches.reduce((sum, batch) => sum + batch.sizeBytes, 0))
  let at = 0
  return batches.map(batch => {
    at += batch.bytes.copy(memory, at)
    const mine = new RecordBatch(memory.subarray(at - batch.sizeBytes, at))
    mine.stamp(base, 0)
    base = mine.nextOffset
    return mine
  })
}

/** One batch of so many bytes, in a frame of its own. */
const single = (offset: number, sizeBytes = 100): RecordBatch => frame(offset, batchOfSize(sizeBytes, String(offset)))[0]!

/** The tail of a log that somebody reads. */
function tailIn (budget: TailBudget): Tail {
  const tail = new Tail(budget)
  tail.expectReaders()
  return tail
}

const pushAll = (tail: Tail, batches: readonly RecordBatch[]): void => { for (const batch of batches) tail.push(batch) }

/** The offsets of the batches that a tail has, from `offset` on; null where it has not that one. */
function offsetsIn (tail: Tail, offset: number, end = Infinity): number[] | null {
  return tail.read(offset, end, Infinity, true)?.map(chunk => new RecordBatch(chunk).baseOffset) ?? null
}

t.test('a read begins with the batch that holds the offset and ends below the end', async t => {
  const tail = tailIn(new TailBudget(1e6))
  pushAll(tail, frame(10, batchOf(['10', '11', '12']), batchOf(['13']), batchOf(['14', '15'])))
  t.strictSame(valuesOf(tail.read(12, 16, 1e6, false)!), ['10', '11', '12', '13', '14', '15'])
  t.strictSame(valuesOf(tail.read(13, 14, 1e6, false)!), ['13'], 'what is not committed yet is not read')
  t.equal(tail.read(9, 16, 1e6, true), null, 'older ones are in the file')
})

t.test('a read gives the bytes themselves, whole batches of them, one if need be', async t => {
  const tail = tailIn(new TailBudget(1e6))
  const batches = [single(0, 100), single(1, 200), single(2, 300)]
  pushAll(tail, batches)
  t.equal(tail.read(0, 3, 1e6, false)![0], batches[0]!.bytes, 'no copy')
  const sizes = (maxBytes: number, atLeastOne: boolean): number[] => tail.read(0, 3, maxBytes, atLeastOne)!.map(chunk => batchSizeAt(chunk, 0))
  t.strictSame([sizes(300, false), sizes(599, false), sizes(600, false)], [[100, 200], [100, 200], [100, 200, 300]])
  t.strictSame([sizes(99, false), sizes(99, true)], [[], [100]])
})

t.test('the budget is shared: the oldest batch of any log goes first', async t => {
  const budget = new TailBudget(300)
  const [a, b] = [tailIn(budget), tailIn(budget)]
  a.push(single(0))
  b.push(single(0))
  a.push(single(1))
  t.equal(budget.usedBytes, 300)
  b.push(single(1))
  t.equal(budget.usedBytes, 300)
  t.strictSame([offsetsIn(a, 0), offsetsIn(a, 1), offsetsIn(b, 0)], [null, [1], [0, 1]])
  b.push(single(2, 250))
  t.strictSame([offsetsIn(a, 1), offsetsIn(b, 1), offsetsIn(b, 2)], [null, null, [2]], 'as many as the new one needs')
})

t.test('a frame counts in full until the last of its batches is gone', async t => {
  const budget = new TailBudget(700)
  const tail = tailIn(budget)
  pushAll(tail, frame(0, ...[0, 1, 2].map(i => batchOfSize(100, String(i)))))
  t.equal(budget.usedBytes, 300, 'once, not for each batch')
  pushAll(tail, [single(3, 300)])
  t.equal(budget.usedBytes, 600)
  pushAll(tail, [single(4, 200)])
  t.strictSame([offsetsIn(tail, 2), offsetsIn(tail, 3), budget.usedBytes], [null, [3, 4], 500], 'a part of it frees nothing')
  const [first] = frame(5, batchOfSize(100, 'short'), batchOfSize(500, 'long'))
  tail.push(first!)
  t.strictSame([offsetsIn(tail, 5), budget.usedBytes], [[5], 600], 'a short batch holds all of a long frame')
})

t.test('what does not fit the budget is not kept', async t => {
  for (const limit of [0, 99]) {
    const budget = new TailBudget(limit)
    const tail = tailIn(budget)
    // In one frame and in others.
    pushAll(tail, [...frame(0, batchOfSize(100), batchOfSize(100)), single(2), single(3)])
    t.strictSame([budget.usedBytes, ...[0, 1, 2, 3].map(offset => offsetsIn(tail, offset))], [0, null, null, null, null], `${limit} bytes`)
  }
})

t.test('hits and misses are counted, an empty answer being a hit', async t => {
  const budget = new TailBudget(1000)
  const tail = tailIn(budget)
  tail.read(0, 1, 100, true)
  tail.push(single(5))
  tail.read(4, 6, 100, true)
  t.strictSame([budget.hits, budget.misses], [0, 2])
  tail.read(5, 6, 100, true)
  t.strictSame(tail.read(5, 6, 0, false), [])
  t.strictSame([budget.hits, budget.misses], [2, 2])
})

t.test('what was cleared is not read, and never dropped a second time', async t => {
  const budget = new TailBudget(300)
  const tail = tailIn(budget)
  pushAll(tail, [single(0), single(1)])
  tail.clear()
  t.equal(offsetsIn(tail, 1), null)
  // Offset 1 was not written after all, and is given out again.
  pushAll(tail, [single(1), single(2)])
  t.strictSame(offsetsIn(tail, 1), [1, 2], 'one too many has pushed out what was gone already')
  pushAll(tail, [single(3)])
  t.strictSame(offsetsIn(tail, 1), [1, 2, 3])
  pushAll(tail, [single(4)])
  t.strictSame([offsetsIn(tail, 1), offsetsIn(tail, 2)], [null, [2, 3, 4]])
})

t.test('whatever comes and goes, each log has its newest batches, and no more than the budget allows', async t => {
  const random = seeded(7)
  const budget = new TailBudget(5000)
  const tails = [0, 1, 2].map(() => tailIn(budget))
  const ends = [0, 0, 0]
  /** The naive way: all that was pushed, oldest first, without what was cleared or is beyond the budget. */
  let kept: { log: number, offset: number, sizeBytes: number, isGone: boolean }[] = []
  for (let step = 0; step < 6000; step++) {
    const log = Math.floor(random() * 3)
    const [batch] = frame(ends[log]!, batchOf(['x'.repeat(random() * 400)])) as [RecordBatch]
    tails[log]!.push(batch)
    kept.push({ log, offset: ends[log]!++, sizeBytes: batch.sizeBytes, isGone: false })
    while (kept.reduce((sum, one) => sum + one.sizeBytes, 0) > 5000) kept = kept.slice(1)
    if (random() < 0.02) {
      tails[log]!.clear()
      for (const one of kept) if (one.log === log) one.isGone = true
    }
    const expected = kept.filter(one => one.log === log && !one.isGone).map(({ offset }) => offset)
    const found = offsetsIn(tails[log]!, expected[0] ?? ends[log]! - 1) ?? []
    if (found.join() !== expected.join() || (expected.length > 0 && offsetsIn(tails[log]!, expected[0]! - 1) !== null)) {
      return t.strictSame(found, expected, `step ${step}`)
    }
  }
  t.ok(budget.usedBytes <= 5000)
})

t.test('nothing is kept of a log that nobody reads, or has read for two minutes', async t => {
  mock.timers.enable({ apis: ['Date'], now: 1000 })
  t.teardown(() => mock.timers.reset())
  const budget = new TailBudget(1e6)
  const tail = new Tail(budget)
  tail.push(single(0))
  t.strictSame([offsetsIn(tail, 0), budget.usedBytes], [null, 0])
  tail.expectReaders()
  mock.timers.tick(119_999)
  tail.push(single(1))
  t.strictSame([offsetsIn(tail, 0), offsetsIn(tail, 1)], [null, [1]], 'what came before is in the file')
  mock.timers.tick(1)
  tail.push(single(2))
  tail.expectReaders()
  tail.push(single(3))
  t.strictSame([offsetsIn(tail, 1), offsetsIn(tail, 3)], [null, [3]], 'and what was kept has no gaps')
})
