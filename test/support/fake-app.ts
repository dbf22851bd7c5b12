/**
 * A process that serves an app without a log, for the tests of starting and stopping: two doors that only listen, and
 * whatever the first argument asks for.
 */
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { App } from '../../src/app.ts'
import type { Address } from '../../src/config/address.ts'
import { loadConfig, type Config } from '../../src/config.ts'
import { createLogger } from '../../src/logger.ts'
import { serve } from '../../src/serve.ts'

const [mode, ...argv] = process.argv.slice(2)

async function listen ({ host, port }: Address): Promise<Server> {
  const server = createServer().listen(port, host)
  await once(server, 'listening')
  return server
}

const addressOf = (server: Server): Address => {
  const { address, port } = server.address() as AddressInfo
  return { host: address, port }
}

async function createApp (config: Config): Promise<App> {
  const fault: { readonly nothing?: { readonly here: string } } = {}
  if (mode === 'refuse') throw new Error('The log in this folder was written by a newer version. Start that version')
  if (mode === 'fault') return { stop: fault.nothing!.here } as unknown as App
  if (mode === 'system-error') throw Object.assign(new Error('no'), { code: argv[0], syscall: 'mkdir', path: config.data })
  if (mode === 'stuck-start') {
    process.stderr.write('starting\n')
    await sleep(60_000)
  }
  const [kafka, http] = [await listen(config.kafka[0]!), await listen(config.http)]
  if (mode === 'uncaught') setTimeout(() => { throw new Error('uncaught by anyone') }, 10)
  if (mode === 'unhandled') setTimeout(() => { Promise.reject(new Error('unhandled by anyone')).then(() => {}) }, 10)
  return {
    kafka: [addressOf(kafka)],
    http: addressOf(http),
    reload: () => {},
    failed: mode === 'fails' ? sleep(10).then(() => new Error('the disk is gone')) : new Promise(() => {}),
    stop: async () => {
      kafka.close()
      http.close()
      if (mode === 'stuck-stop') await sleep(60_000)
      if (mode === 'bad-stop') throw new Error('the last write failed')
    }
  }
}

// Of a system error the code is given first.
const config = loadConfig(mode === 'system-error' ? argv.slice(1) : argv, process.env)
await serve(config, await createLogger(config), createApp)
