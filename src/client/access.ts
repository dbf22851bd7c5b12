/**
 * Rules, users and quotas over Dispatch: list, set, remove. Every function rejects with KafkaError.
 */
import { pbkdf2, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { complete } from '../../protocol/defaults.ts'
import { errors, KafkaError } from '../../protocol/errors.ts'
import { DescribeAcls } from '../../protocol/messages/29-describe-acls.ts'
import { CreateAcls } from '../../protocol/messages/30-create-acls.ts'
import { DeleteAcls } from '../../protocol/messages/31-delete-acls.ts'
import { DescribeClientQuotas } from '../../protocol/messages/48-describe-client-quotas.ts'
import { AlterClientQuotas } from '../../protocol/messages/49-alter-client-quotas.ts'
import { DescribeUserScramCredentials } from '../../protocol/messages/50-describe-user-scram-credentials.ts'
import { AlterUserScramCredentials } from '../../protocol/messages/51-alter-user-scram-credentials.ts'
import { newest, type Context, type Dispatch } from '../../protocol/rpc.ts'
import type { Api, Request, RequestInput, Response } from '../../protocol/schema.ts'
import {
  operations, patternTypes, permissions, resourceTypes,
  type AclBinding, type Operation, type PatternType, type Permission, type QuotaEntity, type QuotaKey, type QuotaValues, type ResourceType, type ScramMechanism
} from '../access/model.ts'
import { failure } from './failures.ts'

// ---- ACLs

/** What is left out or ANY matches everything. The pattern MATCH asks for all rules that speak of the resource of that name. */
export interface AclFilter {
  readonly resourceType?: ResourceType | 'ANY' | undefined
  readonly resourceName?: string | undefined
  readonly patternType?: PatternType | 'ANY' | 'MATCH' | undefined
  readonly principal?: string | undefined
  readonly host?: string | undefined
  readonly operation?: Operation | 'ANY' | undefined
  readonly permission?: Permission | 'ANY' | undefined
}

const wildcards = { ANY: 1, MATCH: 2 } as const

const inverse = <N extends string>(codes: { readonly [K in N]: number }): ReadonlyMap<number, N> =>
  new Map(Object.entries<number>(codes).map(([name, code]) => [code, name as N]))

const names = { resourceType: inverse(resourceTypes), patternType: inverse(patternTypes), operation: inverse(operations), permission: inverse(permissions) }

/** All that the filter matches, sorted by resource, principal and what they may do. */
export async function listAcls (dispatch: Dispatch, context: Context, filter: AclFilter = {}): Promise<AclBinding[]> {
  const response = await ask(dispatch, context, DescribeAcls, filterOf(filter))
  check(DescribeAcls, response)
  return sorted(response.resources.flatMap(({ acls, ...resource }) => acls.map(acl => bindingOf({ ...resource, ...acl }))))
}

/** What became of each rule: null if it is in force now, also if it was before. */
export async function createAcls (dispatch: Dispatch, context: Context, bindings: readonly AclBinding[]): Promise<(KafkaError | null)[]> {
  const creations = bindings.map(({ resourceType, patternType, operation, permission, ...rest }) => ({
    ...rest,
    resourceType: resourceTypes[resourceType],
    resourcePatternType: patternTypes[patternType],
    operation: operations[operation],
    permissionType: permissions[permission]
  }))
  const { results } = await ask(dispatch, context, CreateAcls, { creations })
  return bindings.map((_, i) => {
    const { errorCode, errorMessage } = results[i] ?? noAnswer
    return errorCode === errors.NONE ? null : failure(CreateAcls, errorCode, '', errorMessage)
  })
}

/** Gives the rules that are gone. */
export async function deleteAcls (dispatch: Dispatch, context: Context, filter: AclFilter): Promise<AclBinding[]> {
  const { filterResults: [result] } = await ask(dispatch, context, DeleteAcls, { filters: [filterOf(filter)] })
  check(DeleteAcls, result)
  for (const one of result!.matchingAcls) check(DeleteAcls, one)
  return sorted(result!.matchingAcls.map(bindingOf))
}

function filterOf ({ resourceType, resourceName, patternType, principal, host, operation, permission }: AclFilter): RequestInput<typeof DescribeAcls> {
  const code = (codes: { readonly [name: string]: number }, name = 'ANY'): number => ({ ...codes, ...wildcards })[name]!
  return {
    resourceTypeFilter: code(resourceTypes, resourceType),
    resourceNameFilter: resourceName ?? null,
    patternTypeFilter: code(patternTypes, patternType),
    principalFilter: principal ?? null,
    hostFilter: host ?? null,
    operation: code(operations, operation),
    permissionType: code(permissions, permission)
  }
}

type CodedAcl = Omit<Response<typeof DeleteAcls>['filterResults'][number]['matchingAcls'][number], 'errorCode' | 'errorMessage'>

function bindingOf ({ resourceType, resourceName, patternType, principal, host, operation, permissionType }: CodedAcl): AclBinding {
  const binding = {
    resourceType: names.resourceType.get(resourceType),
    resourceName,
    patternType: names.patternType.get(patternType),
    principal,
    host,
    operation: names.operation.get(operation),
    permission: names.permission.get(permissionType)
  }
  if (Object.values(binding).includes(undefined)) {
    throw new KafkaError('UNSUPPORTED_VERSION', `There is a rule about ${resourceName} that this version has no words for.`)
  }
  return binding as AclBinding
}

const sorted = (bindings: readonly AclBinding[]): AclBinding[] =>
  bindings.map(binding => ({ binding, key: sortKey(binding) })).sort((a, b) => a.key < b.key ? -1 : 1).map(({ binding }) => binding)

const sortKey = ({ resourceType, resourceName, patternType, principal, host, operation, permission }: AclBinding): string =>
  [resourceType, resourceName, patternType, principal, operation, permission, host].join('\0')

// ---- users

export interface UserDescription {
  readonly name: string
  readonly credentials: readonly { readonly mechanism: ScramMechanism, readonly iterations: number }[]
}

const mechanisms = {
  'SCRAM-SHA-256': { code: 1, hash: 'sha256', bytes: 32 },
  'SCRAM-SHA-512': { code: 2, hash: 'sha512', bytes: 64 }
} as const satisfies { readonly [M in ScramMechanism]: object }

export const scramMechanisms = Object.keys(mechanisms) as readonly ScramMechanism[]
const mechanismNames = new Map<number, ScramMechanism>(scramMechanisms.map(name => [mechanisms[name].code, name]))

export const DEFAULT_ITERATIONS = 8192
export const MIN_ITERATIONS = 4096
export const MAX_ITERATIONS = 16384
const SALT_BYTES = 20

/** Sorted by name. */
export async function listUsers (dispatch: Dispatch, context: Context): Promise<UserDescription[]> {
  const response = await ask(dispatch, context, DescribeUserScramCredentials, { users: null })
  check(DescribeUserScramCredentials, response)
  return response.results.map(descriptionOf).sort((a, b) => a.name < b.name ? -1 : 1)
}

/** Rejects with RESOURCE_NOT_FOUND if there is none. */
export async function getUser (dispatch: Dispatch, context: Context, name: string): Promise<UserDescription> {
  const response = await ask(dispatch, context, DescribeUserScramCredentials, { users: [{ name }] })
  check(DescribeUserScramCredentials, response)
  const [found] = response.results
  if (found?.errorCode === errors.RESOURCE_NOT_FOUND) throw noUser(name)
  check(DescribeUserScramCredentials, found)
  return descriptionOf(found!)
}

function descriptionOf ({ user, credentialInfos }: Response<typeof DescribeUserScramCredentials>['results'][number]): UserDescription {
  const credentials = credentialInfos.flatMap(({ mechanism, iterations }) => {
    const known = mechanismNames.get(mechanism)
    return known === undefined ? [] : [{ mechanism: known, iterations }]
  })
  return { name: user, credentials }
}

/**
 * Makes the user, or gives them another password: afterwards they have these mechanisms and no others. Kafka takes one change
 * of a user in a request, so what fails in between has to be asked for again.
 */
export async function putUser (
  dispatch: Dispatch, context: Context, name: string, password: string,
  wanted: readonly ScramMechanism[] = scramMechanisms, iterations = DEFAULT_ITERATIONS
): Promise<void> {
  if (password === '') throw new KafkaError('UNACCEPTABLE_CREDENTIAL', 'The password is empty.')
  if (wanted.length === 0) throw new KafkaError('UNSUPPORTED_SASL_MECHANISM', `Name a mechanism: ${scramMechanisms.join(' or ')}.`)
  if (!Number.isInteger(iterations) || iterations < MIN_ITERATIONS || iterations > MAX_ITERATIONS) {
    throw new KafkaError('UNACCEPTABLE_CREDENTIAL', `${iterations} iterations are not allowed: ${MIN_ITERATIONS} to ${MAX_ITERATIONS} are.`)
  }
  for (const mechanism of new Set(wanted)) {
    await alterUser(dispatch, context, name, { deletions: [], upsertions: [await upsertionOf(name, password, mechanism, iterations)] })
  }
  // An old password must not live on in a mechanism that was not named.
  const { credentials } = await getUser(dispatch, context, name)
  await deleteCredentials(dispatch, context, name, credentials.map(({ mechanism }) => mechanism).filter(mechanism => !wanted.includes(mechanism)))
}

/** Rejects with RESOURCE_NOT_FOUND if there is none. */
export async function deleteUser (dispatch: Dispatch, context: Context, name: string): Promise<void> {
  const { credentials } = await getUser(dispatch, context, name)
  await deleteCredentials(dispatch, context, name, credentials.map(({ mechanism }) => mechanism))
}

async function deleteCredentials (dispatch: Dispatch, context: Context, name: string, gone: readonly ScramMechanism[]): Promise<void> {
  for (const mechanism of gone) {
    await alterUser(dispatch, context, name, { deletions: [{ name, mechanism: mechanisms[mechanism].code }], upsertions: [] })
  }
}

async function alterUser (dispatch: Dispatch, context: Context, name: string, change: RequestInput<typeof AlterUserScramCredentials>): Promise<void> {
  const { results } = await ask(dispatch, context, AlterUserScramCredentials, change)
  check(AlterUserScramCredentials, results.find(({ user }) => user === name))
}

const derive = promisify(pbkdf2)

/** As Kafka's own clients do it: the password itself is not sent. */
async function upsertionOf (
  name: string, password: string, mechanism: ScramMechanism, iterations: number
): Promise<RequestInput<typeof AlterUserScramCredentials>['upsertions'][number]> {
  const { code, hash, bytes } = mechanisms[mechanism]
  const salt = randomBytes(SALT_BYTES)
  return { name, mechanism: code, iterations, salt, saltedPassword: await derive(password, salt, iterations, bytes, hash) }
}

const noUser = (name: string): KafkaError => new KafkaError('RESOURCE_NOT_FOUND', `There is no user ${name}.`)

// ---- quotas

export interface QuotaDescription {
  readonly entity: QuotaEntity
  readonly quotas: QuotaValues
}

/** A name, null for the default of its type, true for whichever; `strict` asks for entities of these types and no others. */
export interface QuotaFilter {
  readonly user?: string | null | true
  readonly 'client-id'?: string | null | true
  readonly ip?: string | null | true
  readonly strict?: boolean
}

const EXACT = 0
const DEFAULT = 1
const SPECIFIED = 2

export async function listQuotas (dispatch: Dispatch, context: Context, { strict = false, ...types }: QuotaFilter = {}): Promise<QuotaDescription[]> {
  const components = Object.entries(types).filter(([, match]) => match !== undefined).map(([entityType, match]) => ({
    entityType, matchType: match === true ? SPECIFIED : match === null ? DEFAULT : EXACT, match: match === true ? null : match
  }))
  const response = await ask(dispatch, context, DescribeClientQuotas, { components, strict })
  check(DescribeClientQuotas, response)
  return (response.entries ?? [])
    .map(({ entity, values }) => ({
      entity: Object.fromEntries(entity.map(({ entityType, entityName }) => [entityType, entityName])) as QuotaEntity,
      quotas: Object.fromEntries(values.map(({ key, value }) => [key, value])) as QuotaValues
    }))
    .sort((a, b) => JSON.stringify(a.entity) < JSON.stringify(b.entity) ? -1 : 1)
}

/** The quotas of the entity are these from now on, and no others: none of them removes it. */
export async function setQuota (dispatch: Dispatch, context: Context, entity: QuotaEntity, quotas: QuotaValues): Promise<void> {
  const [before] = await listQuotas(dispatch, context, { ...entity, strict: true })
  const removed = Object.keys(before?.quotas ?? {}).filter(key => quotas[key as QuotaKey] === undefined)
  const ops = [
    ...Object.entries(quotas).filter(([, value]) => value !== undefined).map(([key, value]) => ({ key, value, remove: false })),
    ...removed.map(key => ({ key, value: 0, remove: true }))
  ]
  const { entries: [result] } = await ask(dispatch, context, AlterClientQuotas, {
    entries: [{ entity: Object.entries(entity).map(([entityType, entityName]) => ({ entityType, entityName })), ops }],
    validateOnly: false
  })
  check(AlterClientQuotas, result)
}

// ----

const noAnswer = { errorCode: errors.UNKNOWN_SERVER_ERROR, errorMessage: 'The answer leaves out what was asked for.' }

/** Throws KafkaError for what was not done. */
function check (api: Api, answer: { readonly errorCode: number, readonly errorMessage: string | null } | undefined): void {
  const { errorCode, errorMessage } = answer ?? noAnswer
  if (errorCode !== errors.NONE) throw failure(api, errorCode, '', errorMessage)
}

function ask<A extends Api> (dispatch: Dispatch, context: Context, api: A, request: RequestInput<A>): Promise<Response<A>> {
  return dispatch(api, complete(api.request, request as never) as Request<A>, { ...context, version: newest(api) })
}
