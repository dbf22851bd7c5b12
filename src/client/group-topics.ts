/**
 * What consumers of a group have to know of topics: their ids, how many partitions they have, and which of them a pattern names.
 */
import { complete } from '../../protocol/defaults.ts'
import { errors } from '../../protocol/errors.ts'
import { Metadata } from '../../protocol/messages/03-metadata.ts'
import { newest, type Context, type Dispatch } from '../../protocol/rpc.ts'
import { listTopics } from './admin.ts'
import { kafkaError, topicError } from './failures.ts'
import type { TopicShape } from './shapes.ts'

/** What is known of a topic, or the code of the error that stands for it. */
export type Known = TopicShape | number

/** Asks about topics by name, without creating any. Rejects with KafkaError where nothing can be said at all. */
export async function describeTopics (dispatch: Dispatch, context: Context, names: readonly string[]): Promise<Map<string, Known>> {
  if (names.length === 0) return new Map()
  const { errorCode, topics } = await dispatch(Metadata, complete(Metadata.request, {
    topics: names.map(name => ({ name })), allowAutoTopicCreation: false
  }), { ...context, version: newest(Metadata) })
  if (errorCode !== errors.NONE) throw kafkaError(errorCode)
  return new Map(topics.map(({ name, errorCode, topicId, partitions }) =>
    [name ?? '', errorCode === errors.NONE ? { topicId, partitionCount: partitions.length } : errorCode]))
}

export async function partitionCounts (dispatch: Dispatch, context: Context, names: readonly string[]): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  for (const [name, known] of await describeTopics(dispatch, context, names)) {
    if (typeof known !== 'number') counts.set(name, known.partitionCount)
  }
  return counts
}

/**
 * The topics that are there. Rejects with KafkaError for one that is not to be seen and, where they need to be there, for one
 * that is not.
 */
export async function needTopics (
  dispatch: Dispatch, context: Context, topics: readonly string[], need: 'there' | 'visible'
): Promise<Map<string, TopicShape>> {
  const known = await describeTopics(dispatch, context, topics)
  const found = new Map<string, TopicShape>()
  for (const topic of topics) {
    const one = known.get(topic) ?? errors.UNKNOWN_TOPIC_OR_PARTITION
    if (typeof one !== 'number') found.set(topic, one)
    else if (need === 'there' || one !== errors.UNKNOWN_TOPIC_OR_PARTITION) throw topicError(Metadata, one, topic)
  }
  return found
}

/** Kafka's own topics are not among them, whatever the pattern: as with `exclude.internal.topics`. */
export async function matchingTopics (dispatch: Dispatch, context: Context, matches: (topic: string) => boolean): Promise<string[]> {
  const topics = await listTopics(dispatch, context)
  return topics.filter(({ name, isInternal }) => !isInternal && matches(name)).map(({ name }) => name)
}

/** The ids that topics are fetched by, asked for once. */
export class TopicIds {
  readonly #dispatch: Dispatch
  readonly #ids = new Map<string, string>()

  constructor (dispatch: Dispatch) {
    this.#dispatch = dispatch
  }

  /** Undefined for a topic that is gone: it holds nobody up. */
  get (topic: string): string | undefined {
    return this.#ids.get(topic)
  }

  /** Rejects with KafkaError for a topic that may not be read. */
  async learn (context: Context, topics: readonly string[]): Promise<void> {
    const unknown = [...new Set(topics)].filter(topic => !this.#ids.has(topic))
    for (const [topic, known] of await describeTopics(this.#dispatch, context, unknown)) {
      if (typeof known !== 'number') this.#ids.set(topic, known.topicId)
      else if (known === errors.TOPIC_AUTHORIZATION_FAILED) throw topicError(Metadata, known, topic)
    }
  }

  clear (): void {
    this.#ids.clear()
  }
}
