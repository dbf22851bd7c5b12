/**
 * What is not Kafka: where everything is, health, metrics and the contract itself.
 */
import type { FastifyInstance } from 'fastify'
import type { Contract } from './contract.ts'
import type { HttpDoor, LogStatus } from './door.ts'
import { REGISTRY_TYPE } from './registry/errors.ts'
import { isRegistryClient } from './registry/media.ts'

interface Check {
  readonly name: string
  readonly status: 'pass' | 'fail'
  readonly detail: string
}

const LOG_STATES: Readonly<Record<LogStatus['state'], string>> = {
  closed: 'The log is closed.',
  recovering: 'The log is being recovered.',
  ready: 'The log is ready.',
  failed: 'The log has failed.'
}

export function service (app: FastifyInstance, door: HttpDoor, contract: Contract): void {
  app.route({
    ...contract.route('getRoot'),
    handler: async (request, reply) => {
      if (isRegistryClient(request)) {
        reply.header('content-type', REGISTRY_TYPE)
        return {}
      }
      return {
        name: 'barnabas',
        contract: '/openapi.yaml',
        topics: '/topics',
        records: '/topics/{topic}/records',
        schemas: '/subjects',
        webSocket: '/ws',
        health: '/readyz',
        metrics: '/metrics'
      }
    }
  })

  app.route({
    ...contract.route('getLiveness'),
    handler: async () => ({ status: 'pass', checks: [] })
  })

  app.route({
    ...contract.route('getReadiness'),
    handler: async (_, reply) => {
      const checks = checksOf(door)
      const ready = checks.every(({ status }) => status === 'pass')
      reply.code(ready ? 200 : 503).header('cache-control', 'no-store')
      return { status: ready ? 'pass' : 'fail', checks }
    }
  })

  app.route({
    ...contract.route('getMetrics'),
    handler: async (_, reply) => {
      reply.header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
      return await door.metrics()
    }
  })

  app.route({
    ...contract.route('getContract'),
    handler: async (_, reply) => {
      reply.header('content-type', 'application/yaml')
      return contract.text
    }
  })
}

function checksOf ({ log, draining }: HttpDoor): Check[] {
  const checks: Check[] = [{ name: 'log', status: log.state === 'ready' ? 'pass' : 'fail', detail: log.failure ?? LOG_STATES[log.state] }]
  if (draining.aborted) checks.push({ name: 'process', status: 'fail', detail: 'The process is about to stop.' })
  return checks
}
