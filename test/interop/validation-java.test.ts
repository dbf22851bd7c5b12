/**
 * What Kafka's Java producer makes of records that are refused: everything else arrives, once and in order. And Kafka's own
 * tools, which set what is asked of records.
 */
import t from 'tap'
import { setTimeout as sleep } from 'node:timers/promises'
import { errors } from '../../protocol/errors.ts'
import { Produce } from '../../protocol/messages/00-produce.ts'
import { compose, on } from '../../protocol/rpc.ts'
import { administered } from '../../src/policies/administer.ts'
import { openDoor } from '../src/kafka/wire.ts'
import { openHouse, type House } from '../src/policies/validate-kit.ts'
import { javaCommand, javaProgram } from './support/java.ts'
import { linesOf } from './support/lines.ts'
import { Background } from './support/run.ts'

const PRODUCER = new URL('support/ValidatedProducer.java', import.meta.url).pathname
const TOOLS = new URL('support/Tools.java', import.meta.url).pathname

interface Server extends House {
  readonly bootstrap: string
  /** Errors that batches were answered with. */
  readonly codes: Set<number>
}

async function serve (t: Parameters<typeof openHouse>[0]): Promise<Server> {
  const house = await openHouse(t)
  house.catalog.register('orders-value', 'Order')
  await house.create('orders', { 'barnabas.value.validation': 'payload' })
  const codes = new Set<number>()
  const dispatch = compose(house.dispatch, on(Produce, async (request, _context, next) => {
    await sleep(2) // time for the producer to send more
    const response = await next(request)
    for (const { errorCode } of response.responses.flatMap(({ partitionResponses }) => partitionResponses)) codes.add(errorCode)
    return response
  }))
  const { port } = await openDoor(t, { dispatch, supports: new Map([...house.supports].filter(([key]) => !administered.has(key))) })
  return { ...house, bootstrap: `127.0.0.1:${port}`, codes }
}

/** What became of each record: its offset, or the error. */
async function produce (bootstrap: string, count: number, bad: readonly number[], ...properties: readonly string[]): Promise<Array<number | string>> {
  const lines = linesOf(await javaProgram(PRODUCER, [bootstrap, 'orders', String(count), bad.join(','), ...properties]))
  return lines.map((line, i) => {
    const [, number, rest] = /^(\d+) (.*)$/.exec(line)!
    if (Number(number) !== i) throw new Error(`line ${i} is ${line}`)
    return /^-?\d+$/.test(rest!) ? Number(rest) : rest!
  })
}

const numbersIn = (values: ReadonlyArray<string | null>): number[] => values.map(text => (JSON.parse(text!.slice(5)) as { n: number }).n)

const SMALL_BATCHES = ['batch.size=500', 'linger.ms=1', 'max.in.flight.requests.per.connection=5']
const COUNT = 3000

for (const bad of [[0], [7, 8, 900, 901, 1500, 2999]]) {
  t.test(`an idempotent producer whose records ${bad.join(', ')} are bad`, async t => {
    const house = await serve(t)
    const outcomes = await produce(house.bootstrap, COUNT, bad, ...SMALL_BATCHES)
    t.equal(outcomes.length, COUNT)
    for (const i of bad) t.match(outcomes[i], /^InvalidRecordException: The value does not fit schema 1 of orders-value: n: expected number, found string/)
    const stored = numbersIn(await house.values('orders'))
    const acknowledged = outcomes.flatMap((outcome, i) => typeof outcome === 'number' ? [i] : [])
    t.strictSame(stored, acknowledged, 'what is there is what was acknowledged: in order, none twice, none missing')
    t.ok(acknowledged.every((i, at) => outcomes[i] === at), 'under the offsets that were told')
    t.ok(acknowledged.length > COUNT / 2, `${COUNT - acknowledged.length} records were refused: the bad ones, and those of their batches`)
    const others = outcomes.filter((outcome, i) => typeof outcome === 'string' && !bad.includes(i))
    if (!bad.includes(0)) t.ok(house.codes.has(errors.OUT_OF_ORDER_SEQUENCE_NUMBER), 'batches were under way behind a bad one')
    t.ok(others.every(outcome => /invalid records/.test(String(outcome))), 'who shared a batch with a bad one is told so')
  })
}

t.test('a producer that is not idempotent', async t => {
  const house = await serve(t)
  const outcomes = await produce(house.bootstrap, COUNT, [1500], 'enable.idempotence=false', 'compression.type=zstd', ...SMALL_BATCHES)
  t.match(outcomes[1500], /^InvalidRecordException/)
  t.strictSame(numbersIn(await house.values('orders')), outcomes.flatMap((outcome, i) => typeof outcome === 'number' ? [i] : []))
})

t.test('with dead-letter, a producer that does not count its records hears nothing', async t => {
  const house = await serve(t)
  await house.configure('orders', { 'barnabas.validation.action': 'dead-letter', 'barnabas.validation.dead.letter.topic': 'orders.bad' })
  const outcomes = await produce(house.bootstrap, COUNT, [10, 1500], 'enable.idempotence=false', ...SMALL_BATCHES)
  t.ok(outcomes.every(outcome => typeof outcome === 'number'))
  t.strictSame(numbersIn(await house.values('orders')), Array.from({ length: COUNT }, (_, i) => i).filter(i => i !== 10 && i !== 1500))
  t.strictSame(numbersIn(await house.values('orders.bad')), ['10', '1500'])
})

t.test('acks=0: what is bad is dropped, and the connection stays', async t => {
  const house = await serve(t)
  await produce(house.bootstrap, COUNT, [1500], 'acks=0', 'enable.idempotence=false', ...SMALL_BATCHES)
  // Nobody has waited for an answer: the last ones may be under way still.
  let stored: number[] = []
  for (const deadline = Date.now() + 20_000; !stored.includes(COUNT - 1) && Date.now() < deadline; await sleep(50)) {
    stored = numbersIn(await house.values('orders'))
  }
  t.ok(!stored.includes(1500) && stored.includes(0) && stored.includes(COUNT - 1))
  t.same([...house.stats.faults()], [['orders', 'rejected', 'payload', 1]])
})

t.test('Kafka\'s own tools', async t => {
  const house = await serve(t)
  const tools = new Background(t, 'java', await javaCommand(TOOLS))
  let runs = 0
  const run = async (...command: readonly string[]): Promise<string> => {
    const index = runs++
    tools.write(`${JSON.stringify([...command, '--bootstrap-server', house.bootstrap])}\n`)
    const answer = await tools.untilIt(`answer ${command.join(' ')}`, ({ stdout }) => stdout.split('\n').slice(0, -1)[index] ?? null)
    return (JSON.parse(answer) as { output: string }).output
  }
  const configs = (...args: readonly string[]): Promise<string> =>
    run('kafka.admin.ConfigCommand', '--entity-type', 'topics', '--entity-name', 'orders', ...args)

  t.match(await configs('--describe'), /barnabas\.value\.validation=payload sensitive=false/)
  await configs('--alter', '--add-config', 'confluent.key.schema.validation=true,retention.ms=5000')
  t.match(await configs('--describe'), /barnabas\.key\.validation=id [^]*confluent\.key\.schema\.validation=true/)
  await configs('--alter', '--delete-config', 'barnabas.value.validation,barnabas.key.validation')
  const left = await configs('--describe')
  t.notMatch(left, /barnabas|confluent/)
  t.match(left, /retention\.ms=5000/)
  t.match(await configs('--alter', '--add-config', 'barnabas.value.validation=maybe'), /must be one of off, id, payload/)
  t.match(await run('org.apache.kafka.tools.TopicCommand', '--create', '--topic', 'new', '--config', 'barnabas.value.validation=payload'),
    /Unknown topic config name/, 'kafka-topics knows the names of Kafka\'s own configurations only')
})
