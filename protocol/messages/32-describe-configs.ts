import { api, array, bool, int16, int32, int8, string } from '../schema.ts'

/**
 * Configuration of topics (resource type 2), brokers (4) and others, with where each value comes from.
 * v3 types and documentation (KIP-569), v4 flexible. A null list of keys asks for all.
 */
export const DescribeConfigs = api(32, 'DescribeConfigs', { versions: [1, 4], flexible: 4 }, {
  resources: array({ resourceType: int8, resourceName: string, configurationKeys: array(string).nullable() }),
  includeSynonyms: bool.default(false),
  includeDocumentation: bool.since(3)
}, {
  throttleTimeMs: int32.default(0),
  results: array({
    errorCode: int16,
    errorMessage: string.nullable(),
    resourceType: int8,
    resourceName: string,
    configs: array({
      name: string,
      value: string.nullable(),
      readOnly: bool,
      configSource: int8.default(-1),
      isSensitive: bool,
      synonyms: array({ name: string, value: string.nullable(), source: int8 }),
      configType: int8.since(3).ignorable(),
      documentation: string.since(3).nullable().ignorable()
    })
  })
})
