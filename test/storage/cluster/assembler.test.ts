/** Frames out of memory that is used again. */
import t from 'tap'
import { FrameAssembler } from '../../../storage/cluster/assembler.ts'

const framed = (...bodies: readonly Buffer[]): Buffer => Buffer.concat(bodies.flatMap(body => {
  const length = Buffer.alloc(4)
  length.writeInt32BE(body.length)
  return [length, body]
}))

/** As a socket does that reads into the same memory each time, `sizes` bytes at a time. */
function feed (assembler: FrameAssembler, bytes: Buffer, size: (at: number) => number): Buffer[] {
  const memory = Buffer.alloc(1024 * 1024)
  const frames: Buffer[] = []
  for (let at = 0; at < bytes.length;) {
    const count = Math.min(size(at), bytes.length - at)
    bytes.copy(memory, 0, at, at + count)
    assembler.push(memory.subarray(0, count), frame => frames.push(frame))
    memory.fill(0xee)
    at += count
  }
  return frames
}

const bodies = [5, 4, 100, 4096, 4097, 70_000, 1_000_000, 12].map((length, i) => Buffer.alloc(length, i + 1))

t.test('frames are the same however they come in, and stay what they are', async t => {
  for (const size of [1, 3, 4, 5, 1000, 65_536, 1_048_576]) {
    const frames = feed(new FrameAssembler(), framed(...size < 100 ? bodies.slice(0, 5) : bodies), () => size)
    t.ok(frames.every((frame, i) => frame.equals(bodies[i]!)), `${size} bytes at a time`)
    t.equal(frames.length, size < 100 ? 5 : bodies.length)
  }
  let seed = 1
  const random = (): number => 1 + (seed = seed * 48271 % 2147483647) % 5000
  t.strictSame(feed(new FrameAssembler(), framed(...bodies), random).map(({ length }) => length), bodies.map(({ length }) => length))
})

t.test('a frame that is larger than what is set aside grows', async t => {
  const body = Buffer.alloc(20 * 1024 * 1024, 7)
  body.writeInt32BE(42, body.length - 4)
  const [frame] = feed(new FrameAssembler(), framed(body), () => 1024 * 1024)
  t.ok(frame!.equals(body))
})

t.test('no memory is set aside for what is only announced', async t => {
  const assemblers = Array.from({ length: 50 }, () => new FrameAssembler())
  const before = process.memoryUsage().rss
  const announced = Buffer.alloc(8)
  announced.writeInt32BE(0x7fffffff)
  for (const one of assemblers) one.push(announced, () => t.fail('nothing is complete'))
  t.ok(process.memoryUsage().rss - before < 50 * 1024 * 1024, 'what is not written to takes no room')
})

t.test('lengths that make no sense', async t => {
  t.throws(() => new FrameAssembler().push(Buffer.from('ffffffff', 'hex'), () => {}), { name: 'ProtocolError' })
  t.throws(() => new FrameAssembler().push(Buffer.from('00000003', 'hex'), () => {}), { message: /3 bytes/ })
  t.throws(() => new FrameAssembler().push(Buffer.from('48545450', 'hex').fill(0x90), () => {}))
})
