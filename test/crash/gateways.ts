/**
 * Gateways that are started, asked and killed, and what is in the log that they share.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Test } from 'tap'
import { batchesIn } from '../../protocol/batch.ts'
import { Fetch } from '../../protocol/messages/01-fetch.ts'
import { Metadata } from '../../protocol/messages/03-metadata.ts'
import { recordsIn } from '../../protocol/records.ts'
import { REPAIR_HEADER } from '../../src/schemas/entries.ts'
import { SCHEMAS_TOPIC } from '../../src/schemas/registry-log.ts'
import { Connection } from '../engine/connection.ts'
import type { Answer, Found, Question } from './gateway.ts'

const PROGRAM = new URL('./gateway.ts', import.meta.url)

/** It was killed: what became of the question nobody knows. */
export class GoneError extends Error {
  override readonly name = 'GoneError'
}

export class Gateway {
  readonly #port: number
  readonly #waiting = new Map<number, { readonly resolve: (answer: Answer) => void, readonly reject: (error: Error) => void }>()
  #child: ChildProcess | null = null
  #n = 0

  constructor (t: Test, port: number) {
    this.#port = port
    t.teardown(() => this.kill())
  }

  /** Resolves when it knows all that is in the log. */
  async start (): Promise<void> {
    const child = fork(PROGRAM, [String(this.#port)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: [] })
    this.#child = child
    const ready = this.#expect(0)
    child.on('message', (answer: Answer) => {
      const waiting = this.#waiting.get(answer.n)
      this.#waiting.delete(answer.n)
      if (answer.error === undefined) waiting?.resolve(answer)
      else waiting?.reject(new Error(answer.error))
    })
    child.on('exit', () => {
      for (const { reject } of this.#waiting.values()) reject(new GoneError('the gateway is gone'))
      this.#waiting.clear()
    })
    await ready
  }

  /** `kill -9`. */
  async kill (): Promise<void> {
    const child = this.#child
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  }

  /** Rejects with GoneError where there is no answer, and with what the registry has said where it refuses. */
  async ask (question: Question): Promise<Answer> {
    const child = this.#child!
    if (!child.connected) throw new GoneError('the gateway is gone')
    const n = ++this.#n
    const answer = this.#expect(n)
    child.send({ n, ...question }, error => {
      if (error !== null && this.#waiting.delete(n)) rejectOf.get(answer)?.(new GoneError(error.message))
    })
    return await answer
  }

  async found (question: Question): Promise<Found> {
    return (await this.ask(question)).found!
  }

  #expect (n: number): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    this.#waiting.set(n, { resolve, reject })
    rejectOf.set(promise, reject)
    return promise
  }
}

const rejectOf = new WeakMap<Promise<Answer>, (error: Error) => void>()

interface Written {
  readonly key: string
  readonly value: string | null
  readonly isRepair: boolean
}

/** What `_schemas` holds of schemas, in order. */
export async function schemasIn (port: number): Promise<Written[]> {
  const connection = await Connection.open(port)
  try {
    const { topics: [topic] } = await connection.send(Metadata, 12, { topics: [{ name: SCHEMAS_TOPIC }], allowAutoTopicCreation: false })
    const written: Written[] = []
    for (let offset = 0; ;) {
      const { responses: [answer] } = await connection.send(Fetch, 16, {
        maxWaitMs: 0,
        minBytes: 0,
        maxBytes: 8e6,
        topics: [{ topic: SCHEMAS_TOPIC, topicId: topic!.topicId, partitions: [{ partition: 0, fetchOffset: offset, partitionMaxBytes: 8e6 }] }]
      })
      const batches = [...batchesIn(Buffer.concat(answer!.partitions[0]!.records ?? []))].filter(({ nextOffset }) => nextOffset > offset)
      if (batches.length === 0) return written
      for (const batch of batches) {
        for (const { key, value, headers } of recordsIn(batch)) {
          if (String(key).includes('"SCHEMA"')) {
            written.push({ key: String(key), value: value === null ? null : String(value), isRepair: headers.some(one => one.key === REPAIR_HEADER) })
          }
        }
        offset = batch.nextOffset
      }
    }
  } finally {
    connection.destroy()
  }
}

export interface Reading {
  /** By key. */
  readonly schemas: ReadonlyMap<string, Found>
  /** What a log has left of them that keeps the last record of each key. */
  readonly compacted: ReadonlyMap<string, Found>
  /** Records that came too late. */
  readonly raced: number
  readonly repairs: number
}

/** What a log means in which nothing is deleted: the first of a version, and the first of an id, has it. */
export function read (written: readonly Written[]): Reading {
  const schemas = new Map<string, Found>()
  const compacted = new Map<string, Found>()
  const ids = new Map<string, string>()
  let raced = 0
  let repairs = 0
  for (const { key, value, isRepair } of written) {
    const found = value === null ? null : shortened(value)
    if (found === null) compacted.delete(key)
    else compacted.set(key, found)
    if (isRepair) {
      repairs++
      continue
    }
    if (found === null) throw new Error(`nobody has deleted ${key}`)
    const id = `${contextOf(found.subject)} ${found.id}`
    if (schemas.has(key) || (ids.get(id) ?? found.schema) !== found.schema) {
      raced++
      continue
    }
    schemas.set(key, found)
    ids.set(id, found.schema)
  }
  return { schemas, compacted, raced, repairs }
}

function shortened (value: string): Found {
  const { subject, version, id, schema } = JSON.parse(value) as Found
  return { subject, version, id, schema }
}

export const contextOf = (subject: string): string => /^:(\.[^:]*):/.exec(subject)?.[1] ?? '.'

/** By subject and version, in one order. */
export const inOrder = (all: Iterable<Found>): Found[] =>
  [...all].sort((a, b) => a.subject < b.subject ? -1 : a.subject > b.subject ? 1 : a.version - b.version)
