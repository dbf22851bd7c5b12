/**
 * The suite on the engine in front of a cluster, with our own native door over an embedded log as the one broker behind it: as
 * callers without a connection, and as clients of one connection each. `test/interop/upstream-engine.test.ts` has real brokers.
 */
import t from 'tap'
import { compose, neverAborted } from '../../protocol/rpc.ts'
import { FetchSessionCache } from '../../src/policies/fetch-session-cache.ts'
import { fetchSessions } from '../../src/policies/fetch-sessions.ts'
import { ClusterEngine } from '../../storage/cluster/engine.ts'
import { createUpstreamSecurity } from '../../storage/cluster/security/security.ts'
import { EmbeddedEngine } from '../../storage/embedded/engine.ts'
import { openDoor } from '../src/kafka/wire.ts'
import { ignored, testOptions } from '../storage/embedded/support.ts'
import type { Engine } from './suite/kit.ts'
import { engineSuite } from './suite.ts'

const security = createUpstreamSecurity({ tls: null, sasl: null, credentials: null, insecure: false })

const open = async (dataDirectory: string): Promise<Engine> => {
  const broker = new EmbeddedEngine(testOptions(dataDirectory), { observer: ignored })
  await broker.open()
  const door = await openDoor(t, { dispatch: compose(broker.dispatch, fetchSessions(new FetchSessionCache())), supports: broker.supports })
  const bootstrap = [{ host: '127.0.0.1', port: door.port }]
  const engine = new ClusterEngine({ bootstrap, nodes: { own: 7, live: () => [7] }, passAdministration: false }, { security })
  await engine.open()
  const close = async (): Promise<void> => {
    await engine.close()
    await door.listener.close(0)
    await broker.close()
  }
  return {
    dispatch: engine.dispatch,
    supports: engine.supports,
    close,
    async reopen () {
      await close()
      return await open(dataDirectory)
    }
  }
}

engineSuite(t, { name: 'cluster of our own, requests of their own', open })
engineSuite(t, {
  name: 'cluster of our own, requests of connections',
  async open (dataDirectory) {
    const engine = await open(dataDirectory)
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
