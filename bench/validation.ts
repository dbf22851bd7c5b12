/**
 * What does it cost to look into every record? And how fast is the registry asked?
 *
 *   node bench/validation.ts [--rounds 5] [--seconds 4] [--only registry|produce]
 *
 * Produce: Avro records of 200 bytes in batches of 16 KiB into a topic that checks payloads, over the same into one that
 * does not, in turns, uncompressed and with zstd. Registry: `GET /schemas/ids/1` over a bare Fastify route that answers the
 * same bytes; the load comes from wrk (`apt-get install wrk`).
 */
import { spawn } from 'node:child_process'
import { parseArgs } from 'node:util'
import { succeed } from '../test/interop/support/run.ts'
import { median, printTable, ratio, round } from './support/figures.ts'
import { orderBytes, orderSchema } from './support/orders.ts'
import { startBarnabas } from './support/server.ts'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' }, seconds: { type: 'string', default: '4' }, only: { type: 'string' } } })
const rounds = Number(values.rounds)

const server = await startBarnabas('os')

async function send (method: string, path: string, body: object): Promise<unknown> {
  const response = await fetch(server.http + path, { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
  return text === '' ? null : JSON.parse(text)
}

interface Throughput { readonly recordsPerSecond: number, readonly recordsPerCpuSecond: number }

async function produce (topic: string, id: number, compression: string): Promise<Throughput> {
  const before = server.cpuSeconds
  const output = await succeed(process.execPath, [new URL('support/batches.ts', import.meta.url).pathname,
    new URL(`kafka://${server.kafka}`).host, topic, String(id), compression, values.seconds], { timeoutMs: 120_000 })
  const [recordsPerSecond, seconds] = output.trim().split(' ').map(Number) as [number, number]
  return { recordsPerSecond, recordsPerCpuSecond: recordsPerSecond * seconds / (server.cpuSeconds - before) }
}

async function ask (url: string, seconds = values.seconds): Promise<number> {
  const output = await succeed('wrk', ['-t1', '-c32', `-d${seconds}s`, `${url}/schemas/ids/1`], { timeoutMs: 120_000 })
  if (/Non-2xx/.test(output)) throw new Error(output)
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(output)![1])
}

async function benchRegistry (): Promise<void> {
  const bytes = await (await fetch(`${server.http}/schemas/ids/1`)).text()
  const bare = spawn(process.execPath, [new URL('support/bare.ts', import.meta.url).pathname, bytes], { stdio: ['ignore', 'pipe', 'inherit'] })
  const url = await new Promise<string>(resolve => bare.stdout.setEncoding('utf8').once('data', (text: string) => resolve(text.trim())))
  const taken = { ours: [] as number[], bare: [] as number[] }
  try {
    for (const one of [server.http, url]) await ask(one, '2')
    for (let i = 0; i < rounds; i++) {
      const inTurn = [async () => { taken.ours.push(await ask(server.http)) }, async () => { taken.bare.push(await ask(url)) }]
      for (const one of i % 2 === 0 ? inTurn : inTurn.reverse()) await one()
    }
  } finally {
    bare.kill('SIGKILL')
  }
  printTable([
    ['GET /schemas/ids/1', 'requests/s', 'ratio'],
    ['bare Fastify', median(taken.bare), ''],
    ['Barnabas', median(taken.ours), show(ratio(taken.ours, taken.bare))]
  ])
}

async function benchProduce (id: number): Promise<void> {
  const rows: (string | number)[][] = [['payload validation', 'records/s without', 'with', 'ratio', 'per CPU-second, ratio']]
  for (const compression of ['none', 'zstd']) {
    const taken = { checked: [] as Throughput[], unchecked: [] as Throughput[] }
    for (const topic of ['checked', 'unchecked'] as const) await produce(topic, id, compression) // warm
    for (let i = 0; i < rounds; i++) {
      for (const topic of i % 2 === 0 ? ['checked', 'unchecked'] as const : ['unchecked', 'checked'] as const) {
        taken[topic].push(await produce(topic, id, compression))
      }
    }
    const speed = (topic: keyof typeof taken): number[] => taken[topic].map(one => one.recordsPerSecond)
    const cost = (topic: keyof typeof taken): number[] => taken[topic].map(one => one.recordsPerCpuSecond)
    rows.push([`${orderBytes(id, 0).length} B Avro, ${compression}`, median(speed('unchecked')), median(speed('checked')),
      show(ratio(speed('checked'), speed('unchecked'))), show(ratio(cost('checked'), cost('unchecked')))])
  }
  printTable(rows)
}

const show = (of: ReturnType<typeof ratio>): string => `${round(of.median)} (${round(of.least)}-${round(of.most)})`

try {
  const ids: number[] = []
  for (const topic of ['checked', 'unchecked']) {
    await send('PUT', `/topics/${topic}`, { partitions: 4 })
    ids.push((await send('POST', `/subjects/${topic}-value/versions`, { schema: orderSchema }) as { id: number }).id)
  }
  await send('PUT', '/topics/checked/validation', { value: 'payload' })
  // First: a gigabyte that is being written to the disk would be measured with it.
  if (values.only !== 'produce') await benchRegistry()
  if (values.only !== 'registry') await benchProduce(ids[0]!)
} finally {
  await server.stop()
}
