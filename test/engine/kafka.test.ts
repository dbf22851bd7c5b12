/**
 * The suite on a broker of Apache Kafka, where one is given: `ENGINE_SUITE_KAFKA=PORT npx tap test/engine/kafka.test.ts`
 * (one node, `group.initial.rebalance.delay.ms=0`, one replica of the internal topics).
 */
import t from 'tap'
import { apis } from '../../protocol/apis.ts'
import { ApiVersions } from '../../protocol/messages/18-api-versions.ts'
import { Connection, remote } from './connection.ts'
import { engineSuite } from './suite.ts'

const port = Number(process.env['ENGINE_SUITE_KAFKA'] ?? 0)

if (port === 0) t.pass('no broker is given')
else {
  engineSuite(t, {
    name: 'Apache Kafka',
    async open () {
      const connection = await Connection.open(port)
      const { apiKeys } = await connection.send(ApiVersions, 3, { clientSoftwareName: 'suite', clientSoftwareVersion: '1' })
      connection.destroy()
      const ours = new Map(apis.map(api => [api.key, api.versions]))
      const supports = new Map(apiKeys.filter(({ apiKey }) => ours.has(apiKey)).map(({ apiKey, minVersion, maxVersion }) =>
        [apiKey, [minVersion, Math.min(maxVersion, ours.get(apiKey)![1])] as const]))
      const { dispatch, close } = remote(port)
      return { dispatch, supports, close: async () => close() }
    }
  })
}
