/**
 * OffsetFetch, v1 to v9.
 * Offset -1 where nothing was committed, which is not an error, also where there is no such group. Only what is durable is
 * answered. A null topic list asks for everything (v2), v8 for several groups at once.
 *
 * `requireStable` is accepted and always met: there are no transactions, so no offset waits for one. Member ids and epochs
 * (v9) belong to the consumer protocol of KIP-848; classic groups do not check them. Not v10, which names topics by id only.
 */
import { errors } from '../../../protocol/errors.ts'
import { OffsetFetch } from '../../../protocol/messages/09-offset-fetch.ts'
import type { ResponseInput } from '../../../protocol/schema.ts'
import type { Groups } from '../groups/groups.ts'
import { handler } from '../handler.ts'

type Wanted = readonly { readonly name: string, readonly partitionIndexes: readonly number[] }[]
type Found = NonNullable<ResponseInput<typeof OffsetFetch>['topics']>

export const offsetFetch = handler(OffsetFetch, [1, 9], async ({ groupId, topics, groups: wanted }, { version }, { groups }) => {
  // Without the groups, -1 would make consumers start all over. v1 has only the partitions to say so.
  const errorCode = groups.isRunning ? errors.NONE : errors.COORDINATOR_NOT_AVAILABLE
  if (version < 8) return { errorCode, topics: await find(groups, groupId, topics, errorCode) }
  return {
    groups: await Promise.all(wanted.map(async ({ groupId, topics }) =>
      ({ groupId, errorCode, topics: await find(groups, groupId, topics, errorCode) })))
  }
})

/** Everything that was committed, where `wanted` is null. */
async function find (groups: Groups, groupId: string, wanted: Wanted | null, errorCode: number): Promise<Found> {
  const offsets = await groups.offsets(groupId)
  wanted ??= offsets?.topics().map(name => ({ name, partitionIndexes: offsets.partitionsOf(name) })) ?? []
  return wanted.map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map(partition => {
      const { offset = -1, leaderEpoch = -1, metadata = '' } = offsets?.get({ topic: name, partition }) ?? {}
      return { partitionIndex: partition, committedOffset: offset, committedLeaderEpoch: leaderEpoch, metadata, errorCode }
    })
  }))
}
