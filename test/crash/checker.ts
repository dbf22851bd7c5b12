/**
 * What must be true of a log whatever happened to its server, judged by what clients have seen of it: Jepsen's checks for
 * Kafka, and those that a log with idempotent producers and durable offsets allows beyond them.
 *
 * A client is never sure of more than it was told: an operation that was answered has happened (`acknowledged`) or has
 * not (`refused`); of any other nobody knows, and both must be possible.
 */

/** A place in a topic. */
export interface Place {
  readonly partition: string
  readonly offset: number
}

export type Event =
  /** A producer is about to send a value, which is its `sequence`-th to the partition. Values are unique. */
  | { readonly type: 'send', readonly producer: string, readonly partition: string, readonly sequence: number, readonly value: string }
  | { readonly type: 'acknowledged', readonly value: string, readonly offset: number }
  /** It was not appended, and never will be. */
  | { readonly type: 'refused', readonly value: string }
  /** A reader that goes on where it was before: it never seeks. */
  | { readonly type: 'poll', readonly reader: string, readonly partition: string, readonly records: readonly (readonly [offset: number, value: string])[] }
  | { readonly type: 'commit', readonly group: string, readonly partition: string, readonly offset: number }
  | { readonly type: 'committed', readonly group: string, readonly partition: string, readonly offset: number }
  | { readonly type: 'position', readonly group: string, readonly partition: string, readonly offset: number }
  | { readonly type: 'violation', readonly what: string }

/** Everything that a partition holds in the end. */
export type FinalLog = ReadonlyMap<string, readonly (readonly [offset: number, value: string])[]>

export interface Verdict {
  /** By kind; all lists are empty if all is well. */
  readonly violations: Readonly<Record<Kind, readonly string[]>>
  readonly sent: number
  readonly acknowledged: number
  /** Sent, and neither acknowledged nor refused. */
  readonly unknown: number
  readonly polled: number
  readonly commits: number
}

export type Kind = keyof ReturnType<typeof noViolations>

const noViolations = () => ({
  /** Acknowledged, but not there. */
  lost: [] as string[],
  /** Read by someone, but not there in the end. */
  vanished: [] as string[],
  /** There at two offsets. */
  duplicate: [] as string[],
  /** One offset that has held two values. */
  inconsistentOffset: [] as string[],
  /** There, though it was refused (G1a). */
  abortedRead: [] as string[],
  /** There, though nobody has sent it. */
  unsent: [] as string[],
  /** Not in the order in which its producer has sent it, or without what it had sent before. */
  disorder: [] as string[],
  /** A reader went back. */
  nonMonotonicPoll: [] as string[],
  /** A reader passed over a record that is there. */
  pollSkip: [] as string[],
  /** A group's offset is not the one that was committed last, nor one that may have been since. */
  lostCommit: [] as string[],
  /** What a client has noticed itself. */
  other: [] as string[]
})

/** What a value was sent as, and what became of it. */
interface Sent {
  readonly producer: string
  readonly partition: string
  readonly sequence: number
  outcome: 'acknowledged' | 'refused' | 'unknown'
}

export function check (history: readonly Event[], finalLog: FinalLog): Verdict {
  const violations = noViolations()
  const sent = new Map<string, Sent>()
  const seen = new Places(violations)
  const counts = { polled: 0, commits: 0 }
  for (const [partition, records] of finalLog) for (const [offset, value] of records) seen.note({ partition, offset }, value)
  const isThere = new Set([...finalLog.values()].flatMap(records => records.map(([, value]) => value)))

  for (const event of history) {
    switch (event.type) {
      case 'send':
        sent.set(event.value, { producer: event.producer, partition: event.partition, sequence: event.sequence, outcome: 'unknown' })
        break
      case 'acknowledged': {
        const { value, offset } = event
        const one = sent.get(value)!
        one.outcome = 'acknowledged'
        seen.note({ partition: one.partition, offset }, value)
        if (!isThere.has(value)) violations.lost.push(`${value}, acknowledged at ${one.partition}@${offset}`)
        break
      }
      case 'refused':
        sent.get(event.value)!.outcome = 'refused'
        break
      case 'poll':
        for (const [offset, value] of event.records) {
          counts.polled++
          seen.note({ partition: event.partition, offset }, value)
          if (!isThere.has(value)) violations.vanished.push(`${value}, read at ${event.partition}@${offset}`)
        }
        break
      case 'committed':
        counts.commits++
        break
      case 'violation':
        violations.other.push(event.what)
    }
  }
  for (const value of isThere) {
    const one = sent.get(value)
    if (one === undefined) violations.unsent.push(value)
    else if (one.outcome === 'refused') violations.abortedRead.push(value)
  }
  checkOrder(finalLog, sent, violations.disorder)
  checkReaders(history, finalLog, violations)
  checkCommits(history, violations.lostCommit)
  const outcomes = [...sent.values()].map(({ outcome }) => outcome)
  return {
    violations,
    sent: sent.size,
    acknowledged: outcomes.filter(outcome => outcome === 'acknowledged').length,
    unknown: outcomes.filter(outcome => outcome === 'unknown').length,
    ...counts
  }
}

/** Where every value was seen, and every value at its place. */
class Places {
  readonly #violations: ReturnType<typeof noViolations>
  readonly #valueAt = new Map<string, string>()
  readonly #placeOf = new Map<string, string>()

  constructor (violations: ReturnType<typeof noViolations>) {
    this.#violations = violations
  }

  note ({ partition, offset }: Place, value: string): void {
    const place = `${partition}@${offset}`
    const other = this.#valueAt.get(place)
    if (other === undefined) this.#valueAt.set(place, value)
    else if (other !== value) this.#violations.inconsistentOffset.push(`${place} holds ${value} and ${other}`)
    const elsewhere = this.#placeOf.get(value)
    if (elsewhere === undefined) this.#placeOf.set(value, place)
    else if (elsewhere !== place) this.#violations.duplicate.push(`${value} at ${place} and ${elsewhere}`)
  }
}

/** Every producer's values to a partition are there from its first on, one after the other. */
function checkOrder (finalLog: FinalLog, sent: ReadonlyMap<string, Sent>, disorder: string[]): void {
  for (const [partition, records] of finalLog) {
    const next = new Map<string, number>()
    for (const [offset, value] of records) {
      const one = sent.get(value)
      if (one === undefined) continue
      const expected = next.get(one.producer) ?? 0
      if (one.partition !== partition) disorder.push(`${value} was sent to ${one.partition} and is at ${partition}@${offset}`)
      else if (one.sequence !== expected) {
        disorder.push(`${value} at ${partition}@${offset} is number ${one.sequence} of ${one.producer}, after ${expected - 1}`)
      }
      next.set(one.producer, one.sequence + 1)
    }
  }
}

function checkReaders (history: readonly Event[], finalLog: FinalLog, { nonMonotonicPoll, pollSkip }: ReturnType<typeof noViolations>): void {
  const offsets = new Map([...finalLog].map(([partition, records]) => [partition, records.map(([offset]) => offset)]))
  const next = new Map<string, number>()
  for (const event of history) {
    if (event.type !== 'poll') continue
    const who = `${event.reader} in ${event.partition}`
    for (const [offset] of event.records) {
      const expected = next.get(who) ?? 0
      if (offset < expected) nonMonotonicPoll.push(`${who} came to ${offset} after ${expected - 1}`)
      const passed = firstFrom(offsets.get(event.partition) ?? [], expected)
      if (passed !== undefined && passed < offset) pollSkip.push(`${who} passed over ${passed} on its way to ${offset}`)
      next.set(who, offset + 1)
    }
  }
}

/** The first of ascending offsets that is not below `offset`. */
function firstFrom (offsets: readonly number[], offset: number): number | undefined {
  let low = 0
  let high = offsets.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (offsets[middle]! < offset) low = middle + 1
    else high = middle
  }
  return offsets[low]
}

/** One client commits for a group, one commit after the other: its last that was answered counts, or any that it tried since. */
function checkCommits (history: readonly Event[], lostCommit: string[]): void {
  const possible = new Map<string, Set<number>>()
  for (const event of history) {
    if (event.type !== 'commit' && event.type !== 'committed' && event.type !== 'position') continue
    const { group, partition, offset } = event
    const key = `${group} in ${partition}`
    const known = possible.get(key) ?? new Set([-1])
    possible.set(key, known)
    if (event.type === 'commit') known.add(offset)
    if (event.type === 'position' && !known.has(offset)) lostCommit.push(`${key} stands at ${offset}, and can only be at ${[...known].join(' or ')}`)
    if (event.type !== 'commit') {
      known.clear()
      known.add(offset)
    }
  }
}
