/**
 * Errors: their codes, their words, and how what is wrong with a request is told.
 */
import t from 'tap'
import type { LightMyRequestResponse } from 'fastify'
import { KafkaError, Throttled } from '../../../protocol/errors.ts'
import type { Context } from '../../../protocol/rpc.ts'
import { SchemaError } from '../../../src/schemas/format.ts'
import { RegistryError } from '../../../src/schemas/registry-error.ts'
import { openDoor, openHouse } from '../../support/http-door.ts'
import { openStub, schemaVersion, TEXT } from './stub.ts'

const mediaTypeOf = ({ headers }: LightMyRequestResponse): string => String(headers['content-type']).split(';')[0]!
const TYPE = 'application/vnd.schemaregistry.v1+json'

t.test('what the registry says is what its clients get', async t => {
  const stub = await openStub(t)
  for (const [error, status, body] of [
    [new RegistryError(40401, 'Subject \'a\' not found.'), 404, { error_code: 40401, message: 'Subject \'a\' not found.' }],
    [new RegistryError(42205, 'Subject a is in read-only mode'), 422, { error_code: 42205, message: 'Subject a is in read-only mode' }],
    [new SchemaError('no'), 422, { error_code: 42201, message: 'no' }],
    [new KafkaError('TOPIC_AUTHORIZATION_FAILED', 'no'), 403, { error_code: 40301, message: 'no' }],
    [new KafkaError('NOT_LEADER_OR_FOLLOWER', 'later'), 503, { error_code: 50301, message: 'later' }],
    [new KafkaError('KAFKA_STORAGE_ERROR', 'disk'), undefined, { message: 'disk' }],
    [new Throttled('request_percentage', 1500, 'slow down'), 429, { error_code: 42901, message: 'slow down' }],
    [new TypeError('secret'), 500, { error_code: 500, message: 'The server failed in a way it did not foresee; its log says more.' }]
  ] as const) {
    stub.answers = { versions: error }
    const response = await stub.inject('/subjects/a/versions')
    if (status !== undefined) t.equal(response.statusCode, status)
    t.match(response.json(), body)
    t.equal(mediaTypeOf(response), TYPE)
    if (status === 429) t.equal(response.headers['retry-after'], '2')
  }
  t.equal(stub.logged.length, 1, 'only what nobody foresaw is written down')
})

t.test('what stands in the way of a schema is told for programs, too', async t => {
  const stub = await openStub(t)
  const message = 'Schema being registered is incompatible with an earlier schema for subject "a", details: [...]'
  stub.answers = {
    register: new RegistryError(40901, message, {
      conflicts: [{
        version: 2,
        reader: 'new',
        incompatibilities: [{ type: 'READER_FIELD_MISSING_DEFAULT_VALUE', path: '/fields/1', description: 'No default.', additionalInfo: 'b' }]
      }]
    })
  }
  const response = await stub.inject({ method: 'POST', url: '/subjects/a/versions', payload: { schema: TEXT } })
  t.equal(response.statusCode, 409)
  t.same(response.json(), {
    error_code: 40901,
    message,
    details: [{ version: 2, reader: 'new', type: 'READER_FIELD_MISSING_DEFAULT_VALUE', path: '/fields/1', description: 'No default.', additionalInfo: 'b' }]
  })
})

t.test('versions that are none', async t => {
  const stub = await openStub(t)
  for (const version of ['0', '-2', '2147483648', 'newest', '1.5', '1e3', '%20', '99999999999999999999']) {
    const response = await stub.inject(`/subjects/a/versions/${version}`)
    t.equal(response.statusCode, 422, version)
    const message = `The specified version '${decodeURIComponent(version)}' is not a valid version id. ` +
      'Allowed values are between [1, 2^31-1] and the string "latest"'
    t.match(response.json(), { error_code: 42202, message })
  }
  t.same(stub.asked, [])
})

t.test('requests that are none', async t => {
  const stub = await openStub(t)
  stub.answers = { schemaById: schemaVersion(), get: schemaVersion(), lookup: schemaVersion(), register: schemaVersion() }
  for (const [request, code, words] of [
    [{ method: 'POST', payload: {} }, 42201, /Empty schema/],
    [{ method: 'POST', payload: { schema: null } }, 42201, /Empty schema/],
    [{ method: 'POST', payload: { schema: TEXT, schemaType: 'XML' } }, 42201, /Invalid schema type XML/],
    [{ method: 'POST', payload: '{"schema":' }, 400, /JSON/],
    [{ method: 'POST', payload: '{"__proto__": {}, "schema": "x"}' }, 400, /./],
    [{ method: 'POST', payload: '[]' }, 400, /body must be object/],
    [{ method: 'POST', payload: { schema: 5 } }, 400, /body\/schema must be string/],
    [{ method: 'POST', payload: { schema: TEXT, references: [{ name: 'a' }] } }, 400, /references/],
    [{ method: 'POST', url: '/subjects/a/versions', payload: { schema: TEXT, schemaTagsToAdd: [{}] } }, 400, /schemaTagsToAdd/],
    [{ method: 'POST', url: '/subjects/a/versions/1/tags', payload: { newVersion: 7 } }, 422, /newVersion is not supported/],
    [{ method: 'POST', payload: '<schema/>', headers: { 'content-type': 'application/xml' } }, 415, /application\/xml is not read here/],
    [{ method: 'POST', payload: { schema: TEXT }, headers: { accept: 'text/html' } }, 406, /application\/vnd\.schemaregistry\.v1\+json/],
    [{ method: 'POST', url: '/subjects/a?deleted=maybe', payload: { schema: TEXT } }, 400, /query\/deleted must be boolean/],
    [{ method: 'POST', payload: { schema: 'x'.repeat(1024 * 1024) } }, 413, /too large/],
    [{ url: '/schemas/ids/seven' }, 404, /path\/id must be integer/],
    [{ url: '/schemas/ids/7?format=xml' }, 422, /no format "xml" of AVRO/],
    [{ url: '/exporters' }, 404, /There is nothing at \/exporters/],
    [{ url: '/exporters/a/status' }, 404, /./],
    [{ url: '/dek-registry/v1/keks' }, 404, /./],
    [{ url: '/associations/resources/-/orders' }, 404, /./],
    [{ method: 'POST', url: '/associations:batchGet' }, 404, /./],
    [{ method: 'PUT', url: '/subjects' }, 405, /can be asked with GET/]
  ] as const) {
    const { method = 'GET', url = '/subjects/a', ...rest } = request as { method?: 'GET' | 'POST' | 'PUT', url?: string }
    const response = await stub.inject({ method, url, headers: { 'content-type': 'application/json' }, ...rest })
    t.equal(response.statusCode, code < 1000 ? code : Math.floor(code / 100), JSON.stringify(request))
    t.match(response.json(), { error_code: code, message: words }, JSON.stringify(request))
    t.equal(mediaTypeOf(response), TYPE)
  }
  t.same(stub.logged, [])
})

t.test('what a config may say', async t => {
  const stub = await openStub(t)
  stub.answers = { setConfig: {} }
  for (const [payload, code, words] of [
    [{ compatibility: 'SOME' }, 42203, 'Invalid compatibility level. Valid values are none, backward, forward, full, ' +
      'backward_transitive, forward_transitive, and full_transitive'],
    [{ compatibility: 'FULL', aliasForDeks: 'a' }, 422, /aliasForDeks/],
    [{ validateRules: true }, 422, /validateRules/],
    [{ validateFields: true }, 422, /validateFields/],
    [{ compatibilityPolicy: 'LOGICAL' }, 422, /compatibilityPolicy/],
    [{ normalize: 'yes' }, 422, /normalize/],
    [{ defaultRuleSet: { domainRules: [{}] } }, 42210, /a rule needs a name/],
    [{ somethingNew: 1 }, 422, /somethingNew/]
  ] as const) {
    const response = await stub.inject({ method: 'PUT', url: '/config/orders-value', payload })
    t.match(response.json(), { error_code: code, message: words }, JSON.stringify(payload))
  }
  t.same(stub.asked, [], 'nothing was set')
})

t.test('rules and metadata that are none', async t => {
  const stub = await openStub(t)
  for (const [rest, code, words] of [
    [{ ruleSet: { domainRules: [{ name: 'r', mode: 'NEVER' }] } }, 42210, /mode: expected one of/],
    [{ metadata: { properties: { a: 1 } } }, 422, /properties/]
  ] as const) {
    const response = await stub.inject({ method: 'POST', url: '/subjects/a/versions', payload: { schema: TEXT, ...rest } })
    t.match(response.json(), { error_code: code, message: words })
  }
  t.same(stub.asked, [])
})

t.test('bodies of any name are JSON, and none is an empty one', async t => {
  const stub = await openStub(t)
  stub.answers = { lookup: schemaVersion() }
  for (const type of [
    TYPE, 'application/vnd.schemaregistry+json', 'application/json', 'application/octet-stream', 'application/x-www-form-urlencoded',
    `${TYPE}; charset=utf-8`, 'application/json;charset="UTF-8";qs=0.5', undefined
  ]) {
    const response = await stub.inject({
      method: 'POST', url: '/subjects/a', payload: Buffer.from(JSON.stringify({ schema: TEXT })), headers: type === undefined ? {} : { 'content-type': type }
    })
    t.equal(response.statusCode, 200, `${type}: ${response.body}`)
  }
  stub.answers = { deleteSubject: [1] }
  t.equal((await stub.inject({ method: 'DELETE', url: '/subjects/a', headers: { 'content-type': TYPE } })).statusCode, 200, 'a type of nothing')
})

t.test('answers are of the type that is wanted', async t => {
  const stub = await openStub(t)
  stub.answers = { subjects: [] }
  for (const [accept, type] of [
    [undefined, TYPE], ['*/*', TYPE], [`${TYPE}, application/vnd.schemaregistry+json, application/json`, TYPE],
    ['application/vnd.schemaregistry+json', 'application/vnd.schemaregistry+json'], ['application/json', 'application/json'],
    ['text/html, application/xhtml+xml, */*;q=0.8', TYPE], [`application/json;q=0.9, ${TYPE};q=0.5`, 'application/json']
  ] as const) {
    const response = await stub.inject({ url: '/subjects', headers: accept === undefined ? {} : { accept } })
    t.equal(mediaTypeOf(response), type, String(accept))
  }
})

t.test('the root is the registry\'s for its clients, and ours for everybody else', async t => {
  const stub = await openStub(t)
  t.match((await stub.inject('/')).json(), { name: 'barnabas' })
  t.match((await stub.inject({ url: '/', headers: { accept: 'text/html, */*' } })).json(), { name: 'barnabas' })
  t.same((await stub.inject({ url: '/', headers: { accept: `${TYPE}, application/json` } })).json(), {})
  t.same((await stub.inject({ method: 'POST', url: '/' })).json(), {})
})

t.test('without a registry, or before it has read the log', async t => {
  const without = await openDoor(t)
  t.match((await without.inject('/subjects')).json(), { error_code: 404, message: /no schema registry/ })
  const { inject } = await openDoor(t, { door: { registry: { isOpen: false } as never } })
  const response = await inject('/subjects')
  t.equal(response.statusCode, 503)
  t.ok(response.headers['retry-after'])
  t.match(response.json(), { error_code: 50301 })
})

t.test('what the registry does is on the account of whoever asks', async t => {
  const asked: string[] = []
  const registry = { isOpen: true, versions: ({ clientId }: Context) => { asked.push(clientId); return [1] } } as never
  let worked = 0
  const { inject } = await openDoor(t, { door: { registry, quotas: { ...openHouse.quotas, work: ({ clientId }) => { worked += Number(clientId === 'k') } } } })
  await inject({ url: '/subjects/a/versions', headers: { 'user-agent': 'k' } })
  t.same(asked, ['k'])
  t.equal(worked, 1)
})

t.test('a web page of another place may not change a schema', async t => {
  const stub = await openStub(t)
  stub.answers = { register: schemaVersion() }
  const response = await stub.inject({
    method: 'POST', url: '/subjects/a/versions', payload: JSON.stringify({ schema: TEXT }), headers: { origin: 'https://elsewhere.example', 'content-type': 'text/plain' }
  })
  t.equal(response.statusCode, 403)
  t.same(stub.asked, [])
  const { headers } = await stub.app.inject({
    method: 'OPTIONS', url: '/contexts/.team/subjects/a/versions', headers: { origin: 'http://localhost:3000', host: 'localhost:8082', 'access-control-request-method': 'POST' }
  })
  t.equal(headers['access-control-allow-methods'], 'GET, POST')
})
