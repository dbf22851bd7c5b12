import { api, array, bool, int16, int32, int64, string } from '../schema.ts'

/**
 * Which requests the server speaks. Always answered with response header v0, and an unknown version with v0 of the body
 * (KIP-511). v3 flexible, client software and features, v4 features whose minimum is 0 (KAFKA-17011).
 */
export const ApiVersions = api(18, 'ApiVersions', { versions: [0, 4], flexible: 3 }, {
  clientSoftwareName: string.since(3).ignorable(),
  clientSoftwareVersion: string.since(3).ignorable()
}, {
  errorCode: int16,
  apiKeys: array({ apiKey: int16, minVersion: int16, maxVersion: int16 }),
  throttleTimeMs: int32.since(1).ignorable(),
  supportedFeatures: array({ name: string, minVersion: int16, maxVersion: int16 }).since(3).tag(0).ignorable(),
  finalizedFeaturesEpoch: int64.since(3).default(-1).tag(1).ignorable(),
  finalizedFeatures: array({ name: string, maxVersionLevel: int16, minVersionLevel: int16 }).since(3).tag(2).ignorable(),
  zkMigrationReady: bool.since(3).tag(3).ignorable()
})
