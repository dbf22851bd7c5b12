/**
 * Compaction stops somewhere: up to there the last record of each key is left, and behind it everything. Wherever that is, whoever reads
 * the log then knows what those knew who wrote it.
 */
import t, { type Test } from 'tap'
import { isDeepStrictEqual } from 'node:util'
import { setTimeout as sleep } from 'node:timers/promises'
import { Fetch } from '../../../protocol/messages/01-fetch.ts'
import { Produce } from '../../../protocol/messages/00-produce.ts'
import { buildBatch, recordsIn, type LogRecord } from '../../../protocol/records.ts'
import type { Dispatch } from '../../../protocol/rpc.ts'
import type { Registry } from '../../../src/schemas/registry.ts'
import { SCHEMAS_TOPIC } from '../../../src/schemas/registry-log.ts'
import { StateTopic, type Entry } from '../../../src/state/topic.ts'
import { repairEntry, schemaEntry } from '../../../src/schemas/entries.ts'
import { MemoryLog } from '../../support/memory-log.ts'
import { fake } from './support/fake-format.ts'
import { knownTo, openRegistry } from './support/registries.ts'

/** Without what a log says of itself. */
type Written = Pick<LogRecord, 'key' | 'value' | 'headers' | 'offset'>

function written (log: MemoryLog): Written[] {
  return log.topics.get(SCHEMAS_TOPIC)!.partitions[0]!.batches.flatMap(batch => [...recordsIn(batch)]
    .map(({ key, value, headers, offset }) => ({ key, value, headers: [...headers], offset })))
}

/** A log that was compacted up to an offset. */
function compacted (log: MemoryLog, upTo: number): MemoryLog {
  const records = written(log)
  const last = new Map(records.filter(({ offset }) => offset < upTo).map(({ key, offset }) => [String(key), offset]))
  const kept = records.filter(({ key, offset }) => offset >= upTo || last.get(String(key)) === offset)
  const copy = new MemoryLog()
  copy.create(SCHEMAS_TOPIC)
  const partition = copy.topics.get(SCHEMAS_TOPIC)!.partitions[0]!
  partition.batches = kept.map(({ key, value, headers, offset }) => {
    const batch = buildBatch([{ key, value, headers }])
    batch.stamp(offset, 0)
    return batch
  })
  partition.end = log.topics.get(SCHEMAS_TOPIC)!.partitions[0]!.end
  return copy
}

/** What is wrong, by the place where compaction has stopped. */
async function misread (t: Test, log: MemoryLog, known: object): Promise<string[]> {
  const wrong: string[] = []
  const { end } = log.topics.get(SCHEMAS_TOPIC)!.partitions[0]!
  for (let upTo = 0; upTo <= end; upTo++) {
    const registry = await openRegistry(t, compacted(log, upTo).dispatch, { repairAfterMs: 60_000 })
    if (!isDeepStrictEqual(knownTo(registry), known)) wrong.push(`compacted up to ${upTo} of ${end}: ${JSON.stringify(knownTo(registry))}`)
    await registry.close()
  }
  return wrong
}

const jittery = (dispatch: Dispatch, maxMs: number): Dispatch => async (api, request, context) => {
  if (api.key === Fetch.key || api.key === Produce.key) await sleep(Math.random() * maxMs)
  return await dispatch(api, request, context)
}

t.test('wherever compaction stops in a log of races, it means what it meant', async t => {
  const log = new MemoryLog()
  const registries = await Promise.all(Array.from({ length: 4 }, () => openRegistry(t, jittery(log.dispatch, 3), { repairAfterMs: 20 })))
  await Promise.all(Array.from({ length: 80 }, (_, i) => registries[i % 4]!.register(i % 3 === 0 ? 's' : `s${i % 5}`, fake(`a f${i % 4 === 0 ? i : i >> 2}?`))))
  await registries[0]!.deleteSubject('s1', false)
  await settled(log, registries)
  const known = knownTo(registries[0]!)
  for (const one of registries) await one.close()
  t.ok(written(log).some(({ headers }) => headers.length > 1), 'they did get in each other\'s way')
  t.strictSame((await misread(t, log, known)).map(one => one.slice(0, 500)).slice(0, 3), [])
})

async function settled (log: MemoryLog, registries: readonly Registry[]): Promise<void> {
  const partition = log.topics.get(SCHEMAS_TOPIC)!.partitions[0]!
  for (let before = -1; partition.end !== before;) {
    before = partition.end
    await sleep(150)
    await Promise.all(registries.map(one => one.refresh()))
  }
}

const entryOf = (subject: string, version: number, id: number, fields: string, deleted = false): Entry =>
  schemaEntry(subject, version, { id, content: fake(fields), deleted, extra: null })

t.test('nor are others misjudged by a record that was passed over', async t => {
  const log = new MemoryLog()
  log.create(SCHEMAS_TOPIC)
  const topic = new StateTopic(log.dispatch, { name: SCHEMAS_TOPIC, configs: [], clientId: 'test' })
  const { signal } = new AbortController()
  await topic.find(signal)
  for (const entry of [
    entryOf('s', 1, 1, 'a'),
    // Two that came too late, of which the repair names the last.
    entryOf('s', 1, 1, 'b'),
    entryOf('s', 1, 1, 'c'),
    // The same schema elsewhere, which has the same id: with what came too late it would be another.
    entryOf('t', 1, 1, 'a'),
    entryOf('u', 1, 2, 'b'),
    // An id that means something else already, and where nothing is.
    entryOf('v', 1, 2, 'c'),
    repairEntry(entryOf('s', 1, 1, 'a'), 2),
    entryOf('u', 1, 2, 'b', true),
    repairEntry({ key: entryOf('v', 1, 0, '').key, value: null }, 5),
    entryOf('v', 1, 3, 'c')
  ]) await topic.append([entry], signal)
  const registry = await openRegistry(t, log.dispatch)
  t.same(registry.all({ deleted: true }).map(({ subject, id, schema, deleted }) => [subject, id, JSON.parse(schema).fields[0], deleted]), [
    ['s', 1, 'a', false], ['t', 1, 'a', false], ['u', 2, 'b', true], ['v', 3, 'c', false]
  ])
  t.strictSame(await misread(t, log, knownTo(registry)), [])
})
