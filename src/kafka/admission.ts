/**
 * Which sockets come in at all: as many as there may be, from as many, as often. What is refused is closed unread; what
 * comes too often is kept waiting for that, so that a client which connects in a loop costs little.
 */
import type { Socket } from 'node:net'
import type { Admission, ConnectionLimits } from '../access/connections.ts'
import { plainAddress } from './advertise.ts'
import type { LogLimit } from './log-limit.ts'
import type { KafkaStats } from './stats.ts'

type Refusal = Exclude<Admission, 'admitted'>

/** Sockets that wait for their end; each holds a file descriptor. */
const MAX_WAITING = 256

export class Doorkeeper {
  readonly #connections: ConnectionLimits
  readonly #delayMs: number
  readonly #log: LogLimit
  readonly #stats: KafkaStats
  readonly #waiting = new Map<Socket, NodeJS.Timeout>()

  constructor (connections: ConnectionLimits, delayMs: number, log: LogLimit, stats: KafkaStats) {
    this.#connections = connections
    this.#delayMs = delayMs
    this.#log = log
    this.#stats = stats
  }

  /** Whether an accepted socket may stay. It is counted until it closes. */
  admit (socket: Socket): boolean {
    const { remoteAddress } = socket
    // The peer may have reset the connection while it waited to be accepted.
    if (socket.destroyed || remoteAddress === undefined) {
      socket.destroy()
      return false
    }
    const connections = this.#connections
    const address = plainAddress(remoteAddress)
    const admission = connections.admit(address)
    if (admission !== 'admitted') {
      this.#refuse(socket, address, admission)
      return false
    }
    socket.once('close', () => connections.left(address))
    return true
  }

  close (): void {
    for (const [socket, timer] of this.#waiting) {
      clearTimeout(timer)
      socket.destroy()
    }
    this.#waiting.clear()
  }

  #refuse (socket: Socket, address: string, refusal: Refusal): void {
    this.#stats.disconnects[refusal]++
    this.#log.write('warn', refusal, { address }, `A connection was refused: ${this.#describe(refusal)}`)
    socket.on('error', () => {}) // whatever it is, the connection is refused
    if (refusal !== 'too_fast' || this.#waiting.size >= MAX_WAITING) {
      socket.destroy()
      return
    }
    this.#waiting.set(socket, setTimeout(() => {
      this.#waiting.delete(socket)
      socket.destroy()
    }, this.#delayMs))
  }

  #describe (refusal: Refusal): string {
    const { max, maxPerAddress } = this.#connections.bounds
    switch (refusal) {
      case 'too_many': return `${max} are open, which is the limit.`
      case 'too_many_per_address': return `${maxPerAddress} from its address are open, which is the limit.`
      case 'too_fast': return 'its address connects more often than it may.'
    }
  }
}
