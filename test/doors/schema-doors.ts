/**
 * The doors that need no foreign client, each as one function: records in, and what became of each.
 */
import { on, once } from 'node:events'
import { WebSocket } from 'ws'
import { errors } from '../../protocol/errors.ts'
import { Produce } from '../../protocol/messages/00-produce.ts'
import { buildBatch } from '../../protocol/records.ts'
import type { Response } from '../../protocol/schema.ts'
import type { SchemaType } from '../../src/schemas/model.ts'
import type { SchemaHouse } from './schema-house.ts'

/** A key or value, as bytes and as JSON. */
export interface Part {
  readonly bytes: Buffer | null
  readonly json: string | null
  /** Which schema a REST request names: an id, the newest one, or none, which makes it JSON without a schema. */
  readonly schema: number | 'latest' | 'none'
}

export interface Sent {
  readonly key?: Part
  readonly value: Part
}

/** Where a record went, or why it did not. */
export type Fate = { readonly offset: number } | { readonly refused: string }

export interface Door {
  /** Whether it takes the framed bytes, or JSON. */
  readonly form: 'bytes' | 'json'
  /** What becomes of several records that come together. */
  readonly together: 'batch' | 'each' | 'until' | 'none'
  readonly send: (house: SchemaHouse, topic: string, type: SchemaType, records: readonly Sent[]) => Promise<readonly Fate[]>
}

export type PartitionAnswer = Response<typeof Produce>['responses'][number]['partitionResponses'][number]

/** One batch for each partition. */
export async function produceBatches (
  house: SchemaHouse, topic: string, batches: ReadonlyArray<readonly Sent[]>, acks = -1
): Promise<readonly PartitionAnswer[]> {
  const { responses } = await house.native.send(Produce, 11, {
    acks,
    timeoutMs: 5000,
    topicData: [{
      name: topic,
      partitionData: batches.map((records, index) => ({
        index, records: [buildBatch(records.map(({ key, value }) => ({ key: key?.bytes ?? null, value: value.bytes }))).bytes]
      }))
    }]
  })
  return responses[0]?.partitionResponses ?? []
}

async function native (house: SchemaHouse, topic: string, _type: SchemaType, records: readonly Sent[]): Promise<Fate[]> {
  const [answer] = await produceBatches(house, topic, [records])
  const { errorCode, baseOffset, recordErrors } = answer!
  if (errorCode === errors.NONE) return records.map((_, i) => ({ offset: baseOffset + i }))
  if (errorCode !== errors.INVALID_RECORD) throw new Error(`Produce: ${errorCode} ${answer!.errorMessage}`)
  return records.map((_, i) => ({
    refused: recordErrors.find(({ batchIndex }) => batchIndex === i)?.batchIndexErrorMessage ?? 'another record of its batch was refused'
  }))
}

// ---- HTTP

interface Answer {
  readonly status: number
  readonly document: any
  readonly text: string
}

async function post (url: string, body: Buffer | string, type: string): Promise<Answer> {
  const answer = await fetch(url, { method: 'POST', headers: { 'content-type': type }, body: typeof body === 'string' ? body : new Uint8Array(body) })
  const text = await answer.text()
  return { status: answer.status, text, document: text.startsWith('{') && !text.includes('\r\n{') ? JSON.parse(text) as unknown : null }
}

const unexpected = ({ status, text }: Answer): Error => new Error(`neither accepted nor refused for its record: ${status} ${text}`)

function problemFate ({ document }: { readonly document: any }): Fate | null {
  const isRefusal = document?.type === 'urn:barnabas:problem:schema-validation' && document.status === 422 && document.kafka?.name === 'INVALID_RECORD'
  return isRefusal ? { refused: document.detail as string } : null
}

/** A key is text in the address, and JSON where the topic has a schema for keys, whatever the value is. */
const keyed = (url: string, { key }: Sent): URL => {
  const to = new URL(url)
  if (typeof key?.json === 'string') to.searchParams.set('key', key.json)
  return to
}

const plain = (type: string, bodyOf: (part: Part) => Buffer | string | null): Door['send'] => async ({ http }, topic, _type, [record]) => {
  const url = keyed(`${http}/topics/${topic}`, record!)
  const body = bodyOf(record!.value)
  if (body === null) url.searchParams.set('tombstone', 'true')
  const answer = await post(url.href, body ?? '', type)
  if (answer.status === 201) return [{ offset: answer.document.offset as number }]
  const fate = problemFate(answer)
  if (answer.status !== 422 || fate === null) throw unexpected(answer)
  return [fate]
}

async function ndjson ({ http }: SchemaHouse, topic: string, _type: SchemaType, records: readonly Sent[]): Promise<Fate[]> {
  const url = keyed(`${http}/topics/${topic}`, records[0]!)
  const answer = await post(url.href, records.map(({ value }) => `${value.json}\n`).join(''), 'application/x-ndjson')
  if (answer.status === 201) return records.map((_, i) => ({ offset: answer.document.partitions[0].firstOffset as number + i }))
  const fate = problemFate(answer)
  if (answer.status !== 422 || fate === null) throw unexpected(answer)
  const { line, appended, partitions } = answer.document as { line?: number, appended: number, partitions: { firstOffset: number }[] }
  if (line === undefined) return records.map(() => fate) // of the key, which all lines have in common
  return records.map((_, i) => {
    if (i < appended) return { offset: partitions[0]!.firstOffset + i }
    return i === line - 1 ? fate : { refused: 'a line before it was refused' }
  })
}

// ---- REST v2

const V2_SCHEMA: Readonly<Record<SchemaType, string>> = { AVRO: 'avro', JSON: 'jsonschema', PROTOBUF: 'protobuf' }

const v2Bytes: Door['send'] = (house, topic, _type, records) => v2(house, topic, 'binary', records, {}, ({ bytes }) => base64Json(bytes))

const v2Schema: Door['send'] = (house, topic, type, records) => {
  const { value } = records[0]!
  if (value.schema === 'none' && value.json !== null) return v2(house, topic, 'json', records, {}, ({ json }) => json ?? 'null')
  const ids = typeof value.schema === 'number' ? { value_schema_id: value.schema } : {}
  return v2(house, topic, V2_SCHEMA[type], records, ids, ({ json }) => json ?? 'null')
}

const base64Json = (bytes: Buffer | null | undefined): string => bytes === null || bytes === undefined ? 'null' : `"${bytes.toString('base64')}"`

async function v2 (
  { http }: SchemaHouse, topic: string, format: string, records: readonly Sent[], ids: object, write: (part: Part) => string
): Promise<Fate[]> {
  const items = records.map(({ key, value }) => `{"key":${key === undefined ? 'null' : write(key)},"value":${write(value)}}`)
  const body = `{${JSON.stringify(ids).slice(1, -1)}${Object.keys(ids).length > 0 ? ',' : ''}"records":[${items.join(',')}]}`
  const answer = await post(`${http}/topics/${topic}`, body, `application/vnd.kafka.${format}.v2+json`)
  // What no record can be written with is an error of the whole request.
  if (answer.status === 422 && answer.document.error_code === 42207) return records.map(() => ({ refused: answer.document.message as string }))
  if (answer.status !== 200) throw unexpected(answer)
  const offsets = answer.document.offsets as { offset: number | null, error_code: number | null, error: string | null }[]
  return offsets.map(({ offset, error_code: code, error }) => {
    if (offset !== null) return { offset }
    if (code !== 50002) throw unexpected(answer)
    return { refused: error! }
  })
}

// ---- REST v3

const v3Bytes = (house: SchemaHouse, topic: string, _type: SchemaType, records: readonly Sent[]): Promise<Fate[]> =>
  v3(house, topic, records, ({ bytes }) => `{"type":"BINARY","data":${base64Json(bytes)}}`)

const v3Schema = (house: SchemaHouse, topic: string, _type: SchemaType, records: readonly Sent[]): Promise<Fate[]> =>
  v3(house, topic, records, ({ json, schema }) => {
    if (json === null) return 'null'
    const named = schema === 'none' ? '"type":"JSON",' : typeof schema === 'number' ? `"schema_id":${schema},` : ''
    return `{${named}"data":${json}}`
  })

async function v3 ({ http, clusterId }: SchemaHouse, topic: string, records: readonly Sent[], write: (part: Part) => string): Promise<Fate[]> {
  const objects = records.map(({ key, value }) => `{${key === undefined ? '' : `"key":${write(key)},`}"value":${write(value)}}`)
  const answer = await post(`${http}/v3/clusters/${clusterId}/topics/${topic}/records`, objects.join('\n'), 'application/json')
  if (answer.status !== 200) throw unexpected(answer)
  const receipts = answer.text.split('\r\n').filter(line => line !== '')
    .map(line => JSON.parse(line) as { error_code: number, offset?: number, message?: string })
  return receipts.map(({ error_code: code, offset, message }) => {
    if (code === 200) return { offset: offset! }
    const [, says] = /^Error: 4220[67] : (.*)$/s.exec(message ?? '') ?? []
    if (code !== 422 || says === undefined) throw unexpected(answer)
    return { refused: says }
  })
}

// ---- WebSocket

const overWebSocket = (write: (part: Part, name: 'key' | 'value') => string): Door['send'] => async ({ http }, topic, _type, records) => {
  const socket = new WebSocket(`${http.replace('http', 'ws')}/ws`, 'barnabas.v1+json')
  try {
    await once(socket, 'open')
    const messages = on(socket, 'message', { close: ['close'] })
    socket.send('{"type":"connect"}')
    const items = records.map(({ key, value }) => `{${key === undefined ? '' : `${write(key, 'key')},`}${write(value, 'value')}}`)
    socket.send(`{"type":"produce","id":"p","topic":${JSON.stringify(topic)},"records":[${items.join(',')}]}`)
    for await (const [data] of messages) {
      const message = JSON.parse((data as Buffer).toString()) as { type: string, results: { offset?: number, error?: object }[] }
      if (message.type === 'error') throw new Error((data as Buffer).toString())
      if (message.type !== 'produced') continue
      return message.results.map(({ offset, error }): Fate => {
        if (offset !== undefined) return { offset }
        const fate = problemFate({ document: error })
        if (fate === null) throw new Error((data as Buffer).toString())
        return fate
      })
    }
    throw new Error('the session was closed')
  } finally {
    socket.terminate()
  }
}

export const doors: Readonly<Record<string, Door>> = {
  native: { form: 'bytes', together: 'batch', send: native },
  'plain bytes': { form: 'bytes', together: 'none', send: plain('application/octet-stream', ({ bytes }) => bytes) },
  'plain JSON': { form: 'json', together: 'none', send: plain('application/json', ({ json }) => json) },
  NDJSON: { form: 'json', together: 'until', send: ndjson },
  'v2 binary': { form: 'bytes', together: 'each', send: v2Bytes },
  'v2 schema': { form: 'json', together: 'each', send: v2Schema },
  'v3 BINARY': { form: 'bytes', together: 'each', send: v3Bytes },
  'v3 schema': { form: 'json', together: 'each', send: v3Schema },
  'WebSocket base64': {
    form: 'bytes', together: 'each', send: overWebSocket(({ bytes }, name) => `"${name}":${base64Json(bytes)},"${name}Encoding":"base64"`)
  },
  'WebSocket JSON': { form: 'json', together: 'each', send: overWebSocket(({ json }, name) => `"${name}":${json}`) }
}
