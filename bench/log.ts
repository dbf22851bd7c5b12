/**
 * What does the log cost on top of the files it writes? Appends batches of 16 KiB and reads them back, next to plain
 * writev, fdatasync and read calls of the same sizes, in turns, and prints medians and their ratios.
 *
 *   node bench/log.ts [MiB per pass] [passes]
 */
import { closeSync, fdatasync, mkdtempSync, openSync, read, rmSync, writev } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RecordBatch } from '../protocol/batch.ts'
import { buildBatch } from '../protocol/records.ts'
import { defaultLogConfig, type Durability, type LogObserver } from '../storage/log/config.ts'
import { realFileSystem } from '../storage/log/fs.ts'
import { Log } from '../storage/log/log.ts'
import { TailBudget } from '../storage/log/tail.ts'

const MIB = 1024 * 1024
const BATCH_BYTES = 16 * 1024
const READ_BYTES = MIB
/** Batches under way at once, as from as many producers. */
const WINDOW = 64
const [mib = 128, passes = 5] = process.argv.slice(2).map(Number)
const count = mib * MIB / BATCH_BYTES

/** Random enough not to compress, the same in every run. */
function template (): Buffer {
  let state = 4711
  const value = Buffer.from(Array.from({ length: BATCH_BYTES - 100 }, () => (state = (state * 1103515245 + 12345) % 0x80000000) & 0xff))
  return buildBatch([{ key: null, value, timestampMs: Date.now() }]).bytes
}

const bytes = template()
/** As they come from a socket: each in memory of its own. */
const copies = (): Buffer[] => Array.from({ length: count }, () => Buffer.from(bytes))
const folder = mkdtempSync(join(tmpdir(), 'bench-log-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

const call = <T> (start: (done: (error: Error | null, result?: T) => void) => void): Promise<T> =>
  new Promise((resolve, reject) => start((error, result) => error === null ? resolve(result as T) : reject(error)))

let files = 0

async function rawWrite (sync: boolean): Promise<void> {
  const chunks = copies()
  const fd = openSync(join(folder, `raw-${files++}`), 'w+')
  await timed(sync ? 'writev + fdatasync' : 'writev', async () => {
    for (let i = 0; i < count; i += WINDOW) {
      await call(done => writev(fd, chunks.slice(i, i + WINDOW), i * bytes.length, done))
      if (sync) await call(done => fdatasync(fd, done))
    }
  })
  await call(done => fdatasync(fd, done))
  closeSync(fd)
}

const observer: LogObserver = { appended () {}, synced () {}, truncated () {}, quarantined () {}, failed (_path, error) { throw error } }

function openLog (directory: string, durability: Durability, tailBytes: number): Promise<Log> {
  return Log.open({ directory, fs: realFileSystem, config: defaultLogConfig, durability, tailBudget: new TailBudget(tailBytes), observer })
}

async function logWrite (durability: Durability): Promise<string> {
  const batches = copies().map(copy => new RecordBatch(copy))
  const directory = join(folder, `log-${files++}`)
  const log = await openLog(directory, durability, 64 * MIB)
  await timed(`append, ${durability}`, async () => {
    let next = 0
    const producer = async (): Promise<void> => {
      while (next < count) {
        const batch = batches[next++]!
        log.append(batch)
        await log.committed(batch.nextOffset)
      }
    }
    await Promise.all(Array.from({ length: WINDOW }, producer))
  })
  await log.close()
  return directory
}

async function rawRead (path: string): Promise<void> {
  const fd = openSync(path, 'r')
  await timed('read', async () => {
    for (let position = 0; position < count * bytes.length; position += READ_BYTES) {
      const buffer = Buffer.allocUnsafeSlow(READ_BYTES)
      await call(done => read(fd, buffer, 0, READ_BYTES, position, done))
    }
  })
  closeSync(fd)
}

async function logRead (directory: string): Promise<void> {
  const log = await openLog(directory, 'os', 0)
  await timed('log read', async () => {
    for (let offset = 0; offset < count;) for (const chunk of await log.read(offset, READ_BYTES, true)) offset += chunk.length / bytes.length
  })
  await log.close()
}

const results = new Map<string, number[]>()

async function timed (name: string, work: () => Promise<void>): Promise<void> {
  const startedAt = performance.now()
  await work()
  const mibPerSecond = count * bytes.length / MIB / (performance.now() - startedAt) * 1000
  results.set(name, [...results.get(name) ?? [], mibPerSecond])
}

const median = (name: string): number => results.get(name)!.toSorted((a, b) => a - b)[passes >> 1]!

for (let pass = 0; pass < passes; pass++) {
  await rawWrite(false)
  rmSync(await logWrite('os'), { recursive: true })
  await rawWrite(true)
  const directory = await logWrite('fsync')
  const path = join(directory, '00000000000000000000.log')
  await rawRead(path)
  await logRead(directory)
  rmSync(directory, { recursive: true })
}

for (const [ours, raw] of [['append, os', 'writev'], ['append, fsync', 'writev + fdatasync'], ['log read', 'read']] as const) {
  const [a, b] = [median(ours), median(raw)]
  console.log(`${ours.padEnd(14)} ${a.toFixed(0).padStart(6)} MiB/s   ${raw.padEnd(18)} ${b.toFixed(0).padStart(6)} MiB/s   ratio ${(a / b).toFixed(2)}`)
}
