/**
 * Who may do what, over the whole house with authentication on.
 */
import t from 'tap'
import type { AclBinding, Operation } from '../../../src/access/model.ts'
import { basic, openSecureApp } from '../../support/secure-app.ts'

const allow = (user: string, operation: Operation, topic: string): AclBinding => ({
  resourceType: 'TOPIC', resourceName: topic, patternType: 'LITERAL', principal: `User:${user}`, host: '*', operation, permission: 'ALLOW'
})

t.test('what a schema refers to is shown to who may see that, too', async t => {
  const { http, addUser, addAcls } = await openSecureApp(t)
  await addUser('alice')
  await addAcls(allow('alice', 'WRITE', 'orders'))
  const ask = async (user: string, method: string, path: string, body?: object): Promise<[status: number, answer: unknown]> => {
    const headers = { 'content-type': 'application/json', authorization: basic(user) }
    const response = await fetch(http + path, { method, headers, ...body === undefined ? {} : { body: JSON.stringify(body) } })
    return [response.status, await response.json()]
  }
  const field = (type: string): object => ({ name: 'f', type })
  const record = (name: string, type: string): string => JSON.stringify({ type: 'record', name, fields: [field(type)] })
  const refersTo = (name: string, subject: string): object => ({ references: [{ name, subject, version: 1 }] })
  await ask('admin', 'POST', '/subjects/secrets-value/versions', { schema: record('Secret', 'int') })
  await ask('admin', 'POST', '/subjects/orders-key/versions', { schema: record('Key', 'Secret'), ...refersTo('Secret', 'secrets-value') })
  const order = { schema: record('Order', 'Key'), ...refersTo('Key', 'orders-key') }
  const [, { id, guid }] = await ask('admin', 'POST', '/subjects/orders-value/versions', order) as [number, { id: number, guid: string }]
  t.match(await ask('alice', 'GET', '/subjects/orders-value/versions/1'), [200, { schema: record('Order', 'Key') }])
  const message = 'Not authorised: this needs DESCRIBE on the topic secrets, to which the subject secrets-value belongs.'
  const asking = [
    ['GET', '/subjects/orders-value/versions/1?format=resolved'], ['GET', '/subjects/orders-value/versions/1/schema?format=resolved'],
    ['GET', `/schemas/ids/${id}?format=resolved`], ['GET', `/schemas/ids/${id}/schema?format=resolved`],
    ['GET', `/schemas/ids/${id}?format=resolved&fetchMaxId=true`], ['GET', `/schemas/guids/${guid}?format=resolved`],
    ['GET', '/subjects/orders-value/versions/1/diff/1'], ['POST', '/subjects/orders-value?format=resolved', order],
    ['POST', '/subjects/orders-again/versions?format=resolved', order]
  ] as const
  await addAcls(allow('alice', 'WRITE', 'orders-again'))
  for (const [method, path, body] of asking) t.same(await ask('alice', method, path, body), [403, { error_code: 40301, message }], path)
  t.match(await ask('alice', 'GET', '/subjects/orders-again/versions'), [404, { error_code: 40401 }], 'and nothing was registered')
  await addAcls(allow('alice', 'DESCRIBE', 'secrets'))
  for (const [method, path, body] of asking) t.equal((await ask('alice', method, path, body))[0], 200, path)
})

t.test('a subject belongs to its topic', async t => {
  const { http, addUser, addAcls } = await openSecureApp(t)
  await addUser('alice')
  await addUser('bob')
  await addAcls(allow('alice', 'WRITE', 'orders'), allow('bob', 'READ', 'payments'))
  const ask = async (user: string | null, method: string, path: string, body?: object): Promise<[status: number, answer: unknown]> => {
    const headers = { 'content-type': 'application/json', ...user === null ? {} : { authorization: basic(user) } }
    const response = await fetch(http + path, { method, headers, ...body === undefined ? {} : { body: JSON.stringify(body) } })
    return [response.status, await response.json()]
  }

  t.match(await ask(null, 'GET', '/subjects'), [401, { error_code: 40101 }])
  t.match(await ask('alice', 'POST', '/subjects/orders-value/versions', { schema: '"string"' }), [200, { id: 1 }])
  t.match(await ask('alice', 'POST', '/subjects/payments-value/versions', { schema: '"string"' }), [403, {
    error_code: 40301, message: 'Not authorised: this needs WRITE on the topic payments, to which the subject payments-value belongs.'
  }])
  t.match(await ask('bob', 'POST', '/subjects/payments-value/versions', { schema: '"string"' }), [403, { error_code: 40301 }])
  t.match(await ask('admin', 'POST', '/subjects/payments-value/versions', { schema: '"long"' }), [200, { id: 2 }])
  t.same(await ask('alice', 'GET', '/subjects'), [200, ['orders-value']])
  t.same(await ask('bob', 'GET', '/subjects'), [200, ['payments-value']])
  t.match(await ask('bob', 'GET', '/schemas/ids/2'), [200, { schema: '"long"' }])
  t.match(await ask('bob', 'GET', '/schemas/ids/1'), [403, { error_code: 40301 }])
  t.match(await ask('alice', 'DELETE', '/subjects/orders-value'), [403, { error_code: 40301 }])
  t.match(await ask('alice', 'PUT', '/config', { compatibility: 'NONE' }), [403, { message: /ALTER_CONFIGS on the cluster kafka-cluster/ }])
  t.match(await ask('alice', 'GET', '/contexts'), [403, { error_code: 40301 }])
  t.match(await ask('admin', 'PUT', '/config', { compatibility: 'FULL' }), [200, { compatibility: 'FULL' }])

  const metrics = await (await fetch(`${http}/metrics`, { headers: { authorization: basic('admin') } })).text()
  t.match(metrics, /denials_total\{operation="WRITE",resource="TOPIC"\} 2/, 'denials are counted')
})
