/**
 * What a session appends: in the order of each topic, as fast as its quota allows, and no more at a time than there is room for.
 */
import { KafkaError } from '../../protocol/errors.ts'
import { formatPrincipal, type Context } from '../../protocol/rpc.ts'
import { produceEach } from '../../src/client/produce-each.ts'
import type { Outcome } from '../../src/client/producer.ts'
import type { HttpDoor } from '../door.ts'
import { UNCOUNTED_BYTES } from '../limits.ts'
import { Problem, problemOf } from '../problem.ts'
import { Closed, closes } from './close.ts'
import { limits } from './limits.ts'
import { Refused, type ProduceRecords } from './messages.ts'
import type { Wire } from './wire.ts'
import type { QuotaKind } from '../guards.ts'

export interface ProducingHost {
  readonly wire: Wire
  readonly door: HttpDoor
  readonly context: Context
  paused (kinds: readonly QuotaKind[], id: string): Promise<unknown> | null
  tell (id: string, error: unknown): void
}

export class Producing {
  readonly #host: ProducingHost
  readonly #unanswered = new Map<string, Promise<void>>()
  /** The last append to each topic: what one client sends to a topic is appended in that order. */
  readonly #appends = new Map<string, Promise<void>>()
  /** The pause of all that is to be appended, while there is one. */
  #pause: Promise<unknown> | null = null

  constructor (host: ProducingHost) {
    this.#host = host
  }

  /** `bytes` is the length of the message. Throws Closed or Refused. */
  append (message: ProduceRecords, bytes: number): void {
    const { id, topic } = message
    if (this.#unanswered.has(id)) throw new Closed(closes.duplicateId, `The records ${JSON.stringify(id)} have not been acknowledged yet.`)
    if (this.#unanswered.size >= limits.produceInFlight) {
      throw new Refused(id, new Problem('quota-exceeded', `${limits.produceInFlight} messages wait to be acknowledged: wait for one of them.`))
    }
    const before = this.#appends.get(topic) ?? Promise.resolve()
    const room = this.#reserve(bytes)
    const append = before.then(() => room).then(giveBack => this.#append(message).then(giveBack))
    this.#appends.set(topic, append)
    this.#unanswered.set(id, append)
    append.then(() => {
      this.#unanswered.delete(id)
      if (this.#appends.get(topic) === append) this.#appends.delete(topic)
    })
  }

  /** Resolves when all of it has been answered. */
  async done (): Promise<void> {
    await Promise.all(this.#unanswered.values())
  }

  /** Resolves when there is room for a message, to what gives it back. Until then no other one is read. */
  async #reserve (bytes: number): Promise<() => void> {
    if (bytes <= UNCOUNTED_BYTES) return () => {}
    const { memory } = this.#host.door
    const principal = formatPrincipal(this.#host.context.principal)
    const reserved = memory.reserve(principal, bytes)
    if (reserved !== true) {
      this.#host.wire.hold()
      await reserved
      this.#host.wire.release()
    }
    return () => memory.release(principal, bytes)
  }

  /** Never rejects. */
  async #append ({ id, topic, records }: ProduceRecords): Promise<void> {
    try {
      this.#pause ??= this.#host.paused(['producer', 'request'], id)?.finally(() => { this.#pause = null }) ?? null
      if (this.#pause !== null) {
        await this.#pause
        // Whoever leaves in the middle of a pause has not got around it.
        if (!this.#host.wire.open) return
      }
      const outcomes = await produceEach(this.#host.door.dispatch, this.#host.context, topic, records)
      this.#host.wire.send({ type: 'produced', id, results: outcomes.map(resultOf) })
    } catch (error) {
      this.#host.tell(id, error)
    }
  }
}

function resultOf (outcome: Outcome): object {
  if (outcome instanceof KafkaError) return { error: problemOf(outcome) }
  const { partition, offset, timestampMs } = outcome
  return { partition, offset, timestamp: new Date(timestampMs).toISOString() }
}
