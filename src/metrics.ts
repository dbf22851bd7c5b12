/**
 * The metrics of one process, in Prometheus' text format.
 */
import type { Registry } from 'prom-client'
import { watchEventLoop } from './metrics/event-loop.ts'
import { HttpTimes } from './metrics/http.ts'
import type { Sources } from './metrics/sources.ts'
import { version } from './version.ts'

export { type LogStats } from './metrics/sources.ts'

export interface Metrics {
  /** The text of a scrape, `text/plain; version=0.0.4; charset=utf-8`. */
  text (): Promise<string>
  /** For a hook that runs after each HTTP answer; `route` is the pattern, never the path that was asked for. */
  observeHttp (route: string, method: string, status: number, seconds: number): void
  /** Stops watching the event loop. */
  stop (): void
}

export function createMetrics (sources: Sources): Metrics {
  const times = new HttpTimes()
  const eventLoop = watchEventLoop()
  let registry: Promise<Registry> | null = null
  const load = async (): Promise<Registry> => {
    const { createRegistry } = await import('./metrics/registry.ts')
    return createRegistry({ ...sources, version, times, eventLoop })
  }
  return {
    text: async () => await (await (registry ??= load())).metrics(),
    observeHttp: (route, method, status, seconds) => times.observe(route, method, status, seconds),
    stop: () => eventLoop.stop()
  }
}
