/**
 * Waits for what nothing announces: looks at every turn of the event loop, and gives up after a while.
 */
import { setImmediate } from 'node:timers/promises'

export async function until (condition: () => boolean, timeoutMs = 10_000): Promise<void> {
  const deadline = Date.now() + timeoutMs
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`it did not happen within ${timeoutMs} ms: ${condition.toString()}`)
    await setImmediate()
  }
}
