import { api, array, int16, string } from '../schema.ts'

/**
 * Choose a SASL mechanism. In v0 bare tokens follow, from v1 SaslAuthenticate requests (KIP-152).
 */
export const SaslHandshake = api(17, 'SaslHandshake', { versions: [0, 1], flexible: Infinity }, {
  mechanism: string
}, {
  errorCode: int16,
  mechanisms: array(string)
})
