/**
 * A gateway as the table of schemas sees it, in this process or another: schemas are registered there, topics made, and what has
 * become of records is looked at from both sides.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { errors } from '../../protocol/errors.ts'
import { Fetch } from '../../protocol/messages/01-fetch.ts'
import { ListOffsets } from '../../protocol/messages/02-list-offsets.ts'
import { batchesIn } from '../../protocol/batch.ts'
import { recordsIn, type Header } from '../../protocol/records.ts'
import type { SchemaType } from '../../src/schemas/model.ts'
import { Connection } from '../engine/connection.ts'

export interface Stored {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly Header[]
}

export class SchemaHouse {
  /** `http://HOST:PORT` */
  readonly http: string
  readonly native: Connection
  readonly clusterId: string

  private constructor (http: string, native: Connection, clusterId: string) {
    this.http = http
    this.native = native
    this.clusterId = clusterId
  }

  static async open (http: string, kafkaPort: number): Promise<SchemaHouse> {
    const answer = await fetch(`${http}/v3/clusters`)
    const { data } = await answer.json() as { data: { cluster_id: string }[] }
    return new SchemaHouse(http, await Connection.open(kafkaPort), data[0]!.cluster_id)
  }

  /** Gives the id. The same text has the same one under every subject. */
  async register (subject: string, schemaType: SchemaType, schema: string): Promise<number> {
    const { id } = await this.#ask('POST', `/subjects/${subject}/versions`, { schemaType, schema }) as { id: number }
    return id
  }

  /** A topic that asks for something of its records. */
  async createTopic (topic: string, validation: object, partitions = 1): Promise<void> {
    await this.#ask('PUT', `/topics/${topic}`, { partitions })
    await this.#ask('PUT', `/topics/${topic}/validation`, validation)
    // In front of a cluster partitions of a new topic have no leader for a moment, and native requests here do not ask twice.
    for (let partition = 0; partition < partitions; partition++) {
      while ((await this.#lookUp(topic, partition)).errorCode !== errors.NONE) await sleep(20)
    }
  }

  /** Where the next record goes. */
  async end (topic: string, partition = 0): Promise<number> {
    const { errorCode, offset } = await this.#lookUp(topic, partition)
    if (errorCode !== errors.NONE) throw new Error(`ListOffsets of ${topic}: ${errorCode}`)
    return offset
  }

  async #lookUp (topic: string, partition: number): Promise<{ readonly errorCode: number, readonly offset: number }> {
    const { topics } = await this.native.send(ListOffsets, 9, {
      replicaId: -1, isolationLevel: 0, topics: [{ name: topic, partitions: [{ partitionIndex: partition, timestamp: -1 }] }]
    })
    return topics[0]!.partitions[0]!
  }

  /** All records of a partition, as Kafka's clients get them. */
  async stored (topic: string, partition = 0): Promise<Stored[]> {
    const { responses } = await this.native.send(Fetch, 11, {
      maxWaitMs: 0,
      minBytes: 1,
      maxBytes: 1_000_000,
      topics: [{ topic, partitions: [{ partition, fetchOffset: 0, partitionMaxBytes: 1_000_000 }] }]
    })
    const { errorCode, records } = responses[0]!.partitions[0]!
    if (errorCode !== errors.NONE) throw new Error(`Fetch of ${topic}: ${errorCode}`)
    return Array.from(batchesIn(Buffer.concat(records ?? []))).flatMap(batch => Array.from(recordsIn(batch)))
  }

  /** The JSON of a record over HTTP: of its value, or its key, as it was sent. */
  async json (topic: string, offset: number, part: 'key' | 'value' = 'value'): Promise<string> {
    const answer = await fetch(`${this.http}/topics/${topic}/records?partition=0&offset=${offset}&limit=1`)
    const text = await answer.text()
    const pattern = part === 'key' ? /"key":(.*),"value":/ : /"value":(.*),"headers":\[/
    return pattern.exec(text)?.[1] ?? `${answer.status} ${text}`
  }

  /** How many records of a topic did not pass: by `outcome reason`. */
  async faults (topic: string): Promise<Record<string, number>> {
    const text = await (await fetch(`${this.http}/metrics`)).text()
    const rows = text.matchAll(/^barnabas_validation_faults_total\{topic="([^"]*)",outcome="([^"]*)",reason="([^"]*)"\} (\d+)$/gm)
    return Object.fromEntries(Array.from(rows).filter(row => row[1] === topic).map(([, , outcome, reason, count]) => [`${outcome} ${reason}`, Number(count)]))
  }

  async #ask (method: string, path: string, body: object): Promise<unknown> {
    const answer = await fetch(this.http + path, { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
    return JSON.parse(text) as unknown
  }
}
