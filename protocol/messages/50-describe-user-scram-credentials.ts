import { api, array, int16, int32, int8, string } from '../schema.ts'

/**
 * Which users have SCRAM credentials, of which mechanism (1 SCRAM-SHA-256, 2 SCRAM-SHA-512) and how many iterations (KIP-554).
 * A null list of users asks for all.
 */
export const DescribeUserScramCredentials = api(50, 'DescribeUserScramCredentials', { versions: [0, 0], flexible: 0 }, {
  users: array({ name: string }).nullable()
}, {
  throttleTimeMs: int32.default(0),
  errorCode: int16,
  errorMessage: string.nullable(),
  results: array({
    user: string,
    errorCode: int16,
    errorMessage: string.nullable(),
    credentialInfos: array({ mechanism: int8, iterations: int32 })
  })
})
