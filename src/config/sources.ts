/**
 * Where values come from: the command line, the environment, the file. Each gives texts with a name of the place they
 * were found at, and problems for whatever it does not know; nothing is interpreted here.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { parseArgs } from 'node:util'
import { fileKeyOf, optionKeys, options, variableOf, type OptionKey } from './options.ts'
import { nearest } from './suggest.ts'
import type { Value } from './values.ts'

export interface Given {
  readonly key: OptionKey
  readonly text: string
  /** Where it stands, as a message says it: `--kafka`, `BARNABAS_KAFKA`, `barnabas.yaml line 3, kafka`. */
  readonly from: string
}

export interface Source {
  readonly given: readonly Given[]
  /** Sentences. */
  readonly problems: readonly string[]
}

export type Command = 'serve' | 'help' | 'version' | 'manage'

/** What the commands manage that speak to a process that serves: `barnabas users list`, ... */
export const managers = ['users', 'acls', 'quotas', 'schema'] as const

export interface Arguments extends Source {
  readonly command: Command
}

const flags = new Map(optionKeys.map(key => [options[key].flag as string, key]))
const variables = new Map(optionKeys.map(key => [variableOf(key), key]))
const fileKeys = new Map(optionKeys.filter(key => key !== 'config').map(key => [fileKeyOf(key), key]))

const didYouMean = (word: string | null): string => word === null ? '' : ` Did you mean ${word}?`
const separatorOf = (key: OptionKey): string | null => (options[key].value as Value<unknown>).separator ?? null
const isSecret = (key: OptionKey): boolean => (options[key].value as Value<unknown>).isSecret === true
const isSwitch = (key: OptionKey): boolean => options[key].value.placeholder === ''

const parseOptions = {
  ...Object.fromEntries(optionKeys.map(key => [options[key].flag, { type: isSwitch(key) ? 'boolean' as const : 'string' as const }])),
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' }
} as const

/** Asking for help or the version wins over everything else on the line. */
export function readArguments (argv: readonly string[]): Arguments {
  if (managers.some(name => name === argv[0])) return { command: 'manage', given: [], problems: [] }
  const { tokens } = parseArgs({
    args: [...argv], options: parseOptions, strict: false, tokens: true, allowPositionals: true, allowNegative: true
  })
  const given: Given[] = []
  const problems: string[] = []
  let command: Command = 'serve'
  let commands = 0
  let afterUnknown = -1
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue
    if (token.kind === 'positional') {
      // `--bogus 3`: one complaint is enough.
      if (token.index === afterUnknown) continue
      if (token.value === 'serve' && commands++ === 0) continue
      problems.push(`There is no command ${JSON.stringify(token.value)}.${didYouMean(nearest(token.value, ['serve', ...managers]))}`)
      continue
    }
    if (token.name === 'help' || token.name === 'version') {
      if (command === 'serve') command = token.name
      continue
    }
    const key = flags.get(token.name)
    if (key === undefined) {
      problems.push(`There is no option ${token.rawName}.${didYouMean(dashed(nearest(token.name, [...flags.keys(), 'help', 'version'])))}`)
      afterUnknown = token.index + 1
      continue
    }
    const from = `--${token.name}`
    if (isSecret(key)) {
      problems.push(`${from} is not taken from the command line, which others on this machine can read: ` +
        `set ${variableOf(key)}, or name a file that holds it with ${from}-file FILE.`)
    } else if (given.some(one => one.key === key)) {
      problems.push(`${from} is given twice.`)
    } else if (isSwitch(key)) {
      given.push({ key, text: token.value ?? String(!token.rawName.startsWith('--no-')), from: token.rawName })
    } else if (token.value === undefined || token.value === '' || (token.value.startsWith('--') && !token.inlineValue)) {
      problems.push(`${from} needs a value: ${from} ${options[key].value.placeholder}.`)
    } else {
      given.push({ key, text: token.value, from })
    }
  }
  return { command, given, problems }
}

const dashed = (flag: string | null): string | null => flag === null ? null : `--${flag}`

/** What the commands read that speak to a process that serves. */
const commandVariables = new Set(['BARNABAS_CLI_USER'])

/** A variable that is set to nothing counts as not set: that is how compose files and shells leave one out. */
export function readEnvironment (env: NodeJS.ProcessEnv): Source {
  const given: Given[] = []
  const problems: string[] = []
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith('BARNABAS_') || text === undefined || text === '') continue
    const key = variables.get(name)
    if (commandVariables.has(name)) continue
    if (key !== undefined) given.push({ key, text, from: name })
    else if (!isServiceLink(name, text)) problems.push(`There is no option for the variable ${name}.${didYouMean(nearest(name, variables.keys()))}`)
  }
  return { given, problems }
}

/** Kubernetes describes a Service called "barnabas..." to every pod beside it in variables of these names. */
function isServiceLink (name: string, text: string): boolean {
  return /_SERVICE_(?:HOST|PORT(?:_\w+)?)$/.test(name) || /_PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?$/.test(name) ||
    (name.endsWith('_PORT') && /^(?:tcp|udp|sctp):\/\//.test(text))
}

export function readFile (path: string): Source {
  let source: string
  try {
    source = readFileSync(path, 'utf8')
  } catch (error) {
    return { given: [], problems: [`The configuration file ${path} cannot be read: ${(error as Error).message}.`] }
  }
  // Parsing YAML costs a good part of a quick start, and most starts have no file.
  const { LineCounter, isMap, isScalar, isSeq, parseDocument } = createRequire(import.meta.url)('yaml') as typeof import('yaml')
  const lines = new LineCounter()
  const document = parseDocument(source, { lineCounter: lines, prettyErrors: false })
  const lineAt = (offset: number | undefined): string => `${path} line ${lines.linePos(offset ?? 0).line}`
  const given: Given[] = []
  const problems = document.errors.map(error => `${lineAt(error.pos[0])} is not YAML: ${error.message}.`)
  if (problems.length > 0 || document.contents === null) return { given, problems }
  if (!isMap(document.contents)) return { given, problems: [`${path} must hold one option a line, as in "kafka: 127.0.0.1:9092".`] }

  for (const { key: node, value } of document.contents.items) {
    const name = isScalar(node) ? String(node.value) : ''
    const at = lineAt(isScalar(node) ? node.range?.[0] : 0)
    const key = fileKeys.get(name)
    if (key === undefined) {
      // A key that does not look like one may be a value that lost its place: a password, even.
      const shown = /^[\w-]{1,64}$/.test(name) ? `there is no option ${JSON.stringify(name)}.` : 'this is no option.'
      problems.push(`${at}: ${shown}${didYouMean(nearest(name, fileKeys.keys()))}`)
      continue
    }
    const text = isScalar(value) && value.value !== null
      ? scalarText(value.value)
      : isSeq(value) && separatorOf(key) !== null && value.items.every(item => isScalar(item))
        ? value.items.map(item => String(item.value)).join(separatorOf(key)!)
        : null
    const from = `${at}, ${name}`
    if (text === null) problems.push(`${from}: has no value that could be read; expected ${options[key].value.expected}.`)
    else given.push({ key, text, from })
  }
  return { given, problems }
}

const scalarText = (value: unknown): string | null =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : null
