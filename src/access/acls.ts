/**
 * The rules that are in force, found by the resource they speak of and by the principal they are for: a decision looks at
 * the few that can matter, however many there are.
 */
import { WILDCARD, patternTypes, resourceTypes, type AclBinding, type PatternType, type ResourceType } from './model.ts'

/** A principal of this name in a rule is everyone. */
export const EVERYONE = 'User:*'

const NONE: readonly AclBinding[] = []

/** The rules of one pattern: of a name, of a prefix, or of everything of a type. */
export class RuleSet {
  readonly resourceName: string
  readonly patternType: PatternType
  readonly #byPrincipal = new Map<string, AclBinding[]>()

  constructor (resourceName: string, patternType: PatternType) {
    this.resourceName = resourceName
    this.patternType = patternType
  }

  get isEmpty (): boolean {
    return this.#byPrincipal.size === 0
  }

  /** The rules for exactly this principal. */
  of (principal: string): readonly AclBinding[] {
    return this.#byPrincipal.get(principal) ?? NONE
  }

  * [Symbol.iterator] (): Generator<AclBinding> {
    for (const rules of this.#byPrincipal.values()) yield * rules
  }

  add (binding: AclBinding): boolean {
    const rules = this.#byPrincipal.get(binding.principal)
    if (rules === undefined) {
      this.#byPrincipal.set(binding.principal, [binding])
      return true
    }
    if (rules.some(rule => isSame(rule, binding))) return false
    rules.push(binding)
    return true
  }

  remove (binding: AclBinding): boolean {
    const rules = this.#byPrincipal.get(binding.principal)
    const index = rules?.findIndex(rule => isSame(rule, binding)) ?? -1
    if (index < 0) return false
    rules!.splice(index, 1)
    if (rules!.length === 0) this.#byPrincipal.delete(binding.principal)
    return true
  }
}

/** Of rules that have pattern and principal in common. */
function isSame (one: AclBinding, other: AclBinding): boolean {
  return one.operation === other.operation && one.permission === other.permission && one.host === other.host
}

/** The rules about one type of resource. */
class TypeRules {
  /** By name; that of the wildcard among them. */
  readonly literal = new Map<string, RuleSet>()
  /** By prefix. */
  readonly prefixed = new Map<string, RuleSet>()
  /** The prefixes in the order of their code units: prefixes of one name lie near each other. */
  readonly #prefixes: string[] = []

  /** Where rules of this pattern are, or are to be. */
  of ({ patternType, resourceName }: AclBinding): RuleSet | undefined {
    return (patternType === 'PREFIXED' ? this.prefixed : this.literal).get(resourceName)
  }

  make ({ patternType, resourceName }: AclBinding): RuleSet {
    const rules = new RuleSet(resourceName, patternType)
    if (patternType === 'LITERAL') {
      this.literal.set(resourceName, rules)
    } else {
      this.prefixed.set(resourceName, rules)
      this.#prefixes.splice(this.#after(resourceName), 0, resourceName)
    }
    return rules
  }

  drop ({ patternType, resourceName }: RuleSet): void {
    if (patternType === 'LITERAL') {
      this.literal.delete(resourceName)
    } else {
      this.prefixed.delete(resourceName)
      this.#prefixes.splice(this.#after(resourceName) - 1, 1)
    }
  }

  /** Every set of rules that speaks of a resource of this name. */
  matching (name: string): RuleSet[] {
    const found: RuleSet[] = []
    const own = this.literal.get(name)
    if (own !== undefined) found.push(own)
    const all = name === WILDCARD ? undefined : this.literal.get(WILDCARD)
    if (all !== undefined) found.push(all)
    if (this.#prefixes.length > 0) this.#addPrefixes(name, found)
    return found
  }

  /**
   * The greatest prefix that is not greater than the name either begins it, or all others that do begin what the two have
   * in common: what lies between a string and one that begins with it begins with it too.
   */
  #addPrefixes (name: string, found: RuleSet[]): void {
    let key = name
    for (;;) {
      const index = this.#after(key) - 1
      if (index < 0) return
      const prefix = this.#prefixes[index]!
      const common = commonLength(prefix, key)
      if (common < prefix.length) {
        key = key.slice(0, common)
        continue
      }
      found.push(this.prefixed.get(prefix)!)
      if (common === 0) return
      key = key.slice(0, common - 1)
    }
  }

  /** How many prefixes are not greater than `key`. */
  #after (key: string): number {
    let low = 0
    let high = this.#prefixes.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#prefixes[middle]! <= key) low = middle + 1
      else high = middle
    }
    return low
  }
}

function commonLength (one: string, other: string): number {
  const limit = Math.min(one.length, other.length)
  let length = 0
  while (length < limit && one.charCodeAt(length) === other.charCodeAt(length)) length++
  return length
}

export class AclTable {
  readonly #types = new Map<ResourceType, TypeRules>()
  #size = 0
  #revision = 0

  get size (): number { return this.#size }
  /** Grows with every change: what was decided at another one is worth nothing. */
  get revision (): number { return this.#revision }

  /** False if it was there. Throws RangeError for what is no rule. */
  add (binding: AclBinding): boolean {
    check(binding)
    let type = this.#types.get(binding.resourceType)
    if (type === undefined) {
      type = new TypeRules()
      this.#types.set(binding.resourceType, type)
    }
    const rules = type.of(binding) ?? type.make(binding)
    if (!rules.add(binding)) return false
    this.#size++
    this.#revision++
    return true
  }

  /** False if it was not there. */
  remove (binding: AclBinding): boolean {
    const type = this.#types.get(binding.resourceType)
    const rules = type?.of(binding)
    if (rules?.remove(binding) !== true) return false
    if (rules.isEmpty) type!.drop(rules)
    this.#size--
    this.#revision++
    return true
  }

  * [Symbol.iterator] (): Generator<AclBinding> {
    for (const { literal, prefixed } of this.#types.values()) {
      for (const rules of literal.values()) yield * rules
      for (const rules of prefixed.values()) yield * rules
    }
  }

  /** The rules that speak of this resource (literal, prefixed, wildcard), whoever they are for. */
  * matching (resourceType: ResourceType, resourceName: string): Generator<AclBinding> {
    for (const rules of this.ruleSets(resourceType, resourceName)) yield * rules
  }

  /** The same by pattern, so that one can ask each for a principal. */
  ruleSets (resourceType: ResourceType, resourceName: string): readonly RuleSet[] {
    return this.#types.get(resourceType)?.matching(resourceName) ?? []
  }

  /** Every pattern that there are rules of. */
  * patternsOf (resourceType: ResourceType): Generator<RuleSet> {
    const type = this.#types.get(resourceType)
    if (type === undefined) return
    yield * type.literal.values()
    yield * type.prefixed.values()
  }
}

/** A rule of a type or pattern that is not known would never match, and so not deny what it was meant to. */
function check ({ resourceType, patternType }: AclBinding): void {
  if (!Object.hasOwn(resourceTypes, resourceType)) throw new RangeError(`There are no rules about resources of type ${resourceType}.`)
  if (!Object.hasOwn(patternTypes, patternType)) throw new RangeError(`A rule's pattern is LITERAL or PREFIXED, not ${patternType}.`)
}
