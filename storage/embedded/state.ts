/**
 * What the handlers of the embedded engine share.
 */
import type { Groups } from './groups/groups.ts'
import type { ProducerIds } from './producer-ids.ts'
import type { Topics } from './topics.ts'

export interface Embedded {
  readonly nodeId: number
  readonly clusterId: string
  readonly options: EmbeddedOptions
  readonly topics: Topics
  readonly groups: Groups
  readonly producerIds: ProducerIds
  /** Makes the start offsets of all partitions durable. */
  readonly checkpointStartOffsets: () => Promise<void>
}

export interface EmbeddedOptions {
  readonly dataDirectory: string
  readonly durability: 'fsync' | 'os'
  /** Partitions of a topic that is created without saying how many. */
  readonly partitions: number
  /** Whether asking for a topic may create it. */
  readonly autoCreate: boolean
  /** Of topics that set none; -1 keeps everything. */
  readonly retentionMs: number
  readonly segmentBytes: number
  /** Memory for the newest batches of all partitions together. */
  readonly tailBytes: number
  readonly groupInitialDelayMs: number
}
