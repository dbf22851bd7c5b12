/**
 * The end of every crash test: no violation of any kind, and enough has happened to mean something.
 */
import type { Test } from 'tap'
import type { Kind, Verdict } from './checker.ts'
import type { Load } from './load.ts'

export function judge (t: Test, verdict: Verdict, load: Load, minAcknowledged = 500): void {
  const { acknowledged, sent, unknown, polled, commits } = verdict
  t.comment(`${acknowledged} records acknowledged of ${sent}, ${polled} read, ${commits} commits`)
  const errors = new Map<string, number>()
  for (const producer of load.producers) for (const [name, count] of producer.errors) errors.set(name, (errors.get(name) ?? 0) + count)
  if (errors.size > 0) t.comment(`errors that producers were answered: ${Array.from(errors, ([name, count]) => `${name} ${count}`).join(', ')}`)
  for (const [kind, list] of Object.entries(verdict.violations) as [Kind, readonly string[]][]) t.strictSame(list.slice(0, 5), [], `${kind}: ${list.length}`)
  t.equal(unknown, 0, 'every batch was acknowledged in the end')
  t.ok(acknowledged > minAcknowledged, 'there were enough of them to mean something')
  t.ok(polled >= load.readers.length * acknowledged, 'all of which were read')
}
