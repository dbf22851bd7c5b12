/** Opening a log in tests: small, in memory unless said otherwise, watched. */
import type { Test } from 'tap'
import type { RecordBatch } from '../../protocol/batch.ts'
import type { LogRecord } from '../../protocol/records.ts'
import { defaultLogConfig, type LogConfig, type LogObserver } from '../../storage/log/config.ts'
import type { FileSystem } from '../../storage/log/fs.ts'
import { Log, type LogOptions } from '../../storage/log/log.ts'
import { TailBudget } from '../../storage/log/tail.ts'
import { batchesOf, recordsOf } from './batches.ts'
import { MemoryFileSystem } from './memory-fs.ts'

/** What a log has reported. */
export class Watch implements LogObserver {
  appendedBytes = 0
  syncs = 0
  readonly truncations: number[] = []
  readonly quarantines: { readonly path: string, readonly bytes: number, readonly fromOffset: number, readonly toOffset: number }[] = []
  readonly failures: Error[] = []

  appended (bytes: number): void { this.appendedBytes += bytes }
  synced (): void { this.syncs++ }
  truncated (_path: string, bytes: number): void { this.truncations.push(bytes) }
  failed (_path: string, error: Error): void { this.failures.push(error) }
  quarantined (path: string, bytes: number, fromOffset: number, toOffset: number): void {
    this.quarantines.push({ path, bytes, fromOffset, toOffset })
  }
}

export const FOLDER = '/data/t-0'

/** No tail: what is read comes from the files. */
export const noTail = (): TailBudget => new TailBudget(0)

export type TestOptions = Partial<Omit<LogOptions, 'config'>> & { readonly config?: Partial<LogConfig> }

/** Times in tests are years away from now, so nothing is kept or rolled by them unless a test says so. */
export function configOf (config: Partial<LogConfig> = {}): LogConfig {
  return { ...defaultLogConfig, retentionMs: -1, indexIntervalBytes: 256, ...config }
}

export async function openLog (t: Test | null, options: TestOptions = {}): Promise<{ log: Log, fs: FileSystem, watch: Watch }> {
  const watch = new Watch()
  const fs = options.fs ?? new MemoryFileSystem()
  const log = await Log.open({
    directory: FOLDER, fs, durability: 'fsync', tailBudget: noTail(), observer: watch, ...options, config: configOf(options.config)
  })
  t?.teardown(() => log.close())
  return { log, fs, watch }
}

/** Appends batches one round each, and gives the first offset of the last. */
export async function appendAll (log: Log, batches: readonly RecordBatch[]): Promise<number> {
  let offset = -1
  for (const batch of batches) {
    offset = log.append(batch)
    await log.committed(batch.nextOffset)
  }
  return offset
}

/** Every record from `offset` on, read the way a consumer reads. */
export async function readAll (log: Log, offset = log.startOffset, maxBytes = 1000): Promise<LogRecord[]> {
  const records: LogRecord[] = []
  while (offset < log.committedOffset) {
    const chunks = await log.read(offset, maxBytes, true)
    const last = batchesOf(chunks).at(-1)
    // Only gaps are left.
    if (last === undefined) break
    const from = offset
    records.push(...recordsOf(chunks).filter(record => record.offset >= from))
    offset = last.nextOffset
  }
  return records
}

export async function readValues (log: Log, offset?: number, maxBytes?: number): Promise<string[]> {
  return (await readAll(log, offset, maxBytes)).map(({ value }) => String(value))
}
