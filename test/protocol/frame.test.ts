import t from 'tap'
import fc from 'fast-check'
import { FrameLengthError, FrameSplitter, readRequest, readRequestHeader, readResponse, writeRequest, writeResponse } from '../../protocol/frame.ts'
import { Heartbeat } from '../../protocol/messages/12-heartbeat.ts'
import { Produce } from '../../protocol/messages/00-produce.ts'
import { ApiVersions } from '../../protocol/messages/18-api-versions.ts'
import { ProtocolError, Reader } from '../../protocol/reader.ts'

const framed = (body: Buffer): Buffer => {
  const frame = Buffer.alloc(4 + body.length)
  frame.writeInt32BE(body.length)
  body.copy(frame, 4)
  return frame
}

/** Everything that comes out when `chunks` go in one by one. */
function split (chunks: readonly Uint8Array[], limit?: number): Buffer[] {
  const splitter = new FrameSplitter(limit)
  const frames: Buffer[] = []
  for (const chunk of chunks) {
    splitter.push(Buffer.from(chunk))
    for (let frame = splitter.next(); frame !== null; frame = splitter.next()) frames.push(frame)
  }
  return frames
}

const texts = (frames: readonly Buffer[]): string[] => frames.map(frame => frame.toString())

const two = Buffer.concat([framed(Buffer.from('hello')), framed(Buffer.from('world!'))])

t.test('a stream cut at any byte gives the same frames', async t => {
  for (let at = 0; at <= two.length; at++) {
    t.strictSame(texts(split([two.subarray(0, at), two.subarray(at)])), ['hello', 'world!'], `cut at ${at}`)
  }
})

t.test('byte by byte, and all at once', async t => {
  t.strictSame(texts(split([...two].map(byte => Buffer.of(byte)))), ['hello', 'world!'])
  t.strictSame(texts(split([two])), ['hello', 'world!'])
  t.strictSame(texts(split([Buffer.alloc(0), two, Buffer.alloc(0)])), ['hello', 'world!'])
})

t.test('frames that have all arrived come out one after the other', async t => {
  const splitter = new FrameSplitter()
  const cuts = [0, 2, 7, 11, 15, two.length]
  for (let i = 1; i < cuts.length; i++) splitter.push(two.subarray(cuts[i - 1], cuts[i]))
  t.equal(splitter.next()?.toString(), 'hello')
  t.equal(splitter.next()?.toString(), 'world!')
  t.equal(splitter.next(), null)
})

t.test('what comes next is known before it is there, and taken no sooner', async t => {
  const splitter = new FrameSplitter(100)
  const next = framed(Buffer.from([0, 18, 0, 3, 1, 2, 3]))
  const seen = Array.from(next, byte => {
    splitter.push(Buffer.of(byte))
    return [splitter.wanted, splitter.nextApiKey]
  })
  t.strictSame(seen, [[0, null], [0, null], [0, null], [11, null], [11, null], ...Array.from({ length: 6 }, () => [11, 18])])
  t.equal(splitter.buffered, next.length)
  t.strictSame(splitter.next(), next.subarray(4))
  t.strictSame([splitter.wanted, splitter.nextApiKey], [0, null])

  splitter.push(Buffer.from([0, 0, 0, 1, 9, 9, 9, 9]))
  t.strictSame([splitter.wanted, splitter.nextApiKey], [5, null], 'too short for an api key')
  t.equal(splitter.next()!.length, 1)
})

t.test('the limit may be raised', async t => {
  const splitter = new FrameSplitter(5)
  splitter.push(two)
  t.ok(splitter.next())
  t.equal(splitter.wanted, 0, 'a frame that is too long is none')
  splitter.limit = 6
  t.equal(splitter.wanted, 10)
  t.equal(splitter.next()!.toString(), 'world!')
})

t.test('long frames byte by byte, and in crumbs among larger pieces', async t => {
  const bodies = [Buffer.alloc(3000, 'abc'), Buffer.alloc(500, 'de'), Buffer.alloc(9000, 'fghi')]
  const stream = Buffer.concat(bodies.map(framed))
  t.strictSame(texts(split([...stream].map(byte => Buffer.of(byte)))), texts(bodies))
  for (const sizes of [[1, 1024], [63, 1, 1], [7, 2000, 3], [200]]) {
    const chunks: Buffer[] = []
    for (let at = 0, i = 0; at < stream.length; i++) chunks.push(stream.subarray(at, at += sizes[i % sizes.length]!))
    t.strictSame(texts(split(chunks)), texts(bodies), sizes.join())
  }
})

t.test('however frames are cut into chunks, they come out whole and in order', async () => {
  fc.assert(fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 50 })), fc.array(fc.nat(20)), (bodies, cuts) => {
    const stream = Buffer.concat(bodies.map(body => framed(Buffer.from(body))))
    const chunks: Buffer[] = []
    let at = 0
    for (const cut of cuts) chunks.push(stream.subarray(at, at += cut))
    chunks.push(stream.subarray(at))
    return Buffer.concat(split(chunks)).equals(Buffer.concat(bodies)) && split(chunks).length === bodies.length
  }))
})

t.test('a frame that arrives in one chunk is a view of it', async t => {
  const splitter = new FrameSplitter()
  splitter.push(two)
  t.equal(splitter.next()?.buffer, two.buffer)
})

t.test('says how much it holds of a frame that is not complete', async t => {
  const splitter = new FrameSplitter()
  splitter.push(two.subarray(0, 12))
  t.equal(splitter.next()?.toString(), 'hello')
  t.equal(splitter.buffered, 3)
  t.equal(splitter.next(), null)
  splitter.push(two.subarray(12))
  t.equal(splitter.next()?.toString(), 'world!')
  t.equal(splitter.buffered, 0)
})

t.test('a length that no frame may have is refused as soon as it is known', async t => {
  const lengths = [
    ['00000000', 0], ['ffffffff', 0xffffffff], ['80000000', 0x80000000], ['00000065', 101],
    ['16030100', 0x16030100], ['47455420', 0x47455420] // a TLS handshake, "GET "
  ] as const
  for (const [hex, announced] of lengths) {
    const splitter = new FrameSplitter(100)
    splitter.push(Buffer.from(hex, 'hex'))
    t.throws(() => splitter.next(), { name: 'ProtocolError', announced }, hex)
  }
  t.ok(new FrameLengthError(1, 0) instanceof ProtocolError)
})

t.test('a frame as long as the limit passes', async t => {
  t.equal(split([framed(Buffer.alloc(100))], 100).length, 1)
})

t.test('an announced length allocates nothing', async t => {
  const splitter = new FrameSplitter()
  const before = process.memoryUsage().arrayBuffers
  splitter.push(Buffer.from('06400000', 'hex')) // 104,857,600 bytes
  t.equal(splitter.next(), null)
  t.ok(process.memoryUsage().arrayBuffers - before < 1_000_000)
})

t.test('a request frame says its api, version, correlation and client', async t => {
  const [chunk] = writeRequest(Heartbeat, 4, 7, 'me', { groupId: 'g', generationId: 1, memberId: 'm' })
  t.equal(chunk?.toString('hex'), '00000017' + '000c' + '0004' + '00000007' + '00026d65' + '00' + '0267' + '00000001' + '026d' + '00' + '00')
  const reader = new Reader(chunk!.subarray(4))
  t.strictSame(readRequestHeader(reader), { apiKey: 12, version: 4, correlationId: 7, clientId: 'me' })
  t.strictSame(readRequest(Heartbeat, 4, reader), { groupId: 'g', generationId: 1, memberId: 'm', groupInstanceId: null })
})

t.test('tagged fields in a header are read over', async t => {
  const reader = new Reader(Buffer.from('000c' + '0004' + '00000007' + 'ffff' + '010001ff' + '0267' + '00000001' + '026d' + '00' + '00', 'hex'))
  readRequestHeader(reader)
  t.match(readRequest(Heartbeat, 4, reader), { groupId: 'g' })
})

t.test('bytes after the end of a request are refused', async t => {
  const reader = new Reader(Buffer.from('0267' + '00000001' + '026d' + '00' + '00' + 'ab', 'hex'))
  t.throws(() => readRequest(Heartbeat, 4, new Reader(Buffer.concat([Buffer.of(0), reader.buffer]))), /1 bytes after the end of Heartbeat v4/)
})

t.test('ApiVersions is answered without tagged fields in the header, in every version', async t => {
  for (let version = 0; version <= 4; version++) {
    const frame = Buffer.concat(writeResponse(ApiVersions, version, 5, { errorCode: 35, apiKeys: [] })).subarray(4)
    t.equal(frame.subarray(0, 6).toString('hex'), '00000005' + '0023', `v${version}`)
    t.match(readResponse(ApiVersions, version, frame), { correlationId: 5, body: { errorCode: 35, apiKeys: [] } })
  }
})

t.test('other flexible responses have them', async t => {
  const [v3] = writeResponse(Heartbeat, 3, 5, { errorCode: 27 })
  t.equal(v3?.toString('hex'), '0000000a' + '00000005' + '00000000' + '001b')
  const [v4] = writeResponse(Heartbeat, 4, 5, { errorCode: 27 })
  t.equal(v4?.toString('hex'), '0000000c' + '00000005' + '00' + '00000000' + '001b' + '00')
})

t.test('record bytes reach the frame by reference', async t => {
  const batch = Buffer.alloc(2048)
  const chunks = writeRequest(Produce, 9, 1, null, {
    acks: 1, timeoutMs: 1, topicData: [{ name: 't', partitionData: [{ index: 0, records: [batch] }] }]
  })
  t.ok(chunks.includes(batch))
  t.equal(chunks[0]!.readInt32BE(0), Buffer.concat(chunks).length - 4)
})
