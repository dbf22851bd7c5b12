/**
 * One permission table, every door: what a principal may do is the same decision whether it asks over the Kafka protocol,
 * plain HTTP, REST v2 and v3, server-sent events or a WebSocket. The table is generated from the principals and the
 * operations below, and every cell is asked.
 */
import t from 'tap'
import { on, once } from 'node:events'
import { WebSocket } from 'ws'
import { errors } from '../../protocol/errors.ts'
import { Produce } from '../../protocol/messages/00-produce.ts'
import { Fetch } from '../../protocol/messages/01-fetch.ts'
import { ListOffsets } from '../../protocol/messages/02-list-offsets.ts'
import { Metadata } from '../../protocol/messages/03-metadata.ts'
import { CreateTopics } from '../../protocol/messages/19-create-topics.ts'
import { DeleteTopics } from '../../protocol/messages/20-delete-topics.ts'
import { DescribeAcls } from '../../protocol/messages/29-describe-acls.ts'
import { CreateAcls } from '../../protocol/messages/30-create-acls.ts'
import { DescribeConfigs } from '../../protocol/messages/32-describe-configs.ts'
import { AlterClientQuotas } from '../../protocol/messages/49-alter-client-quotas.ts'
import { DescribeUserScramCredentials } from '../../protocol/messages/50-describe-user-scram-credentials.ts'
import { buildBatch } from '../../protocol/records.ts'
import type { AclBinding, Operation, Permission, ResourceType } from '../../src/access/model.ts'
import type { Connection } from '../engine/connection.ts'
import { ADMIN, basic, openSecureApp } from '../support/secure-app.ts'

const V2_JSON = { 'content-type': 'application/vnd.kafka.json.v2+json' }

type Verdict = 'allowed' | 'denied'

/** Someone who asks, at every door. */
interface Asker {
  readonly name: string
  readonly connection: Connection
  readonly headers: Record<string, string>
}

/** What is asked, and the ways there are to ask it. `topic` is one of its own for each cell, and exists unless it is to be created. */
interface Question {
  readonly exists: boolean
  readonly doors: Readonly<Record<string, (asker: Asker, topic: string) => Promise<Verdict>>>
}

const house = await openSecureApp(t)
const { http } = house
const clusters = await (await fetch(`${http}/v3/clusters`, { headers: { authorization: basic(ADMIN.name) } })).json() as { data: { cluster_id: string }[] }
const cluster = clusters.data[0]!.cluster_id
const v3 = `${http}/v3/clusters/${cluster}`

// ---- the ways to ask

const denials: ReadonlySet<number> = new Set([errors.TOPIC_AUTHORIZATION_FAILED, errors.CLUSTER_AUTHORIZATION_FAILED])

function verdictOf (errorCode: number): Verdict {
  if (errorCode === errors.NONE) return 'allowed'
  if (denials.has(errorCode)) return 'denied'
  throw new Error(`neither allowed nor denied: error ${errorCode}`)
}

async function ask (asker: Asker, method: string, url: string, body?: unknown, headers: Record<string, string> = {}): Promise<Verdict> {
  const json = body !== undefined && typeof body !== 'string'
  const response = await fetch(url, {
    method,
    headers: { ...asker.headers, ...json ? { 'content-type': 'application/json' } : {}, ...headers },
    ...body === undefined ? {} : { body: json ? JSON.stringify(body) : body as string }
  })
  const text = await response.text()
  const inside = /"error_code":(\d+)/.exec(text)?.[1]
  if (response.status === 403 || inside === '40301') return 'denied'
  if (response.ok && (inside === undefined || inside === '200')) return 'allowed'
  throw new Error(`${method} ${url}: ${response.status} ${text}`)
}

/** Reads a stream to its first record, or to the problem that it ends with. */
async function follow (asker: Asker, topic: string, accept: string): Promise<Verdict> {
  const response = await fetch(`${http}/topics/${topic}/records?from=earliest&limit=1`, { headers: { ...asker.headers, accept } })
  const text = await response.text()
  if (response.status === 403 || text.includes('urn:barnabas:problem:forbidden')) return 'denied'
  if (response.ok && text.includes('"offset":0')) return 'allowed'
  throw new Error(`${accept}: ${response.status} ${text}`)
}

async function overWebSocket (asker: Asker, message: object, good: RegExp): Promise<Verdict> {
  const socket = new WebSocket(`${http.replace('http', 'ws')}/ws`, 'barnabas.v1+json', { headers: asker.headers })
  try {
    await once(socket, 'open')
    const messages = on(socket, 'message', { close: ['close'] })
    socket.send('{"type":"connect"}')
    socket.send(JSON.stringify(message))
    for await (const [data] of messages) {
      const text = (data as Buffer).toString()
      if (text.includes('urn:barnabas:problem:forbidden')) return 'denied'
      if (text.includes('"type":"error"')) throw new Error(text)
      if (good.test(text)) return 'allowed'
    }
    throw new Error('the session was closed')
  } finally {
    socket.terminate()
  }
}

async function describeNatively ({ connection }: Asker, topic: string): Promise<{ verdict: Verdict, topicId: string }> {
  const { topics: [found] } = await connection.send(Metadata, 12, { topics: [{ name: topic }], allowAutoTopicCreation: false })
  return { verdict: verdictOf(found!.errorCode), topicId: found!.topicId }
}

/** As a consumer does it: where is the topic, where does it begin, what is there. */
async function readNatively (asker: Asker, topic: string): Promise<Verdict> {
  const { verdict, topicId } = await describeNatively(asker, topic)
  if (verdict === 'denied') return 'denied'
  const { topics: [offsets] } = await asker.connection.send(ListOffsets, 9, {
    replicaId: -1, isolationLevel: 0, topics: [{ name: topic, partitions: [{ partitionIndex: 0, timestamp: -2 }] }]
  })
  if (verdictOf(offsets!.partitions[0]!.errorCode) === 'denied') return 'denied'
  const { responses: [fetched] } = await asker.connection.send(Fetch, 16, {
    maxWaitMs: 0,
    minBytes: 1,
    maxBytes: 1000,
    topics: [{ topic, topicId, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }] }]
  })
  const { errorCode, records } = fetched!.partitions[0]!
  if (errorCode === errors.NONE && records!.length === 0) throw new Error('nothing was read')
  return verdictOf(errorCode)
}

async function writeNatively (asker: Asker, topic: string): Promise<Verdict> {
  const { verdict } = await describeNatively(asker, topic)
  if (verdict === 'denied') return 'denied'
  const records = [buildBatch([{ key: null, value: Buffer.from('x') }]).bytes]
  const { responses } = await asker.connection.send(Produce, 9, {
    acks: -1, timeoutMs: 1000, topicData: [{ name: topic, partitionData: [{ index: 0, records }] }]
  })
  return verdictOf(responses[0]!.partitionResponses[0]!.errorCode)
}

const rule = (topic: string): object => ({
  resource_type: 'TOPIC', resource_name: topic, pattern_type: 'LITERAL', principal: 'User:somebody', host: '*', operation: 'READ', permission: 'ALLOW'
})

const questions: Readonly<Record<string, Question>> = {
  read: {
    exists: true,
    doors: {
      kafka: readNatively,
      http: (asker, topic) => ask(asker, 'GET', `${http}/topics/${topic}/records?from=earliest`),
      sse: (asker, topic) => follow(asker, topic, 'text/event-stream'),
      ndjson: (asker, topic) => follow(asker, topic, 'application/x-ndjson'),
      ws: (asker, topic) => overWebSocket(asker, { type: 'subscribe', id: 's', topics: [topic], from: 'earliest', credit: { records: 1 } }, /"type":"records"/)
    }
  },
  write: {
    exists: true,
    doors: {
      kafka: writeNatively,
      http: (asker, topic) => ask(asker, 'POST', `${http}/topics/${topic}`, 'x', { 'content-type': 'text/plain' }),
      ndjson: (asker, topic) => ask(asker, 'POST', `${http}/topics/${topic}`, '{"a":1}\n', { 'content-type': 'application/x-ndjson' }),
      v2: (asker, topic) => ask(asker, 'POST', `${http}/topics/${topic}`, '{"records":[{"value":1}]}', V2_JSON),
      v3: (asker, topic) => ask(asker, 'POST', `${v3}/topics/${topic}/records`, { value: { type: 'JSON', data: 1 } }),
      ws: (asker, topic) => overWebSocket(asker, { type: 'produce', id: 'p', topic, records: [{ value: 'x' }] }, /"type":"produced"/)
    }
  },
  describe: {
    exists: true,
    doors: {
      kafka: async (asker, topic) => (await describeNatively(asker, topic)).verdict,
      v2: (asker, topic) => ask(asker, 'GET', `${http}/topics/${topic}/partitions`),
      v3: (asker, topic) => ask(asker, 'GET', `${v3}/topics/${topic}`),
      'kafka list': async ({ connection }, topic) => {
        const { topics } = await connection.send(Metadata, 12, { topics: null, allowAutoTopicCreation: false })
        return topics.some(({ name }) => name === topic) ? 'allowed' : 'denied'
      },
      'v2 list': (asker, topic) => listed(asker, `${http}/topics`, topic),
      'v3 list': (asker, topic) => listed(asker, `${v3}/topics`, topic)
    }
  },
  create: {
    exists: false,
    doors: {
      kafka: async ({ connection }, topic) => {
        const { topics } = await connection.send(CreateTopics, 7, {
          topics: [{ name: topic, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }], timeoutMs: 1000
        })
        return verdictOf(topics[0]!.errorCode)
      },
      http: (asker, topic) => ask(asker, 'PUT', `${http}/topics/${topic}`, {}),
      v3: (asker, topic) => ask(asker, 'POST', `${v3}/topics`, { topic_name: topic })
    }
  },
  delete: {
    exists: true,
    doors: {
      kafka: async ({ connection }, topic) => {
        const { responses } = await connection.send(DeleteTopics, 5, { topicNames: [topic], timeoutMs: 1000 })
        return verdictOf(responses[0]!.errorCode)
      },
      http: (asker, topic) => ask(asker, 'DELETE', `${http}/topics/${topic}`),
      v3: (asker, topic) => ask(asker, 'DELETE', `${v3}/topics/${topic}`)
    }
  },
  'describe configs': {
    exists: true,
    doors: {
      kafka: async ({ connection }, topic) => {
        const resources = [{ resourceType: 2, resourceName: topic, configurationKeys: null }]
        const { results } = await connection.send(DescribeConfigs, 4, { resources, includeDocumentation: false })
        return verdictOf(results[0]!.errorCode)
      }
    }
  },
  'describe cluster': {
    exists: false,
    doors: {
      kafka: async ({ connection }) => verdictOf((await connection.send(DescribeAcls, 3, {
        resourceTypeFilter: 1, resourceNameFilter: null, patternTypeFilter: 1, principalFilter: null, hostFilter: null, operation: 1, permissionType: 1
      })).errorCode),
      'kafka users': async ({ connection }) => verdictOf((await connection.send(DescribeUserScramCredentials, 0, { users: null })).errorCode),
      'http users': asker => ask(asker, 'GET', `${http}/users`),
      v3: asker => ask(asker, 'GET', `${v3}/acls`),
      'v3 explain': asker => ask(asker, 'GET', `${v3}/acls:explain?principal=User:a&operation=READ&resource_type=TOPIC&resource_name=t`)
    }
  },
  'alter cluster': {
    exists: false,
    doors: {
      kafka: async ({ connection }, topic) => verdictOf((await connection.send(CreateAcls, 3, {
        creations: [{ resourceType: 2, resourceName: topic, resourcePatternType: 3, principal: 'User:somebody', host: '*', operation: 3, permissionType: 3 }]
      })).results[0]!.errorCode),
      v3: (asker, topic) => ask(asker, 'POST', `${v3}/acls`, rule(topic)),
      'http users': (asker, topic) => ask(asker, 'PUT', `${http}/users/user-of-${topic}`, { password: 'some-password' })
    }
  },
  'alter cluster configs': {
    exists: false,
    doors: {
      kafka: async ({ connection }, topic) => verdictOf((await connection.send(AlterClientQuotas, 1, {
        entries: [{ entity: [{ entityType: 'user', entityName: topic }], ops: [{ key: 'request_percentage', value: 50, remove: false }] }], validateOnly: false
      })).entries[0]!.errorCode),
      http: (asker, topic) => ask(asker, 'PUT', `${http}/quotas`, { entity: { user: topic }, quotas: { request_percentage: 50 } })
    }
  }
}

async function listed (asker: Asker, url: string, topic: string): Promise<Verdict> {
  const response = await fetch(url, { headers: asker.headers })
  return (await response.text()).includes(`"${topic}"`) ? 'allowed' : 'denied'
}

// ---- who asks

type Rule = readonly [permission: Permission, operation: Operation, resourceType: ResourceType, pattern: string, host?: string]

const principals: readonly { name: string, rules: readonly Rule[], may: readonly (keyof typeof questions)[] }[] = [
  { name: ADMIN.name, rules: [], may: Object.keys(questions) },
  { name: 'nobody', rules: [], may: [] },
  { name: 'reader', rules: [['ALLOW', 'READ', 'TOPIC', 'cell-*']], may: ['read', 'describe'] },
  { name: 'writer', rules: [['ALLOW', 'WRITE', 'TOPIC', 'cell-*']], may: ['write', 'describe'] },
  { name: 'looker', rules: [['ALLOW', 'DESCRIBE', 'TOPIC', '*']], may: ['describe'] },
  { name: 'maker', rules: [['ALLOW', 'CREATE', 'TOPIC', 'cell-*']], may: ['create'] },
  { name: 'clustermaker', rules: [['ALLOW', 'CREATE', 'CLUSTER', 'kafka-cluster']], may: ['create'] },
  { name: 'remover', rules: [['ALLOW', 'DELETE', 'TOPIC', 'cell-*']], may: ['delete', 'describe'] },
  { name: 'owner', rules: [['ALLOW', 'ALL', 'TOPIC', '*']], may: ['read', 'write', 'describe', 'create', 'delete', 'describe configs'] },
  {
    name: 'unread',
    rules: [['ALLOW', 'ALL', 'TOPIC', '*'], ['DENY', 'READ', 'TOPIC', 'cell-*']],
    may: ['write', 'describe', 'create', 'delete', 'describe configs']
  },
  { name: 'banned', rules: [['ALLOW', 'ALL', 'TOPIC', '*'], ['DENY', 'ALL', 'TOPIC', 'cell-*']], may: [] },
  { name: 'elsewhere', rules: [['ALLOW', 'ALL', 'TOPIC', '*', '10.1.2.3']], may: [] },
  { name: 'here', rules: [['ALLOW', 'READ', 'TOPIC', '*', '127.0.0.1']], may: ['read', 'describe'] },
  { name: 'configurer', rules: [['ALLOW', 'ALTER_CONFIGS', 'TOPIC', 'cell-*']], may: ['describe configs'] },
  { name: 'auditor', rules: [['ALLOW', 'DESCRIBE', 'CLUSTER', 'kafka-cluster']], may: ['describe cluster'] },
  { name: 'governor', rules: [['ALLOW', 'ALTER', 'CLUSTER', 'kafka-cluster']], may: ['alter cluster', 'describe cluster'] },
  { name: 'limiter', rules: [['ALLOW', 'ALTER_CONFIGS', 'CLUSTER', 'kafka-cluster']], may: ['alter cluster configs'] }
]

function bindingOf (name: string, [permission, operation, resourceType, pattern, host = '*']: Rule): AclBinding {
  const isPrefix = pattern !== '*' && pattern.endsWith('*')
  return {
    resourceType,
    resourceName: isPrefix ? pattern.slice(0, -1) : pattern,
    patternType: isPrefix ? 'PREFIXED' : 'LITERAL',
    principal: `User:${name}`,
    host,
    operation,
    permission
  }
}

const admin = await house.login(ADMIN.name)
for (const { name, rules } of principals) {
  if (name !== ADMIN.name) await house.addUser(name)
  if (rules.length > 0) await house.addAcls(...rules.map(rule => bindingOf(name, rule)))
}

let cells = 0
for (const { name, may } of principals) {
  t.test(`${name} may ${may.join(', ') || 'do nothing'}`, async t => {
    const asker: Asker = { name, connection: await house.login(name), headers: { authorization: basic(name) } }
    for (const [what, { exists, doors }] of Object.entries(questions)) {
      const expected: Verdict = may.includes(what) ? 'allowed' : 'denied'
      for (const [door, attempt] of Object.entries(doors)) {
        const topic = `cell-${++cells}`
        if (exists) await prepare(topic)
        t.equal(await attempt(asker, topic), expected, `${name} · ${what} · ${door}`)
      }
    }
  })
}

/** A topic with one record. */
async function prepare (topic: string): Promise<void> {
  await admin.send(CreateTopics, 7, { topics: [{ name: topic, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }], timeoutMs: 10_000 })
  const records = [buildBatch([{ key: null, value: Buffer.from('first') }]).bytes]
  for (;;) {
    const { responses } = await admin.send(Produce, 9, { acks: -1, timeoutMs: 1000, topicData: [{ name: topic, partitionData: [{ index: 0, records }] }] })
    const { errorCode } = responses[0]!.partitionResponses[0]!
    if (errorCode === errors.NONE) return
    // A cluster behind takes a moment until somebody leads it.
    if (errorCode !== errors.NOT_LEADER_OR_FOLLOWER && errorCode !== errors.UNKNOWN_TOPIC_OR_PARTITION) throw new Error(`not written: error ${errorCode}`)
  }
}

t.test('without credentials nothing is served at any door', async t => {
  for (const path of ['/topics', '/topics/cell-1/records', '/users', `/v3/clusters/${cluster}/topics`, '/metrics']) {
    t.equal((await fetch(http + path)).status, 401, path)
  }
  for (const path of ['/livez', '/readyz']) t.equal((await fetch(http + path)).status, 200, path)
  t.equal((await fetch(`${http}/topics/cell-1`, { method: 'POST', body: 'x' })).status, 401)
  t.equal((await fetch(`${http}/topics`, { headers: { authorization: basic('reader', 'wrong') } })).status, 401, 'nor with wrong ones')
  await t.rejects(house.login('reader', 'wrong'), /58/, 'nor natively')
  const socket = new WebSocket(`${http.replace('http', 'ws')}/ws`, 'barnabas.v1+json')
  await once(socket, 'open')
  socket.send('{"type":"connect"}')
  const [code] = await once(socket, 'close') as [number]
  t.equal(code, 4401, 'nor over a WebSocket')
})
