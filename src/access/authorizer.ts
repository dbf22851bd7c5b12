/**
 * Decides by the rules, as Kafka's StandardAuthorizer does: super users may do anything; then any rule that denies wins;
 * then one that allows; a resource that no rule speaks of is nobody's, unless `allowWithoutAcl` says otherwise.
 *
 * Decisions are remembered by the principal's object until a rule changes: a connection keeps its principal, so what it
 * does all day is looked up without a string being made.
 */
import { formatPrincipal, internalPrincipal, type Principal } from '../../protocol/rpc.ts'
import { EVERYONE, type AclTable } from './acls.ts'
import {
  WILDCARD, operations, resourceTypes,
  type AclBinding, type Authorizer, type Decision, type DecisionReason, type Operation, type ResourceType
} from './model.ts'

export interface AuthorizerOptions {
  /** As Kafka writes them: `User:alice`. */
  readonly superUsers: ReadonlySet<string>
  /** Whether everyone may do anything to a resource that no rule speaks of. */
  readonly allowWithoutAcl: boolean
}

/** What the policy in front of the engine asks. */
export interface RequestAuthorizer extends Authorizer {
  /** Whether there may be a resource of this type on which the operation is allowed (Kafka's authorizeByResourceType). */
  mayAnywhere (principal: Principal, host: string, operation: Operation, resourceType: ResourceType): boolean
}

const because = (allowed: boolean, reason: DecisionReason): Decision => Object.freeze({ allowed, reason, binding: null })

const INTERNAL = because(true, 'internal')
const NOT_ENFORCED = because(true, 'not-enforced')
const SUPER_USER = because(true, 'super-user')
const NO_ACL_MATCHES = because(false, 'no-acl-matches')
const ALLOWED_WITHOUT_ACL = because(true, 'allowed-without-acl')

/** For as long as nothing asks for credentials. */
export const openAuthorizer: RequestAuthorizer = {
  decide: principal => principal === internalPrincipal ? INTERNAL : NOT_ENFORCED,
  mayAnywhere: () => true
}

/** What permission to do one thing implies. It is so for rules that allow only: who may not read may still describe. */
const implied: { readonly [O in Operation]?: readonly Operation[] } = {
  READ: ['DESCRIBE'],
  WRITE: ['DESCRIBE'],
  DELETE: ['DESCRIBE'],
  ALTER: ['DESCRIBE'],
  ALTER_CONFIGS: ['DESCRIBE_CONFIGS']
}

/** Decisions that are remembered, in all: when there are more, they are all forgotten. */
const MAX_REMEMBERED = 65_536
const MAX_REMEMBERED_HOSTS = 1024
/** A longer name is no topic's, and whoever sends one is not to fill memory with it. */
const MAX_REMEMBERED_NAME = 249

const OPERATIONS = 16

/** The decisions about one principal at one address: by resource type and operation, then by name. */
class Known {
  readonly principal: Principal
  readonly host: string
  readonly #slots: Array<Map<string, Decision> | undefined> = new Array(8 * OPERATIONS).fill(undefined)

  constructor (principal: Principal, host: string) {
    this.principal = principal
    this.host = host
  }

  of (operation: Operation, resourceType: ResourceType): Map<string, Decision> {
    const slot = resourceTypes[resourceType] * OPERATIONS + operations[operation]
    let decisions = this.#slots[slot]
    if (decisions === undefined) {
      decisions = new Map()
      this.#slots[slot] = decisions
    }
    return decisions
  }
}

export class AclAuthorizer implements RequestAuthorizer {
  readonly #acls: AclTable
  readonly #superUsers: ReadonlySet<string>
  readonly #noRule: Decision
  #revision = -1
  #remembered = 0
  #known = new WeakMap<Principal, Map<string, Known>>()
  /** The one asked about last: mostly the next one too. */
  #last: Known | null = null
  readonly #anywhere = new Map<string, boolean>()

  constructor (acls: AclTable, { superUsers, allowWithoutAcl }: AuthorizerOptions) {
    this.#acls = acls
    this.#superUsers = superUsers
    this.#noRule = allowWithoutAcl ? ALLOWED_WITHOUT_ACL : NO_ACL_MATCHES
  }

  decide (principal: Principal, host: string, operation: Operation, resourceType: ResourceType, resourceName: string): Decision {
    if (principal === internalPrincipal) return INTERNAL
    if (this.#revision !== this.#acls.revision) this.#forget()
    const decisions = this.#of(principal, host).of(operation, resourceType)
    const known = decisions.get(resourceName)
    if (known !== undefined) return known
    const decision = this.#decide(formatPrincipal(principal), host, operation, resourceType, resourceName)
    if (resourceName.length <= MAX_REMEMBERED_NAME) this.#remember(decisions, resourceName, decision)
    return decision
  }

  isSuperUser (principal: Principal): boolean {
    return this.#superUsers.has(formatPrincipal(principal))
  }

  mayAnywhere (principal: Principal, host: string, operation: Operation, resourceType: ResourceType): boolean {
    if (principal === internalPrincipal || this.isSuperUser(principal)) return true
    if (this.#revision !== this.#acls.revision) this.#forget()
    const key = `${resourceType} ${operation} ${host} ${formatPrincipal(principal)}`
    const known = this.#anywhere.get(key)
    if (known !== undefined) return known
    const may = this.#mayAnywhere(formatPrincipal(principal), host, operation, resourceType)
    if (this.#anywhere.size >= MAX_REMEMBERED) this.#anywhere.clear()
    this.#anywhere.set(key, may)
    return may
  }

  #of (principal: Principal, host: string): Known {
    const last = this.#last
    if (last !== null && last.principal === principal && last.host === host) return last
    let hosts = this.#known.get(principal)
    if (hosts === undefined) {
      hosts = new Map()
      this.#known.set(principal, hosts)
    }
    let known = hosts.get(host)
    if (known === undefined) {
      known = new Known(principal, host)
      // A principal that is shared by many, as the anonymous one is, is seen at many addresses.
      if (hosts.size >= MAX_REMEMBERED_HOSTS) hosts.clear()
      hosts.set(host, known)
    }
    this.#last = known
    return known
  }

  #remember (decisions: Map<string, Decision>, resourceName: string, decision: Decision): void {
    if (++this.#remembered > MAX_REMEMBERED) this.#forget()
    else decisions.set(resourceName, decision)
  }

  #forget (): void {
    this.#revision = this.#acls.revision
    this.#remembered = 0
    this.#known = new WeakMap()
    this.#last = null
    this.#anywhere.clear()
  }

  #decide (principal: string, host: string, operation: Operation, resourceType: ResourceType, resourceName: string): Decision {
    if (this.#superUsers.has(principal)) return SUPER_USER
    const ruleSets = this.#acls.ruleSets(resourceType, resourceName)
    if (ruleSets.length === 0) return this.#noRule
    let allowing: AclBinding | null = null
    for (const rules of ruleSets) {
      for (const who of principal === EVERYONE ? [EVERYONE] : [principal, EVERYONE]) {
        for (const binding of rules.of(who)) {
          if (!speaksOf(binding, host, operation)) continue
          if (binding.permission === 'DENY') return { allowed: false, reason: 'denied-by', binding }
          allowing ??= binding
        }
      }
    }
    return allowing === null ? NO_ACL_MATCHES : { allowed: true, reason: 'allowed-by', binding: allowing }
  }

  #mayAnywhere (principal: string, host: string, operation: Operation, resourceType: ResourceType): boolean {
    // Kafka asks for a name that nobody has, so that what is allowed without rules counts too.
    if (this.#decide(principal, host, operation, resourceType, 'hardcode').allowed) return true
    const allowed: AclBinding[] = []
    const deniedNames = new Set<string>()
    const deniedPrefixes = new Set<string>()
    for (const binding of this.#plainRules(principal, host, operation, resourceType)) {
      if (binding.permission === 'ALLOW') allowed.push(binding)
      else (binding.patternType === 'LITERAL' ? deniedNames : deniedPrefixes).add(binding.resourceName)
    }
    if (deniedNames.has(WILDCARD)) return false
    return allowed.some(({ resourceName, patternType }) => {
      if (patternType === 'LITERAL' && resourceName === WILDCARD) return true
      return (patternType === 'PREFIXED' || !deniedNames.has(resourceName)) && !beginsWithOne(resourceName, deniedPrefixes)
    })
  }

  /** Without what is implied: Kafka does not count it here. */
  * #plainRules (principal: string, host: string, operation: Operation, resourceType: ResourceType): Generator<AclBinding> {
    for (const rules of this.#acls.patternsOf(resourceType)) {
      for (const who of [principal, EVERYONE]) {
        for (const binding of rules.of(who)) {
          if (isAt(binding, host) && (binding.operation === operation || binding.operation === 'ALL')) yield binding
        }
      }
    }
  }
}

const isAt = (binding: AclBinding, host: string): boolean => binding.host === WILDCARD || binding.host === host

function speaksOf (binding: AclBinding, host: string, operation: Operation): boolean {
  if (!isAt(binding, host)) return false
  if (binding.operation === operation || binding.operation === 'ALL') return true
  return binding.permission === 'ALLOW' && implied[binding.operation]?.includes(operation) === true
}

function beginsWithOne (name: string, prefixes: ReadonlySet<string>): boolean {
  if (prefixes.size === 0) return false
  for (let length = 1; length <= name.length; length++) {
    if (prefixes.has(name.slice(0, length))) return true
  }
  return false
}
