/**
 * The committed offsets of one group.
 */
import type { CommittedOffset, TopicPartition } from './records.ts'

export class Offsets {
  readonly #topics = new Map<string, Map<number, CommittedOffset>>()
  #size = 0
  #committing = 0

  get size (): number { return this.#size }
  /** Commits are on their way to the disk, which whoever takes offsets away must not overlook. */
  get isCommitting (): boolean { return this.#committing > 0 }

  beginCommit (): void { this.#committing++ }
  endCommit (): void { this.#committing-- }

  get ({ topic, partition }: TopicPartition): CommittedOffset | undefined {
    return this.#topics.get(topic)?.get(partition)
  }

  set ({ topic, partition }: TopicPartition, committed: CommittedOffset): void {
    let partitions = this.#topics.get(topic)
    if (partitions === undefined) this.#topics.set(topic, partitions = new Map())
    if (!partitions.has(partition)) this.#size++
    partitions.set(partition, committed)
  }

  delete ({ topic, partition }: TopicPartition): void {
    const partitions = this.#topics.get(topic)
    if (partitions?.delete(partition) !== true) return
    this.#size--
    if (partitions.size === 0) this.#topics.delete(topic)
  }

  topics (): string[] {
    return [...this.#topics.keys()]
  }

  partitionsOf (topic: string): number[] {
    return [...this.#topics.get(topic)?.keys() ?? []]
  }

  * entries (): Generator<[at: TopicPartition, committed: CommittedOffset], void, void> {
    for (const [topic, partitions] of this.#topics) {
      for (const [partition, committed] of partitions) yield [{ topic, partition }, committed]
    }
  }
}
