/**
 * Producers send without waiting. Where the engine says that a request has its place the next one is begun; the answers
 * stay in order.
 */
import t from 'tap'
import { Produce } from '../../../protocol/messages/00-produce.ts'
import { Heartbeat } from '../../../protocol/messages/12-heartbeat.ts'
import type { Context } from '../../../protocol/rpc.ts'
import type { Api, Request } from '../../../protocol/schema.ts'
import { MemoryBudget } from '../../../src/access/memory-budget.ts'
import { beat, deferred, openDoor, produce, requestFrame, topicOf, until, type Deferred, type DoorOptions } from './wire.ts'

const answerTo = (topic: string): object => ({ responses: [{ name: topic, partitionResponses: [{ index: 0, errorCode: 0, baseOffset: 1 }] }] })

/** An engine that holds every request until it is told what to answer. */
class Engine {
  readonly begun: string[] = []
  readonly contexts: Context[] = []
  readonly #held: Array<Deferred<object>> = []

  readonly answer: NonNullable<DoorOptions['answer']> = (api: Api, request: Request<Api>, context) => {
    this.begun.push(api === Produce ? topicOf(request) : api.name)
    this.contexts.push(context)
    const held = deferred<object>()
    this.#held.push(held)
    return held.promise
  }

  handOn (index: number): void {
    const context = this.contexts[index]!
    context.connection!.handedOn!(context)
  }

  finish (index: number, error?: Error): void {
    if (error === undefined) this.#held[index]!.resolve(answerTo(this.begun[index]!))
    else this.#held[index]!.reject(error)
  }
}

const frameOf = (topic: string, correlationId: number, bytes = 10): Buffer => requestFrame(Produce, 9, correlationId, produce(-1, topic, Buffer.alloc(bytes)))

/** Time for what must not happen. */
const aMoment = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 30))

t.test('the next one is begun when the last has its place, and is answered behind it', async t => {
  const engine = new Engine()
  const wire = await (await openDoor(t, { answer: engine.answer })).open()
  wire.write(['a', 'b', 'c'].map((topic, i) => frameOf(topic, i)))
  await until(() => engine.begun.length === 1)
  await aMoment()
  t.strictSame(engine.begun, ['a'], 'not before')
  engine.handOn(0)
  engine.handOn(1)
  t.strictSame(engine.begun, ['a', 'b', 'c'])
  engine.finish(2)
  engine.finish(1)
  await aMoment()
  t.equal(wire.receivedBytes, 0)
  engine.finish(0)
  for (const [i, topic] of ['a', 'b', 'c'].entries()) {
    const { correlationId, body } = await wire.answer(Produce, 9)
    t.strictSame([correlationId, body.responses[0]!.name], [i, topic])
  }
})

t.test('only a Produce overlaps, only five do, and what was not made by the door hands nothing on', async t => {
  const engine = new Engine()
  const wire = await (await openDoor(t, { answer: engine.answer })).open()
  wire.write([...['a', 'b', 'c', 'd', 'e', 'f'].map((topic, i) => frameOf(topic, i)), requestFrame(Heartbeat, 4, 6, beat('x'))])
  await until(() => engine.begun.length === 1)
  engine.contexts[0]!.connection!.handedOn!({ ...engine.contexts[0]! })
  t.equal(engine.begun.length, 1)
  for (let i = 0; i < 5; i++) engine.handOn(i)
  t.strictSame(engine.begun, ['a', 'b', 'c', 'd', 'e'])
  engine.finish(0)
  await until(() => engine.begun.length === 6)
  engine.handOn(5)
  await aMoment()
  t.equal(engine.begun.length, 6)
  for (let i = 1; i < 6; i++) engine.finish(i)
  await until(() => engine.begun.at(-1) === 'Heartbeat')
  engine.finish(6)
  for (let i = 0; i < 6; i++) t.equal((await wire.answer(Produce, 9)).correlationId, i)
  t.equal((await wire.answer(Heartbeat, 4)).correlationId, 6)
})

t.test('what makes no sense behind a request closes the connection when that is answered', async t => {
  const engine = new Engine()
  const door = await openDoor(t, { answer: engine.answer })
  const wire = await door.open()
  const broken = Buffer.concat([frameOf('b', 1), Buffer.from('more')])
  broken.writeInt32BE(broken.length - 4, 0)
  wire.write([frameOf('a', 0), broken])
  await until(() => engine.begun.length === 1)
  engine.handOn(0)
  await aMoment()
  t.strictSame([engine.begun, wire.ended], [['a'], false])
  engine.finish(0)
  t.equal((await wire.answer(Produce, 9)).correlationId, 0)
  t.equal(await wire.next(), null)
})

t.test('a version that is not served, too', async t => {
  const engine = new Engine()
  const door = await openDoor(t, { answer: engine.answer, supports: new Map([[Produce.key, [3, 9]]]) })
  const wire = await door.open()
  wire.write([frameOf('a', 0), requestFrame(Produce, 12, 1, produce(-1))])
  await until(() => engine.begun.length === 1)
  engine.handOn(0)
  engine.finish(0)
  t.equal((await wire.answer(Produce, 9)).correlationId, 0)
  t.equal(await wire.next(), null)
  await door.ended('unsupported')
})

t.test('an engine that fails ends the connection in order: what came before is answered, what came behind is not', async t => {
  const engine = new Engine()
  const door = await openDoor(t, { answer: engine.answer })
  const wire = await door.open()
  wire.write(['a', 'b', 'c'].map((topic, i) => frameOf(topic, i)))
  await until(() => engine.begun.length === 1)
  engine.handOn(0)
  engine.handOn(1)
  engine.finish(1, new Error('broken'))
  engine.finish(2)
  engine.finish(0)
  t.equal((await wire.answer(Produce, 9)).correlationId, 0)
  t.equal(await wire.next(), null)
  t.equal(door.memory.stats.reservedBytes, 0)
})

t.test('requests side by side hold no more than one may without a reservation, and give back what is theirs', async t => {
  const engine = new Engine()
  const memory = new MemoryBudget(1_000_000, 1_000_000)
  const wire = await (await openDoor(t, { answer: engine.answer, memory })).open()
  wire.write([frameOf('a', 0, 60_000), frameOf('b', 1, 60_000), frameOf('c', 2, 300_000), frameOf('d', 3, 900_000)])
  for (let i = 0; i < 3; i++) {
    await until(() => engine.begun.length === i + 1)
    engine.handOn(i)
  }
  t.ok(memory.stats.reservedBytes > 360_000 && memory.stats.reservedBytes < 370_000, `${memory.stats.reservedBytes} bytes for b and c`)
  await aMoment()
  t.equal(engine.begun.length, 3, 'there is no room for another one')
  engine.finish(0)
  engine.finish(1)
  engine.finish(2)
  await until(() => engine.begun.length === 4)
  engine.finish(3)
  for (let i = 0; i < 4; i++) t.equal((await wire.answer(Produce, 9)).correlationId, i)
  t.equal(memory.stats.reservedBytes, 0)
})

t.test('a door that is closed answers all that is in the engine first', async t => {
  const engine = new Engine()
  const door = await openDoor(t, { answer: engine.answer })
  const wire = await door.open()
  wire.write(['a', 'b'].map((topic, i) => frameOf(topic, i)))
  await until(() => engine.begun.length === 1)
  engine.handOn(0)
  const closed = door.listener.close(5000)
  engine.finish(1)
  await aMoment()
  engine.finish(0)
  for (let i = 0; i < 2; i++) t.equal((await wire.answer(Produce, 9)).correlationId, i)
  t.equal(await wire.next(), null)
  wire.socket.end()
  await closed
})

t.test('a peer that has left: what is in the engine is carried out, and nothing stays reserved', async t => {
  const engine = new Engine()
  const door = await openDoor(t, { answer: engine.answer })
  const wire = await door.open()
  wire.write(['a', 'b'].map((topic, i) => frameOf(topic, i, 100_000)))
  await until(() => engine.begun.length === 1)
  engine.handOn(0)
  await until(() => engine.begun.length === 2)
  wire.socket.destroy()
  engine.finish(1)
  engine.finish(0)
  await until(() => door.memory.stats.reservedBytes === 0)
  t.equal(door.memory.stats.reservedBytes, 0)
})
