import { api, bytes, int16, int64, string } from '../schema.ts'

/**
 * One step of a SASL exchange. v1 session lifetime (KIP-368), v2 flexible.
 */
export const SaslAuthenticate = api(36, 'SaslAuthenticate', { versions: [0, 2], flexible: 2 }, {
  authBytes: bytes
}, {
  errorCode: int16,
  errorMessage: string.nullable(),
  authBytes: bytes,
  sessionLifetimeMs: int64.since(1).ignorable()
})
