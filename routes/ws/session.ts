/**
 * One WebSocket: what the client says goes to its subscriptions or to the log, and what comes back goes out on the wire.
 */
import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import type { FastifyBaseLogger } from 'fastify'
import type { WebSocket } from 'ws'
import { errorRow, KafkaError } from '../../protocol/errors.ts'
import { formatPrincipal, type Context } from '../../protocol/rpc.ts'
import type { Identity, Origin } from '../../src/auth/identity.ts'
import { nobody } from '../authentication.ts'
import type { HttpDoor } from '../door.ts'
import { paced } from '../pace.ts'
import { Problem, problemOf, type ProblemSlug } from '../problem.ts'
import { worked } from '../quotas.ts'
import { encodeJson, serdeFor } from '../schema-json.ts'
import { Closed, closes, type CloseCode } from './close.ts'
import { limits, type Timing } from './limits.ts'
import { readMessage, Refused, type ClientMessage, type EncodeFor, type Subscribe } from './messages.ts'
import { Producing, type ProducingHost } from './producing.ts'
import { prove, type Proof } from './proof.ts'
import { Standing } from './standing.ts'
import { Subscription, type SubscriptionHost } from './subscription.ts'
import type { Tally } from './tally.ts'
import { Wire } from './wire.ts'
import type { QuotaKind, Throttle } from '../guards.ts'

export interface SessionOptions {
  readonly context: Context
  readonly origin: Origin
  /** Null if that has yet to be proved. */
  readonly identity: Identity | null
  /** Whether the client is not asked to say `connect`. */
  readonly implicit: boolean
  /** How many subscriptions each principal has. */
  readonly subscriptions: Tally
  readonly timing: Timing
  readonly log: FastifyBaseLogger
}

interface Heard {
  readonly data: Buffer
  readonly isBinary: boolean
}

export class Session implements SubscriptionHost, ProducingHost {
  readonly id = randomBytes(12).toString('base64url')
  readonly door: HttpDoor
  readonly wire: Wire
  /** Resolves when the socket is closed, however that came about. */
  readonly closed: Promise<void>
  readonly #log: FastifyBaseLogger
  readonly #timing: Timing
  readonly #origin: Origin
  readonly #standing: Standing
  readonly #tally: Tally
  /** Aborted when the session ends, or is about to: nothing stands still for longer. */
  readonly #ending = new AbortController()
  readonly #subscriptions = new Map<string, Subscription>()
  readonly #producing: Producing
  readonly #pings: NodeJS.Timeout
  readonly #encodeFor: EncodeFor = topic => {
    const serde = serdeFor(this.door, this.#context, topic)
    return (part, value) => encodeJson(serde, topic, part, value)
  }

  #context: Context
  #connecting: NodeJS.Timeout | undefined
  #connected = false
  /** What was heard while a proof is being looked at; null at all other times. */
  #unheard: Heard[] | null = null
  /** Since the last sign of life: frames that came, or what we sent being taken. */
  #silentIntervals = 0
  #code: CloseCode | undefined
  #draining = false
  #released = false

  constructor (socket: WebSocket, stream: Socket, door: HttpDoor, options: SessionOptions) {
    const { context, origin, identity, implicit, subscriptions, timing, log } = options
    this.door = door
    this.#context = context
    this.#origin = origin
    this.#tally = subscriptions
    this.#timing = timing
    this.#log = log
    this.#producing = new Producing(this)
    this.#standing = new Standing({
      expiring: inMs => this.wire.send({ type: 'auth_expiring', inMs }),
      expired: () => this.close(new Closed(closes.unauthenticated, 'The credentials have expired: connect again with new ones.'))
    }, door.connections, timing.authNoticeMs)
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
    this.#connecting = setTimeout(() => {
      this.close(new Closed(closes.timeout, `The first message must be "connect", within ${timing.connectMs / 1000} seconds.`))
    }, timing.connectMs).unref()
    this.#orClose(() => {
      if (identity !== null) this.#standing.accept(identity)
      if (implicit) this.#connect(null, null)
    })
  }

  get context (): Context { return this.#context }

  /** The client is told why in a message too: a reason has room for one sentence, and many clients do not show it. */
  close (reason: Closed): void {
    if (!this.wire.open) return
    this.#code = reason.code
    this.tell(null, new Problem(slugs[reason.code] ?? 'invalid-request', reason.message), isWorthReconnecting(reason.code))
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
      this.#ending.abort()
      await this.#producing.done()
      this.#code ??= closes.goingAway
      this.wire.close(closes.goingAway, 'The server is about to stop.')
    }
    await this.closed
  }

  /** For Subscription. */
  ended (subscription: Subscription, error?: unknown): void {
    if (this.#subscriptions.delete(subscription.id)) this.#tally.remove(this.#context.principal)
    this.door.stats.webSocket.subscriptions--
    if (error !== undefined) this.tell(subscription.id, error)
  }

  #receive (data: Buffer, isBinary: boolean): void {
    this.#silentIntervals = 0
    this.door.stats.webSocket.framesIn++
    this.#hear({ data, isBinary })
  }

  #hear (heard: Heard): void {
    if (!this.wire.open) return
    if (this.#unheard !== null) {
      this.#unheard.push(heard)
      return
    }
    const { data, isBinary } = heard
    this.#orClose(() => {
      if (isBinary) throw new Closed(closes.malformed, 'Messages are text, not binary.')
      worked(this.door.quotas, this.#context, () => this.#obey(readMessage(data.toString(), this.#encodeFor), data.length))
    })
  }

  /** What `act` throws is told to the client, or ends the session. */
  #orClose (act: () => void): void {
    try {
      act()
    } catch (error) {
      if (error instanceof Refused) return this.tell(error.id, error.cause)
      if (error instanceof Closed) return this.close(error)
      this.#log.error({ err: error, session: this.id }, 'a WebSocket message failed')
      this.close(new Closed(closes.internal, 'The server failed in a way it did not foresee; its log says more.'))
    }
  }

  #obey (message: ClientMessage, bytes: number): void {
    if (message.type === 'connect') return this.#connect(message.clientId, message.proof)
    if (message.type === 'ignored') return
    if (!this.#connected) throw new Closed(closes.malformed, `The first message must be "connect", not "${message.type}".`)
    switch (message.type) {
      case 'auth': return this.#authenticate(message.proof, ({ expiresAtMs }) => {
        this.wire.send({ type: 'authenticated', expires: expiresAtMs === null ? null : new Date(expiresAtMs).toISOString() })
      })
      case 'subscribe': return this.#subscribe(message)
      case 'produce':
        this.#refuseWhileDraining(message.id)
        return this.#producing.append(message, bytes)
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

  #connect (clientId: string | null, proof: Proof | null): void {
    clearTimeout(this.#connecting)
    if (clientId !== null) this.#context = { ...this.#context, clientId }
    if (proof !== null) return this.#authenticate(proof, () => this.#greet())
    if (this.#standing.identity === null) {
      if (this.door.authentication?.anonymous !== true) {
        throw new Closed(closes.unauthenticated, 'Credentials are needed: "connect" must carry "auth".')
      }
      this.#standing.accept(nobody)
    }
    this.#greet()
  }

  /** Nothing that the client says is heard before it is known whether the proof is good. */
  #authenticate (proof: Proof, then: (identity: Identity) => void): void {
    const { authentication } = this.door
    if (authentication === null) return then(nobody)
    const heard: Heard[] = this.#unheard = []
    this.wire.hold()
    prove(this.door, authentication, this.#origin, proof).then(identity => () => {
      this.#standing.accept(identity)
      this.#context = { ...this.#context, principal: this.#standing.identity!.principal }
      then(identity)
    }, (error: unknown) => () => {
      throw error instanceof Problem && error.slug === 'unauthenticated' ? new Closed(closes.unauthenticated, error.message) : error
    }).then(act => {
      this.#unheard = null
      this.wire.release()
      if (!this.wire.open) return
      this.#orClose(act)
      for (const one of heard) this.#hear(one)
    })
  }

  #greet (): void {
    this.#connected = true
    this.wire.send({ type: 'connected', session: this.id, pingMs: this.#timing.pingMs, limits })
  }

  #subscribe (message: Subscribe): void {
    const { id } = message
    if (this.#subscriptions.has(id)) throw new Closed(closes.duplicateId, `There is a subscription ${JSON.stringify(id)} already.`)
    this.#refuseWhileDraining(id)
    if (this.#subscriptions.size >= limits.subscriptions) {
      this.door.limited('subscriptions', this.#context)
      throw new Refused(id, new Problem('quota-exceeded', `A session may have ${limits.subscriptions} subscriptions: end one, or open another session.`))
    }
    let subscription: Subscription
    try {
      subscription = new Subscription(this, message)
    } catch (error) {
      throw new Refused(id, error)
    }
    const { principal } = this.#context
    if (!this.#tally.add(principal)) {
      this.door.limited('subscriptions', this.#context)
      throw new Refused(id, new Problem('quota-exceeded', `${formatPrincipal(principal)} has as many subscriptions as it may have: end one.`))
    }
    this.#subscriptions.set(id, subscription)
    this.door.stats.webSocket.subscriptions++
    subscription.open(message)
  }

  /** For Subscription and Producing: null, or a pause because a quota has been used up, which the client is told of. */
  paused (kinds: readonly QuotaKind[], id: string, signal = this.#ending.signal): Promise<unknown> | null {
    const allowance = this.door.quotas.allowance(this.#context, ...kinds)
    if (allowance === null || allowance.delayMs <= 0) return null
    return paced(this.door.quotas, this.#context, kinds, signal, {
      begun: ({ quota, limit, delayMs }: Throttle) => this.wire.send({ type: 'throttled', id, quota, limit, delayMs: Math.ceil(delayMs) })
    })
  }

  #refuseWhileDraining (id: string): void {
    if (this.#draining) throw new Refused(id, new Problem('not-available', 'The server is about to stop: connect again.'))
  }

  /** For Producing, too. */
  tell (id: string | null, error: unknown, retry = isWorthRetrying(error)): void {
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
    for (const subscription of this.#subscriptions.values()) {
      subscription.drop()
      this.#tally.remove(this.#context.principal)
    }
    this.door.stats.webSocket.subscriptions -= this.#subscriptions.size
    this.#subscriptions.clear()
  }

  #release (code: number): void {
    if (this.#released) return
    this.#released = true
    clearInterval(this.#pings)
    clearTimeout(this.#connecting)
    this.#standing.release()
    this.#ending.abort()
    this.#dropSubscriptions()
    const { webSocket: stats } = this.door.stats
    stats.sessions--
    stats.closes.set(code, (stats.closes.get(code) ?? 0) + 1)
  }
}

const slugs: Partial<Record<CloseCode, ProblemSlug>> = {
  [closes.unauthenticated]: 'unauthenticated',
  [closes.forbidden]: 'forbidden',
  [closes.timeout]: 'request-timeout',
  [closes.tooMany]: 'quota-exceeded',
  [closes.internal]: 'internal-error'
}

/** docs/websocket.md has the rule. */
const isWorthReconnecting = (code: CloseCode): boolean => code === closes.timeout || code === closes.tooMany || code >= closes.internal

/** A topic that is not there is not waited for, although Kafka's clients do. */
function isWorthRetrying (error: unknown): boolean {
  if (error instanceof KafkaError) return errorRow(error.errorCode).retriable && error.code !== 'UNKNOWN_TOPIC_OR_PARTITION'
  return !(error instanceof Problem) || error.slug === 'quota-exceeded' || error.slug === 'not-available'
}
