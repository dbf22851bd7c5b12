/**
 * Kafka's own message definitions: the JSON files that its code is generated from. They lie in a folder of Kafka's sources
 * (`clients/src/main/resources/common/message`) or inside the released jars (`common/message/*.json`).
 */
import { readFile, readdir, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { text } from 'node:stream/consumers'
import yauzl from 'yauzl'
import { absentLine, lineOf, type Facts, type Line, type Range } from './lines.ts'

export interface Definition {
  readonly name: string
  /** `request`, `response`, `header`, `data`, `coordinator-key`, `coordinator-value` ... */
  readonly type: string
  readonly apiKey?: number
  readonly validVersions: string
  readonly flexibleVersions: string
  readonly latestVersionUnstable?: boolean
  readonly fields: readonly OfficialField[]
  readonly commonStructs?: readonly OfficialStruct[]
}

export interface OfficialField {
  readonly name: string
  readonly type: string
  readonly versions: string
  readonly nullableVersions?: string
  readonly taggedVersions?: string
  /** Of this field alone: the client id in the request header is never compact. */
  readonly flexibleVersions?: string
  readonly tag?: number
  readonly default?: string | number | boolean
  readonly ignorable?: boolean | string
  readonly entityType?: string
  readonly fields?: readonly OfficialField[]
}

interface OfficialStruct {
  readonly name: string
  readonly fields: readonly OfficialField[]
}

/** By name: `FetchRequest`, `OffsetCommitValue`. */
export type Definitions = ReadonlyMap<string, Definition>

/** What was given holds no definitions; the message is for whoever gave it. */
export class UnusableInput extends Error {
  override readonly name = 'UnusableInput'
}

/** Reads every definition in a folder or a jar. Rejects with UnusableInput. */
export async function readDefinitions (path: string): Promise<Definitions> {
  const kind = await stat(path).catch((cause: unknown) => {
    throw new UnusableInput(`${path} cannot be read: give a folder of message definitions or a kafka-clients jar`, { cause })
  })
  const files = kind.isDirectory() ? await readFolder(path) : await readJar(path)
  const definitions = new Map<string, Definition>()
  for (const [file, content] of files) {
    const definition = parseDefinition(file, content)
    definitions.set(definition.name, definition)
  }
  if (definitions.size === 0) throw new UnusableInput(`${path} holds no message definitions`)
  return definitions
}

async function readFolder (path: string): Promise<Map<string, string>> {
  const names = (await readdir(path)).filter(name => name.endsWith('.json'))
  return new Map(await Promise.all(names.map(async name => [name, await readFile(join(path, name), 'utf8')] as const)))
}

async function readJar (path: string): Promise<Map<string, string>> {
  const files = new Map<string, string>()
  try {
    const jar = await yauzl.openPromise(path)
    for await (const entry of jar.eachEntry()) {
      if (!/^common\/message\/[^/]+\.json$/.test(entry.fileName)) continue
      files.set(basename(entry.fileName), await text(await jar.openReadStreamPromise(entry)))
    }
  } catch (cause) {
    throw new UnusableInput(`${path} is neither a folder nor a jar: ${(cause as Error).message}`, { cause })
  }
  return files
}

export function parseDefinition (file: string, content: string): Definition {
  try {
    // What Kafka has removed is still there, without fields.
    const definition = { fields: [], ...JSON.parse(withoutComments(content)) as Omit<Definition, 'fields'> }
    if (typeof definition.name !== 'string' || typeof definition.validVersions !== 'string') throw new TypeError('it has no name or no versions')
    return definition
  } catch (cause) {
    throw new UnusableInput(`${file} is not a message definition: ${(cause as Error).message}`, { cause })
  }
}

/** Removes `//` comments, but not what looks like one inside a string. */
const withoutComments = (json: string): string => json.replaceAll(/("(?:[^"\\]|\\.)*")|\/\/.*/g, '$1')

/** Reads `3`, `3-7`, `3+` and `none` (or nothing). */
export function parseVersions (versions: string | undefined): Range {
  const match = /^(\d+)(?:-(\d+)|(\+))?$/.exec(versions ?? '')
  if (match === null) return [Infinity, -Infinity]
  const min = Number(match[1])
  return [min, match[3] !== undefined ? Infinity : Number(match[2] ?? min)]
}

export const isWithin = (versions: string | undefined, version: number): boolean => {
  const [min, max] = parseVersions(versions)
  return version >= min && version <= max
}

/** A definition at `version`; fields that no version in `range` has are left out. */
export function officialLines (definition: Definition, version: number, range: Range): Line[] {
  return linesOf(definition.fields, definition, version, range, '')
}

function linesOf (fields: readonly OfficialField[], definition: Definition, version: number, range: Range, prefix: string): Line[] {
  return fields.flatMap(field => {
    const [since, until] = parseVersions(field.versions)
    if (until < range[0] || since > range[1]) return []
    const path = prefix + field.name[0]!.toLowerCase() + field.name.slice(1)
    const facts = factsOf(field, definition, version)
    if (version < since || version > until) return [absentLine(path, facts)]
    const inner = field.fields ?? definition.commonStructs?.find(struct => struct.name === elementOf(field.type))?.fields ?? []
    const innerPrefix = field.type.startsWith('[]') ? `${path}[].` : `${path}.`
    return [lineOf(path, facts), ...linesOf(inner, definition, version, range, innerPrefix)]
  })
}

const ENTITIES = ['topicName', 'groupId', 'transactionalId']

function factsOf (field: OfficialField, definition: Definition, version: number): Facts {
  return {
    type: typeOf(field.type),
    compact: isWithin(field.flexibleVersions ?? definition.flexibleVersions, version),
    nullable: isWithin(field.nullableVersions, version),
    initial: initialText(field),
    tag: isWithin(field.taggedVersions, version) ? field.tag ?? null : null,
    ignorable: String(field.ignorable) === 'true',
    entity: ENTITIES.includes(field.entityType ?? '') ? field.entityType! : null
  }
}

const elementOf = (type: string): string => type.replace(/^\[\]/, '')

/** Structs have names of their own, with a capital letter. */
const typeOf = (type: string): string => type.replace(/[A-Z]\w*$/, 'struct')

/** Kafka writes defaults as numbers, as booleans or as text, in any base. */
function initialText ({ type, default: given }: OfficialField): string | null {
  const value = String(given ?? '')
  if (value === '' || value === 'null') return value === '' ? null : 'null'
  if (type === 'string' || type === 'uuid') return JSON.stringify(value)
  if (type === 'bool') return value === 'false' ? null : value
  return Number(value) === 0 ? null : String(Number(value))
}
