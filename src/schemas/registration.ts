/**
 * Registering, with nobody to ask for a number: the next version and id are taken from what is known, written, and read back.
 * Where another gateway was faster, what holds is written over the record that came too late, and the next numbers are tried.
 */
import { KafkaError } from '../../protocol/errors.ts'
import type { Entry } from '../state/topic.ts'
import { COMPATIBLE, compatibilityInTurns, type Earlier, type Verdict } from './compatibility.ts'
import { DEFAULT_LEVEL, withContract, type ConfigEntity } from './config-entity.ts'
import { contentOf, type Content } from './content.ts'
import { readMetadata, readRuleSet } from './contract-entity.ts'
import { schemaEntry } from './entries.ts'
import { SchemaError, type ParsedSchema } from './format.ts'
import type { Stored } from './ids.ts'
import type { Library } from './library.ts'
import type { SchemaContent, SchemaVersion } from './model.ts'
import { RegistryError } from './registry-error.ts'
import type { RegistryLog } from './registry-log.ts'
import { checkVersion, MAX_VERSION, type SubjectVersions } from './subject-versions.ts'
import { besides, contextOf } from './subjects.ts'

export interface RegisterOptions {
  readonly normalize?: boolean
  /** Takes what is incompatible. */
  readonly force?: boolean
}

/** An id, and a version other than the next, can be chosen in mode IMPORT. */
export type RegisterRequest = SchemaContent & { readonly id?: number, readonly version?: number }

/** What is asked for, understood. */
interface Asked {
  readonly subject: string
  readonly content: SchemaContent
  readonly parsed: ParsedSchema
  readonly id: number | undefined
  readonly version: number | undefined
  readonly options: RegisterOptions
  judged: Judged | null
}

/** What was found out about what is asked for, which takes a while, and of which state that is true. */
interface Judged {
  readonly versions: readonly Stored[]
  readonly scope: string
  /** With what the configuration adds to it. */
  readonly content: SchemaContent
  /** It is there already. */
  readonly found: SchemaVersion | undefined
  readonly verdict: Verdict
}

interface Plan {
  readonly view: SchemaVersion
  /** Null if it is there already. */
  readonly entry: Entry | null
}

const MAX_ATTEMPTS = 100

const tooLarge: ReadonlySet<string> = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE'])

export class Registration {
  readonly #log: RegistryLog
  readonly #library: Library

  constructor (log: RegistryLog, library: Library) {
    this.#log = log
    this.#library = library
  }

  /** 40901 42201 42205 42207 42209 42210 50001; also KafkaError. */
  async register (subject: string, request: RegisterRequest, options: RegisterOptions): Promise<SchemaVersion> {
    const asked = await this.#understood(subject, request, options)
    const found = this.#find(asked, asked.content)
    if (found !== undefined) return found
    // Before it keeps other writers waiting.
    if (!this.#isJudged(asked)) await this.#judge(asked)
    try {
      return await this.#log.exclusively(() => this.#write(asked))
    } catch (error) {
      if (!(error instanceof KafkaError) || !tooLarge.has(error.code)) throw error
      throw new RegistryError(42209, `The schema is too large for the log: ${error.message}`, { cause: error })
    }
  }

  /** As a lookup or a check understands what is sent. */
  content (subject: string, { schemaType, schema, references, metadata, ruleSet }: SchemaContent): SchemaContent {
    const { state } = this.#log
    return {
      schemaType,
      schema,
      // Peers let -1 stand for the latest.
      references: references.map(({ name, subject: named, version }) =>
        ({ name, subject: named, version: version === -1 ? state.versionsOf(besides(subject, named)).latest?.view.version ?? -1 : version })),
      metadata: metadata === null ? null : readMetadata(metadata),
      ruleSet: ruleSet === null ? null : readRuleSet(ruleSet)
    }
  }

  async #understood (subject: string, request: RegisterRequest, options: RegisterOptions): Promise<Asked> {
    const { id, version } = request
    if (id !== undefined && (!Number.isInteger(id) || id > MAX_VERSION)) throw new RegistryError(42207, `The id ${id} is not one: expected 1 to 2^31-1.`)
    if (version !== undefined && version > 0) checkVersion(version)
    const asked = (): Asked => {
      const content = this.content(subject, request)
      const strict = this.#log.state.configOf(subject).validateNewSchemas ?? false
      return {
        subject,
        content,
        parsed: this.#library.parse(subject, content, strict),
        // Clients say -1 for none.
        id: id === undefined || id <= 0 ? undefined : id,
        version: version === undefined || version <= 0 ? undefined : version,
        options,
        judged: null
      }
    }
    try {
      return asked()
    } catch (error) {
      if (!(error instanceof RegistryError) || !(error.cause instanceof SchemaError) || request.references.length === 0) throw error
      // What it refers to may have been registered just now, through another gateway.
      await this.#log.refresh()
      return asked()
    }
  }

  #find ({ subject, parsed, id, version, options }: Asked, content: SchemaContent): SchemaVersion | undefined {
    const normalize = this.#normalizes(subject, options)
    const view = this.#library.find(subject, content, parsed, { normalize, deleted: false })?.view
    const isIt = view !== undefined && (id === undefined || id === view.id) && (version === undefined || version === view.version)
    return isIt ? view : undefined
  }

  #normalizes (subject: string, { normalize = false }: RegisterOptions): boolean {
    return normalize || (this.#log.state.configOf(subject).normalize ?? false)
  }

  async #write (asked: Asked): Promise<SchemaVersion> {
    /** Keys of ours that were passed over. */
    const lost = new Set<string>()
    try {
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        await this.#log.courtesy(attempt)
        // Not what was: others write too. From here to what is written nobody comes in between.
        while (!this.#isJudged(asked)) await this.#judge(asked)
        const { view, entry } = this.#plan(asked, asked.judged!)
        if (entry === null) return view
        this.#checkReferences(asked)
        const key = this.#log.state.keyInLog(entry.key)
        lost.delete(key)
        const counts = await this.#log.write([...this.#repairs(lost), entry])
        if (counts.at(-1)) return this.#log.state.versionsOf(view.subject).get(view.version)?.view ?? view
        lost.add(key)
      }
    } finally {
      await this.#log.write(this.#repairs(lost)).catch(() => {}) // then others will do it
    }
    throw new RegistryError(50001, `Other gateways were faster ${MAX_ATTEMPTS} times. Try again.`)
  }

  #repairs (keys: Set<string>): Entry[] {
    const entries: Entry[] = []
    for (const key of keys) {
      const contradiction = this.#log.state.contradictions.get(key)
      if (contradiction === undefined) keys.delete(key)
      else entries.push(this.#log.repairOf(contradiction))
    }
    return entries
  }

  /** What it refers to may have been deleted for good while it waited. Throws 42201. */
  #checkReferences ({ subject, content }: Asked): void {
    for (const { subject: named, version } of content.references) {
      if (this.#log.state.versionsOf(besides(subject, named)).get(version) === undefined) {
        throw new RegistryError(42201, `No schema reference found for subject "${named}" and version ${version}`)
      }
    }
  }

  #isJudged ({ subject, judged }: Asked): boolean {
    return judged !== null && judged.versions === this.#log.state.versionsOf(subject).all && judged.scope === this.#scopeOf(subject)
  }

  /** What a judgement hangs on beside the versions. */
  #scopeOf (subject: string): string {
    const { state } = this.#log
    return JSON.stringify([state.configOf(subject), state.modeOf(subject)])
  }

  async #judge (asked: Asked): Promise<void> {
    const { subject, parsed, id, options } = asked
    const { state } = this.#log
    const config = state.configOf(subject)
    const { all: versions, latest } = state.versionsOf(subject)
    const scope = this.#scopeOf(subject)
    const content = withContract(asked.content, config, latest?.content)
    const found = this.#find(asked, asked.content) ?? this.#find(asked, content)
    const isCompared = found === undefined && id === undefined && options.force !== true && state.modeOf(subject) === 'READWRITE'
    const verdict = isCompared ? await this.#compare(subject, content, parsed, config) : COMPATIBLE
    asked.judged = { versions, scope, content, found, verdict }
  }

  /** From what is known now. Throws RegistryError where it is not taken. */
  #plan (asked: Asked, { content, found, verdict }: Judged): Plan {
    if (found !== undefined) return { view: found, entry: null }
    const { subject } = asked
    const { state } = this.#log
    const mode = state.modeOf(subject)
    checkMode(subject, mode, asked.id)
    if (verdict.messages.length > 0) throw incompatible(subject, verdict)
    const version = versionFor(asked, state.versionsOf(subject), mode === 'IMPORT')
    const { id, content: kept } = this.#idFor(asked, contentOf(content))
    const { guid, schemaType, schema, references, metadata, ruleSet } = kept
    const view = { subject, version, id, guid, schemaType, schema, references, metadata, ruleSet, deleted: false }
    return { view, entry: schemaEntry(subject, version, { id, content: kept, deleted: false, extra: null }) }
  }

  #idFor ({ subject, parsed, id, options }: Asked, content: Content): { id: number, content: Content } {
    const context = contextOf(subject)
    const ids = this.#log.state.idsOf(context)
    if (id !== undefined) {
      const bound = ids.contentOf(id)
      if (bound === undefined || bound.key === content.key) return { id, content }
      throw new RegistryError(42207, `Overwrite new schema with id ${id} is not permitted.`)
    }
    const known = this.#library.known(context, content, parsed, this.#normalizes(subject, options))
    return { id: ids.idOf(known) ?? ids.max + 1, content: known }
  }

  /** Without registering it: against the versions that the level asks for, one, or none. 42201 */
  async check (subject: string, request: SchemaContent, config: ConfigEntity, against: Stored | 'none' | undefined): Promise<Verdict> {
    const asked = this.content(subject, request)
    const parsed = this.#library.parse(subject, asked, config.validateNewSchemas ?? false)
    if (against === 'none') return COMPATIBLE
    return await this.#compare(subject, withContract(asked, config, this.#log.state.versionsOf(subject).latest?.content), parsed, config, against)
  }

  /** With the versions that the level asks for. */
  async #compare (subject: string, content: SchemaContent, parsed: ParsedSchema, config: ConfigEntity, only?: Stored): Promise<Verdict> {
    const { compatibilityLevel: level = DEFAULT_LEVEL, compatibilityPolicy: policy = 'STRICT', compatibilityGroup: group } = config
    const candidates = only === undefined ? this.#log.state.versionsOf(subject).live.toReversed() : [only]
    const earlier = candidates
      .filter(one => group === undefined || one.content.metadata?.properties?.[group] === content.metadata?.properties?.[group])
      .map((one): Earlier => ({ version: one.view.version, text: one.content.schema, parsed: () => this.#library.parsed(one.view) }))
    try {
      return await compatibilityInTurns(parsed, earlier, { level, policy })
    } catch (error) {
      if (!(error instanceof SchemaError)) throw error
      const why = `An earlier version of subject '${subject}' cannot be read, so nothing can be compared with it: ${error.message}`
      throw new RegistryError(42201, why, { cause: error })
    }
  }
}

function checkMode (subject: string, mode: string, id: number | undefined): void {
  if (mode === 'READONLY' || mode === 'READONLY_OVERRIDE') throw new RegistryError(42205, `Subject ${subject} is in read-only mode`)
  if (id !== undefined && mode !== 'IMPORT') throw new RegistryError(42205, `Subject ${subject} is not in import mode`)
  if (id === undefined && mode !== 'READWRITE') throw new RegistryError(42205, `Subject ${subject} is not in read-write mode`)
}

function versionFor ({ subject, version }: Asked, versions: SubjectVersions, isImport: boolean): number {
  const next = versions.maxVersion + 1
  if (version === undefined || version === next) return next
  if (!isImport) {
    throw new RegistryError(42201, `Version is not one more than previous version: subject '${subject}' takes version ${next} next, not ${version}.`)
  }
  if (versions.get(version)?.view.deleted === false) throw new RegistryError(42205, `Version ${version} of subject ${subject} is another schema.`)
  return version
}

function incompatible (subject: string, { messages, conflicts }: Verdict): RegistryError {
  return new RegistryError(40901, `Schema being registered is incompatible with an earlier schema for subject "${subject}", details: [${messages.join(', ')}]`,
    { conflicts })
}
