/**
 * How late the event loop runs. A timer that does nothing fires ten times a second; what it is late by is what any other
 * event waited for as well. Ten wake-ups a second cost about 0.3 % of a core when nothing else happens.
 */
import { Histogram } from '../histogram.ts'

const INTERVAL_MS = 100
const LAG_SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5] as const

export interface EventLoop {
  readonly lagSeconds: Histogram
  /** How long the loop has been at work, not waiting, since the process started. */
  readonly activeSeconds: number
  stop (): void
}

export function watchEventLoop (): EventLoop {
  const lagSeconds = new Histogram(LAG_SECONDS)
  let lastMs = performance.now()
  const timer = setInterval(() => {
    const nowMs = performance.now()
    lagSeconds.observe(Math.max(0, nowMs - lastMs - INTERVAL_MS) / 1000)
    lastMs = nowMs
  }, INTERVAL_MS)
  timer.unref()
  return {
    lagSeconds,
    get activeSeconds () { return performance.eventLoopUtilization().active / 1000 },
    stop: () => clearInterval(timer)
  }
}
