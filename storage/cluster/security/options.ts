/**
 * How the cluster is to be spoken to, as the configuration says it. `src/config/upstream.ts` makes the same shapes: the two
 * rooms may not import each other, and a test holds them together.
 */

/** A password, or where it stands: a file is read again when it changes. */
export type SecretSource = { reveal (): string } | { readonly file: string }

/** PEM files, by absolute path. */
export interface TlsOptions {
  /** Who signs the brokers' certificates; null for those that this machine trusts. */
  readonly ca: string | null
  /** What is shown to the brokers, with its key. Both or neither. */
  readonly cert: string | null
  readonly key: string | null
}

export type PasswordMechanism = 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'

export interface PasswordOptions {
  readonly mechanism: PasswordMechanism
  readonly username: string
  readonly password: SecretSource
}

/** OAuth 2, client credentials (RFC 6749, section 4.4). */
export interface TokenEndpointOptions {
  /** https, or http on this machine. */
  readonly endpoint: string
  readonly clientId: string
  readonly clientSecret: SecretSource
  readonly scope: string | null
  /** A PEM file with authorities that the endpoint is checked by, beside those that this machine trusts. */
  readonly ca: string | null
}

export interface TokenOptions {
  readonly mechanism: 'OAUTHBEARER'
  /** A file that somebody else keeps fresh, or an endpoint to ask. */
  readonly token: { readonly file: string } | TokenEndpointOptions
}

export type SaslOptions = PasswordOptions | TokenOptions

export interface UpstreamSecurityOptions {
  /** Null: without TLS. */
  readonly tls: TlsOptions | null
  /** The service identity; null: nothing is asked for. */
  readonly sasl: SaslOptions | null
  /** A YAML file that says who goes to the cluster for whom; null: the service identity, for everybody. */
  readonly credentials: string | null
  /** Whether passwords and tokens may leave this machine unencrypted. */
  readonly insecure: boolean
}
