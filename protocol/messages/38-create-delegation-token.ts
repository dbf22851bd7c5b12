import { api, array, bytes, int16, int32, int64, string } from '../schema.ts'

/**
 * Asks for a token that stands for a user for a while (KIP-48). Its HMAC is the password; a lifetime that is not positive asks for
 * the longest there is. v2 is flexible, v3 asks for tokens of other users (KIP-373).
 */
export const CreateDelegationToken = api(38, 'CreateDelegationToken', { versions: [1, 3], flexible: 2 }, {
  ownerPrincipalType: string.since(3).nullable(3),
  ownerPrincipalName: string.since(3).nullable(3),
  renewers: array({ principalType: string, principalName: string }),
  maxLifetimeMs: int64
}, {
  errorCode: int16,
  principalType: string,
  principalName: string,
  tokenRequesterPrincipalType: string.since(3),
  tokenRequesterPrincipalName: string.since(3),
  issueTimestampMs: int64,
  expiryTimestampMs: int64,
  maxTimestampMs: int64,
  tokenId: string,
  hmac: bytes,
  throttleTimeMs: int32
})
