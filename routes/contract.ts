/**
 * openapi.yaml is the contract. It is read once; a route takes its method, its path and the schemas of what it is sent from
 * here, by operationId, so none of them stands in two places.
 *
 * Responses are not serialised by their schemas: Fastify would compile a serialiser for each before it could listen, and drop
 * in silence what a schema does not name. The tests hold every response to the contract instead.
 */
import { createHash } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import type { FastifySchema, HTTPMethods } from 'fastify'
import { Validation, type Check, type Node } from './validation.ts'

/** How an operation tells of errors unless the request says otherwise: RFC 9457, or as Confluent's REST Proxy or Schema Registry do. */
export type ErrorStyle = 'problem' | 'confluent' | 'registry'

export interface OperationConfig {
  readonly operationId: string
  readonly errors: ErrorStyle
  /** Whether it asks for no identity. */
  readonly public: boolean
  /** Whether a ticket in the URL is a proof of identity here. */
  readonly ticket: boolean
}

export interface Operation {
  readonly method: HTTPMethods
  /** In Fastify's notation: `/topics/:topic`. */
  readonly url: string
  /** As in the document: `/topics/{topic}`. */
  readonly template: string
  readonly schema: FastifySchema
  readonly config: OperationConfig
}

export interface Contract {
  /** The document as it was written. */
  readonly text: string
  readonly document: Node
  readonly operations: readonly Operation[]
  readonly validation: Validation
  /** What a route needs besides its handler. Throws if there is no such operation. */
  route (operationId: string): Operation
  /** Holds a value to one of the document's schemas. */
  check (schemaName: string): Check
  /** The methods that a path, as it stands in a request, may be asked with. */
  methodsOf (path: string): readonly string[]
}

declare module 'fastify' {
  // Partial: what has no route has no operation.
  interface FastifyContextConfig extends Partial<OperationConfig> {}
}

/** By what `default` refers to. */
const STYLES: Readonly<Record<string, ErrorStyle>> = {
  '#/components/responses/ConfluentError': 'confluent',
  '#/components/responses/RegistryError': 'registry'
}

const METHODS = ['get', 'put', 'post', 'delete', 'patch'] as const

export async function readContract (path: string | URL): Promise<Contract> {
  const text = await readFile(path, 'utf8')
  const document = await keptDocument(text) ?? await parseDocument(text)
  const validation = new Validation(document)
  const operations = Object.entries(document['paths'] as Record<string, Node>).flatMap(([path, item]) =>
    METHODS.filter(method => item[method] !== undefined).map(method => operationOf(document, path, method, item)))
  const byId = new Map(operations.map(operation => [operation.config.operationId, operation]))
  const patterns = operations.map(({ method, template }) => ({ method: method as string, pattern: patternOf(template) }))
  return {
    text,
    document,
    operations,
    validation,
    route (operationId) {
      const operation = byId.get(operationId)
      if (operation === undefined) throw new Error(`openapi.yaml has no operation ${operationId}`)
      return operation
    },
    check: schemaName => validation.compile({ $ref: `#/components/schemas/${schemaName}` }),
    methodsOf: path => patterns.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method)
  }
}

/** The document as JSON, made at install: reading the YAML anew takes a tenth of a second and several megabytes. */
const KEPT = new URL('../.cache/openapi.json', import.meta.url)

interface Kept {
  /** SHA-256 of the text that the document was made of. */
  readonly hash: string
  readonly document: Node
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('base64url')

async function parseDocument (text: string): Promise<Node> {
  const { parse } = await import('yaml')
  return parse(text) as Node
}

/** Null where nothing is kept, or it was made of another text: then the YAML is read. */
async function keptDocument (text: string): Promise<Node | null> {
  try {
    const { hash, document } = JSON.parse(await readFile(KEPT, 'utf8')) as Kept
    return hash === hashOf(text) ? document : null
  } catch {
    return null
  }
}

export async function keepDocument (path: string | URL): Promise<void> {
  const text = await readFile(path, 'utf8')
  const kept: Kept = { hash: hashOf(text), document: await parseDocument(text) }
  await mkdir(new URL('.', KEPT), { recursive: true })
  await writeFile(KEPT, JSON.stringify(kept))
}

function operationOf (document: Node, path: string, method: typeof METHODS[number], item: Node): Operation {
  const operation = item[method] as Node
  const nodes = [...item['parameters'] as Node[] ?? [], ...operation['parameters'] as Node[] ?? []]
  const parameters = nodes.map(node => resolve(document, node))
  const { default: otherwise } = operation['responses'] as { default?: Node }
  const errors = STYLES[otherwise?.['$ref'] as string] ?? 'problem'
  const security = (operation['security'] ?? document['security']) as readonly Node[] | undefined
  const ticket = security?.some(scheme => 'ticket' in scheme) ?? false
  // OpenAPI does not have what belongs to a security scheme among the parameters.
  if (ticket) parameters.push({ name: 'ticket', in: 'query', schema: { type: 'string' } })
  const schema: FastifySchema = {
    params: objectOf(parameters, 'path', true),
    // Where the paths are our own, a parameter that we do not know is a mistake that should not pass in silence.
    querystring: objectOf(parameters, 'query', errors !== 'problem')
  }
  const stated = (operation['requestBody'] ?? {}) as Node
  const body = resolve(document, stated) as { required?: boolean, content?: Record<string, { schema: Node }> }
  if (body.content !== undefined && body.required === true) schema.body = body.content['application/json']!.schema
  else if (stated['content'] !== undefined) schema.body = { content: stated['content'] }
  return {
    method: method.toUpperCase() as HTTPMethods,
    // A colon of its own would begin a parameter.
    url: path.replaceAll(':', '::').replaceAll(/\{(\w+)\}/g, ':$1'),
    template: path,
    schema,
    config: { operationId: operation['operationId'] as string, errors, public: security?.length === 0, ticket }
  }
}

function objectOf (parameters: readonly Node[], place: 'path' | 'query', additionalProperties: boolean): Node {
  const here = parameters.filter(parameter => parameter['in'] === place)
  return {
    type: 'object',
    properties: Object.fromEntries(here.map(({ name, schema }) => [name, schema])),
    required: here.filter(({ required }) => required === true).map(({ name }) => name),
    additionalProperties
  }
}

function resolve (document: Node, node: Node): Node {
  if (typeof node['$ref'] !== 'string') return node
  return node['$ref'].slice(2).split('/').reduce((at, key) => at[key] as Node, document)
}

/** For paths as they stand in a request. */
export function patternOf (template: string): RegExp {
  return new RegExp(`^${template.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`)
}
