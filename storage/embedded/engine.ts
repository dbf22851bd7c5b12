/**
 * The embedded engine: Kafka's semantics over files in one folder.
 *
 * A start takes the folder's lock, reads who it is, replays the metadata log, opens every partition (checking what a crash
 * may have torn), replays the groups and is ready. A clean stop leaves a marker, which spares the next start the checks.
 */
import { join } from 'node:path'
import { complete } from '../../protocol/defaults.ts'
import { KafkaError } from '../../protocol/errors.ts'
import { recordsIn, buildBatch } from '../../protocol/records.ts'
import type { Context, Dispatch } from '../../protocol/rpc.ts'
import type { Api, Request, Response } from '../../protocol/schema.ts'
import type { EngineState, LogEngine } from '../engine.ts'
import type { LogObserver } from '../log/config.ts'
import { realFileSystem, type FileSystem } from '../log/fs.ts'
import { Log } from '../log/log.ts'
import { TailBudget } from '../log/tail.ts'
import { Checkpoints } from './checkpoints.ts'
import { topicConfig } from './configs.ts'
import { defaultGroupConfig } from './groups/config.ts'
import { realClock } from './groups/clock.ts'
import { Groups } from './groups/groups.ts'
import { handlers } from './handlers/list.ts'
import { acquireLock, type Lock } from './lock.ts'
import { Maintenance } from './maintenance.ts'
import { MetadataLog } from './metadata.ts'
import type { PartitionOptions } from './partition.ts'
import { ProducerIds } from './producer-ids.ts'
import { openProperties, type Properties } from './properties.ts'
import type { Embedded, EmbeddedOptions } from './state.ts'
import { METADATA_TOPIC, OFFSETS_TOPIC } from './topic-names.ts'
import { Topics } from './topics.ts'

const METADATA_FOLDER = `${METADATA_TOPIC}-0`
const METADATA_SEGMENT_BYTES = 16 * 1024 * 1024
const CLEAN_STOP = '.kafka_cleanshutdown'

const byKey = new Map(handlers.map(one => [one.api.key, one]))

export interface EngineDependencies {
  readonly observer: LogObserver
  readonly fs?: FileSystem
}

/** How much of the tail is in use, and how often it was enough. */
export interface TailStats {
  readonly usedBytes: number
  readonly hits: number
  readonly misses: number
}

export class EmbeddedEngine implements LogEngine {
  readonly supports = new Map(handlers.map(({ api, versions }) => [api.key, versions]))
  readonly #options: EmbeddedOptions
  readonly #observer: LogObserver
  readonly #fs: FileSystem
  readonly #tailBudget: TailBudget
  readonly #checkpoints: Checkpoints
  #state: EngineState = 'closed'
  #failure: string | null = null
  #lock: Lock | null = null
  #properties: Properties = { clusterId: '', nodeId: 0 }
  #metadata: MetadataLog | null = null
  #topics: Topics | null = null
  #embedded: Embedded | null = null
  #maintenance: Maintenance | null = null
  #opening: Promise<void> = Promise.resolve()
  #closing: Promise<void> | null = null
  /** Requests that are being answered. */
  #inFlight = 0
  #whenIdle: (() => void) | null = null

  constructor (options: EmbeddedOptions, { observer, fs = realFileSystem }: EngineDependencies) {
    this.#options = options
    this.#fs = fs
    this.#tailBudget = new TailBudget(options.tailBytes)
    this.#checkpoints = new Checkpoints(fs, options.dataDirectory)
    this.#observer = {
      appended: bytes => observer.appended(bytes),
      synced: durationMs => observer.synced(durationMs),
      truncated: (path, bytes) => observer.truncated(path, bytes),
      quarantined: (path, bytes, fromOffset, toOffset) => observer.quarantined(path, bytes, fromOffset, toOffset),
      failed: (path, error) => {
        observer.failed(path, error)
        this.#noteFailures()
      }
    }
  }

  get state (): EngineState { return this.#state }
  get failure (): string | null { return this.#failure }
  get clusterId (): string { return this.#properties.clusterId }
  get nodeId (): number { return this.#properties.nodeId }
  get tail (): TailStats { return this.#tailBudget }
  get topics (): Topics | null { return this.#embedded?.topics ?? null }
  get groups (): Groups | null { return this.#embedded?.groups ?? null }

  /** Rejects with KafkaError COORDINATOR_NOT_AVAILABLE unless the engine is open. */
  readonly dispatch: Dispatch = async <A extends Api>(api: A, request: Request<A>, context: Context): Promise<Response<A>> => {
    const found = byKey.get(api.key)
    if (found === undefined) throw new KafkaError('UNSUPPORTED_VERSION', `${api.name} is not supported.`)
    if (this.#embedded === null || this.#state === 'closed') throw new KafkaError('COORDINATOR_NOT_AVAILABLE', this.#whyNot())
    this.#inFlight++
    try {
      return complete(api.response, await found.handle(request, context, this.#embedded)) as Response<A>
    } finally {
      if (--this.#inFlight === 0) this.#whenIdle?.()
    }
  }

  #whyNot (): string {
    switch (this.#state) {
      case 'recovering': return 'The log is being opened; ask again in a moment.'
      case 'failed': return `The log could not be opened: ${this.#failure}`
      default: return 'The log is closed.'
    }
  }

  /** What fails to open is closed again, all of it. */
  open (): Promise<void> {
    this.#opening = this.#open()
    return this.#opening
  }

  async #open (): Promise<void> {
    const { dataDirectory } = this.#options
    this.#state = 'recovering'
    this.#failure = null
    this.#closing = null
    try {
      await this.#fs.makeDirectory(dataDirectory)
      this.#lock = await acquireLock(dataDirectory)
      this.#properties = await openProperties(this.#fs, dataDirectory)
      await this.#openLogs()
      this.#state = 'ready'
      this.#noteFailures()
    } catch (error) {
      this.#state = 'failed'
      this.#failure = (error as Error).message
      // Why it failed is what the operator needs; that closing it fails too is no news then.
      await this.#letGo().catch(() => {})
      throw error
    }
  }

  async #openLogs (): Promise<void> {
    const { dataDirectory, durability } = this.#options
    const checkpoints = this.#checkpoints
    const marker = join(dataDirectory, CLEAN_STOP)
    const wasClean = await this.#fs.size(marker) >= 0
    await checkpoints.read()
    const partitionOptions = (directory: string, key: string): PartitionOptions => ({
      directory,
      fs: this.#fs,
      durability,
      tailBudget: this.#tailBudget,
      observer: this.#observer,
      recoveryPoint: wasClean ? Infinity : checkpoints.recoveryPoint(key),
      startOffset: checkpoints.startOffset(key)
    })
    const metadata = this.#metadata = await this.#openMetadata(partitionOptions)
    const topics: Topics = this.#topics = new Topics({
      fs: this.#fs,
      dataDirectory,
      metadata,
      defaults: this.#options,
      partitionOptions,
      onDelete: async topic => {
        await checkpoints.write(topics)
        await groups.topicDeleted(topic)
      }
    })
    await topics.open()
    // From here on the log is written to, and is no more what the last stop has left.
    await this.#fs.remove(marker)
    await this.#fs.syncDirectory(dataDirectory)
    await topics.finishDeletions()
    await checkpoints.settle(topics)
    const groups = await this.#openGroups(topics)
    this.#embedded = {
      ...this.#properties,
      options: this.#options,
      topics,
      groups,
      producerIds: new ProducerIds(metadata),
      checkpointStartOffsets: () => checkpoints.writeStartOffsets(topics)
    }
    this.#maintenance = new Maintenance({ fs: this.#fs, topics, metadata, observer: this.#observer, checkpoint: () => checkpoints.write(topics) })
    this.#maintenance.start()
  }

  /**
   * Rejects if some of the metadata was damaged: topics that are not known any more would look deleted, and be made anew,
   * empty.
   */
  async #openMetadata (options: (directory: string, key: string) => PartitionOptions): Promise<MetadataLog> {
    const directory = join(this.#options.dataDirectory, METADATA_FOLDER)
    const config = topicConfig(new Map([['cleanup.policy', 'compact'], ['segment.bytes', String(METADATA_SEGMENT_BYTES)]]), this.#options).log
    const log = await Log.open({ ...options(directory, METADATA_FOLDER), config })
    try {
      const metadata = await MetadataLog.open(log)
      const damaged = (await this.#fs.list(directory)).find(name => name.endsWith('.damaged'))
      if (damaged === undefined) return metadata
      throw new Error(`The metadata log in ${directory} is damaged, and topics may be missing from it: ${damaged} holds what could not be read. ` +
        'Restore the folder from a backup; or, to go on without what is lost, move that file away.')
    } catch (error) {
      await log.close()
      throw error
    }
  }

  async #openGroups (topics: Topics): Promise<Groups> {
    const topic = await topics.ensure(OFFSETS_TOPIC, 1, new Map([['cleanup.policy', 'compact'], ['segment.bytes', '104857600']]))
    const { log } = topic.partitions[0]!
    const groups = new Groups({
      log: {
        async append (records) {
          const batch = buildBatch(records)
          log.append(batch)
          await log.committed(batch.nextOffset)
        }
      },
      config: { ...defaultGroupConfig, initialRebalanceDelayMs: this.#options.groupInitialDelayMs },
      partitionExists: (name, partition) => topics.partition(name, partition) !== undefined,
      clock: realClock
    })
    for await (const batches of log.batches(log.startOffset)) {
      for (const batch of batches) for (const record of recordsIn(batch)) groups.replay(record)
    }
    groups.start()
    return groups
  }

  /** A log whose sync has failed takes the engine with it: what else the disk has lost nobody knows. */
  #noteFailures (): void {
    if (this.#state !== 'ready') return
    const failed = this.#failedLog()
    if (failed === undefined) return
    this.#state = 'failed'
    this.#failure = `The disk failed under ${failed.directory}: ${failed.failure!.message}. Nothing more is acknowledged there; mend the disk and start again.`
  }

  #failedLog (): Log | undefined {
    const logs = [...this.#topics ?? []].flatMap(topic => topic.partitions.map(({ log }) => log))
    if (this.#metadata !== null) logs.push(this.#metadata.log)
    return logs.find(log => log.failure !== null)
  }

  /** Once is enough; further calls wait for the first. Rejects if not everything could be brought to the disk. */
  close (): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close (): Promise<void> {
    if (this.#embedded !== null) this.#state = 'closed' // nothing more is taken
    await this.#opening.catch(() => {}) // whoever opened it has heard of it
    const topics = this.#topics
    if (topics === null) return
    this.#state = 'closed'
    this.#embedded?.groups.stop()
    for (const topic of topics) for (const partition of topic.partitions) partition.waiting.gone()
    if (this.#inFlight > 0) await new Promise<void>(resolve => { this.#whenIdle = resolve })
    await this.#letGo(async () => {
      await this.#checkpoints.write(topics)
      await this.#fs.replaceFile(join(this.#options.dataDirectory, CLEAN_STOP), '')
    })
  }

  /** Closes what is open and gives the folder back. `whenSound` runs if all of it is on the disk. */
  async #letGo (whenSound: () => Promise<void> = async () => {}): Promise<void> {
    try {
      const closed = await Promise.allSettled([this.#maintenance?.stop(), this.#topics?.close(), this.#metadata?.log.close()])
      for (const one of closed) if (one.status === 'rejected') throw one.reason
      if (this.#failedLog() === undefined) await whenSound()
    } finally {
      this.#embedded = this.#topics = this.#metadata = this.#maintenance = null
      await this.#lock?.release()
    }
  }
}
