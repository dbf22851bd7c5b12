/**
 * The HTTP door over a log in memory, for tests. Every answer to `inject` is held to openapi.yaml: its status and media type
 * must be among those of the operation, and its body as their schema says.
 */
import type { Test } from 'tap'
import { pino } from 'pino'
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify'
import { patternOf, readContract, type Contract } from '../../routes/contract.ts'
import { createHttpStats, type HttpDoor } from '../../routes/door.ts'
import { createHttpServer } from '../../routes/http.ts'
import type { Node } from '../../routes/validation.ts'
import { Feeds } from '../../src/client/feed.ts'
import { MemoryLog, type MemoryLogOptions } from './memory-log.ts'

export const contractPath = new URL('../../openapi.yaml', import.meta.url)
const contract = await readContract(contractPath)

export interface TestDoor {
  readonly log: MemoryLog
  readonly door: HttpDoor
  readonly app: FastifyInstance
  readonly draining: AbortController
  /** What the server logged at level warn and above. */
  readonly logged: string[]
  readonly inject: (options: InjectOptions | string) => Promise<LightMyRequestResponse>
  /** `http://127.0.0.1:port`, from the first call on. */
  readonly listen: () => Promise<string>
}

export interface TestDoorOptions extends MemoryLogOptions {
  readonly door?: Partial<HttpDoor>
}

/** No credentials, no rules, no quotas and no limits. */
export const openHouse: Pick<HttpDoor, 'authentication' | 'access' | 'quotas' | 'connections' | 'memory' | 'limited'> = {
  authentication: null,
  access: { decide: () => ({ allowed: true, reason: 'not-enforced', binding: null }) },
  quotas: { allowance: () => null, throttle: () => null, turn: () => null, charge: () => 0, work () {} },
  connections: { admit: () => 'admitted', left () {}, joined: () => true, parted () {} },
  memory: { reserve: () => true, release () {} },
  limited () {}
}

export async function openDoor (t: Test, options: TestDoorOptions = {}): Promise<TestDoor> {
  const log = new MemoryLog(options)
  const draining = new AbortController()
  const door: HttpDoor = {
    dispatch: log.dispatch,
    feeds: new Feeds(log.dispatch),
    log: { state: 'ready', failure: null, clusterId: 'memory-cluster' },
    registry: null,
    serde: null,
    draining: draining.signal,
    maxBodyBytes: 1024 * 1024,
    allowedOrigins: [],
    metrics: async () => '# no metrics\n',
    stats: createHttpStats(),
    ...openHouse,
    ...options.door
  }
  const logged: string[] = []
  const app = await createHttpServer(door, { logger: pino({ level: 'warn' }, { write: line => { logged.push(line) } }), contractPath })
  t.teardown(() => {
    draining.abort()
    return app.close()
  })
  let listening: Promise<string> | undefined
  return {
    log,
    door,
    app,
    draining,
    logged,
    inject: async options => {
      const response = await app.inject(options)
      t.same(faultsIn(contract, response), [], 'the answer is as openapi.yaml says')
      return response
    },
    listen: () => {
      listening ??= app.listen({ host: '127.0.0.1', port: 0 })
      return listening
    }
  }
}

/** Where an answer is not what the contract says of its operation. */
export function faultsIn (contract: Contract, response: LightMyRequestResponse): string[] {
  const { method, url } = response.raw.req
  const path = url!.split('?')[0]!
  const operation = isUri(path) ? contract.operations.find(one => one.method === method && patternOf(one.template).test(path)) : undefined
  // What no operation answers is an error of the paths in general.
  const responses = (operation === undefined ? {} : nodeOf(operation.template, operation.method)['responses']) as Record<string, Node | undefined>
  const stated = responses[response.statusCode] ?? responses['default'] ?? { $ref: '#/components/responses/Failure' }
  if (operation !== undefined && responses[response.statusCode] === undefined && (response.statusCode < 400 || responses['default'] === undefined)) {
    return [`${operation.config.operationId} has no response ${response.statusCode}`]
  }
  const content = resolved(stated)['content'] as Record<string, { schema: Node }> | undefined
  if (content === undefined) return response.rawPayload.length === 0 ? [] : [`${response.statusCode} should have no body`]
  const mediaType = String(response.headers['content-type']).split(';')[0]!
  const schema = content[mediaType]?.schema
  if (schema === undefined) return [`${mediaType} is none of ${Object.keys(content).join(', ')}`]
  const check = contract.validation.compile(schema)
  return documentsIn(mediaType, response).flatMap(document => check(document, 'body').map(fault => `${fault.in} ${fault.detail}`))
}

function documentsIn (mediaType: string, response: LightMyRequestResponse): unknown[] {
  const { body } = response
  if (!mediaType.endsWith('json')) return [body]
  if (mediaType === 'application/x-ndjson') return [body]
  // A stream of receipts has one a line; everything else is one document on one line.
  return body.trim().split('\r\n').filter(line => line !== '').map(line => JSON.parse(line) as unknown)
}

function isUri (path: string): boolean {
  try {
    return decodeURI(path) !== ''
  } catch {
    return false
  }
}

function nodeOf (path: string, method: string | readonly string[]): Node {
  return (contract.document['paths'] as Record<string, Record<string, Node>>)[path]![String(method).toLowerCase()]!
}

function resolved (node: Node): Node {
  if (typeof node['$ref'] !== 'string') return node
  return node['$ref'].slice(2).split('/').reduce((at, key) => at[key] as Node, contract.document)
}
