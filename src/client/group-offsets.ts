/**
 * How far a group has read: committed and asked for. Both functions reject with KafkaError.
 */
import { complete } from '../../protocol/defaults.ts'
import { errors } from '../../protocol/errors.ts'
import { OffsetCommit } from '../../protocol/messages/08-offset-commit.ts'
import { OffsetFetch } from '../../protocol/messages/09-offset-fetch.ts'
import type { Context, Dispatch } from '../../protocol/rpc.ts'
import { failure } from './failures.ts'

export interface PartitionAt {
  readonly topic: string
  readonly partition: number
}

export interface GroupOffset extends PartitionAt {
  /** Of the next record to be read. */
  readonly offset: number
  /** What the one who commits it wishes to remember. */
  readonly metadata: string
}

/** Who commits: a member of a generation, or with -1 and no member id, one who chooses partitions by itself. */
export interface Committer {
  readonly groupId: string
  readonly memberId: string
  readonly generationId: number
}

/** The newest versions that name topics, and not only their ids. */
const COMMIT_VERSION = 9
const FETCH_VERSION = 9

/** Resolves when all of it is durable; if one partition is refused, the others are committed all the same. */
export async function commitOffsets (dispatch: Dispatch, context: Context, who: Committer, offsets: readonly GroupOffset[]): Promise<void> {
  if (offsets.length === 0) return
  const { topics } = await dispatch(OffsetCommit, complete(OffsetCommit.request, {
    groupId: who.groupId,
    memberId: who.memberId,
    generationIdOrMemberEpoch: who.generationId,
    topics: [...byTopic(offsets)].map(([name, ofTopic]) => ({
      name,
      partitions: ofTopic.map(({ partition, offset, metadata }) => ({ partitionIndex: partition, committedOffset: offset, committedMetadata: metadata }))
    }))
  }), { ...context, version: COMMIT_VERSION })
  for (const { name, partitions } of topics) {
    for (const { errorCode } of partitions) {
      if (errorCode !== errors.NONE) throw failure(OffsetCommit, errorCode, errorCode === errors.GROUP_AUTHORIZATION_FAILED ? who.groupId : name)
    }
  }
}

/** What is committed of these partitions. Those that nothing is committed of are left out. */
export async function fetchOffsets (
  dispatch: Dispatch, context: Context, groupId: string, partitions: readonly PartitionAt[]
): Promise<GroupOffset[]> {
  if (partitions.length === 0) return []
  const { groups: [group] } = await dispatch(OffsetFetch, complete(OffsetFetch.request, {
    groups: [{
      groupId, topics: [...byTopic(partitions)].map(([name, ofTopic]) => ({ name, partitionIndexes: ofTopic.map(({ partition }) => partition) }))
    }],
    requireStable: true
  }), { ...context, version: FETCH_VERSION })
  if (group === undefined) throw failure(OffsetFetch, errors.UNKNOWN_SERVER_ERROR, groupId)
  if (group.errorCode !== errors.NONE) throw failure(OffsetFetch, group.errorCode, groupId)
  return group.topics.flatMap(({ name, partitions }) => partitions.flatMap(({ partitionIndex, committedOffset, metadata, errorCode }) => {
    if (errorCode !== errors.NONE) throw failure(OffsetFetch, errorCode, name)
    return committedOffset < 0 ? [] : [{ topic: name, partition: partitionIndex, offset: committedOffset, metadata: metadata ?? '' }]
  }))
}

export function byTopic<T extends PartitionAt> (partitions: readonly T[]): Map<string, T[]> {
  const topics = new Map<string, T[]>()
  for (const one of partitions) {
    const ofTopic = topics.get(one.topic)
    if (ofTopic === undefined) topics.set(one.topic, [one])
    else ofTopic.push(one)
  }
  return topics
}
