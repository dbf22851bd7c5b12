/**
 * Foreign clients, bytes in and bytes out: what becomes of records that are sent together, and what is there.
 */
import type { Test } from 'tap'
import kafkajs from 'kafkajs'
import { confluentPython } from './cache.ts'
import { javaCommand } from './java.ts'
import { topicName } from './lines.ts'
import { Background } from './run.ts'

export interface Outgoing {
  readonly partition: number
  readonly value: Buffer | null
}

/** An offset, or what the client says. */
export type ClientFate = { readonly offset: number } | { readonly error: string }

export interface BytesClient {
  /** Sends them together, a batch for each partition. */
  produce (topic: string, records: readonly Outgoing[]): Promise<readonly ClientFate[]>
  /** The first so many values of partition 0. */
  consume (topic: string, count: number): Promise<ReadonlyArray<Buffer | null>>
}

interface Answer {
  readonly fates?: ClientFate[]
  readonly values?: (string | null)[]
  readonly error?: string
}

/** A client in a program of its own. */
class Program implements BytesClient {
  readonly #program: Background
  readonly #properties: object
  #jobs = 0

  constructor (t: Test, command: string, args: readonly string[], properties: object) {
    this.#program = new Background(t, command, args)
    this.#properties = properties
  }

  async produce (topic: string, records: readonly Outgoing[]): Promise<readonly ClientFate[]> {
    const encoded = records.map(({ partition, value }) => ({ partition, value: value?.toString('base64') ?? null }))
    return (await this.#ask('produce', { topic, records: encoded })).fates!
  }

  async consume (topic: string, count: number): Promise<ReadonlyArray<Buffer | null>> {
    const { values } = await this.#ask('consume', { topic, count })
    return values!.map(value => value === null ? null : Buffer.from(value, 'base64'))
  }

  async #ask (op: string, job: object): Promise<Answer> {
    const id = ++this.#jobs
    this.#program.write(`${JSON.stringify({ id, op, properties: this.#properties, ...job })}\n`)
    const answer = await this.#program.untilIt(`answer ${op} ${id}`, ({ stdout }) => {
      const line = stdout.split('\n').slice(0, -1).find(line => line.startsWith(`{"id":${id},`))
      return line === undefined ? null : JSON.parse(line) as Answer
    })
    if (answer.error !== undefined) throw new Error(answer.error)
    return answer
  }
}

const file = (name: string): string => new URL(name, import.meta.url).pathname

export const javaClient = async (t: Test, bootstrap: string, properties: object = {}): Promise<BytesClient> =>
  new Program(t, 'java', await javaCommand(file('SchemaClient.java')), { 'bootstrap.servers': bootstrap, ...properties })

export const rdkafkaClient = async (t: Test, bootstrap: string, properties: object = {}): Promise<BytesClient> =>
  new Program(t, await confluentPython(), [file('schema_rdkafka.py')], { 'bootstrap.servers': bootstrap, ...properties })

export async function kafkajsClient (t: Test, bootstrap: string): Promise<BytesClient> {
  const kafka = new kafkajs.Kafka({ brokers: [bootstrap], clientId: 'interop', logLevel: kafkajs.logLevel.NOTHING, retry: { retries: 0 } })
  const producer = kafka.producer()
  await producer.connect()
  t.teardown(() => producer.disconnect())
  return {
    async produce (topic, records) {
      const next = new Map<number, number>()
      try {
        const sent = await producer.send({ topic, acks: -1, messages: records.map(({ partition, value }) => ({ partition, value })) })
        for (const { partition, baseOffset } of sent) next.set(partition, Number(baseOffset))
      } catch (error) {
        const { name, message, type, code } = error as { name: string, message: string, type?: string, code?: number }
        return records.map(() => ({ error: `${name} ${type} ${code}: ${message}` }))
      }
      return records.map(({ partition }) => {
        const offset = next.get(partition)!
        next.set(partition, offset + 1)
        return { offset }
      })
    },
    async consume (topic, count) {
      const values: (Buffer | null)[] = []
      const consumer = kafka.consumer({ groupId: topicName('group'), maxWaitTimeInMs: 200 })
      await consumer.connect()
      await consumer.subscribe({ topic, fromBeginning: true })
      const enough = Promise.withResolvers<void>()
      await consumer.run({
        eachMessage: async ({ message: { value } }) => {
          values.push(value)
          if (values.length === count) enough.resolve()
        }
      })
      await enough.promise
      await consumer.disconnect()
      return values
    }
  }
}
