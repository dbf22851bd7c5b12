/**
 * OffsetForLeaderEpoch, v2 to v4.
 * There has only ever been one leader epoch, and it ends where the log ends. Nothing is known of any other.
 */
import { errors } from '../../../protocol/errors.ts'
import { OffsetForLeaderEpoch } from '../../../protocol/messages/23-offset-for-leader-epoch.ts'
import { LEADER_EPOCH } from '../../log/log.ts'
import { handler } from '../handler.ts'

export const offsetForLeaderEpoch = handler(OffsetForLeaderEpoch, [2, 4], ({ topics }, _context, state) => ({
  topics: topics.map(({ topic, partitions }) => ({
    topic,
    partitions: partitions.map(({ partition: index, currentLeaderEpoch, leaderEpoch }) => {
      const partition = state.topics.partition(topic, index)
      if (partition === undefined) return { errorCode: errors.UNKNOWN_TOPIC_OR_PARTITION, partition: index }
      if (currentLeaderEpoch > LEADER_EPOCH) return { errorCode: errors.UNKNOWN_LEADER_EPOCH, partition: index }
      if (leaderEpoch !== LEADER_EPOCH) return { errorCode: errors.NONE, partition: index, leaderEpoch: -1, endOffset: -1 }
      return { errorCode: errors.NONE, partition: index, leaderEpoch: LEADER_EPOCH, endOffset: partition.log.committedOffset }
    })
  }))
}))
