/**
 * The schema registry: what Confluent's clients expect of one, over the topic `_schemas`. It is read from memory; what is
 * changed is written to the log and read back, so several gateways over one log are one registry.
 *
 * A subject that is an alias of another one (see `alias` in config-entity.ts) means that one, wherever a subject is named but
 * for its own configuration and mode.
 */
import type { Dispatch } from '../../protocol/rpc.ts'
import type { Catalog } from './catalog.ts'
import type { ConfigChange, ConfigEntity } from './config-entity.ts'
import { Deletion } from './deletion.ts'
import type { Format, ParsedSchema } from './format.ts'
import type { Stored } from './ids.ts'
import { Library } from './library.ts'
import type { Mode, SchemaContent, SchemaVersion } from './model.ts'
import { Registration, type RegisterOptions, type RegisterRequest } from './registration.ts'
import { RegistryError } from './registry-error.ts'
import { RegistryLog, type RegistryLogOptions } from './registry-log.ts'
import { Scopes } from './scopes.ts'
import { contextOf, DEFAULT_CONTEXT, normalSubject, prefixTest, qualifiedName, subjectIn, validSubject } from './subjects.ts'
import { checkVersion, type SubjectVersions } from './subject-versions.ts'

export interface RegistryOptions extends RegistryLogOptions {
  /** What parsed schemas may hold in memory. */
  readonly cacheBytes?: number
}

/** A version, or the newest one that is not deleted. */
export type VersionOrLatest = number | 'latest'

export interface SubjectVersion {
  readonly subject: string
  readonly version: number
}

export interface CheckResult {
  readonly isCompatible: boolean
  /** In the format of the peers. */
  readonly messages: readonly string[]
}

/** `deletedOnly` goes before `deleted`: only those that are soft-deleted, or those too. */
export interface DeletedOptions {
  readonly deleted?: boolean
  readonly deletedOnly?: boolean
}

export class Registry implements Catalog {
  readonly #log: RegistryLog
  readonly #library: Library
  readonly #registration: Registration
  readonly #deletion: Deletion
  readonly #scopes: Scopes

  /** `dispatch` is the engine's own: requests are those of the process itself. */
  constructor (dispatch: Dispatch, formats: readonly Format[], { cacheBytes, ...options }: RegistryOptions = {}) {
    this.#log = new RegistryLog(dispatch, options)
    this.#library = new Library(formats, () => this.#log.state, cacheBytes)
    this.#registration = new Registration(this.#log, this.#library)
    this.#deletion = new Deletion(this.#log)
    this.#scopes = new Scopes(this.#log)
  }

  /** Knows all that is in the log when it resolves; makes no topic where there is none. Rejects with KafkaError. */
  async open (): Promise<void> {
    await this.#log.open()
  }

  async close (): Promise<void> {
    await this.#log.close()
  }

  // ---- Catalog

  get isOpen (): boolean { return this.#log.isOpen }
  get revision (): number { return this.#log.state.revision }

  byId (id: number, context = DEFAULT_CONTEXT): SchemaVersion | undefined {
    return this.#log.state.idsOf(context).versionOf(id)
  }

  byGuid (guid: string): SchemaVersion | undefined {
    const [found] = this.#idsOf(guid)
    return found === undefined ? undefined : this.byId(found.id, found.context)
  }

  latest (subject: string): SchemaVersion | undefined {
    return this.#versions(subject).latest?.view
  }

  version (subject: string, version: number): SchemaVersion | undefined {
    return this.#versions(subject).get(version)?.view
  }

  isUnder (subject: string, schema: SchemaVersion, deleted = false): boolean {
    const meant = this.#meant(subject)
    return contextOf(meant) === contextOf(schema.subject) && this.#log.state.versionsOf(meant).hasId(schema.id, deleted)
  }

  parsed (schema: SchemaVersion): ParsedSchema {
    return this.#library.parsed(schema)
  }

  async refresh (): Promise<void> {
    await this.#log.refresh()
  }

  /** The subject that is meant: another one where this one is an alias. */
  meant (subject: string): string {
    return this.#meant(subject)
  }

  // ---- subjects and versions

  /** The languages, in the order in which they were given. */
  types (): string[] {
    return this.#library.types
  }

  /** `prefix`: `:*:` any context (default), `:*:a` names that begin with `a` in any context, `:.team:` one context, `` the default one. */
  subjects ({ prefix = ':*:', ...options }: DeletedOptions & { readonly prefix?: string } = {}): string[] {
    const matches = prefixTest(prefix)
    return [...this.#log.state.subjects].filter(([subject, { all }]) => matches(subject) && all.some(isWanted(options))).map(([subject]) => subject).sort()
  }

  /** 40401 */
  versions (subject: string, options: DeletedOptions = {}): number[] {
    const versions = this.#versions(subject).all.filter(isWanted(options)).map(({ view }) => view.version)
    if (versions.length === 0) throw subjectNotFound(subject)
    return versions
  }

  /** 40401 40402 42202 */
  get (subject: string, version: VersionOrLatest, options: { readonly deleted?: boolean } = {}): SchemaVersion {
    return this.#stored(subject, version, options).view
  }

  /** 40401 40403 42201 */
  lookup (subject: string, content: SchemaContent,
    { normalize = false, deleted = false }: { readonly normalize?: boolean, readonly deleted?: boolean } = {}): SchemaVersion {
    const meant = this.#meant(subject)
    if (!this.#log.state.versionsOf(meant).all.some(isWanted({ deleted }))) throw subjectNotFound(subject)
    const asked = this.#registration.content(meant, content)
    const options = { normalize: normalize || (this.#log.state.configOf(meant).normalize ?? false), deleted }
    const found = this.#library.find(meant, asked, this.#library.parse(meant, asked, false), options)
    if (found === undefined) throw new RegistryError(40403, 'Schema not found')
    return found.view
  }

  /** The newest version whose metadata has all these properties. 40401 40402 */
  latestWith (subject: string, properties: Readonly<Record<string, string>>, { deleted = false }: { readonly deleted?: boolean } = {}): SchemaVersion {
    const versions = this.#versions(subject).all.filter(isWanted({ deleted }))
    if (versions.length === 0) throw subjectNotFound(subject)
    const found = versions.findLast(({ content: { metadata } }) =>
      Object.entries(properties).every(([name, value]) => metadata?.properties?.[name] === value))
    if (found === undefined) throw new RegistryError(40402, `Subject '${subject}' has no version with these properties.`)
    return found.view
  }

  /** Ordered by subject and version. */
  all ({ prefix = ':*:', latestOnly = false, ...options }: DeletedOptions & { readonly prefix?: string, readonly latestOnly?: boolean } = {}): SchemaVersion[] {
    return this.subjects({ prefix, ...options }).flatMap(subject => {
      const versions = this.#log.state.versionsOf(subject).all.filter(isWanted(options)).map(({ view }) => view)
      return latestOnly ? versions.slice(-1) : versions
    })
  }

  /** Ids of the schemas that refer to this one. 40401 40402 */
  referencedBy (subject: string, version: VersionOrLatest, { deleted = false }: { readonly deleted?: boolean } = {}): number[] {
    const { view } = this.#stored(subject, version, { deleted: version !== 'latest' })
    const referrers = [...this.#log.state.referrersOf(view.subject, view.version)].filter(isWanted({ deleted }))
    return [...new Set(referrers.map(one => one.view.id))].sort((a, b) => a - b)
  }

  // ---- ids

  /** 40403. `subject` says the context; without one, other contexts are looked at where the default one does not have it under the subject. */
  schemaById (id: number, { subject = '' }: { readonly subject?: string } = {}): SchemaVersion {
    const found = this.byId(id, this.#contextOfId(id, subject))
    if (found === undefined) throw new RegistryError(40403, `Schema ${id} not found`)
    return found
  }

  /** 40403 */
  schemaByGuid (guid: string): SchemaVersion {
    const found = this.byGuid(guid)
    if (found === undefined) throw new RegistryError(40403, `Schema ${guid} not found`)
    return found
  }

  /** 40403 */
  idsOf (guid: string): { readonly context: string, readonly id: number }[] {
    const found = this.#idsOf(guid)
    if (found.length === 0) throw new RegistryError(40403, `Schema ${guid} not found`)
    return found
  }

  /** The largest id of the context of `subject` so far; 0 if there is none. */
  maxId ({ subject = '' }: { readonly subject?: string } = {}): number {
    return this.#log.state.idsOf(contextOf(subject)).max
  }

  /** 40403. `subject` says the context, and is the only one in the answer if it has a name. */
  subjectsOf (id: number, options: { readonly subject?: string, readonly deleted?: boolean } = {}): string[] {
    return [...new Set(this.versionsOf(id, options).map(({ subject }) => subject))]
  }

  /** 40403 */
  versionsOf (id: number, { subject = '', deleted = false }: { readonly subject?: string, readonly deleted?: boolean } = {}): SubjectVersion[] {
    const context = this.#contextOfId(id, subject)
    const versions = [...this.#log.state.idsOf(context).versionsOf(id)].map(({ view }) => view)
    if (versions.length === 0) throw new RegistryError(40403, `Schema ${id} not found`)
    const { name } = qualifiedName(subject)
    const only = name === '' ? null : this.#meant(subjectIn(context, name))
    return versions
      .filter(view => (deleted || !view.deleted) && (only === null || view.subject === only))
      .map(({ subject, version }) => ({ subject, version }))
      .sort((a, b) => a.subject < b.subject ? -1 : a.subject > b.subject ? 1 : a.version - b.version)
  }

  // ---- changes

  /** 40901 42201 42205 42207 42208 42209 42210 50001; also KafkaError. */
  async register (subject: string, request: RegisterRequest, options: RegisterOptions = {}): Promise<SchemaVersion> {
    return await this.#registration.register(this.#log.state.meant(validSubject(subject)), request, options)
  }

  /** The versions that were deleted. 40401 40404 40405 42205 42206 */
  async deleteSubject (subject: string, permanent: boolean): Promise<number[]> {
    return await this.#deletion.subject(this.#meant(subject), permanent)
  }

  /** 40401 40402 40406 40407 42202 42205 42206 */
  async deleteVersion (subject: string, version: VersionOrLatest, permanent: boolean): Promise<number> {
    checkVersion(version)
    return await this.#deletion.version(this.#meant(subject), version, permanent)
  }

  /** The versions that the level asks for, if `version` is 'all'. 40401 (not with 'latest' and 'all') 40402 42201 42202 */
  async check (subject: string, version: VersionOrLatest | 'all', content: SchemaContent): Promise<CheckResult> {
    const { state } = this.#log
    const meant = this.#meant(subject)
    const against = version === 'all' ? undefined : version === 'latest' ? state.versionsOf(meant).latest ?? 'none' : this.#stored(subject, version, {})
    const { messages } = await this.#registration.check(meant, content, state.configOf(meant), against)
    return { isCompatible: messages.length === 0, messages }
  }

  // ---- configuration, mode, contexts

  /** `:.team:` is a context as a whole, null everything. 40408 if nothing is set and not `defaultToGlobal`; null always answers. */
  config (subject: string | null, defaultToGlobal: boolean): ConfigEntity {
    return this.#scopes.config(subject, defaultToGlobal)
  }

  /** What is set there afterwards. `readConfig` makes a change of JSON. 42205 42208 */
  async setConfig (subject: string | null, change: ConfigChange): Promise<ConfigEntity> {
    return await this.#scopes.setConfig(subject, change)
  }

  /** What was set. 40408 */
  async deleteConfig (subject: string | null): Promise<ConfigEntity> {
    return await this.#scopes.deleteConfig(subject)
  }

  /** 40409 */
  mode (subject: string | null, defaultToGlobal: boolean): Mode {
    return this.#scopes.mode(subject, defaultToGlobal)
  }

  /** 42204 42205 42208. To IMPORT only where there are no schemas, unless `force`. */
  async setMode (subject: string | null, mode: string, force: boolean): Promise<Mode> {
    return await this.#scopes.setMode(subject, mode, force)
  }

  /** What was set. 40409. `recursive`: those of all subjects of the context too. */
  async deleteMode (subject: string | null, { recursive = false }: { readonly recursive?: boolean } = {}): Promise<Mode> {
    return await this.#scopes.deleteMode(subject, recursive)
  }

  /** `.` first. */
  contexts (): string[] {
    return this.#log.state.contexts
  }

  /** 42211 if there are subjects in it, 40401 if there is none of the name. */
  async deleteContext (name: string): Promise<void> {
    await this.#scopes.deleteContext(name)
  }

  // ----

  #idsOf (guid: string): { readonly context: string, readonly id: number }[] {
    const { state } = this.#log
    return state.contexts.flatMap(context => state.idsOf(context).idsOfGuid(guid.toLowerCase()).map(id => ({ context, id })))
  }

  #meant (subject: string): string {
    return this.#log.state.meant(normalSubject(subject))
  }

  #versions (subject: string): SubjectVersions {
    return this.#log.state.versionsOf(this.#meant(subject))
  }

  #stored (subject: string, version: VersionOrLatest, { deleted = false }: { readonly deleted?: boolean }): Stored {
    checkVersion(version)
    const versions = this.#versions(subject)
    const stored = version === 'latest' ? (deleted ? versions.all.at(-1) : versions.latest) : versions.get(version)
    if (stored !== undefined && (deleted || !stored.view.deleted)) return stored
    if (!versions.all.some(isWanted({ deleted }))) throw subjectNotFound(subject)
    throw new RegistryError(40402, `Version ${version} not found.`)
  }

  /** In which context an id is meant, by who asks with a subject: an unqualified one may be in any. */
  #contextOfId (id: number, subject: string): string {
    const { state } = this.#log
    const { context, name } = qualifiedName(subject)
    if (name === '' || context !== DEFAULT_CONTEXT) return context
    const isThere = (context: string): boolean => state.versionsOf(state.meant(subjectIn(context, name))).all.some(({ view }) => view.id === id)
    return state.contexts.find(isThere) ?? DEFAULT_CONTEXT
  }
}

const isWanted = ({ deleted = false, deletedOnly = false }: DeletedOptions) => ({ view }: Stored): boolean =>
  deletedOnly ? view.deleted : deleted || !view.deleted

const subjectNotFound = (subject: string): RegistryError => new RegistryError(40401, `Subject '${subject}' not found.`)
