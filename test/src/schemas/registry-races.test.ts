/**
 * Several registries write to one log, and none leads. Whoever answered what: no id means two schemas, no version is two, and
 * all of them end knowing the same, now and after a restart.
 */
import t, { type Test } from 'tap'
import fc from 'fast-check'
import { once } from 'node:events'
import { isDeepStrictEqual } from 'node:util'
import { setTimeout as sleep } from 'node:timers/promises'
import { Produce } from '../../../protocol/messages/00-produce.ts'
import { Fetch } from '../../../protocol/messages/01-fetch.ts'
import { buildBatch, recordsIn, type Header } from '../../../protocol/records.ts'
import type { Dispatch } from '../../../protocol/rpc.ts'
import { REPAIR_HEADER, WRITER_HEADER } from '../../../src/schemas/entries.ts'
import type { SchemaVersion } from '../../../src/schemas/model.ts'
import type { Registry } from '../../../src/schemas/registry.ts'
import { SCHEMAS_TOPIC } from '../../../src/schemas/registry-log.ts'
import { StateTopic } from '../../../src/state/topic.ts'
import { openEngine } from '../../storage/embedded/support.ts'
import { MemoryLog } from '../../support/memory-log.ts'
import { until } from '../../support/until.ts'
import { fake } from './support/fake-format.ts'
import { knownTo, openRegistry } from './support/registries.ts'

/** Fetches and produces take a random while: others come in between. */
const jittery = (dispatch: Dispatch, maxMs: number): Dispatch => async (api, request, context) => {
  if (api.key === Fetch.key || api.key === Produce.key) await sleep(Math.random() * maxMs)
  return await dispatch(api, request, context)
}

/** What an answer promised must hold of all answers together. */
function contradictions (answers: readonly SchemaVersion[]): string[] {
  const ids = new Map<string, string>()
  const versions = new Map<string, string>()
  const found: string[] = []
  const holds = (map: Map<string, string>, key: string, value: string): void => {
    if (map.has(key) && map.get(key) !== value) found.push(`${key}: ${map.get(key)} and ${value}`)
    map.set(key, value)
  }
  for (const { subject, version, id, guid } of answers) {
    const context = subject.startsWith(':') ? subject.split(':')[1]! : '.'
    holds(ids, `id ${id} in ${context}`, guid)
    holds(ids, `${guid} in ${context}`, String(id))
    holds(versions, `${subject} ${version}`, guid)
    holds(versions, `${guid} in ${subject}`, String(version))
  }
  return found
}

async function agree (t: Test, registries: readonly Registry[]): Promise<void> {
  await Promise.all(registries.map(one => one.refresh()))
  for (const one of registries.slice(1)) t.strictSame(knownTo(one), knownTo(registries[0]!), 'all know the same')
}

t.test('two register the same and different schemas at once', async t => {
  const { engine } = await openEngine(t, t.testdir(), { durability: 'os' })
  const registries = [await openRegistry(t, engine.dispatch), await openRegistry(t, engine.dispatch)]
  await registries[0]!.setConfig(null, { compatibilityLevel: 'NONE' })
  await registries[1]!.refresh()
  const started = performance.now()
  const answers = await Promise.all(Array.from({ length: 2000 }, (_, i) => {
    const n = i >> 1
    // Both ask for the same at the same time; sometimes each for something of its own.
    return registries[i % 2]!.register(n % 3 === 0 ? 'shared' : `s${n % 50}`, fake(n % 5 === 0 ? `own${i}` : `f${n % 400}`))
  }))
  t.comment(`2000 registrations by two: ${Math.round(performance.now() - started)} ms`)
  t.strictSame(contradictions(answers), [])
  await agree(t, registries)
  t.strictSame(contradictions([...answers, ...registries[0]!.all()]), [])
  const ids = [...new Set(registries[0]!.all().map(one => one.id))]
  t.equal(Math.max(...ids), ids.length, 'no id is left out')
  for (const subject of registries[0]!.subjects()) {
    const versions = registries[0]!.versions(subject)
    t.equal(versions.at(-1), versions.length, `no version of ${subject} is left out`)
  }
  t.strictSame(knownTo(await openRegistry(t, engine.dispatch)), knownTo(registries[0]!), 'a third one that reads it later')
})

t.test('five of them, late in reading and writing', async t => {
  const log = new MemoryLog()
  const registries = await Promise.all(Array.from({ length: 5 }, () => openRegistry(t, jittery(log.dispatch, 4))))
  const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => registries[i % 5]!.register(`s${i % 7}`, fake(`a f${i >> 2}?`))))
  t.strictSame(contradictions(answers), [])
  await agree(t, registries)
  t.ok(log.values(SCHEMAS_TOPIC).length > 200, 'they did get in each other\'s way')
})

t.test('one that is abandoned in the middle leaves nothing behind', async t => {
  const { engine } = await openEngine(t, t.testdir(), { durability: 'os' })
  let isDead = false
  const dying: Dispatch = async (api, request, context) => {
    const answer = isDead ? null : await engine.dispatch(api, request, context)
    // What was under way is written, but it never hears of it.
    if (answer !== null && !isDead) return answer
    await once(context.signal, 'abort')
    throw context.signal.reason
  }
  const survivor = await openRegistry(t, engine.dispatch, { repairAfterMs: 50 })
  const victim = await openRegistry(t, dying)
  const answers: SchemaVersion[] = []
  const all = Array.from({ length: 600 }, async (_, i) => {
    const answer = (i % 2 === 0 ? survivor : victim).register(`s${i % 10}`, fake(`a f${i}?`))
    if (i % 2 === 0) answers.push(await answer)
    else answer.then(one => answers.push(one), () => {})
    if (i === 300) isDead = true
  })
  await Promise.all(all)
  t.ok(answers.length < 600)
  t.strictSame(contradictions(answers), [])
  await survivor.refresh()
  t.strictSame(contradictions([...answers, ...survivor.all()]), [])
  for (const one of answers) t.match(survivor.get(one.subject, one.version), { id: one.id, guid: one.guid })
  const later = await openRegistry(t, engine.dispatch, { repairAfterMs: 50 })
  t.strictSame(knownTo(later), knownTo(survivor))
})

t.test('a record that contradicts is passed over by all, and written over by whoever is there', async t => {
  const log = new MemoryLog()
  const registry = await openRegistry(t, log.dispatch, { repairAfterMs: 20 })
  await registry.register('s', fake('a'))
  // What writers that were late would have written, and then died.
  const ours = [{ key: WRITER_HEADER, value: Buffer.from('1') }]
  const write = (key: string, value: object): Promise<void> => append(log, key, JSON.stringify(value), ours)
  const v1 = '{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}'
  const v2 = '{"keytype":"SCHEMA","subject":"s","version":2,"magic":1}'
  const before = knownTo(registry)
  await write(v1, { subject: 's', version: 1, id: 2, schema: fake('b').schema, deleted: false })
  await write(v2, { subject: 's', version: 2, id: 1, schema: fake('c').schema, deleted: false })
  await registry.refresh()
  t.strictSame(knownTo(registry), before)
  await until(() => log.values(SCHEMAS_TOPIC).length >= 5)
  await registry.refresh()
  t.strictSame(knownTo(registry), before)
  const [again, gone] = log.values(SCHEMAS_TOPIC).slice(3)
  t.match(JSON.parse(again!), { id: 1, schema: fake('a').schema, deleted: false }, 'what holds')
  t.equal(gone, null)
  t.match(await registry.register('s', fake('a d?')), { version: 2, id: 2 })
  t.strictSame(knownTo(await openRegistry(t, log.dispatch)), knownTo(registry))
})

t.test('a repair that comes late brings nothing back, and takes nothing away', async t => {
  const log = new MemoryLog()
  const registry = await openRegistry(t, log.dispatch, { repairAfterMs: 20 })
  const headers = [{ key: REPAIR_HEADER, value: Buffer.from('0') }]
  const key = '{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}'
  await registry.register('s', fake('a'))
  const [written] = log.values(SCHEMAS_TOPIC)
  await append(log, key, null, headers)
  await registry.refresh()
  t.match(registry.get('s', 1), { id: 1 })
  await until(() => log.values(SCHEMAS_TOPIC).length === 3)
  t.equal(log.values(SCHEMAS_TOPIC)[2], written, 'what holds is written over it')
  await registry.deleteSubject('s', false)
  await append(log, key, written!, headers)
  await registry.refresh()
  t.match(registry.get('s', 1, { deleted: true }), { deleted: true })
  await registry.deleteSubject('s', true)
  await append(log, key, written!, headers)
  await registry.refresh()
  t.strictSame(registry.subjects({ deleted: true }), [])
  await until(() => log.values(SCHEMAS_TOPIC).at(-1) === null)
  t.strictSame(knownTo(await openRegistry(t, log.dispatch)), knownTo(registry))
})

async function append (log: MemoryLog, key: string, value: string | null, headers: readonly Header[] = []): Promise<void> {
  const topic = new StateTopic(log.dispatch, { name: SCHEMAS_TOPIC, configs: [], clientId: 'test' })
  const { signal } = new AbortController()
  await topic.find(signal)
  await topic.append([{ key, value, headers }], signal)
}

t.test('whatever several do, in whatever order: they agree, and so does who comes later', async t => {
  const step = fc.record({
    who: fc.nat(2),
    what: fc.constantFrom('register', 'register', 'register', 'soft', 'hard', 'softVersion', 'hardVersion', 'config', 'mode'),
    subject: fc.constantFrom('s', 't', ':.c:s'),
    n: fc.nat(5)
  })
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 30 }), fc.boolean(), async (steps, together) => {
    const log = new MemoryLog()
    const registries = await Promise.all(Array.from({ length: 3 }, () => openRegistry(t, jittery(log.dispatch, 1), { repairAfterMs: 5 })))
    const run = async ({ who, what, subject, n }: (typeof steps)[number]): Promise<void> => {
      const registry = registries[who]!
      switch (what) {
        case 'register': await registry.register(subject, fake(`f${n}`), { force: true }); break
        case 'soft': await registry.deleteSubject(subject, false); break
        case 'hard': await registry.deleteSubject(subject, true); break
        case 'softVersion': await registry.deleteVersion(subject, n + 1, false); break
        case 'hardVersion': await registry.deleteVersion(subject, n + 1, true); break
        case 'config': await registry.setConfig(subject, { normalize: n > 2 }); break
        default: await registry.setMode(subject, n > 3 ? 'READONLY' : 'READWRITE', false)
      }
    }
    const refusals = (error: Error): void => { if (error.name !== 'RegistryError') throw error }
    if (together) await Promise.all(steps.map(one => run(one).catch(refusals)))
    else for (const one of steps) await run(one).catch(refusals)
    // Repairs may be under way.
    let before = -1
    for (let i = 0; ; i++) {
      await Promise.all(registries.map(one => one.refresh()))
      const later = await openRegistry(t, log.dispatch)
      const known = [...registries, later].map(knownTo)
      await later.close()
      const { end } = log.topics.get(SCHEMAS_TOPIC)?.partitions[0] ?? { end: 0 }
      const isQuiet = end === before
      before = end
      if (isQuiet && known.every(one => isDeepStrictEqual(one, known[0]))) break
      if (i === 40) throw new Error(`They do not agree:\n${known.map(one => JSON.stringify(one)).join('\n')}`)
      await sleep(15)
    }
    // As compaction would leave it: the last record of each key.
    const wholly = knownTo(registries[0]!)
    await Promise.all(registries.map(one => one.close()))
    compactAll(log)
    const after = await openRegistry(t, log.dispatch)
    const left = knownTo(after)
    await after.close()
    if (!isDeepStrictEqual(left, wholly)) throw new Error(`Compaction changed it:\n${JSON.stringify(wholly)}\n${JSON.stringify(left)}`)
  }), { numRuns: 25, endOnFailure: true })
  t.pass('in every run')
})

function compactAll (log: MemoryLog): void {
  const topic = log.topics.get(SCHEMAS_TOPIC)
  if (topic === undefined) return
  const [partition] = topic.partitions
  const last = new Map<string, number>()
  const records = partition!.batches.flatMap(batch => [...recordsIn(batch)])
  for (const { key, offset } of records) last.set(key!.toString(), offset)
  const kept = records.filter(({ key, offset }) => last.get(key!.toString()) === offset)
  partition!.batches = kept.map(({ key, value, headers, offset }) => {
    const batch = buildBatch([{ key, value, headers }])
    batch.stamp(offset, 0)
    return batch
  })
}
