import t from 'tap'
import type { RecordBatch } from '../../../protocol/batch.ts'
import type { LogFile } from '../../../storage/log/fs.ts'
import { readAt, scan, soundBatchAt, soundBatches } from '../../../storage/log/scan.ts'
import { batchOf, batchOfSize } from '../../support/batches.ts'
import { FaultFileSystem } from '../../support/fault-fs.ts'
import { MemoryFileSystem } from '../../support/memory-fs.ts'

const WINDOW_BYTES = 1024 * 1024

const joined = (batches: readonly RecordBatch[]): Buffer => Buffer.concat(batches.map(batch => batch.bytes))

/** A file of these bytes, and how large every read of it was. */
async function fileOf (content: Buffer): Promise<{ file: LogFile, reads: number[] }> {
  const fs = new FaultFileSystem(new MemoryFileSystem())
  await fs.makeDirectory('/data')
  await fs.writeFile('/data/file', content)
  const reads: number[] = []
  fs.before = ({ kind, bytes }) => { if (kind === 'read') reads.push(bytes) }
  return { file: await fs.open('/data/file'), reads }
}

/** The sizes of the batches that a scan finds, window by window, and what it has read for that. */
async function scanned (content: Buffer, from = 0, to = content.length): Promise<{ windows: number[][], reads: number[] }> {
  const { file, reads } = await fileOf(content)
  const windows: number[][] = []
  for await (const batches of scan(file, from, to)) windows.push(batches.map(batch => batch.sizeBytes))
  return { windows, reads }
}

t.test('batches come a window at a time, one that straddles two with the second', async t => {
  const sizes = [400_000, 500_000, 300_000, 200_000]
  const { windows, reads } = await scanned(joined(sizes.map((size, i) => batchOfSize(size, String(i)))))
  t.strictSame(windows, [[400_000, 500_000], [300_000, 200_000]])
  t.ok(reads.every(bytes => bytes <= WINDOW_BYTES), 'memory for one window')
})

t.test('a batch that is larger than a window is read whole, and no more', async t => {
  const sizes = [100, 3 * WINDOW_BYTES, 100, WINDOW_BYTES, WINDOW_BYTES + 1]
  const { windows, reads } = await scanned(joined(sizes.map((size, i) => batchOfSize(size, String(i)))))
  t.strictSame(windows.flat(), sizes)
  t.equal(Math.max(...reads), 3 * WINDOW_BYTES)
})

t.test('a scan stays within its range', async t => {
  const content = joined([100, 200, 300, 400].map(size => batchOfSize(size)))
  t.strictSame((await scanned(content, 100, 600)).windows, [[200, 300]])
  t.strictSame((await scanned(content, 100, 599)).windows, [[200]], 'a batch that reaches beyond it is none')
  t.strictSame(await scanned(content, 300, 300), { windows: [], reads: [] })
})

t.test('a torn end is where it stops, wherever it is torn', async t => {
  const whole = joined([100, 200].map(size => batchOfSize(size)))
  for (const missing of [1, 100, 139, 140, 188, 192, 199]) {
    t.strictSame((await scanned(whole.subarray(0, 300 - missing))).windows, [[100]], `${missing} bytes missing`)
  }
  t.strictSame((await scanned(whole.subarray(0, 250), 0, 300)).windows, [[100]], 'and where the file is shorter than it was said to be')
})

t.test('so is whatever is no sound batch, and what lies behind that', async t => {
  const [first, last] = [batchOfSize(100), batchOfSize(200)]
  const flipped = batchOfSize(100)
  flipped.bytes[99]! ^= 1
  const old = batchOfSize(100)
  old.bytes[16] = 1
  const garbage = { 'a flipped bit': flipped.bytes, 'an older format': old.bytes, zeros: Buffer.alloc(100), ones: Buffer.alloc(100, 255) }
  for (const [what, bytes] of Object.entries(garbage)) {
    t.strictSame((await scanned(Buffer.concat([first.bytes, bytes, last.bytes]))).windows, [[100]], what)
    t.equal(soundBatchAt(bytes, 0), null, what)
  }
})

t.test('no length that a file claims is believed beyond the end of the range', async t => {
  const liar = batchOfSize(100)
  for (const claimed of [0x7fffffff, 0x7fffffff - 12, 1_000_000_000, 89, 48, 0, -1, -12, -0x80000000]) {
    liar.bytes.writeInt32BE(claimed, 8)
    const { windows, reads } = await scanned(Buffer.concat([liar.bytes, Buffer.alloc(1000)]))
    t.strictSame(windows, [], `${claimed}`)
    t.ok(reads.length <= 2 && reads.every(bytes => bytes <= 1100), `${claimed}: reads of ${reads.join()} bytes`)
  }
})

t.test('in a buffer the sound batches at its beginning are found, as views', async t => {
  const batches = [batchOf(['a', 'b']), batchOf(['c'], { compression: 'gzip' })]
  const buffer = Buffer.concat([joined(batches), batchOf(['torn']).bytes.subarray(0, 61)])
  const found = soundBatches(buffer)
  t.strictSame(found.map(batch => batch.bytes.toString('hex')), batches.map(batch => batch.bytes.toString('hex')))
  t.ok(found.every(batch => batch.bytes.buffer === buffer.buffer))
  t.strictSame(soundBatches(Buffer.alloc(0)), [])
  t.equal(soundBatchAt(buffer, 1), null)
  t.equal(soundBatchAt(buffer, buffer.length + 1), null)
})

t.test('a read beyond the end of a file gives what there is', async t => {
  const { file } = await fileOf(Buffer.from('abcdef'))
  t.strictSame([await readAt(file, 2, 3), await readAt(file, 4, 9), await readAt(file, 6, 1)].map(String), ['cde', 'ef', ''])
})
