/**
 * Configurations of topics as Confluent's REST Proxy v3 has them: the engine's, and what topics ask of their records.
 */
import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Context } from '../protocol/rpc.ts'
import { listTopics } from '../src/client/admin.ts'
import { describeAllConfigs, describeConfigs, writeConfigs } from '../src/client/configs.ts'
import type { Contract } from './contract.ts'
import { contextOf, type HttpDoor } from './door.ts'
import { ConfluentError } from './problem.ts'
import { Resources } from './v3-resources.ts'
import { checkCluster } from './v3-topics.ts'

interface ByCluster { Params: { cluster_id: string } }
interface ByTopic { Params: { cluster_id: string, topic_name: string } }
interface ByName { Params: { cluster_id: string, topic_name: string, name: string } }

interface ChangeV3 {
  readonly name: string
  readonly value?: string | null
  /** SET unless told. */
  readonly operation?: 'SET' | 'DELETE' | null
}

interface ChangesV3 {
  readonly data: readonly ChangeV3[]
  readonly validate_only?: boolean | null
}

/** How many topics are asked about, and become text, at once. */
const TOPICS_AT_ONCE = 50

export function v3Configs (app: FastifyInstance, door: HttpDoor, contract: Contract): void {
  const { dispatch, log, access } = door
  const resourcesFor = (request: FastifyRequest<ByCluster>): Resources => {
    checkCluster(door, request.params.cluster_id)
    return new Resources(request, log.clusterId)
  }

  app.route<ByCluster>({
    ...contract.route('listAllTopicConfigsV3'),
    handler: async (request, reply) => {
      const resources = resourcesFor(request)
      const context = contextOf(request)
      const topics = await listTopics(dispatch, context)
      const names = topics.map(({ name }) => name).filter(name => access.decide(context.principal, context.address, 'DESCRIBE_CONFIGS', 'TOPIC', name).allowed)
      reply.header('content-type', 'application/json; charset=utf-8')
      return Readable.from(listed(resources, context, names))
    }
  })

  app.route<ByTopic>({
    ...contract.route('listTopicConfigsV3'),
    handler: async request => {
      const resources = resourcesFor(request)
      const { topic_name: topic } = request.params
      const configs = await describeConfigs(dispatch, contextOf(request), topic)
      return resources.list('KafkaTopicConfigList', resources.configsPath(topic), configs.map(config => resources.config(topic, config)))
    }
  })

  app.route<ByName>({
    ...contract.route('getTopicConfigV3'),
    handler: async request => {
      const resources = resourcesFor(request)
      const { topic_name: topic, name } = request.params
      const [config] = await describeConfigs(dispatch, contextOf(request), topic, [name])
      if (config === undefined) throw new ConfluentError(404, unknown(topic, name))
      return resources.config(topic, config)
    }
  })

  app.route<ByName & { Body: { readonly value: string | null } }>({
    ...contract.route('setTopicConfigV3'),
    handler: async (request, reply) => {
      resourcesFor(request)
      const { topic_name: topic, name } = request.params
      await alter(contextOf(request), topic, { data: [{ name, value: request.body.value }] })
      reply.code(204)
    }
  })

  app.route<ByName>({
    ...contract.route('resetTopicConfigV3'),
    handler: async (request, reply) => {
      resourcesFor(request)
      const { topic_name: topic, name } = request.params
      await alter(contextOf(request), topic, { data: [{ name, operation: 'DELETE' }] })
      reply.code(204)
    }
  })

  app.route<ByTopic & { Body: ChangesV3 }>({
    ...contract.route('alterTopicConfigsV3'),
    handler: async (request, reply) => {
      resourcesFor(request)
      await alter(contextOf(request), request.params.topic_name, request.body)
      reply.code(204)
    }
  })

  async function alter (context: Context, topic: string, { data, validate_only: validateOnly }: ChangesV3): Promise<void> {
    const changes = data.map(({ name, value = null, operation }): [name: string, value: string | null] => {
      if (operation === 'DELETE') return [name, null]
      if (value === null) throw new ConfluentError(40002, `${name} needs a value: the operation DELETE brings its default back.`)
      return [name, value]
    })
    const deleted = changes.filter(([, value]) => value === null).map(([name]) => name)
    if (deleted.length > 0) {
      // Kafka takes away what there never was without a word; a name that is misspelt should not pass for done.
      const there = new Set((await describeConfigs(dispatch, context, topic, deleted)).map(({ name }) => name))
      const missing = deleted.find(name => !there.has(name))
      if (missing !== undefined) throw new ConfluentError(40002, unknown(topic, missing))
    }
    await writeConfigs(dispatch, context, topic, changes, { validateOnly: validateOnly === true })
  }

  /** The list as text, piece by piece: with many topics it is long, and others want to be served in between. */
  async function * listed (resources: Resources, context: Context, topics: readonly string[]): AsyncGenerator<string, void, void> {
    const empty = JSON.stringify(resources.list('KafkaTopicConfigList', '/topics/-/configs', []))
    let before = empty.slice(0, -']}'.length)
    for (let from = 0; from < topics.length; from += TOPICS_AT_ONCE) {
      const found = await describeAllConfigs(dispatch, context, topics.slice(from, from + TOPICS_AT_ONCE))
      const items = Array.from(found, ([topic, configs]) => configs.map(config => JSON.stringify(resources.config(topic, config)))).flat()
      if (items.length === 0) continue
      yield before + items.join(',')
      before = ','
    }
    yield before === ',' ? ']}' : empty
  }
}

const unknown = (topic: string, name: string): string =>
  `Topic ${topic} has no configuration ${name}: GET /v3/clusters/.../topics/${topic}/configs lists them, docs/validation.md those about records.`
