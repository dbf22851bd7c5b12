/**
 * What a topic asks of the records that are written to it, as one document. They are configurations of the topic, so whoever
 * may see and alter those may see and alter this.
 */
import type { FastifyInstance } from 'fastify'
import type { Context } from '../protocol/rpc.ts'
import { readConfigs, writeConfigs } from '../src/client/configs.ts'
import type { SubjectNameStrategy } from '../src/schemas/model.ts'
import { names, settingsOf, type Action, type Level, type ValidationSettings } from '../src/schemas/settings.ts'
import type { Contract } from './contract.ts'
import { contextOf, type HttpDoor } from './door.ts'

interface ByTopic { Params: { topic: string } }

/** What is left out is as if it had never been set. */
interface Wanted {
  readonly key?: Level
  readonly value?: Level
  /** For both parts, unless one of the next two says otherwise. */
  readonly strategy?: SubjectNameStrategy
  readonly keyStrategy?: SubjectNameStrategy
  readonly valueStrategy?: SubjectNameStrategy
  readonly action?: Action
  readonly deadLetterTopic?: string | null
  readonly tombstones?: boolean
}

const all = Object.values(names)

export function topicValidation (app: FastifyInstance, { dispatch }: HttpDoor, contract: Contract): void {
  const read = async (context: Context, topic: string): Promise<{ topic: string } & ValidationSettings> => {
    const configs = await readConfigs(dispatch, context, topic, all)
    return { topic, ...settingsOf(Object.fromEntries([...configs].filter((one): one is [string, string] => one[1] !== null && one[1] !== ''))) }
  }

  app.route<ByTopic>({
    ...contract.route('getValidation'),
    handler: async request => await read(contextOf(request), request.params.topic)
  })

  app.route<ByTopic & { Body: Wanted }>({
    ...contract.route('setValidation'),
    handler: async request => {
      const context = contextOf(request)
      const { topic } = request.params
      await writeConfigs(dispatch, context, topic, configsOf(request.body))
      return await read(context, topic)
    }
  })

  app.route<ByTopic>({
    ...contract.route('deleteValidation'),
    handler: async (request, reply) => {
      await writeConfigs(dispatch, contextOf(request), request.params.topic, configsOf({}))
      reply.code(204)
    }
  })
}

function configsOf (wanted: Wanted): Map<string, string | null> {
  const { key, value, strategy, keyStrategy = strategy, valueStrategy = strategy, action, deadLetterTopic, tombstones } = wanted
  return new Map<string, string | null>([
    [names.key, key ?? null],
    [names.value, value ?? null],
    [names.keyStrategy, keyStrategy ?? null],
    [names.valueStrategy, valueStrategy ?? null],
    [names.action, action ?? null],
    [names.deadLetterTopic, deadLetterTopic ?? null],
    [names.tombstones, tombstones === undefined ? null : tombstones ? 'allow' : 'refuse']
  ])
}
