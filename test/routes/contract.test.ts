import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import t from 'tap'
import { Ajv2020 } from 'ajv/dist/2020.js'
import type { FastifyInstance } from 'fastify'
import type { Node } from '../../routes/validation.ts'
import { readContract } from '../../routes/contract.ts'
import { contractPath, faultsIn, openDoor } from '../support/http-door.ts'

const contract = await readContract(contractPath)
const { document } = contract
const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace']

const nodeAt = (pointer: string): unknown =>
  pointer.slice(2).split('/').reduce<unknown>((at, key) => (at as Node | undefined)?.[key.replaceAll('~1', '/').replaceAll('~0', '~')], document)

/** Every node of the document, with where it is. */
function * nodes (node: unknown, at = '#'): Generator<readonly [string, Node]> {
  if (typeof node !== 'object' || node === null) return
  if (!Array.isArray(node)) yield [at, node as Node]
  for (const [key, child] of Object.entries(node)) yield * nodes(child, `${at}/${key}`)
}

interface OperationNode extends Node {
  readonly operationId: string
  readonly parameters?: readonly Node[]
  readonly responses: Record<string, Node>
}

const operations = Object.entries(document['paths'] as Record<string, Node>).flatMap(([path, item]) =>
  METHODS.filter(method => method in item).map(method => ({ path, item, method, operation: item[method] as OperationNode })))

t.test('every operation has a route and every route an operation', async t => {
  const routes: string[] = []
  // Fastify announces every server that is made: that is early enough to see its first route.
  const listen = (message: unknown): void => {
    (message as { fastify: FastifyInstance }).fastify.addHook('onRoute', ({ method, url }) => { routes.push(`${String(method)} ${url}`) })
  }
  subscribe('fastify.initialization', listen)
  t.teardown(() => unsubscribe('fastify.initialization', listen))
  const { app } = await openDoor(t)
  await app.ready()
  t.same(routes.sort(), contract.operations.map(({ method, url }) => `${String(method)} ${url}`).sort())
})

t.test('the document is OpenAPI 3.1', async t => {
  t.match(document['openapi'], /^3\.1\.\d$/)
  t.match(document['info'], { title: String, version: String, license: { name: String, identifier: String } })
  const fields = ['openapi', 'info', 'jsonSchemaDialect', 'servers', 'paths', 'webhooks', 'components', 'security', 'tags', 'externalDocs']
  t.same(Object.keys(document).filter(key => !fields.includes(key)), [], 'no other fields')
  for (const [at, node] of nodes(document)) {
    const ref = node['$ref']
    if (typeof ref === 'string') t.not(nodeAt(ref), undefined, `${at} refers to something that is there`)
  }
})

t.test('every operation says what a reader needs', async t => {
  const ids = operations.map(({ operation }) => operation.operationId)
  t.equal(new Set(ids).size, ids.length, 'operation ids are unique')
  const tags = (document['tags'] as { name: string }[]).map(({ name }) => name)
  for (const { path, item, operation } of operations) {
    const { operationId } = operation
    t.match(operation, { operationId: String, summary: String, responses: Object }, `${operationId} has a summary and responses`)
    t.ok((operation['tags'] as string[]).every(tag => tags.includes(tag)), `${operationId} has tags that are described`)
    for (const status of Object.keys(operation.responses)) t.match(status, /^([1-5]\d\d|default)$/, `${operationId}: ${status} is a status`)
    const named = [...path.matchAll(/\{(\w+)\}/g)].map(match => match[1])
    const parameters = [...item['parameters'] as Node[] ?? [], ...operation.parameters ?? []]
      .map(node => typeof node['$ref'] === 'string' ? nodeAt(node['$ref']) as Node : node)
    const inPath = parameters.filter(parameter => parameter['in'] === 'path').map(({ name }) => name)
    t.same(inPath.sort(), named.sort(), `${operationId} has the parameters of its path`)
    for (const parameter of parameters) {
      t.match(parameter, { name: String, in: /^(path|query|header)$/, schema: Object }, `${operationId} describes ${String(parameter['name'])}`)
      if (parameter['in'] === 'path') t.equal(parameter['required'], true)
    }
  }
})

t.test('every response has a description, and every example is as its schema says', async t => {
  for (const [at, node] of nodes(document)) {
    if (/\/responses\/[^/]+$/.test(at) && node['$ref'] === undefined) t.type(node['description'], 'string', `${at} has a description`)
    const { schema, example, examples } = node
    if (typeof schema !== 'object' || (example === undefined && examples === undefined)) continue
    const media = at.split('/content/')[1] ?? ''
    const check = contract.validation.compile(schema as Node)
    const values = example !== undefined ? [example] : Object.values(examples as Record<string, { value: unknown }>).map(({ value }) => value)
    // A parameter's example is what stands in the URL.
    for (const value of values) t.same(check(value, at), [], `${at} ${media}`)
  }
})

t.test('every schema is JSON Schema 2020-12 that a strict validator accepts', async t => {
  const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, formats: { 'date-time': true } })
  const schemas = (document['components'] as Node)['schemas'] as Record<string, Node>
  const $defs = JSON.parse(JSON.stringify(schemas).replaceAll('#/components/schemas/', '#/$defs/')) as Record<string, Node>
  for (const name of Object.keys(schemas)) {
    const validate = ajv.compile({ $ref: `#/$defs/${name}`, $defs })
    for (const example of schemas[name]!['examples'] as unknown[] ?? []) t.ok(validate(example), `${name}: ${ajv.errorsText(validate.errors)}`)
  }
})

t.test('the tests notice an answer that is not as the contract says', async t => {
  const { app } = await openDoor(t)
  app.addHook('onSend', async (request, reply, payload) => {
    if (request.url.includes('status')) reply.code(418)
    if (request.url.includes('media')) reply.header('content-type', 'text/html')
    return request.url.includes('body') ? '["not", 1]' : payload
  })
  const faults = async (url: string) => faultsIn(contract, await app.inject(url))
  t.same(await faults('/topics'), [])
  t.match(await faults('/topics?internal=true&status'), ['body must be object'])
  t.match(await faults('/livez?status'), ['getLiveness has no response 418'])
  t.match(await faults('/topics?media'), [/^text\/html is none of/])
  t.match(await faults('/topics?body'), [/must be string/])
})

t.test('an operation that is not there is a mistake of ours', async t => {
  t.throws(() => contract.route('nope'), { message: 'openapi.yaml has no operation nope' })
})
