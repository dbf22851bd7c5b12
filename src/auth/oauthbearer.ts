/**
 * OAUTHBEARER (RFC 7628): a token in one message. A token that is refused is answered with a JSON object first, as the RFC
 * wants it: it goes with the failure, and the door tells the client of the failure when that has answered with a single
 * 0x01. A token that is accepted is answered with no bytes at all: the Java client takes any for the first of the two.
 */
import { AuthenticationFailed } from './identity.ts'
import type { TokenHolder } from './jwt.ts'
import { decodeUtf8, NO_BYTES, type Proof, type ProofStep } from './proof.ts'

const MAX_MESSAGE_BYTES = 64 * 1024
const INVALID_TOKEN = Buffer.from('{"status":"invalid_token"}')

const GS2 = /^(?<flag>n|y|p=[A-Za-z0-9.-]+),(?:a=(?<authzid>(?:[^\0=,]|=2C|=3D)+))?,$/u
const PAIR = /^(?<key>[A-Za-z]+)=(?<value>[\x21-\x7e \t\r\n]*)$/
const BEARER = /^bearer +(?<token>[A-Za-z0-9\-._~+/]+=*)$/i

export class OauthBearerProof implements Proof {
  readonly #verify: (token: string) => Promise<TokenHolder>
  readonly claimed = null

  constructor (verify: (token: string) => Promise<TokenHolder>) {
    this.#verify = verify
  }

  async step (bytes: Buffer): Promise<ProofStep> {
    const { authzid, token } = parse(bytes)
    const { user, expiresAtMs } = await this.#verify(token).catch((error: unknown) => {
      throw error instanceof AuthenticationFailed ? new AuthenticationFailed(error.reason, error.message, INVALID_TOKEN) : error
    })
    // CVE-2017-12610: nobody becomes somebody else.
    if (authzid !== '' && authzid !== user) throw new AuthenticationFailed('the authorisation id is not the principal of the token')
    return { done: true, reply: NO_BYTES, user, expiresAtMs }
  }
}

function parse (bytes: Buffer): { readonly authzid: string, readonly token: string } {
  const message = bytes.length <= MAX_MESSAGE_BYTES ? decodeUtf8(bytes) : null
  if (message === null) throw new AuthenticationFailed(`an OAUTHBEARER message is UTF-8 text of at most ${MAX_MESSAGE_BYTES} bytes`)
  // The pairs end with 0x01 each, and so does the whole.
  const [header = '', ...pairs] = message.split('\x01')
  const { flag, authzid = '' } = GS2.exec(header)?.groups ?? {}
  if (flag === undefined || pairs.pop() !== '' || pairs.pop() !== '') throw new AuthenticationFailed('the OAUTHBEARER message is malformed')
  if (flag.startsWith('p')) throw new AuthenticationFailed('the client asks for channel binding, which was not offered')
  const values = new Map<string, string>()
  for (const pair of pairs) {
    const { key, value } = PAIR.exec(pair)?.groups ?? {}
    if (key === undefined || values.has(key)) throw new AuthenticationFailed('the OAUTHBEARER message is malformed')
    values.set(key, value!)
  }
  // Extensions (KIP-342) are for brokers that know them: they are no proof of anything.
  const { token } = BEARER.exec(values.get('auth') ?? '')?.groups ?? {}
  if (token === undefined) throw new AuthenticationFailed('the OAUTHBEARER message holds no bearer token')
  return { authzid: authzid.replaceAll('=2C', ',').replaceAll('=3D', '='), token }
}
