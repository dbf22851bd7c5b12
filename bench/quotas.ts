/**
 * Does a quota give what it says, to whoever takes as much as it is given? And does a neighbour notice?
 *
 *   node bench/quotas.ts [--seconds 30] [--rates 1,10,50] [--connections 4] [--only native-produce,http-fetch,mixed,neighbour-http]
 *
 * Each rate, in MB/s, is measured behind the first window, in which what was saved up may be had at once. Mixed is one
 * principal at both doors. The neighbour produces one small record after another beside a principal with many
 * connections that is held to 10 MB/s, without it, and with it at another process: what that costs, the machine costs and not the server.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Produce } from '../protocol/messages/00-produce.ts'
import { buildBatch } from '../protocol/records.ts'
import { median, printTable } from './support/figures.ts'
import { Administrator, connectAs, PASSWORD } from './support/guarded.ts'
import { startGuardedBarnabas, type Server } from './support/server.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '30' },
    rates: { type: 'string', default: '1,10,50' },
    connections: { type: 'string', default: '4' },
    only: { type: 'string' }
  }
})
const wanted = values.only?.split(',')
/** A name of several words stands for all that begin so. */
const isWanted = (name: string): boolean => wanted === undefined || wanted.some(one => name === one || name.startsWith(`${one}-`))
const measuredMs = Number(values.seconds) * 1000
const rates = values.rates.split(',').map(Number)

const MB = 1e6
/** Kafka's quota.window.num and quota.window.size.seconds: what was not used for so long may be used at once. */
const FIRST_WINDOW_MS = 11_000
/** What is fetched again and again. */
const STOCK_BYTES = 64 * MB

type Door = 'native' | 'http'
type Way = 'produce' | 'fetch'

/** A server and whoever manages it. */
class House {
  readonly server: Server
  readonly administrator: Administrator

  constructor (server: Server) {
    this.server = server
    this.administrator = new Administrator(server.http)
  }

  static async open (): Promise<House> {
    return new House(await startGuardedBarnabas(PASSWORD, 'os'))
  }

  address (door: Door): string {
    return door === 'native' ? this.server.kafka : new URL(this.server.http).host
  }

  /** Somebody with a topic of his own. */
  async newUser (quotas: Readonly<Record<string, number>>): Promise<{ user: string, topic: string }> {
    const user = `user-${++users}`
    await this.administrator.addUser(user)
    await this.administrator.createTopic(`${user}-topic`)
    await this.administrator.allow(user, `${user}-`, 'READ', 'WRITE')
    await this.administrator.setQuotas(user, quotas)
    return { user, topic: `${user}-topic` }
  }
}

let users = 0

interface Sample { readonly atMs: number, readonly bytes: number }

class Load {
  readonly samples: Sample[] = []
  readonly #child: ChildProcess
  #rest = ''

  constructor (house: House, door: Door, way: Way, user: string, topic: string, connections: number) {
    this.#child = spawn(process.execPath, [new URL('support/load.ts', import.meta.url).pathname, door, way,
      house.address(door), user, topic, `${connections}`],
    { stdio: ['ignore', 'pipe', 'inherit'] })
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      const lines = (this.#rest + text).split('\n')
      this.#rest = lines.pop()!
      for (const line of lines) {
        const [atMs, bytes] = line.split(' ').map(Number) as [number, number]
        this.samples.push({ atMs, bytes })
      }
    })
  }

  /** Bytes a second between two times. */
  rate (fromMs: number, toMs: number): number {
    const at = (ms: number): Sample => this.samples.findLast(one => one.atMs <= ms) ?? { atMs: fromMs, bytes: 0 }
    const [first, last] = [at(fromMs), at(toMs)]
    return (last.bytes - first.bytes) / (last.atMs - first.atMs) * 1000
  }

  get moved (): number {
    return this.samples.at(-1)?.bytes ?? 0
  }

  async end (): Promise<void> {
    this.#child.kill('SIGKILL')
    await once(this.#child, 'exit')
  }
}

/** Measured rate over quota. */
async function measure (house: House, doors: readonly Door[], way: Way, mbPerSecond: number): Promise<number> {
  const { user, topic } = await house.newUser({})
  if (way === 'fetch') await stock(house, user, topic)
  await house.administrator.setQuotas(user, { [way === 'produce' ? 'producer_byte_rate' : 'consumer_byte_rate']: mbPerSecond * MB })
  const loads = doors.map(door => new Load(house, door, way, user, topic, 2))
  while (loads.some(load => load.moved === 0)) await sleep(10)
  await sleep(FIRST_WINDOW_MS)
  const fromMs = performance.timeOrigin + performance.now()
  await sleep(measuredMs)
  const toMs = performance.timeOrigin + performance.now()
  const rate = loads.reduce((sum, load) => sum + load.rate(fromMs, toMs), 0)
  for (const load of loads) await load.end()
  return rate / (mbPerSecond * MB)
}

async function stock (house: House, user: string, topic: string): Promise<void> {
  const load = new Load(house, 'native', 'produce', user, topic, 1)
  while (load.moved < STOCK_BYTES) await sleep(50)
  await load.end()
}

/** p99 in ms of one small Produce after the other, over so long. */
async function p99 ({ server }: House, user: string, topic: string, ms: number): Promise<number> {
  const connection = await connectAs(server.kafka, user)
  const records = [buildBatch([{ key: null, value: Buffer.alloc(100, 'v') }]).bytes]
  const took: number[] = []
  for (const end = performance.now() + ms; performance.now() < end; await sleep(2)) {
    const start = performance.now()
    const { responses } = await connection.send(Produce, 9, {
      acks: -1, timeoutMs: 10_000, topicData: [{ name: topic, partitionData: [{ index: 0, records }] }]
    })
    took.push(performance.now() - start)
    if (responses[0]?.partitionResponses[0]?.errorCode !== 0) throw new Error(JSON.stringify(responses))
  }
  connection.destroy()
  return took.sort((a, b) => a - b)[Math.floor(took.length * 0.99)]!
}

/** Somebody who takes all that his quota gives. */
async function startNoise (house: House, door: Door, way: Way): Promise<Load> {
  const { user, topic } = await house.newUser({})
  if (way === 'fetch') await stock(house, user, topic)
  await house.administrator.setQuotas(user, { producer_byte_rate: 10 * MB, consumer_byte_rate: 10 * MB })
  const load = new Load(house, door, way, user, topic, Number(values.connections))
  while (load.moved === 0) await sleep(10)
  await sleep(FIRST_WINDOW_MS)
  return load
}

async function neighbour (here: House, elsewhere: House, door: Door, way: Way): Promise<Record<'alone' | 'beside' | 'elsewhere', number>> {
  const { user, topic } = await here.newUser({ producer_byte_rate: MB })
  const piece = (): Promise<number> => p99(here, user, topic, measuredMs / 2)
  await p99(here, user, topic, 3000) // warm
  const took = { alone: [await piece()], beside: [] as number[], elsewhere: [] as number[] }
  for (const [where, into] of [[here, took.beside], [elsewhere, took.elsewhere]] as const) {
    const noise = await startNoise(where, door, way)
    into.push(await piece(), await piece())
    await noise.end()
  }
  took.alone.push(await piece())
  return { alone: median(took.alone), beside: median(took.beside), elsewhere: median(took.elsewhere) }
}

const houses: House[] = []
async function openHouse (): Promise<House> {
  const house = await House.open()
  houses.push(house)
  return house
}

try {
  const here = await openHouse()
  const rows: (string | number)[][] = [['rate over quota', ...rates.map(rate => `${rate} MB/s`)]]
  for (const [name, doors] of [['native', ['native']], ['http', ['http']], ['mixed', ['native', 'http']]] as const) {
    for (const way of ['produce', 'fetch'] as const) {
      if (!isWanted(`${name}-${way}`)) continue
      const row: (string | number)[] = [`${name} ${way}`]
      for (const rate of rates) row.push((await measure(here, doors, way, rate)).toFixed(3))
      rows.push(row)
    }
  }
  if (rows.length > 1) printTable(rows)
  const beside: (string | number)[][] = [['p99 of a neighbour, ms', 'alone', 'beside', 'elsewhere', 'beside/alone', 'beside/elsewhere']]
  for (const door of ['native', 'http'] as const) {
    for (const way of ['produce', 'fetch'] as const) {
      if (!isWanted(`neighbour-${door}-${way}`)) continue
      const took = await neighbour(here, houses[1] ?? await openHouse(), door, way)
      beside.push([`${door} ${way}`, took.alone, took.beside, took.elsewhere, took.beside / took.alone, took.beside / took.elsewhere])
    }
  }
  if (beside.length > 1) printTable(beside)
} finally {
  for (const { server } of houses) await server.stop()
}
