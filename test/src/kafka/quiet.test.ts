import t from 'tap'
import { untilQuiet } from '../../../src/kafka/quiet.ts'

const took = async (waiting: Promise<void>): Promise<number> => {
  const startedMs = performance.now()
  await waiting
  return performance.now() - startedMs
}

t.test('nobody there: at once', async t => {
  t.ok(await took(untilQuiet({ connections: 0, bytesIn: 5 }, 60_000)) < 50)
})

t.test('who says nothing more is not waited for', async t => {
  const stats = { connections: 3, bytesIn: 5 }
  const timer = setInterval(() => { stats.bytesIn++ }, 20)
  const waiting = untilQuiet(stats, 60_000, 300)
  setTimeout(() => clearInterval(timer), 500)
  const ms = await took(waiting)
  t.ok(ms >= 700 && ms < 5000, `${ms} ms`)
})

t.test('the last one that leaves ends it', async t => {
  const stats = { connections: 1, bytesIn: 5 }
  setTimeout(() => { stats.connections = 0 }, 50)
  t.ok(await took(untilQuiet(stats, 60_000, 30_000)) < 5000)
})

t.test('and it has an end', async t => {
  const stats = { connections: 1, bytesIn: 5 }
  const timer = setInterval(() => { stats.bytesIn++ }, 10)
  const ms = await took(untilQuiet(stats, 400, 200))
  clearInterval(timer)
  t.ok(ms >= 390 && ms < 5000, `${ms} ms`)
  t.ok(await took(untilQuiet(stats, 0)) < 50)
})
