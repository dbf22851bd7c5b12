/**
 * One way of being somebody at the cluster.
 */
import type { Channel, UpstreamIdentity } from '../upstream.ts'
import { OauthbearerExchange, type TokenSource } from './oauthbearer.ts'
import type { SaslOptions } from './options.ts'
import { PlainExchange } from './plain.ts'
import { prove, type Exchange } from './sasl.ts'
import { SaltedPassword, ScramExchange } from './scram.ts'
import { fingerprintOf, secretOf } from './secret.ts'
import { tokenEndpoint, type Patience } from './token-endpoint.ts'
import { tokenFile } from './token-file.ts'
import type { WatchOptions } from './watched-file.ts'

/** For a cluster that asks for nothing. */
export const unproved: UpstreamIdentity = { key: 'none', authenticate: async () => 0 }

/** Whether the proof is the secret itself, so that whoever reads it on the way has it. */
export const showsSecret = ({ mechanism }: SaslOptions): boolean => mechanism === 'PLAIN' || mechanism === 'OAUTHBEARER'

/** The same for the same mechanism, name and secret, and different for different ones; tells nothing of the secret. */
export function keyOf (options: SaslOptions): string {
  if (options.mechanism !== 'OAUTHBEARER') return `${options.mechanism} ${options.username} ${fingerprintOf(options.password)}`
  const { token } = options
  return 'file' in token ? `OAUTHBEARER file ${token.file}` : `OAUTHBEARER ${token.clientId} ${token.endpoint} ${fingerprintOf(token.clientSecret)}`
}

/** Throws an Error with a sentence where a file that it names cannot be used. */
export function createIdentity (options: SaslOptions, watch: WatchOptions, patience: Patience): UpstreamIdentity {
  const { mechanism } = options
  const { user, begin } = prover(options, watch, patience)
  return {
    key: keyOf(options),
    authenticate: async (channel: Channel) => await prove(channel, mechanism, user, begin())
  }
}

function prover (options: SaslOptions, watch: WatchOptions, patience: Patience): { readonly user: string, readonly begin: () => Exchange } {
  if (options.mechanism === 'OAUTHBEARER') {
    const { token } = options
    const source: TokenSource = 'file' in token ? tokenFile(token.file, watch) : tokenEndpoint(token, watch, patience)
    return { user: 'file' in token ? `the owner of the token in ${token.file}` : token.clientId, begin: () => new OauthbearerExchange(source) }
  }
  const { mechanism, username: user } = options
  const password = secretOf(options.password, watch)
  if (mechanism === 'PLAIN') return { user, begin: () => new PlainExchange(user, password()) }
  const salted = new SaltedPassword()
  return { user, begin: () => new ScramExchange(mechanism, user, password(), salted) }
}
