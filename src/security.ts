/**
 * Who may do what, and how much, put together from the configuration: one of each for all doors. Without an administrator
 * and without `--authentication required` nothing asks for credentials and no permission is enforced, as in a Kafka without
 * an authorizer; quotas and limits hold all the same.
 */
import { readFileSync } from 'node:fs'
import { formatPrincipal, type Context, type Dispatch, type Door, type Policy, type Principal } from '../protocol/rpc.ts'
import { AclAuthorizer, openAuthorizer, type RequestAuthorizer } from './access/authorizer.ts'
import { ConnectionLimits } from './access/connections.ts'
import { DelegationTokens } from './access/delegation-tokens.ts'
import { MemoryBudget } from './access/memory-budget.ts'
import { AccessStore } from './access/store.ts'
import { Audit } from './audit.ts'
import { Authenticator, type AuthEvent } from './auth/authenticator.ts'
import { Backoff } from './auth/backoff.ts'
import { Credentials } from './auth/credentials.ts'
import type { OauthVerifier } from './auth/jwt.ts'
import { TokenCredentials } from './auth/token-credentials.ts'
import type { Config, OauthConfig } from './config.ts'
import type { Logger } from './logger.ts'
import { connectionLimits, SecurityStats } from './metrics/security-stats.ts'
import type { SecuritySources } from './metrics/sources.ts'
import { administer, sweepTokens, type Administration } from './policies/administer.ts'
import { authorize, type Denial } from './policies/authorize.ts'
import { mutationQuota } from './policies/mutation-quota.ts'
import { quota, Quotas } from './policies/quota.ts'
import { TlsFiles } from './tls.ts'

/** How often expired delegation tokens are removed, as in Kafka (delegation.token.expiry.check.interval.ms). */
const TOKEN_SWEEP_MS = 3_600_000

interface Parts {
  readonly config: Config
  readonly store: AccessStore
  readonly audit: Audit
  readonly stats: SecurityStats
  readonly tls: TlsFiles | null
  readonly oauth: OauthVerifier | null
  readonly authenticator: Authenticator | null
  readonly tokens: DelegationTokens | null
  readonly logger: Logger
}

/** Who has had enough of something. */
interface Limited {
  readonly address: string
  readonly door?: Door
  readonly principal?: Principal
}

export class Security {
  /** Null where nothing asks for credentials. */
  readonly authenticator: Authenticator | null
  readonly authorizer: RequestAuthorizer
  readonly quotas: Quotas
  readonly connections: ConnectionLimits
  readonly memory: MemoryBudget
  readonly tls: TlsFiles | null
  readonly audit: Audit
  readonly stats: SecurityStats
  readonly #config: Config
  readonly #store: AccessStore
  readonly #oauth: OauthVerifier | null
  readonly #administration: Administration
  readonly #logger: Logger
  #sweeping: NodeJS.Timeout | null = null
  #isOpen = false

  /** `engine` is the dispatch behind every policy. Rejects with a sentence for the operator, and leaves nothing behind. */
  static async create (config: Config, engine: Dispatch, logger: Logger): Promise<Security> {
    const tls = config.tls === null ? null : new TlsFiles(config.tls, logger)
    try {
      const stats = new SecurityStats()
      const audit = await Audit.open({
        logger, file: config.auditFile, topic: config.auditTopic === null ? null : { name: config.auditTopic, dispatch: engine }
      })
      const store = new AccessStore(engine, {
        onTrouble: error => logger.warn({ err: error }, 'users, permissions and quotas cannot be read: it is tried again, and what was known holds')
      })
      const oauth = config.oauth === null ? null : await verifierOf(config.oauth, logger)
      const tokens = tokensOf(config, store)
      const authenticator = config.security.required ? await authenticatorOf(config, store, tokens, oauth, audit, stats) : null
      return new Security({ config, store, audit, stats, tls, oauth, authenticator, tokens, logger })
    } catch (error) {
      tls?.close()
      throw error
    }
  }

  private constructor ({ config, store, audit, stats, tls, oauth, authenticator, tokens, logger }: Parts) {
    this.#config = config
    this.#store = store
    this.#oauth = oauth
    this.#logger = logger
    this.#administration = { store, securityEnabled: config.security.required, tokens, onChange: audit.changed.bind(audit) }
    this.audit = audit
    this.stats = stats
    this.tls = tls
    this.authenticator = authenticator
    const superUsers = new Set([...config.superUsers, ...config.admin === null ? [] : [`User:${config.admin.name}`]])
    this.authorizer = config.security.required ? new AclAuthorizer(store.acls, { superUsers, allowWithoutAcl: config.allowWithoutAcl }) : openAuthorizer
    this.quotas = new Quotas(store.quotas)
    this.connections = new ConnectionLimits({
      max: config.maxConnections,
      maxPerAddress: config.maxConnectionsPerAddress,
      maxPerPrincipal: config.maxConnectionsPerPrincipal,
      ratePerAddress: config.connectionRate
    }, address => store.quotas.ipLimit(address))
    this.connections.onRefused = (refusal, who) => audit.limited({ limit: connectionLimits[refusal], ...who })
    this.memory = new MemoryBudget(config.memoryInFlightBytes, config.memoryInFlightPerPrincipalBytes)
  }

  /** In the order in which a request meets them: what is forbidden uses up bytes and time, but makes no topics. */
  get policies (): readonly Policy[] {
    const { quotas } = this
    return [
      quota(quotas),
      authorize(() => this.authorizer, this.denied),
      mutationQuota(quotas),
      administer(() => this.#isOpen ? this.#administration : null, this.#config.upstream?.passAdministration === true)
    ]
  }

  /** Someone was refused something: counted, and written down. */
  readonly denied = (denial: Denial): void => {
    this.stats.denied(denial)
    this.audit.denied(denial)
  }

  /** The same for a reader of what was fetched for many. */
  readonly deniedRead = ({ principal, door, address }: Context, topic: string): void => {
    this.denied({ principal, door, address, api: 'Fetch', operation: 'READ', resourceType: 'TOPIC', resourceName: topic })
  }

  /** Someone has had enough of something other than connections. */
  readonly limited = (limit: string, { address, door = 'kafka', principal }: Limited): void => {
    this.stats.limited(limit)
    this.audit.limited({ limit, door, address, ...principal === undefined ? {} : { principal: formatPrincipal(principal) } })
  }

  /** What is known of access, for what else is kept there. It is read and followed with or without authentication. */
  get store (): AccessStore {
    return this.#store
  }

  /** `listener` is called when someone may do more, or less, than before. */
  onAccessChange (listener: () => void): void {
    this.#store.onChange(kind => { if (kind === 'acls') listener() })
  }

  /** Whether users and rules are known: until then nobody can be recognised. */
  get isOpen (): boolean {
    return this.#isOpen
  }

  /** Learns users, rules and quotas from the log, which is open. Rejects with a sentence for the operator. */
  async open (): Promise<void> {
    await this.#store.open()
    if (!this.#config.security.required && !this.#store.isEmpty && !this.#config.insecure) {
      throw new Error('This log has users or permissions, and nothing would ask for credentials: whoever reaches it could do everything. ' +
        'Start it with BARNABAS_ADMIN=NAME:PASSWORD or --authentication required, or add --insecure if that is meant.')
    }
    this.#isOpen = true
    this.#sweep()
    this.#sweeping = setInterval(() => this.#sweep(), TOKEN_SWEEP_MS).unref()
    // A provider of tokens that cannot be reached just now is no reason not to serve everybody else.
    this.#oauth?.start().catch(() => {})
  }

  /** What fails is tried again the next time: an expired token is refused anyway. */
  #sweep (): void {
    sweepTokens(this.#administration, Date.now()).catch((error: unknown) => {
      if (this.#isOpen) this.#logger.warn({ err: error }, 'expired delegation tokens could not be removed: it is tried again')
    })
  }

  /** Looks at the files of others anew: certificates, and the audit file that may have been moved away. */
  reload (): void {
    this.tls?.reload()
    this.audit.reopen()
  }

  /** While the log can still be written to. */
  async close (): Promise<void> {
    this.#isOpen = false
    if (this.#sweeping !== null) clearInterval(this.#sweeping)
    this.#oauth?.close()
    this.tls?.close()
    await this.#store.close()
    await this.audit.close()
  }

  get sources (): SecuritySources {
    const { stats: counters, connections, memory, quotas, tls, audit } = this
    return {
      counters,
      connections: connections.stats,
      memory: memory.stats,
      quotas: quotas.stats,
      ...tls === null ? {} : { tls },
      ...this.#oauth === null ? {} : { jwks: this.#oauth },
      audit,
      access: this.#store
    }
  }
}

function tokensOf ({ delegationTokenSecret, delegationTokenMaxLifetimeMs, delegationTokenExpiryMs }: Config, store: AccessStore): DelegationTokens | null {
  return delegationTokenSecret === null
    ? null
    : new DelegationTokens(store.tokens, {
      secret: delegationTokenSecret.reveal(), maxLifetimeMs: delegationTokenMaxLifetimeMs, expiryMs: delegationTokenExpiryMs
    })
}

async function authenticatorOf (
  { admin, kafka, http, tls }: Config, directory: AccessStore, tokens: DelegationTokens | null, oauth: OauthVerifier | null, audit: Audit, stats: SecurityStats
): Promise<Authenticator> {
  const asksForCertificates = [http, ...kafka].some(({ clientAuth }) => clientAuth !== 'none')
  return new Authenticator({
    credentials: await Credentials.create({ directory, admin: admin === null ? null : { name: admin.name, password: admin.password.reveal() } }),
    oauth,
    tokens: tokens === null ? null : new TokenCredentials(tokens),
    backoff: new Backoff(),
    observe: (event: AuthEvent) => {
      // Over HTTP everyone proves who he is with every request: only the first time is a login.
      if (event.cached) return
      stats.authenticated(event)
      audit.login(event)
    },
    // Loaded where it is needed: most starts have no certificates of clients.
    ...asksForCertificates && tls !== null
      ? { principalOf: (await import('./auth/principal-mapping.ts')).parsePrincipalMapping(tls.principalRules) }
      : {}
  })
}

async function verifierOf ({ jwks, issuer, audience, principalClaim, ca }: OauthConfig, logger: Logger): Promise<OauthVerifier> {
  const { OauthVerifier } = await import('./auth/jwt.ts')
  return new OauthVerifier({
    jwksUrl: jwks,
    issuer,
    audience: [audience],
    principalClaim,
    ...ca === null ? {} : { ca: readFileSync(ca, 'utf8') },
    onFailure: reason => logger.warn({ reason }, 'the keys of the token issuer could not be fetched')
  })
}
