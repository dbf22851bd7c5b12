/**
 * Requests that know topics by name alone cannot be written in the versions that know them by id alone (KIP-516): they go out
 * in the newest one that takes names. Clients never ask so; callers of ours, who speak no version of their own, do.
 */
import { Produce } from '../../protocol/messages/00-produce.ts'
import { Fetch } from '../../protocol/messages/01-fetch.ts'
import { OffsetCommit } from '../../protocol/messages/08-offset-commit.ts'
import { OffsetFetch } from '../../protocol/messages/09-offset-fetch.ts'
import type { Context } from '../../protocol/rpc.ts'
import type { Api, Request } from '../../protocol/schema.ts'
import { NO_TOPIC_ID } from './cluster.ts'

interface Named { readonly name: string, readonly topicId: string }

const lacksId = ({ name, topicId }: Named): boolean => name !== '' && topicId === NO_TOPIC_ID

/** The last version with names, and whether one is missing an id. */
const rows = new Map<number, { readonly last: number, readonly lacks: (request: never) => boolean }>([
  [Produce.key, { last: 12, lacks: ({ topicData }: Request<typeof Produce>) => topicData.some(lacksId) }],
  [Fetch.key, { last: 12, lacks: ({ topics }: Request<typeof Fetch>) => topics.some(({ topic, topicId }) => lacksId({ name: topic, topicId })) }],
  [OffsetCommit.key, { last: 9, lacks: ({ topics }: Request<typeof OffsetCommit>) => topics.some(lacksId) }],
  [OffsetFetch.key, { last: 9, lacks: ({ groups }: Request<typeof OffsetFetch>) => groups.some(({ topics }) => topics?.some(lacksId) === true) }]
])

export function byNameOnly (api: Api, request: Request<Api>, context: Context): Context {
  const row = rows.get(api.key)
  return row !== undefined && context.version > row.last && row.lacks(request as never) ? { ...context, version: row.last } : context
}
