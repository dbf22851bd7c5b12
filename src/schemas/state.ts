/**
 * What the log says, record by record. Several gateways write to it at once and none leads, so a record may contradict what
 * came before it: another content for a version that has one, or for an id that means something else. It is passed over: the
 * first one wins, for every reader alike. Since compaction would keep the last record of a key, not the first, what is passed over
 * is written over with what holds (src/schemas/registry-log.ts). Such a repair changes nothing, wherever it comes to stand: it may
 * be late itself, and then contradicts. Only where compaction left nothing else of its key, it is what counts.
 *
 * Compaction may stop between a record that was passed over and its repair. What came before them is gone then, and the record
 * looks as if it were the first; until the repair shows that it was not, others may have been misjudged by it. So where a repair
 * says something else than what holds, the log is read once more, with what the repairs say known from the beginning.
 *
 * That is how gateways like this one settle their races; their records say that they are theirs. What another registry has written
 * holds as it does there: the last one of a key, and an id means what it meant first. In mode IMPORT versions may be given anew, as
 * there.
 */
import type { LoggedEntry } from '../state/topic.ts'
import type { ConfigEntity, StoredConfig } from './config-entity.ts'
import { contentOf, type Content } from './content.ts'
import { changeOf, keyOf, type RegistryChange, type SchemaChange, type SchemaValue } from './entries.ts'
import { ContextIds, type Stored } from './ids.ts'
import type { Mode, SchemaVersion } from './model.ts'
import { SubjectVersions } from './subject-versions.ts'
import { besides, contextOf, DEFAULT_CONTEXT, subjectIn } from './subjects.ts'

/** A record that was passed over and stands last under its key. */
export interface Contradiction {
  readonly subject: string
  readonly version: number
  readonly offset: number
  /** Of `performance.now`. */
  readonly seenMs: number
}

/** What a repair says: records of ours up to this offset, under its key or with its id, that say something else were passed over. */
export interface Correction {
  readonly upTo: number
  readonly id: number | null
  readonly contentKey: string | null
}

const GLOBAL_CONTEXT = ':.__GLOBAL:'
/** Offsets that their writers may still ask about. */
const MAX_LOST = 10_000

const noVersions = new SubjectVersions()
const noIds = new ContextIds()

export class RegistryState {
  readonly subjects = new Map<string, SubjectVersions>()
  /** By subject, or `:.context:`; the empty one is everything. */
  readonly configs = new Map<string, StoredConfig>()
  readonly modes = new Map<string, Mode>()
  readonly contradictions = new Map<string, Contradiction>()
  readonly #contexts = new Map<string, ContextIds>()
  readonly #named = new Map<string, string>()
  /** Who refers to a version, by subject and version. */
  readonly #referrers = new Map<string, Set<Stored>>()
  /** Keys that were written in another order of fields, by ours: to write over them. */
  readonly #otherKeys = new Map<string, string>()
  /** Keys of ours that stand in the log in either order. */
  readonly #twofold = new Set<string>()
  /** Keys that had a value, or a record that was passed over, and have none. */
  readonly #emptied = new Set<string>()
  /** Versions of which nothing was read but a repair. */
  readonly #repaired = new WeakSet<Stored>()
  readonly #lost = new Set<number>()
  /** By key, and by `idKey`: as far as it was read, and what was known before. */
  readonly #corrections = new Map<string, Correction>()
  readonly #known: ReadonlyMap<string, Correction>
  #wasMisled = false
  #revision: number
  /** Rises when a version that others refer to comes, goes, or is another. */
  #referenceRevision = 0
  #ignored = 0

  /** `known`: corrections that an earlier reading of the same log has met. */
  constructor (revision = 0, known: ReadonlyMap<string, Correction> = new Map()) {
    this.#revision = revision
    this.#known = known
  }

  get corrections (): ReadonlyMap<string, Correction> { return this.#corrections }
  /** Whether a repair said something else than what held when it was read. */
  get wasMisled (): boolean { return this.#wasMisled }

  get revision (): number { return this.#revision }
  get referenceRevision (): number { return this.#referenceRevision }
  /** Entries that were passed over because this version does not know what they mean. They stay in the log. */
  get ignored (): number { return this.#ignored }

  versionsOf (subject: string): SubjectVersions {
    return this.subjects.get(subject) ?? noVersions
  }

  idsOf (context: string): ContextIds {
    return this.#contexts.get(context) ?? noIds
  }

  /** Those that have subjects, and those that were named; the default one first. */
  get contexts (): string[] {
    const used = [...this.#contexts].filter(([, ids]) => !ids.isEmpty).map(([context]) => context)
    return [DEFAULT_CONTEXT, ...[...new Set([...used, ...this.#named.keys()])].filter(context => context !== DEFAULT_CONTEXT).sort()]
  }

  /** The key in the log that says that there is such a context. */
  keyOfContext (context: string): string | undefined {
    return this.#named.get(context)
  }

  referrersOf (subject: string, version: number): Iterable<Stored> {
    return this.#referrers.get(referrerKey(subject, version)) ?? []
  }

  /** From the narrowest to the widest. */
  scopesOf (subject: string): string[] {
    const context = contextOf(subject)
    return context === DEFAULT_CONTEXT ? [subject, '', GLOBAL_CONTEXT] : [subject, subjectIn(context, ''), '', GLOBAL_CONTEXT]
  }

  configOf (subject: string): ConfigEntity {
    const found = this.scopesOf(subject).map(scope => this.configs.get(scope)?.entity)
    // An alias is no matter of a whole context.
    return Object.assign({}, ...found.slice(1).reverse().map(entity => ({ ...entity, alias: undefined })), found[0]) as ConfigEntity
  }

  modeOf (subject: string): Mode {
    if (this.modes.get('') === 'READONLY_OVERRIDE') return 'READONLY_OVERRIDE'
    for (const scope of this.scopesOf(subject)) {
      const mode = this.modes.get(scope)
      if (mode !== undefined) return mode
    }
    return 'READWRITE'
  }

  /** What `subject` means: another one, if it is an alias. */
  meant (subject: string): string {
    const alias = this.configs.get(subject)?.entity.alias
    return alias === undefined ? subject : besides(subject, alias)
  }

  /** Whether the record at this offset was passed over. */
  isLost (offset: number): boolean {
    return this.#lost.has(offset)
  }

  /** The key under which something is to be written: its own, unless another registry wrote it with the fields in another order. */
  keyInLog (key: string): string {
    return this.#otherKeys.get(key) ?? key
  }

  /** Whether there are records under this key and under `keyInLog` of it, so that what is gone must be gone under both. */
  isTwofold (key: string): boolean {
    return this.#twofold.has(key)
  }

  /** One batch. */
  take (entries: readonly LoggedEntry[]): void {
    for (const entry of entries) {
      const change = changeOf(entry)
      if (change === null) {
        this.#ignored++
        continue
      }
      const key = keyOf(change)
      if (key !== null) this.#takeKey(key, entry.key, change)
      this.#apply(change, entry)
    }
    this.#revision++
  }

  #takeKey (key: string, written: string, change: RegistryChange): void {
    const other = this.#otherKeys.get(key)
    if (written !== key) this.#otherKeys.set(key, written)
    if (written === key ? other !== undefined : other === undefined && this.#holds(change)) this.#twofold.add(key)
  }

  #holds (change: RegistryChange): boolean {
    switch (change.kind) {
      case 'schema': return this.versionsOf(change.subject).get(change.version) !== undefined
      case 'config': return this.configs.has(change.scope)
      case 'mode': return this.modes.has(change.scope)
      default: return false
    }
  }

  #apply (change: RegistryChange, { key, offset }: LoggedEntry): void {
    switch (change.kind) {
      case 'schema': return this.#takeSchema(change, key, offset)
      case 'config': return put(this.configs, change.scope, change.value)
      case 'mode': return put(this.modes, change.scope, change.value)
      case 'context': return put(this.#named, change.context, change.exists ? key : null)
      case 'delete':
        for (const stored of this.versionsOf(change.subject).live) {
          if (stored.view.version <= change.upTo) this.#put(stored, { ...stored, view: { ...stored.view, deleted: true } })
        }
        return
      case 'clear':
        for (const stored of this.versionsOf(change.subject).all) if (stored.view.deleted) this.#put(stored, null)
    }
  }

  #takeSchema (change: SchemaChange, key: string, offset: number): void {
    const { subject, version, value, isRepair, isOurs } = change
    const current = this.versionsOf(subject).get(version)
    const ids = this.idsOf(contextOf(subject))
    const content = value === null ? null : ids.interned(contentOf(value.content))
    if (isRepair) this.#correct(change, key, offset, content)
    else if (isOurs && this.#isCorrected(change, key, offset, content)) return
    if (isRepair ? this.#isRepair(change, key, current, content) : this.#isLegal(change, current, content)) {
      this.contradictions.delete(key)
      if (isRepair && saysSame(current, value, content)) return
      const next = value === null ? null : storedOf(subject, version, value, content!, isOurs)
      if (isRepair && next !== null) this.#repaired.add(next)
      if (next === null) this.#emptied.add(key)
      else this.#emptied.delete(key)
      this.#put(current, next)
      return
    }
    if (isRepair) this.#wasMisled = true
    if (current === undefined) this.#emptied.add(key)
    this.contradictions.set(key, { subject, version, offset, seenMs: performance.now() })
    this.#lost.add(offset)
    if (this.#lost.size > MAX_LOST) this.#lost.delete(this.#lost.values().next().value!)
  }

  #correct ({ subject, value, repairs }: SchemaChange, key: string, offset: number, content: Content | null): void {
    const said = { id: value?.id ?? null, contentKey: content?.key ?? null }
    const note = (key: string, upTo: number): void => {
      if ((this.#corrections.get(key)?.upTo ?? -1) <= upTo) this.#corrections.set(key, { ...said, upTo })
    }
    note(key, repairs)
    // What had the id before may be gone too, and the id is free until the repair.
    if (value !== null) note(idKey(subject, value.id), offset)
  }

  /** Whether it is known from an earlier reading that the record was passed over. */
  #isCorrected ({ subject, value }: SchemaChange, key: string, offset: number, content: Content | null): boolean {
    if (value === null || this.#known.size === 0) return false
    return [key, idKey(subject, value.id)].some(one => {
      const known = this.#known.get(one)
      return known !== undefined && offset <= known.upTo && (known.id !== value.id || known.contentKey !== content!.key)
    })
  }

  /** Whether a repair says what holds, or is all that is left of its key. */
  #isRepair (change: SchemaChange, key: string, current: Stored | undefined, content: Content | null): boolean {
    const { value } = change
    if (saysSame(current, value, content)) return true
    if (current !== undefined) return value === null && this.#repaired.has(current)
    return !this.#emptied.has(key) && this.#isLegal(change, current, content)
  }

  #isLegal ({ subject, value, isOurs }: SchemaChange, current: Stored | undefined, content: Content | null): boolean {
    if (value === null || content === null || !isOurs) return true
    const isImport = (): boolean => this.modeOf(subject) === 'IMPORT'
    const isSame = current !== undefined && current.view.id === value.id && current.content.key === content.key
    // Nobody takes a deletion back: such a record was written before it, and late.
    if (isSame) return value.deleted || !current.view.deleted || isImport()
    if (current !== undefined && !isImport()) return false
    const ids = this.idsOf(contextOf(subject))
    const bound = ids.contentOf(value.id)
    if (bound === undefined || bound.key === content.key) return true
    if (!isImport()) return false
    const others = [...ids.versionsOf(value.id)].some(one => one !== current)
    return !others || (bound.schemaType === content.schemaType && bound.schema === content.schema)
  }

  #put (current: Stored | undefined, next: Stored | null): void {
    const { subject, version } = (next ?? current)?.view ?? { subject: '', version: 0 }
    if (subject === '') return
    const context = contextOf(subject)
    const ids = this.#contexts.get(context) ?? new ContextIds()
    this.#contexts.set(context, ids)
    // An id that stays must not be free in between, unless it is to mean something else.
    const stays = current?.content.key === next?.content.key
    if (current !== undefined) this.#refer(current, false)
    if (current !== undefined && !stays) ids.remove(current)
    if (next !== null) {
      this.#refer(next, true)
      const versions = this.subjects.get(subject) ?? new SubjectVersions()
      this.subjects.set(subject, versions)
      versions.set(next)
      ids.add(next)
    } else {
      const versions = this.subjects.get(subject)!
      versions.delete(version)
      if (versions.isEmpty) this.subjects.delete(subject)
    }
    if (current !== undefined && stays) ids.remove(current)
    if (!stays && this.#referrers.has(referrerKey(subject, version))) this.#referenceRevision++
  }

  #refer (stored: Stored, isThere: boolean): void {
    for (const { subject, version } of stored.content.references) {
      const key = referrerKey(besides(stored.view.subject, subject), version)
      const referrers = this.#referrers.get(key)
      if (isThere) {
        if (referrers === undefined) this.#referrers.set(key, new Set([stored]))
        else referrers.add(stored)
      } else if (referrers !== undefined) {
        referrers.delete(stored)
        if (referrers.size === 0) this.#referrers.delete(key)
      }
    }
  }
}

/** Unlike any key of the log. */
const idKey = (subject: string, id: number): string => `${contextOf(subject)} ${id}`

const referrerKey = (subject: string, version: number): string => `${version} ${subject}`

function saysSame (current: Stored | undefined, value: SchemaValue | null, content: Content | null): boolean {
  if (current === undefined || value === null) return current === undefined && value === null
  return current.view.id === value.id && current.content.key === content!.key && current.view.deleted === value.deleted
}

function storedOf (subject: string, version: number, { id, deleted, extra }: SchemaValue, content: Content, isOurs: boolean): Stored {
  const { schemaType, schema, references, metadata, ruleSet, guid } = content
  const view: SchemaVersion = { subject, version, id, guid, schemaType, schema, references, metadata, ruleSet, deleted }
  return { view, content, extra, isOurs }
}

function put<K, V> (map: Map<K, V>, key: K, value: V | null): void {
  if (value === null) map.delete(key)
  else map.set(key, value)
}
