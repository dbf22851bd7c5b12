/** What librdkafka's producer makes of records that are refused. */
import t from 'tap'
import { administered } from '../../src/policies/administer.ts'
import { openDoor } from '../src/kafka/wire.ts'
import { openHouse, type House } from '../src/policies/validate-kit.ts'
import { confluentPython } from './support/cache.ts'
import { linesOf } from './support/lines.ts'
import { succeed } from './support/run.ts'

const PRODUCER = new URL('support/validated_producer.py', import.meta.url).pathname
const COUNT = 3000
const SMALL_BATCHES = ['batch.num.messages=20', 'linger.ms=1']

async function serve (t: Parameters<typeof openHouse>[0]): Promise<House & { readonly bootstrap: string }> {
  const house = await openHouse(t)
  house.catalog.register('orders-value', 'Order')
  await house.create('orders', { 'barnabas.value.validation': 'payload' })
  const { port } = await openDoor(t, { dispatch: house.dispatch, supports: new Map([...house.supports].filter(([key]) => !administered.has(key))) })
  return { ...house, bootstrap: `127.0.0.1:${port}` }
}

/** What became of each record: its offset, or the error. */
async function produce (bootstrap: string, bad: readonly number[], ...properties: readonly string[]): Promise<Array<number | string>> {
  const lines = linesOf(await succeed(await confluentPython(), [PRODUCER, bootstrap, 'orders', String(COUNT), bad.join(','), ...properties]))
  return lines.map(line => {
    const fate = line.slice(line.indexOf(' ') + 1)
    return /^-?\d+$/.test(fate) ? Number(fate) : fate
  })
}

const numbersIn = (values: ReadonlyArray<string | null>): number[] => values.map(text => (JSON.parse(text!.slice(5)) as { n: number }).n)

for (const idempotent of [true, false]) {
  for (const bad of [[0], [7, 8, 900, 1500, 2999]]) {
    t.test(`${idempotent ? 'idempotent' : 'not idempotent'}, and the records ${bad.join(', ')} are bad`, async t => {
      const house = await serve(t)
      const outcomes = await produce(house.bootstrap, bad, `enable.idempotence=${idempotent}`, ...SMALL_BATCHES)
      t.equal(outcomes.length, COUNT)
      for (const i of bad) t.match(outcomes[i], /^INVALID_RECORD: /)
      const acknowledged = outcomes.flatMap((outcome, i) => typeof outcome === 'number' ? [i] : [])
      t.strictSame(numbersIn(await house.values('orders')), acknowledged, 'what is there is what was acknowledged: in order, none twice, none missing')
      t.ok(acknowledged.every((i, at) => outcomes[i] === at), 'under the offsets that were told')
      t.ok(acknowledged.length > COUNT / 2, `${COUNT - acknowledged.length} records were refused`)
      t.ok(outcomes.every(outcome => typeof outcome === 'number' || /^(INVALID_RECORD|_INVALID_DIFFERENT_RECORD)/.test(outcome)), 'and nothing else went wrong')
    })
  }
}
