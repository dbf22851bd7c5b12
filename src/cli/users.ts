/**
 * `barnabas users`: who may log in with a password.
 */
import { UsageError } from '../config.ts'
import type { Command } from './command.ts'
import { table } from './output.ts'
import { readPassword } from './password.ts'

interface User {
  readonly name: string
  readonly credentials: readonly { readonly mechanism: string, readonly iterations: number }[]
}

const pathOf = (name: string): string => `/users/${encodeURIComponent(name)}`

export const users: readonly Command[] = [
  {
    name: 'list',
    operand: '',
    summary: 'Lists the users and how their passwords are kept.',
    flags: {},
    async run (_given, client, output) {
      const found = await client.ask('GET', '/users') as readonly User[]
      output.print(found, () => found.length === 0
        ? ['There are no users.']
        : table(['USER', 'MECHANISMS'], found.map(({ name, credentials }) =>
          [name, credentials.map(({ mechanism, iterations }) => `${mechanism} (${iterations} iterations)`).join(', ')])))
    }
  },
  {
    name: 'put',
    operand: 'NAME',
    summary: 'Makes a user, or gives one another password, which is read from standard input.',
    flags: {
      mechanism: { placeholder: 'MECHANISM,...', help: 'SCRAM-SHA-256 or SCRAM-SHA-512. Default: both', isList: true },
      iterations: { placeholder: 'N', help: 'How much work it is to guess the password, 4096 to 16384.' },
      'password-file': { placeholder: 'FILE', help: 'File that holds the password, in the place of standard input.' }
    },
    async run (given, client, output, streams) {
      const name = given.operands[0]!
      const mechanisms = given.list('mechanism').map(mechanism => mechanism.toUpperCase())
      const iterations = given.text('iterations')
      if (iterations !== undefined && !/^\d{1,6}$/.test(iterations)) throw new UsageError(['--iterations: expected a whole number from 4096 to 16384.'])
      const password = await readPassword(name, given.text('password-file'), streams)
      await client.ask('PUT', pathOf(name), {
        body: {
          password: password.reveal(),
          ...mechanisms.length === 0 ? {} : { mechanisms },
          ...iterations === undefined ? {} : { iterations: Number(iterations) }
        }
      })
      output.print({ user: name }, () => [`${name} can log in with this password.`])
    }
  },
  {
    name: 'delete',
    operand: 'NAME',
    summary: 'Takes the passwords of a user away. Rules about them stay.',
    flags: {},
    async run (given, client, output) {
      const name = given.operands[0]!
      await client.ask('DELETE', pathOf(name))
      output.print({ user: name }, () => [`${name} is deleted.`])
    }
  }
]
