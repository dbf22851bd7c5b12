/**
 * `application/x-ndjson`, produced: every line is the value of a record. The body is appended while it arrives, in order;
 * the first line that is refused ends it.
 */
import type { Readable } from 'node:stream'
import { KafkaError } from '../protocol/errors.ts'
import { produceEach, type Attempt } from '../src/client/produce-each.ts'
import type { Outcome } from '../src/client/producer.ts'
import type { Context } from '../protocol/rpc.ts'
import type { HttpDoor } from './door.ts'
import { Flight } from './flight.ts'
import { LineSplitter, type Line } from './lines.ts'
import { paced, refuseTheGone } from './pace.ts'
import { kafkaProblem, Problem } from './problem.ts'
import { encodeText, serdeFor } from './schema-json.ts'
import { chunksOf } from './upload.ts'

export interface BulkReceipt {
  readonly topic: string
  readonly count: number
  readonly partitions: readonly AppendedRange[]
}

interface AppendedRange {
  readonly partition: number
  count: number
  readonly firstOffset: number
  lastOffset: number
}

/** What every line has in common. */
export interface Target {
  readonly topic: string
  readonly key: Buffer | null
  readonly partition: number | undefined
}

/**
 * `leaving` is aborted when the peer leaves or the process begins to stop. Rejects with a Problem that names the line which
 * was refused and says how many records were appended before it.
 */
export async function appendLines (
  door: HttpDoor, context: Context, body: Readable, { topic, key, partition }: Target, leaving: AbortSignal
): Promise<BulkReceipt> {
  const tally = new Tally()
  const flight = new Flight<Line>(async batch => {
    await paced(door.quotas, context, ['producer', 'request'], leaving)
    refuseTheGone(door, leaving)
    const attempts = batch.map(({ bytes }) => attempt(bytes))
    const outcomes = await produceEach(door.dispatch, context, topic, attempts, -1, 'stop').catch(asOutcomes(attempts.length))
    const refused = tally.add(outcomes)
    if (refused !== -1) throw kafkaProblem(outcomes[refused] as KafkaError, { line: batch[refused]!.number, ...tally.summary })
  })
  const serde = serdeFor(door, context, topic)
  const attempt = (bytes: Buffer): Attempt => {
    try {
      return { key, value: encodeText(serde, topic, 'value', bytes), partition }
    } catch (error) {
      if (error instanceof KafkaError) return error
      throw error
    }
  }
  const splitter = new LineSplitter(door.maxBodyBytes)
  const stop = AbortSignal.any([door.draining, flight.failed])
  for await (const chunk of chunksOf(body, stop)) {
    for (const line of splitter.push(chunk)) {
      if (flight.isFull(line.bytes.length)) await flight.room()
      flight.add(line, line.bytes.length)
    }
    flight.go()
    if (splitter.overlong) {
      await flight.done()
      throw new Problem('record-too-large', `Line ${splitter.next} is longer than ${door.maxBodyBytes} bytes.`, { line: splitter.next, ...tally.summary })
    }
  }
  if (stop.aborted) {
    await flight.done() // rejects if that is what has failed
    throw new Problem('not-available', 'The server is about to stop: send the rest again, elsewhere or later.', { line: splitter.next, ...tally.summary })
  }
  const last = splitter.finish()
  if (last !== null && flight.isFull(last.bytes.length)) await flight.room()
  if (last !== null) flight.add(last, last.bytes.length)
  await flight.done()
  return { topic, count: tally.count, partitions: tally.ranges }
}

const asOutcomes = (count: number) => (error: unknown): Outcome[] => {
  if (!(error instanceof KafkaError)) throw error
  return new Array<Outcome>(count).fill(error)
}

class Tally {
  readonly #ranges = new Map<number, AppendedRange>()
  count = 0

  get ranges (): readonly AppendedRange[] {
    return [...this.#ranges.values()].sort((a, b) => a.partition - b.partition)
  }

  get summary (): { appended: number, partitions: readonly AppendedRange[] } {
    return { appended: this.count, partitions: this.ranges }
  }

  /** Counts what was appended; the index of the record that was at fault, or -1. */
  add (outcomes: readonly Outcome[]): number {
    for (const outcome of outcomes) {
      if (outcome instanceof KafkaError) continue
      const { partition, offset } = outcome
      const range = this.#ranges.get(partition)
      this.count++
      if (range === undefined) {
        this.#ranges.set(partition, { partition, count: 1, firstOffset: offset, lastOffset: offset })
      } else {
        range.count++
        range.lastOffset = offset
      }
    }
    return outcomes.findIndex(outcome => outcome instanceof KafkaError && outcome.code !== 'OPERATION_NOT_ATTEMPTED')
  }
}
