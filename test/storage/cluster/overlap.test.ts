/**
 * What the engine tells the door about a Produce before it is answered, and what becomes of its bytes.
 */
import t from 'tap'
import { complete } from '../../../protocol/defaults.ts'
import { writeRequest } from '../../../protocol/frame.ts'
import { Produce } from '../../../protocol/messages/00-produce.ts'
import { ListOffsets } from '../../../protocol/messages/02-list-offsets.ts'
import { anonymous, type ClientConnection, type Context } from '../../../protocol/rpc.ts'
import type { Api, Request } from '../../../protocol/schema.ts'
import type { ClusterEngine } from '../../../storage/cluster/engine.ts'
import { FakeCluster } from '../../support/fake-cluster.ts'
import { until } from '../../support/until.ts'
import { batchOf } from '../../support/batches.ts'
import { Client, openEngine, plain } from './support.ts'

const VERSION = 9

/** A connection of a client that hears what is handed on. */
class Listening implements ClientConnection {
  readonly handed: Context[] = []
  readonly #left = new AbortController()

  handedOn (context: Context): void {
    this.handed.push(context)
  }

  context (received?: Context['received']): Context {
    return {
      principal: anonymous,
      door: 'kafka',
      clientId: 'client',
      address: '127.0.0.1',
      version: VERSION,
      signal: this.#left.signal,
      throttleMs: 0,
      connection: this,
      ...received !== undefined && { received }
    }
  }
}

const requestTo = (places: readonly (readonly [topic: string, partition: number])[], value = 'x'): Request<typeof Produce> => complete(Produce.request, {
  acks: -1,
  timeoutMs: 3000,
  topicData: places.map(([name, index]) => ({ name, partitionData: [{ index, records: [batchOf([value]).bytes] }] }))
})

const codes = async (answer: ReturnType<typeof produce>): Promise<number[]> =>
  (await answer).responses.flatMap(({ partitionResponses }) => partitionResponses.map(({ errorCode }) => errorCode))

const produce = (engine: ClusterEngine, request: Request<typeof Produce>, context: Context): ReturnType<typeof engine.dispatch<typeof Produce>> =>
  engine.dispatch(Produce, request, context)

t.test('a Produce is handed on when every leader has been sent its part, and nothing else is', async t => {
  const cluster = await FakeCluster.start(t, 2)
  cluster.topic('a', [0, 1])
  const engine = await openEngine(t, cluster)
  const connection = new Listening()
  const answer = Promise.withResolvers<object>()
  cluster.brokers[1]!.on(Produce, () => answer.promise)
  for (const places of [[['a', 0], ['a', 1]], [['a', 1]]] as const) {
    const context = connection.context()
    const answered = produce(engine, requestTo(places), context)
    await until(() => connection.handed.length > 0)
    t.strictSame(connection.handed.splice(0).map(handed => handed === context), [true])
    answered.catch(() => {})
  }
  answer.resolve({ responses: [{ name: 'a', partitionResponses: [{ index: 1, errorCode: 0, baseOffset: 0 }] }] })
  const asked = complete(ListOffsets.request, { replicaId: -1, topics: [{ name: 'a', partitions: [{ partitionIndex: 0, timestamp: -1 }] }] })
  await engine.dispatch(ListOffsets as Api, asked, { ...connection.context(), version: 5 })
  t.equal(connection.handed.length, 0)
})

t.test('what nobody has changed goes on as the bytes that came', async t => {
  const cluster = await FakeCluster.start(t, 1)
  cluster.topic('a', [0])
  const engine = await openEngine(t, cluster)
  await new Client(engine).produced('a', 0) // so that the leader is known
  const connection = new Listening()
  const request = requestTo([['a', 0]], 'decoded')
  // Other bytes than those that the request would make: so it shows which were sent.
  const frame = Buffer.concat(writeRequest(Produce, VERSION, 99, 'as it came', requestTo([['a', 0]], 'received'))).subarray(4)
  const sent = async (given: Request<typeof Produce>, context: Context): Promise<[string | null, boolean]> => {
    t.strictSame(await codes(produce(engine, given, context)), [0])
    const { clientId, request } = cluster.brokers[0]!.askedFor(Produce).at(-1)!
    return [clientId, Buffer.concat(request.topicData[0]!.partitionData[0]!.records!).includes('received')]
  }
  t.strictSame(await sent(request, connection.context({ request, version: VERSION, frame })), ['as it came', true])
  t.strictSame(await sent({ ...request }, connection.context({ request, version: VERSION, frame })), ['client', false], 'another request')
  t.strictSame(await sent(request, connection.context({ request, version: VERSION - 1, frame })), ['client', false], 'another version')
  cluster.brokers[0]!.versions.set(Produce.key, [3, VERSION - 1])
  cluster.brokers[0]!.cut()
  await new Client(engine).produced('a', 0)
  t.strictSame(await sent(request, new Listening().context({ request, version: VERSION, frame })), ['client', false], 'a broker that speaks another version')
})

t.test('who has to prove anew who he is waits for what is under way: on another connection it would be overtaken', async t => {
  const cluster = await FakeCluster.start(t, 1)
  cluster.topic('a', [0])
  const engine = await openEngine(t, cluster, {}, {
    security: { connect: plain.connect, identityFor: () => ({ key: 'short', authenticate: async () => 100 }) }
  })
  const connection = new Listening()
  const broker = cluster.brokers[0]!
  const held = Promise.withResolvers<void>()
  const undo = broker.on(Produce, async () => {
    await held.promise
    undo()
    return { responses: [{ name: 'a', partitionResponses: [{ index: 0, errorCode: 0, baseOffset: 0 }] }] }
  })
  const first = produce(engine, requestTo([['a', 0]]), connection.context())
  await until(() => broker.askedFor(Produce).length === 1)
  await new Promise(resolve => setTimeout(resolve, 150))
  const second = produce(engine, requestTo([['a', 0]]), connection.context())
  await new Promise(resolve => setTimeout(resolve, 100))
  t.equal(broker.askedFor(Produce).length, 1)
  held.resolve()
  t.strictSame([await codes(first), await codes(second)], [[0], [0]])
  const [one, other] = broker.askedFor(Produce)
  t.equal(one!.socket, other!.socket)
})
