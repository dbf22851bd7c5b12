/**
 * What the engine knows besides records (topics, producer ids, and whatever comes later: users, permissions, quotas), as
 * a compacted log of its own: one JSON value for each key, null for what is gone. It is recovered like any other log.
 */
import { recordsIn, buildBatch } from '../../protocol/records.ts'
import type { Log } from '../log/log.ts'

export class MetadataLog {
  readonly log: Log
  readonly #values = new Map<string, unknown>()

  private constructor (log: Log) {
    this.log = log
  }

  static async open (log: Log): Promise<MetadataLog> {
    const metadata = new MetadataLog(log)
    for await (const batches of log.batches(log.startOffset)) {
      for (const batch of batches) {
        for (const { key, value } of recordsIn(batch)) {
          if (value === null) metadata.#values.delete(key!.toString())
          else metadata.#values.set(key!.toString(), JSON.parse(value.toString()))
        }
      }
    }
    return metadata
  }

  get (key: string): unknown {
    return this.#values.get(key)
  }

  /** Entries whose key begins with `prefix`, without it. */
  * entries (prefix: string): Generator<[key: string, value: unknown]> {
    for (const [key, value] of this.#values) if (key.startsWith(prefix)) yield [key.slice(prefix.length), value]
  }

  /** Resolves when the value is durable; only then is it visible. Rejects with KafkaError KAFKA_STORAGE_ERROR. */
  async set (key: string, value: unknown): Promise<void> {
    await this.setAll([[key, value]])
  }

  /** Sets several values, of which a crash leaves all or none. */
  async setAll (changes: ReadonlyArray<readonly [key: string, value: unknown]>): Promise<void> {
    const batch = buildBatch(changes.map(([key, value]) => ({
      key: Buffer.from(key), value: value === null ? null : Buffer.from(JSON.stringify(value))
    })))
    this.log.append(batch)
    await this.log.committed(batch.nextOffset)
    for (const [key, value] of changes) {
      if (value === null) this.#values.delete(key)
      else this.#values.set(key, value)
    }
  }
}
