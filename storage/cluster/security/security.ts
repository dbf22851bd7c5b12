/**
 * How connections to the cluster are made, and in whose name: TLS, SASL, the service identity and the mapping.
 */
import type { Socket } from 'node:net'
import type { Principal } from '../../../protocol/rpc.ts'
import type { Endpoint, Inlet, UpstreamIdentity, UpstreamSecurity } from '../upstream.ts'
import { connect, CONNECT_TIMEOUT_MS } from './connect.ts'
import { Identities, MAX_IDENTITIES } from './identities.ts'
import type { UpstreamSecurityOptions } from './options.ts'
import { tlsContext } from './tls.ts'
import type { Patience } from './token-endpoint.ts'

export interface Surroundings {
  /** Told a sentence for the operator when a file that changed is not used. */
  readonly warn?: (sentence: string) => void
  /** How many users of the cluster may be in use at a time, beside the service identity. */
  readonly maxIdentities?: number
  readonly connectTimeoutMs?: number
  /** In ms; only differences count. */
  readonly clock?: () => number
  readonly patience?: Patience
}

/** Nothing of it has to be closed. Throws an Error with a sentence where a file cannot be used. */
export function createUpstreamSecurity (
  options: UpstreamSecurityOptions,
  { warn, maxIdentities = MAX_IDENTITIES, connectTimeoutMs = CONNECT_TIMEOUT_MS, clock, patience = {} }: Surroundings = {}
): UpstreamSecurity {
  const watch = { warn, clock }
  const { tls, insecure } = options
  const context = tls === null ? null : tlsContext(tls, watch)
  const identities = new Identities(options, maxIdentities, watch, patience)
  return {
    async connect (endpoint: Endpoint, signal: AbortSignal, inlet?: Inlet): Promise<Socket> {
      return await connect(endpoint, signal, {
        tls: context === null ? null : { context: context(), ca: tls!.ca },
        mayLeave: insecure || !identities.showsSecret,
        timeoutMs: connectTimeoutMs,
        inlet
      })
    },
    identityFor (principal: Principal): UpstreamIdentity {
      return identities.of(principal)
    }
  }
}
