/**
 * The suite that every engine has to pass, on the engine that stands in front of a real cluster: of one broker and of three;
 * as a caller without a connection of its own, and as the clients of one connection each.
 */
import t from 'tap'
import { ClusterEngine } from '../../storage/cluster/engine.ts'
import { createUpstreamSecurity } from '../../storage/cluster/security/security.ts'
import { neverAborted } from '../../protocol/rpc.ts'
import type { Engine } from '../engine/suite/kit.ts'
import { engineSuite } from '../engine/suite.ts'
import { startCluster } from './support/kafka-cluster.ts'

const plain = createUpstreamSecurity({ tls: null, sasl: null, credentials: null, insecure: false })

for (const nodes of [1, 3] as const) {
  const { bootstrap } = await startCluster(t, { nodes })
  const brokers = bootstrap.split(',').map(address => {
    const [host, port] = address.split(':')
    return { host: host!, port: Number(port) }
  })

  const open = async (): Promise<Engine> => {
    const engine = new ClusterEngine({ bootstrap: brokers, nodes: { own: 0, live: () => [0] }, passAdministration: false }, { security: plain })
    await engine.open()
    return {
      dispatch: engine.dispatch,
      supports: engine.supports,
      replicas: nodes,
      close: () => engine.close(),
      async reopen () {
        await engine.close()
        return await open()
      }
    }
  }
  engineSuite(t, { name: `cluster of ${nodes}, requests of their own`, open })
  engineSuite(t, {
    name: `cluster of ${nodes}, requests of connections`,
    async open () {
      const engine = await open()
      // As clients do: one request at a time on each, and the next one on the same.
      const idle: object[] = []
      return {
        ...engine,
        async dispatch (api, request, context) {
          const connection = context.signal === neverAborted ? idle.pop() ?? {} : {}
          try {
            return await engine.dispatch(api, request, { ...context, connection })
          } finally {
            if (context.signal === neverAborted) idle.push(connection)
          }
        }
      }
    }
  })
}
