/**
 * Topics and their partitions: created, found, changed and deleted. The metadata log is the truth; a topic is there when
 * its entry is durable, and gone when that is.
 */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { KafkaError } from '../../protocol/errors.ts'
import type { FileSystem } from '../log/fs.ts'
import { checkConfig, topicConfig, type ConfigDefaults, type TopicConfig } from './configs.ts'
import type { MetadataLog } from './metadata.ts'
import { inParallel } from './parallel.ts'
import { Partition, type PartitionOptions } from './partition.ts'
import { checkTopicName, isInternal } from './topic-names.ts'

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

/** Kept under `deleted/<id>` from the moment a topic is deleted until its folders are gone. */
interface DeletedEntry {
  readonly name: string
  readonly partitions: number
}

export interface TopicsOptions {
  readonly fs: FileSystem
  readonly dataDirectory: string
  readonly metadata: MetadataLog
  readonly defaults: ConfigDefaults
  /** What every partition's log is opened with. */
  readonly partitionOptions: (directory: string, key: string) => PartitionOptions
  /** Called when a topic cannot be found any more, before its name is free again. */
  readonly onDelete: (topic: string) => Promise<void>
}

const TOPIC = 'topic/'
const GONE = 'deleted/'
/** A bound on what requests can make us open: files, and names in folders. */
export const MAX_PARTITIONS = 10_000

export class Topics {
  readonly #options: TopicsOptions
  readonly #byName = new Map<string, Topic>()
  readonly #byId = new Map<string, Topic>()
  /** Changes of one topic happen one after the other. */
  readonly #changing = new Map<string, Promise<unknown>>()
  /** Partitions in all, with those that are being made. */
  #partitionCount = 0

  constructor (options: TopicsOptions) {
    this.#options = options
  }

  /** Opens every topic that the metadata log knows. */
  async open (): Promise<void> {
    const entries = [...this.#options.metadata.entries(TOPIC)] as Array<[string, TopicEntry]>
    await inParallel(entries, async ([name, entry]) => {
      this.#add(name, entry, await this.#openPartitions(name, entry, 0))
      this.#partitionCount += entry.partitions
    })
  }

  /** Removes what is left of topics whose deletion was cut short. To be called when open, before any topic is made. */
  async finishDeletions (): Promise<void> {
    const { metadata } = this.#options
    for (const [id, entry] of [...metadata.entries(GONE)] as Array<[string, DeletedEntry]>) {
      // A topic of the same name that was made later has folders of its own.
      if (!this.#byName.has(entry.name)) await this.#removeFolders(entry)
      await metadata.set(GONE + id, null)
    }
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

  /** Throws KafkaError if there can be no new topic of this name. */
  checkNew (name: string): void {
    checkTopicName(name)
    if (this.#byName.has(name)) throw new KafkaError('TOPIC_ALREADY_EXISTS', `Topic ${name} exists.`)
  }

  /** Throws KafkaError if a topic cannot be of this shape. */
  checkShape (partitions: number, configs: ReadonlyMap<string, string | null>): void {
    this.#checkRoom(partitions)
    for (const [config, value] of configs) checkConfig(config, value)
  }

  /** Resolves when the topic can be written and read. Rejects with KafkaError, or with the error of the disk. */
  create (name: string, partitions: number, configs: ReadonlyMap<string, string> = new Map()): Promise<Topic> {
    return this.#oneByOne(name, async () => {
      this.checkNew(name)
      this.checkShape(partitions, configs)
      const entry = { id: randomBytes(16).toString('base64url'), partitions, configs: Object.fromEntries(configs) }
      return await this.#grow(name, entry, [])
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

  /**
   * Resolves when the topic is gone for good, files and all. Rejects with KafkaError UNKNOWN_TOPIC_OR_PARTITION if there
   * is none of this name and id.
   */
  delete (name: string, id: string): Promise<void> {
    return this.#oneByOne(name, async () => {
      const topic = this.#known(name)
      if (topic.id !== id) throw unknownTopic(name)
      if (topic.isInternal) throw new KafkaError('INVALID_TOPIC_EXCEPTION', `${name} is internal and cannot be deleted.`)
      const { metadata, onDelete } = this.#options
      const entry: DeletedEntry = { name, partitions: topic.partitions.length }
      await metadata.setAll([[TOPIC + name, null], [GONE + id, entry]])
      this.#byName.delete(name)
      this.#byId.delete(id)
      this.#partitionCount -= entry.partitions
      // Whatever fails from here on, the topic is gone, and its files must go too: now or at the next start.
      const [forgotten] = await Promise.allSettled([onDelete(name), inParallel(topic.partitions, partition => partition.discard())])
      await this.#removeFolders(entry)
      await metadata.set(GONE + id, null)
      if (forgotten.status === 'rejected') throw forgotten.reason
    })
  }

  /** Gives a topic more partitions, `count` in all. */
  addPartitions (name: string, count: number): Promise<void> {
    return this.#oneByOne(name, async () => {
      const topic = this.#known(name)
      const have = topic.partitions.length
      if (count <= have) throw new KafkaError('INVALID_PARTITIONS', `Topic ${name} has ${have} partitions; that can only be increased.`)
      this.#checkRoom(count - have)
      await this.#grow(name, { ...entryOf(topic), partitions: count }, topic.partitions)
    })
  }

  /** Replaces what a topic sets itself with what `change` makes of it. Throws KafkaError INVALID_CONFIG. */
  configure (name: string, change: (have: ReadonlyMap<string, string>) => ReadonlyMap<string, string>): Promise<void> {
    return this.#oneByOne(name, async () => {
      const topic = this.#known(name)
      const configs = change(topic.configs)
      for (const [config, value] of configs) checkConfig(config, value)
      const entry = { ...entryOf(topic), configs: Object.fromEntries(configs) }
      await this.#options.metadata.set(TOPIC + name, entry)
      this.#add(name, entry, topic.partitions)
      for (const partition of topic.partitions) partition.reconfigure(this.#configOf(entry))
    })
  }

  /** Closes every partition, whatever becomes of the others. Rejects with the first error. */
  async close (): Promise<void> {
    await Promise.allSettled(this.#changing.values())
    const errors: unknown[] = []
    await inParallel([...this].flatMap(topic => topic.partitions), partition => partition.close().catch(error => { errors.push(error) }))
    if (errors.length > 0) throw errors[0]
  }

  #known (name: string): Topic {
    const topic = this.#byName.get(name)
    if (topic === undefined) throw unknownTopic(name)
    return topic
  }

  #checkRoom (partitions: number): void {
    if (partitions <= 0) throw new KafkaError('INVALID_PARTITIONS', `${partitions} partitions were asked for, but there must be 1 or more.`)
    if (this.#partitionCount + partitions > MAX_PARTITIONS) {
      throw new KafkaError('INVALID_PARTITIONS', `There would be more than ${MAX_PARTITIONS} partitions in all.`)
    }
  }

  #add (name: string, entry: TopicEntry, partitions: readonly Partition[]): Topic {
    const topic = { name, id: entry.id, isInternal: isInternal(name), partitions, configs: new Map(Object.entries(entry.configs)) }
    this.#byName.set(name, topic)
    this.#byId.set(entry.id, topic)
    return topic
  }

  #configOf (entry: TopicEntry): TopicConfig {
    return topicConfig(new Map(Object.entries(entry.configs)), this.#options.defaults)
  }

  /** Makes the partitions that an entry has more than `have`, and then the entry. What fails leaves nothing behind. */
  async #grow (name: string, entry: TopicEntry, have: readonly Partition[]): Promise<Topic> {
    const { metadata } = this.#options
    const count = entry.partitions - have.length
    this.#partitionCount += count
    let added: Partition[] = []
    try {
      for (let index = have.length; index < entry.partitions; index++) await this.#setAside(`${name}-${index}`)
      try {
        added = await this.#openPartitions(name, entry, have.length)
        await metadata.set(TOPIC + name, entry)
      } catch (error) {
        await inParallel(added, partition => partition.discard())
        // What cannot be removed either is empty, and would be set aside.
        await this.#removeFolders({ name, partitions: entry.partitions }, have.length).catch(() => {})
        throw error
      }
    } catch (error) {
      this.#partitionCount -= count
      throw error
    }
    return this.#add(name, entry, [...have, ...added])
  }

  /** A new partition never takes over records that lie in a folder of its name, but never deletes them either. */
  async #setAside (folder: string): Promise<void> {
    const { fs, dataDirectory } = this.#options
    const directory = join(dataDirectory, folder)
    const sizes = await Promise.all((await fs.list(directory)).map(name => fs.size(join(directory, name))))
    // Empty files are what a crash leaves of a topic that was being made.
    if (sizes.every(size => size === 0)) return await fs.remove(directory)
    // A name has at most 255 bytes.
    const aside = `${folder.slice(0, 200)}.${randomBytes(6).toString('hex')}-stray`
    await fs.rename(directory, join(dataDirectory, aside))
  }

  async #removeFolders ({ name, partitions }: DeletedEntry, from = 0): Promise<void> {
    const { fs, dataDirectory } = this.#options
    for (let index = from; index < partitions; index++) await fs.remove(join(dataDirectory, `${name}-${index}`))
    await fs.syncDirectory(dataDirectory)
  }

  async #openPartitions (name: string, entry: TopicEntry, from: number): Promise<Partition[]> {
    const config = this.#configOf(entry)
    const opened: Partition[] = []
    try {
      return await inParallel(Array.from({ length: entry.partitions - from }, (_, i) => from + i), async index => {
        const directory = join(this.#options.dataDirectory, `${name}-${index}`)
        const partition = await Partition.open(name, index, config, this.#options.partitionOptions(directory, `${name}-${index}`))
        opened.push(partition)
        return partition
      })
    } catch (error) {
      await inParallel(opened, partition => partition.discard())
      throw error
    }
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

function unknownTopic (name: string): KafkaError {
  return new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', `There is no topic ${name}.`)
}

function entryOf (topic: Topic): TopicEntry {
  return { id: topic.id, partitions: topic.partitions.length, configs: Object.fromEntries(topic.configs) }
}
