/**
 * A reader that follows every partition of a topic from its beginning, through every end of the server, and commits for a
 * group of its own where it is. It never seeks: where it goes on after a reconnect is where it was before.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { batchesIn } from '../../protocol/batch.ts'
import { complete } from '../../protocol/defaults.ts'
import { errorRow, errors } from '../../protocol/errors.ts'
import { Fetch } from '../../protocol/messages/01-fetch.ts'
import { OffsetCommit } from '../../protocol/messages/08-offset-commit.ts'
import { OffsetFetch } from '../../protocol/messages/09-offset-fetch.ts'
import { recordsIn } from '../../protocol/records.ts'
import type { Connection } from '../engine/connection.ts'
import type { Event } from './checker.ts'
import type { Doors } from './doors.ts'
import { valueOf } from './producer.ts'

const FETCH_VERSION = 11
const COMMIT_VERSION = 8
const POSITION_VERSION = 7
const MAX_WAIT_MS = 100
const PARTITION_BYTES = 64 * 1024
const RETRY_MS = 20

export interface ReaderOptions {
  readonly name: string
  readonly topic: string
  readonly partitions: number
  readonly doors: Doors
  readonly record: (event: Event) => void
}

export class Reader {
  /** The next offset of every partition. */
  readonly positions: number[]
  readonly #options: ReaderOptions
  #isReading = true
  /** Whether something could not be read at the moment. */
  #isRefused = false
  #ends: readonly number[] | null = null

  constructor (options: ReaderOptions) {
    this.#options = options
    this.positions = new Array<number>(options.partitions).fill(0)
  }

  /** `run` resolves when the reader has come to these offsets. */
  finishAt (ends: readonly number[]): void {
    this.#ends = ends
  }

  stop (): void {
    this.#isReading = false
  }

  async run (): Promise<void> {
    while (!this.#isDone) {
      const connection = await this.#options.doors.open().catch(() => null)
      try {
        if (connection !== null) await this.#follow(connection)
      } catch {
        // The server is gone; the next one goes on.
      } finally {
        connection?.destroy()
      }
      await sleep(RETRY_MS)
    }
  }

  get #isDone (): boolean {
    return !this.#isReading || (this.#ends?.every((end, partition) => this.positions[partition]! >= end) ?? false)
  }

  async #follow (connection: Connection): Promise<void> {
    await this.#lookUp(connection)
    while (!this.#isDone) {
      if (await this.#poll(connection) > 0) await this.#commit(connection)
      if (this.#isRefused && this.#options.doors.refused()) return
      if (this.#isRefused) await sleep(RETRY_MS)
    }
    await this.#commit(connection)
  }

  async #poll (connection: Connection): Promise<number> {
    const { name, topic, record, doors } = this.#options
    const { responses } = await doors.send(connection, Fetch, FETCH_VERSION, complete(Fetch.request, {
      maxWaitMs: MAX_WAIT_MS,
      minBytes: 1,
      topics: [{
        topic, topicId: NO_ID, partitions: this.positions.map((fetchOffset, partition) => ({ partition, fetchOffset, partitionMaxBytes: PARTITION_BYTES }))
      }]
    }))
    let count = 0
    this.#isRefused = false
    for (const { partitionIndex, errorCode, records: chunks } of responses[0]!.partitions) {
      const partition = `${topic}-${partitionIndex}`
      if (doors.areSeveral && errorRow(errorCode).retriable) {
        this.#isRefused = true // leaders move
        continue
      }
      if (errorCode !== errors.NONE) {
        record({ type: 'violation', what: `${name} was refused ${partition}@${this.positions[partitionIndex]} with ${errorRow(errorCode).name}` })
        continue
      }
      const batches = [...batchesIn(Buffer.concat(chunks ?? []))]
      if (!batches.every(batch => batch.isSound)) record({ type: 'violation', what: `${name} was given a damaged batch of ${partition}` })
      const records = batches.flatMap(batch => [...recordsIn(batch)]).filter(({ offset }) => offset >= this.positions[partitionIndex]!)
      if (records.length === 0) continue
      record({ type: 'poll', reader: name, partition, records: records.map(({ offset, value }) => [offset, valueOf(value)]) })
      this.positions[partitionIndex] = batches.at(-1)!.nextOffset
      count += records.length
      doors.worked()
    }
    return count
  }

  async #commit (connection: Connection): Promise<void> {
    const { name: group, topic, record, doors } = this.#options
    const at = [...this.positions]
    for (const [partition, offset] of at.entries()) record({ type: 'commit', group, partition: `${topic}-${partition}`, offset })
    const { topics } = await doors.send(connection, OffsetCommit, COMMIT_VERSION, complete(OffsetCommit.request, {
      groupId: group,
      memberId: '',
      topics: [{
        name: topic,
        topicId: NO_ID,
        partitions: at.map((committedOffset, partitionIndex) => ({ partitionIndex, committedOffset, committedMetadata: null }))
      }]
    }))
    for (const { partitionIndex, errorCode } of topics[0]!.partitions) {
      if (errorCode === errors.NONE) record({ type: 'committed', group, partition: `${topic}-${partitionIndex}`, offset: at[partitionIndex]! })
      else if (!errorRow(errorCode).retriable) record({ type: 'violation', what: `a commit of ${group} was refused with ${errorRow(errorCode).name}` })
    }
  }

  /** Where the group stands, by what the server says. */
  async #lookUp (connection: Connection): Promise<void> {
    const { name: group, topic, record, doors } = this.#options
    const partitionIndexes = [...this.positions.keys()]
    const { topics, errorCode } = await doors.send(connection, OffsetFetch, POSITION_VERSION, complete(OffsetFetch.request, {
      groupId: group, topics: [{ name: topic, partitionIndexes }]
    }))
    if (errorCode !== errors.NONE) throw new Error(errorRow(errorCode).name)
    for (const { partitionIndex, committedOffset } of topics[0]!.partitions) {
      record({ type: 'position', group, partition: `${topic}-${partitionIndex}`, offset: committedOffset })
    }
  }
}

const NO_ID = 'AAAAAAAAAAAAAAAAAAAAAA'
