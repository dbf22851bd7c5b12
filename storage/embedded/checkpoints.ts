/**
 * What a start is told about every partition, besides its files: up to where they were synced, and which records were
 * deleted by request.
 */
import { join } from 'node:path'
import { Checkpoint } from '../log/checkpoint.ts'
import type { FileSystem } from '../log/fs.ts'
import type { Log } from '../log/log.ts'
import type { Topics } from './topics.ts'

const RECOVERY_POINTS = 'recovery-point-offset-checkpoint'
const START_OFFSETS = 'log-start-offset-checkpoint'

export class Checkpoints {
  readonly #recoveryPoints: Checkpoint
  readonly #startOffsets: Checkpoint
  /** What the last run has left, by `topic-partition`. */
  #left = { recoveryPoints: new Map<string, number>(), startOffsets: new Map<string, number>() }

  constructor (fs: FileSystem, dataDirectory: string) {
    this.#recoveryPoints = new Checkpoint(fs, join(dataDirectory, RECOVERY_POINTS))
    this.#startOffsets = new Checkpoint(fs, join(dataDirectory, START_OFFSETS))
  }

  async read (): Promise<void> {
    this.#left = { recoveryPoints: await this.#recoveryPoints.read(), startOffsets: await this.#startOffsets.read() }
  }

  recoveryPoint (key: string): number {
    return this.#left.recoveryPoints.get(key) ?? 0
  }

  startOffset (key: string): number {
    return this.#left.startOffsets.get(key) ?? 0
  }

  /** To be called when everything is open: a topic that is made later inherits nothing from one that had its name. */
  async settle (topics: Topics): Promise<void> {
    const keys = [...this.#left.recoveryPoints.keys(), ...this.#left.startOffsets.keys()]
    this.#left = { recoveryPoints: new Map(), startOffsets: new Map() }
    if (keys.some(key => !hasPartition(topics, key))) await this.write(topics)
  }

  async write (topics: Topics): Promise<void> {
    await this.#recoveryPoints.write(rowsOf(topics, log => log.recoveryPoint))
    await this.writeStartOffsets(topics)
  }

  async writeStartOffsets (topics: Topics): Promise<void> {
    await this.#startOffsets.write(rowsOf(topics, log => log.startOffset))
  }
}

function hasPartition (topics: Topics, key: string): boolean {
  const dash = key.lastIndexOf('-')
  return topics.partition(key.slice(0, dash), Number(key.slice(dash + 1))) !== undefined
}

function rowsOf (topics: Topics, offsetOf: (log: Log) => number): Parameters<Checkpoint['write']>[0] {
  const rows = [...topics].flatMap(topic => topic.partitions.map(({ index, log }) => ({ topic: topic.name, partition: index, offset: offsetOf(log) })))
  return rows.filter(({ offset }) => offset > 0)
}
