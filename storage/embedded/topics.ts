/**
 * Topics and their partitions: created, found, changed and deleted. The metadata log is the truth; a topic is there when
 * its entry is durable, and its folders are made from that.
 */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { KafkaError } from '../../protocol/errors.ts'
import { type FileSystem } from '../log/fs.ts'
import { checkConfig, topicConfig, type ConfigDefaults, type TopicConfig } from './configs.ts'
import { type MetadataLog } from './metadata.ts'
import { Partition, type PartitionOptions } from './partition.ts'

export interface Topic {
  readonly name: string
  /** 22 characters of base64url. */
  readonly id: string
  readonly isInternal: boolean
  readonly partitions: readonly Partition[]
  /** What the topic sets itself; all else is default. */
  readonly configs: ReadonlyMap<string, string>
}

/** How a topic is kept in the metadata log, under `topic/<name>`. */
interface TopicEntry {
  readonly id: string
  readonly partitions: number
  readonly configs: Record<string, string>
}

export interface TopicsOptions {
  readonly fs: FileSystem
  readonly dataDirectory: string
  readonly metadata: MetadataLog
  readonly defaults: ConfigDefaults
  /** What every partition's log is opened with. */
  readonly partitionOptions: (directory: string, key: string) => PartitionOptions
  readonly onDelete: (topic: string) => Promise<void>
}

const PREFIX = 'topic/'
/** The ends of folder names that are no partitions: about to be removed, and found without a topic. */
export const DELETED = '-delete'
export const STRAY = '-stray'
/** A bound on what one request can make us open: files, and names in folders. */
export const MAX_PARTITIONS = 10_000

export const OFFSETS_TOPIC = '__consumer_offsets'
const internalTopics = new Set([OFFSETS_TOPIC])

export class Topics {
  readonly #options: TopicsOptions
  readonly #byName = new Map<string, Topic>()
  readonly #byId = new Map<string, Topic>()
  /** Changes of one topic happen one after the other. */
  readonly #changing = new Map<string, Promise<unknown>>()

  constructor (options: TopicsOptions) {
    this.#options = options
  }

  /** Opens every topic that the metadata log knows. */
  async open (): Promise<void> {
    const entries = [...this.#options.metadata.entries(PREFIX)] as Array<[string, TopicEntry]>
    await inParallel(entries, async ([name, entry]) => this.#add(name, entry, await this.#openPartitions(name, entry, 0)))
  }

  get (name: string): Topic | undefined {
    return this.#byName.get(name)
  }

  byId (id: string): Topic | undefined {
    return this.#byId.get(id)
  }

  partition (topic: string, index: number): Partition | undefined {
    return this.#byName.get(topic)?.partitions[index]
  }

  * [Symbol.iterator] (): Generator<Topic> {
    yield * this.#byName.values()
  }

  /** Throws KafkaError if a topic of this shape cannot be created. */
  check (name: string, partitions: number, configs: ReadonlyMap<string, string | null>): void {
    checkTopicName(name)
    if (this.#byName.has(name)) throw new KafkaError('TOPIC_ALREADY_EXISTS', `Topic ${name} exists.`)
    this.#checkRoom(partitions)
    for (const [config, value] of configs) checkConfig(config, value)
  }

  /** Resolves when the topic can be written and read. Rejects with KafkaError. */
  create (name: string, partitions: number, configs: ReadonlyMap<string, string> = new Map()): Promise<Topic> {
    return this.#oneByOne(name, async () => {
      this.check(name, partitions, configs)
      const entry = { id: randomBytes(16).toString('base64url'), partitions, configs: Object.fromEntries(configs) }
      for (let index = 0; index < partitions; index++) await this.#setAside(this.#directoryOf(name, index))
      const opened = await this.#openPartitions(name, entry, 0)
      await this.#options.metadata.set(PREFIX + name, entry)
      return this.#add(name, entry, opened)
    })
  }

  /** Creates a topic unless it is there, which several callers may ask for at once. */
  async ensure (name: string, partitions: number, configs?: ReadonlyMap<string, string>): Promise<Topic> {
    try {
      return this.#byName.get(name) ?? await this.create(name, partitions, configs)
    } catch (error) {
      const made = this.#byName.get(name)
      if (made !== undefined) return made
      throw error
    }
  }

  /** Resolves when the topic is gone for good, files and all. */
  delete (name: string): Promise<void> {
    return this.#oneByOne(name, async () => {
      const topic = this.#known(name)
      if (topic.isInternal) throw new KafkaError('INVALID_TOPIC_EXCEPTION', `${name} is internal and cannot be deleted.`)
      await this.#options.metadata.set(PREFIX + name, null)
      this.#byName.delete(name)
      this.#byId.delete(topic.id)
      await this.#options.onDelete(name)
      const { fs } = this.#options
      for (const partition of topic.partitions) {
        // First a name that the next start will not take for a partition, whatever happens to us in between.
        const doomed = `${partition.log.directory}.${topic.id}${DELETED}`
        await fs.rename(partition.log.directory, doomed)
        await partition.close()
        await fs.remove(doomed)
      }
    })
  }

  /** Gives a topic more partitions, `count` in all. */
  addPartitions (name: string, count: number): Promise<void> {
    return this.#oneByOne(name, async () => {
      const topic = this.#known(name)
      const have = topic.partitions.length
      if (count <= have) throw new KafkaError('INVALID_PARTITIONS', `Topic ${name} has ${have} partitions; that can only be increased.`)
      this.#checkRoom(count - have)
      const entry = { ...entryOf(topic), partitions: count }
      const added = await this.#openPartitions(name, entry, have)
      await this.#options.metadata.set(PREFIX + name, entry)
      this.#add(name, entry, [...topic.partitions, ...added])
    })
  }

  /** Replaces what a topic sets itself. Throws KafkaError INVALID_CONFIG. */
  configure (name: string, configs: ReadonlyMap<string, string>): Promise<void> {
    return this.#oneByOne(name, async () => {
      const topic = this.#known(name)
      for (const [config, value] of configs) checkConfig(config, value)
      const entry = { ...entryOf(topic), configs: Object.fromEntries(configs) }
      await this.#options.metadata.set(PREFIX + name, entry)
      this.#add(name, entry, topic.partitions)
      for (const partition of topic.partitions) partition.reconfigure(this.#configOf(entry))
    })
  }

  async close (): Promise<void> {
    await Promise.allSettled(this.#changing.values())
    await inParallel([...this].flatMap(topic => topic.partitions), partition => partition.close())
  }

  #known (name: string): Topic {
    const topic = this.#byName.get(name)
    if (topic === undefined) throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', `There is no topic ${name}.`)
    return topic
  }

  #checkRoom (partitions: number): void {
    if (partitions <= 0) throw new KafkaError('INVALID_PARTITIONS', `${partitions} partitions were asked for, but there must be 1 or more.`)
    const have = [...this].reduce((sum, topic) => sum + topic.partitions.length, 0)
    if (have + partitions > MAX_PARTITIONS) {
      throw new KafkaError('INVALID_PARTITIONS', `There would be more than ${MAX_PARTITIONS} partitions in all.`)
    }
  }

  #add (name: string, entry: TopicEntry, partitions: readonly Partition[]): Topic {
    const topic = { name, id: entry.id, isInternal: internalTopics.has(name), partitions, configs: new Map(Object.entries(entry.configs)) }
    this.#byName.set(name, topic)
    this.#byId.set(entry.id, topic)
    return topic
  }

  #configOf (entry: TopicEntry): TopicConfig {
    return topicConfig(new Map(Object.entries(entry.configs)), this.#options.defaults)
  }

  #directoryOf (name: string, partition: number): string {
    return join(this.#options.dataDirectory, `${name}-${partition}`)
  }

  /** A new topic never takes over records that lie in a folder of its name, but never deletes them either. */
  async #setAside (directory: string): Promise<void> {
    const { fs } = this.#options
    if ((await fs.list(directory)).length > 0) await fs.rename(directory, `${directory}.${Date.now()}${STRAY}`)
  }

  async #openPartitions (name: string, entry: TopicEntry, from: number): Promise<Partition[]> {
    const config = this.#configOf(entry)
    const indexes = Array.from({ length: entry.partitions - from }, (_, i) => from + i)
    return await inParallel(indexes, index => {
      const directory = this.#directoryOf(name, index)
      return Partition.open(name, index, config, this.#options.partitionOptions(directory, `${name}-${index}`))
    })
  }

  async #oneByOne<T> (name: string, change: () => Promise<T>): Promise<T> {
    const before = this.#changing.get(name)
    const mine = (before ?? Promise.resolve()).then(change, change)
    this.#changing.set(name, mine)
    try {
      return await mine
    } finally {
      if (this.#changing.get(name) === mine) this.#changing.delete(name)
    }
  }
}

/** Kafka's rules for topic names. Throws KafkaError INVALID_TOPIC_EXCEPTION. */
export function checkTopicName (name: string): void {
  if (/^[a-zA-Z0-9._-]{1,249}$/.test(name) && name !== '.' && name !== '..') return
  throw new KafkaError('INVALID_TOPIC_EXCEPTION',
    `"${name.slice(0, 60)}" is no topic name: 1 to 249 of a-z A-Z 0-9 . _ - are allowed, but neither "." nor "..".`)
}

function entryOf (topic: Topic): TopicEntry {
  return { id: topic.id, partitions: topic.partitions.length, configs: Object.fromEntries(topic.configs) }
}

/** Files are opened and closed some at a time: one after the other is slow, all at once runs out of descriptors. */
const AT_ONCE = 32

export async function inParallel<T, R> (items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = new Array(items.length)
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const i = next++
      results[i] = await work(items[i]!)
    }
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, worker))
  return results
}
