/**
 * What a topic holds, by Kafka's own consumer, straight from the brokers.
 */
import { kafkaTool } from '../../interop/support/java.ts'
import { linesOf } from '../../interop/support/lines.ts'

/** Nothing is written any more: who has waited for so long has read everything. */
const SILENCE_MS = 10_000

/** Keys and values in the order of each partition, of transactions only what was committed. */
export async function recordsOf (bootstrap: string, topic: string): Promise<[key: string, value: string][]> {
  const output = await kafkaTool('consumer.ConsoleConsumer', ['--bootstrap-server', bootstrap, '--topic', topic, '--from-beginning',
    '--isolation-level', 'read_committed', '--timeout-ms', String(SILENCE_MS),
    '--formatter-property', 'print.partition=true', '--formatter-property', 'print.key=true'], { timeoutMs: 180_000 })
  // The end of its patience is logged in the same place.
  return linesOf(output).map(line => line.split('\t')).filter(([place]) => place!.startsWith('Partition:')).map(([, key, value]) => [key!, value!])
}

/** The first of each, in order: what was delivered at least once. */
export const firstOnes = <T>(all: readonly T[]): T[] => [...new Set(all)]

/** Waits until `look` says yes; gives whether it has. */
export async function eventually (look: () => boolean, withinMs = 120_000): Promise<boolean> {
  const deadline = Date.now() + withinMs
  while (!look()) {
    if (Date.now() > deadline) return false
    await new Promise(resolve => setTimeout(resolve, 200))
  }
  return true
}
