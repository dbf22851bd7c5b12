/**
 * Turns the compile cache on, for everything that is imported afterwards. Plain JavaScript, like all of this folder: the
 * first TypeScript file that is not in the cache loads Node's type stripper, which takes 100 ms and 30 MB.
 *
 * The cache lies beside the program, never in a folder that others may write to.
 */
import { enableCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'

enableCompileCache(fileURLToPath(new URL('../.cache/compile', import.meta.url)))
