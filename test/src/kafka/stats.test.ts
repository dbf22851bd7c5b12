import { Writable } from 'node:stream'
import { pino } from 'pino'
import t from 'tap'
import { LogLimit } from '../../../src/kafka/log-limit.ts'
import { KafkaStats } from '../../../src/kafka/stats.ts'

t.test('a hundred kinds of client software are told apart', async t => {
  const stats = new KafkaStats()
  for (let i = 0; i < 300; i++) stats.join(`client-${i}`, '1')
  t.equal(stats.clients.size, 101)
  t.same(stats.clients.get('other'), { software: 'other', version: '', open: 200 })
  t.equal(stats.join('client-5', '1'), 'client-5 1')
  t.same(stats.clients.get('client-5 1'), { software: 'client-5', version: '1', open: 2 })
})

t.test('a name without connections makes room, and a long one is not kept', async t => {
  const stats = new KafkaStats()
  for (let i = 0; i < 100; i++) stats.join(`client-${i}`, '1')
  t.equal(stats.join('late', '1'), 'other')
  stats.leave('client-7 1')
  t.equal(stats.join('late', '1'), 'late 1')
  t.equal(new KafkaStats().join('x'.repeat(65), '1'), 'other')
})

t.test('log lines of a kind are limited per window, and the rest are counted', async t => {
  const lines: { msg: string, suppressed?: number }[] = []
  const logger = pino(new Writable({ write (line, _encoding, done) { lines.push(JSON.parse(String(line)) as never); done() } }))
  const limit = new LogLimit(logger, 2, 200)
  for (let i = 0; i < 10; i++) limit.write('warn', 'a', {}, `a${i}`)
  limit.write('warn', 'b', {}, 'b')
  t.same(lines.map(({ msg }) => msg), ['a0', 'a1', 'b'])
  await new Promise(resolve => setTimeout(resolve, 210))
  limit.write('warn', 'a', {}, 'a10')
  t.match(lines.at(-1), { msg: 'a10', suppressed: 8 })
})
