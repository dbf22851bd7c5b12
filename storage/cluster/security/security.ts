/**
 * How connections to the cluster are made, and in whose name: TLS, SASL, the service identity and the mapping.
 */
import type { Socket } from 'node:net'
import type { Principal } from '../../../protocol/rpc.ts'
import type { Endpoint, UpstreamIdentity, UpstreamSecurity } from '../upstream.ts'
import { connect, CONNECT_TIMEOUT_MS } from './connect.ts'
import type { UpstreamSecurityOptions } from './options.ts'

export interface Surroundings {
  /** Told a sentence when a file that changed is not used. */
  readonly warn?: (sentence: string) => void
  readonly connectTimeoutMs?: number
}

const nobody: UpstreamIdentity = { key: 'none', authenticate: async () => 0 }

/** Throws an Error with a sentence where a file cannot be used. */
export function createUpstreamSecurity (options: UpstreamSecurityOptions, { connectTimeoutMs = CONNECT_TIMEOUT_MS }: Surroundings = {}): UpstreamSecurity {
  if (options.tls !== null || options.sasl !== null || options.credentials !== null) throw new Error('TLS and SASL are not there yet.')
  return {
    async connect (endpoint: Endpoint, signal: AbortSignal): Promise<Socket> {
      return await connect(endpoint, signal, { tls: null, mayLeave: true, timeoutMs: connectTimeoutMs })
    },
    identityFor (_principal: Principal): UpstreamIdentity {
      return nobody
    }
  }
}
