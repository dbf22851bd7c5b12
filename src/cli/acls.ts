/**
 * `barnabas acls`: the rules that say who may do what, in Kafka's words.
 */
import { CLUSTER_NAME, operations } from '../access/model.ts'
import { principal as principalValue } from '../config/values.ts'
import { nearest } from '../config/suggest.ts'
import { UsageError } from '../config.ts'
import type { Command, Flags, Given } from './command.ts'
import { table } from './output.ts'

/** A rule as Confluent's REST API v3 writes it. */
interface Acl {
  readonly resource_type: string
  readonly resource_name: string
  readonly pattern_type: string
  readonly principal: string
  readonly host: string
  readonly operation: string
  readonly permission: string
}

interface Explanation {
  readonly allowed: boolean
  readonly reason: string
  readonly acl: Acl | null
}

/** Flags that name a resource, and the type that they name. */
const resources = {
  topic: 'TOPIC', group: 'GROUP', 'transactional-id': 'TRANSACTIONAL_ID', 'delegation-token': 'DELEGATION_TOKEN', user: 'USER', cluster: 'CLUSTER'
} as const

const resourceFlags: Flags = {
  topic: { placeholder: 'NAME', help: 'A topic; * is every one.' },
  group: { placeholder: 'NAME', help: 'A consumer group; * is every one.' },
  'transactional-id': { placeholder: 'NAME', help: 'A transactional id.' },
  'delegation-token': { placeholder: 'NAME', help: 'A delegation token.' },
  user: { placeholder: 'NAME', help: 'A user, as what is asked about and not as who asks.' },
  cluster: { placeholder: '', help: 'The cluster itself: topics in general, users, ACLs, quotas.' }
}

const principalFlag = { placeholder: 'User:NAME', help: 'Who; User:* is everyone.' }
const hostFlag = { placeholder: 'ADDRESS', help: 'From which address. Default: * for every one' }
const operationHelp = 'READ, WRITE, CREATE, DELETE, ALTER, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS, IDEMPOTENT_WRITE, ... or ALL.'
const operationFlag = { placeholder: 'OPERATION,...', help: operationHelp, isList: true }

const ruleFlags: Flags = {
  principal: principalFlag,
  operation: operationFlag,
  ...resourceFlags,
  prefixed: { placeholder: '', help: 'The name is how names begin: --topic orders. --prefixed' },
  host: hostFlag,
  deny: { placeholder: '', help: 'Denies, which goes before whatever allows.' }
}

const titles = ['PRINCIPAL', 'HOST', 'PERMISSION', 'OPERATION', 'RESOURCE', 'NAME', 'PATTERN']

const rowOf = ({ principal, host, permission, operation, resource_type: type, resource_name: name, pattern_type: pattern }: Acl): string[] =>
  [principal, host, permission, operation, type, name, pattern]

const tableOf = (acls: readonly Acl[]): string[] => table(titles, acls.map(rowOf))

export const acls: readonly Command[] = [
  {
    name: 'list',
    operand: '',
    summary: 'Lists the rules, all of them or those that the options speak of.',
    flags: ruleFlags,
    async run (given, client, output) {
      const filters = filtersOf(given)
      const cluster = await client.cluster()
      const found: Acl[] = []
      for (const query of filters) found.push(...(await client.ask('GET', `${cluster}/acls`, { query }) as { readonly data: readonly Acl[] }).data)
      output.print(found, () => found.length === 0 ? ['There are no such rules.'] : tableOf(found))
    }
  },
  {
    name: 'add',
    operand: '',
    summary: 'Adds rules: one for each operation.',
    flags: ruleFlags,
    async run (given, client, output) {
      const [type, name] = resourceOf(given) ?? missingResource()
      const principal = principalOf(given.need('principal', 'User:NAME'))
      given.need('operation', 'OPERATION,...')
      const added = operationsOf(given).map((operation): Acl => ({
        resource_type: type,
        resource_name: name,
        pattern_type: given.has('prefixed') ? 'PREFIXED' : 'LITERAL',
        principal,
        host: given.text('host') ?? '*',
        operation,
        permission: given.has('deny') ? 'DENY' : 'ALLOW'
      }))
      const path = `${await client.cluster()}/acls`
      if (added.length === 1) await client.ask('POST', path, { body: added[0] })
      else await client.ask('POST', `${path}:batch`, { body: { data: added } })
      output.print(added, () => tableOf(added))
    }
  },
  {
    name: 'remove',
    operand: '',
    summary: 'Removes the rules that the options speak of.',
    flags: ruleFlags,
    async run (given, client, output) {
      const filters = filtersOf(given)
      if (filters.every(filter => Object.values(filter).every(value => value === undefined))) {
        throw new UsageError(['Say which rules: --principal, --operation, a resource such as --topic NAME, or --host.'])
      }
      const cluster = await client.cluster()
      const removed: Acl[] = []
      for (const query of filters) {
        // The whole of a filter is asked for by Confluent's API; what is left out here matches everything.
        const whole = { resource_type: 'ANY', pattern_type: 'ANY', operation: 'ANY', permission: 'ANY', ...defined(query) }
        removed.push(...(await client.ask('DELETE', `${cluster}/acls`, { query: whole }) as { readonly data: readonly Acl[] }).data)
      }
      output.print(removed, () => removed.length === 0 ? ['There were no such rules.'] : tableOf(removed))
    }
  },
  {
    name: 'explain',
    operand: '',
    summary: 'Says whether somebody may do something, and which rule decides.',
    flags: {
      principal: principalFlag,
      operation: { placeholder: 'OPERATION', help: operationHelp },
      ...resourceFlags,
      host: { placeholder: 'ADDRESS', help: 'From which address. Default: 127.0.0.1' }
    },
    async run (given, client, output) {
      const [type, name] = resourceOf(given) ?? missingResource()
      const principal = principalOf(given.need('principal', 'User:NAME'))
      const operation = operationOf(given.need('operation', 'OPERATION'))
      const host = given.text('host') ?? '127.0.0.1'
      const answer = await client.ask('GET', `${await client.cluster()}/acls:explain`, {
        query: { principal, host, operation, resource_type: type, resource_name: name }
      }) as Explanation
      output.print(answer, () => [
        `${principal} ${answer.allowed ? 'may' : 'may not'} ${operation} ${type} ${name} from ${host}: ${reasons[answer.reason] ?? answer.reason}.`,
        ...answer.acl === null ? [] : ['', ...tableOf([answer.acl])]
      ])
    }
  }
]

const reasons: Readonly<Record<string, string>> = {
  'super-user': 'they are a super user',
  'denied-by': 'this rule denies it',
  'allowed-by': 'this rule allows it',
  'no-acl-matches': 'no rule allows it',
  'allowed-without-acl': 'no rule speaks of the resource, and what no rule speaks of is allowed (--allow-without-acl)',
  internal: 'it is the process itself',
  'not-enforced': 'nothing asks for credentials here, so that everyone may do everything'
}

/** The type and name of the resource that is named; null if none is. Throws UsageError for more than one. */
function resourceOf (given: Given): readonly [type: string, name: string] | null {
  const named = Object.entries(resources).filter(([flag]) => given.has(flag))
  if (named.length > 1) throw new UsageError([`${named.map(([flag]) => `--${flag}`).join(' and ')}: a rule is about one resource.`])
  if (named.length === 0) return null
  const [flag, type] = named[0]!
  return [type, flag === 'cluster' ? CLUSTER_NAME : given.text(flag)!]
}

function missingResource (): never {
  throw new UsageError(['Say what it is about: --topic NAME, --group NAME, --cluster, ...'])
}

function operationOf (text: string): string {
  const name = text.toUpperCase().replaceAll('-', '_')
  if (Object.hasOwn(operations, name)) return name
  const meant = nearest(name, Object.keys(operations))
  throw new UsageError([`--operation: there is no operation ${JSON.stringify(text)}.${meant === null ? '' : ` Did you mean ${meant}?`}`])
}

const operationsOf = (given: Given): string[] => [...new Set(given.list('operation').map(operationOf))]

function principalOf (text: string): string {
  const principal = principalValue.parse(text)
  if (principal === null) throw new UsageError([`--principal: expected ${principalValue.expected}.`])
  return principal
}

/** One for each operation; what is not given is undefined, and matches everything. */
function filtersOf (given: Given): Array<Record<string, string | undefined>> {
  const [type, name] = resourceOf(given) ?? []
  const principal = given.text('principal')
  const filter = {
    resource_type: type,
    resource_name: name,
    pattern_type: given.has('prefixed') ? 'PREFIXED' : undefined,
    principal: principal === undefined ? undefined : principalOf(principal),
    host: given.text('host'),
    permission: given.has('deny') ? 'DENY' : undefined
  }
  const wanted = operationsOf(given)
  return wanted.length === 0 ? [{ ...filter, operation: undefined }] : wanted.map(operation => ({ ...filter, operation }))
}

const defined = (filter: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  Object.fromEntries(Object.entries(filter).filter((entry): entry is [string, string] => entry[1] !== undefined))
