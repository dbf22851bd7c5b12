/**
 * What strangers and clients cannot have more of: connections, and memory for what they send.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import t from 'tap'
import { Produce } from '../../../protocol/messages/00-produce.ts'
import { Fetch } from '../../../protocol/messages/01-fetch.ts'
import { Metadata } from '../../../protocol/messages/03-metadata.ts'
import type { Request } from '../../../protocol/schema.ts'
import { ConnectionLimits, defaultConnectionBounds } from '../../../src/access/connections.ts'
import { DEFAULT_BYTES_PER_PRINCIPAL, MemoryBudget } from '../../../src/access/memory-budget.ts'
import { Silence } from '../../../src/kafka/silence.ts'
import { fakeSasl, login, saslDoor } from './sasl.ts'
import { deferred, openDoor, poll, produce, requestFrame, settled, until } from './wire.ts'

const KIB = 1024
const MIB = 1024 * KIB

const gone = (socket: Socket): Promise<void> => new Promise(resolve => socket.on('error', () => {}).resume().once('close', () => resolve()))
const large = (id: number, bytes = MIB): Buffer => requestFrame(Produce, 9, id, produce(-1, 't', Buffer.alloc(bytes)))

// ---- connections

t.test('one address has so many connections, and another as many', async t => {
  const door = await openDoor(t, { bounds: { maxPerAddress: 2 } })
  const own = [await door.open(), await door.open()]
  for (const wire of own) await wire.ping()
  await gone(connect(door.port, '127.0.0.1'))
  await door.ended('too_many_per_address')
  t.match(door.logs.at(-1), { level: 40, address: '127.0.0.1', msg: 'A connection was refused: 2 from its address are open, which is the limit.' })
  await (await door.open('127.0.0.2')).ping()
  own[0]!.socket.destroy()
  await until(() => door.stats.connections === 2)
  await (await door.open()).ping()
})

t.test('an address that connects too often is let go unread after a while, and nobody else notices', async t => {
  const door = await openDoor(t, { bounds: { ratePerAddress: 5 }, limits: { refusalDelayMs: 200 } })
  const start = performance.now()
  const flood = Array.from({ length: 50 }, () => connect(door.port, '127.0.0.1'))
  for (const socket of flood) socket.write('GET / HTTP/1.1\r\n\r\n')
  const ends = Promise.all(flood.map(gone))
  const honest = await door.open('127.0.0.2')
  await honest.ping()
  t.ok(performance.now() - start < 190, 'while the others wait')
  await ends
  t.ok(performance.now() - start >= 199)
  t.ok(door.stats.disconnects.too_fast >= 40 && door.stats.disconnects.too_fast <= 45, `${door.stats.disconnects.too_fast}`)
  t.equal(door.stats.bytesIn, (50 - door.stats.disconnects.too_fast) * 18 + 22, 'what was let in was read, and one ping')
  t.ok(door.logs.filter(({ msg }) => /connects more often than it may/.test(msg)).length <= 10)
})

t.test('a quota of the address takes the place of the rate', async t => {
  const connections = new ConnectionLimits(defaultConnectionBounds, address => address === '127.0.0.2' ? 1 : null)
  const door = await openDoor(t, { connections, limits: { refusalDelayMs: 1 } })
  await (await door.open('127.0.0.2')).ping()
  await gone(connect({ port: door.port, host: '127.0.0.1', localAddress: '127.0.0.2' }))
  await door.ended('too_fast')
  await (await door.open()).ping()
})

t.test('want of file descriptors does not stop the listener', async t => {
  const program = `
    import { pino } from 'pino'
    import { ConnectionLimits, defaultConnectionBounds } from '${new URL('../../../src/access/connections.ts', import.meta.url).href}'
    import { MemoryBudget } from '${new URL('../../../src/access/memory-budget.ts', import.meta.url).href}'
    import { createKafkaListener, defaultKafkaLimits } from '${new URL('../../../src/kafka/listener.ts', import.meta.url).href}'
    import { KafkaStats } from '${new URL('../../../src/kafka/stats.ts', import.meta.url).href}'
    const listener = createKafkaListener({
      name: 'test', protocol: 'PLAINTEXT', tls: null, identityOf: null, sasl: null, mechanisms: [], maxReauthMs: 0, work: null,
      connections: new ConnectionLimits(defaultConnectionBounds), memory: new MemoryBudget(1e9, 1e9),
      dispatch: async () => ({ throttleTimeMs: 0, brokers: [], clusterId: '', controllerId: 0, topics: [] }),
      supports: new Map([[3, [0, 12]]]), host: '127.0.0.1', port: 0, advertised: null, logger: pino({ level: 'silent' }),
      stats: new KafkaStats(), httpHint: null, limits: defaultKafkaLimits
    })
    await listener.listen()
    console.log(listener.address.port)`
  const child = spawn('sh', ['-c', 'ulimit -n 64; exec "$0" --input-type=module -e "$1"', process.execPath, program], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  const [port] = await once(createInterface(child.stdout), 'line') as [string]
  const sockets = Array.from({ length: 150 }, () => connect(Number(port), '127.0.0.1'))
  let ended = 0
  for (const socket of sockets) gone(socket).then(() => { ended++ })
  await until(() => sockets.every(socket => !socket.connecting))
  await settled(() => ended || 1)
  for (const socket of sockets) socket.destroy()
  const metadata = requestFrame(Metadata, 1, 1, { topics: [] })
  for (let attempt = 0; ; attempt++) {
    const socket = connect(Number(port), '127.0.0.1')
    socket.on('error', () => {})
    socket.write(metadata)
    const answer = await Promise.race([once(socket, 'data').catch(() => null), gone(socket).then(() => null)])
    socket.destroy()
    if (answer !== null) break
    if (attempt === 100) return t.fail('nothing is accepted any more')
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  t.equal(child.exitCode, null)
})

// ---- memory

t.test('a thousand connections that announce 100 MiB each cost next to nothing', async t => {
  const memory = new MemoryBudget(4096 * MIB, DEFAULT_BYTES_PER_PRINCIPAL)
  const door = await openDoor(t, { memory, bounds: { ratePerAddress: 10_000 } })
  globalThis.gc?.()
  const before = process.memoryUsage()
  const sockets: Socket[] = []
  for (let i = 0; i < 1000; i++) {
    const socket = connect(door.port, '127.0.0.1')
    t.teardown(() => socket.destroy())
    await once(socket, 'connect')
    socket.write(Buffer.from([0x06, 0x40, 0, 0]))
    sockets.push(socket)
  }
  await until(() => door.stats.bytesIn === 4000)
  t.match(memory.stats, { reservedBytes: 0, waiting: 0 }, 'nothing is reserved for what was only announced')

  const part = Buffer.alloc(512 * KIB)
  for (const socket of sockets.slice(0, 100)) socket.write(part)
  await until(() => memory.stats.waiting === 99)
  t.equal(memory.stats.reservedBytes, 100 * MIB + 4, 'one of them is let through: it is larger than what its address may have')
  const read = await settled(() => door.stats.bytesIn)
  t.ok(read <= 99 * 192 * KIB + MIB, `${read} bytes were read`)
  const after = process.memoryUsage()
  const grown = (key: 'rss' | 'heapUsed' | 'arrayBuffers'): number => (after[key] - before[key]) / MIB
  t.ok(grown('rss') <= 128, `RSS +${grown('rss').toFixed()} MiB`)
  t.ok(grown('heapUsed') <= 64, `heap +${grown('heapUsed').toFixed()} MiB`)
  t.ok(grown('arrayBuffers') <= 32, `buffers +${grown('arrayBuffers').toFixed()} MiB`)

  await (await door.open('127.0.0.2')).ping()
  const neighbour = await door.open('127.0.0.2')
  neighbour.write(large(1))
  t.equal((await neighbour.answer(Produce, 9)).correlationId, 1, 'another address has room')
  for (const socket of sockets) socket.destroy()
  await until(() => memory.stats.reservedBytes === 0 && memory.stats.waiting === 0)
  t.equal(memory.stats.principals, 0)
})

t.test('many connections and little memory: everything is answered, and never is more reserved than there is', async t => {
  const memory = new MemoryBudget(MIB, 600 * KIB)
  let most = 0
  let answered = 0
  const door = await openDoor(t, {
    ...saslDoor(fakeSasl()),
    memory,
    bounds: { ratePerAddress: 10_000 },
    async answer (_api, request) {
      most = Math.max(most, memory.stats.reservedBytes)
      await new Promise(resolve => setTimeout(resolve, 1))
      answered += (request as Request<typeof Produce>).topicData[0]!.partitionData[0]!.records![0]!.length
      return { responses: [] }
    }
  })
  const sizes = [1, 70 * KIB, 300 * KIB, 10 * KIB, 700 * KIB, 100 * KIB]
  await Promise.all(Array.from({ length: 40 }, async (_, i) => {
    const wire = await door.open()
    await login(wire, `user-${i % 5}`)
    for (const [id, bytes] of sizes.entries()) wire.write(large(id, bytes))
    for (const id of sizes.keys()) if ((await wire.answer(Produce, 9)).correlationId !== id) t.fail('out of order')
  }))
  t.equal(answered, 40 * sizes.reduce((sum, bytes) => sum + bytes))
  t.ok(most > 0 && most <= MIB, `${most} bytes`)
  t.ok(memory.stats.waitedTotal > 0)
  t.match(memory.stats, { reservedBytes: 0, waiting: 0, principals: 0 })
})

t.test('who finds no room is not read from, until another has been answered', async t => {
  const memory = new MemoryBudget(4 * MIB, 4 * MIB)
  const hold = deferred<object>()
  const door = await openDoor(t, { memory, answer: () => hold.promise })
  const [one, two] = [await door.open(), await door.open()]
  one.write(large(1, 3 * MIB))
  await until(() => door.stats.bytesIn > 3 * MIB)
  const before = door.stats.bytesIn
  two.write(large(1, 3 * MIB))
  await until(() => memory.stats.waiting === 1)
  await settled(() => door.stats.bytesIn)
  t.ok(door.stats.bytesIn - before <= 128 * KIB, `${door.stats.bytesIn - before} bytes were read`)
  hold.resolve({ responses: [] })
  await one.answer(Produce, 9)
  await two.answer(Produce, 9)
  t.equal(memory.stats.reservedBytes, 0)
})

t.test('small requests pass while others wait for room', async t => {
  const memory = new MemoryBudget(MIB, MIB)
  t.equal(memory.reserve('127.0.0.1', MIB), true)
  const door = await openDoor(t, { memory })
  const waiting = await door.open()
  waiting.write(large(1))
  await until(() => memory.stats.waiting === 1)
  const small = await door.open()
  for (let i = 0; i < 100; i++) await small.ping(i)
  small.write(large(7, 60 * KIB))
  t.equal((await small.answer(Produce, 9)).correlationId, 7)
  memory.release('127.0.0.1', MIB)
  t.equal((await waiting.answer(Produce, 9)).correlationId, 1)
})

t.test('whoever leaves, stalls or sends nonsense gives back what it has', async t => {
  const memory = new MemoryBudget(10 * MIB, 10 * MIB)
  const door = await openDoor(t, { memory, limits: { partialFrameTimeoutMs: 200 } })
  const half = large(1, 2 * MIB).subarray(0, MIB)
  const reserved = (bytes: number): Promise<void> => until(() => memory.stats.reservedBytes === bytes)

  for (const leave of ['resetAndDestroy', 'end', 'destroy'] as const) {
    const wire = await door.open()
    wire.write(half)
    await until(() => memory.stats.reservedBytes > 0)
    wire.socket[leave]()
    await reserved(0)
  }
  const stalled = await door.open()
  stalled.write(half)
  await until(() => memory.stats.reservedBytes > 0)
  await stalled.closed()
  await door.ended('partial_frame')
  await reserved(0)

  const nonsense = await door.open()
  nonsense.write(large(1).fill(0xff, 12))
  await nonsense.closed()
  await door.ended('protocol')
  await reserved(0)

  // While it waits, and while it is in the engine.
  t.equal(memory.reserve('127.0.0.1', 10 * MIB), true)
  const waiting = await door.open()
  waiting.write(half)
  await until(() => memory.stats.waiting === 1)
  const closed = door.listener.close(50)
  await closed
  await until(() => memory.stats.waiting === 0)
  t.equal(memory.stats.reservedBytes, 10 * MIB)
})

t.test('what is in the engine stays reserved when its client has left', async t => {
  const memory = new MemoryBudget(10 * MIB, 10 * MIB)
  const hold = deferred<object>()
  const door = await openDoor(t, { memory, answer: () => hold.promise })
  const wire = await door.open()
  wire.write(large(1))
  await until(() => door.stats.bytesIn > MIB)
  wire.socket.resetAndDestroy()
  await until(() => door.stats.connections === 0)
  t.ok(memory.stats.reservedBytes > MIB)
  hold.resolve({ responses: [] })
  await until(() => memory.stats.reservedBytes === 0)
})

t.test('behind a request that waits, no more is read than there is room for', async t => {
  const memory = new MemoryBudget(MIB, MIB)
  t.equal(memory.reserve('127.0.0.1', MIB), true)
  const hold = deferred<object>()
  const door = await openDoor(t, { memory, answer: api => api === Fetch ? hold.promise : { responses: [] } })
  const wire = await door.open()
  wire.send(Fetch, 12, 1, poll)
  wire.write(large(2, 8 * MIB))
  const read = await settled(() => door.stats.bytesIn)
  t.ok(read <= 192 * KIB, `${read} bytes were read`)
  t.equal(memory.stats.waiting, 0, 'what need not be read yet does not stand in the queue')
  memory.release('127.0.0.1', MIB)
  hold.resolve({ responses: [] })
  t.equal((await wire.answer(Fetch, 12)).correlationId, 1)
  t.equal((await wire.answer(Produce, 9)).correlationId, 2)
  await until(() => memory.stats.reservedBytes === 0)
})

t.test('slowloris: a byte now and then is no progress, within a frame small or large', async t => {
  const door = await openDoor(t, { limits: { partialFrameTimeoutMs: 300 } })
  const start = performance.now()
  const sockets = Array.from({ length: 20 }, () => connect(door.port, '127.0.0.1'))
  for (const [i, socket] of sockets.entries()) socket.write(i % 2 === 0 ? Buffer.from([0, 0, 4, 0]) : Buffer.from([0, 0x40, 0, 0]))
  const talking = setInterval(() => { for (const socket of sockets) socket.write(Buffer.from([1])) }, 50)
  const good = await door.open()
  const ends = Promise.all(sockets.map(gone))
  for (let i = 0; i < 20; i++) await good.ping(i)
  await ends
  clearInterval(talking)
  t.ok(performance.now() - start < 1300, 'within a second of the limit')
  await door.ended('partial_frame', 20)
  t.equal(door.memory.stats.reservedBytes, 0)
})

t.test('the more memory a frame keeps from others, the faster it must come', async t => {
  const silence = (): Silence => new Silence({ idleTicks: 1000, partialFrameTicks: 10, partialFrameBytes: 1000, lingerTicks: 10 })
  const verdicts = (bytesPerTick: number, reserved: number): unknown[] => {
    const one = silence()
    return Array.from({ length: 20 }, () => {
      one.broken(bytesPerTick)
      return one.tick(true, reserved)
    }).filter(verdict => verdict !== null)
  }
  t.same(verdicts(101, 0), [])
  t.same(verdicts(99, 0), ['partial_frame', 'partial_frame'])
  t.same(verdicts(101, 100_000), ['partial_frame', 'partial_frame'])
  t.same(verdicts(501, 100_000), [])
})
