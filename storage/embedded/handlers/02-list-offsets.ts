/**
 * ListOffsets, v1 to v11.
 * The end (-1), the beginning (-2), the youngest record (-3), the beginning of what is local (-4, the same here), what
 * lies in a tier (-5 and -6: nothing), or the first record that is not older than a time.
 */
import { KafkaError, errors } from '../../../protocol/errors.ts'
import { ListOffsets } from '../../../protocol/messages/02-list-offsets.ts'
import { LEADER_EPOCH, type Log } from '../../log/log.ts'
import { kafkaErrorOf } from '../failures.ts'
import { handler } from '../handler.ts'

interface Found {
  readonly offset: number
  readonly timestamp: number
}

const nothing: Found = { offset: -1, timestamp: -1 }

/** KIP-320: before, answers had no place for one. */
const LEADER_EPOCH_SINCE = 4

export const listOffsets = handler(ListOffsets, [1, 11], async (request, { version }, { topics }) => ({
  topics: await Promise.all(request.topics.map(async ({ name, partitions }) => ({
    name,
    partitions: await Promise.all(partitions.map(async ({ partitionIndex, timestamp, currentLeaderEpoch }) => {
      try {
        const partition = topics.partition(name, partitionIndex)
        if (partition === undefined) throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION')
        if (currentLeaderEpoch > LEADER_EPOCH) throw new KafkaError('UNKNOWN_LEADER_EPOCH')
        const found = await find(partition.log, timestamp)
        return { partitionIndex, errorCode: errors.NONE, ...found, leaderEpoch: found.offset < 0 || version < LEADER_EPOCH_SINCE ? -1 : LEADER_EPOCH }
      } catch (error) {
        return { partitionIndex, errorCode: kafkaErrorOf(error).errorCode, ...nothing, leaderEpoch: -1 }
      }
    }))
  })))
}))

async function find (log: Log, timestamp: number): Promise<Found> {
  switch (timestamp) {
    case -1: return { offset: log.committedOffset, timestamp: -1 }
    case -2:
    case -4: return { offset: log.startOffset, timestamp: -1 }
    case -3: return asFound(await log.findYoungest())
    case -5:
    case -6: return nothing
    default: {
      if (timestamp < 0) throw new KafkaError('UNSUPPORTED_VERSION', `There is no special timestamp ${timestamp}.`)
      return asFound(await log.findTime(timestamp))
    }
  }
}

const asFound = (found: { offset: number, timestampMs: number } | null): Found =>
  found === null ? nothing : { offset: found.offset, timestamp: found.timestampMs }
