/**
 * Topics, made with kafkajs. It would wait for leaders by itself, but gives up where a broker has not heard yet of what was made
 * through another, and that is usual in a cluster.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Admin } from 'kafkajs'

const WITHIN_MS = 15_000

/**
 * False if it is there already. Resolves when it has leaders that know it: one that does not yet refuses the first batch of an
 * idempotent producer, may take the second, as it knows nothing of the producer, and never takes the first any more.
 */
export async function makeTopic (admin: Admin, topic: string, numPartitions = 1): Promise<boolean> {
  const isNew = await admin.createTopics({ topics: [{ topic, numPartitions }], waitForLeaders: false })
  await eventually(`${topic} with ${numPartitions} partitions`, async () => {
    const partitions = await partitionsOf(admin, topic)
    return partitions.length === numPartitions && partitions.every(({ leader }) => leader >= 0) &&
      await admin.fetchTopicOffsets(topic).then(() => true, () => false) // not yet; whoever waits for it says so in the end
  })
  return isNew
}

export async function partitionsOf (admin: Admin, topic: string): Promise<readonly { readonly leader: number }[]> {
  try {
    return (await admin.fetchTopicMetadata({ topics: [topic] })).topics[0]!.partitions
  } catch (error) {
    if ((error as { readonly type?: string }).type === 'UNKNOWN_TOPIC_OR_PARTITION') return []
    throw error
  }
}

/** Waits until it is so, as brokers learn of a change a moment after it was answered. */
export async function eventually (what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + WITHIN_MS; !await isSo(); await sleep(50)) {
    if (Date.now() > deadline) throw new Error(`Still not so after ${WITHIN_MS} ms: ${what}`)
  }
}
