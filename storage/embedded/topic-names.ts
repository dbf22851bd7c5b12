/**
 * What a topic may be called, and which names are the engine's own.
 */
import { KafkaError } from '../../protocol/errors.ts'

export const OFFSETS_TOPIC = '__consumer_offsets'
/** The metadata log lies beside the topics, in the folder that partition 0 of this one would have. */
export const METADATA_TOPIC = '__barnabas_metadata'

const internalTopics = new Set([OFFSETS_TOPIC])

/** A topic that clients read but only the engine writes. */
export function isInternal (name: string): boolean {
  return internalTopics.has(name)
}

/** Kafka's rules for topic names. Throws KafkaError INVALID_TOPIC_EXCEPTION. */
export function checkTopicName (name: string): void {
  if (!/^[a-zA-Z0-9._-]{1,249}$/.test(name) || name === '.' || name === '..') {
    throw new KafkaError('INVALID_TOPIC_EXCEPTION',
      `"${name.slice(0, 60)}" is no topic name: 1 to 249 of a-z A-Z 0-9 . _ - are allowed, but neither "." nor "..".`)
  }
  // Some file systems do not tell cases apart.
  if (name.toLowerCase() === METADATA_TOPIC) throw new KafkaError('INVALID_TOPIC_EXCEPTION', `The name ${name} is the server's own.`)
}
