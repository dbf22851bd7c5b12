/**
 * What each path asks of the registry, and how it tells what it is answered.
 */
import t from 'tap'
import { GUID, openStub, schemaVersion, TEXT } from './stub.ts'

const content = { schemaType: 'AVRO', schema: TEXT, references: [], metadata: null, ruleSet: null }
const version = { subject: 'orders-value', version: 1, id: 7, guid: GUID, schema: TEXT }
const references = [{ name: 'a', subject: 'a', version: 1 }, { name: 'b', subject: ':.x:b', version: 1 }]
const byId = { guid: GUID, schema: TEXT }

interface Row {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly url: string
  readonly body?: object
  readonly headers?: Record<string, string>
  /** What the registry answers. */
  readonly given: unknown
  readonly asked: readonly unknown[]
  readonly answer: unknown
}

const rows: readonly Row[] = [
  {
    url: '/subjects',
    given: ['a', 'b', 'c'],
    asked: ['subjects', { prefix: ':*:', deleted: false, deletedOnly: false }],
    answer: ['a', 'b', 'c']
  },
  {
    url: '/subjects?subjectPrefix=%3A.team%3Aor&deleted=true&offset=1&limit=1',
    given: ['a', 'b', 'c'],
    asked: ['subjects', { prefix: ':.team:or', deleted: true, deletedOnly: false }],
    answer: ['b']
  },
  {
    url: '/subjects?deletedOnly=True&offset=2',
    given: ['a', 'b', 'c'],
    asked: ['subjects', { prefix: ':*:', deleted: false, deletedOnly: true }],
    answer: ['c']
  },
  {
    url: '/subjects?subjectPrefix=True&deleted=False',
    given: [],
    asked: ['subjects', { prefix: 'True', deleted: false, deletedOnly: false }],
    answer: []
  },
  {
    method: 'POST',
    url: '/subjects/orders-value?normalize=true&deleted=true',
    body: { schema: TEXT },
    given: schemaVersion(),
    asked: ['lookup', 'orders-value', content, { normalize: true, deleted: true }],
    answer: version
  },
  { method: 'DELETE', url: '/subjects/orders-value', given: [1, 2], asked: ['deleteSubject', 'orders-value', false], answer: [1, 2] },
  {
    method: 'DELETE',
    url: '/subjects/orders-value?permanent=true',
    given: [1, 2],
    asked: ['deleteSubject', 'orders-value', true],
    answer: [1, 2]
  },
  {
    url: '/subjects/orders-value/metadata?key=a&value=1&key=b&value=2',
    given: schemaVersion(),
    asked: ['latestWith', 'orders-value', { a: '1', b: '2' }, { deleted: false }],
    answer: version
  },
  {
    url: '/subjects/orders-value/metadata?key=a&value=1',
    given: schemaVersion(),
    asked: ['latestWith', 'orders-value', { a: '1' }, { deleted: false }],
    answer: version
  },
  {
    url: '/subjects/orders-value/versions',
    given: [1, 2],
    asked: ['versions', 'orders-value', { deleted: false, deletedOnly: false }],
    answer: [1, 2]
  },
  {
    url: '/subjects/orders-value/versions?deletedOnly=true&limit=1',
    given: [1, 2],
    asked: ['versions', 'orders-value', { deleted: false, deletedOnly: true }],
    answer: [1]
  },
  {
    method: 'POST',
    url: '/subjects/orders-value/versions?normalize=true',
    headers: { 'user-agent': 'Java/11.0.2' },
    body: { schema: TEXT, schemaType: null, id: -1, version: 0, unknown: 1 },
    given: schemaVersion(),
    asked: ['register', 'orders-value', content, { normalize: true, force: false }],
    answer: { id: 7 }
  },
  {
    method: 'POST',
    url: '/subjects/orders-value/versions?force=true',
    headers: { 'user-agent': 'Java/11.0.2' },
    body: { schema: TEXT, id: 3, version: 4 },
    given: schemaVersion(),
    asked: ['register', 'orders-value', { ...content, id: 3, version: 4 }, { normalize: false, force: true }],
    answer: { id: 7 }
  },
  {
    method: 'POST',
    url: '/subjects/orders-value/versions',
    headers: { 'user-agent': 'Java/21.0.4', 'confluent-accept-unknown-properties': 'true' },
    body: { schema: TEXT },
    given: schemaVersion(),
    asked: ['register', 'orders-value', content, { normalize: false, force: false }],
    answer: version
  },
  {
    method: 'POST',
    url: '/subjects/orders-value/versions',
    headers: { 'user-agent': 'Go-http-client/1.1' },
    body: { schema: TEXT },
    given: schemaVersion(),
    asked: ['register', 'orders-value', content, { normalize: false, force: false }],
    answer: version
  },
  {
    url: '/subjects/orders-value/versions/1',
    given: schemaVersion(),
    asked: ['get', 'orders-value', 1, { deleted: false, format: '', referenceFormat: '' }],
    answer: version
  },
  {
    url: '/subjects/orders-value/versions/latest?deleted=true',
    given: schemaVersion({ deleted: true }),
    asked: ['get', 'orders-value', 'latest'],
    answer: { ...version, deleted: true }
  },
  { url: '/subjects/orders-value/versions/-1', given: schemaVersion(), asked: ['get', 'orders-value', 'latest'], answer: version },
  {
    url: '/subjects/orders-value/versions/1?format=resolved',
    given: schemaVersion(),
    asked: ['get', 'orders-value', 1],
    answer: { ...version, schema: '"resolved"' }
  },
  {
    url: '/subjects/%3A.team%3Aorders-value/versions/1?referenceFormat=qualified',
    given: schemaVersion({ subject: ':.team:orders-value', schemaType: 'JSON', references }),
    asked: ['get', ':.team:orders-value', 1],
    answer: {
      ...version, subject: ':.team:orders-value', schemaType: 'JSON', references: [{ ...references[0], subject: ':.team:a' }, references[1]]
    }
  },
  { url: '/subjects/orders-value/versions/2/schema', given: schemaVersion(), asked: ['get', 'orders-value', 2], answer: JSON.parse(TEXT) },
  {
    url: '/subjects/orders-value/versions/2/referencedby?offset=1',
    given: [3, 4],
    asked: ['referencedBy', 'orders-value', 2, { deleted: false }],
    answer: [4]
  },
  {
    method: 'DELETE',
    url: '/subjects/orders-value/versions/latest',
    given: 2,
    asked: ['deleteVersion', 'orders-value', 'latest', false],
    answer: 2
  },
  {
    method: 'DELETE',
    url: '/subjects/orders-value/versions/2?permanent=true',
    given: 2,
    asked: ['deleteVersion', 'orders-value', 2, true],
    answer: 2
  },
  {
    url: '/schemas?latestOnly=true&limit=1',
    given: [schemaVersion(), schemaVersion({ version: 2 })],
    asked: ['all', { prefix: ':*:', deleted: false, latestOnly: true }],
    answer: [version]
  },
  {
    url: '/schemas?ruleType=CEL',
    given: [schemaVersion(), schemaVersion({ ruleSet: { domainRules: [{ name: 'r', type: 'CEL' }] } })],
    asked: ['all'],
    answer: [{ ...version, ruleSet: { domainRules: [{ name: 'r', type: 'CEL' }] } }]
  },
  { url: '/schemas/types', given: null, asked: [], answer: ['AVRO', 'JSON', 'PROTOBUF'] },
  { url: '/schemas/ids/7', given: schemaVersion(), asked: ['schemaById', 7, { subject: '' }], answer: byId },
  {
    url: '/schemas/ids/7?subject=%3A.team%3A&format=resolved',
    given: schemaVersion({ metadata: { properties: { owner: 'k' } } }),
    asked: ['schemaById', 7, { subject: ':.team:' }],
    answer: { ...byId, schema: '"resolved"', metadata: { properties: { owner: 'k' } } }
  },
  { url: '/contexts/.team/schemas/ids/7', given: schemaVersion(), asked: ['schemaById', 7, { subject: ':.team:' }], answer: byId },
  { url: '/schemas/ids/7/schema', given: schemaVersion(), asked: ['schemaById', 7], answer: JSON.parse(TEXT) },
  {
    url: '/schemas/ids/7/subjects?deleted=true&limit=1',
    given: ['a', 'b'],
    asked: ['subjectsOf', 7, { deleted: true, subject: '' }],
    answer: ['a']
  },
  {
    url: '/schemas/ids/7/versions',
    given: [{ subject: 'a', version: 1 }],
    asked: ['versionsOf', 7, { deleted: false, subject: '' }],
    answer: [{ subject: 'a', version: 1 }]
  },
  { url: `/schemas/guids/${GUID}`, given: schemaVersion(), asked: ['schemaByGuid', GUID], answer: byId },
  { url: `/schemas/guids/${GUID}/ids`, given: [{ context: '.', id: 7 }], asked: ['idsOf', GUID], answer: [{ context: '.', id: 7 }] },
  {
    method: 'POST',
    url: '/compatibility/subjects/orders-value/versions/latest',
    body: { schema: TEXT },
    given: { isCompatible: false, messages: ['no'] },
    asked: ['check', 'orders-value', 'latest', content],
    answer: { is_compatible: false }
  },
  {
    method: 'POST',
    url: '/compatibility/subjects/orders-value/versions/3?verbose=true',
    body: { schema: TEXT },
    given: { isCompatible: false, messages: ['no'] },
    asked: ['check', 'orders-value', 3, content],
    answer: { is_compatible: false, messages: ['no'] }
  },
  {
    method: 'POST',
    url: '/compatibility/subjects/orders-value/versions?normalize=true',
    body: { schema: TEXT },
    given: { isCompatible: true, messages: [] },
    asked: ['check', 'orders-value', 'all', content],
    answer: { is_compatible: true }
  },
  {
    method: 'POST',
    url: '/compatibility/subjects/orders-value/versions/?normalize=false&verbose=true',
    body: { schema: TEXT },
    given: { isCompatible: false, messages: ['no'] },
    asked: ['check', 'orders-value', 'all', content],
    answer: { is_compatible: false, messages: ['no'] }
  },
  { url: '/config', given: { compatibilityLevel: 'BACKWARD' }, asked: ['config', null, false], answer: { compatibilityLevel: 'BACKWARD' } },
  {
    url: '/config/orders-value?defaultToGlobal=true',
    given: { compatibilityLevel: 'BACKWARD' },
    asked: ['config', 'orders-value', true],
    answer: { compatibilityLevel: 'BACKWARD' }
  },
  {
    url: '/contexts/.team/config',
    given: { compatibilityLevel: 'BACKWARD' },
    asked: ['config', ':.team:', false],
    answer: { compatibilityLevel: 'BACKWARD' }
  },
  {
    method: 'PUT',
    url: '/config',
    body: { compatibility: 'FULL' },
    given: { compatibilityLevel: 'FULL', normalize: true },
    asked: ['setConfig', null, { compatibilityLevel: 'FULL' }],
    answer: { compatibility: 'FULL', normalize: true }
  },
  {
    method: 'PUT',
    url: '/config/orders-value',
    body: { compatibility: 'none', alias: 'other' },
    given: { compatibilityLevel: 'NONE' },
    asked: ['setConfig', 'orders-value', { compatibilityLevel: 'NONE', alias: 'other' }],
    answer: { compatibility: 'NONE' }
  },
  {
    method: 'DELETE',
    url: '/config',
    given: { compatibilityLevel: 'FULL' },
    asked: ['deleteConfig', null],
    answer: { compatibilityLevel: 'FULL' }
  },
  {
    method: 'DELETE',
    url: '/config/orders-value',
    given: { compatibilityLevel: 'FULL' },
    asked: ['deleteConfig', 'orders-value'],
    answer: { compatibilityLevel: 'FULL' }
  },
  { url: '/mode', given: 'READWRITE', asked: ['mode', null, false], answer: { mode: 'READWRITE' } },
  {
    url: '/mode/orders-value?defaultToGlobal=true',
    given: 'READONLY',
    asked: ['mode', 'orders-value', true],
    answer: { mode: 'READONLY' }
  },
  {
    method: 'PUT',
    url: '/mode?force=true',
    body: { mode: 'IMPORT' },
    given: 'IMPORT',
    asked: ['setMode', null, 'IMPORT', true],
    answer: { mode: 'IMPORT' }
  },
  {
    method: 'PUT',
    url: '/mode/orders-value',
    body: { mode: 'READONLY' },
    given: 'READONLY',
    asked: ['setMode', 'orders-value', 'READONLY', false],
    answer: { mode: 'READONLY' }
  },
  {
    method: 'DELETE',
    url: '/mode?recursive=true',
    given: 'IMPORT',
    asked: ['deleteMode', null, { recursive: true }],
    answer: { mode: 'IMPORT' }
  },
  {
    method: 'DELETE',
    url: '/mode/orders-value',
    given: 'READONLY',
    asked: ['deleteMode', 'orders-value', { recursive: false }],
    answer: { mode: 'READONLY' }
  },
  { url: '/contexts', given: ['.', '.team', '.x'], asked: ['contexts'], answer: ['.', '.team', '.x'] },
  { url: '/contexts?contextPrefix=.t', given: ['.', '.team', '.x'], asked: ['contexts'], answer: ['.team'] },
  {
    url: '/v1/metadata/id',
    given: null,
    asked: [],
    answer: { id: '', scope: { path: [], clusters: { 'kafka-cluster': 'memory-cluster', 'schema-registry-cluster': 'schema-registry' } } }
  }
]

t.test('every path', async t => {
  const stub = await openStub(t)
  for (const { method = 'GET', url, body, headers, given, asked, answer } of rows) {
    stub.answers = new Proxy({}, { get: () => () => given })
    stub.asked = []
    const response = await stub.inject({ method, url, ...body === undefined ? {} : { payload: body }, ...headers === undefined ? {} : { headers } })
    t.equal(response.statusCode, 200, `${method} ${url}: ${response.body}`)
    t.strictSame(response.json(), answer, `${method} ${url}`)
    t.match(stub.asked, asked, `${method} ${url} asks`)
    t.match(response.headers['content-type'], /^application\/vnd\.schemaregistry\.v1\+json(;|$)/)
  }
})

t.test('versions that are deleted are negative, if they are to be', async t => {
  const stub = await openStub(t)
  stub.answers = { versions: [1, 2, 3], get: (_subject: string, version: number) => schemaVersion({ version, deleted: version < 3 }) }
  t.same((await stub.inject('/subjects/orders-value/versions?deletedAsNegative=true')).json(), [-1, -2, 3])
})

t.test('a schema of Protobuf is no JSON, and not said to be', async t => {
  const stub = await openStub(t)
  const schema = 'syntax = "proto3";\nmessage Order {}\n'
  stub.answers = { get: schemaVersion({ schemaType: 'PROTOBUF', schema }), schemaById: schemaVersion({ schemaType: 'PROTOBUF', schema }) }
  for (const url of ['/subjects/orders-value/versions/1/schema', '/schemas/ids/7/schema']) {
    const response = await stub.inject(url)
    t.equal(response.headers['content-type'], 'text/plain; charset=utf-8')
    t.equal(response.body, schema)
  }
})

t.test('the largest id, for those who ask for it', async t => {
  const stub = await openStub(t)
  stub.answers = { schemaById: schemaVersion(), maxId: 12 }
  t.same((await stub.inject('/schemas/ids/7?fetchMaxId=true')).json(), { ...byId, maxId: 12 })
})

t.test('a context is deleted by its name', async t => {
  const stub = await openStub(t)
  for (const name of ['.team', 'team']) {
    t.equal((await stub.inject({ method: 'DELETE', url: `/contexts/${name}` })).statusCode, 204)
    t.same(stub.asked, ['deleteContext', '.team'])
  }
})

t.test('the version of the server', async t => {
  const stub = await openStub(t)
  t.match((await stub.inject('/v1/metadata/version')).json(), { version: /^\d+\.\d+\.\d+/, commitId: '' })
})

t.test('subjects may have any name', async t => {
  const stub = await openStub(t)
  stub.answers = { versions: [1] }
  for (const subject of [
    'a/b', '/', 'a//b', ':.team:a/b', 'with spaces', 'a+b', '100%', '%25', '%2F', 'a%2Fb', 'a?b#c', 'Grüße', '日本', 'a;b=c', 'a,b', '"a"', 'a\\b', 'a&b=c',
    'x'.repeat(1000), 'ü'.repeat(500)
  ]) {
    const response = await stub.inject(`/subjects/${encodeURIComponent(subject)}/versions`)
    t.equal(response.statusCode, 200, `${subject}: ${response.body}`)
    t.equal(stub.asked[1], subject)
    const inContext = await stub.inject(`/contexts/.c/subjects/${encodeURIComponent(subject)}/versions`)
    t.equal(inContext.statusCode, 200)
    t.equal(stub.asked[1], subject.startsWith(':') ? subject : `:.c:${subject}`)
  }
  await stub.inject('/subjects/a:b+c/versions')
  t.equal(stub.asked[1], 'a:b+c', 'what need not be encoded need not be')
})
