import { api, bytes, int16, int32, int64 } from '../schema.ts'

/**
 * Ends a delegation token so many ms from now, or at once if that is negative (KIP-48). v2 is flexible.
 */
export const ExpireDelegationToken = api(40, 'ExpireDelegationToken', { versions: [1, 2], flexible: 2 }, {
  hmac: bytes,
  expiryTimePeriodMs: int64
}, {
  errorCode: int16,
  expiryTimestampMs: int64,
  throttleTimeMs: int32
})
