/**
 * The names of topics by their ids: permissions are about names, but newer requests carry ids. An id never changes its
 * name, so what was learnt once stays true.
 */
import { complete } from '../../protocol/defaults.ts'
import { errors } from '../../protocol/errors.ts'
import { Metadata } from '../../protocol/messages/03-metadata.ts'
import { internalPrincipal, newest, type Context, type Dispatch } from '../../protocol/rpc.ts'

/** The id of no topic. */
export const NO_TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAA'

/** More than there are topics; an id that nobody has is not kept. */
const MAX_NAMES = 20_000

export class TopicNames {
  readonly #names = new Map<string, string>()

  /** Undefined if nothing is known of the id. */
  get (id: string): string | undefined {
    return this.#names.get(id)
  }

  /** Asks the engine for the names of ids, under the server's own name. Those that it does not know stay unknown. */
  async learn (ids: readonly string[], next: Dispatch, context: Context): Promise<void> {
    const request = complete(Metadata.request, { topics: ids.map(topicId => ({ topicId, name: null })), allowAutoTopicCreation: false })
    const { topics } = await next(Metadata, request, asServer(context))
    for (const { errorCode, name, topicId } of topics) {
      if (errorCode === errors.NONE && name !== null) this.#keep(topicId, name)
    }
  }

  #keep (id: string, name: string): void {
    if (this.#names.size >= MAX_NAMES) {
      const [oldest] = this.#names.keys()
      this.#names.delete(oldest!)
    }
    this.#names.set(id, name)
  }
}

/** Which of these topics exist, by name. */
export async function existing (names: readonly string[], next: Dispatch, context: Context): Promise<ReadonlySet<string>> {
  return new Set((await partitionsOf(names, next, context)).keys())
}

/** The partitions of those of these topics that exist, by name; of every topic there is for null. */
export async function partitionsOf (
  names: readonly string[] | null, next: Dispatch, context: Context
): Promise<ReadonlyMap<string, ReadonlySet<number>>> {
  const request = complete(Metadata.request, { topics: names?.map(name => ({ name })) ?? null, allowAutoTopicCreation: false })
  const { topics } = await next(Metadata, request, asServer(context))
  return new Map(topics.filter(({ errorCode, name }) => errorCode === errors.NONE && name !== null)
    .map(({ name, partitions }) => [name!, new Set(partitions.map(({ partitionIndex }) => partitionIndex))]))
}

export const asServer = (context: Context): Context =>
  ({ ...context, principal: internalPrincipal, door: 'internal', version: newest(Metadata), throttleMs: 0 })
