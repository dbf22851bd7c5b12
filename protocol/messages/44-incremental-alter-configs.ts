import { api, array, bool, int16, int32, int8, string } from '../schema.ts'

/**
 * Change single configurations: set (0), delete (1), append (2) or subtract (3) (KIP-339). v1 flexible.
 */
export const IncrementalAlterConfigs = api(44, 'IncrementalAlterConfigs', { versions: [0, 1], flexible: 1 }, {
  resources: array({
    resourceType: int8,
    resourceName: string,
    configs: array({ name: string, configOperation: int8, value: string.nullable() })
  }),
  validateOnly: bool
}, {
  throttleTimeMs: int32.default(0),
  responses: array({
    errorCode: int16,
    errorMessage: string.nullable(),
    resourceType: int8,
    resourceName: string
  })
})
