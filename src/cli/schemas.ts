/**
 * `barnabas schema`: what the schema registry holds, and whether a file would be taken.
 */
import { readFileSync } from 'node:fs'
import { extname } from 'node:path'
import { UsageError } from '../config.ts'
import { besides, normalSubject } from '../schemas/subjects.ts'
import { CommandError, type Client } from './client.ts'
import type { Command, Flags, Given } from './command.ts'
import { table } from './output.ts'

interface Reference { readonly name: string, readonly subject: string, readonly version: number }

interface Version {
  readonly subject: string
  readonly version: number
  readonly id: number
  readonly schemaType?: string
  readonly schema: string
}

interface Verdict { readonly is_compatible: boolean, readonly messages?: readonly string[] }

/** What a schema is compared with. */
interface Comparison {
  readonly level: string
  /** The subject that is meant: another one, where the one that was given is an alias. */
  readonly meant: string
  readonly versions: readonly number[]
}

interface Difference { readonly from: number, readonly to: number, readonly changes: readonly string[], readonly compatibility: string }

const TYPES: Readonly<Record<string, string>> = { '.avsc': 'AVRO', '.avro': 'AVRO', '.proto': 'PROTOBUF', '.json': 'JSON' }

const subjectFlag = { placeholder: 'SUBJECT', help: 'Such as orders-value, for the values of the topic orders.' }

const fileFlags: Flags = {
  subject: subjectFlag,
  type: { placeholder: 'TYPE', help: 'AVRO, JSON or PROTOBUF. Default: by the name of the file, .avsc, .json or .proto' },
  reference: {
    placeholder: 'NAME=SUBJECT:VERSION,...', help: 'Where to find what the schema refers to: common.proto=common:1', isList: true
  }
}

export const schemas: readonly Command[] = [
  {
    name: 'check',
    operand: 'FILE',
    summary: 'Says whether a schema would be taken under a subject: against which versions, and what stands in its way. Nothing is changed.',
    flags: { ...fileFlags, version: { placeholder: 'VERSION', help: 'Against this one alone: a number, or latest. Default: all that the level asks for' } },
    async run (given, client, output) {
      const subject = given.need('subject', 'SUBJECT')
      const body = bodyOf(given)
      const version = given.text('version')
      const path = `/compatibility/subjects/${encodeURIComponent(subject)}/versions${version === undefined ? '' : `/${encodeURIComponent(version)}`}`
      const verdict = await client.ask('POST', path, { query: { verbose: 'true' }, body }) as Verdict
      const compared = await comparisonOf(client, subject)
      const { level, versions } = compared instanceof CommandError ? { level: null, versions: null } : compared
      output.print({ subject, level, versions, ...verdict }, () => [
        `${given.operands[0]} ${verdict.is_compatible ? 'is compatible' : 'is not compatible'}: ${comparisonText(compared, subject, version)}`,
        ...(verdict.messages ?? []).flatMap(reasonOf)
      ])
      if (!verdict.is_compatible) throw new CommandError(`${given.operands[0]} would be refused under ${subject}.`)
    }
  },
  {
    name: 'register',
    operand: 'FILE',
    summary: 'Registers a schema under a subject. Where it is there already, nothing changes.',
    flags: { ...fileFlags, normalize: { placeholder: '', help: 'Take texts that differ in the order of what has none for the same schema.' } },
    async run (given, client, output) {
      const subject = given.need('subject', 'SUBJECT')
      const path = `/subjects/${encodeURIComponent(subject)}`
      const { id } = await client.ask('POST', `${path}/versions`, { query: normalize(given), body: bodyOf(given) }) as { readonly id: number }
      const { version } = await client.ask('POST', path, { query: normalize(given), body: bodyOf(given) }) as Version
      output.print({ subject, id, version }, () => [`${subject} version ${version}, id ${id}.`])
    }
  },
  {
    name: 'list',
    operand: '',
    summary: 'Lists the subjects with their newest version, or the versions of one.',
    flags: { subject: subjectFlag, deleted: { placeholder: '', help: 'Those that are deleted, too.' } },
    async run (given, client, output) {
      const subject = given.text('subject')
      const found = await client.ask('GET', '/schemas', {
        query: { subjectPrefix: subject, latestOnly: String(subject === undefined), ...given.has('deleted') ? { deleted: 'true' } : {} }
      }) as readonly Version[]
      const wanted = subject === undefined ? found : found.filter(one => one.subject === subject)
      output.print(wanted, () => wanted.length === 0
        ? ['There are no such schemas.']
        : table(['SUBJECT', 'VERSION', 'ID', 'TYPE'], wanted.map(one => [one.subject, String(one.version), String(one.id), one.schemaType ?? 'AVRO'])))
    }
  },
  {
    name: 'diff',
    operand: '',
    summary: 'Says in words what changed from one version of a subject to another.',
    flags: {
      subject: subjectFlag,
      from: { placeholder: 'VERSION', help: 'A number, or latest.' },
      to: { placeholder: 'VERSION', help: 'A number. Default: latest' }
    },
    async run (given, client, output) {
      const subject = given.need('subject', 'SUBJECT')
      const [from, to] = [given.need('from', 'VERSION'), given.text('to') ?? 'latest']
      const path = `/subjects/${encodeURIComponent(subject)}/versions/${encodeURIComponent(from)}/diff/${encodeURIComponent(to)}`
      const difference = await client.ask('GET', path) as Difference
      output.print(difference, () => [
        `${subject}, version ${difference.from} to ${difference.to}: ${difference.compatibility}`, ...difference.changes.map(change => `  ${change}`)
      ])
    }
  }
]

const normalize = (given: Given): Record<string, string> => given.has('normalize') ? { normalize: 'true' } : {}

function bodyOf (given: Given): { readonly schema: string, readonly schemaType: string, readonly references?: readonly Reference[] } {
  const file = given.operands[0]!
  const schemaType = given.text('type')?.toUpperCase() ?? TYPES[extname(file).toLowerCase()]
  if (schemaType === undefined || !Object.values(TYPES).includes(schemaType)) {
    throw new UsageError([`--type: expected AVRO, JSON or PROTOBUF; the name ${file} does not tell.`])
  }
  const references = given.list('reference').map(referenceOf)
  let schema: string
  try {
    schema = readFileSync(file, 'utf8')
  } catch (error) {
    throw new CommandError(`${file} cannot be read: ${(error as Error).message}.`)
  }
  return { schema, schemaType, ...references.length === 0 ? {} : { references } }
}

function referenceOf (text: string): Reference {
  const [, name, subject, version] = /^([^=]+)=(.+):(\d{1,9})$/.exec(text) ?? []
  if (name === undefined) throw new UsageError([`--reference ${text}: expected NAME=SUBJECT:VERSION, such as common.proto=common:1.`])
  return { name, subject: subject!, version: Number(version) }
}

/** Or why it is not told: who may compare a schema may not see for certain how its subject is configured. */
async function comparisonOf (client: Client, subject: string): Promise<Comparison | CommandError> {
  try {
    const { alias, compatibilityLevel } = await configOf(client, subject)
    if (alias === undefined) return { level: compatibilityLevel, meant: subject, versions: await versionsOf(client, normalSubject(subject)) }
    const meant = besides(subject, alias)
    return { level: (await configOf(client, meant)).compatibilityLevel, meant, versions: await versionsOf(client, meant) }
  } catch (error) {
    if (error instanceof CommandError) return error
    throw error
  }
}

function comparisonText (compared: Comparison | CommandError, subject: string, version: string | undefined): string {
  if (compared instanceof CommandError) return `the level of ${subject} is not told. ${compared.message}`
  const { level, meant, versions } = compared
  const whose = meant === subject ? subject : `${meant}, which ${subject} stands for`
  if (versions.length === 0) return `${whose}${meant === subject ? '' : ','} has no version yet.`
  return `level ${level} of ${whose}, against ${version ?? versionsAskedFor(level, versions)}.`
}

const configOf = async (client: Client, subject: string): Promise<{ readonly compatibilityLevel: string, readonly alias?: string }> =>
  await client.ask('GET', `/config/${encodeURIComponent(subject)}`, { query: { defaultToGlobal: 'true' } }) as { compatibilityLevel: string, alias?: string }

/** None for a subject that is not there. */
async function versionsOf (client: Client, subject: string): Promise<readonly number[]> {
  const subjects = await client.ask('GET', '/subjects', { query: { subjectPrefix: subject } }) as readonly string[]
  return subjects.includes(subject) ? await client.ask('GET', `/subjects/${encodeURIComponent(subject)}/versions`) as readonly number[] : []
}

function versionsAskedFor (level: string, versions: readonly number[]): string {
  if (level === 'NONE') return 'no version'
  return level.endsWith('_TRANSITIVE') ? `versions ${versions.join(', ')}` : `version ${versions.at(-1)}`
}

/** The registry's messages are written as its peers write them: `{errorType:'…', description:'…', additionalInfo:'…'}`. */
function reasonOf (message: string): string[] {
  const [, description] = /description:'(.*?)'(?:, additionalInfo:|\}$)/s.exec(message) ?? []
  if (description !== undefined) return [`  - ${description}`]
  const [, version] = /^\{oldSchemaVersion: (\d+)\}$/.exec(message) ?? []
  return version === undefined ? [] : [`  (compared with version ${version})`]
}
