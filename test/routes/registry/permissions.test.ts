/**
 * Who may do what, over the whole house with authentication on.
 */
import t from 'tap'
import type { AclBinding, Operation } from '../../../src/access/model.ts'
import { basic, openSecureApp } from '../../support/secure-app.ts'

const allow = (user: string, operation: Operation, topic: string): AclBinding => ({
  resourceType: 'TOPIC', resourceName: topic, patternType: 'LITERAL', principal: `User:${user}`, host: '*', operation, permission: 'ALLOW'
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
