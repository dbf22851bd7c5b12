/** Keys and values of the log: what is written is read as it was, and the same thing has the same key. */
import t from 'tap'
import fc from 'fast-check'
import { changeOf, entryOf, type AccessChange } from '../../../src/access/entries.ts'
import { changes } from './changes.ts'

t.test('the keys are as they are documented', async t => {
  const binding = {
    resourceType: 'TOPIC', resourceName: 'orders', patternType: 'LITERAL', principal: 'User:alice', host: '*', operation: 'READ', permission: 'ALLOW'
  } as const
  t.strictSame(entryOf({ kind: 'acl', binding, present: true }), { key: '["acl","TOPIC","LITERAL","orders","User:alice","*","READ","ALLOW"]', value: '{}' })
  t.strictSame(entryOf({ kind: 'acl', binding, present: false }).value, null)
  const credential = { salt: Buffer.from('salt'), storedKey: Buffer.from('stored'), serverKey: Buffer.from('server'), iterations: 4096 }
  t.strictSame(entryOf({ kind: 'user', name: 'alice', mechanism: 'SCRAM-SHA-256', credential }), {
    key: '["user","alice","SCRAM-SHA-256"]', value: '{"salt":"c2FsdA==","storedKey":"c3RvcmVk","serverKey":"c2VydmVy","iterations":4096}'
  })
  t.strictSame(entryOf({ kind: 'quota', entity: { user: 'alice' }, values: { producer_byte_rate: 1 } }),
    { key: '["quota",{"user":"alice"}]', value: '{"producer_byte_rate":1}' })
  const token = { id: 't', owner: 'User:alice', requester: 'User:bob', renewers: ['User:c'], issuedMs: 1, expiresMs: 2, maxMs: 3 }
  t.strictSame(entryOf({ kind: 'token', id: 't', token }), {
    key: '["token","t"]', value: '{"owner":"User:alice","requester":"User:bob","renewers":["User:c"],"issuedMs":1,"expiresMs":2,"maxMs":3}'
  })
  t.strictSame(entryOf({ kind: 'token', id: 't', token: null }), { key: '["token","t"]', value: null })
  t.strictSame(entryOf({ kind: 'validation', topic: 'orders', configs: { 'barnabas.value.validation': 'id' } }),
    { key: '["validation","orders"]', value: '{"barnabas.value.validation":"id"}' })
})

t.test('an entity has one key, in whatever order it is named', async t => {
  const keys = [{ user: 'alice', 'client-id': null }, { 'client-id': null, user: 'alice' }].map(entity => entryOf({ kind: 'quota', entity, values: null }).key)
  t.strictSame(keys, ['["quota",{"user":"alice","client-id":null}]', '["quota",{"user":"alice","client-id":null}]'])
})

t.test('whatever is written is read as it was', async t => {
  t.doesNotThrow(() => fc.assert(fc.property(changes, change => {
    t.strictSame(changeOf(entryOf(change)), change as AccessChange)
  }), { numRuns: 300 }))
})

t.test('no text whatever makes it fail', async t => {
  t.doesNotThrow(() => fc.assert(fc.property(fc.oneof(fc.json(), fc.string()), fc.option(fc.oneof(fc.json(), fc.string())), (key, value) => {
    changeOf({ key, value })
    for (const kind of ['acl', 'user', 'quota', 'token', 'validation']) changeOf({ key: `["${kind}",${key}]`, value })
  }), { numRuns: 2000 }))
})
