/**
 * Barnabas in a browser, or in Node 22 and later: live records over one WebSocket, and a way to append. A connection that
 * breaks comes back by itself, and every subscription goes on with exactly the next record.
 *
 *   import { connect } from '/client.js'
 *   const log = connect()
 *   for await (const record of log.subscribe('greetings', { from: 'earliest' })) console.log(record.value)
 *   await log.produce('greetings', { hello: 'world' }, { key: 'k' })
 *
 * @typedef {{ name: string, value: string | null, encoding?: 'base64' }} Header
 * @typedef {{ topic: string, partition: number, offset: number, timestamp: string | null, key: string | null, value: any,
 *   headers: Header[], keyEncoding?: 'base64', valueEncoding?: 'base64' }} LogRecord
 * @typedef {{ topic: string, partition: number, requested: number, actual: number, reason: string, cursor: string }} Gap
 * @typedef {{ bearer: string } | { ticket: string } | { basic: { user: string, password: string } }} Auth
 * @typedef {{ quota: string, limit: number, delayMs: number }} Throttled
 * @typedef {{ from?: string, records?: number, bytes?: number, onGap?: (gap: Gap) => void, onCaughtUp?: () => void }} SubscribeOptions
 *   `from`: 'earliest', 'latest', an ISO time or a cursor; `records` and `bytes`: the most that may wait here to be consumed.
 */
const MAX_BYTES = 1024 * 1024
const isTerminal = code => code < 4400 ? [1002, 1003, 1007, 1008, 1009, 1010].includes(code) : code < 4500 && code !== 4408 && code !== 4429
/** With full jitter, so that the clients of a server that restarts do not all come back at once. */
const backOff = attempts => Math.random() * Math.min(15_000, 250 * 2 ** attempts)
const errorOf = problem => Object.assign(new LogError(problem.detail), { problem })

/** Has the server's RFC 9457 document as `problem`, if it was the server that refused. */
export class LogError extends Error {}

/** @param {string | URL} [url] Of the WebSocket; by default that of the server which this module came from.
 *  @param {{ onState?: (state: 'connecting' | 'open' | 'waiting' | 'closed') => void, auth?: () => Auth | Promise<Auth>,
 *  onThrottled?: (throttled: Throttled) => void }} [options] `auth` is asked for every connection, and again before what it gave runs out. */
export const connect = (url = new URL('/ws', import.meta.url), options = {}) => new Log(url, { onState () {}, onThrottled () {}, ...options })

class Log {
  #url; #options; #onState; #socket; #limits = null; #pingMs = 25_000; #attempts = 0; #reconnectAfterMs = 0; #timer; #silence; #ids = 0; #closed = null
  #subscriptions = new Map()
  #produces = new Map()

  constructor (url, options) {
    this.#url = Object.assign(new URL(url), { protocol: new URL(url).protocol.replace('http', 'ws') })
    this.#options = options
    this.#onState = options.onState
    this.#open()
  }

  /** @param {string | string[]} topics @param {SubscribeOptions} [options] */
  subscribe (topics, options = {}) {
    const id = `s${++this.#ids}`
    const send = (type, fields) => this.#limits !== null && this.#socket.send(JSON.stringify({ type, id, ...fields }))
    const leave = () => this.#subscriptions.delete(id) && send('unsubscribe')
    const subscription = new Subscription({ ...options, topics: [topics].flat() }, send, leave)
    this.#subscriptions.set(id, subscription)
    this.#closed === null ? subscription.begin() : subscription.close(this.#closed)
    return subscription
  }

  /**
   * Rejects if the record was refused, or if the connection broke before the answer came: then it may be in the log or not.
   * @param {string} topic @param {any} value JSON or a Uint8Array @param {{ key?: string | null, partition?: number, headers?: Header[] }} [options]
   * @returns {Promise<{ partition: number, offset: number, timestamp: string }>}
   */
  async produce (topic, value, options = {}) {
    if (this.#closed !== null) throw this.#closed
    const id = `p${++this.#ids}`
    const bytes = value instanceof Uint8Array && { valueEncoding: 'base64', value: btoa(Array.from(value, byte => String.fromCharCode(byte)).join('')) }
    const text = JSON.stringify({ type: 'produce', id, topic, records: [{ value, ...options, ...bytes }] })
    if (new Blob([text]).size > MAX_BYTES) throw new LogError('The record is too large for a WebSocket message: POST it to /topics/{topic} instead.')
    const { problem, results: [{ error = problem, ...receipt }] = [{}] } = await new Promise((resolve, reject) => {
      this.#produces.set(id, { text, sent: false, receive: resolve, reject })
      this.#sendProduces()
    }).finally(() => this.#produces.delete(id) && this.#sendProduces())
    if (error !== undefined) throw errorOf(error)
    return receipt
  }

  close (error = new LogError('The log was closed.')) {
    this.#closed = error
    this.#leave(() => true, error)
    for (const subscription of this.#subscriptions.values()) subscription.close(error)
    this.#onState('closed')
  }

  #open () {
    this.#onState('connecting')
    const socket = this.#socket = new WebSocket(this.#url, 'barnabas.v1+json')
    socket.onopen = () => this.#introduce('connect')
    socket.onmessage = event => this.#socket === socket && this.#receive(JSON.parse(event.data))
    socket.onclose = event => this.#socket === socket && this.#lost(event)
  }

  async #introduce (type) {
    const socket = this.#socket
    try {
      const auth = await this.#options.auth?.()
      if (this.#socket === socket) socket.send(JSON.stringify({ type, ...auth !== undefined && { auth } }))
    } catch (error) {
      if (this.#socket === socket) this.close(error)
    }
  }

  #receive (message) {
    const { type, id } = message
    clearTimeout(this.#silence)
    this.#silence = setTimeout(() => this.#lost({ code: 4408, reason: '' }), 2 * (this.#pingMs = message.pingMs ?? this.#pingMs))
    if (type === 'ping') this.#socket.send('{"type":"pong"}')
    else if (type === 'auth_expiring') this.#options.auth !== undefined && this.#introduce('auth')
    else if (type === 'throttled') this.#options.onThrottled(message)
    else if (type === 'goaway') this.#reconnectAfterMs = message.reconnectAfterMs
    else if (type === 'connected') {
      this.#limits = message.limits
      this.#attempts = this.#reconnectAfterMs = 0
      this.#onState('open')
      for (const subscription of this.#subscriptions.values()) subscription.begin()
      this.#sendProduces()
    } else (this.#produces.get(id) ?? this.#subscriptions.get(id))?.receive(message)
  }

  #sendProduces () {
    const next = [...this.#produces.values()].slice(0, this.#limits?.produceInFlight ?? 0)
    for (const produce of next) produce.sent ||= this.#socket.send(produce.text) ?? true
  }

  #lost ({ code, reason }) {
    // An open session whose credentials ran out: the next one asks for new ones.
    const expired = code === 4401 && this.#limits !== null && this.#options.auth !== undefined
    if (isTerminal(code) && !expired) return this.close(new LogError(reason || `The server closed the connection with code ${code}.`))
    this.#leave(({ sent }) => sent, new LogError('The connection broke before the record was acknowledged: it may be in the log or not.'))
    this.#onState('waiting')
    this.#timer = setTimeout(() => this.#open(), Math.max(this.#reconnectAfterMs, backOff(this.#attempts++)))
  }

  /** Gives up the socket, and the produces that will not be answered any more. */
  #leave (isLost, error) {
    this.#socket?.close()
    this.#socket = this.#limits = null
    clearTimeout(this.#silence)
    clearTimeout(this.#timer)
    for (const produce of this.#produces.values()) isLost(produce) && produce.reject(error)
  }
}

/** An async iterable of LogRecord. What has come waits in `#queue`; credit for more goes out as it is consumed. */
class Subscription {
  #options; #send; #leave; #received; #timer; #attempts = 0; #error; #queue = []; #wake = () => {}
  /** What there is space for, what the server may still send, and the bytes that its next record takes if that is more. */
  #room; #credit; #needs = 0
  /** @type {string | undefined} A place to begin again: everything before it has been consumed. */ cursor

  constructor (options, send, leave) {
    this.#options = { records: 256, bytes: MAX_BYTES, onGap: gap => console.warn('Records are gone:', gap), onCaughtUp: () => {}, ...options }
    this.#room = { records: this.#options.records, bytes: this.#options.bytes }
    this.#send = send
    this.#leave = leave
  }

  begin () { // on every new connection
    const { topics, from } = this.#options
    clearTimeout(this.#timer)
    this.#credit = this.#room
    this.#send('subscribe', { topics, from: this.#received ?? from, credit: this.#credit })
  }

  receive (message) {
    const { type, records = [], bytes = 0 } = message
    this.#received = message.cursor ?? this.#received
    if (type === 'error' && message.retry) this.#timer = setTimeout(() => this.begin(), backOff(this.#attempts++))
    else if (type === 'error') this.close(errorOf(message.problem))
    else if (type === 'blocked') this.#grant(bytes)
    else this.#queue.push(message)
    if (type === 'records') {
      this.#needs = this.#attempts = 0
      this.#room = { records: this.#room.records - records.length, bytes: this.#room.bytes - bytes }
      this.#credit = { records: this.#credit.records - records.length, bytes: this.#credit.bytes - bytes }
    }
    this.#wake()
  }

  /** Ends the iteration, behind what has come already. */
  close (error = null) {
    this.#error = error
    clearTimeout(this.#timer)
    this.#leave()
    this.#wake()
  }

  async * [Symbol.asyncIterator] () {
    try {
      for (;;) {
        const [message] = this.#queue
        yield * message?.records ?? []
        if (message !== undefined) this.#consumed(this.#queue.shift())
        else if (this.#error === undefined) await new Promise(resolve => { this.#wake = () => resolve(null) })
        else if (this.#error === null) return
        else throw this.#error
      }
    } finally {
      this.close()
    }
  }

  #consumed ({ type, records = [], bytes = 0, ...rest }) {
    this.cursor = rest.cursor
    this.#room = { records: this.#room.records + records.length, bytes: this.#room.bytes + bytes }
    this.#grant()
    if (type === 'gap') this.#options.onGap(rest)
    if (type === 'caught_up') this.#options.onCaughtUp()
  }

  /** Not after every record: when half of the credit is used up, or too little is left for the next record. */
  #grant (needs = this.#needs) {
    this.#needs = needs
    if (this.#queue.length === 0) this.#room = { ...this.#room, bytes: Math.max(this.#room.bytes, needs) }
    const { records, bytes } = this.#credit
    if (records * 2 > this.#room.records && bytes * 2 > this.#room.bytes && bytes >= needs) return
    this.#credit = this.#room
    this.#send('credit', { records: this.#credit.records - records, bytes: this.#credit.bytes - bytes })
  }
}
