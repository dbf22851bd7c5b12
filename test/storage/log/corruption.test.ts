/**
 * What the disk has spoiled: at a start after a crash, at a start after a clean stop, and while the log is open. A damaged
 * batch is never served, everything sound before and behind it is, the damaged bytes are kept and said to be so, and the
 * log goes on.
 */
import t, { type Test } from 'tap'
import type { LogRecord } from '../../../protocol/records.ts'
import type { Log } from '../../../storage/log/log.ts'
import { retain } from '../../../storage/log/retention.ts'
import { T0, batchOf, recordsOf, seeded } from '../../support/batches.ts'
import { appendAll, openLog, readAll, type Watch } from '../../support/logs.ts'
import { MemoryFileSystem } from '../../support/memory-fs.ts'

const random = seeded(20261121)
const upTo = (limit: number): number => Math.floor(random() * limit)
const config = { segmentBytes: 3000 }

interface Stored {
  readonly offset: number
  readonly nextOffset: number
  readonly segment: string
  /** In the segment's file. */
  readonly from: number
  readonly to: number
  readonly records: readonly LogRecord[]
}

/** A log of some segments, and where everything is in it. */
async function filled (): Promise<{ log: Log, fs: MemoryFileSystem, stored: readonly Stored[], watch: Watch }> {
  const fs = new MemoryFileSystem()
  const { log, watch } = await openLog(null, { fs, config })
  const stored: Stored[] = []
  for (let i = 0; i < 30; i++) {
    const values = Array.from({ length: 1 + upTo(4) }, (_, j) => `${i}.${j} `.repeat(1 + upTo(30)))
    const batch = batchOf(values, { compression: upTo(4) === 0 ? 'gzip' : 'none', nowMs: T0 + i * 1000 })
    await appendAll(log, [batch])
    const { path, size } = log.segments.at(-1)!
    stored.push({
      offset: batch.baseOffset, nextOffset: batch.nextOffset, segment: path, from: size - batch.sizeBytes, to: size, records: recordsOf([batch.bytes])
    })
  }
  return { log, fs, stored, watch }
}

/** The part of a file that was spoiled; Infinity where everything behind it has moved or is gone. */
interface Spoiled { readonly path: string, readonly from: number, readonly to: number }

const fileAt = (fs: MemoryFileSystem, path: string): Buffer => fs.disk.files.get(fs.disk.names.get(path)!)!
const put = (fs: MemoryFileSystem, path: string, bytes: Buffer): void => { fs.disk.files.set(fs.disk.names.get(path)!, bytes) }

/** Kafka's checksum does not cover the leader epoch, and it means nothing here. */
const isEpoch = (stored: readonly Stored[], path: string, at: number): boolean =>
  stored.some(({ segment, from }) => segment === path && at >= from + 12 && at < from + 16)

const spoilers: { readonly [name: string]: (fs: MemoryFileSystem, path: string, stored: readonly Stored[]) => Spoiled } = {
  'a flipped bit' (fs, path, stored) {
    const bytes = fileAt(fs, path)
    let at = upTo(bytes.length)
    while (isEpoch(stored, path, at)) at++
    bytes[at]! ^= 1 << upTo(8)
    return { path, from: at, to: at + 1 }
  },
  'a flipped bit in a base offset' (fs, path, stored) {
    const inFile = stored.filter(({ segment }) => segment === path)
    const at = inFile[upTo(inFile.length)]!.from + upTo(8)
    fileAt(fs, path)[at]! ^= 1 << upTo(8)
    return { path, from: at, to: at + 1 }
  },
  'a page of zeros' (fs, path) {
    const bytes = fileAt(fs, path)
    const from = upTo(Math.ceil(bytes.length / 512)) * 512
    bytes.fill(0, from, Math.min(bytes.length, from + 512))
    return { path, from, to: from + 512 }
  },
  'a page of another place' (fs, path) {
    const bytes = fileAt(fs, path)
    const pages = Math.max(1, Math.floor(bytes.length / 512))
    const from = upTo(pages) * 512
    const source = Buffer.from(bytes.subarray(0, 512))
    if (from > 0) source.copy(bytes, from)
    return { path, from: from > 0 ? from : Infinity, to: from + 512 }
  },
  'bytes missing in the middle' (fs, path, stored) {
    const bytes = fileAt(fs, path)
    const from = upTo(bytes.length)
    let to = Math.min(bytes.length, from + 1 + upTo(300))
    // Not just so many that a length leads to a batch further on, as if nothing were missing.
    while (stored.some(one => one.segment === path && stored.some(other => one.from === other.to + to - from))) to--
    put(fs, path, Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]))
    return { path, from, to }
  },
  'a file cut short' (fs, path) {
    const bytes = fileAt(fs, path)
    const from = upTo(bytes.length)
    put(fs, path, Buffer.from(bytes.subarray(0, from)))
    return { path, from, to: Infinity }
  },
  'garbage at the end' (fs, path) {
    const bytes = fileAt(fs, path)
    put(fs, path, Buffer.concat([bytes, Buffer.from(Array.from({ length: 1 + upTo(200) }, () => upTo(256)))]))
    return { path, from: Infinity, to: Infinity }
  }
}

/** Checks what a log still gives of the offsets before `end`. Returns how many batches are gone. */
async function check (t: Test, title: string, log: Log, stored: readonly Stored[], { path, from, to }: Spoiled, end = Infinity): Promise<number> {
  const found = new Map((await readAll(log, log.startOffset, upTo(2000))).map(record => [record.offset, record]))
  let gone = 0
  for (const batch of stored) {
    const isHit = batch.segment === path && batch.to > from && batch.from < to
    const wrong = batch.records.filter(record => {
      if (record.offset >= end) return false
      const read = found.get(record.offset)
      return read === undefined ? !isHit : !read.value!.equals(record.value!) || read.timestampMs !== record.timestampMs
    })
    if (wrong.length > 0) t.fail(`${title}: offset ${wrong[0]!.offset} is ${found.has(wrong[0]!.offset) ? 'something else' : 'gone'}`)
    if (!found.has(batch.offset)) gone++
  }
  const known = new Set(stored.flatMap(({ records }) => records.map(({ offset }) => offset)))
  const limit = Math.min(end, stored.at(-1)!.nextOffset)
  for (const offset of found.keys()) if (offset < limit && !known.has(offset)) t.fail(`${title}: offset ${offset} was never written`)
  return gone
}

const CASES = 30

for (const [name, spoil] of Object.entries(spoilers)) {
  for (const when of ['after a crash', 'after a clean stop', 'while it is open']) {
    t.test(`${name}, found ${when}`, async t => {
      const isOpen = when === 'while it is open'
      let quarantines = 0
      for (let i = 0; i < CASES; i++) {
        const { log, fs, stored, watch } = await filled()
        const path = stored[upTo(stored.length)]!.segment
        if (!isOpen) await log.close()
        const spoiled = spoil(fs, path, stored)
        const memory = when === 'after a crash' ? {} : { recoveryPoint: log.recoveryPoint, wasClean: true }
        const again = isOpen ? { log, watch } : await openLog(null, { fs, config, ...memory })
        const isLast = path === stored.at(-1)!.segment
        const title = `${when}, case ${i}, ${path} from ${spoiled.from} to ${spoiled.to}`
        const gone = await check(t, title, again.log, stored, spoiled)
        const { endOffset } = again.log
        const end = stored.at(-1)!.nextOffset
        // Only then nobody knows how long the log was.
        const isCut = isLast && when === 'after a crash' && again.watch.truncations.length > 0
        // A file that is only shorter leaves nothing to set aside, and nothing to notice after a crash.
        const isShort = name === 'a file cut short' || name === 'bytes missing in the middle'
        const mayReuse = isCut || (isShort && isLast && when === 'after a crash')
        if (!mayReuse) t.ok(endOffset >= end, `${title}: the log ends at ${endOffset}, not ${end}`)
        const isSilent = isCut || (isShort && (!isLast || mayReuse))
        if (gone > 0 && !isSilent) t.ok(again.watch.quarantines.length > 0, `${title}: ${gone} batches are gone without a word`)
        for (const { path: aside, bytes } of again.watch.quarantines) {
          quarantines++
          if (bytes > 0) t.equal(await fs.size(aside), bytes, `${title}: the damaged bytes are kept`)
        }
        const next = await appendAll(again.log, [batchOf(['it goes on'])])
        t.ok(next >= endOffset && (mayReuse || next >= end), `${title}: ${next} is given out`)
        t.match((await readAll(again.log)).at(-1), { offset: next, value: Buffer.from('it goes on') }, `${title}: it goes on`)
        await again.log.close()

        const third = await openLog(null, { fs, config })
        await check(t, `${title}, once more`, third.log, stored, spoiled, next)
        t.match(third.watch, { quarantines: [], truncations: [], failures: [] }, `${title}: once is enough`)
        await third.log.close()
      }
      // Garbage behind the end of a file that is open is never read.
      if (name !== 'garbage at the end' || !isOpen) t.ok(quarantines > 2, `${quarantines} times something was set aside`)
    })
  }
}

const indexSpoilers: { readonly [name: string]: (bytes: Buffer) => Buffer | null } = {
  missing: () => null,
  empty: () => Buffer.alloc(0),
  'cut short': bytes => bytes.subarray(0, upTo(bytes.length)),
  'without its last entries': bytes => bytes.subarray(0, Math.floor(upTo(bytes.length) / 24) * 24),
  zeros: bytes => Buffer.alloc(bytes.length),
  'zeros behind its end': bytes => Buffer.concat([bytes, Buffer.alloc(240)]),
  'a flipped bit in it': bytes => {
    const spoiled = Buffer.from(bytes)
    spoiled[upTo(bytes.length)]! ^= 1 << upTo(8)
    return spoiled
  },
  garbage: bytes => Buffer.from(Array.from(bytes, () => upTo(256)))
}

for (const [name, spoil] of Object.entries(indexSpoilers)) {
  for (const when of ['after a crash', 'after a clean stop', 'while it is open']) {
    t.test(`an index that is ${name}, found ${when}: nothing is lost, skipped or deleted early`, async t => {
      for (let i = 0; i < CASES / 2; i++) {
        const { log, fs, stored } = await filled()
        const isOpen = when === 'while it is open'
        if (!isOpen) await log.close()
        const paths = [...fs.disk.names.keys()].filter(path => /index$/.test(path) && fileAt(fs, path).length > 0)
        const path = paths[upTo(paths.length)]!
        const spoiled = spoil(fileAt(fs, path))
        if (spoiled === null) await fs.remove(path)
        else put(fs, path, Buffer.from(spoiled))
        if (isOpen) log.forgetIndexes(Infinity)
        // The recovery point lets the sealed segments go unchecked.
        const again = isOpen ? log : (await openLog(null, { fs, config, recoveryPoint: log.recoveryPoint, wasClean: when === 'after a clean stop' })).log
        const title = `${when}, case ${i}, ${path}`
        await checkTimes(t, title, again, stored)
        again.config = { ...again.config, retentionMs: 30_000 }
        t.equal(await retain(again, T0 + 30_000), 0, `${title}: nothing is too old yet`)
        for (const { offset, records } of stored) {
          const [found] = recordsOf(await again.read(offset, 1, true))
          if (!found?.value?.equals(records[0]!.value!)) t.fail(`${title}: offset ${offset} is not found`)
        }
        await again.close()
      }
    })
  }
}

/** Looks up the time of every batch. */
async function checkTimes (t: Test, title: string, log: Log, stored: readonly Stored[]): Promise<void> {
  for (const { offset, timestampMs } of stored.map(({ records }) => records[0]!)) {
    const found = await log.findTime(timestampMs)
    if (found?.offset !== offset) t.fail(`${title}: offset ${offset} of ${timestampMs} is sought, ${found?.offset} found`)
  }
}
