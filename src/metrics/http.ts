/**
 * What the HTTP door counts for each request: by route, method and status. The labels are bounded: a route is a pattern
 * of ours, and methods and statuses that nobody knows are one.
 */
import { Histogram, WORK_SECONDS } from '../histogram.ts'

const methods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
const MAX_ROUTES = 250
const OTHER = 'other'

export interface RouteStats {
  readonly route: string
  readonly method: string
  readonly seconds: Histogram
  /** Requests by status. */
  readonly statuses: Map<number, number>
}

export class HttpTimes {
  readonly #byRoute = new Map<string, Map<string, RouteStats>>()

  /** `route` is the pattern (`/topics/:topic`), never the path that was asked for. */
  observe (route: string, method: string, status: number, seconds: number): void {
    const stats = this.#of(route, methods.has(method) ? method : OTHER)
    const known = status >= 100 && status < 600 ? status : 0
    stats.seconds.observe(seconds)
    stats.statuses.set(known, (stats.statuses.get(known) ?? 0) + 1)
  }

  #of (route: string, method: string): RouteStats {
    let byMethod = this.#byRoute.get(route)
    if (byMethod === undefined) {
      if (this.#byRoute.size >= MAX_ROUTES && route !== OTHER) return this.#of(OTHER, method)
      byMethod = new Map()
      this.#byRoute.set(route, byMethod)
    }
    let stats = byMethod.get(method)
    if (stats === undefined) {
      stats = { route, method, seconds: new Histogram(WORK_SECONDS), statuses: new Map() }
      byMethod.set(method, stats)
    }
    return stats
  }

  * routes (): Generator<RouteStats> {
    for (const byMethod of this.#byRoute.values()) yield * byMethod.values()
  }
}
