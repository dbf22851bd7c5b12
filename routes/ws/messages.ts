/**
 * What a client may say, checked. docs/websocket.md is the specification.
 *
 * A message that we cannot make out at all ends the session; one that we can, but must refuse, is answered with an error
 * that carries its id.
 */
import type { Attempt } from '../../src/client/produce-each.ts'
import { parseStart, type Start } from '../../src/client/start.ts'
import { parseExact } from '../../src/schemas/exact-json.ts'
import { Closed, closes } from './close.ts'
import type { Grant } from './credit.ts'
import { limits } from './limits.ts'
import { invalid, isObject, outgoingRecords, refuseUnknown, type Encode } from './outgoing.ts'
import { proofOf, type Proof } from './proof.ts'

export interface Subscribe {
  readonly type: 'subscribe'
  readonly id: string
  readonly topics: readonly string[]
  readonly from: Start
  readonly credit: Grant | null
  readonly onGap: 'continue' | 'stop'
}

export interface ProduceRecords {
  readonly type: 'produce'
  readonly id: string
  readonly topic: string
  readonly records: readonly Attempt[]
}

export type ClientMessage =
  | { readonly type: 'connect', readonly clientId: string | null, readonly proof: Proof | null }
  | { readonly type: 'auth', readonly proof: Proof }
  | Subscribe
  | { readonly type: 'credit', readonly id: string, readonly grant: Grant }
  | { readonly type: 'unsubscribe', readonly id: string }
  | ProduceRecords
  | { readonly type: 'pong' }
  | { readonly type: 'ignored' }

/** The request is refused and the session goes on. `cause` is the Problem. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly id: string | null

  constructor (id: string | null, cause: unknown) {
    super('refused', { cause })
    this.id = id
  }
}

type Fields = Record<string, unknown>

/** What the schemas of a topic make of JSON. */
export type EncodeFor = (topic: string) => Encode

const noSchemas: EncodeFor = () => () => null

/** The fields of each message besides `type`, and how they are read. The readers throw Problem. */
const readers = {
  connect: {
    fields: ['clientId', 'auth'],
    read: ({ clientId, auth }: Fields) => ({ type: 'connect', clientId: clientIdOf(clientId), proof: auth === undefined ? null : proofOf(auth) })
  },
  auth: { fields: ['auth'], read: ({ auth }: Fields) => ({ type: 'auth', proof: proofOf(auth) }) },
  subscribe: { fields: ['id', 'topics', 'from', 'credit', 'onGap'], read: subscribeOf },
  credit: { fields: ['id', 'records', 'bytes'], read: (fields: Fields) => ({ type: 'credit', id: fields['id'] as string, grant: grantOf(fields) }) },
  unsubscribe: { fields: ['id'], read: ({ id }: Fields) => ({ type: 'unsubscribe', id: id as string }) },
  produce: { fields: ['id', 'topic', 'records'], read: produceOf },
  pong: { fields: [], read: () => ({ type: 'pong' }) }
} as const satisfies Record<string, { fields: readonly string[], read: (fields: Fields, encodeFor: EncodeFor) => ClientMessage }>

interface Reader {
  readonly fields: ReadonlySet<string>
  readonly hasId: boolean
  readonly read: (fields: Fields, encodeFor: EncodeFor) => ClientMessage
}

const known: ReadonlyMap<string, Reader> = new Map(Object.entries(readers).map(([type, { fields, read }]) => {
  const names = new Set<string>(['type', ...fields])
  return [type, { fields: names, hasId: names.has('id'), read: read as Reader['read'] }]
}))

/** Throws Closed if the message makes no sense at all, or Refused. */
export function readMessage (text: string, encodeFor: EncodeFor = noSchemas): ClientMessage {
  const fields = objectOf(text)
  const { type, id } = fields
  if (typeof type !== 'string') throw malformed('Every message has a "type".')
  const reader = known.get(type)
  if (reader === undefined) {
    if (type.startsWith('x-')) return { type: 'ignored' }
    throw malformed(`There is no message of type ${JSON.stringify(type.slice(0, 40))}.`)
  }
  if (reader.hasId && (typeof id !== 'string' || id.length === 0 || id.length > limits.idLength)) {
    throw malformed(`"${type}" needs an "id" of 1 to ${limits.idLength} characters.`)
  }
  try {
    refuseUnknown(fields, reader.fields, `"${type}"`)
    return reader.read(fields, encodeFor)
  } catch (error) {
    throw new Refused(reader.hasId ? id as string : null, error)
  }
}

const malformed = (reason: string): Closed => new Closed(closes.malformed, reason)

function objectOf (text: string): Fields {
  let value: unknown
  try {
    value = parseExact(text)
  } catch (error) {
    const fault = error instanceof SyntaxError ? withoutQuote(error.message) : 'this one is nested too deeply'
    throw malformed(`Every message is one JSON object: ${fault}.`)
  }
  if (!isObject(value)) throw malformed('Every message is one JSON object; this one is something else.')
  return value
}

/** The parser quotes what it could not read: that may be a password. */
const withoutQuote = (message: string): string => message.replace(/,? (\.\.\.)?".*$/s, '')

function clientIdOf (value: unknown): string | null {
  if (value === undefined) return null
  if (typeof value !== 'string' || value.length > 249) throw invalid('clientId must be a string of at most 249 characters')
  return value
}

function subscribeOf ({ id, topics, from = 'latest', credit, onGap = 'continue' }: Fields): Subscribe {
  if (!Array.isArray(topics) || topics.length === 0 || topics.length > limits.topics || !topics.every(topic => typeof topic === 'string')) {
    throw invalid(`topics must be a list of 1 to ${limits.topics} topic names`)
  }
  if (new Set(topics).size < topics.length) throw invalid('topics names a topic twice')
  if (onGap !== 'continue' && onGap !== 'stop') throw invalid('onGap must be "continue" or "stop"')
  if (credit !== undefined && !isObject(credit)) throw invalid('credit must be {"records","bytes"}')
  if (credit !== undefined) refuseUnknown(credit, new Set(['records', 'bytes']), 'credit')
  return {
    type: 'subscribe',
    id: id as string,
    topics: topics as string[],
    from: startOf(from),
    credit: credit === undefined ? null : grantOf(credit),
    onGap
  }
}

function startOf (from: unknown): Start {
  if (typeof from !== 'string') throw invalid('from must be "earliest", "latest", an ISO 8601 time or a cursor')
  try {
    return parseStart(from)
  } catch (error) {
    throw invalid((error as Error).message.replace(/\.$/, ''))
  }
}

function grantOf ({ records, bytes }: Fields): Grant {
  for (const amount of [records, bytes]) {
    if (amount !== undefined && !(Number.isSafeInteger(amount) && (amount as number) >= 0)) {
      throw invalid('Credit is a whole number of records, of bytes, or both')
    }
  }
  if (records === undefined && bytes === undefined) throw invalid('Credit must name "records", "bytes" or both')
  return { records: records as number | undefined, bytes: bytes as number | undefined }
}

function produceOf ({ id, topic, records }: Fields, encodeFor: EncodeFor): ProduceRecords {
  if (typeof topic !== 'string') throw invalid('topic must be the name of a topic')
  return { type: 'produce', id: id as string, topic, records: outgoingRecords(records, encodeFor(topic)) }
}
