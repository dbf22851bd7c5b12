/**
 * What the doors of JSON tell of schemas, and to whom: over a whole gateway that asks for credentials.
 */
import t from 'tap'
import type { AclBinding, Operation } from '../../src/access/model.ts'
import { basic, openSecureApp } from '../support/secure-app.ts'

const allow = (name: string, operation: Operation, resourceName: string): AclBinding => ({
  principal: `User:${name}`, host: '*', operation, resourceType: 'TOPIC', resourceName, patternType: 'LITERAL', permission: 'ALLOW'
})

const SECRET = '{"type":"record","name":"Secret","fields":[{"name":"salary","type":"int"}]}'
const V2_AVRO = 'application/vnd.kafka.avro.v2+json'

const { http, addUser, addAcls } = await openSecureApp(t)
for (const name of ['alice', 'mallory']) await addUser(name)
await addAcls(allow('alice', 'ALL', 'secrets'), allow('mallory', 'ALL', 'own'), allow('mallory', 'DESCRIBE', 'bare'))

interface Answered { readonly status: number, readonly answer: unknown }

async function ask (user: string, method: string, path: string, body?: object | Buffer, type = 'application/json'): Promise<Answered> {
  const payload = body === undefined ? {} : { body: Buffer.isBuffer(body) ? new Uint8Array(body) : JSON.stringify(body) }
  const response = await fetch(http + path, { method, headers: { authorization: basic(user), 'content-type': type }, ...payload })
  return { status: response.status, answer: JSON.parse(await response.text()) as unknown }
}

for (const topic of ['secrets', 'bare', 'own']) await ask('admin', 'PUT', `/topics/${topic}`, {})
const { answer: { id } } = await ask('alice', 'POST', '/subjects/secrets-value/versions', { schema: SECRET }) as { answer: { id: number } }
const { answer: { data: [cluster] } } = await ask('admin', 'GET', '/v3/clusters') as { answer: { data: [{ cluster_id: string }] } }
const v3 = `/v3/clusters/${cluster.cluster_id}/topics`

t.test('who may not write to a topic is not told what its schema asks for, nor that it has none', async t => {
  for (const topic of ['secrets', 'bare']) {
    const message = `Not authorised: this needs WRITE on the topic ${topic}.`
    for (const body of [
      { records: [{ value: { salary: 'x' } }] }, { value_schema_id: id, records: [{ value: {} }] }, { value_schema: '"string"', records: [{ value: 'x' }] }
    ]) t.same(await ask('mallory', 'POST', `/topics/${topic}`, body, V2_AVRO), { status: 403, answer: { error_code: 40301, message } }, topic)
    for (const value of [{ data: {} }, { schema_id: id, data: {} }, { type: 'AVRO', schema: '"string"', data: 'x' }]) {
      t.match((await ask('mallory', 'POST', `${v3}/${topic}/records`, { value })).answer, { error_code: 40301, message }, topic)
    }
  }
  t.match((await ask('alice', 'POST', '/topics/secrets', { records: [{ value: { salary: 1 } }] }, V2_AVRO)).answer, { offsets: [{ offset: 0 }] })
  t.match((await ask('alice', 'POST', `${v3}/secrets/records`, { value: { data: { salary: 2 } } })).answer, { offset: 1 })
})

t.test('bytes that name the schema of another topic are shown as bytes', async t => {
  const bytes = Buffer.from([0, 0, 0, 0, id, 2])
  await ask('mallory', 'POST', '/topics/own', bytes, 'application/octet-stream')
  t.match(await ask('mallory', 'GET', '/topics/own/records'), { status: 200, answer: { records: [{ value: '\0\0\0\0\x01\x02' }] } })
  t.match(await ask('alice', 'GET', '/topics/secrets/records'), { status: 200, answer: { records: [{ value: { salary: 1 } }, { value: { salary: 2 } }] } })
})
