/**
 * Streams over a quota stand still until they are within it again: nothing more is read from the peer, or taken from the log
 * for it.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Context } from '../protocol/rpc.ts'
import { Problem } from './problem.ts'
import type { DoorQuotas, QuotaKind, Throttle } from './guards.ts'

/** A pause is looked at anew this often: a quota may have been raised. */
const SLICE_MS = 1000

export interface Pause {
  /** Called once, when there is something to wait for. */
  readonly begun?: (throttle: Throttle) => void
  /** Called now and then while it lasts. */
  readonly lasting?: () => void | Promise<void>
}

/** Resolves to whether there was a pause, when it is over or `signal` is aborted. */
export async function paced (
  quotas: DoorQuotas, context: Context, kinds: readonly QuotaKind[], signal: AbortSignal, { begun, lasting }: Pause = {}
): Promise<boolean> {
  let hasPaused = false
  while (!signal.aborted) {
    // A pause is counted once, however often it is looked at.
    const throttle = hasPaused ? quotas.allowance(context, ...kinds) : quotas.throttle(context, ...kinds)
    if (throttle === null || throttle.delayMs <= 0) {
      await quotas.turn(context.signal === signal ? context : { ...context, signal }, kinds.includes('producer') ? 'producer' : 'consumer')
      return hasPaused
    }
    if (!hasPaused) begun?.(throttle)
    hasPaused = true
    await sleep(Math.min(throttle.delayMs, SLICE_MS), undefined, { signal }).catch(() => {})
    await lasting?.()
  }
  return hasPaused
}

/** Whoever leaves in the middle of a pause has not got around it: what was to be appended then is not. Throws Problem. */
export function refuseTheGone ({ draining }: { readonly draining: AbortSignal }, leaving: AbortSignal): void {
  if (leaving.aborted && !draining.aborted) throw new Problem('invalid-body', 'The peer left in the middle of the body.')
}
