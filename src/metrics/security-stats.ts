/**
 * Counts what doors and policies report of logins, denials and limits. The names come from sets of ours: nothing that a
 * stranger sends becomes a label.
 */
import { operations, resourceTypes } from '../access/model.ts'
import type { Refusal } from '../access/connections.ts'
import type { SecurityCounters } from './sources.ts'

/** How an identity is proved over HTTP and WebSocket. */
const httpMethods: ReadonlySet<string> = new Set(['BASIC', 'BEARER', 'TLS', 'TICKET'])
const httpDoors: ReadonlySet<string> = new Set(['http', 'sse', 'ws'])
const OTHER = 'other'

/** What connections are refused for, as the other limits are called. */
export const connectionLimits: Readonly<Record<Refusal, string>> = {
  too_many: 'connections', too_many_per_address: 'connections_per_address', too_many_per_principal: 'connections_per_principal', too_fast: 'connection_rate'
}

export class SecurityStats implements SecurityCounters {
  readonly #httpLogins = new Counts()
  readonly #denials = new Counts()
  readonly #limits = new Counts()

  /** `door` may be the name of a Kafka listener: those logins pass by, they are counted where they happen. */
  authenticated ({ method, outcome, door }: { readonly method: string, readonly outcome: 'success' | 'failure', readonly door?: string | undefined }): void {
    const isHttp = door === undefined ? httpMethods.has(method) && method !== 'TLS' : httpDoors.has(door)
    if (isHttp) this.#httpLogins.add(httpMethods.has(method) ? method.toLowerCase() : OTHER, outcome)
  }

  denied ({ operation, resourceType }: { readonly operation: string, readonly resourceType: string }): void {
    this.#denials.add(Object.hasOwn(operations, operation) ? operation : OTHER, Object.hasOwn(resourceTypes, resourceType) ? resourceType : OTHER)
  }

  /** `limit` is a name of ours: `subscriptions`, `decompressed_size`, ... */
  limited (limit: string): void {
    this.#limits.add(limit)
  }

  httpLogins (): Iterable<readonly [method: string, outcome: string, count: number]> {
    return this.#httpLogins.pairs()
  }

  denials (): Iterable<readonly [operation: string, resourceType: string, count: number]> {
    return this.#denials.pairs()
  }

  * limits (): Generator<readonly [limit: string, count: number]> {
    for (const [limit, , count] of this.#limits.pairs()) yield [limit, count]
  }
}

class Counts {
  readonly #counts = new Map<string, Map<string, number>>()

  add (first: string, second = ''): void {
    let counts = this.#counts.get(first)
    if (counts === undefined) this.#counts.set(first, counts = new Map())
    counts.set(second, (counts.get(second) ?? 0) + 1)
  }

  * pairs (): Generator<readonly [first: string, second: string, count: number]> {
    for (const [first, counts] of this.#counts) for (const [second, count] of counts) yield [first, second, count]
  }
}
