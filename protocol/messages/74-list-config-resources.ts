import { api, array, int16, int32, int8, string } from '../schema.ts'

/**
 * What has configurations, besides what other requests list. v0 lists subscriptions to client metrics (KIP-714), v1 all types that
 * are asked for (KIP-1142).
 */
export const ListConfigResources = api(74, 'ListConfigResources', { versions: [0, 1], flexible: 0 }, {
  resourceTypes: array(int8).since(1)
}, {
  throttleTimeMs: int32.default(0),
  errorCode: int16,
  configResources: array({ resourceName: string, resourceType: int8.since(1).default(16).ignorable() })
})
