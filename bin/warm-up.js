/**
 * Runs at install: compiles the whole program into the cache, so that the first start is as quick and as small as any.
 */
import './compile-cache.js'
await Promise.all([
  import('../src/main.ts'), import('../src/serve.ts'), import('../src/logger.ts'), import('../src/app.ts'), import('../src/metrics/registry.ts')
])
