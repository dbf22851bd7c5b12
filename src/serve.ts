/**
 * A process from its start to its end: start the app, say where it is, stop on a signal.
 *
 * Exit codes: 0 stopped as asked, 1 failed, 130 and 143 stopped at once by a second SIGINT or SIGTERM.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { flushCompileCache } from 'node:module'
import { inspect } from 'node:util'
import { banner } from './banner.ts'
import type { App } from './app.ts'
import { formatAddress } from './config/address.ts'
import type { Config } from './config.ts'
import { explain } from './failure.ts'
import type { Logger } from './logger.ts'
import { version } from './version.ts'

/** What a stop may take beyond its grace, to bring the log to the disk, before the process gives up. */
const LAST_RESORT_MS = 20_000

/** One Ctrl-C under `npm start` arrives twice: from the terminal, and handed on by npm. */
const SAME_SIGNAL_MS = 500

const PARENT_CHECK_MS = 250

const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const
type Signal = keyof typeof exitCodes

/** Never resolves while the process serves; ends the process itself. */
export async function serve (config: Config, logger: Logger, createApp: (config: Config, logger: Logger) => Promise<App>): Promise<void> {
  const signalled = config.underNpm ? Promise.race([onSignals(logger), onOrphaned()]) : onSignals(logger)
  onFaults(logger)

  let app: App | Signal
  try {
    app = await Promise.race([createApp(config, logger), signalled])
  } catch (error) {
    fail(error, config, logger)
  }
  if (typeof app === 'string') {
    // Nothing was accepted yet, and recovery can be cut off anywhere: it begins anew at the next start.
    logger.info({ signal: app }, 'stopped before it had started')
    process.exit(0)
  }
  const { kafka, http } = app
  const { data, durability, upstream } = config
  const log = upstream === null ? { data, durability } : { cluster: upstream.bootstrap.map(formatAddress), nodeId: upstream.nodeId }
  logger.info({ version, node: process.versions.node, pid: process.pid, kafka, http, ...log }, 'started')
  // Whoever read the banner may be gone when more is printed ("| head"): the log is still there to tell.
  process.stdout.on('error', error => logger.warn({ err: error }, 'standard output is closed'))
  process.stdout.write(banner(config, kafka, http, process.stdout.isTTY && config.color))
  // The next start finds everything compiled, even if this process is killed.
  setTimeout(flushCompileCache, 1000).unref()

  // Where there is nothing to look at anew, it means what it always does: the terminal has gone.
  if (config.tls !== null || config.auditFile !== null) process.on('SIGHUP', () => app.reload())

  const reason = await Promise.race([signalled, app.failed])
  if (reason instanceof Error) logger.fatal({ err: reason }, 'failed: stopping')
  else logger.info({ signal: reason }, 'stopping')
  try {
    await stopInTime(app, config.shutdownGraceMs + LAST_RESORT_MS)
  } catch (error) {
    logger.fatal({ err: error }, 'the stop failed')
    process.exit(1)
  }
  logger.info('stopped')
  process.exit(reason instanceof Error ? 1 : 0)
}

/** The first signal resolves; a second one ends the process where it stands, as a crash would. */
function onSignals (logger: Logger): Promise<Signal> {
  return new Promise(resolve => {
    let askedAtMs: number | null = null
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        if (askedAtMs === null) {
          askedAtMs = performance.now()
          resolve(signal)
        } else if (performance.now() - askedAtMs > SAME_SIGNAL_MS) {
          logger.warn({ signal }, 'stopped at once')
          process.exit(exitCodes[signal])
        }
      })
    }
  })
}

/**
 * A SIGTERM to npm ends npm and the shell that it runs scripts in, and tells this process nothing: it would go on with
 * the ports and the data folder. A parent that changes is the one sign there is.
 */
function onOrphaned (): Promise<Signal> {
  const parent = process.ppid
  return new Promise(resolve => {
    const timer = setInterval(() => {
      if (process.ppid === parent) return
      clearInterval(timer)
      resolve('SIGTERM')
    }, PARENT_CHECK_MS)
    timer.unref()
  })
}

/** A state that nobody foresaw must not go on writing: recovery at the next start is what is known to be right. */
function onFaults (logger: Logger): void {
  process.on('uncaughtException', (error, origin) => {
    logger.fatal({ err: error, origin }, 'a fault in the program: exiting')
    process.exit(1)
  })
}

async function stopInTime (app: App, limitMs: number): Promise<void> {
  const late = new AbortController()
  await Promise.race([
    app.stop(),
    sleep(limitMs, undefined, { signal: late.signal }).then(() => { throw new Error(`The stop took longer than ${limitMs} ms.`) })
  ])
  late.abort()
}

function fail (error: unknown, config: Config, logger: Logger): never {
  const sentence = explain(error, config)
  process.stderr.write(`barnabas: ${sentence ?? `a fault in the program: ${inspect(error)}`}\n`)
  logger.debug({ err: error }, 'could not start')
  process.exit(1)
}
