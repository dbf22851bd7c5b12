import { api, array, bool, float64, int16, int32, string } from '../schema.ts'

/**
 * Set and remove quotas of users, client ids and addresses (KIP-546, KIP-612). v1 flexible. A null name is the default of its type.
 */
export const AlterClientQuotas = api(49, 'AlterClientQuotas', { versions: [0, 1], flexible: 1 }, {
  entries: array({
    entity: array({ entityType: string, entityName: string.nullable() }),
    ops: array({ key: string, value: float64, remove: bool })
  }),
  validateOnly: bool
}, {
  throttleTimeMs: int32.default(0),
  entries: array({
    errorCode: int16,
    errorMessage: string.nullable(),
    entity: array({ entityType: string, entityName: string.nullable() })
  })
})
