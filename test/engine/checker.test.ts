import t from 'tap'
import { check, type Event, type Kind } from '../crash/checker.ts'

type Records = (readonly [offset: number, value: string])[]

const send = (value: string, sequence: number, { producer = 'p', partition = 't' } = {}): Event => ({ type: 'send', producer, partition, sequence, value })
const ack = (value: string, offset: number): Event => ({ type: 'acknowledged', value, offset })
const refuse = (value: string): Event => ({ type: 'refused', value })
const poll = (...records: Records): Event => ({ type: 'poll', reader: 'r', partition: 't', records })
const commit = (type: 'commit' | 'committed' | 'position', offset: number): Event => ({ type, group: 'g', partition: 't', offset })

/** The kinds of violations that are found. */
function found (history: Event[], ...records: Records): string[] {
  const { violations } = check(history, new Map([['t', records]]))
  return Object.entries(violations).filter(([, list]) => list.length > 0).map(([kind]) => kind)
}

const sent = ['a', 'b', 'c'].map((value, i) => send(value, i))

t.test('a history in which all went well has no violation, and is counted', async t => {
  const history = [
    ...sent, ack('a', 0), ack('b', 1), poll([0, 'a'], [1, 'b']), commit('commit', 2), commit('committed', 2), commit('position', 2), poll([2, 'c'])
  ]
  t.strictSame(found(history, [0, 'a'], [1, 'b'], [2, 'c']), [])
  t.match(check(history, new Map([['t', [[0, 'a'], [1, 'b'], [2, 'c']]]])), { sent: 3, acknowledged: 2, unknown: 1, polled: 3, commits: 1 })
})

t.test('of what was never answered, both is possible', async t => {
  t.strictSame(found([...sent, ack('a', 0)], [0, 'a']), [])
  t.strictSame(found([...sent, ack('a', 0)], [0, 'a'], [1, 'b'], [2, 'c']), [])
})

t.test('gaps between offsets are no violation: batches that were refused leave them, and compaction', async t => {
  t.strictSame(found([...sent, ack('a', 0), poll([0, 'a']), poll([5, 'b'], [9, 'c'])], [0, 'a'], [5, 'b'], [9, 'c']), [])
})

const cases: [kind: Kind, what: string, history: Event[], log: Records][] = [
  ['lost', 'acknowledged and not there', [...sent, ack('a', 0), ack('b', 1)], [[0, 'a']]],
  ['vanished', 'read and not there', [...sent, poll([0, 'a'], [1, 'b'])], [[0, 'a']]],
  ['duplicate', 'there twice', sent, [[0, 'a'], [1, 'a']]],
  ['duplicate', 'acknowledged at one offset, there at another', [...sent, ack('a', 0)], [[3, 'a']]],
  ['duplicate', 'read at one offset, there at another', [...sent, poll([4, 'a'])], [[0, 'a']]],
  ['inconsistentOffset', 'two values acknowledged at one offset', [...sent, ack('a', 0), ack('b', 0)], [[0, 'a'], [1, 'b']]],
  ['inconsistentOffset', 'an offset that held something else when it was read', [...sent, poll([0, 'b'])], [[0, 'a'], [1, 'b']]],
  ['abortedRead', 'refused and there', [...sent, refuse('a')], [[0, 'a']]],
  ['unsent', 'sent by nobody', sent, [[0, 'a'], [1, 'x']]],
  ['disorder', 'the second before the first', sent, [[0, 'b'], [1, 'a']]],
  ['disorder', 'the third without the second', sent, [[0, 'a'], [1, 'c']]],
  ['disorder', 'not from the first on', sent, [[0, 'b']]],
  ['disorder', 'in another partition', [send('a', 0, { partition: 'u' })], [[0, 'a']]],
  ['nonMonotonicPoll', 'going back between polls', [...sent, poll([0, 'a'], [1, 'b']), poll([1, 'b'])], [[0, 'a'], [1, 'b']]],
  ['nonMonotonicPoll', 'going back within a poll', [...sent, poll([0, 'a'], [1, 'b'], [0, 'a'])], [[0, 'a'], [1, 'b']]],
  ['pollSkip', 'passing over a record between polls', [...sent, poll([0, 'a']), poll([2, 'c'])], [[0, 'a'], [1, 'b'], [2, 'c']]],
  ['pollSkip', 'passing over a record within a poll', [...sent, poll([0, 'a'], [2, 'c'])], [[0, 'a'], [1, 'b'], [2, 'c']]],
  ['pollSkip', 'passing over the first', [...sent, poll([1, 'b'])], [[0, 'a'], [1, 'b']]],
  ['lostCommit', 'a commit that is gone', [commit('commit', 5), commit('committed', 5), commit('position', -1)], []],
  ['lostCommit', 'an older commit that is back', [...[3, 5].flatMap(o => [commit('commit', o), commit('committed', o)]), commit('position', 3)], []],
  ['lostCommit', 'an offset that nobody committed', [commit('commit', 5), commit('position', 4)], []],
  ['other', 'what a client has noticed', [{ type: 'violation', what: 'x' }], []]
]
for (const [kind, what, history, log] of cases) t.test(`${kind}: ${what}`, async t => { t.ok(found(history, ...log).includes(kind)) })

t.test('a commit without an answer may count or not, until one has an answer', async t => {
  const tried = [commit('commit', 3), commit('committed', 3), commit('commit', 5)]
  t.strictSame(found([...tried, commit('position', 3)]), [])
  t.strictSame(found([...tried, commit('position', 5)]), [])
  t.strictSame(found([...tried, commit('position', 5), commit('position', 3)]), ['lostCommit'], 'but once it was seen it counts')
  t.strictSame(found([...tried, commit('committed', 5), commit('position', 3)]), ['lostCommit'])
})

t.test('producers and partitions are counted for themselves', async t => {
  const history = [send('a', 0), send('x', 0, { producer: 'q' }), send('b', 1), send('y', 1, { producer: 'q' })]
  t.strictSame(found(history, [0, 'x'], [1, 'a'], [2, 'y'], [3, 'b']), [])
})
