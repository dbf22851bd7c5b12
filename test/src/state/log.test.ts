/** A topic of state, as whoever keeps state in it sees it: read, followed, written, made late, read on. */
import t, { type Test } from 'tap'
import { KafkaError } from '../../../protocol/errors.ts'
import { Produce } from '../../../protocol/messages/00-produce.ts'
import { Metadata } from '../../../protocol/messages/03-metadata.ts'
import { CreateTopics } from '../../../protocol/messages/19-create-topics.ts'
import { ListOffsets } from '../../../protocol/messages/02-list-offsets.ts'
import { compose, on, type Dispatch } from '../../../protocol/rpc.ts'
import { StateLog, type StateLogOptions } from '../../../src/state/log.ts'
import type { LoggedEntry, TopicSpec } from '../../../src/state/topic.ts'
import { openEngine } from '../../storage/embedded/support.ts'
import { MemoryLog } from '../../support/memory-log.ts'
import { until } from '../../support/until.ts'

const spec: TopicSpec = { name: 'state', configs: [{ name: 'cleanup.policy', value: 'compact' }], clientId: 'test' }

interface Opened {
  readonly log: StateLog
  /** What was read, in order. */
  readonly read: LoggedEntry[]
  /** How often it was read from its beginning. */
  rebuilds: number
}

async function open (t: Test, dispatch: Dispatch, options: StateLogOptions = {}): Promise<Opened> {
  const opened: Opened = {
    read: [],
    rebuilds: 0,
    log: new StateLog(dispatch, spec, {
      changed: entries => { opened.read.push(...entries) },
      rebuild () {
        const all: LoggedEntry[] = []
        return {
          changed: entries => { all.push(...entries) },
          done () {
            opened.rebuilds++
            opened.read.splice(0, Infinity, ...all)
          }
        }
      }
    }, options)
  }
  await opened.log.open()
  t.teardown(() => opened.log.close())
  return opened
}

const keys = ({ read }: Opened): string[] => read.map(({ key }) => key)
const late: StateLogOptions = { create: 'when written' }

t.test('each entry has its offset and its headers, and append tells the first', async t => {
  const { engine } = await openEngine(t, t.testdir())
  const opened = await open(t, engine.dispatch)
  const headers = [{ key: 'h', value: Buffer.from('v') }, { key: 'n', value: null }]
  t.equal(await opened.log.append([{ key: 'a', value: '1' }, { key: 'b', value: null, headers }]), 0)
  t.equal(await opened.log.append([{ key: 'ü', value: '' }]), 2)
  t.strictSame(opened.read, [
    { key: 'a', value: '1', offset: 0, headers: [] }, { key: 'b', value: null, offset: 1, headers }, { key: 'ü', value: '', offset: 2, headers: [] }
  ])
  t.strictSame((await open(t, engine.dispatch)).read, opened.read, 'whoever reads it')
})

t.test('a topic that is made late is not there before it is written', async t => {
  const memory = new MemoryLog()
  const opened = await open(t, memory.dispatch, late)
  await opened.log.refresh()
  t.strictSame([...memory.topics.keys()], [])
  const other = await open(t, memory.dispatch, late)
  t.equal(await opened.log.append([{ key: 'a', value: '1' }]), 0)
  t.strictSame([...memory.topics.get('state')!.configs], [['cleanup.policy', 'compact']])
  t.strictSame(keys(opened), ['a'])
  await other.log.refresh()
  t.strictSame(keys(other), ['a'], 'who looks finds it')
  await opened.log.append([{ key: 'b', value: '2' }])
  await until(() => keys(other).length === 2)
})

t.test('several that write first make one topic', async t => {
  const memory = new MemoryLog()
  const all = await Promise.all(Array.from({ length: 4 }, () => open(t, memory.dispatch, late)))
  const offsets = await Promise.all(all.flatMap((one, i) => [one.log.append([{ key: `a${i}`, value: '' }]), one.log.append([{ key: `b${i}`, value: '' }])]))
  t.strictSame(offsets.toSorted((a, b) => a - b), [0, 1, 2, 3, 4, 5, 6, 7])
  await Promise.all(all.map(one => one.log.refresh()))
  for (const one of all) t.strictSame(keys(one), keys(all[0]!))
  t.equal(keys(all[0]!).length, 8)
})

t.test('one that was deleted is made anew when it is written', async t => {
  const { engine, client } = await openEngine(t, t.testdir())
  const opened = await open(t, engine.dispatch, late)
  await opened.log.append([{ key: 'a', value: '1' }])
  await client.deleteTopic({ name: 'state' })
  t.equal(await opened.log.append([{ key: 'b', value: '2' }]), 0)
  t.strictSame(keys(opened), ['b'])
})

t.test('refresh reads what was written before it was called, and calls that come together are one', async t => {
  const memory = new MemoryLog()
  const writer = await open(t, memory.dispatch)
  let asked = 0
  const counting = compose(memory.dispatch, on(ListOffsets, async (request, _, next) => {
    if (request.topics[0]!.partitions[0]!.timestamp === -1) asked++
    return await next(request)
  }))
  const reader = await open(t, counting)
  await writer.log.append([{ key: 'a', value: '1' }])
  await reader.log.refresh()
  t.strictSame(keys(reader), ['a'])
  asked = 0
  const first = reader.log.refresh()
  await writer.log.append([{ key: 'b', value: '2' }])
  await Promise.all(Array.from({ length: 20 }, () => reader.log.refresh()))
  t.strictSame(keys(reader), ['a', 'b'])
  await first
  t.ok(asked <= 3, `${asked} times: the first one, the first of those that came late, and the others of them`)
})

t.test('what cannot be asked is an error, and later there is another answer', async t => {
  const memory = new MemoryLog()
  let isForbidden = false
  const failing = compose(memory.dispatch, on(Metadata, async (request, _, next) => {
    if (isForbidden) throw new KafkaError('CLUSTER_AUTHORIZATION_FAILED')
    return await next(request)
  }))
  const opened = await open(t, failing, late)
  isForbidden = true
  await t.rejects(opened.log.refresh(), { code: 'CLUSTER_AUTHORIZATION_FAILED' })
  isForbidden = false
  await opened.log.refresh()
  const refusing = compose(memory.dispatch, on(CreateTopics, async () => { throw new KafkaError('POLICY_VIOLATION', 'no topics today') }))
  const other = await open(t, refusing, late)
  await t.rejects(other.log.append([{ key: 'a', value: '' }]), { code: 'POLICY_VIOLATION' })
  t.strictSame([...memory.topics.keys()], [])
})

t.test('closing ends what is under way', async t => {
  const memory = new MemoryLog()
  const stuck: Dispatch = (api, request, context) => api.key === Produce.key ? new Promise(() => {}) : memory.dispatch(api, request, context)
  const opened = await open(t, stuck)
  await opened.log.close()
  await t.rejects(opened.log.append([{ key: 'a', value: '' }]), { code: 'COORDINATOR_NOT_AVAILABLE' })
  const unused = await open(t, memory.dispatch, late)
  await unused.log.close()
})
