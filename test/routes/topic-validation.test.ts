/** What topics ask of their records, over HTTP: set, shown, and felt by who writes. */
import t, { type Test } from 'tap'
import type { LightMyRequestResponse } from 'fastify'
import { openDoor } from '../support/http-door.ts'
import { framed, openHouse, type House } from '../src/policies/validate-kit.ts'

interface Doors {
  readonly house: House
  readonly put: (topic: string, body: object) => Promise<LightMyRequestResponse>
  readonly ask: (method: 'GET' | 'DELETE', url: string) => Promise<LightMyRequestResponse>
  readonly post: (url: string, body: Buffer | string, type?: string) => Promise<LightMyRequestResponse>
}

async function open (t: Test): Promise<Doors> {
  const house = await openHouse(t)
  const { inject } = await openDoor(t, { door: { dispatch: house.dispatch } })
  return {
    house,
    put: (topic, body) => inject({ method: 'PUT', url: `/topics/${topic}/validation`, payload: body }),
    ask: (method, url) => inject({ method, url }),
    post: (url, body, type = 'application/octet-stream') => inject({ method: 'POST', url, payload: body, headers: { 'content-type': type } })
  }
}

const defaults = {
  key: 'off', value: 'off', keyStrategy: 'TopicName', valueStrategy: 'TopicName', action: 'reject', deadLetterTopic: null, tombstones: true
}

t.test('set as a whole, shown, and taken away', async t => {
  const { house, put, ask } = await open(t)
  await house.create('orders')
  t.same((await ask('GET', '/topics/orders/validation')).json(), { topic: 'orders', ...defaults })
  const wanted = { value: 'payload', key: 'off', strategy: 'TopicRecordName', action: 'dead-letter', deadLetterTopic: 'orders.bad', tombstones: false }
  const set = await put('orders', wanted)
  t.equal(set.statusCode, 200)
  const expected = {
    topic: 'orders',
    ...defaults,
    value: 'payload',
    keyStrategy: 'TopicRecordName',
    valueStrategy: 'TopicRecordName',
    action: 'dead-letter',
    deadLetterTopic: 'orders.bad',
    tombstones: false
  }
  t.same(set.json(), expected)
  t.same((await ask('GET', '/topics/orders/validation')).json(), expected)
  t.same((await put('orders', { key: 'id', valueStrategy: 'RecordName' })).json(), { topic: 'orders', ...defaults, key: 'id', valueStrategy: 'RecordName' },
    'what is left out goes back to its default')
  t.equal((await ask('DELETE', '/topics/orders/validation')).statusCode, 204)
  t.same((await ask('GET', '/topics/orders/validation')).json(), { topic: 'orders', ...defaults })
  t.equal(house.store.validation.size, 0)
})

t.test('what is not right is refused with a reason', async t => {
  const { house, put, ask } = await open(t)
  await house.create('orders')
  for (const body of [{ value: 'yes' }, { colour: 'red' }, { tombstones: 'no' }]) t.match((await put('orders', body)).json(), { status: 400, detail: /body/ })
  t.match((await put('orders', { action: 'dead-letter' })).json(), { status: 400, detail: /set both at once/, kafka: { name: 'INVALID_CONFIG' } })
  t.match((await put('nothing', { value: 'id' })).json(), { status: 404 })
  t.equal((await ask('GET', '/topics/nothing/validation')).statusCode, 404)
  t.equal((await ask('DELETE', '/topics/nothing/validation')).statusCode, 404)
})

t.test('a record that does not pass is a 422 with the reason', async t => {
  const { house, put, post } = await open(t)
  const { id } = house.catalog.register('orders-value', 'Order')
  await house.create('orders')
  await put('orders', { value: 'payload' })
  t.equal((await post('/topics/orders', framed(id, { n: 1 }))).statusCode, 201)
  const refused = await post('/topics/orders', framed(id, { n: 'x' }))
  t.equal(refused.statusCode, 422)
  t.match(refused.json(), {
    type: 'urn:barnabas:problem:schema-validation', detail: 'The value does not fit schema 1 of orders-value: n: expected number, found string "x".'
  })
})

t.test('of many records, the good ones are appended, and each bad one has its reason', async t => {
  const { house, put, post } = await open(t)
  const { id } = house.catalog.register('orders-value', 'Order')
  await house.create('orders')
  await put('orders', { value: 'payload' })
  const records = [framed(id, { n: 1 }), Buffer.from('bad'), framed(id, { n: 2 }), framed(id, {})].map(value => ({ value: value.toString('base64') }))
  const answer = await post('/topics/orders', JSON.stringify({ records }), 'application/vnd.kafka.binary.v2+json')
  t.match(answer.json(), {
    offsets: [
      { offset: 0, error: null }, { offset: null, error: /names no schema/, error_code: Number }, { offset: 1 }, { offset: null, error: /n: expected number/ }
    ]
  })
  t.same((await house.values('orders')).map(text => text!.slice(5)), ['{"n":1}', '{"n":2}'])
})

t.test('lines are appended up to the first that does not pass, which is named', async t => {
  const { house, put, post } = await open(t)
  await house.create('orders')
  await put('orders', { tombstones: false, key: 'id' })
  house.catalog.register('orders-key', 'Key')
  const answer = await post('/topics/orders?key=k', '{"a":1}\n', 'application/x-ndjson')
  t.match(answer.json(), { status: 422, line: 1, detail: /The key names no schema/ })
})
