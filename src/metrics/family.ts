/**
 * What a metric is: name, help, labels, and how it is read from what others count.
 */
import type { HistogramSnapshot } from '../histogram.ts'
import type { EventLoop } from './event-loop.ts'
import type { HttpTimes } from './http.ts'
import type { Sources } from './sources.ts'

/** What the process itself adds to its sources. */
export interface Read extends Sources {
  readonly version: string
  readonly times: HttpTimes
  readonly eventLoop: EventLoop
}

export type Labels = Readonly<Record<string, string | number>>

interface Described {
  /** Without the prefix. */
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
}

export interface NumberFamily extends Described {
  readonly type: 'counter' | 'gauge'
  readonly read: (from: Read) => Iterable<readonly [Labels, number]>
}

export interface HistogramFamily extends Described {
  readonly type: 'histogram'
  readonly read: (from: Read) => Iterable<readonly [Labels, HistogramSnapshot]>
}

export type Family = NumberFamily | HistogramFamily

export const PREFIX = 'barnabas_'

/** The value of a label that stands for all that are not told apart. */
export const OTHER = 'other'

export const one = <V>(value: V): ReadonlyArray<readonly [Labels, V]> => [[{}, value]]

export function single (name: string, type: NumberFamily['type'], help: string, value: (from: Read) => number): NumberFamily {
  return { name, type, help, labels: [], read: from => one(value(from)) }
}

export function labelled (
  name: string, type: NumberFamily['type'], labels: readonly string[], help: string, read: NumberFamily['read']
): NumberFamily {
  return { name, type, help, labels, read }
}

export function histogram (name: string, labels: readonly string[], help: string, read: HistogramFamily['read']): HistogramFamily {
  return { name, type: 'histogram', help, labels, read }
}

/** Labels in the order of the table, values as they are read. */
export const entriesOf = (label: string, values: Iterable<readonly [string | number, number]>): Array<readonly [Labels, number]> =>
  Array.from(values, ([key, value]) => [{ [label]: key }, value] as const)

/** The `count` largest, and the sum of the rest. */
export function largest<K extends string | number> (values: Iterable<readonly [K, number]>, count: number): Array<readonly [K | typeof OTHER, number]> {
  const sorted: Array<readonly [K | typeof OTHER, number]> = [...values].sort((a, b) => b[1] - a[1])
  if (sorted.length <= count) return sorted
  return [...sorted.slice(0, count), [OTHER, sorted.slice(count).reduce((sum, [, value]) => sum + value, 0)]]
}
