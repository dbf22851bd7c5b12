/**
 * The server is killed again and again while clients write, read and commit, and every promise that it made is held
 * against what it has in the end. `CRASH_ROUNDS` says how often (5 unless it is set), `CRASH_SEED` with which random
 * numbers.
 */
import t from 'tap'
import { setTimeout as sleep } from 'node:timers/promises'
import { seeded } from '../support/batches.ts'
import { judge } from './judge.ts'
import { Load } from './load.ts'
import { Server } from './server.ts'

const rounds = Number(process.env['CRASH_ROUNDS'] ?? 5)
const seed = Number(process.env['CRASH_SEED'] ?? Date.now() % 1_000_000)

const MIN_LIFE_MS = 200
const MAX_LIFE_MS = 2000
/** Of the lives that are so short that the server is killed while it starts. */
const STILLBORN = 0.15
const MAX_START_MS = 400

for (const durability of ['fsync', 'os'] as const) {
  t.test(`killed ${rounds} times, with durability ${durability}, the server keeps every promise`, { timeout: 120_000 + rounds * 20_000 }, async t => {
    t.comment(`CRASH_SEED=${seed} CRASH_ROUNDS=${rounds}`)
    const random = seeded(seed)
    const server = await Server.create(t, ['--durability', durability])
    await server.start()
    const load = new Load({ ports: [server.kafkaPort], seed })
    await load.start()
    const startsMs: number[] = []
    for (let round = 0; round < rounds; round++) {
      await sleep(MIN_LIFE_MS + random() * (MAX_LIFE_MS - MIN_LIFE_MS))
      await server.end('SIGKILL')
      while (random() < STILLBORN) {
        server.spawn()
        await sleep(random() * MAX_START_MS)
        await server.end('SIGKILL')
      }
      const startedAt = performance.now()
      await server.start()
      await load.progress()
      startsMs.push(performance.now() - startedAt)
    }
    const verdict = await load.finish()
    t.comment(`from the start to the next acknowledgement: ${Math.round(median(startsMs))} ms, ${Math.round(Math.max(...startsMs))} ms at most`)
    judge(t, verdict, load, rounds * 100)
    t.equal(await server.end('SIGTERM'), 0)
  })
}

function median (numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 0
}
