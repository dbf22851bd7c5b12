/**
 * JSON on its way into topics that have a schema.
 */
import t from 'tap'
import { anonymous, neverAborted, type Context } from '../../protocol/rpc.ts'
import { encodeText, serdeOrRefused } from '../../routes/schema-json.ts'
import { Serde } from '../../src/schemas/serde.ts'
import { FakeCatalog } from '../src/schemas/fake-catalog.ts'
import { openHouse } from '../support/http-door.ts'

const context: Context = { principal: anonymous, door: 'http', clientId: '', address: '', version: 0, signal: neverAborted, throttleMs: 0 }

t.test('what is no text is refused, and not mended', async t => {
  const catalog = new FakeCatalog()
  const unfit: string[] = []
  const serde = new Serde(catalog, { onUnfit: (topic, part) => unfit.push(`${topic} ${part}`) })
  const bytes = Buffer.from('{"n":1,"name":"\xff"}', 'latin1')
  t.equal(encodeText(serde, 'orders', 'value', bytes), bytes, 'a topic without a schema takes what it is given')
  catalog.register('orders-value', 'Order')
  t.throws(() => encodeText(serde, 'orders', 'value', bytes), {
    code: 'INVALID_RECORD',
    message: 'The value is no text (UTF-8), and schema 1 of orders-value takes JSON: send encoded bytes as application/octet-stream.'
  })
  t.same(unfit, ['orders value'])
  t.equal(encodeText(serde, 'orders', 'value', Buffer.from('{"n":1,"name":"\u00ff"}')).toString(), '\0\0\0\0\x01{"n":1,"name":"\u00ff"}')
})

t.test('who may not write is told so before any schema is', async t => {
  const serde = new Serde(new FakeCatalog())
  const asked: unknown[] = []
  const may = (allowed: boolean) => ({
    decide: (...[, , ...what]: [unknown, unknown, ...unknown[]]) => {
      asked.push(what)
      return { allowed, reason: 'no-acl-matches' as const, binding: null }
    }
  })
  t.equal(serdeOrRefused({ serde, access: may(true) }, context, 'orders'), serde)
  t.throws(() => serdeOrRefused({ serde, access: may(false) }, context, 'orders'), {
    code: 'TOPIC_AUTHORIZATION_FAILED',
    message: 'Not authorised: this needs WRITE on the topic orders.',
    missing: { operation: 'WRITE', resourceType: 'TOPIC', resourceName: 'orders' }
  })
  t.same(asked, Array(2).fill(['WRITE', 'TOPIC', 'orders']))
  t.equal(serdeOrRefused({ ...openHouse, serde: null }, context, 'orders'), null, 'without a registry there is nothing to tell')
})
