/**
 * A TCP relay that counts: whether a client keeps its connections, or opens new ones, is seen from outside.
 */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { Test } from 'tap'

/** Between two machines the end of a connection comes after the last answer, not with it: kafka-python misses the answer then. */
const END_DELAY_MS = 30

export class Relay {
  readonly port: number
  /** How many connections it has taken so far. */
  taken = 0

  private constructor (port: number) {
    this.port = port
  }

  /** Listens on a port of its own and hands on to `target`. Ends with the test. */
  static async open (t: Test, target: number): Promise<Relay> {
    const sockets = new Set<Socket>()
    const server = createServer({ allowHalfOpen: true }, socket => {
      relay.taken++
      const onward = connect({ port: target, host: '127.0.0.1', allowHalfOpen: true })
      for (const [one, other] of [[socket, onward], [onward, socket]] as const) {
        sockets.add(one)
        one.pipe(other, { end: false })
        one.on('end', () => setTimeout(() => other.end(), END_DELAY_MS))
        one.on('error', () => other.destroy()).on('close', () => sockets.delete(one))
      }
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const relay = new Relay((server.address() as AddressInfo).port)
    t.teardown(() => {
      server.close()
      for (const socket of sockets) socket.destroy()
    })
    return relay
  }
}
