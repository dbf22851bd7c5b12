/**
 * Two gateways in front of three real brokers, with `acks=all` and `min.insync.replicas=2`: brokers and gateways are killed,
 * held and stopped, and connections cut at random bytes on both sides of the gateways, while clients write, read and commit
 * through both. `CRASH_ROUNDS` says how many of these faults there are, `CRASH_SEED` with which random numbers.
 */
import t from 'tap'
import { setTimeout as sleep } from 'node:timers/promises'
import { seeded } from '../support/batches.ts'
import { judge } from './judge.ts'
import { Load } from './load.ts'
import { startWorld, type World } from './upstream-world.ts'

interface Fault {
  readonly what: string
  /** Leaves everything up. `goesOn` waits until every client has got something done, `one` chooses among several. */
  readonly happen: (world: World, goesOn: () => Promise<void>, one: <T>(several: readonly T[]) => T) => Promise<void>
}

/** No leader changes in this time, and in this one they do. */
const SHORT_PAUSE_MS = 3000
const LONG_PAUSE_MS = 12_000
/** The other gateways take who is silent for 4 s for gone. */
const GATEWAY_PAUSE_MS = 6000
const CUTTING_MS = 6000

const held = (forMs: number): Fault => ({
  what: `a broker is held for ${forMs} ms`,
  async happen ({ cluster }, _goesOn, one) {
    const node = one(cluster.nodes)
    node.pause()
    await sleep(forMs)
    node.resume()
  }
})

const faults: readonly Fault[] = [
  {
    what: 'a broker is killed',
    async happen ({ cluster }, goesOn, one) {
      const node = one(cluster.nodes)
      await node.kill()
      await goesOn()
      await node.start()
    }
  },
  {
    what: 'a gateway is killed',
    async happen ({ gateways }, goesOn, one) {
      const gateway = one(gateways)
      await gateway.end('SIGKILL')
      await goesOn()
      await gateway.start()
    }
  },
  held(SHORT_PAUSE_MS),
  {
    what: 'connections are cut',
    async happen ({ before, behind }) {
      for (const relay of [...before, ...behind]) relay.isCutting = true
      await sleep(CUTTING_MS)
      for (const relay of [...before, ...behind]) relay.isCutting = false
    }
  },
  {
    what: 'a gateway is held',
    async happen ({ gateways }, _goesOn, one) {
      const gateway = one(gateways)
      gateway.signal('SIGSTOP')
      await sleep(GATEWAY_PAUSE_MS)
      gateway.signal('SIGCONT')
    }
  },
  held(LONG_PAUSE_MS),
  {
    what: 'a gateway is stopped',
    async happen ({ gateways }, goesOn, one) {
      const gateway = one(gateways)
      const code = await gateway.end('SIGTERM')
      if (code !== 0) throw new Error(`the gateway ended with ${code}: ${gateway.output.slice(-3000)}`)
      await goesOn()
      await gateway.start()
    }
  },
  {
    what: 'a broker is stopped',
    async happen ({ cluster }, goesOn, one) {
      const node = one(cluster.nodes)
      await node.stop()
      await goesOn()
      await node.start()
    }
  }
]

const rounds = Number(process.env['CRASH_ROUNDS'] ?? faults.length)
const seed = Number(process.env['CRASH_SEED'] ?? Date.now() % 1_000_000)

t.test(`two gateways keep every promise of the three brokers behind them, through ${rounds} faults`, { timeout: 180_000 + rounds * 60_000 }, async t => {
  t.comment(`CRASH_SEED=${seed} CRASH_ROUNDS=${rounds}`)
  const random = seeded(seed)
  const one = <T>(several: readonly T[]): T => several[Math.floor(random() * several.length)]!
  const world = await startWorld(t, random)
  const load = new Load({
    ports: world.before.map(({ port }) => port), seed, replicas: 3, pauseMs: 5, churnPauseMs: 1000, segmentBytes: 1024 * 1024
  })
  await load.start()
  await load.everyone()
  for (let round = 0; round < rounds; round++) {
    const { what, happen } = faults[round % faults.length]!
    const before = load.acknowledged
    const told: string[] = []
    const silence = watch(load)
    const timed = async (name: string, done: Promise<void>): Promise<void> => {
      const startedAt = performance.now()
      await done
      told.push(`${name} ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
    }
    await timed('all of it', happen(world, () => timed('others went on after', load.everyone()), one))
    await timed('everyone went on after', load.everyone())
    await timed('in sync after', world.inSync())
    // Who went to the other gateway comes back.
    for (const relay of world.before) relay.dropAll()
    await load.everyone()
    t.comment(`${what}: ${told.join(', ')}, nobody was acknowledged anything for ${silence()} at most; ${load.acknowledged - before} records acknowledged`)
  }
  const cuts = [...world.before, ...world.behind].reduce((sum, relay) => sum + relay.cuts, 0)
  t.comment(`${cuts} connections cut`)
  const verdict = await load.finish()
  judge(t, verdict, load, rounds * 100)
  for (const gateway of world.gateways) t.equal(await gateway.end('SIGTERM'), 0)
})

/** Until it is asked: the longest time in which nothing was acknowledged. */
function watch (load: Load): () => string {
  let [last, sinceMs, longestMs] = [load.acknowledged, performance.now(), 0]
  const timer = setInterval(() => {
    longestMs = Math.max(longestMs, performance.now() - sinceMs)
    if (load.acknowledged > last) [last, sinceMs] = [load.acknowledged, performance.now()]
  }, 10)
  return () => {
    clearInterval(timer)
    return `${(longestMs / 1000).toFixed(1)} s`
  }
}
