/**
 * The options, one row each. Flags, variables, keys of the file, the help, the table in docs/operations.md and the type
 * of the configuration are all made of this table.
 */
import { plannedVersions } from '../policies/planned-versions.ts'
import { credentials } from './credentials.ts'
import { clientAuths, httpListener, listener, mechanisms } from './listener.ts'
import {
  boolean, bytes, choice, duration, httpsUrl, integer, list, orForEver, origin, principals, printable, reachable, secret, secretUrl, text, topic, type Value
} from './values.ts'

export interface Option<T> {
  readonly flag: string
  readonly value: Value<T & {}>
  /** The default as it would be given, or null where the option is simply absent. */
  readonly fallback: string | null
  readonly help: string
}

function option<T extends {}> (flag: string, value: Value<T>, fallback: string, help: string): Option<T> {
  return { flag, value, fallback, help }
}

function optional<T extends {}> (flag: string, value: Value<T>, help: string): Option<T | null> {
  return { flag, value, fallback: null, help }
}

export const options = {
  data: option('data', text('DIR', 'a folder'), './data',
    'Folder that holds the log. It is made when it is not there; one process uses it at a time.'),
  kafka: option('kafka', list(listener), '127.0.0.1:9092',
    'Where the Kafka protocol listens: [PROTOCOL://]HOST:PORT[?SETTING&SETTING...]. The protocol is PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL; ' +
    'without it, TLS is used where --tls-cert is given and credentials are asked for where authentication is on. Settings are ' +
    'advertised=HOST:PORT, mechanisms=PLAIN+SCRAM-SHA-256 and client-auth=none, requested or required. ' +
    'Port 0 takes any free port; a port alone, as in :9092, means every address of this machine.'),
  http: option('http', httpListener, '127.0.0.1:8082',
    'Where HTTP and WebSocket listen, health and metrics among them: https where --tls-cert is given, unless it begins with http://.'),
  durability: option('durability', choice('fsync', 'os'), 'fsync',
    'When a write with acks=all is answered: fsync once it is on the disk, os once the operating system has it. ' +
    'With os a crash of the process loses nothing, a power cut may lose the last seconds.'),
  advertised: optional('advertised', reachable,
    'The address that Kafka clients are told to connect to. Without it, each is told the one it reached; set it behind a ' +
    'load balancer or a port mapping that changes the port.'),
  insecure: option('insecure', boolean, 'false',
    'Listen beyond this machine although nothing asks for credentials there, or passwords and tokens would travel unencrypted, there or to --upstream.'),
  allowedOrigins: option('allowed-origins', list(origin), '',
    'Origins of web pages that may use HTTP and WebSocket from a browser, beside pages served from here or from this machine. * is every page.'),
  partitions: option('partitions', integer(1, 10_000), '1',
    'Partitions of a topic that is created without saying how many.'),
  autoCreate: option('auto-create', boolean, 'true',
    'Whether a topic is created when it is first written to, or asked for by a client that allows that.'),
  retentionMs: option('retention', orForEver(duration('1s', '36500d')), '7d',
    'How long records are kept in topics that do not say so themselves (retention.ms). -1 is for ever.'),
  segmentBytes: option('segment-bytes', bytes('4KiB', '2147483647'), '1GiB',
    'Size at which a topic that does not say so itself (segment.bytes) begins its next file.'),
  maxBodyBytes: option('max-body', bytes('1KiB', '1GiB'), '64MiB',
    'The largest body of an HTTP request.'),
  maxRequestBytes: option('max-request', bytes('1KiB', '2147483647'), '100MiB',
    'The largest request of a Kafka client; a connection that announces a larger one is closed.'),
  tailMemoryBytes: option('tail-memory', bytes('0', '1TiB'), '32MiB',
    'Memory for the newest records of all partitions that somebody reads, together: readers that keep up are served without touching the disk.'),
  groupInitialDelayMs: option('group-initial-delay', duration('0', '5m'), '500ms',
    'How long the first member of a new consumer group waits for others before partitions are assigned.'),
  shutdownGraceMs: option('shutdown-grace', duration('0', '10m'), '10s',
    'How long a stop waits for requests that are being answered before it closes their connections.'),

  // ---- who may do what
  admin: optional('admin', credentials,
    'Turns authentication on at every door, and is the super user who can create everybody else. Not a flag: others could read it.'),
  adminFile: optional('admin-file', text('FILE', 'a file'),
    'The same from a file that holds NAME:PASSWORD, such as a secret of a container.'),
  authentication: option('authentication', choice('none', 'required'), 'none',
    'Whether credentials are asked for. They are, whenever an administrator is named; required asks for them without one.'),
  superUsers: option('super-users', principals, '',
    'Who may do everything, beside the administrator: User:NAME, separated by semicolons.'),
  anonymous: option('anonymous', boolean, 'false',
    'Serve HTTP and WebSocket requests that bring no credentials as User:ANONYMOUS, who may do what ACLs allow.'),
  allowWithoutAcl: option('allow-without-acl', boolean, 'false',
    'Allow everyone what no ACL speaks of (Kafka\'s allow.everyone.if.no.acl.found).'),
  publicMetrics: option('public-metrics', boolean, 'false',
    'Answer /metrics without credentials where authentication is on.'),
  saslMechanisms: optional('sasl-mechanisms', list({ ...choice(...mechanisms), placeholder: 'MECHANISM' }),
    'What listeners offer that do not say so themselves, of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 and OAUTHBEARER. ' +
    'Default: PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512, and OAUTHBEARER with --oauth-jwks.'),
  maxReauthMs: option('max-reauth', duration('0', '30d'), '0',
    'How long a login of a Kafka client holds before it is asked for again (connections.max.reauth.ms). 0 is until the credentials run out.'),

  // ---- TLS
  tlsCert: optional('tls-cert', text('FILE', 'a file'),
    'PEM file with the certificate of this server and those between it and its authority. Read again when it changes.'),
  tlsKey: optional('tls-key', text('FILE', 'a file'),
    'PEM file with its private key, without a passphrase.'),
  tlsCa: optional('tls-ca', text('FILE', 'a file'),
    'PEM file with the authorities whose client certificates are accepted.'),
  tlsClientAuth: option('tls-client-auth', choice(...clientAuths), 'none',
    'Whether clients are to show a certificate, where a listener does not say so itself.'),
  tlsPrincipalRules: option('tls-principal-rules', text('RULES', 'rules'), 'DEFAULT',
    'How the name in a client certificate becomes a principal (Kafka\'s ssl.principal.mapping.rules).'),

  // ---- tokens
  oauthJwks: optional('oauth-jwks', httpsUrl,
    'Where the keys of those who sign tokens are (JWKS): turns OAUTHBEARER and HTTP Bearer on, together with the next two.'),
  oauthIssuer: optional('oauth-issuer', text('ISSUER', 'an issuer'),
    'What tokens must say in iss.'),
  oauthAudience: optional('oauth-audience', text('AUDIENCE', 'an audience'),
    'What tokens must say in aud.'),
  oauthPrincipalClaim: option('oauth-principal-claim', text('CLAIM', 'the name of a claim'), 'sub',
    'The claim that names the user.'),
  oauthCa: optional('oauth-ca', text('FILE', 'a file'),
    'PEM file with the authorities that --oauth-jwks is checked by, beside those that this machine trusts.'),
  delegationTokenSecret: optional('delegation-token-secret', secret(16),
    'Turns delegation tokens on (Kafka\'s delegation.token.secret.key): what their HMACs are made with, the same for all processes that share a log. ' +
    'Not a flag: others could read it.'),
  delegationTokenSecretFile: optional('delegation-token-secret-file', text('FILE', 'a file'),
    'The same from a file that holds it, such as a secret of a container.'),
  delegationTokenMaxLifetimeMs: option('delegation-token-max-lifetime', duration('1s', '36500d'), '7d',
    'How long a delegation token can be good at most, renewed or not (delegation.token.max.lifetime.ms).'),
  delegationTokenExpiryMs: option('delegation-token-expiry', duration('1s', '36500d'), '1d',
    'How long a delegation token is good at most until it is renewed (delegation.token.expiry.time.ms).'),

  // ---- limits
  maxConnections: option('max-connections', integer(1, 1_000_000), '10000',
    'Connections in all, at every door together.'),
  maxConnectionsPerAddress: option('max-connections-per-address', integer(1, 1_000_000), '1000',
    'Connections from one address.'),
  maxConnectionsPerPrincipal: option('max-connections-per-principal', integer(1, 1_000_000), '1000',
    'Connections of one user, of all who give no credentials together not counted.'),
  connectionRate: option('connection-rate', integer(1, 1_000_000), '500',
    'New connections a second from one address.'),
  memoryInFlightBytes: optional('memory-in-flight', bytes('1MiB', '1TiB'),
    'Memory for requests that are being read or answered, in all: what is beyond waits in its socket. Default: a quarter of the memory there is.'),
  memoryInFlightPerPrincipalBytes: option('memory-in-flight-per-principal', bytes('1MiB', '1TiB'), '32MiB',
    'The same for one user.'),

  // ---- the cluster behind
  upstream: option('upstream', list(reachable), '',
    'Brokers of a Kafka cluster that holds the log, in the place of the data folder: the others are asked for from them.'),
  nodeId: option('node-id', integer(0, 100_000), '0',
    'Which broker this process is to Kafka clients, where several processes stand in front of one cluster: each needs a number of its own.'),
  upstreamTls: option('upstream-tls', boolean, 'false',
    'Speak TLS to the cluster. --upstream-ca and --upstream-cert mean that, too.'),
  upstreamCa: optional('upstream-ca', text('FILE', 'a file'),
    'PEM file with the authorities that have signed the certificates of the brokers. Default: those that this machine trusts. Read again when it changes.'),
  upstreamCert: optional('upstream-cert', text('FILE', 'a file'),
    'PEM file with a certificate to show to the brokers, and those between it and its authority. Read again when it changes.'),
  upstreamKey: optional('upstream-key', text('FILE', 'a file'),
    'PEM file with its private key, without a passphrase.'),
  upstreamMechanism: optional('upstream-mechanism', { ...choice(...mechanisms), placeholder: 'MECHANISM' },
    'How this process proves to the cluster who it is: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER.'),
  upstreamUsername: optional('upstream-username', printable('NAME', 'a name'),
    'Who it is there, with PLAIN and SCRAM.'),
  upstreamPassword: optional('upstream-password', secret(1),
    'The password of that user. Not a flag: others could read it.'),
  upstreamPasswordFile: optional('upstream-password-file', text('FILE', 'a file'),
    'The same from a file that holds it, such as a secret of a container. Read again when it changes.'),
  upstreamTokenFile: optional('upstream-token-file', text('FILE', 'a file'),
    'A file that holds a token, with OAUTHBEARER, and that somebody else keeps fresh. Read again when it changes.'),
  upstreamTokenEndpoint: optional('upstream-token-endpoint', secretUrl,
    'Where tokens are given for the next two (OAuth 2, client credentials), with OAUTHBEARER.'),
  upstreamOauthClientId: optional('upstream-oauth-client-id', printable('ID', 'an id'),
    'The id that the endpoint knows this process by.'),
  upstreamOauthClientSecret: optional('upstream-oauth-client-secret', secret(1),
    'What proves it. Not a flag: others could read it.'),
  upstreamOauthClientSecretFile: optional('upstream-oauth-client-secret-file', text('FILE', 'a file'),
    'The same from a file that holds it, such as a secret of a container. Read again when it changes.'),
  upstreamOauthScope: optional('upstream-oauth-scope', printable('SCOPE', 'a scope'),
    'What the token is to be good for, where the endpoint wants to be told.'),
  upstreamOauthCa: optional('upstream-oauth-ca', text('FILE', 'a file'),
    'PEM file with the authorities that --upstream-token-endpoint is checked by, beside those that this machine trusts.'),
  upstreamCredentials: optional('upstream-credentials', text('FILE', 'a file'),
    'YAML file that says as whom each user goes to the cluster. Default: everybody as this process. Read again when it changes.'),
  upstreamPassAdministration: option('upstream-pass-administration', boolean, 'false',
    'Users, ACLs and quotas that clients ask for and change are those of the cluster, and not those of this process.'),
  upstreamPlanned: optional('upstream-planned', choice(...plannedVersions),
    'The release of Apache Kafka that the cluster is to be upgraded to: clients that it would not serve any more are logged and counted.'),

  // ---- what it tells
  auditFile: optional('audit-file', text('FILE', 'a file'),
    'Where logins, denials and changes of users, ACLs and quotas are written, one JSON object a line. SIGHUP opens it anew.'),
  auditTopic: optional('audit-topic', topic,
    'A topic that the same is appended to.'),
  logLevel: option('log-level', choice('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'), 'info',
    'The least important messages that are logged.'),
  logFormat: option('log-format', choice('auto', 'pretty', 'json'), 'auto',
    'How messages are logged, on standard error: pretty for people, json for machines, auto is pretty on a terminal and json elsewhere.'),
  config: optional('config', text('FILE', 'a file'),
    'YAML file with any of these options but this one.')
} as const satisfies { readonly [key: string]: Option<unknown> }

export type OptionKey = keyof typeof options

/** What the help says above the first option of each kind. */
export const headings: { readonly [K in OptionKey]?: string } = {
  data: 'The log and its doors',
  admin: 'Who may do what',
  tlsCert: 'TLS',
  oauthJwks: 'Tokens',
  maxConnections: 'Limits',
  upstream: 'The cluster behind',
  auditFile: 'What it tells'
}

/** The value of every option, by the key of its row. */
export type Values = { readonly [K in OptionKey]: (typeof options)[K] extends Option<infer T> ? T : never }

export const optionKeys = Object.keys(options) as readonly OptionKey[]

/** `log-level` is `BARNABAS_LOG_LEVEL` in the environment, ... */
export const variableOf = (key: OptionKey): string => `BARNABAS_${options[key].flag.toUpperCase().replaceAll('-', '_')}`

/** ... and `logLevel` in the file. */
export const fileKeyOf = (key: OptionKey): string => options[key].flag.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())
