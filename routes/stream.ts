/**
 * Answers that are written in pieces while they come into being. Each piece is awaited, so a peer that does not read holds
 * up the loop that writes to it and nothing else: what waits for it is one piece and what the socket has taken.
 */
import type { OutgoingHttpHeaders } from 'node:http'
import type { FastifyReply } from 'fastify'

/** One for all: an error made for each abort would cost more than the abort. */
const LEFT = new Error('nobody waits any longer')

/** How a request that waits learns that it need not wait any longer. */
export class Leaving {
  readonly #reply: FastifyReply
  readonly #draining: AbortSignal
  readonly #left = new AbortController()
  #turn: AbortController | null = null
  #timer: NodeJS.Timeout | undefined

  constructor (reply: FastifyReply, draining: AbortSignal) {
    this.#reply = reply
    this.#draining = draining
    reply.raw.once('close', this.#onLeave)
    draining.addEventListener('abort', this.#onLeave)
    if (draining.aborted || reply.raw.destroyed) this.#onLeave()
  }

  /** Aborted when the peer has left or the process begins to stop. */
  get signal (): AbortSignal {
    return this.#left.signal
  }

  /** Aborted then too, and after `ms`. There is one such signal at a time: the one before it does not tell of time any more. */
  within (ms: number): AbortSignal {
    clearTimeout(this.#timer)
    const turn = this.#turn = new AbortController()
    if (this.#left.signal.aborted) turn.abort(LEFT)
    else this.#timer = setTimeout(() => turn.abort(LEFT), ms)
    return turn.signal
  }

  /** To be called when the answer is complete. */
  release (): void {
    clearTimeout(this.#timer)
    this.#reply.raw.off('close', this.#onLeave)
    this.#draining.removeEventListener('abort', this.#onLeave)
  }

  readonly #onLeave = (): void => {
    clearTimeout(this.#timer)
    this.#left.abort(LEFT)
    this.#turn?.abort(LEFT)
  }
}

export class ResponseStream {
  readonly #raw: FastifyReply['raw']

  /** Sends status and headers at once: a peer may wait for them before it sends more. */
  constructor (reply: FastifyReply, headers: Readonly<Record<string, string>>) {
    this.#raw = reply.raw
    reply.hijack()
    this.#raw.writeHead(200, { ...reply.getHeaders() as OutgoingHttpHeaders, ...headers })
    this.#raw.flushHeaders()
    // A peer that leaves is not an error; 'close' tells of it, and writing goes nowhere from then on.
    this.#raw.on('error', () => {})
  }

  /** Resolves when there is room for more, or when the peer has left. */
  write (piece: string | Buffer): Promise<void> | undefined {
    const raw = this.#raw
    if (piece.length === 0 || raw.destroyed || raw.write(piece)) return undefined
    return new Promise(resolve => {
      const onRoom = (): void => {
        raw.off('drain', onRoom)
        raw.off('close', onRoom)
        resolve()
      }
      raw.on('drain', onRoom)
      raw.on('close', onRoom)
    })
  }

  end (): void {
    this.#raw.end()
  }
}
