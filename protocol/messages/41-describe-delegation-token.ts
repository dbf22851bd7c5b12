import { api, array, bytes, int16, int32, int64, string } from '../schema.ts'

/**
 * Which delegation tokens there are of some owners, or of all with null (KIP-48). v2 is flexible, v3 says who asked for a token
 * (KIP-373).
 */
export const DescribeDelegationToken = api(41, 'DescribeDelegationToken', { versions: [1, 3], flexible: 2 }, {
  owners: array({ principalType: string, principalName: string }).nullable()
}, {
  errorCode: int16,
  tokens: array({
    principalType: string,
    principalName: string,
    tokenRequesterPrincipalType: string.since(3),
    tokenRequesterPrincipalName: string.since(3),
    issueTimestamp: int64,
    expiryTimestamp: int64,
    maxTimestamp: int64,
    tokenId: string,
    hmac: bytes,
    renewers: array({ principalType: string, principalName: string })
  }),
  throttleTimeMs: int32
})
