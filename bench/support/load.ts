/**
 * A client that takes as much as it is given, as a process of its own: every line that it prints is how many bytes it has
 * moved so far.
 *
 *   node bench/support/load.ts native|http produce|fetch HOST:PORT USER TOPIC CONNECTIONS
 *
 * What it produces is random enough, in requests of 64 KiB; what it fetches, it fetches from the beginning again and again.
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { writeRequest } from '../../protocol/frame.ts'
import { Produce } from '../../protocol/messages/00-produce.ts'
import { Fetch } from '../../protocol/messages/01-fetch.ts'
import { buildBatch } from '../../protocol/records.ts'
import { basic, connectAs } from './guarded.ts'

const [door, way, address, user, topic, connections] = process.argv.slice(2) as [string, string, string, string, string, string]

const REQUEST_BYTES = 64 * 1024
const RECORD_BYTES = 1024
const FETCH_BYTES = 512 * 1024
const REPORT_EVERY_MS = 100

let moved = 0
setInterval(() => process.stdout.write(`${performance.timeOrigin + performance.now()} ${moved}\n`), REPORT_EVERY_MS)

async function produceNatively (): Promise<void> {
  const connection = await connectAs(address, user)
  const values = Array.from({ length: REQUEST_BYTES / RECORD_BYTES }, () => ({ key: null, value: randomBytes(RECORD_BYTES) }))
  const records = [buildBatch(values).bytes]
  const request = { acks: -1, timeoutMs: 60_000, topicData: [{ name: topic, partitionData: [{ index: 0, records }] }] }
  // A quota on what is produced counts requests, headers and all.
  const bytes = Buffer.concat(writeRequest(Produce, 9, 0, 'load', request)).length
  for (;;) {
    const { responses } = await connection.send(Produce, 9, request, 'load')
    if (responses[0]?.partitionResponses[0]?.errorCode !== 0) throw new Error(JSON.stringify(responses))
    moved += bytes
  }
}

async function fetchNatively (): Promise<void> {
  const connection = await connectAs(address, user)
  for (let offset = 0; ;) {
    const { responses } = await connection.send(Fetch, 12, {
      maxWaitMs: 500,
      minBytes: 1,
      maxBytes: FETCH_BYTES,
      isolationLevel: 0,
      topics: [{ topic, partitions: [{ partition: 0, fetchOffset: offset, partitionMaxBytes: FETCH_BYTES }] }],
      forgottenTopicsData: []
    }, 'load')
    const [partition] = responses[0]?.partitions ?? []
    if (partition !== undefined && partition.errorCode !== 0) throw new Error(`Fetch: ${partition.errorCode}`)
    const records = Buffer.concat(partition?.records ?? [])
    moved += records.length
    offset += wholeRecords(records)
    if (partition !== undefined && offset >= partition.highWatermark) offset = 0
  }
}

/** Records in the whole batches of what was fetched. */
function wholeRecords (bytes: Buffer): number {
  let count = 0
  for (let at = 0; at + 61 <= bytes.length;) {
    const length = 12 + bytes.readInt32BE(at + 8)
    if (at + length > bytes.length) break
    count += bytes.readInt32BE(at + 57)
    at += length
  }
  return count
}

const agent = new Agent({ keepAlive: true, maxSockets: Number(connections) })
const [host, port] = address.split(':')

function ask (method: string, path: string, headers: Record<string, string>, body?: Buffer): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    httpRequest({ host, port, method, path, agent, headers: { authorization: basic(user), ...headers } }, resolve).on('error', reject).end(body)
  })
}

/** Waits as long as a 429 asks for. */
async function held (response: IncomingMessage): Promise<void> {
  response.resume()
  if (response.statusCode !== 429) throw new Error(`HTTP ${response.statusCode}`)
  await sleep(Number(response.headers['retry-after']) * 1000)
}

async function produceOverHttp (): Promise<void> {
  const body = randomBytes(REQUEST_BYTES)
  for (;;) {
    const response = await ask('POST', `/topics/${topic}/records`, { 'content-type': 'application/octet-stream' }, body)
    if (response.statusCode === 201) {
      moved += body.length
      await once(response.resume(), 'end')
    } else await held(response)
  }
}

async function fetchOverHttp (): Promise<void> {
  for (;;) {
    const response = await ask('GET', `/topics/${topic}/records?from=earliest&wait=0`, { accept: 'application/x-ndjson' })
    if (response.statusCode !== 200) {
      await held(response)
      continue
    }
    // A quota on what is read over HTTP counts what is sent.
    for await (const chunk of response as AsyncIterable<Buffer>) moved += chunk.length
  }
}

const work = new Map([
  ['native produce', produceNatively], ['native fetch', fetchNatively], ['http produce', produceOverHttp], ['http fetch', fetchOverHttp]
]).get(`${door} ${way}`)
if (work === undefined) throw new Error(`${door} ${way}?`)
await Promise.all(Array.from({ length: Number(connections) }, work))
