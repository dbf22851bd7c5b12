/**
 * Permissions at the schema registry, which is no Kafka request and so passes by `authorize.ts`: the same rules, asked by the
 * same authoriser, told of in the same way. `registry-permissions.ts` says what is needed for what.
 *
 * What is refused is a KafkaError that says what is missing, whether or not there is such a subject.
 */
import { KafkaError } from '../../protocol/errors.ts'
import type { Context } from '../../protocol/rpc.ts'
import { CLUSTER_NAME, type Authorizer } from '../access/model.ts'
import type { ParsedSchema } from '../schemas/format.ts'
import type { CheckResult, Registry } from '../schemas/registry.ts'
import type { Mode, SchemaContent, SchemaVersion } from '../schemas/model.ts'
import type { ConfigEntity } from '../schemas/config-entity.ts'
import { besides, contextOf, normalSubject } from '../schemas/subjects.ts'
import type { Denial } from './authorize-gate.ts'
import type { Need } from './permissions.ts'
import { registryPermissions as needs, topicOf, type RegistryAction } from './registry-permissions.ts'

/** The arguments of a method, but for the caller. */
type Of<M extends keyof Registry> = Registry[M] extends (...args: infer A) => unknown ? A : never

export class GuardedRegistry {
  readonly #registry: Registry
  readonly #authorizer: () => Pick<Authorizer, 'decide'>
  readonly #onDenied: (denial: Denial) => void

  /** `authorizer` is asked for anew with each decision. */
  constructor (registry: Registry, authorizer: () => Pick<Authorizer, 'decide'>, onDenied: (denial: Denial) => void) {
    this.#registry = registry
    this.#authorizer = authorizer
    this.#onDenied = onDenied
  }

  get isOpen (): boolean {
    return this.#registry.isOpen
  }

  types (): string[] {
    return this.#registry.types()
  }

  /** Of a schema that one has been given. */
  parsed (schema: SchemaVersion): ParsedSchema {
    return this.#registry.parsed(schema)
  }

  // ---- lists: what one may not see is not there

  subjects (context: Context, ...args: Of<'subjects'>): string[] {
    return this.#registry.subjects(...args).filter(this.#sees(context))
  }

  all (context: Context, ...args: Of<'all'>): SchemaVersion[] {
    const sees = this.#sees(context)
    return this.#registry.all(...args).filter(({ subject }) => sees(subject))
  }

  // ---- subjects

  versions (context: Context, ...args: Of<'versions'>): number[] {
    this.#requireSubject(context, 'ReadSubject', needs.ReadSubject.topic, args[0])
    return this.#registry.versions(...args)
  }

  get (context: Context, ...args: Of<'get'>): SchemaVersion {
    this.#requireSubject(context, 'ReadSubject', needs.ReadSubject.topic, args[0])
    return this.#registry.get(...args)
  }

  latestWith (context: Context, ...args: Of<'latestWith'>): SchemaVersion {
    this.#requireSubject(context, 'ReadSubject', needs.ReadSubject.topic, args[0])
    return this.#registry.latestWith(...args)
  }

  /** Only the ids of what one may see. */
  referencedBy (context: Context, ...args: Of<'referencedBy'>): number[] {
    const [subject] = args
    this.#requireSubject(context, 'ReadSubject', needs.ReadSubject.topic, subject)
    const sees = this.#sees(context)
    return this.#registry.referencedBy(...args).filter(id => this.#subjectsOf(id, contextOf(subject)).some(sees))
  }

  lookup (context: Context, ...args: Of<'lookup'>): SchemaVersion {
    this.#requireSubject(context, 'CompareSchema', needs.CompareSchema.topic, args[0])
    this.#requireReferences(context, 'CompareSchema', args[0], args[1])
    return this.#registry.lookup(...args)
  }

  check (context: Context, ...args: Of<'check'>): Promise<CheckResult> {
    this.#requireSubject(context, 'CompareSchema', needs.CompareSchema.topic, args[0])
    this.#requireReferences(context, 'CompareSchema', args[0], args[2])
    return this.#registry.check(...args)
  }

  async register (context: Context, ...args: Of<'register'>): Promise<SchemaVersion> {
    this.#requireSubject(context, 'RegisterSchema', needs.RegisterSchema.topic, args[0])
    this.#requireReferences(context, 'RegisterSchema', args[0], args[1])
    return await this.#registry.register(...args)
  }

  async deleteSubject (context: Context, ...args: Of<'deleteSubject'>): Promise<number[]> {
    this.#requireSubject(context, 'DeleteSubject', needs.DeleteSubject.topic, args[0])
    return await this.#registry.deleteSubject(...args)
  }

  async deleteVersion (context: Context, ...args: Of<'deleteVersion'>): Promise<number> {
    this.#requireSubject(context, 'DeleteSubject', needs.DeleteSubject.topic, args[0])
    return await this.#registry.deleteVersion(...args)
  }

  // ---- schemas, whosesoever they are

  schemaById (context: Context, ...args: Of<'schemaById'>): SchemaVersion {
    const schema = this.#registry.schemaById(...args)
    this.#requireOneOf(context, schema, () => this.#subjectsOf(schema.id, contextOf(schema.subject)))
    return schema
  }

  schemaByGuid (context: Context, ...args: Of<'schemaByGuid'>): SchemaVersion {
    const schema = this.#registry.schemaByGuid(...args)
    this.#requireOneOf(context, schema, () => this.#registry.idsOf(schema.guid).flatMap(({ id, context }) => this.#subjectsOf(id, context)))
    return schema
  }

  /** Only those that it has where one may see it. */
  idsOf (context: Context, ...args: Of<'idsOf'>): { readonly context: string, readonly id: number }[] {
    this.schemaByGuid(context, ...args)
    const { cluster } = needs.ReadSchema
    const sees = this.#sees(context)
    return this.#registry.idsOf(...args).filter(({ id, context: where }) => {
      const subjects = this.#subjectsOf(id, where)
      return subjects.length === 0 ? this.#may(context, cluster, CLUSTER_NAME) : subjects.some(sees)
    })
  }

  /** No secret: whoever registers a schema learns it. */
  maxId (_context: Context, ...args: Of<'maxId'>): number {
    return this.#registry.maxId(...args)
  }

  subjectsOf (context: Context, ...args: Of<'subjectsOf'>): string[] {
    this.schemaById(context, args[0], args[1])
    return this.#registry.subjectsOf(...args).filter(this.#sees(context))
  }

  versionsOf (context: Context, ...args: Of<'versionsOf'>): { readonly subject: string, readonly version: number }[] {
    this.schemaById(context, args[0], args[1])
    const sees = this.#sees(context)
    return this.#registry.versionsOf(...args).filter(({ subject }) => sees(subject))
  }

  // ---- how the registry treats them

  config (context: Context, ...args: Of<'config'>): ConfigEntity {
    this.#requireConfig(context, 'ReadRegistryConfig', args[0])
    return this.#registry.config(...args)
  }

  async setConfig (context: Context, ...args: Of<'setConfig'>): Promise<ConfigEntity> {
    this.#requireConfig(context, 'AlterRegistryConfig', args[0])
    return await this.#registry.setConfig(...args)
  }

  async deleteConfig (context: Context, ...args: Of<'deleteConfig'>): Promise<ConfigEntity> {
    this.#requireConfig(context, 'AlterRegistryConfig', args[0])
    return await this.#registry.deleteConfig(...args)
  }

  mode (context: Context, ...args: Of<'mode'>): Mode {
    this.#requireConfig(context, 'ReadRegistryConfig', args[0])
    return this.#registry.mode(...args)
  }

  async setMode (context: Context, ...args: Of<'setMode'>): Promise<Mode> {
    this.#requireConfig(context, 'AlterRegistryConfig', args[0])
    return await this.#registry.setMode(...args)
  }

  /** `recursive` is about all subjects of a context, and so the cluster's. */
  async deleteMode (context: Context, ...args: Of<'deleteMode'>): Promise<Mode> {
    this.#requireConfig(context, 'AlterRegistryConfig', args[1]?.recursive === true ? null : args[0])
    return await this.#registry.deleteMode(...args)
  }

  contexts (context: Context): string[] {
    this.#require(context, 'ListContexts', needs.ListContexts.cluster, null)
    return this.#registry.contexts()
  }

  async deleteContext (context: Context, ...args: Of<'deleteContext'>): Promise<void> {
    this.#require(context, 'DeleteContext', needs.DeleteContext.cluster, null)
    await this.#registry.deleteContext(...args)
  }

  // ----

  #may ({ principal, address }: Context, { operation, resourceType }: Need, name: string): boolean {
    return this.#authorizer().decide(principal, address, operation, resourceType, name).allowed
  }

  #sees (context: Context): (subject: string) => boolean {
    return subject => this.#may(context, needs.ListSubjects.topic, topicOf(subject) ?? CLUSTER_NAME)
  }

  #subjectsOf (id: number, context: string): string[] {
    return this.#registry.subjectsOf(id, { subject: `:${context}:`, deleted: true })
  }

  #require (context: Context, action: RegistryAction, need: Need, subject: string | null): void {
    const name = need.resourceType === 'CLUSTER' ? CLUSTER_NAME : topicOf(subject) ?? ''
    if (!this.#may(context, need, name)) throw this.#denied(context, action, need, name, subject)
  }

  /**
   * Who gives a subject an alias opens no doors with it: what counts is the subject that is meant. Which one that is, is part of the
   * configuration of the alias, and not told to who may do nothing there.
   */
  #requireSubject (context: Context, action: RegistryAction, need: Need, subject: string): void {
    const meant = this.#registry.meant(subject)
    if (meant === normalSubject(subject)) return this.#require(context, action, need, meant)
    const name = topicOf(meant) ?? ''
    if (this.#may(context, need, name)) return
    this.#tell(context, action, need, name)
    throw new KafkaError(need.denied!, `Not authorised: this needs ${need.operation} on the topic of the subject that ${subject} stands for.`)
  }

  #requireConfig (context: Context, action: 'ReadRegistryConfig' | 'AlterRegistryConfig', subject: string | null): void {
    this.#require(context, action, topicOf(subject) === null ? needs[action].cluster : needs[action].topic, subject)
  }

  #requireReferences (context: Context, action: 'CompareSchema' | 'RegisterSchema', subject: string, { references }: SchemaContent): void {
    const meant = this.#registry.meant(subject)
    for (const reference of references) this.#requireSubject(context, action, needs[action].references, besides(meant, reference.subject))
  }

  /** `others` is asked only if that subject alone is not enough. */
  #requireOneOf (context: Context, { id, subject }: SchemaVersion, others: () => readonly string[]): void {
    const sees = this.#sees(context)
    if (sees(subject)) return
    const subjects = others()
    if (subjects.some(sees)) return
    const { topic, cluster } = needs.ReadSchema
    if (subjects.length === 0) return this.#require(context, 'ReadSchema', cluster, null)
    this.#tell(context, 'ReadSchema', topic, topicOf(subject) ?? '')
    // Not even its name is told of what one may not see.
    throw new KafkaError('TOPIC_AUTHORIZATION_FAILED',
      `Not authorised: this needs DESCRIBE on the topic of a subject that has the schema ${id}.`)
  }

  #denied (context: Context, action: RegistryAction, need: Need, name: string, subject: string | null): KafkaError {
    const { operation, resourceType, denied } = need
    this.#tell(context, action, need, name)
    const whose = resourceType === 'TOPIC' && subject !== name ? `, to which the subject ${subject} belongs` : ''
    return new KafkaError(denied!, `Not authorised: this needs ${operation} on the ${resourceType.toLowerCase()} ${name}${whose}.`, {
      missing: { operation, resourceType, resourceName: name }
    })
  }

  #tell ({ principal, door, address }: Context, api: RegistryAction, { operation, resourceType }: Need, resourceName: string): void {
    this.#onDenied({ principal, door, address, operation, resourceType, resourceName, api })
  }
}
