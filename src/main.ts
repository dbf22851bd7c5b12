#!/usr/bin/env node
/**
 * argv -> config -> app.
 *
 * Everything is imported after the compile cache is on, and what is heavy once the command is known: `--help` answers at
 * once, and a second start reads compiled code. The cache lies beside the program, never in a folder that others may
 * write to.
 */
import { enableCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { Config } from './config.ts'

enableCompileCache(fileURLToPath(new URL('../.cache/compile', import.meta.url)))

const { commandOf, loadConfig, UsageError } = await import('./config.ts')
const argv = process.argv.slice(2)

switch (commandOf(argv)) {
  case 'help': {
    const { helpText } = await import('./config/help.ts')
    process.stdout.write(helpText(process.stdout.columns ?? 80))
    break
  }
  case 'version': {
    const { version } = await import('./version.ts')
    process.stdout.write(`${version}\n`)
    break
  }
  case 'serve': {
    const config = configOrUsage()
    if (config === null) break
    const [{ serve }, { createLogger }, { createApp }] = await Promise.all([import('./serve.ts'), import('./logger.ts'), import('./app.ts')])
    await serve(config, await createLogger(config), createApp)
  }
}

function configOrUsage (): Config | null {
  try {
    return loadConfig(argv, process.env)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    for (const problem of error.problems) process.stderr.write(`barnabas: ${problem}\n`)
    process.stderr.write('"barnabas --help" lists what can be given.\n')
    process.exitCode = 2
    return null
  }
}
