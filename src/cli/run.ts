/**
 * The commands that manage a Barnabas that serves: `barnabas users put alice`. Each is a few HTTP requests.
 *
 * Exit codes: 0 done, 1 not done, 2 asked for wrongly.
 */
import { readFileSync } from 'node:fs'
import { readCredentials, type NamedSecret } from '../config/credentials.ts'
import { wrap } from '../config/help.ts'
import { nearest } from '../config/suggest.ts'
import { commandUser, UsageError } from '../config.ts'
import { acls } from './acls.ts'
import { Client, CommandError } from './client.ts'
import { commonFlags, readCommandLine, type Command, type Flags, type Given } from './command.ts'
import { Output, type Streams } from './output.ts'
import { quotas } from './quotas.ts'
import { schemas } from './schemas.ts'
import { users } from './users.ts'

const groups = {
  users: { commands: users, summary: 'Who may log in with a password.' },
  acls: { commands: acls, summary: 'Who may do what: Kafka\'s rules.' },
  quotas: { commands: quotas, summary: 'Who may do how much: Kafka\'s quotas.' },
  schema: { commands: schemas, summary: 'What records look like: the schema registry.' }
} as const

/** `argv` begins with the name of a group. Resolves to the exit code. */
export async function run (argv: readonly string[], streams: Streams = process, userOf: () => NamedSecret | null = commandUser): Promise<number> {
  const [group, name = '--help', ...rest] = argv
  const { commands, summary } = groups[group as keyof typeof groups]
  try {
    const command = commands.find(one => one.name === name)
    if (command === undefined) {
      if (name !== '--help' && name !== '-h') throw unknownCommand(group!, name, commands)
      streams.stdout.write(groupHelp(group!, summary, commands))
      return 0
    }
    const given = readCommandLine(rest, command)
    if (given.has('help')) {
      streams.stdout.write(commandHelp(group!, command))
      return 0
    }
    await command.run(given, clientOf(given, userOf), new Output(streams, given.has('json')), streams)
    return 0
  } catch (error) {
    if (error instanceof UsageError) {
      for (const problem of error.problems) streams.stderr.write(`barnabas: ${problem}\n`)
      streams.stderr.write(`"barnabas ${group} ${commands.some(one => one.name === name) ? `${name} ` : ''}--help" lists what can be given.\n`)
      return 2
    }
    if (!(error instanceof CommandError)) throw error
    streams.stderr.write(`barnabas: ${error.message}\n`)
    return 1
  }
}

function unknownCommand (group: string, name: string, commands: readonly Command[]): UsageError {
  const meant = nearest(name, commands.map(one => one.name))
  return new UsageError([`There is no command ${JSON.stringify(`${group} ${name}`)}.${meant === null ? '' : ` Did you mean "${group} ${meant}"?`}`])
}

function clientOf (given: Given, userOf: () => NamedSecret | null): Client {
  const [file, ca] = [given.text('credentials-file'), given.text('ca')]
  return new Client({
    url: given.text('url') ?? (ca === undefined ? 'http://127.0.0.1:8082' : 'https://127.0.0.1:8082'),
    credentials: file === undefined ? userOf() : reading('credentials-file', () => readCredentials(file)),
    ca: ca === undefined ? null : reading('ca', () => readFileSync(ca, 'utf8')),
    insecure: given.has('insecure')
  })
}

function reading<T> (flag: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw new UsageError([`--${flag}: ${(error as Error).message}`])
  }
}

// ---- help

const WIDTH = 80
const LEFT = 32

function groupHelp (group: string, summary: string, commands: readonly Command[]): string {
  return [
    `Usage: barnabas ${group} COMMAND [options]`, '', summary, '', 'Commands:',
    ...commands.flatMap(({ name, operand, summary }) => row([name, operand].join(' ').trim(), summary)), '',
    `"barnabas ${group} COMMAND --help" lists the options of one.`, ''
  ].join('\n')
}

function commandHelp (group: string, { name, operand, summary, flags }: Command): string {
  const own = rows(flags)
  return [
    `Usage: barnabas ${[group, name, operand].join(' ').trim()} [options]`, '', ...wrap(summary, WIDTH), '',
    ...own.length === 0 ? [] : ['Options:', ...own, ''],
    'Options of every command:', ...rows(commonFlags), ''
  ].join('\n')
}

const rows = (flags: Flags): string[] =>
  Object.entries(flags).flatMap(([flag, { placeholder, help }]) => row(`--${flag} ${placeholder}`.trim(), help))

function row (left: string, right: string): string[] {
  const [first = '', ...more] = wrap(right, WIDTH - LEFT - 2)
  // What is longer than its column stands by itself.
  if (left.length >= LEFT) return [`  ${left}`, ...[first, ...more].map(line => ' '.repeat(LEFT + 2) + line)]
  return [`  ${left.padEnd(LEFT)}${first}`, ...more.map(line => ' '.repeat(LEFT + 2) + line)]
}
