/**
 * Modules that are loaded when they are first needed. Languages of schemas and their libraries take some 30 MB and a tenth of
 * a second, and most processes need one of them or none. What asks for them cannot wait (`Format.parse`), so they are loaded
 * as CommonJS loads modules: at once.
 */
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
/** As the package is built, or as it stands. */
const EXTENSION = import.meta.filename.endsWith('.ts') ? '.ts' : '.js'

/** `path` is relative to this folder, without its extension. */
export function lazily<M> (path: string): () => M {
  let module: M | undefined
  return () => {
    module ??= require(path + EXTENSION) as M
    return module
  }
}
