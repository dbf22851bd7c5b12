/**
 * The end of a drain: clients that were sent away leave their connections open, as they may be needed again, but say nothing
 * more on them.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { KafkaStats } from './stats.ts'

const LOOK_MS = 100
/** Longer than a poll, shorter than the heartbeats of a group: whose member has not heard of it finds its coordinator all the same. */
const QUIET_MS = 1500

/** Resolves when no Kafka client is connected, or none has said anything for a while; after `graceMs` in any case. */
export async function untilQuiet (stats: Pick<KafkaStats, 'connections' | 'bytesIn'>, graceMs: number, quietMs = QUIET_MS): Promise<void> {
  const deadlineMs = performance.now() + graceMs
  let { bytesIn } = stats
  let sinceMs = performance.now()
  for (;;) {
    const nowMs = performance.now()
    if (stats.bytesIn !== bytesIn) [bytesIn, sinceMs] = [stats.bytesIn, nowMs]
    if (stats.connections === 0 || nowMs - sinceMs >= quietMs || nowMs >= deadlineMs) return
    await sleep(Math.min(LOOK_MS, deadlineMs - nowMs))
  }
}
