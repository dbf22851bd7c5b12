/**
 * What is known of who may do what, and how much: users, rules, quotas and delegation tokens, kept in a topic and held in memory.
 * Changes are made by writing to the topic and seen by reading it, here and in every other process that shares it.
 */
import type { Dispatch } from '../../protocol/rpc.ts'
import { AclTable } from './acls.ts'
import { changeOf, entryOf, type AccessChange } from './entries.ts'
import { AccessLog, type AccessLogOptions } from './log.ts'
import type { ScramCredential, ScramMechanism, UserDirectory } from './model.ts'
import { QuotaTable } from './quota-table.ts'
import { TokenTable } from './token-table.ts'
import type { Entry } from '../state/topic.ts'

export type AccessKind = 'users' | 'acls' | 'quotas' | 'tokens' | 'validation'

export interface User {
  readonly name: string
  readonly mechanisms: ReadonlyMap<ScramMechanism, ScramCredential>
}

const kinds = {
  user: 'users', acl: 'acls', quota: 'quotas', token: 'tokens', validation: 'validation'
} as const satisfies Record<AccessChange['kind'], AccessKind>

export class AccessStore implements UserDirectory {
  readonly acls = new AclTable()
  readonly quotas = new QuotaTable()
  /** What topics ask of their records, by topic: `src/schemas/settings.ts` knows what it means. */
  readonly validation = new Map<string, Readonly<Record<string, string>>>()
  readonly tokens = new TokenTable()
  readonly #users = new Map<string, Map<ScramMechanism, ScramCredential>>()
  readonly #log: AccessLog
  readonly #listeners: ((kind: AccessKind) => void)[] = []
  /** What is in the tables, by key: whatever a new reading of the topic does not hold is taken out of them. */
  readonly #known = new Map<string, AccessChange>()
  #revision = 0
  #ignored = 0

  /** `dispatch` is the engine's own: the topic is behind every rule, and its requests are those of the process itself. */
  constructor (dispatch: Dispatch, options: AccessLogOptions = {}) {
    this.#log = new AccessLog(dispatch, {
      changed: entries => this.#take(entries),
      replaced: entries => this.#replace(entries)
    }, options)
  }

  /** Makes the topic if it is missing, and knows all of it when it resolves. Rejects with KafkaError. */
  async open (): Promise<void> {
    await this.#log.open()
  }

  async close (): Promise<void> {
    await this.#log.close()
  }

  users (): Iterable<User> {
    return Array.from(this.#users, ([name, mechanisms]) => ({ name, mechanisms }))
  }

  user (name: string): ReadonlyMap<ScramMechanism, ScramCredential> | undefined {
    return this.#users.get(name)
  }

  credential (user: string, mechanism: ScramMechanism): ScramCredential | undefined {
    return this.#users.get(user)?.get(mechanism)
  }

  get revision (): number { return this.#revision }

  /** Neither a user nor a rule. */
  get isEmpty (): boolean { return this.#users.size === 0 && this.acls.size === 0 }

  /** Entries that were passed over because this version does not know what they mean. They stay in the topic. */
  get ignored (): number { return this.#ignored }

  /** Called after a change, once for each kind. */
  onChange (listener: (kind: AccessKind) => void): void {
    this.#listeners.push(listener)
  }

  /** Durable and applied when it resolves: all of it or nothing. Rejects with KafkaError. */
  async apply (changes: readonly AccessChange[]): Promise<void> {
    await this.#log.append(changes.map(entryOf))
  }

  #take (entries: readonly Entry[]): void {
    const touched = new Set<AccessKind>()
    for (const entry of entries) {
      const change = changeOf(entry)
      if (change === null) {
        this.#ignored++
        continue
      }
      if (entry.value === null) this.#known.delete(entry.key)
      else this.#known.set(entry.key, change)
      this.#apply(change)
      touched.add(kinds[change.kind])
    }
    this.#tell(touched)
  }

  #replace (entries: ReadonlyMap<string, string>): void {
    const gone = [...this.#known.keys()].filter(key => !entries.has(key)).map(key => ({ key, value: null }))
    this.#take([...gone, ...Array.from(entries, ([key, value]) => ({ key, value }))])
  }

  #apply (change: AccessChange): void {
    switch (change.kind) {
      case 'acl':
        if (change.present) this.acls.add(change.binding)
        else this.acls.remove(change.binding)
        break
      case 'quota':
        this.quotas.set(change.entity, change.values)
        break
      case 'validation':
        if (change.configs === null) this.validation.delete(change.topic)
        else this.validation.set(change.topic, change.configs)
        break
      case 'token':
        this.tokens.set(change.id, change.token)
        break
      case 'user':
        this.#setCredential(change.name, change.mechanism, change.credential)
    }
  }

  #setCredential (name: string, mechanism: ScramMechanism, credential: ScramCredential | null): void {
    const mechanisms = this.#users.get(name) ?? new Map<ScramMechanism, ScramCredential>()
    if (credential === null) mechanisms.delete(mechanism)
    else mechanisms.set(mechanism, credential)
    if (mechanisms.size === 0) this.#users.delete(name)
    else this.#users.set(name, mechanisms)
    this.#revision++
  }

  #tell (kinds: ReadonlySet<AccessKind>): void {
    for (const kind of kinds) for (const listener of this.#listeners) listener(kind)
  }
}
