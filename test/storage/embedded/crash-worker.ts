/**
 * An engine does a little of everything once, with every change to the disk written down. Then engines are started on the
 * disk as a crash might have left it, at every point and in every way that `crashStates` knows, and have to keep what was
 * promised by then. `stride` says to try every so many-th of these states.
 *
 * As a thread of its own, where tap does not watch every promise: there are very many.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { errors } from '../../../protocol/errors.ts'
import { DeleteRecords } from '../../../protocol/messages/21-delete-records.ts'
import { CreatePartitions } from '../../../protocol/messages/37-create-partitions.ts'
import { EmbeddedEngine } from '../../../storage/embedded/engine.ts'
import { commit, committed } from '../../engine/suite/groups.ts'
import { Client, EARLIEST, LATEST, batchOf, type TopicRef } from '../../engine/suite/kit.ts'
import { crashStates, type CrashState } from '../../support/crash-states.ts'
import { MemoryFileSystem } from '../../support/memory-fs.ts'
import { Watch } from '../../support/logs.ts'
import { testOptions } from './support.ts'

/** A real folder: the lock is one of the operating system's. All else is in memory, under the same name. */
const { folder, stride } = workerData as { readonly folder: string, readonly stride: number }
const PRODUCER = { producerId: 5, producerEpoch: 0 }

/** One on which folders can be renamed, too. */
class Disk extends MemoryFileSystem {
  override async rename (from: string, to: string): Promise<void> {
    if ([...this.disk.names.keys()].some(path => path.startsWith(`${from}/`))) this.change({ kind: 'rename', from, to })
    else await super.rename(from, to)
  }
}

function engineOn (fs: MemoryFileSystem): { engine: EmbeddedEngine, client: Client, watch: Watch } {
  const watch = new Watch()
  const engine = new EmbeddedEngine(testOptions(folder), { observer: watch, fs })
  return { engine, client: new Client(engine), watch }
}

/** Something that has to hold from a certain number of changes on, until another takes its place. */
interface Promised {
  readonly about: string
  readonly from: number
  until: number
  /** What is wrong, or null. */
  readonly check: (client: Client, engine: EmbeddedEngine) => Promise<string | null>
}

const fs = new Disk()
const promises: Promised[] = []

/** While something changes, neither the old nor the new has to hold. */
async function changes (about: string, change: () => Promise<Promised['check'] | null>): Promise<void> {
  for (const one of promises) if (one.about === about && one.until === Infinity) one.until = fs.changes.length
  const check = await change()
  if (check !== null) promises.push({ about, from: fs.changes.length, until: Infinity, check })
}

const same = (what: string, found: unknown, expected: unknown): string | null =>
  JSON.stringify(found) === JSON.stringify(expected) ? null : `${what}: ${JSON.stringify(found)} instead of ${JSON.stringify(expected)}`

async function holds (client: Client, topic: TopicRef, partition: number, values: readonly string[]): Promise<string | null> {
  return same(`${topic.name}-${partition}`, (await client.values(topic, partition)).slice(0, values.length), values)
}

async function work (): Promise<void> {
  let { engine, client } = engineOn(fs)
  await fs.makeDirectory(folder)
  await engine.open()
  const { clusterId } = engine
  await changes('cluster', async () => async (_, { clusterId: now }) => same('cluster id', now, clusterId))

  let topic!: TopicRef
  await changes('topic', async () => {
    topic = await client.topic(1, { 'segment.bytes': '1024', 'retention.ms': '99' })
    return async (_, { topics }) => same('topic', [topics!.get(topic.name)?.id, topics!.get(topic.name)?.configs.get('retention.ms')], [topic.id, '99'])
  })
  const values: string[] = []
  const append = async (): Promise<void> => await changes('records', async () => {
    for (let i = 0; i < 2; i++) {
      await client.append(topic, [`${values.length}`.padEnd(300, '.')], 0, { ...PRODUCER, baseSequence: values.length })
      values.push(`${values.length}`.padEnd(300, '.'))
    }
    const expected = [...values]
    return async client => await holds(client, topic, 0, expected) ?? await isKnown(client, topic, expected.length)
  })
  const commitAt = async (offset: number): Promise<void> => await changes('group', async () => {
    await commit(client, 'group', topic, [[0, offset, '']])
    return async client => same('group', await committed(client, 'group', topic, [0]), [[offset, '']])
  })

  await append()
  await commitAt(1)
  await append()
  await changes('partitions', async () => {
    await client.call(CreatePartitions, { topics: [{ name: topic.name, count: 2, assignments: null }], timeoutMs: 1000, validateOnly: false })
    await client.append(topic, ['second'], 1)
    return async client => await holds(client, topic, 1, ['second'])
  })
  await engine.close()
  ;({ engine, client } = engineOn(fs))
  await engine.open()
  await append()
  await commitAt(3)

  const other = await client.topic()
  await client.append(other, ['a', 'b', 'c'])
  await changes('start', async () => {
    await client.call(DeleteRecords, { timeoutMs: 1000, topics: [{ name: other.name, partitions: [{ partitionIndex: 0, offset: 2 }] }] })
    return async client => same('start', await client.offset(other, EARLIEST), 2)
  })
  await changes('start', async () => {
    await client.deleteTopic({ name: other.name })
    return async (_, { topics }) => same('deleted', topics!.get(other.name), undefined)
  })
  await changes('start', async () => {
    const again = await client.topic(1, {}, other.name)
    await client.append(again, ['n', 'e', 'w', '!'])
    return async client => same('start', await client.offset(again, EARLIEST), 0) ?? await holds(client, again, 0, ['n', 'e', 'w', '!'])
  })
  await append()
  await engine.close()
}

/** The last batch is known to be one that was sent before. */
async function isKnown (client: Client, topic: TopicRef, count: number): Promise<string | null> {
  const { errorCode, baseOffset } = await client.produce(topic, batchOf(['again'], { ...PRODUCER, baseSequence: count - 1 }))
  return same('sent again', [errorCode, baseOffset], [errors.NONE, count - 1])
}

async function violation ({ disk, count }: CrashState): Promise<string | null> {
  const { engine, client, watch } = engineOn(new Disk(disk))
  await engine.open()
  try {
    if (watch.quarantines.length > 0 || watch.failures.length > 0) return `${watch.quarantines.length} quarantined, ${watch.failures.join()}`
    for (const { from, until, check } of promises) {
      const wrong = from <= count && count <= until ? await check(client, engine) : null
      if (wrong !== null) return wrong
    }
    const [topic] = [...engine.topics!].filter(({ isInternal }) => !isInternal)
    if (topic !== undefined) {
      const end = await client.offset(topic, LATEST)
      if (await client.append(topic, ['after the crash']) !== end) return 'nothing can be appended'
    }
    return null
  } finally {
    await engine.close()
  }
}

await work()
const violations: string[] = []
let states = 0
for (const state of crashStates(fs.changes)) {
  if (states++ % stride !== 0) continue
  const wrong = await violation(state).catch((error: Error) => error.stack)
  if (wrong !== null) violations.push(`after ${state.count} of ${fs.changes.length} changes, ${state.what}: ${wrong}`)
}
parentPort!.postMessage({ states, violations, promises: promises.length })
