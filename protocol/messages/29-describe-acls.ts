import { api, array, int16, int32, int8, string } from '../schema.ts'

/**
 * List the access rules that a filter matches. v1 patterns (KIP-290), v2 flexible, v3 resource type USER (KIP-373).
 * Null in the filter matches everything.
 */
export const DescribeAcls = api(29, 'DescribeAcls', { versions: [1, 3], flexible: 2 }, {
  resourceTypeFilter: int8,
  resourceNameFilter: string.nullable(),
  patternTypeFilter: int8.default(3),
  principalFilter: string.nullable(),
  hostFilter: string.nullable(),
  operation: int8,
  permissionType: int8
}, {
  throttleTimeMs: int32.default(0),
  errorCode: int16,
  errorMessage: string.nullable(),
  resources: array({
    resourceType: int8,
    resourceName: string,
    patternType: int8.default(3),
    acls: array({ principal: string, host: string, operation: int8, permissionType: int8 })
  })
})
