import { api, bytes, int16, int32, int64 } from '../schema.ts'

/**
 * Moves the expiry of a delegation token, up to the end of its lifetime (KIP-48). v2 is flexible.
 */
export const RenewDelegationToken = api(39, 'RenewDelegationToken', { versions: [1, 2], flexible: 2 }, {
  hmac: bytes,
  renewPeriodMs: int64
}, {
  errorCode: int16,
  expiryTimestampMs: int64,
  throttleTimeMs: int32
})
