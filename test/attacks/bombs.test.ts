/**
 * A little that would become very much: compressed batches where somebody looks inside (JSON readers, compacted topics),
 * compressed bodies, nested JSON, compressed WebSocket messages.
 */
import { once } from 'node:events'
import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { MAX_RECORDS, recordsIn } from '../../protocol/records.ts'
import { render } from '../../src/client/block.ts'
import { topicConfig } from '../../storage/embedded/configs.ts'
import { checkBatch, InvalidRecordsError } from '../../storage/embedded/validation.ts'
import { openDoor } from '../support/http-door.ts'
import { openBoth, openPeer } from '../routes/ws/support.ts'
import { batchAround, codecs, tiny } from './bombs.ts'

const MIB = 1024 * 1024

/** Megabytes that the process has taken more at its highest than before, looked at between turns of `work`. */
async function growth (work: (look: () => void) => void): Promise<number> {
  globalThis.gc?.()
  const before = process.memoryUsage().rss
  let highest = before
  work(() => { highest = Math.max(highest, process.memoryUsage().rss) })
  return (highest - before) / MIB
}

t.test('CVE-2023-34455: what is too large when it is decompressed is shown as such to JSON readers, and costs neither time nor memory', async t => {
  const zeros = Buffer.alloc(512 * MIB)
  for (const codec of codecs) {
    const { bytes, sizeBytes } = batchAround(codec, 1, codec === 'zstd' || codec === 'gzip' ? zeros : zeros.subarray(0, 70 * MIB))
    const startedAt = performance.now()
    const grown = await growth(look => {
      const block = render('t', 0, 0, [bytes])
      look()
      t.match(JSON.parse(block.lines[0]!), { offset: 0, error: { code: 'MESSAGE_TOO_LARGE' } }, codec)
      t.equal(block.next, 1, 'and reading goes on behind it')
    })
    t.ok(grown <= 64 + 32, `${codec}: ${sizeBytes} bytes took ${grown.toFixed()} MiB`)
    t.ok(performance.now() - startedAt < 1000, `and ${(performance.now() - startedAt).toFixed()} ms`)
  }
})

t.test('millions of empty records in a few kilobytes are not looked into', async t => {
  const record = tiny(1)
  const plain = Buffer.alloc(record.length * 4_000_000, record)
  const batch = batchAround('gzip', 4_000_000, plain)
  t.ok(batch.sizeBytes < 64 * 1024, `${batch.sizeBytes} bytes`)
  t.throws(() => [...recordsIn(batch)], { code: 'MESSAGE_TOO_LARGE', message: /4000000 records is not looked into/ })
  t.match(JSON.parse(render('t', 0, 0, [batch.bytes]).lines[0]!), { error: { code: 'MESSAGE_TOO_LARGE' } })
  t.match(render('t', 0, 0, [batchAround('gzip', 3, Buffer.alloc(record.length * 3, record)).bytes]).lines[1], /out of order/,
    'nor are those that all have one offset')
})

t.test('records that are many, but may be, become JSON piece by piece', async t => {
  const count = 100_000
  const batch = batchAround('gzip', count, tiny(count))
  t.ok(count < MAX_RECORDS)
  const offsets: number[] = []
  for (let from = 0; from < count;) {
    const block = render('t', 0, from, [batch.bytes])
    const bytes = block.lines.reduce((sum, line) => sum + line.length, 0)
    if (bytes > 4 * MIB + 1000) t.fail(`${bytes} bytes at once`)
    offsets.push(...block.offsets)
    from = block.next
  }
  t.equal(offsets.length, count)
  t.ok(offsets.every((offset, i) => offset === i), 'each is there, once')
})

t.test('a compacted topic names some of the records that it refuses, not all', async t => {
  const config = topicConfig(new Map([['cleanup.policy', 'compact']]), { retentionMs: -1, segmentBytes: 1024 ** 3 })
  const count = 100_000
  try {
    checkBatch(batchAround('zstd', count, tiny(count)), 't', config, Date.now())
    t.fail('it was taken')
  } catch (error) {
    t.match(error, { code: 'INVALID_RECORD', message: /100000 of 100000 records were refused/ })
    t.equal((error as InvalidRecordsError).records.length, 1000)
  }
  t.throws(() => checkBatch(batchAround('zstd', 2 * MAX_RECORDS, Buffer.alloc(10)), 't', config, Date.now()), { code: 'MESSAGE_TOO_LARGE' })
})

t.test('CVE-2026-22036, CVE-2026-42587: no body is decompressed, however its codings are spelt', async t => {
  const { inject, log } = await openDoor(t)
  const bomb = gzipSync(Buffer.alloc(64 * MIB))
  for (const coding of ['gzip', 'deflate', 'br', 'zstd', 'gzip, gzip, gzip', 'identity, gzip', 'GZIP', 'x-gzip', ' gzip', 'unknown']) {
    for (const [url, type] of [
      ['/topics/t', 'text/plain'], ['/topics/t', 'application/x-ndjson'], ['/v3/clusters/memory-cluster/topics/t/records', 'application/json']
    ] as const) {
      const response = await inject({ method: 'POST', url, headers: { 'content-encoding': coding, 'content-type': type }, payload: bomb })
      t.equal(response.statusCode, 415, `${coding} ${type}`)
    }
  }
  t.equal(log.topics.size, 0)
})

t.test('JSON that is nested without end is refused, and nobody is hurt', async t => {
  const { inject, listen } = await openDoor(t)
  const v3 = '/v3/clusters/memory-cluster'
  for (const [method, url, type, wrap] of [
    ['POST', '/topics/t', 'application/vnd.kafka.json.v2+json', (text: string) => `{"records":[{"value":${text}}]}`],
    ['POST', `${v3}/topics/t/records`, 'application/json', (text: string) => `{"value":{"type":"JSON","data":${text}}}`],
    ['PUT', '/users/u', 'application/json', (text: string) => `{"password":${text}}`],
    ['POST', `${v3}/acls:batch`, 'application/json', (text: string) => `{"data":${text}}`]
  ] as const) {
    const response = await inject({ method, url, headers: { 'content-type': type }, payload: wrap('['.repeat(400_000) + ']'.repeat(400_000)) })
    t.ok(response.statusCode < 500 || response.statusCode === 501, `${url}: ${response.statusCode} ${response.body.slice(0, 200)}`)
  }
  const peer = await openPeer(t, await listen())
  peer.socket.send(`{"type":"produce","id":"p","topic":"t","records":[{"value":${'['.repeat(400_000)}${']'.repeat(400_000)}}]}`)
  t.match(await Promise.race([peer.closed, peer.next()]), {})
  t.equal((await inject('/livez')).statusCode, 200)
})

t.test('CVE-2026-1526: a WebSocket is not compressed, and who compresses all the same is closed', async t => {
  const { url } = await openBoth(t)
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  t.teardown(() => socket.destroy())
  let received = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => { received = Buffer.concat([received, chunk]) })
  const closed = once(socket, 'close')
  for (const window of ['', '; server_max_window_bits=8', '; server_max_window_bits=a; client_max_window_bits=99']) {
    await refusesDeflate(t, url, `permessage-deflate${window}`)
  }
  socket.write('GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n')
  while (!received.includes('connected')) await once(socket, 'data')
  t.notMatch(received.toString('latin1'), /sec-websocket-extensions/i)
  // FIN, RSV1 ("compressed"), text, masked with zeros.
  socket.write(Buffer.from([0xc1, 0x80 | 4, 0, 0, 0, 0, 1, 2, 3, 4]))
  await closed
  t.ok(received.includes(Buffer.from([0x03, 0xea])), 'with 1002, a protocol error')
})

async function refusesDeflate (t: Test, url: string, extensions: string): Promise<void> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  t.teardown(() => socket.destroy())
  socket.write('GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
    `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: ${extensions}\r\n\r\n`)
  const [head] = await once(socket, 'data') as [Buffer]
  t.match(head.toString('latin1'), /^HTTP\/1\.1 (101|400) /, extensions)
  t.notMatch(head.toString('latin1'), /sec-websocket-extensions/i, extensions)
}
