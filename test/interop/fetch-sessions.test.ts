/**
 * Fetch sessions (KIP-227), request by request: what is answered here and by a broker of Apache Kafka is the same.
 */
import t from 'tap'
import { apis } from '../../protocol/apis.ts'
import { errorRow } from '../../protocol/errors.ts'
import { Fetch } from '../../protocol/messages/01-fetch.ts'
import { ApiVersions } from '../../protocol/messages/18-api-versions.ts'
import { DeleteRecords } from '../../protocol/messages/21-delete-records.ts'
import type { Response } from '../../protocol/schema.ts'
import { Connection, remote } from '../engine/connection.ts'
import { Client, NO_ID, type TopicRef } from '../engine/suite/kit.ts'
import { behindMany } from './support/against.ts'
import { startKafka, startServer } from './support/server.ts'

const BY_NAME = 12
const BY_ID = 17

interface Asked {
  /** Of a session that was begun; a number is meant as it is. */
  readonly id?: string | number
  readonly epoch: number
  /** `a-0`: from the offset. */
  readonly want?: Readonly<Record<string, number>>
  readonly forget?: readonly string[]
  readonly version?: number
  readonly maxBytes?: number
}

/** A client that writes down what it hears, in words that are the same whoever it talks to. */
class Scribe {
  readonly lines: string[] = []
  readonly client: Client
  readonly #connection: Connection
  readonly #topics = new Map<string, TopicRef>()
  readonly #sessions = new Map<string, number>()

  private constructor (connection: Connection, client: Client) {
    this.#connection = connection
    this.client = client
  }

  static async open (port: number): Promise<Scribe> {
    const connection = await Connection.open(port)
    const { apiKeys } = await connection.send(ApiVersions, 3, { clientSoftwareName: 'scribe', clientSoftwareVersion: '1' })
    const theirs = new Map(apiKeys.map(({ apiKey, minVersion, maxVersion }) => [apiKey, [minVersion, maxVersion] as const]))
    const supports = new Map(apis.flatMap(({ key, versions: [, max] }) => {
      const range = theirs.get(key)
      return range === undefined ? [] : [[key, [range[0], Math.min(range[1], max)] as const] as const]
    }))
    const { dispatch, close } = remote(port)
    return new Scribe(connection, new Client({ dispatch, supports, close: async () => { close(); connection.destroy() } }))
  }

  /** Under the name `as`, whatever it was before. */
  async topic (name: string, partitions: number, as = name): Promise<void> {
    this.#topics.set(as, await this.client.topic(partitions, {}, name))
  }

  async produce (one: string): Promise<void> {
    const { name, partition } = this.#find(one)
    await this.client.append(this.#topics.get(name)!, ['x'.repeat(100)], partition)
  }

  async deleteRecords (one: string, offset: number): Promise<void> {
    const { name, partition } = this.#find(one)
    await this.client.call(DeleteRecords, { topics: [{ name, partitions: [{ partitionIndex: partition, offset }] }], timeoutMs: 10_000 })
  }

  /** What is answered; a session that begins is known as `name` from then on. */
  async ask (name: string, { id = 0, epoch, want = {}, forget = [], version = BY_NAME, maxBytes = 1_000_000 }: Asked): Promise<void> {
    const answer = await this.#connection.send(Fetch, version, {
      maxWaitMs: 100,
      minBytes: 1,
      maxBytes,
      sessionId: typeof id === 'number' ? id : this.#sessions.get(id)!,
      sessionEpoch: epoch,
      topics: Object.entries(want).map(([one, fetchOffset]) => {
        const { partition, ...topic } = this.#refer(one, version)
        return { ...topic, partitions: [{ partition, fetchOffset, partitionMaxBytes: 1_000_000 }] }
      }),
      forgottenTopicsData: forget.map(one => {
        const { partition, ...topic } = this.#refer(one, version)
        return { ...topic, partitions: [partition] }
      })
    })
    if (answer.sessionId !== 0 && ![...this.#sessions.values()].includes(answer.sessionId)) this.#sessions.set(name, answer.sessionId)
    const session = [...this.#sessions].find(([, known]) => known === answer.sessionId)?.[0] ?? 'no session'
    this.lines.push(`${name}: ${session}, ${errorRow(answer.errorCode).name}, ${this.#partitions(answer).join(' ')}`)
  }

  #partitions ({ responses }: Response<typeof Fetch>): string[] {
    return responses.flatMap(({ topic, topicId, partitions }) => {
      const name = topicId === NO_ID ? topic : [...this.#topics].find(([, { id }]) => id === topicId)?.[0] ?? 'another'
      return partitions.map(({ partitionIndex, errorCode, highWatermark, logStartOffset, records }) => {
        const bytes = (records ?? []).reduce((sum, { length }) => sum + length, 0)
        return `${name}-${partitionIndex}(${errorRow(errorCode).name} ${logStartOffset}..${highWatermark}${bytes > 0 ? ' records' : ''})`
      })
    })
  }

  #find (one: string): { name: string, partition: number } {
    const [name, partition] = one.split('-') as [string, string]
    return { name, partition: Number(partition) }
  }

  #refer (one: string, version: number): { topic?: string, topicId?: string, partition: number } {
    const { name, partition } = this.#find(one)
    return version < 13 ? { topic: name, partition } : { topicId: this.#topics.get(name)?.id ?? 'unknownunknownunknownQ', partition }
  }
}

async function byName (scribe: Scribe): Promise<void> {
  await scribe.topic('a', 3)
  await scribe.topic('b', 1)
  await scribe.ask('first', { epoch: 0, want: { 'a-0': 0, 'a-1': 0, 'b-0': 0 } })
  await scribe.ask('nothing new', { id: 'first', epoch: 1 })
  await scribe.produce('a-1')
  await scribe.ask('records', { id: 'first', epoch: 2 })
  await scribe.ask('they are read', { id: 'first', epoch: 3, want: { 'a-1': 1 } })
  await scribe.produce('b-0')
  await scribe.ask('one is forgotten', { id: 'first', epoch: 4, forget: ['a-0', 'a-2', 'c-0'] })
  await scribe.ask('asked again', { id: 'first', epoch: 5 })
  await scribe.ask('the same epoch', { id: 'first', epoch: 5 })
  await scribe.ask('an epoch to come', { id: 'first', epoch: 9 })
  await scribe.ask('an epoch that cannot be', { id: 'first', epoch: -7 })
  await scribe.ask('out of range', { id: 'first', epoch: 6, want: { 'a-0': 99, 'b-0': 1 } })
  await scribe.ask('still out of range', { id: 'first', epoch: 7 })
  await scribe.ask('in range', { id: 'first', epoch: 8, want: { 'a-0': 0 } })
  await scribe.ask('with ids', { id: 'first', epoch: 9, version: BY_ID, want: { 'a-0': 0 } })
  await scribe.ask('an older version', { id: 'first', epoch: 9, version: 7 })
  await scribe.deleteRecords('a-1', 1)
  await scribe.ask('deleted records', { id: 'first', epoch: 10 })
  await scribe.ask('no such topic', { id: 'first', epoch: 11, want: { 'missing-0': 0, 'a-9': 0 } })
  await scribe.ask('none of them', { id: 'first', epoch: 12, forget: ['a-0', 'a-1', 'b-0', 'missing-0', 'a-9'] })
  await scribe.ask('after its end', { id: 'first', epoch: 13 })
}

async function ids (scribe: Scribe): Promise<void> {
  await scribe.topic('d', 2)
  await scribe.topic('e', 1, 'old')
  await scribe.ask('by id', { epoch: 0, version: BY_ID, want: { 'd-0': 0, 'old-0': 0, 'unknown-0': 0 } })
  await scribe.ask('nothing but the unknown', { id: 'by id', epoch: 1, version: 13 })
  await scribe.client.deleteTopic({ name: 'e' })
  await scribe.topic('e', 1, 'new')
  await scribe.ask('deleted', { id: 'by id', epoch: 2, version: BY_ID, forget: ['unknown-0'] })
  await scribe.produce('d-0')
  await scribe.ask('made anew', { id: 'by id', epoch: 3, version: BY_ID, want: { 'new-0': 0 }, forget: ['old-0'] })
  await scribe.ask('with names', { id: 'by id', epoch: 4, want: { 'd-0': 0 } })
  await scribe.ask('in another\'s place', { id: 'by id', epoch: 0, version: BY_ID, want: { 'd-1': 0 } })
  await scribe.ask('the one before', { id: 'by id', epoch: 4, version: BY_ID })
  await scribe.ask('its last', { id: 'in another\'s place', epoch: -1, version: BY_ID, want: { 'd-0': 0 } })
  await scribe.ask('after that', { id: 'in another\'s place', epoch: 1, version: BY_ID })
}

async function edges (scribe: Scribe): Promise<void> {
  await scribe.ask('without one', { epoch: -1, want: { 'a-2': 0 } })
  await scribe.ask('without one, of that id', { id: 123, epoch: -1, want: { 'a-2': 0 } })
  await scribe.ask('no id', { epoch: 5 })
  await scribe.ask('nobody\'s id', { id: 123, epoch: 5 })
  await scribe.ask('a negative id', { id: -123, epoch: 5 })
  await scribe.ask('of nothing', { epoch: 0 })
  await scribe.ask('still of nothing', { id: 'of nothing', epoch: 1 })
}

/** One batch fits into an answer: who has had one waits until the others have had theirs. */
async function turns (scribe: Scribe): Promise<void> {
  await scribe.topic('f', 2)
  await scribe.topic('g', 1)
  const want = { 'f-0': 0, 'g-0': 0, 'f-1': 0 }
  for (const one of Object.keys(want)) await scribe.produce(one)
  await scribe.ask('turns', { epoch: 0, want, maxBytes: 1 })
  for (let epoch = 1; epoch < 8; epoch++) await scribe.ask(`turn ${epoch}`, { id: 'turns', epoch, maxBytes: 1 })
}

async function transcript (address: string): Promise<readonly string[]> {
  const scribe = await Scribe.open(Number(address.split(':')[1]))
  try {
    for (const steps of [byName, ids, edges, turns]) await steps(scribe)
    return scribe.lines
  } finally {
    await scribe.client.engine.close()
  }
}

/**
 * Kafka keeps the name that an id had when it was asked for first, and finds the new topic under it. To a request without a
 * session it says what is said here. Clients ask for metadata upon either.
 */
const DELETED = {
  theirs: 'deleted: by id, NONE, old-0(INCONSISTENT_TOPIC_ID -1..-1)',
  ours: 'deleted: by id, NONE, old-0(UNKNOWN_TOPIC_ID -1..-1)'
}

/** Of several brokers the first to answer has its turn: their order is not Kafka's, but none is forgotten. */
const TURN = /^turn \d+: turns, NONE, (\S+)\(/

t.test('the same answers as from Kafka', async t => {
  const ours = await transcript((await startServer(t)).kafka)
  const theirs = await transcript((await startKafka(t)).kafka)
  t.ok(theirs.length > 40)
  const isCompared = (line: string): boolean => !behindMany || !TURN.test(line)
  t.same(ours.filter(isCompared), theirs.filter(isCompared).map(line => line === DELETED.theirs ? DELETED.ours : line))
  const had = Map.groupBy(ours.flatMap(line => TURN.exec(line)?.[1] ?? []), partition => partition)
  t.same([...had].map(([partition, { length }]) => `${partition} ${length >= 1}`).sort(), ['f-0 true', 'f-1 true', 'g-0 true'])
})
