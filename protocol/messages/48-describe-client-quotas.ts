import { api, array, bool, float64, int16, int32, int8, string } from '../schema.ts'

/**
 * List quotas by what they are set on: users, client ids, addresses (KIP-546, KIP-612). v1 flexible.
 * A component matches a name (0), the default of its type (1) or every one (2); strict asks for no other components.
 */
export const DescribeClientQuotas = api(48, 'DescribeClientQuotas', { versions: [0, 1], flexible: 1 }, {
  components: array({ entityType: string, matchType: int8, match: string.nullable() }),
  strict: bool
}, {
  throttleTimeMs: int32.default(0),
  errorCode: int16,
  errorMessage: string.nullable(),
  entries: array({
    entity: array({ entityType: string, entityName: string.nullable() }),
    values: array({ key: string, value: float64 })
  }).nullable()
})
