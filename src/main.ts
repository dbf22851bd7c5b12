/**
 * argv -> config -> app. What is heavy is imported once the command is known: `--help` answers at once.
 */
import { commandOf, loadConfig, UsageError, type Config } from './config.ts'

/** Runs one command to its end. `argv` is without the interpreter and the script. */
export async function main (argv: readonly string[]): Promise<void> {
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
    case 'manage': {
      const { run } = await import('./cli/run.ts')
      process.exitCode = await run(argv)
      break
    }
    case 'serve': {
      const config = configOrUsage(argv)
      if (config === null) break
      const [{ serve }, { createLogger }, { createApp }] = await Promise.all([import('./serve.ts'), import('./logger.ts'), import('./app.ts')])
      await serve(config, await createLogger(config), createApp)
    }
  }
}

function configOrUsage (argv: readonly string[]): Config | null {
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
