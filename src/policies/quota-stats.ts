/**
 * What operators see of quotas: how often someone was told to wait, at which door and for how long, and who uses most of
 * what he may. Bounded, however many principals and client ids there are.
 */
import type { Door } from '../../protocol/rpc.ts'
import type { QuotaEntity } from '../access/model.ts'
import { clientQuotas, type QuotaTable } from '../access/quota-table.ts'
import { Histogram } from '../histogram.ts'
import type { Sensor, SensorKey, SensorPool } from './quota-sensors.ts'

/** Seconds that callers are told to wait. */
const DELAY_SECONDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] as const

/** How many of those who use most are shown. */
const TOP = 20

/** How much someone uses of a quota: more than 1 is too much. */
export interface Usage {
  readonly quota: SensorKey
  /** The user by his name; the client id by its name where the quota is set for it, null where a default holds. */
  readonly entity: QuotaEntity
  readonly ratio: number
}

export class QuotaStats {
  readonly #throttled = new Map<SensorKey, Map<Door, Histogram>>()
  readonly #pools: { readonly [K in SensorKey]: SensorPool<Sensor> }
  readonly #table: QuotaTable
  readonly #clock: () => number

  constructor (pools: { readonly [K in SensorKey]: SensorPool<Sensor> }, table: QuotaTable, clock: () => number) {
    this.#pools = pools
    this.#table = table
    this.#clock = clock
  }

  /** Someone was told to wait. */
  addThrottle (quota: SensorKey, door: Door, delayMs: number): void {
    let doors = this.#throttled.get(quota)
    if (doors === undefined) this.#throttled.set(quota, doors = new Map())
    let seconds = doors.get(door)
    if (seconds === undefined) doors.set(door, seconds = new Histogram(DELAY_SECONDS))
    seconds.observe(delayMs / 1000)
  }

  /** For how long someone was told to wait, one value for each time. */
  * throttled (): Generator<readonly [quota: SensorKey, door: Door, seconds: Histogram]> {
    for (const [quota, doors] of this.#throttled) for (const [door, seconds] of doors) yield [quota, door, seconds]
  }

  get sensors (): number {
    let count = 0
    for (const quota of clientQuotas) {
      this.#pools[quota].sweep(this.#clock())
      count += this.#pools[quota].size
    }
    return count
  }

  /** Those who use most of what they may, most first. Client ids that a default holds for are one, shown by the busiest. */
  usage (): Usage[] {
    const nowMs = this.#clock()
    const { revision } = this.#table
    const busiest = new Map<string, Usage>()
    for (const quota of clientQuotas) {
      for (const sensor of this.#pools[quota].current(revision)) {
        const ratio = sensor.usage(nowMs)
        if (!(ratio > 0)) continue
        const entity = sensor.limit.subject
        const name = quota + JSON.stringify(entity)
        const known = busiest.get(name)
        if (known === undefined || known.ratio < ratio) busiest.set(name, { quota, entity, ratio })
      }
    }
    return [...busiest.values()].sort((a, b) => b.ratio - a.ratio).slice(0, TOP)
  }
}
