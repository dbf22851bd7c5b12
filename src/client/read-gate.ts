/**
 * Who may have what was fetched once for all. The fetch itself is nobody's in particular, so every reader is asked about
 * before it is given a block, with its own principal and address.
 */
import type { Context, Principal } from '../../protocol/rpc.ts'
import { forbidden } from './failures.ts'

export interface ReadGate {
  /** Throws KafkaError TOPIC_AUTHORIZATION_FAILED, with the permission that is missing. */
  admit (context: Context, topic: string): void
}

/** For where nothing asks for credentials. */
export const openGate: ReadGate = { admit () {} }

/** An authorizer's `decide`, as far as readers need it. */
export type DecideRead = (principal: Principal, host: string, operation: 'READ', resourceType: 'TOPIC', resourceName: string) => { readonly allowed: boolean }

export function createReadGate (decide: DecideRead, onDenied: (context: Context, topic: string) => void): ReadGate {
  return {
    admit (context, topic) {
      if (decide(context.principal, context.address, 'READ', 'TOPIC', topic).allowed) return
      onDenied(context, topic)
      throw forbidden('TOPIC_AUTHORIZATION_FAILED', { operation: 'READ', resourceType: 'TOPIC', resourceName: topic })
    }
  }
}
