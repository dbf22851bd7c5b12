/**
 * Kafka's range assignor for kafkajs, which has only one of its own: a group of several clients needs a protocol that all of
 * them have.
 */
import kafkajs, { type GroupMember, type PartitionAssigner } from 'kafkajs'

const { MemberMetadata, MemberAssignment } = kafkajs.AssignerProtocol

export const rangeAssigner: PartitionAssigner = ({ cluster }) => ({
  name: 'range',
  version: 0,
  async assign ({ members, topics }: { members: readonly GroupMember[], topics: readonly string[] }) {
    const ids = members.map(member => member.memberId).sort()
    const parts = new Map(ids.map(id => [id, {} as Record<string, number[]>]))
    for (const topic of topics) {
      const partitions = cluster.findTopicPartitionMetadata(topic).map(one => one.partitionId).sort((a, b) => a - b)
      ids.forEach((id, i) => {
        parts.get(id)![topic] = partitions.slice(Math.ceil(i * partitions.length / ids.length), Math.ceil((i + 1) * partitions.length / ids.length))
      })
    }
    return ids.map(memberId => ({
      memberId,
      memberAssignment: MemberAssignment.encode({ version: 0, assignment: parts.get(memberId)!, userData: Buffer.alloc(0) })
    }))
  },
  protocol: ({ topics }) => ({ name: 'range', metadata: MemberMetadata.encode({ version: 0, topics, userData: Buffer.alloc(0) }) })
})
