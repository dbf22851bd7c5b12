/**
 * Nonsense from the network: for every api and version, frames that are damaged, cut off or made up, first at the codec,
 * then at a live listener. What may come of it is a ProtocolError or a closed connection, and nothing else.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t, { type Test } from 'tap'
import { apis } from '../../protocol/apis.ts'
import { FrameSplitter, readRequest, readRequestHeader, writeRequest } from '../../protocol/frame.ts'
import { Fetch } from '../../protocol/messages/01-fetch.ts'
import { Metadata } from '../../protocol/messages/03-metadata.ts'
import { MAX_ELEMENTS, ProtocolError, Reader } from '../../protocol/reader.ts'
import type { Api, RequestInput } from '../../protocol/schema.ts'
import { openDoor, requestFrame, type Door } from '../src/kafka/wire.ts'
import { framed, hostileLengths, mutate, overwrite, Random, seed, validFrames } from './mutate.ts'

const MiB = 1024 * 1024
const LENGTH_BYTES = 4

/** All of this comes from one address, and faster than that is let in otherwise. */
const UNHURRIED = { ratePerAddress: 100_000 }

t.comment(`FUZZ_SEED=${seed}`)

const versionsOf = ({ versions: [min, max] }: Api): number[] => Array.from({ length: max - min + 1 }, (_, i) => min + i)
const pairs = apis.flatMap(api => versionsOf(api).map(version => ({ api, version })))

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void

/** Twice, because array buffers are freed a turn after the objects that held them. */
async function collect (): Promise<void> {
  gc()
  await new Promise(setImmediate)
  gc()
}

/** Bytes that the process holds, whoever holds them and whether or not it needs them. */
function heldBytes (): number {
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** Reads a request body as the listener would. Throws. */
function read (api: Api, version: number, body: Buffer): void {
  const reader = new Reader(body)
  readRequestHeader(reader)
  readRequest(api, version, reader)
}

/** Whether a body was accepted. Anything but a ProtocolError goes through. */
function accepts (api: Api, version: number, body: Buffer): boolean {
  try {
    read(api, version, body)
    return true
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw new Error(`${api.name} v${version}: ${body.toString('hex')}`, { cause: error })
    return false
  }
}

t.test('every api and version is read back as it was written', async t => {
  for (const { api, version } of pairs) {
    for (const frame of validFrames(api, version, 10)) {
      const reader = new Reader(frame, LENGTH_BYTES)
      readRequestHeader(reader)
      const again = Buffer.concat(writeRequest(api, version, 1, 'fuzz', readRequest(api, version, reader) as RequestInput<Api>))
      if (!again.equals(frame)) t.equal(again.toString('hex'), frame.toString('hex'), `${api.name} v${version}`)
    }
  }
  t.ok(pairs.length > 100)
})

t.test('damaged frames are refused by name, or are frames', async t => {
  const random = new Random(seed)
  const counts = { accepted: 0, refused: 0 }
  for (const { api, version } of pairs) {
    const frames = validFrames(api, version, 8)
    for (let i = 0; i < 400; i++) {
      const valid = frames[random.below(frames.length)]!.subarray(LENGTH_BYTES)
      const body = i % 10 === 0 ? Buffer.concat([valid.subarray(0, 10), random.bytes(random.below(100))]) : mutate(random, valid)
      if (accepts(api, version, body)) counts.accepted++
      else counts.refused++
    }
  }
  t.comment(counts)
  t.ok(counts.accepted > 0 && counts.refused > counts.accepted)
})

t.test('a hostile length, wherever it stands, is refused without memory', async t => {
  for (const { api, version } of pairs) {
    const [body] = validFrames(api, version, 1).map(frame => frame.subarray(LENGTH_BYTES))
    const before = heldBytes()
    for (const length of hostileLengths) {
      for (let at = 10; at < body!.length; at++) accepts(api, version, overwrite(body!, at, length))
    }
    const grown = heldBytes() - before
    if (grown > 64 * MiB) t.fail(`${api.name} v${version} took ${grown} bytes`)
  }
  t.pass('no allocation followed a length')
})

t.test('an array of 2^31 elements is refused at its count', async t => {
  const cases = [
    [8, '7fffffff', /an array of 2147483647 elements cannot fit the 0 bytes left/],
    [8, '80000000', /a negative length: -2147483648/],
    [9, '8080808008', /an array of 2147483647 elements cannot fit/],
    [9, 'ffffffff0f', /an array of 4294967294 elements cannot fit/],
    [9, 'ffffffff7f', /does not fit 32 bits/],
    [9, '80808080808000', /does not fit 32 bits/]
  ] as const
  for (const [version, count, message] of cases) {
    const tags = version === 9 ? '00' : ''
    t.throws(() => read(Metadata, version, Buffer.from(`0003000${version}00000001ffff${tags}${count}`, 'hex')), { name: 'ProtocolError', message })
  }
})

t.test('there are bounds on the elements of a frame that does hold them', async t => {
  const frame = (count: number): Buffer => {
    const head = Buffer.from('0003000800000001ffff00000000', 'hex')
    head.writeInt32BE(count, 10)
    return Buffer.concat([head, Buffer.alloc(2 * count + 3)]) // so many topics without a name
  }
  read(Metadata, 8, frame(MAX_ELEMENTS))
  t.throws(() => read(Metadata, 8, frame(MAX_ELEMENTS + 1)), /more than 250000 array elements in one frame/)
})

t.test('tags that nobody knows are counted, because they cost more to keep than to send', async t => {
  const tags = Buffer.concat(Array.from({ length: 64 }, (_, tag) => Buffer.of(tag, 0)))
  const topic = Buffer.concat([Buffer.alloc(16), Buffer.of(0, 64), tags]) // its id, no name, 64 tags
  const count = 65_000
  const body = Buffer.concat([Buffer.from('0003000c00000001ffff00' + 'e9fb03', 'hex'), ...Array.from({ length: count }, () => topic)])
  t.throws(() => read(Metadata, 12, body), /more than 250000 array elements in one frame/)
})

t.test('a frame that comes byte by byte takes no more than its bytes', async t => {
  const frame = framed(Buffer.alloc(MiB, 'x'))
  const bytes = Array.from({ length: 256 }, (_, i) => Buffer.of(i))
  const splitter = new FrameSplitter()
  await collect()
  const before = heldBytes()
  for (const byte of frame.subarray(0, -1)) splitter.push(bytes[byte]!)
  t.equal(splitter.next(), null)
  await collect()
  const grown = heldBytes() - before
  t.ok(grown < 2 * MiB, `${grown} bytes are held for ${frame.length}`)
  splitter.push(bytes[frame.at(-1)!]!)
  t.ok(splitter.next()?.equals(frame.subarray(LENGTH_BYTES)))
})

// ---- at a live listener

/** Sends bytes and a FIN on a connection of their own, and waits for its end. */
async function sendAlone (door: Door, bytes: Buffer): Promise<void> {
  const wire = await door.open()
  const closed = new Promise<void>(resolve => wire.socket.once('close', () => resolve()))
  wire.socket.on('error', () => {})
  wire.socket.end(bytes)
  await closed
}

function assertCalm (t: Test, door: Door): void {
  t.same(door.logs.filter(line => line.level >= 50), [], 'nothing failed unexpectedly')
  t.equal(door.stats.disconnects.failure, 0)
}

t.test('a listener answers or closes, whatever is sent to it, and goes on serving', async t => {
  const random = new Random(seed + 1)
  const door = await openDoor(t, { bounds: UNHURRIED })
  const good = await door.open()
  for (const { api, version } of pairs) {
    const frames = validFrames(api, version, 3)
    const damaged = frames.map(frame => random.below(2) === 0 ? mutate(random, frame) : framed(mutate(random, frame.subarray(LENGTH_BYTES))))
    await Promise.all([...frames, ...damaged, random.bytes(random.below(200))].map(bytes => sendAlone(door, bytes)))
    await good.ping(version)
  }
  assertCalm(t, door)
  t.comment({ ...door.stats.disconnects })
})

t.test('hostile lengths and half frames cost a listener neither memory nor its clients', async t => {
  const count = 200
  const door = await openDoor(t, { limits: { partialFrameTimeoutMs: 1000 }, bounds: UNHURRIED })
  const good = await door.open()
  await good.ping()
  const half = requestFrame(Fetch, 12, 1, { maxWaitMs: 0, minBytes: 0, topics: [] })
  const kinds: { readonly name: string, readonly bytes: Buffer, readonly cause: 'not_kafka' | 'protocol' | 'partial_frame' }[] = [
    { name: '2 GB announced', bytes: Buffer.from('7fffffff00030009', 'hex'), cause: 'not_kafka' },
    { name: '2^31 topics', bytes: framed(Buffer.from('0003000800000001ffff7fffffff', 'hex')), cause: 'protocol' },
    { name: '100 MiB announced, and silence', bytes: Buffer.from('06400000', 'hex'), cause: 'partial_frame' },
    { name: 'half a frame, and silence', bytes: half.subarray(0, half.length / 2), cause: 'partial_frame' }
  ]
  for (const { name, bytes, cause } of kinds) {
    const wires = await Promise.all(Array.from({ length: count }, () => door.open()))
    await good.ping()
    const before = process.memoryUsage()
    const ended = door.stats.disconnects[cause] + count
    for (const wire of wires) wire.socket.on('error', () => {}).write(bytes)
    while (door.stats.disconnects[cause] < ended) {
      await good.ping()
      const { rss, arrayBuffers } = process.memoryUsage()
      if (rss - before.rss > 64 * MiB || arrayBuffers - before.arrayBuffers > 32 * MiB) return t.fail(`${name}: grew by ${rss - before.rss} bytes`)
      await new Promise(resolve => setTimeout(resolve, 5))
    }
    t.equal(door.stats.connections, 1, name)
  }
  assertCalm(t, door)
  t.ok(door.logs.length < 40, `${door.logs.length} lines were logged about ${kinds.length * count} connections`)
})
