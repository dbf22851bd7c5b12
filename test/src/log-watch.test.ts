import t from 'tap'
import { LogWatch } from '../../src/log-watch.ts'
import { createLogger } from '../../src/logger.ts'

type Line = Readonly<Record<string, unknown>>

/** A watch, and the lines that it logs. */
async function world (): Promise<{ watch: LogWatch, lines: Line[] }> {
  const lines: Line[] = []
  const options = { logLevel: 'trace', logFormat: 'json', color: false } as const
  const logger = await createLogger(options, { write: line => { lines.push(JSON.parse(line) as Line) } })
  return { watch: new LogWatch(logger), lines }
}

const failure = (code: string, syscall?: string): Error => Object.assign(new Error(`${code}: no`), { code, ...(syscall && { syscall }) })

t.test('appends and syncs are counted without a word', async t => {
  const { watch, lines } = await world()
  for (const bytes of [100, 0, 250]) watch.appended(bytes)
  for (const ms of [0.05, 1, 7000]) watch.synced(ms)
  t.match(watch, { appends: 3, appendedBytes: 350 })
  const { bounds, counts, sum } = watch.syncSeconds
  const under = (seconds: number): number => counts[bounds.indexOf(seconds)]!
  t.strictSame([under(0.0001), under(0.001), counts.at(-1)], [1, 1, 1], 'in seconds')
  t.ok(Math.abs(sum - 7.00105) < 1e-9)
  t.strictSame(lines, [])
})

t.test('every failure is logged with its path; only those of a sync are counted as such', async t => {
  const { watch, lines } = await world()
  watch.failed('/data/a-0/0.log', failure('EIO', 'fdatasync'))
  watch.failed('/data', failure('EIO', 'fsync'))
  t.equal(watch.syncFailures, 2)
  for (const syscall of ['write', 'open', 'ftruncate', undefined]) watch.failed('/data/a-0/0.log', failure('ENOSPC', syscall))
  watch.failed('/data/a-0/0.log', new Error('fdatasync is only spoken of'))
  t.equal(watch.syncFailures, 2)
  t.equal(lines.length, 7)
  t.match(lines[0], { level: 'error', path: '/data/a-0/0.log', err: { code: 'EIO', syscall: 'fdatasync' }, msg: 'the disk refused' })
  t.ok(lines.every(({ level, msg }) => level === 'error' && msg === 'the disk refused'))
})

t.test('what was cut off is a warning, what was set aside an error that says which records are lost', async t => {
  const { watch, lines } = await world()
  watch.truncated('/data/a-0/0.log', 50)
  watch.truncated('/data/a-1/0.log', 7)
  watch.quarantined('/data/a-0/0-300.damaged', 400, 41, 43)
  t.match(watch, { truncatedBytes: 57, quarantinedBytes: 400, syncFailures: 0 })
  t.match(lines, [
    { level: 'warn', path: '/data/a-0/0.log', bytes: 50, msg: /cut off/ },
    { level: 'warn', path: '/data/a-1/0.log', bytes: 7 },
    { level: 'error', path: '/data/a-0/0-300.damaged', bytes: 400, fromOffset: 41, toOffset: 43, msg: /lost/ }
  ])
})

t.test('before there is an engine, everything is there and nothing in it', async t => {
  const { watch } = await world()
  t.match(watch, { tailBytes: 0, tailHits: 0, tailMisses: 0, groups: 0 })
  t.strictSame([...watch.topics()], [])
  watch.watch({ tail: { usedBytes: 1, hits: 2, misses: 3 }, groups: null, topics: null })
  t.match(watch, { tailBytes: 1, tailHits: 2, tailMisses: 3, groups: 0 }, 'and while it opens, what it has so far')
  t.strictSame([...watch.topics()], [])
})

t.test('of topics it tells how large they are at the moment', async t => {
  const { watch } = await world()
  const log = { sizeBytes: 100, segmentCount: 1 }
  const topics = [{ name: 'greetings', partitions: [{ log }, { log: { sizeBytes: 7, segmentCount: 3 } }] }, { name: 'empty', partitions: [] }]
  watch.watch({ tail: { usedBytes: 0, hits: 0, misses: 0 }, groups: { size: 5 }, topics })
  log.sizeBytes = 1000
  t.strictSame([...watch.topics()], [
    { topic: 'greetings', partitions: 2, sizeBytes: 1007, segments: 4 },
    { topic: 'empty', partitions: 0, sizeBytes: 0, segments: 0 }
  ])
  t.equal(watch.groups, 5)
})
