import { api, array, bool, int16, int32, int8, string } from '../schema.ts'

/**
 * Replace whole configurations: what is not named goes back to its default (KIP-133). IncrementalAlterConfigs came after it.
 * v2 flexible.
 */
export const AlterConfigs = api(33, 'AlterConfigs', { versions: [0, 2], flexible: 2 }, {
  resources: array({
    resourceType: int8,
    resourceName: string,
    configs: array({ name: string, value: string.nullable() })
  }),
  validateOnly: bool
}, {
  throttleTimeMs: int32.default(0),
  responses: array({ errorCode: int16, errorMessage: string.nullable(), resourceType: int8, resourceName: string })
})
