/**
 * One WebSocket: what the client says goes to its subscriptions or to the log, and what comes back goes out on the wire.
 */
import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import type { FastifyBaseLogger } from 'fastify'
import type { WebSocket } from 'ws'
import { errorRow, KafkaError } from '../../protocol/errors.ts'
import type { Context } from '../../protocol/rpc.ts'
import { produce, type Outcome } from '../../src/client/producer.ts'
import type { HttpDoor } from '../door.ts'
import { Problem, problemOf } from '../problem.ts'
import { Closed, closes, type CloseCode } from './close.ts'
import { limits, type Timing } from './limits.ts'
import { readMessage, Refused, type ClientMessage, type ProduceRecords, type Subscribe } from './messages.ts'
import { Subscription, type SubscriptionHost } from './subscription.ts'
import { Wire } from './wire.ts'

export class Session implements SubscriptionHost {
  readonly id = randomBytes(12).toString('base64url')
  readonly door: HttpDoor
  readonly wire: Wire
  /** Resolves when the socket is closed, however that came about. */
  readonly closed: Promise<void>
  readonly #log: FastifyBaseLogger
  readonly #timing: Timing
  readonly #subscriptions = new Map<string, Subscription>()
  readonly #producing = new Map<string, Promise<void>>()
  /** The last append to each topic: what one client sends to a topic is appended in that order. */
  readonly #appends = new Map<string, Promise<void>>()
  readonly #pings: NodeJS.Timeout
  #context: Context
  #connecting: NodeJS.Timeout | undefined
  /** Since the last sign of life: frames that came, or what we sent being taken. */
  #silentIntervals = 0
  #code: CloseCode | undefined
  #draining = false
  #released = false

  /** With `implicit`, the client is not asked to say `connect`. */
  constructor (socket: WebSocket, stream: Socket, context: Context, door: HttpDoor, timing: Timing, log: FastifyBaseLogger, implicit: boolean) {
    this.door = door
    this.#context = context
    this.#timing = timing
    this.#log = log
    const stats = door.stats.webSocket
    this.wire = new Wire(socket, stream, stats, () => {
      this.#silentIntervals = 0
      for (const subscription of this.#subscriptions.values()) subscription.pump()
    })
    this.#pings = setInterval(() => this.#ping(), timing.pingMs).unref()
    socket.on('message', (data: Buffer, isBinary: boolean) => this.#receive(data, isBinary))
    socket.on('pong', () => { this.#silentIntervals = 0 })
    stats.sessions++
    stats.sessionsTotal++
    this.closed = new Promise(resolve => socket.once('close', (code: number) => {
      this.#release(this.#code ?? code)
      resolve()
    }))
    if (implicit) {
      this.#greet()
    } else {
      this.#connecting = setTimeout(() => {
        this.close(new Closed(closes.timeout, `The first message must be "connect", within ${timing.connectMs / 1000} seconds.`))
      }, timing.connectMs).unref()
    }
  }

  get context (): Context { return this.#context }

  /** The client is told why in a message too: a reason has room for one sentence, and many clients do not show it. */
  close (reason: Closed): void {
    if (!this.wire.open) return
    this.#code = reason.code
    const slug = reason.code === closes.internal ? 'internal-error' : reason.code === closes.timeout ? 'request-timeout' : 'invalid-request'
    this.#tell(null, new Problem(slug, reason.message), reason.code === closes.timeout || reason.code === closes.internal)
    this.wire.close(reason.code, reason.message)
    this.#release(reason.code)
  }

  /** Says goodbye, answers what was asked before, and closes. Resolves when that is done. */
  async drain (): Promise<void> {
    if (!this.#draining && this.wire.open) {
      this.#draining = true
      const [min, max] = this.#timing.reconnectAfterMs
      this.wire.send({ type: 'goaway', reconnectAfterMs: Math.round(min + Math.random() * (max - min)), reason: 'The server is about to stop.' })
      this.#dropSubscriptions()
      await Promise.all(this.#producing.values())
      this.#code ??= closes.goingAway
      this.wire.close(closes.goingAway, 'The server is about to stop.')
    }
    await this.closed
  }

  /** For Subscription. */
  ended (subscription: Subscription, error?: unknown): void {
    this.#subscriptions.delete(subscription.id)
    this.door.stats.webSocket.subscriptions--
    if (error !== undefined) this.#tell(subscription.id, error)
  }

  #receive (data: Buffer, isBinary: boolean): void {
    this.#silentIntervals = 0
    this.door.stats.webSocket.framesIn++
    if (!this.wire.open) return
    try {
      if (isBinary) throw new Closed(closes.malformed, 'Messages are text, not binary.')
      this.#obey(readMessage(data.toString()))
    } catch (error) {
      if (error instanceof Refused) return this.#tell(error.id, error.cause)
      if (error instanceof Closed) return this.close(error)
      this.#log.error({ err: error, session: this.id }, 'a WebSocket message failed')
      this.close(new Closed(closes.internal, 'The server failed in a way it did not foresee; its log says more.'))
    }
  }

  #obey (message: ClientMessage): void {
    if (message.type === 'connect') return this.#connect(message.clientId)
    if (message.type === 'ignored') return
    if (this.#connecting !== undefined) throw new Closed(closes.malformed, `The first message must be "connect", not "${message.type}".`)
    switch (message.type) {
      case 'subscribe': return this.#subscribe(message)
      case 'produce': return this.#produce(message)
      case 'unsubscribe': return this.#subscriptions.get(message.id)?.leave()
      case 'credit':
        try {
          this.#subscriptions.get(message.id)?.grant(message.grant)
        } catch (error) {
          throw new Refused(message.id, error)
        }
        break
      case 'pong': // has been counted as a sign of life
    }
  }

  #connect (clientId: string | null): void {
    clearTimeout(this.#connecting)
    this.#connecting = undefined
    if (clientId !== null) this.#context = { ...this.#context, clientId }
    this.#greet()
  }

  #greet (): void {
    this.wire.send({ type: 'connected', session: this.id, pingMs: this.#timing.pingMs, limits })
  }

  #subscribe (message: Subscribe): void {
    const { id } = message
    if (this.#subscriptions.has(id)) throw new Closed(closes.duplicateId, `There is a subscription ${JSON.stringify(id)} already.`)
    this.#refuseWhileDraining(id)
    if (this.#subscriptions.size >= limits.subscriptions) {
      throw new Refused(id, new Problem('quota-exceeded', `A session may have ${limits.subscriptions} subscriptions: end one, or open another session.`))
    }
    let subscription: Subscription
    try {
      subscription = new Subscription(this, message)
    } catch (error) {
      throw new Refused(id, error)
    }
    this.#subscriptions.set(id, subscription)
    this.door.stats.webSocket.subscriptions++
    subscription.open(message)
  }

  #produce (message: ProduceRecords): void {
    const { id, topic } = message
    if (this.#producing.has(id)) throw new Closed(closes.duplicateId, `The records ${JSON.stringify(id)} have not been acknowledged yet.`)
    this.#refuseWhileDraining(id)
    if (this.#producing.size >= limits.produceInFlight) {
      throw new Refused(id, new Problem('quota-exceeded', `${limits.produceInFlight} messages wait to be acknowledged: wait for one of them.`))
    }
    const before = this.#appends.get(topic) ?? Promise.resolve()
    const append = before.then(() => this.#append(message))
    this.#appends.set(topic, append)
    this.#producing.set(id, append)
    append.then(() => {
      this.#producing.delete(id)
      if (this.#appends.get(topic) === append) this.#appends.delete(topic)
    })
  }

  /** Never rejects. */
  async #append ({ id, topic, records }: ProduceRecords): Promise<void> {
    try {
      const outcomes = await produce(this.door.dispatch, this.#context, topic, records)
      this.wire.send({ type: 'produced', id, results: outcomes.map(resultOf) })
    } catch (error) {
      this.#tell(id, error)
    }
  }

  #refuseWhileDraining (id: string): void {
    if (this.#draining) throw new Refused(id, new Problem('not-available', 'The server is about to stop: connect again.'))
  }

  #tell (id: string | null, error: unknown, retry = isWorthRetrying(error)): void {
    const problem = problemOf(error)
    if (problem.status === 500 && !(error instanceof Problem)) this.#log.error({ err: error, session: this.id, id }, 'a WebSocket request failed')
    this.wire.send({ type: 'error', ...id !== null && { id }, retry, problem })
  }

  #ping (): void {
    if (++this.#silentIntervals > 2) {
      this.close(new Closed(closes.timeout, `There was no sign of life for ${2 * this.#timing.pingMs / 1000} seconds.`))
    } else if (!this.wire.congested) {
      this.wire.send({ type: 'ping' })
      // A WebSocket answers this one by itself, where there is no program behind it that would answer the other.
      this.wire.ping()
    }
  }

  #dropSubscriptions (): void {
    for (const subscription of this.#subscriptions.values()) subscription.drop()
    this.door.stats.webSocket.subscriptions -= this.#subscriptions.size
    this.#subscriptions.clear()
  }

  #release (code: number): void {
    if (this.#released) return
    this.#released = true
    clearInterval(this.#pings)
    clearTimeout(this.#connecting)
    this.#dropSubscriptions()
    const { webSocket: stats } = this.door.stats
    stats.sessions--
    stats.closes.set(code, (stats.closes.get(code) ?? 0) + 1)
  }
}

function resultOf (outcome: Outcome): object {
  if (outcome instanceof KafkaError) return { error: problemOf(outcome) }
  const { partition, offset, timestampMs } = outcome
  return { partition, offset, timestamp: new Date(timestampMs).toISOString() }
}

/** A topic that is not there is not waited for, although Kafka's clients do. */
function isWorthRetrying (error: unknown): boolean {
  if (error instanceof KafkaError) return errorRow(error.errorCode).retriable && error.code !== 'UNKNOWN_TOPIC_OR_PARTITION'
  return !(error instanceof Problem) || error.slug === 'quota-exceeded' || error.slug === 'not-available'
}
