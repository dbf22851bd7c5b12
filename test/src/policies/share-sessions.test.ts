/**
 * What is remembered of share sessions is bounded, whatever strangers name.
 */
import t from 'tap'
import { ShareSessions, shareSessionKey } from '../../../src/policies/share-sessions.ts'

const range = (length: number): number[] => Array.from({ length }, (_, i) => i)

t.test('a session has the partitions that were named and not forgotten', async t => {
  const sessions = new ShareSessions()
  const session = sessions.begin('a')
  session.add('t', [0, 1, 1])
  session.add('t', [1, 2])
  t.equal(session.size, 3)
  session.remove('t', [1, 7])
  session.remove('u', [1])
  t.same([session.size, [...session.topics.get('t')!.partitions]], [2, [0, 2]])
  session.remove('t', [0, 2])
  t.same([session.size, session.topics.size], [0, 0])
  t.equal(sessions.find('a'), session)
  t.not(sessions.begin('a'), session)
  sessions.end('a')
  t.equal(sessions.find('a'), undefined)
})

t.test('the least recently used are forgotten first', async t => {
  const sessions = new ShareSessions()
  for (const i of range(2000)) {
    sessions.begin(`${i}`)
    sessions.settle(`${i}`)
  }
  sessions.find('0')
  sessions.begin('new')
  sessions.settle('new')
  t.equal(sessions.count, 2000)
  t.ok(sessions.find('0'))
  t.equal(sessions.find('1'), undefined)
})

t.test('many partitions push others out, and too many are not kept', async t => {
  const sessions = new ShareSessions()
  for (const key of ['a', 'b', 'c']) {
    sessions.begin(key).add('t', range(90_000))
    sessions.settle(key)
  }
  t.same([sessions.find('a'), sessions.count], [undefined, 2])
  sessions.begin('huge').add('t', range(200_001))
  sessions.settle('huge')
  t.same([sessions.find('huge'), sessions.count], [undefined, 0])
  sessions.begin('a').add('t', range(100))
  sessions.settle('a')
  t.equal(sessions.count, 1, 'what is gone does not count')
})

t.test('nobody has the session of another', async t => {
  const key = (name: string, group: string, member: string): string => shareSessionKey({ type: 'User', name }, group, member)
  t.not(key('a', 'g', 'm'), key('b', 'g', 'm'))
  t.not(key('a', 'g', 'm'), key('a', 'g","m', ''))
  t.equal(key('a', 'g', 'm'), key('a', 'g', 'm'))
})
