/**
 * What a command is: how it is written, what it needs, what it does. The command line and the help are both read from it.
 */
import { parseArgs } from 'node:util'
import { nearest } from '../config/suggest.ts'
import { UsageError } from '../config.ts'
import type { Client } from './client.ts'
import type { Output, Streams } from './output.ts'

export interface Flag {
  /** How its value is named, `NAME`; empty for a switch. */
  readonly placeholder: string
  readonly help: string
  /** May be given again, and holds commas. */
  readonly isList?: boolean
}

export type Flags = Readonly<Record<string, Flag>>

export interface Command {
  /** `put` */
  readonly name: string
  /** `NAME`, or `NAME=VALUE...` where more than one may come; empty where nothing may. */
  readonly operand: string
  readonly summary: string
  readonly flags: Flags
  run (given: Given, client: Client, output: Output, streams: Streams): Promise<void>
}

/** What stands on the line, checked for what the command knows. */
export class Given {
  readonly operands: readonly string[]
  readonly #values: ReadonlyMap<string, readonly string[]>

  constructor (operands: readonly string[], values: ReadonlyMap<string, readonly string[]>) {
    this.operands = operands
    this.#values = values
  }

  has (flag: string): boolean {
    return this.#values.has(flag)
  }

  text (flag: string): string | undefined {
    return this.#values.get(flag)?.[0]
  }

  list (flag: string): readonly string[] {
    return this.#values.get(flag) ?? []
  }

  /** Throws UsageError where it is missing. */
  need (flag: string, placeholder: string): string {
    const value = this.text(flag)
    if (value === undefined) throw new UsageError([`--${flag} ${placeholder} is missing.`])
    return value
  }
}

/** Of every command. */
export const commonFlags: Flags = {
  url: { placeholder: 'URL', help: 'Where Barnabas answers HTTP. Default: http://127.0.0.1:8082, or https:// with --ca' },
  'credentials-file': {
    placeholder: 'FILE', help: 'File that holds NAME:PASSWORD of who asks. Default: the variable BARNABAS_CLI_USER, else BARNABAS_ADMIN'
  },
  ca: { placeholder: 'FILE', help: 'PEM file with the authority that signed the certificate of the server.' },
  insecure: { placeholder: '', help: 'Send the password to another machine even if nothing encrypts it.' },
  json: { placeholder: '', help: 'Print what the server answers, as JSON.' },
  help: { placeholder: '', help: 'Print this and exit.' }
}

/** Reads what follows the name of the command. Throws UsageError with every problem there is. */
export function readCommandLine (argv: readonly string[], command: Command): Given {
  const flags: Flags = { ...command.flags, ...commonFlags }
  const options = Object.fromEntries(Object.entries(flags).map(([name, { placeholder }]) =>
    [name, { type: placeholder === '' ? 'boolean' as const : 'string' as const, ...name === 'help' ? { short: 'h' } : {} }]))
  const { tokens } = parseArgs({ args: [...argv], options, strict: false, tokens: true, allowPositionals: true })
  const operands: string[] = []
  const values = new Map<string, readonly string[]>()
  const problems: string[] = []
  let afterUnknown = -1
  for (const token of tokens) {
    if (token.kind === 'option-terminator' || (token.kind === 'positional' && token.index === afterUnknown)) continue
    if (token.kind === 'positional') {
      operands.push(token.value)
      continue
    }
    const flag = flags[token.name]
    if (flag === undefined || !Object.hasOwn(flags, token.name)) {
      const meant = nearest(token.name, Object.keys(flags))
      problems.push(`There is no option ${token.rawName}.${meant === null ? '' : ` Did you mean --${meant}?`}`)
      afterUnknown = token.index + 1
    } else if (flag.placeholder === '') {
      if (token.value === undefined) values.set(token.name, ['true'])
      else problems.push(`${token.rawName} takes no value.`)
    } else if (token.value === undefined || token.value === '' || (token.value.startsWith('--') && !token.inlineValue)) {
      problems.push(`${token.rawName} needs a value: --${token.name} ${flag.placeholder}.`)
    } else if (flag.isList === true) {
      values.set(token.name, [...values.get(token.name) ?? [], ...token.value.split(',').map(part => part.trim()).filter(part => part !== '')])
    } else if (values.has(token.name)) {
      problems.push(`--${token.name} is given twice.`)
    } else {
      values.set(token.name, [token.value])
    }
  }
  if (!values.has('help')) problems.push(...operandProblems(command, operands.length))
  if (problems.length > 0) throw new UsageError(problems)
  return new Given(operands, values)
}

/** What stands too much may be a password: it is counted, not shown. */
function operandProblems ({ operand }: Command, count: number): string[] {
  const mayBeMissing = operand === '' || operand.startsWith('[')
  if (count === 0) return mayBeMissing ? [] : [`${operand} is missing.`]
  const most = operand === '' ? 0 : operand.includes('...') ? Infinity : 1
  return count > most ? [`There is too much on the line: ${operand === '' ? 'this command takes only options' : `one ${operand} is expected`}.`] : []
}
