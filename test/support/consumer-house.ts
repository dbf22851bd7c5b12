/**
 * Consumer instances over a whole engine, asked as Confluent's clients do.
 */
import type { Test } from 'tap'
import type { InjectOptions, LightMyRequestResponse } from 'fastify'
import { anonymous, neverAborted, type Context } from '../../protocol/rpc.ts'
import type { HttpDoor } from '../../routes/door.ts'
import { createTopic } from '../../src/client/admin.ts'
import { produce } from '../../src/client/producer.ts'
import type { LogEngine } from '../../storage/engine.ts'
import { withEmbeddedDoor, type EmbeddedDoor } from './embedded-door.ts'

export const V2 = 'application/vnd.kafka.v2+json'
export const context: Context = {
  principal: anonymous, door: 'internal', clientId: 'test', address: '', version: 0, signal: neverAborted, throttleMs: 0
}

export type Method = 'GET' | 'POST' | 'DELETE'
export type Answer = LightMyRequestResponse & { readonly document: any }
type Bytes = string | Buffer

export interface NewValue {
  readonly key?: Bytes
  readonly value: Bytes | null
  readonly partition?: number
}

export interface House extends EmbeddedDoor {
  readonly ask: (method: Method, url: string, payload?: unknown, headers?: Record<string, string>) => Promise<Answer>
  readonly create: (topic: string, partitions: number) => Promise<unknown>
  readonly write: (topic: string, ...values: readonly (string | NewValue)[]) => Promise<void>
  /** Creates and subscribes an instance, and gives its path. */
  readonly subscribed: (group: string, settings: object, ...topics: readonly string[]) => Promise<string>
}

export async function withHouse (
  t: Test, folder: string, use: (house: House) => Promise<void>, more?: (engine: LogEngine) => Partial<HttpDoor>
): Promise<void> {
  await withEmbeddedDoor(t, folder, async door => {
    const { dispatch } = door.engine
    const ask: House['ask'] = async (method, url, payload, headers = {}) => {
      const options: InjectOptions = { method, url, headers: { ...payload === undefined ? {} : { 'content-type': V2 }, ...headers } }
      if (payload !== undefined) options.payload = typeof payload === 'string' ? payload : JSON.stringify(payload)
      const response = await door.inject(options)
      return Object.assign(response, { document: response.body === '' ? null : JSON.parse(response.body) as unknown })
    }
    await use({
      ...door,
      ask,
      create: (name, partitions) => createTopic(dispatch, context, { name, partitions }),
      async write (topic, ...values) {
        const records = values.map((one): NewValue => typeof one === 'string' ? { value: one } : one)
          .map(({ key, value, partition }) => ({ key: bytesOf(key ?? null), value: bytesOf(value), partition }))
        for (const outcome of await produce(dispatch, context, topic, records)) if (outcome instanceof Error) throw outcome
      },
      async subscribed (group, settings, ...topics) {
        const created = await ask('POST', `/consumers/${group}`, { 'auto.offset.reset': 'earliest', ...settings })
        if (created.statusCode !== 200) throw new Error(created.body)
        const path = new URL(created.document.base_uri as string).pathname
        const answer = await ask('POST', `${path}/subscription`, { topics })
        if (answer.statusCode !== 204) throw new Error(answer.body)
        return path
      }
    })
  }, more)
}

const bytesOf = (data: Bytes | null): Buffer | null => data === null ? null : Buffer.from(data as string)
