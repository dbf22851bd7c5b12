/**
 * Tells of Kafka clients that a planned upgrade of the cluster behind would break: those that send requests in versions that the
 * planned release does not serve any more. Each is counted, and logged once by software and api; nothing is refused.
 *
 * What the codec does not read never comes here: the door refuses it today, whatever stands behind.
 */
import type { Context, Policy } from '../../protocol/rpc.ts'
import type { Api, Request, Response } from '../../protocol/schema.ts'
import type { Logger } from '../logger.ts'
import { oldestServed, type PlannedVersion } from './planned-versions.ts'

/** Clients name their software as they like: so many names are told apart, the rest is `other`. */
const MAX_NAMES = 100
const MAX_SHOWN = 128
const OTHER = 'other'
/** Clients older than KIP-511 do not say what they are. */
const UNKNOWN = 'unknown'

export class PlannedUpgrade {
  readonly #planned: PlannedVersion | null
  readonly #oldest: ReadonlyMap<string, number>
  readonly #logger: Pick<Logger, 'warn'>
  /** By software, then by api. */
  readonly #counts = new Map<string, Map<string, number>>()

  /** Without a version nothing is looked at. */
  constructor (planned: PlannedVersion | null, logger: Pick<Logger, 'warn'>) {
    this.#planned = planned
    this.#oldest = planned === null ? new Map() : oldestServed(planned)
    this.#logger = logger
  }

  readonly policy: Policy = next => this.#planned === null
    ? next
    : <A extends Api>(api: A, request: Request<A>, context: Context): Promise<Response<A>> => {
      // The other doors speak the newest version that the cluster has.
      if (context.door === 'kafka' && context.version < (this.#oldest.get(api.name) ?? 0)) this.#tell(api, context)
      return next(api, request, context)
    }

  /** Requests since the process started, by software and api. */
  * requests (): Generator<readonly [software: string, api: string, count: number]> {
    for (const [software, apis] of this.#counts) for (const [api, count] of apis) yield [software, api, count]
  }

  #tell (api: Api, { connection, version, clientId, address }: Context): void {
    const named = softwareOf(connection)
    const software = this.#counts.has(named) || this.#counts.size < MAX_NAMES ? named : OTHER
    let apis = this.#counts.get(software)
    if (apis === undefined) this.#counts.set(software, apis = new Map())
    const count = apis.get(api.name) ?? 0
    apis.set(api.name, count + 1)
    if (count > 0) return
    const asked = { software, clientId: clientId.slice(0, MAX_SHOWN), address, api: api.name, version }
    const served = { oldest: this.#oldest.get(api.name), planned: this.#planned }
    this.#logger.warn({ ...asked, ...served }, 'a client asks in a version that the planned Kafka does not serve')
  }
}

/** What the client at the other end has said that it is, with its version; engines and policies know nothing else of connections. */
const softwareOf = (connection: Context['connection']): string => connection?.software?.slice(0, MAX_SHOWN) ?? UNKNOWN
