/**
 * What is set for a subject, for a context as a whole (`:.context:`), or for everything (null): configuration and mode.
 */
import { changed, DEFAULT_LEVEL, type ConfigChange, type ConfigEntity } from './config-entity.ts'
import { configEntry, modeEntry } from './entries.ts'
import type { Mode } from './model.ts'
import { RegistryError } from './registry-error.ts'
import type { RegistryLog } from './registry-log.ts'
import { besides, contextOf, DEFAULT_CONTEXT, qualifiedName, subjectIn, validScope, validSubject } from './subjects.ts'

const modes: ReadonlySet<string> = new Set<Mode>(['READWRITE', 'READONLY', 'READONLY_OVERRIDE', 'IMPORT'])

export class Scopes {
  readonly #log: RegistryLog

  constructor (log: RegistryLog) {
    this.#log = log
  }

  /** 40408 */
  config (subject: string | null, defaultToGlobal: boolean): ConfigEntity {
    const scope = validScope(subject)
    const { state } = this.#log
    if (scope === null) return { compatibilityLevel: DEFAULT_LEVEL, ...state.configs.get('')?.entity }
    const own = state.configs.get(scope)?.entity
    if (defaultToGlobal) {
      const { alias, ...inherited } = state.configOf(scope)
      return { compatibilityLevel: DEFAULT_LEVEL, ...inherited, ...own }
    }
    if (own === undefined) throw new RegistryError(40408, `Subject '${scope}' does not have subject-level compatibility configured`)
    return own
  }

  /** 42205 42208 */
  async setConfig (subject: string | null, change: ConfigChange): Promise<ConfigEntity> {
    const scope = validScope(subject) ?? ''
    await this.#log.refresh()
    return await this.#log.exclusively(async () => {
      this.#checkWritable(scope)
      const { state } = this.#log
      const config = changed(state.configs.get(scope), change)
      if (config.entity.alias !== undefined && (scope === '' || qualifiedName(scope).name === '')) {
        throw new RegistryError(422, 'alias: only a subject can stand for another one.')
      }
      if (config.entity.alias !== undefined) validSubject(besides(scope, config.entity.alias))
      await this.#log.write([configEntry(scope, config)])
      return config.entity
    })
  }

  /** What was set. 40408 42205 */
  async deleteConfig (subject: string | null): Promise<ConfigEntity> {
    await this.#log.refresh()
    return await this.#log.exclusively(async () => {
      const scope = validScope(subject) ?? ''
      this.#checkWritable(scope)
      const was = this.config(subject, false)
      if (this.#log.state.configs.has(scope)) await this.#log.write([configEntry(scope, null)])
      return was
    })
  }

  /** 40409 */
  mode (subject: string | null, defaultToGlobal: boolean): Mode {
    const scope = validScope(subject) ?? ''
    const { state } = this.#log
    const own = state.modes.get(scope)
    if (scope !== '' && !defaultToGlobal) {
      if (own === undefined) throw new RegistryError(40409, `Subject '${scope}' does not have subject-level mode configured`)
      return own
    }
    return scope === '' ? own ?? 'READWRITE' : state.modeOf(scope)
  }

  /** 42204 42205 42208 */
  async setMode (subject: string | null, wanted: string, force: boolean): Promise<Mode> {
    const scope = validScope(subject) ?? ''
    const mode = wanted.toUpperCase()
    if (mode === 'FORWARD') throw new RegistryError(42204, 'Mode FORWARD is not supported: this registry forwards to no other one.')
    if (!modes.has(mode)) throw new RegistryError(42204, 'Invalid mode. Valid values are READWRITE, READONLY, READONLY_OVERRIDE, and IMPORT.')
    await this.#log.refresh()
    return await this.#log.exclusively(async () => {
      const { state } = this.#log
      const isEntering = mode === 'IMPORT' && !force && this.mode(subject, true) !== 'IMPORT'
      if (isEntering && this.#subjectsIn(scope).some(one => state.versionsOf(one).latest !== undefined)) {
        throw new RegistryError(42205, 'Cannot import since found existing subjects')
      }
      await this.#log.write([modeEntry(scope, mode as Mode)])
      return mode as Mode
    })
  }

  /** What was set. 40409 */
  async deleteMode (subject: string | null, recursive: boolean): Promise<Mode> {
    await this.#log.refresh()
    return await this.#log.exclusively(async () => {
      const scope = validScope(subject) ?? ''
      const was = recursive ? this.mode(subject, true) : this.mode(subject, false)
      const within = recursive ? [...this.#log.state.modes.keys()].filter(isWithin(scope)) : []
      await this.#log.write([...new Set([...this.#log.state.modes.has(scope) ? [scope] : [], ...within])].map(one => modeEntry(one, null)))
      return was
    })
  }

  /** 40401 42205 42211 */
  async deleteContext (name: string): Promise<void> {
    const context = name.startsWith(':') ? contextOf(name) : name.startsWith('.') ? name : `.${name}`
    if (context === DEFAULT_CONTEXT) throw new RegistryError(42205, 'The default context cannot be deleted')
    await this.#log.refresh()
    await this.#log.exclusively(async () => {
      const { state } = this.#log
      const scope = subjectIn(context, '')
      if (!state.idsOf(context).isEmpty) throw new RegistryError(42211, `Context '${context}' is not empty: delete its subjects first, permanently.`)
      const key = state.keyOfContext(context)
      const entries = [
        ...key === undefined ? [] : [{ key, value: null }],
        ...[...state.configs.keys()].filter(isWithin(scope)).map(one => configEntry(one, null)),
        ...[...state.modes.keys()].filter(isWithin(scope)).map(one => modeEntry(one, null))
      ]
      if (entries.length === 0) throw new RegistryError(40401, `Context '${context}' not found.`)
      await this.#log.write(entries)
    })
  }

  #subjectsIn (scope: string): string[] {
    const subjects = [...this.#log.state.subjects.keys()]
    return scope === '' || qualifiedName(scope).name === '' ? subjects.filter(isWithin(scope)) : [scope]
  }

  #checkWritable (scope: string): void {
    const mode = this.#log.state.modeOf(scope)
    if (mode === 'READONLY' || mode === 'READONLY_OVERRIDE') throw new RegistryError(42205, `Subject ${scope === '' ? 'null' : scope} is in read-only mode`)
  }
}

/** A scope with what is in it. */
function isWithin (scope: string): (one: string) => boolean {
  if (scope === '') return () => true
  const { context, name } = qualifiedName(scope)
  return one => one === scope || (name === '' && qualifiedName(one).context === context)
}
