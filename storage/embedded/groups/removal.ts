/**
 * Taking groups and offsets away, with tombstones: by request, with their topic, or because nobody needs them any more.
 */
import type { ErrorName } from '../../../protocol/errors.ts'
import { storageError } from './answers.ts'
import type { ClassicGroup, GroupHost } from './classic.ts'
import { expiredOffsets } from './expiry.ts'
import { groupRecord, offsetRecord, type TopicPartition } from './records.ts'

type GroupMap = Map<string, ClassicGroup>

/** Deletes a group that has no members. Resolves when that is durable. */
export async function deleteGroup (groups: GroupMap, group: ClassicGroup, { journal }: GroupHost): Promise<ErrorName> {
  if (group.state === 'Dead') return 'GROUP_ID_NOT_FOUND'
  if (group.state !== 'Empty') return 'NON_EMPTY_GROUP'
  group.end('UNKNOWN_MEMBER_ID')
  await journal.settled() // commits on their way must be taken away too
  const tombstones = Array.from(group.offsets.entries(), ([at]) => offsetRecord(group.groupId, at, null))
  try {
    await journal.append([...tombstones, groupRecord(group.groupId, null)], () => groups.delete(group.groupId))
    return 'NONE'
  } catch (error) {
    group.revive()
    return storageError(error)
  }
}

/** Forgets the offsets of a topic. Rejects as `Journal.append` does. */
export async function forgetTopic (groups: GroupMap, topic: string, { journal }: GroupHost): Promise<void> {
  await journal.settled() // commits from before the topic was deleted
  const gone: [ClassicGroup, TopicPartition][] = []
  for (const group of groups.values()) {
    for (const partition of group.offsets.partitionsOf(topic)) gone.push([group, { topic, partition }])
  }
  if (gone.length === 0) return
  await journal.append(gone.map(([{ groupId }, at]) => offsetRecord(groupId, at, null)), () => {
    for (const [group, at] of gone) group.offsets.delete(at)
  })
}

/** Removes offsets that have expired, and groups that are left with neither members nor offsets. */
export async function removeExpired (groups: GroupMap, host: GroupHost): Promise<void> {
  for (const group of [...groups.values()]) {
    if (group.offsets.isCommitting || group.state === 'Dead') continue
    const expired = expiredOffsets(group, host.clock.now(), host.config.offsetsRetentionMs)
    if (group.state === 'Empty' && group.members.pendingCount === 0 && expired.length === group.offsets.size) {
      await deleteGroup(groups, group, host)
    } else if (expired.length > 0) {
      await host.journal.append(expired.map(at => offsetRecord(group.groupId, at, null)), () => {
        for (const at of expired) group.offsets.delete(at)
      })
    }
  }
}
