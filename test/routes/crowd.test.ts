/**
 * Many peers at once: connections, header fields and memory, each up to its limit.
 */
import t, { type Test } from 'tap'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { ConnectionLimits } from '../../src/access/connections.ts'
import { MemoryBudget } from '../../src/access/memory-budget.ts'
import { openDoor } from '../support/http-door.ts'
import { until } from '../support/until.ts'

interface Dialled { readonly socket: Socket, readonly text: () => string }

async function dial (t: Test, base: string): Promise<Dialled> {
  const { hostname, port } = new URL(base)
  const socket = connect(Number(port), hostname)
  t.teardown(() => socket.destroy())
  let text = ''
  socket.on('data', (chunk: Buffer) => { text += chunk.toString() })
  socket.on('error', () => {})
  await once(socket, 'connect')
  return { socket, text: () => text }
}

const bounds = { max: 1000, maxPerAddress: 1000, maxPerPrincipal: 1000, ratePerAddress: 1000 }

for (const [title, limits, detail] of [
  ['in all', { ...bounds, max: 2 }, /as many connections as it may have/],
  ['from one address', { ...bounds, maxPerAddress: 2 }, /from your address/],
  ['too fast', { ...bounds, ratePerAddress: 2 }, /too fast/]
] as const) {
  t.test(`too many connections, ${title}`, async t => {
    let now = 0
    const connections = new ConnectionLimits(limits, () => null, () => now)
    const { listen, log } = await openDoor(t, { door: { connections } })
    const base = await listen()
    const [first] = [await dial(t, base), await dial(t, base)]
    await until(() => connections.stats.open === 2)
    const third = await dial(t, base)
    third.socket.write('POST /topics/t HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx')
    await once(third.socket, 'close')
    if (third.text() !== '') {
      t.match(third.text(), /^HTTP\/1\.1 503 /)
      t.match(third.text(), /urn:barnabas:problem:not-available/)
      t.match(third.text(), detail)
    }
    t.equal(log.topics.size, 0, 'what it sent was not obeyed')
    first.socket.destroy()
    await until(() => connections.stats.open === 1)
    now += 10_000
    const next = await dial(t, base)
    next.socket.write('GET /livez HTTP/1.1\r\nHost: x\r\n\r\n')
    await until(() => next.text() !== '')
    t.match(next.text(), /^HTTP\/1\.1 200 /)
  })
}

t.test('a peer that is turned away and waits is told why', async t => {
  const { listen } = await openDoor(t, { door: { connections: new ConnectionLimits({ ...bounds, max: 0 }) } })
  const { socket, text } = await dial(t, await listen())
  await once(socket, 'close')
  t.match(text(), /^HTTP\/1\.1 503 [\s\S]*retry-after: 1\r\n[\s\S]*as many connections as it may have/)
})

t.test('a hundred header fields, on every route', async t => {
  const { inject } = await openDoor(t)
  const fields = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`x-${i}`, '1']))
  for (const url of ['/topics', '/topics/t/records', '/v3/clusters']) {
    t.equal((await inject({ url, headers: fields(120) })).statusCode, 431, url)
  }
  t.equal((await inject({ url: '/topics', headers: fields(80) })).statusCode, 200)
})

t.test('large bodies wait for room before they are read', async t => {
  const memory = new MemoryBudget(300_000, 300_000)
  const { listen, log } = await openDoor(t, { door: { memory } })
  const base = await listen()
  const size = 200_000
  const post = async (): Promise<Dialled> => {
    const peer = await dial(t, base)
    peer.socket.write(`POST /topics/t HTTP/1.1\r\nHost: x\r\nContent-Length: ${size}\r\n\r\n`)
    return peer
  }
  const slow = await post()
  await until(() => memory.stats.reservedBytes === size)
  const second = await post()
  second.socket.write(Buffer.alloc(size, 'b'))
  await until(() => memory.stats.waiting === 1)
  const leaving = await post()
  await until(() => memory.stats.waiting === 2)
  leaving.socket.destroy()
  await until(() => memory.stats.waiting === 1)
  t.equal((await fetch(`${base}/topics/t`, { method: 'POST', body: 'small' })).status, 201, 'small ones need not wait')
  t.same(log.values('t'), ['small'])
  slow.socket.write(Buffer.alloc(size, 'a'))
  await until(() => second.text() !== '')
  t.match(slow.text(), /^HTTP\/1\.1 201 /)
  t.match(second.text(), /^HTTP\/1\.1 201 /)
  t.same(log.values('t').map(value => value![0]), ['s', 'a', 'b'])
  await until(() => memory.stats.reservedBytes === 0)
})

t.test('what is given back is what was taken, whatever becomes of the request', async t => {
  const memory = new MemoryBudget(10_000_000, 10_000_000)
  const { listen } = await openDoor(t, { door: { memory, maxBodyBytes: 1_000_000 } })
  const base = await listen()
  const body = Buffer.alloc(100_000)
  t.equal((await fetch(`${base}/nowhere`, { method: 'POST', body })).status, 404)
  t.equal((await fetch(`${base}/topics/t`, { method: 'PUT', body, headers: { 'content-type': 'application/json' } })).status, 400)
  const broken = await dial(t, base)
  broken.socket.write('POST /topics/t HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n')
  await until(() => memory.stats.reservedBytes === 1_000_000)
  broken.socket.destroy()
  await until(() => memory.stats.reservedBytes === 0)
  t.pass()
})
