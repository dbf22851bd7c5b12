/**
 * A producer that sends the same batch of framed Avro records again and again, as a process of its own, so that all that is
 * measured is the server. Prints records a second and the seconds that it took.
 *
 *   node bench/support/batches.ts HOST:PORT TOPIC SCHEMA_ID none|zstd SECONDS
 */
import { Produce } from '../../protocol/messages/00-produce.ts'
import { buildBatch } from '../../protocol/records.ts'
import { connectAs } from './guarded.ts'
import { orderBytes } from './orders.ts'

const [address, topic, id, compression, seconds] = process.argv.slice(2) as [string, string, string, 'none' | 'zstd', string]

const BATCH_BYTES = 16 * 1024
const CONNECTIONS = 8

const values: Buffer[] = []
for (let bytes = 0; bytes < BATCH_BYTES;) {
  const value = orderBytes(Number(id), values.length)
  values.push(value)
  bytes += value.length
}
const records = [buildBatch(values.map(value => ({ key: null, value })), { compression }).bytes]

let sent = 0
let until = Infinity
async function produce (partition: number): Promise<void> {
  const connection = await connectAs(address, null)
  const request = { acks: -1, timeoutMs: 60_000, topicData: [{ name: topic, partitionData: [{ index: partition, records }] }] }
  while (performance.now() < until) {
    const { responses } = await connection.send(Produce, 9, request, 'bench')
    if (responses[0]?.partitionResponses[0]?.errorCode !== 0) throw new Error(JSON.stringify(responses))
    sent += values.length
  }
  connection.destroy()
}

const startedMs = performance.now()
until = startedMs + Number(seconds) * 1000
await Promise.all(Array.from({ length: CONNECTIONS }, (_, i) => produce(i % 4)))
const tookSeconds = (performance.now() - startedMs) / 1000
process.stdout.write(`${sent / tookSeconds} ${tookSeconds}\n`)
