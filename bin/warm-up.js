/**
 * Runs at install: compiles the whole program into the cache, and the contract into JSON, so that the first start is as
 * quick and as small as any. Without it a start works just the same.
 */
import './compile-cache.js'
const { keepDocument } = await import('../routes/contract.ts')
await keepDocument(new URL('../openapi.yaml', import.meta.url))
await Promise.all([
  import('../src/main.ts'), import('../src/serve.ts'), import('../src/logger.ts'), import('../src/app.ts'), import('../src/metrics/registry.ts')
])
