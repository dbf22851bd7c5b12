/** The whole house: a schema, what a topic asks for, and the same decision at every door, for everybody. */
import t from 'tap'
import { errors } from '../../protocol/errors.ts'
import { Produce } from '../../protocol/messages/00-produce.ts'
import { IncrementalAlterConfigs } from '../../protocol/messages/44-incremental-alter-configs.ts'
import { buildBatch } from '../../protocol/records.ts'
import type { Response } from '../../protocol/schema.ts'
import type { AclBinding, Operation } from '../../src/access/model.ts'
import type { Connection } from '../engine/connection.ts'
import { ADMIN, basic, openSecureApp } from '../support/secure-app.ts'

const ORDER = JSON.stringify({ type: 'record', name: 'Order', fields: [{ name: 'n', type: 'long' }] })

const { http, login, addUser, addAcls } = await openSecureApp(t)

const acl = (user: string, operation: Operation, topic: string): AclBinding => ({
  resourceType: 'TOPIC', resourceName: topic, patternType: 'LITERAL', principal: `User:${user}`, host: '*', operation, permission: 'ALLOW'
})

async function ask (method: string, path: string, body?: unknown, user: string = ADMIN.name): Promise<{ readonly status: number, readonly body: unknown }> {
  const answer = await fetch(http + path, {
    method,
    headers: { authorization: basic(user), 'content-type': Buffer.isBuffer(body) ? 'application/octet-stream' : 'application/json' },
    ...body === undefined ? {} : { body: Buffer.isBuffer(body) ? new Uint8Array(body) : JSON.stringify(body) }
  })
  const text = await answer.text()
  return { status: answer.status, body: text === '' ? null : JSON.parse(text) as unknown }
}

async function append (connection: Connection, topic: string, ...values: ReadonlyArray<Buffer | null>): Promise<PartitionResponse> {
  const { responses } = await connection.send(Produce, 12, {
    acks: -1,
    timeoutMs: 1000,
    topicData: [{ name: topic, partitionData: [{ index: 0, records: [buildBatch(values.map(value => ({ key: null, value }))).bytes] }] }]
  })
  return responses[0]!.partitionResponses[0]!
}

type PartitionResponse = Response<typeof Produce>['responses'][number]['partitionResponses'][number]

const { body: { id } } = await ask('POST', '/subjects/orders-value/versions', { schema: ORDER }) as { body: { id: number } }
/** Avro's 1 is a byte of 2. */
const good = Buffer.from([0, 0, 0, 0, id, 2])
const bad = Buffer.from([0, 0, 0, 0, id])

await addUser('alice')
await addAcls(acl('alice', 'WRITE', 'orders'), acl('alice', 'ALTER_CONFIGS', 'orders'))
await ask('PUT', '/topics/orders', { partitions: 1 })
const alice = await login('alice')

t.test('every door decides alike', async t => {
  t.match(await ask('PUT', '/topics/orders/validation', { value: 'payload' }, 'alice'), { status: 200, body: { value: 'payload' } })
  t.match(await append(alice, 'orders', good, null), { errorCode: errors.NONE })
  const refused = await append(alice, 'orders', good, bad, Buffer.from('{"n":1}'))
  t.match(refused, { errorCode: errors.INVALID_RECORD, recordErrors: [{ batchIndex: 1 }, { batchIndex: 2 }] })
  const [reason] = refused.recordErrors.map(({ batchIndexErrorMessage }) => batchIndexErrorMessage)
  t.match(reason, /^The value does not fit schema 1 of orders-value: n: expected long, found the end/)

  t.match(await ask('POST', '/topics/orders', good, 'alice'), { status: 201 })
  t.match(await ask('POST', '/topics/orders', bad, 'alice'), { status: 422, body: { detail: reason } })
  t.match(await ask('POST', '/topics/orders', { n: 2 }, 'alice'), { status: 201 }, 'plain JSON is written with the schema')
  t.match(await ask('POST', '/topics/orders', { n: 'x' }, 'alice'), { status: 422, body: { detail: /n: expected long, found string "x"/ } })

  const socket = new WebSocket(`${http.replace('http', 'ws')}/ws`, { headers: { authorization: basic('alice') } } as unknown as string[])
  t.teardown(() => socket.close())
  const produced = Promise.withResolvers<unknown>()
  socket.addEventListener('message', ({ data }) => {
    const message = JSON.parse(String(data)) as { type: string }
    if (message.type === 'connected') {
      const records = [good, bad, good].map(value => ({ value: value.toString('base64'), valueEncoding: 'base64' }))
      socket.send(JSON.stringify({ type: 'produce', id: 'p', topic: 'orders', records }))
    } else {
      produced.resolve(message)
    }
  })
  t.match(await produced.promise, {
    type: 'produced',
    results: [{ offset: Number }, { error: { type: 'urn:barnabas:problem:schema-validation', detail: reason } }, { offset: Number }]
  })
})

t.test('a schema is asked for its conditions too', async t => {
  const rule = { name: 'positive', kind: 'CONDITION', mode: 'WRITE', type: 'CEL', expr: 'message.n > 0' }
  const { body } = await ask('POST', '/subjects/ruled-value/versions', { schema: ORDER, ruleSet: { domainRules: [rule] } }) as { body: { id: number } }
  await ask('PUT', '/topics/ruled', { partitions: 1, configs: { 'barnabas.value.validation': 'payload' } })
  const admin = await login(ADMIN.name)
  t.match(await append(admin, 'ruled', Buffer.from([0, 0, 0, 0, body.id, 2])), { errorCode: errors.NONE })
  t.match(await append(admin, 'ruled', Buffer.from([0, 0, 0, 0, body.id, 1])), { errorCode: errors.INVALID_RECORD, errorMessage: /positive/ })
})

t.test('who may say what is asked, and where bad records go', async t => {
  await addUser('bob')
  await addAcls(acl('bob', 'WRITE', 'orders'), acl('bob', 'DESCRIBE_CONFIGS', 'orders'))
  t.match(await ask('GET', '/topics/orders/validation', undefined, 'bob'), { status: 200 })
  t.match(await ask('PUT', '/topics/orders/validation', {}, 'bob'), { status: 403, body: { missing: { operation: 'ALTER_CONFIGS' } } })
  t.match(await ask('DELETE', '/topics/orders/validation', undefined, 'bob'), { status: 403 })
  const deadLetter = { value: 'payload', action: 'dead-letter', deadLetterTopic: 'orders.bad' }
  t.match(await ask('PUT', '/topics/orders/validation', deadLetter, 'alice'), { status: 400, body: { detail: /WRITE on TOPIC orders\.bad/ } })
  t.match(await ask('PUT', '/topics/orders/validation', deadLetter), { status: 200 })
  t.match(await append(alice, 'orders', bad), { errorCode: errors.NONE }, 'who produces needs no permission for it')
  const { body } = await ask('GET', '/topics/orders.bad/records?from=earliest') as { body: { records: unknown[] } }
  t.match(body.records, { length: 1 })
  t.match(await alice.send(IncrementalAlterConfigs, 1, {
    resources: [{ resourceType: 2, resourceName: '_barnabas', configs: [{ name: 'barnabas.value.validation', configOperation: 0, value: 'id' }] }],
    validateOnly: false
  }), { responses: [{ errorCode: errors.TOPIC_AUTHORIZATION_FAILED }] })
})

t.test('what is counted is shown', async t => {
  const answer = await fetch(`${http}/metrics`, { headers: { authorization: basic(ADMIN.name) } })
  const text = await answer.text()
  t.match(text, /barnabas_validation_faults_total\{topic="orders",outcome="rejected",reason="payload"\} \d/)
  t.match(text, /barnabas_validation_faults_total\{topic="orders",outcome="dead-lettered",reason="payload"\} 1/)
  t.match(text, /barnabas_validation_seconds_count \d/)
})
