/**
 * DescribeAcls, CreateAcls and DeleteAcls over the rules that are known, with the words of Kafka's own answers. A code that
 * nobody knows fails the element that carries it, and no other.
 */
import { errors, KafkaError } from '../../protocol/errors.ts'
import type { DescribeAcls } from '../../protocol/messages/29-describe-acls.ts'
import type { CreateAcls } from '../../protocol/messages/30-create-acls.ts'
import type { DeleteAcls } from '../../protocol/messages/31-delete-acls.ts'
import type { Request, Response } from '../../protocol/schema.ts'
import { aclKey, type AccessChange } from '../access/entries.ts'
import {
  CLUSTER_NAME, WILDCARD, operations, patternTypes, permissions, resourceTypes,
  type AclBinding, type Operation, type PatternType, type Permission, type ResourceType
} from '../access/model.ts'
import type { Plan } from './administer-plan.ts'

type Creation = Request<typeof CreateAcls>['creations'][number]
type CreationResult = Response<typeof CreateAcls>['results'][number]
type FilterResult = Response<typeof DeleteAcls>['filterResults'][number]

/** As in both requests that have one. */
export type AclFilter = Request<typeof DeleteAcls>['filters'][number]

/** Codes that no binding has, but filters and mistakes do. */
const UNKNOWN = 0
const ANY = 1
const MATCH = 2

const namesOf = <N extends string>(codes: { readonly [K in N]: number }): ReadonlyMap<number, N> =>
  new Map(Object.entries<number>(codes).map(([name, code]) => [code, name as N]))

const resourceTypeNames = namesOf<ResourceType>(resourceTypes)
const patternTypeNames = namesOf<PatternType>(patternTypes)
const operationNames = namesOf<Operation>(operations)
const permissionNames = namesOf<Permission>(permissions)

// ---- filters

const isAnyOr = (code: number, names: ReadonlyMap<number, string>): boolean => code === ANY || names.has(code)

/** Throws KafkaError INVALID_REQUEST for codes that mean nothing. */
function checkFilter (filter: AclFilter): void {
  const isPattern = isAnyOr(filter.resourceTypeFilter, resourceTypeNames) &&
    (filter.patternTypeFilter === MATCH || isAnyOr(filter.patternTypeFilter, patternTypeNames))
  if (!isPattern) throw new KafkaError('INVALID_REQUEST', 'Unknown patternFilter.')
  const isEntry = isAnyOr(filter.operation, operationNames) && isAnyOr(filter.permissionType, permissionNames)
  if (!isEntry) throw new KafkaError('INVALID_REQUEST', 'Unknown entryFilter.')
}

function matches (filter: AclFilter, binding: AclBinding): boolean {
  return (filter.resourceTypeFilter === ANY || filter.resourceTypeFilter === resourceTypes[binding.resourceType]) &&
    matchesPattern(filter, binding) &&
    (filter.principalFilter === null || filter.principalFilter === binding.principal) &&
    (filter.hostFilter === null || filter.hostFilter === binding.host) &&
    (filter.operation === ANY || filter.operation === operations[binding.operation]) &&
    (filter.permissionType === ANY || filter.permissionType === permissions[binding.permission])
}

/** MATCH asks for all rules that speak of a resource of this name, the others for those that are written so. */
function matchesPattern ({ patternTypeFilter, resourceNameFilter: name }: AclFilter, { patternType, resourceName }: AclBinding): boolean {
  if (patternTypeFilter !== MATCH) {
    return (patternTypeFilter === ANY || patternTypeFilter === patternTypes[patternType]) && (name === null || name === resourceName)
  }
  if (name === null) return true
  return patternType === 'PREFIXED' ? name.startsWith(resourceName) : name === resourceName || resourceName === WILDCARD
}

// ---- DescribeAcls

export function describeAcls (bindings: Iterable<AclBinding>, filter: Request<typeof DescribeAcls>): Response<typeof DescribeAcls> {
  if ([filter.resourceTypeFilter, filter.patternTypeFilter, filter.operation, filter.permissionType].includes(UNKNOWN)) {
    return { throttleTimeMs: 0, errorCode: errors.INVALID_REQUEST, errorMessage: 'The filter holds an unknown element.', resources: [] }
  }
  const resources = new Map<string, Response<typeof DescribeAcls>['resources'][number]>()
  for (const binding of bindings) {
    // Codes from a later time match nothing: there can be no such rules here.
    if (!matches(filter, binding)) continue
    const { resourceType, patternType, resourceName, principal, host, operation, permission } = binding
    const key = JSON.stringify([resourceType, patternType, resourceName])
    let resource = resources.get(key)
    if (resource === undefined) {
      resource = { resourceType: resourceTypes[resourceType], resourceName, patternType: patternTypes[patternType], acls: [] }
      resources.set(key, resource)
    }
    resource.acls.push({ principal, host, operation: operations[operation], permissionType: permissions[permission] })
  }
  return { throttleTimeMs: 0, errorCode: errors.NONE, errorMessage: '', resources: [...resources.values()] }
}

// ---- CreateAcls

/** A rule that is there already is a success, and no change. */
export function createAcls (bindings: Iterable<AclBinding>, { creations }: Request<typeof CreateAcls>): Plan<Response<typeof CreateAcls>> {
  const known = new Set(Array.from(bindings, aclKey))
  const changes: AccessChange[] = []
  const results = creations.map((creation): CreationResult => {
    const binding = bindingOf(creation)
    if (typeof binding === 'string') return { errorCode: errors.INVALID_REQUEST, errorMessage: binding }
    const key = aclKey(binding)
    if (!known.has(key)) changes.push({ kind: 'acl', binding, present: true })
    known.add(key)
    return { errorCode: errors.NONE, errorMessage: '' }
  })
  return { changes, response: { throttleTimeMs: 0, results } }
}

/** Or what is wrong with it. */
function bindingOf (creation: Creation): AclBinding | string {
  const { resourceName, principal, host } = creation
  const resourceType = resourceTypeNames.get(creation.resourceType)
  const patternType = patternTypeNames.get(creation.resourcePatternType)
  const operation = operationNames.get(creation.operation)
  const permission = permissionNames.get(creation.permissionType)
  if (resourceType === 'CLUSTER' && resourceName !== CLUSTER_NAME) return `The only valid name for the CLUSTER resource is ${CLUSTER_NAME}`
  if (resourceName === '') return 'Invalid empty resource name'
  if (resourceType === undefined) return `Invalid resourceType ${wordOf(creation.resourceType)}`
  if (patternType === undefined) return `Invalid patternType ${wordOf(creation.resourcePatternType, true)}`
  if (operation === undefined) return `Invalid operation ${wordOf(creation.operation)}`
  if (permission === undefined) return `Invalid permissionType ${wordOf(creation.permissionType)}`
  if (!principal.includes(':')) {
    return `Could not parse principal from \`${principal}\` (no colon is present separating the principal type from the principal name)`
  }
  return { resourceType, resourceName, patternType, principal, host, operation, permission }
}

function wordOf (code: number, isPattern = false): string {
  if (code === ANY) return 'ANY'
  return isPattern && code === MATCH ? 'MATCH' : 'UNKNOWN'
}

// ---- DeleteAcls

/** Every filter is answered with all that it matches, also what another one of the request matches. */
export function deleteAcls (bindings: Iterable<AclBinding>, { filters }: Request<typeof DeleteAcls>): Plan<Response<typeof DeleteAcls>> {
  const all = [...bindings]
  const removed = new Set<AclBinding>()
  const filterResults = filters.map((filter): FilterResult => {
    try {
      checkFilter(filter)
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      return { errorCode: error.errorCode, errorMessage: error.message, matchingAcls: [] }
    }
    const matching = all.filter(binding => matches(filter, binding))
    for (const binding of matching) removed.add(binding)
    return { errorCode: errors.NONE, errorMessage: null, matchingAcls: matching.map(matchingAcl) }
  })
  const changes = Array.from(removed, (binding): AccessChange => ({ kind: 'acl', binding, present: false }))
  return { changes, response: { throttleTimeMs: 0, filterResults } }
}

function matchingAcl ({ resourceType, resourceName, patternType, principal, host, operation, permission }: AclBinding): FilterResult['matchingAcls'][number] {
  return {
    errorCode: errors.NONE,
    errorMessage: null,
    resourceType: resourceTypes[resourceType],
    resourceName,
    patternType: patternTypes[patternType],
    principal,
    host,
    operation: operations[operation],
    permissionType: permissions[permission]
  }
}
