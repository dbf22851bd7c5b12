import { api, array, int16, int32, int8, string } from '../schema.ts'

/**
 * Add access rules, each answered for itself. v1 patterns (KIP-290), v2 flexible, v3 resource type USER (KIP-373).
 */
export const CreateAcls = api(30, 'CreateAcls', { versions: [1, 3], flexible: 2 }, {
  creations: array({
    resourceType: int8,
    resourceName: string,
    resourcePatternType: int8.default(3),
    principal: string,
    host: string,
    operation: int8,
    permissionType: int8
  })
}, {
  throttleTimeMs: int32.default(0),
  results: array({ errorCode: int16, errorMessage: string.nullable() })
})
