/**
 * The suite on the embedded engine, in both kinds of durability.
 */
import t from 'tap'
import { EmbeddedEngine } from '../../storage/embedded/engine.ts'
import type { Engine } from './suite/kit.ts'
import { engineSuite } from './suite.ts'
import { ignored, testOptions } from '../storage/embedded/support.ts'

for (const durability of ['fsync', 'os'] as const) {
  const open = async (dataDirectory: string): Promise<Engine> => {
    const engine = new EmbeddedEngine(testOptions(dataDirectory, { durability }), { observer: ignored })
    await engine.open()
    return {
      dispatch: engine.dispatch,
      supports: engine.supports,
      close: () => engine.close(),
      async reopen () {
        await engine.close()
        return await open(dataDirectory)
      }
    }
  }
  engineSuite(t, { name: `embedded, durability ${durability}`, open })
}
