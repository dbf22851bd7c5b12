import { api, array, int16, int32, int8, string } from '../schema.ts'

/**
 * Remove the access rules that filters match. v1 patterns (KIP-290), v2 flexible, v3 resource type USER (KIP-373).
 */
export const DeleteAcls = api(31, 'DeleteAcls', { versions: [1, 3], flexible: 2 }, {
  filters: array({
    resourceTypeFilter: int8,
    resourceNameFilter: string.nullable(),
    patternTypeFilter: int8.default(3),
    principalFilter: string.nullable(),
    hostFilter: string.nullable(),
    operation: int8,
    permissionType: int8
  })
}, {
  throttleTimeMs: int32.default(0),
  filterResults: array({
    errorCode: int16,
    errorMessage: string.nullable(),
    matchingAcls: array({
      errorCode: int16,
      errorMessage: string.nullable(),
      resourceType: int8,
      resourceName: string,
      patternType: int8.default(3),
      principal: string,
      host: string,
      operation: int8,
      permissionType: int8
    })
  })
})
