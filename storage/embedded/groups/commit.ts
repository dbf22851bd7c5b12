/**
 * Committing offsets.
 */
import type { ErrorName } from '../../../protocol/errors.ts'
import { storageError } from './answers.ts'
import type { ClassicGroup, GroupHost } from './classic.ts'
import { offsetRecord, type CommittedOffset, type TopicPartition } from './records.ts'
import { mayCommit } from './session.ts'

/** Who commits, and what. */
export interface Commit {
  readonly groupId: string
  readonly memberId: string
  readonly groupInstanceId: string | null
  /** -1 from a consumer that is no member, and from operators. */
  readonly generationId: number
  readonly offsets: readonly NewOffset[]
}

export interface NewOffset extends TopicPartition {
  readonly offset: number
  /** -1 if not known. */
  readonly leaderEpoch: number
  readonly metadata: string
  /** How long to keep it; null for as long as the group's offsets are kept. */
  readonly retentionMs: number | null
}

/** Resolves when what could be committed is durable, with one result for each offset, in order. */
export async function commitOffsets (
  group: ClassicGroup, { memberId, groupInstanceId, generationId, offsets }: Commit, host: GroupHost
): Promise<ErrorName[]> {
  const error = mayCommit(group, memberId, groupInstanceId, generationId)
  if (error !== 'NONE') return offsets.map(() => error)
  // Kafka counts characters here, whatever the name of the configuration says.
  const results = offsets.map(({ metadata }): ErrorName =>
    metadata.length > host.config.offsetMetadataMaxBytes ? 'OFFSET_METADATA_TOO_LARGE' : 'NONE')
  const accepted = offsets.filter((_, i) => results[i] === 'NONE')
  if (accepted.length === 0) return results
  const failure = await write(group, accepted, host)
  return failure === 'NONE' ? results : results.map(result => result === 'NONE' ? failure : result)
}

async function write (group: ClassicGroup, accepted: readonly NewOffset[], { clock, journal }: GroupHost): Promise<ErrorName> {
  const nowMs = clock.now()
  const committed = accepted.map(({ topic, partition, offset, leaderEpoch, metadata, retentionMs }): [TopicPartition, CommittedOffset] => [
    { topic, partition },
    { offset, leaderEpoch, metadata, commitTimestampMs: nowMs, expireTimestampMs: retentionMs === null ? null : nowMs + retentionMs }
  ])
  group.offsets.beginCommit()
  try {
    await journal.append(committed.map(([at, offset]) => offsetRecord(group.groupId, at, offset)), () => {
      for (const [at, offset] of committed) group.offsets.set(at, offset)
    })
    return 'NONE'
  } catch (error) {
    const answer = storageError(error)
    return answer === 'UNKNOWN_SERVER_ERROR' ? 'INVALID_COMMIT_OFFSET_SIZE' : answer
  } finally {
    group.offsets.endCommit()
  }
}
