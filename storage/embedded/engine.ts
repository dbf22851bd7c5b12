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
import { type Context, type Dispatch } from '../../protocol/rpc.ts'
import { type Api, type Request, type Response } from '../../protocol/schema.ts'
import { type EngineState, type LogEngine } from '../engine.ts'
import { Checkpoint } from '../log/checkpoint.ts'
import { type LogObserver } from '../log/config.ts'
import { realFileSystem, type FileSystem } from '../log/fs.ts'
import { Log } from '../log/log.ts'
import { TailBudget } from '../log/tail.ts'
import { topicConfig } from './configs.ts'
import { defaultGroupConfig } from './groups/config.ts'
import { realClock } from './groups/clock.ts'
import { Groups } from './groups/groups.ts'
import { handlers } from './handlers/list.ts'
import { acquireLock, type Lock } from './lock.ts'
import { Maintenance } from './maintenance.ts'
import { MetadataLog } from './metadata.ts'
import { type PartitionOptions } from './partition.ts'
import { ProducerIds } from './producer-ids.ts'
import { openProperties, type Properties } from './properties.ts'
import { type Embedded, type EmbeddedOptions } from './state.ts'
import { DELETED, OFFSETS_TOPIC, Topics } from './topics.ts'

/** The folder of the metadata log; no topic can have this name, because topics of the engine are not shown. */
const METADATA_FOLDER = '__barnabas_metadata-0'
const CLEAN_STOP = '.kafka_cleanshutdown'
const RECOVERY_POINTS = 'recovery-point-offset-checkpoint'
const START_OFFSETS = 'log-start-offset-checkpoint'

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
  readonly #recoveryPoints: Checkpoint
  readonly #startOffsets: Checkpoint
  #state: EngineState = 'closed'
  #failure: string | null = null
  #lock: Lock | null = null
  #properties: Properties = { clusterId: '', nodeId: 0 }
  #metadataLog: MetadataLog | null = null
  #embedded: Embedded | null = null
  #maintenance: Maintenance | null = null

  constructor (options: EmbeddedOptions, { observer, fs = realFileSystem }: EngineDependencies) {
    this.#options = options
    this.#fs = fs
    this.#tailBudget = new TailBudget(options.tailBytes)
    this.#recoveryPoints = new Checkpoint(fs, join(options.dataDirectory, RECOVERY_POINTS))
    this.#startOffsets = new Checkpoint(fs, join(options.dataDirectory, START_OFFSETS))
    this.#observer = {
      appended: bytes => observer.appended(bytes),
      synced: durationMs => observer.synced(durationMs),
      truncated: (path, bytes) => observer.truncated(path, bytes),
      quarantined: (path, bytes, from, to) => observer.quarantined(path, bytes, from, to),
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

  readonly dispatch: Dispatch = async <A extends Api>(api: A, request: Request<A>, context: Context): Promise<Response<A>> => {
    const found = byKey.get(api.key)
    if (found === undefined) throw new KafkaError('UNSUPPORTED_VERSION', `${api.name} is not supported.`)
    if (this.#embedded === null || this.#state === 'closed') throw new KafkaError('COORDINATOR_NOT_AVAILABLE', 'The log is not open.')
    return complete(api.response, await found.handle(request, context, this.#embedded)) as Response<A>
  }

  async open (): Promise<void> {
    const { dataDirectory } = this.#options
    this.#state = 'recovering'
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
      await this.#lock?.release()
      throw error
    }
  }

  async #openLogs (): Promise<void> {
    const { dataDirectory } = this.#options
    const marker = join(dataDirectory, CLEAN_STOP)
    const wasClean = await this.#fs.size(marker) >= 0
    await this.#fs.remove(marker)
    await this.#fs.syncDirectory(dataDirectory)
    const recoveryPoints = await this.#recoveryPoints.read()
    const startOffsets = await this.#startOffsets.read()
    for (const name of await this.#fs.list(dataDirectory)) if (name.endsWith(DELETED)) await this.#fs.remove(join(dataDirectory, name))

    const logOptions = (directory: string, key: string): PartitionOptions => ({
      directory,
      fs: this.#fs,
      durability: this.#options.durability,
      tailBudget: this.#tailBudget,
      observer: this.#observer,
      recoveryPoint: wasClean ? Infinity : recoveryPoints.get(key) ?? 0,
      startOffset: startOffsets.get(key) ?? 0
    })
    const compacted = topicConfig(new Map([['cleanup.policy', 'compact'], ['segment.bytes', String(16 * 1024 * 1024)]]), this.#options).log
    const metadata = await MetadataLog.open(await Log.open({
      ...logOptions(join(dataDirectory, METADATA_FOLDER), METADATA_FOLDER), config: compacted
    }))
    this.#metadataLog = metadata
    const topics: Topics = new Topics({
      fs: this.#fs,
      dataDirectory,
      metadata,
      defaults: this.#options,
      partitionOptions: logOptions,
      onDelete: async topic => await groups.topicDeleted(topic)
    })
    await topics.open()
    const groups = await this.#openGroups(topics)
    this.#embedded = {
      ...this.#properties,
      options: this.#options,
      topics,
      groups,
      producerIds: new ProducerIds(metadata),
      checkpointStartOffsets: () => this.#checkpoint(this.#startOffsets, log => log.startOffset)
    }
    this.#maintenance = new Maintenance({
      fs: this.#fs,
      topics,
      metadata,
      observer: this.#observer,
      checkpoint: async () => {
        await this.#checkpoint(this.#recoveryPoints, log => log.recoveryPoint)
        await this.#checkpoint(this.#startOffsets, log => log.startOffset)
      }
    })
    this.#maintenance.start()
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

  async #checkpoint (file: Checkpoint, offsetOf: (log: Log) => number): Promise<void> {
    const rows = [...this.#embedded!.topics].flatMap(topic => topic.partitions.map(({ index, log }) => ({ topic: topic.name, partition: index, offset: offsetOf(log) })))
    await file.write(rows.filter(({ offset }) => offset > 0))
  }

  /** A log whose sync has failed takes the engine with it: what else the disk has lost nobody knows. */
  #noteFailures (): void {
    if (this.#state !== 'ready') return
    const failed = this.#allLogs().find(log => log.failure !== null)
    if (failed === undefined) return
    this.#state = 'failed'
    this.#failure = `The disk failed under ${failed.directory}: ${failed.failure!.message}. Nothing more is acknowledged there; mend the disk and start again.`
  }

  #allLogs (): Log[] {
    const partitions = [...this.#embedded?.topics ?? []].flatMap(topic => topic.partitions.map(({ log }) => log))
    return this.#metadataLog === null ? partitions : [...partitions, this.#metadataLog.log]
  }

  async close (): Promise<void> {
    if (this.#embedded === null) return
    const isSound = this.#allLogs().every(log => log.failure === null)
    this.#state = 'closed'
    this.#maintenance?.stop()
    this.#embedded.groups.stop()
    await this.#maintenance?.settled()
    await this.#embedded.topics.close()
    await this.#metadataLog!.log.close()
    if (isSound) {
      await this.#checkpoint(this.#recoveryPoints, log => log.recoveryPoint)
      await this.#checkpoint(this.#startOffsets, log => log.startOffset)
      await this.#fs.replaceFile(join(this.#options.dataDirectory, CLEAN_STOP), '')
    }
    this.#embedded = null
    await this.#lock?.release()
  }
}
