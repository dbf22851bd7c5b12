/**
 * Barnabas as a process of its own, attacked over HTTP and the Kafka protocol, and what each attack has cost it: for how long it
 * answered nobody else, how much it has computed, and how much memory it has at its highest.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { Test } from 'tap'
import type { RecordBatch } from '../../protocol/batch.ts'
import { Produce } from '../../protocol/messages/00-produce.ts'
import type { Response } from '../../protocol/schema.ts'
import type { SchemaType } from '../../src/schemas/model.ts'
import { Server } from '../crash/server.ts'
import { Connection } from '../engine/connection.ts'

const MIB = 1024 * 1024
const JSON_TYPE = { 'content-type': 'application/json' }
/** The connection was closed before all of the body was sent: it is too large. */
export const CLOSED = 0
/** Of Linux: what times in /proc are counted in. */
const TICK_MS = 10

export interface Cost {
  /** For how long nobody else was answered, at most. */
  readonly pauseMs: number
  readonly cpuMs: number
  /** What the process has, and what it had at its highest. */
  readonly residentMiB: number
  readonly highestMiB: number
}

export interface Told {
  readonly status: number
  readonly body: string
}

export type PartitionResponse = Response<typeof Produce>['responses'][number]['partitionResponses'][number]

export interface HostileHouse {
  readonly http: string
  /** Of the attacks so far. */
  readonly costs: Map<string, Cost>
  /** What the process has written. */
  output (): string
  /** `body` goes as it is if it is text. */
  ask (method: string, path: string, body?: string | object): Promise<Told>
  register (subject: string, schemaType: SchemaType, schema: string, more?: object): Promise<Told>
  /** One batch to a topic of one partition, by the native door. */
  produce (topic: string, batch: RecordBatch): Promise<PartitionResponse>
  /** An attack, of which the cost is noted. */
  measured<T> (name: string, attack: () => Promise<T>): Promise<T>
}

export async function openHostileHouse (t: Test, ...options: readonly string[]): Promise<HostileHouse> {
  const server = await Server.create(t, ['--durability', 'os', '--log-level', 'warn', ...options])
  await server.start()
  const http = `http://127.0.0.1:${server.httpPort}`
  const native = await Connection.open(server.kafkaPort)
  const watcher = fork(new URL('./watcher.ts', import.meta.url), [http], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv: []
  })
  t.teardown(() => {
    native.destroy()
    watcher.kill()
  })
  const longestPause = async (): Promise<number> => {
    watcher.send({})
    const [{ longestMs }] = await once(watcher, 'message') as [{ longestMs: number }]
    return longestMs
  }
  const costs = new Map<string, Cost>()
  const house: HostileHouse = {
    http,
    costs,
    output: () => server.output,
    async ask (method, path, body) {
      const sent = body === undefined ? {} : { headers: JSON_TYPE, body: typeof body === 'string' ? body : JSON.stringify(body) }
      try {
        const response = await fetch(`${http}${path}`, { method, ...sent })
        return { status: response.status, body: await response.text() }
      } catch (error) {
        if (!(error instanceof TypeError)) throw error
        return { status: CLOSED, body: String(error.cause) }
      }
    },
    register: (subject, schemaType, schema, more = {}) =>
      house.ask('POST', `/subjects/${encodeURIComponent(subject)}/versions`, { schemaType, schema, ...more }),
    async produce (topic, batch) {
      const { responses } = await native.send(Produce, 9, {
        acks: -1, timeoutMs: 30_000, topicData: [{ name: topic, partitionData: [{ index: 0, records: [batch.bytes] }] }]
      })
      return responses[0]!.partitionResponses[0]!
    },
    async measured (name, attack) {
      await longestPause()
      const before = cpuMs(server.pid)
      try {
        return await attack()
      } finally {
        const pauseMs = await longestPause()
        costs.set(name, { pauseMs, cpuMs: cpuMs(server.pid) - before, ...memory(server.pid) })
      }
    }
  }
  await longestPause()
  return house
}

/** Of all threads. */
function cpuMs (pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS
}

function memory (pid: number): Pick<Cost, 'residentMiB' | 'highestMiB'> {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8')
  const of = (name: string): number => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(text)![1]) * 1024 / MIB
  return { residentMiB: of('VmRSS'), highestMiB: of('VmHWM') }
}

/** The dearest first. */
export function told (costs: ReadonlyMap<string, Cost>, count = 8): string {
  const dearest = [...costs].sort(([, a], [, b]) => b.pauseMs - a.pauseMs).slice(0, count)
  return dearest.map(([name, { pauseMs, cpuMs, residentMiB }]) =>
    `${name}: ${pauseMs.toFixed()} ms for others, ${cpuMs} ms of CPU, ${residentMiB.toFixed()} MiB`).join('; ')
}
