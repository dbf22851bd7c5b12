/**
 * The suite that every engine has to pass, on a broker of Apache Kafka: so we know that it asks for the right things.
 */
import t from 'tap'
import { apis } from '../../protocol/apis.ts'
import { ApiVersions } from '../../protocol/messages/18-api-versions.ts'
import { Connection, remote } from '../engine/connection.ts'
import { engineSuite } from '../engine/suite.ts'
import { startKafka } from './support/server.ts'

const { kafka } = await startKafka(t)
const port = Number(kafka.split(':')[1])

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
