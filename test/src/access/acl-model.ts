/**
 * Kafka's rules about rules, written down as directly as they can be said: for every decision all bindings are looked
 * through. What it has in common with the authorizer is the documentation.
 */
import type { AclBinding, Operation, ResourceType } from '../../../src/access/model.ts'

export interface Question {
  readonly principal: string
  readonly host: string
  readonly operation: Operation
  readonly resourceType: ResourceType
  readonly resourceName: string
}

const impliesDescribe = ['DESCRIBE', 'READ', 'WRITE', 'DELETE', 'ALTER']
const impliesDescribeConfigs = ['DESCRIBE_CONFIGS', 'ALTER_CONFIGS']

function matchesResource (binding: AclBinding, { resourceType, resourceName }: Question): boolean {
  if (binding.resourceType !== resourceType) return false
  if (binding.patternType === 'PREFIXED') return resourceName.startsWith(binding.resourceName)
  return binding.resourceName === resourceName || binding.resourceName === '*'
}

function matchesCaller (binding: AclBinding, { principal, host }: Question): boolean {
  return (binding.principal === principal || binding.principal === 'User:*') && (binding.host === host || binding.host === '*')
}

function allows (binding: AclBinding, { operation }: Question): boolean {
  if (binding.operation === 'ALL') return true
  if (operation === 'DESCRIBE') return impliesDescribe.includes(binding.operation)
  if (operation === 'DESCRIBE_CONFIGS') return impliesDescribeConfigs.includes(binding.operation)
  return binding.operation === operation
}

export function modelDecides (
  bindings: readonly AclBinding[], question: Question, { superUsers, allowWithoutAcl }: { superUsers: ReadonlySet<string>, allowWithoutAcl: boolean }
): boolean {
  if (superUsers.has(question.principal)) return true
  const aboutIt = bindings.filter(binding => matchesResource(binding, question))
  if (aboutIt.length === 0) return allowWithoutAcl
  const aboutThem = aboutIt.filter(binding => matchesCaller(binding, question))
  const isDenied = aboutThem.some(({ permission, operation }) => permission === 'DENY' && (operation === 'ALL' || operation === question.operation))
  return !isDenied && aboutThem.some(binding => binding.permission === 'ALLOW' && allows(binding, question))
}
