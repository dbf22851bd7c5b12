import { api, array, bytes, int16, int32, int8, string } from '../schema.ts'

/**
 * Set and remove SCRAM credentials of users (KIP-554). The client salts the password: the server never sees it.
 */
export const AlterUserScramCredentials = api(51, 'AlterUserScramCredentials', { versions: [0, 0], flexible: 0 }, {
  deletions: array({ name: string, mechanism: int8 }),
  upsertions: array({ name: string, mechanism: int8, iterations: int32, salt: bytes, saltedPassword: bytes })
}, {
  throttleTimeMs: int32.default(0),
  results: array({ user: string, errorCode: int16, errorMessage: string.nullable() })
})
