/**
 * Consumer instances, as in Confluent's REST Proxy v2: made by one request and called by others, each a real member of its group.
 * An instance lives in the memory of this process, and its calls have to come here; it ends when it is deleted, or has not been
 * called for five minutes, or the process stops.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { neverAborted, type Context } from '../protocol/rpc.ts'
import { GroupConsumer } from '../src/client/group-consumer.ts'
import type { GroupOffset, PartitionAt } from '../src/client/group-offsets.ts'
import { Instances, type InstanceName } from '../src/client/instances.ts'
import { EARLIEST, LATEST, parseTime } from '../src/client/start.ts'
import type { Contract } from './contract.ts'
import { contextOf, type HttpDoor } from './door.ts'
import { ConfluentError } from './problem.ts'
import { baseUriOf } from './v2-consumers/base-uri.ts'
import { bodyOfGet } from './v2-consumers/bodies.ts'
import { translated } from './v2-consumers/errors.ts'
import { binaryForm, jsonForm, type RecordForms } from './v2-consumers/forms.ts'
import { matcherOf } from './v2-consumers/pattern.ts'
import { records, type Instance } from './v2-consumers/records.ts'
import { schemaForms } from './v2-consumers/schema-forms.ts'
import { checkGroup, settingsOf } from './v2-consumers/settings.ts'

interface ByGroup { Params: { group: string } }
interface ByInstance { Params: { group: string, instance: string } }
interface Partitions { readonly partitions: readonly PartitionAt[] }
interface Offsets { readonly offsets?: readonly (PartitionAt & { readonly offset: number, readonly metadata?: string | null })[] | null }
interface Times { readonly timestamps?: readonly (PartitionAt & { readonly timestamp: string })[] | null }

/** What one instance is asked. */
export type Call = <R>(request: FastifyRequest<ByInstance>, act: (instance: Instance, context: Context) => R | Promise<R>) => Promise<R>

export const MEDIA_TYPE = 'application/vnd.kafka.v2+json'

export function v2Consumers (app: FastifyInstance, door: HttpDoor, contract: Contract): void {
  const forms: RecordForms = new Map([['binary', binaryForm], ['json', jsonForm], ...door.serde === null ? [] : schemaForms(door.serde)])
  const instances = new Instances<Instance>(error => app.log.warn({ err: error }, 'a consumer instance could not be closed in order'))
  const close = (): Promise<void> => instances.close()
  door.draining.addEventListener('abort', () => { close().catch(() => {}) }, { once: true })
  app.addHook('onClose', close)

  const call: Call = async (request, act) => {
    try {
      return await instances.call(nameOf(request), instance => act(instance, contextOf(request)))
    } catch (error) {
      throw translated(error)
    }
  }
  const checkCreation = contract.check('CreateConsumerV2')
  const checkOffsets = contract.check('ConsumerCommitV2')
  const checkPartitions = contract.check('ConsumerPartitionsV2')
  const body = <T>(value: unknown, check: typeof checkOffsets): T => {
    const [fault] = check(value, 'body')
    if (fault !== undefined) throw new ConfluentError(42203, `${fault.in} ${fault.detail}.`)
    return value as T
  }

  app.route<ByGroup>({
    ...unchecked(contract.route('createConsumer')),
    handler: async (request, reply) => {
      const { group } = request.params
      checkGroup(group)
      const settings = settingsOf(body(request.body ?? {}, checkCreation), forms)
      const { name, form, requestTimeoutMs } = settings
      const context = contextOf(request)
      try {
        instances.add({ principal: context.principal, group, name }, () => {
          const consumer = new GroupConsumer(door.dispatch, { ...context, clientId: name, signal: neverAborted }, { ...settings, groupId: group })
          return { consumer, form, requestTimeoutMs, close: () => consumer.close() }
        })
      } catch (error) {
        throw translated(error)
      }
      v2(reply)
      return { instance_id: name, base_uri: `${baseUriOf(request)}/consumers/${encodeURIComponent(group)}/instances/${encodeURIComponent(name)}` }
    }
  })

  app.route<ByInstance>({
    ...contract.route('deleteConsumer'),
    handler: async (request, reply) => {
      await instances.remove(nameOf(request)).catch((error: unknown) => { throw translated(error) })
      reply.code(204)
    }
  })

  app.route<ByInstance & { Body: { topics?: readonly string[], topic_pattern?: string } }>({
    ...contract.route('subscribeConsumer'),
    handler: async (request, reply) => {
      const { topics, topic_pattern: pattern } = request.body
      if ((topics === undefined) === (pattern === undefined)) throw new ConfluentError(42203, 'body must have either topics or topic_pattern.')
      const subscription = topics !== undefined ? { topics } : { matches: matcherOf(pattern!) }
      await call(request, ({ consumer }, context) => topics?.length === 0 ? consumer.unsubscribe() : consumer.subscribe(context, subscription))
      reply.code(204)
    }
  })

  app.route<ByInstance>({
    ...contract.route('getConsumerSubscription'),
    handler: async (request, reply) => {
      const topics = await call(request, ({ consumer }) => consumer.topics)
      v2(reply)
      return { topics }
    }
  })

  app.route<ByInstance>({
    ...contract.route('unsubscribeConsumer'),
    handler: async (request, reply) => {
      await call(request, ({ consumer }) => consumer.unsubscribe())
      reply.code(204)
    }
  })

  app.route<ByInstance & { Body: Partitions }>({
    ...contract.route('assignConsumer'),
    handler: async (request, reply) => {
      await call(request, ({ consumer }, context) => consumer.assign(context, request.body.partitions))
      reply.code(204)
    }
  })

  app.route<ByInstance>({
    ...contract.route('getConsumerAssignments'),
    handler: async (request, reply) => {
      const partitions = await call(request, ({ consumer }) => consumer.assignment)
      v2(reply)
      return { partitions }
    }
  })

  records(app, door, contract, call)

  app.route<ByInstance & { Querystring: { async?: string } }>({
    ...unchecked(contract.route('commitConsumerOffsets')),
    handler: async (request, reply) => {
      const { offsets = null } = body<Offsets>(request.body ?? {}, checkOffsets)
      const read = offsets === null ? null : offsets.map(nextOf)
      const committing = call(request, ({ consumer }, context) => consumer.commit(context, read))
      if (isTrue(request.query.async)) committing.catch((error: unknown) => request.log.warn({ err: error }, 'offsets could not be committed'))
      else await committing
      v2(reply)
      return []
    }
  })

  app.route<ByInstance & { Querystring: { topic?: string, partition?: number } }>({
    ...contract.route('getConsumerOffsets'),
    handler: async (request, reply) => {
      const { topic, partition } = request.query
      if ((topic === undefined) !== (partition === undefined)) throw new ConfluentError(42203, 'query must have both topic and partition, or neither.')
      const sent = await bodyOfGet(request, reply)
      const named = topic !== undefined ? [{ topic, partition: partition! }] : undefined
      const partitions = sent === undefined ? named : body<Partitions>(sent, checkPartitions).partitions
      const offsets = await call(request, ({ consumer }, context) => consumer.committed(context, partitions))
      v2(reply)
      return { offsets }
    }
  })

  app.route<ByInstance & { Body: Offsets & Times }>({
    ...contract.route('seekConsumer'),
    handler: async (request, reply) => {
      const { offsets, timestamps } = request.body
      const times = (timestamps ?? []).map(({ topic, partition, timestamp }, i) => ({ topic, partition, timestamp: timeOf(timestamp, i) }))
      await call(request, async ({ consumer }, context) => {
        await consumer.seek(context, offsets ?? [])
        if (times.length > 0) await consumer.seekToTime(context, times)
      })
      reply.code(204)
    }
  })

  for (const [operationId, end] of [['seekConsumerToBeginning', EARLIEST], ['seekConsumerToEnd', LATEST]] as const) {
    app.route<ByInstance & { Body: Partitions }>({
      ...contract.route(operationId),
      handler: async (request, reply) => {
        const to = request.body.partitions.map(({ topic, partition }) => ({ topic, partition, timestamp: end }))
        await call(request, ({ consumer }, context) => consumer.seekToTime(context, to))
        reply.code(204)
      }
    })
  }
}

function nameOf (request: FastifyRequest<ByInstance>): InstanceName {
  const { group, instance } = request.params
  return { principal: contextOf(request).principal, group, name: instance }
}

/** Bodies that may be left out are held to the contract by their handlers. */
function unchecked (operation: ReturnType<Contract['route']>): ReturnType<Contract['route']> {
  const { body, ...schema } = operation.schema
  return { ...operation, schema }
}

function v2 (reply: FastifyReply): void {
  reply.header('content-type', MEDIA_TYPE)
}

/** As Confluent: what is committed is the last record that was read, and the group goes on behind it. */
const nextOf = ({ topic, partition, offset, metadata }: NonNullable<Offsets['offsets']>[number]): GroupOffset =>
  ({ topic, partition, offset: offset + 1, metadata: metadata ?? '' })

function timeOf (text: string, index: number): number {
  const timestampMs = parseTime(text)
  if (Number.isNaN(timestampMs)) throw new ConfluentError(42203, `body/timestamps/${index}/timestamp is not an ISO 8601 time.`)
  return timestampMs
}

/** `?async` alone says it, too. */
const isTrue = (text: string | undefined): boolean => text !== undefined && text.toLowerCase() !== 'false'
