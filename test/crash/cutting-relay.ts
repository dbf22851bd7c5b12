/**
 * A TCP relay that ends connections at random bytes: in the middle of a frame, of a length, after a request and before its
 * answer. What it has taken and not handed on is gone, as on a network.
 */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { Test } from 'tap'

/** A connection that is to be cut lives for fewer bytes than 2 to the power of this in each direction: most for few, some for many. */
const MAX_LIFE_BITS = 18

interface Link {
  readonly client: Socket
  readonly server: Socket
}

export class CuttingRelay {
  readonly port: number
  /** How many connections it has cut. */
  cuts = 0
  /** Where it hands on to, from the next connection on. */
  target: { readonly host: string, readonly port: number } | null = null
  readonly #random: () => number
  readonly #links = new Set<Link>()
  /** Whether connections, those that are there among them, are cut from now on. */
  isCutting = false

  private constructor (port: number, random: () => number) {
    this.port = port
    this.#random = random
  }

  /** Listens on a port of its own; ends with the test. */
  static async open (t: Test, random: () => number): Promise<CuttingRelay> {
    const server = createServer({ noDelay: true }, socket => relay.#take(socket)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const relay = new CuttingRelay((server.address() as AddressInfo).port, random)
    t.teardown(() => {
      server.close()
      relay.dropAll()
    })
    return relay
  }

  get address (): string {
    return `127.0.0.1:${this.port}`
  }

  /** All of them, now. */
  dropAll (): void {
    for (const { client, server } of this.#links) {
      client.destroy()
      server.destroy()
    }
  }

  #take (client: Socket): void {
    const server = connect({ ...this.target!, noDelay: true })
    const link = { client, server }
    this.#links.add(link)
    this.#hand(link, client, server)
    this.#hand(link, server, client)
  }

  #hand (link: Link, from: Socket, to: Socket): void {
    let left = -1
    from.on('data', (chunk: Buffer) => {
      if (!this.isCutting) left = -1
      else if (left < 0) left = Math.floor(2 ** (this.#random() * MAX_LIFE_BITS))
      if (left < 0 || chunk.length <= left) {
        if (left >= 0) left -= chunk.length
        if (to.write(chunk)) return
        from.pause()
        to.once('drain', () => from.resume())
        return
      }
      this.cuts++
      from.pause()
      // Both ways for a connection to end: in good order, and by a reset.
      const isReset = this.#random() < 0.5
      to.write(chunk.subarray(0, left), () => isReset ? to.resetAndDestroy() : to.end())
      if (isReset) from.resetAndDestroy()
      else from.destroy()
    })
    from.on('end', () => to.end())
    from.on('error', () => to.destroy())
    from.on('close', () => {
      this.#links.delete(link)
      to.destroySoon()
    })
  }
}
