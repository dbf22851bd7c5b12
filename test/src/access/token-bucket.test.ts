import t from 'tap'
import { TokenBucket } from '../../../src/access/token-bucket.ts'

t.test('the vector of KIP-599: 5 partitions a second, eleven seconds of them at once', async t => {
  for (const startMs of [0, 9_876_543.5]) {
    const bucket = new TokenBucket()
    t.equal(bucket.tokens(5, startMs), 55, 'full to begin with')
    bucket.take(100, 5, startMs)
    t.equal(bucket.tokens(5, startMs), -45)
    t.equal(bucket.throttleMs(5, startMs), 9000)
    t.equal(bucket.throttleMs(5, startMs + 1000), 8000)
    t.equal(bucket.tokens(5, startMs + 9000), 0)
    t.equal(bucket.throttleMs(5, startMs + 9000), 0)
    t.equal(bucket.tokens(5, startMs + 100_000), 55, 'and no more than full')
  }
})

t.test('of 100 samples: a burst of 560 is paid for in 12 seconds with one of 500', async t => {
  // The same in samples of ours: 11 instead of 100.
  const bucket = new TokenBucket()
  bucket.take(55 + 60, 5, 0)
  t.equal(bucket.throttleMs(5, 0), 12_000)
})

t.test('putting back fills no more than the bucket', async t => {
  const bucket = new TokenBucket()
  bucket.take(10, 5, 0)
  bucket.take(-30, 5, 0)
  t.equal(bucket.tokens(5, 0), 55)
})

t.test('a new limit holds at once', async t => {
  const bucket = new TokenBucket()
  bucket.take(100, 5, 0)
  t.equal(bucket.throttleMs(45, 0), 1000, 'the same debt is paid for sooner')
  bucket.take(-200, 45, 0)
  t.equal(bucket.tokens(45, 0), 155)
  t.equal(bucket.tokens(1, 0), 11, 'a smaller bucket holds less')
})

t.test('what is drained is gone', async t => {
  const bucket = new TokenBucket()
  bucket.drainTo(-5, 5, 0)
  t.equal(bucket.throttleMs(5, 0), 1000)
  bucket.drainTo(40, 5, 0)
  t.equal(bucket.throttleMs(5, 0), 1000, 'it is not filled by it')
})

t.test('a limit of nothing', async t => {
  const bucket = new TokenBucket()
  t.equal(bucket.tokens(0, 5), 0)
  bucket.take(1, 0, 5)
  t.equal(bucket.throttleMs(0, 1e9), Infinity)
})
