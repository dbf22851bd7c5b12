/**
 * Barnabas as a process of its own, with everything on that has to do with secrets and at its most talkative, and ways to
 * speak to each of its doors that keep every byte of what was answered.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request, type RequestOptions } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import type { Test } from 'tap'
import { WebSocket, type ClientOptions } from 'ws'
import { createAuthority, type Leaf } from '../support/certificates.ts'
import { openJwksServer, type JwksServer } from '../support/jwks-server.ts'
import { Wire } from '../src/kafka/wire.ts'
import type { Place } from './canary.ts'

export interface Ask {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
  /** What is answered is for the eyes of who asked. */
  readonly unheard?: boolean
}

export interface TalkOptions {
  readonly protocols?: string[]
  readonly path?: string
}

export interface House {
  readonly leaf: Leaf
  readonly jwks: JwksServer
  /** What was answered, at every door. */
  readonly heard: readonly Place[]
  readonly ask: (path: string, options?: Ask) => Promise<{ readonly status: number, readonly body: string }>
  /** Bytes to the HTTP door, or to the Kafka door, and all that comes back until the end. */
  readonly sendRaw: (door: 'http' | 'kafka', bytes: string | Buffer, encrypted?: boolean) => Promise<void>
  readonly openKafka: () => Promise<Wire>
  /** Opens a WebSocket, says this much, and stays until it is closed, or until `until` is heard. */
  readonly talk: (name: string, options: TalkOptions, messages: readonly string[], until: RegExp) => Promise<void>
  readonly runCommand: (argv: readonly string[], admin: string, stdin: string) => Promise<void>
  readonly reload: () => void
  /** Stops it, and gives everything that it has written anywhere. */
  readonly end: () => Promise<Place[]>
}

const MAIN = join(import.meta.dirname, '../../bin/barnabas.js')

export async function openHouse (t: Test, admin: string, secrets: Readonly<Record<string, string>> = {}): Promise<House> {
  const folder = mkdtempSync(join(tmpdir(), 'barnabas-canaries-'))
  const [authority, jwks] = await Promise.all([createAuthority(), openJwksServer(t)])
  const leaf = await authority.server()
  const file = (name: string, text: string): string => {
    const path = join(folder, name)
    writeFileSync(path, text)
    return path
  }
  const env = { PATH: process.env['PATH'], HOME: folder }
  const output = { stdout: '', stderr: '' }
  const data = join(folder, 'data')
  const auditFile = join(folder, 'audit.ndjson')
  const child = spawn(process.execPath, [
    MAIN, '--data', data, '--kafka', 'SASL_SSL://127.0.0.1:0', '--http', 'https://127.0.0.1:0', '--log-level', 'trace', '--durability', 'os',
    '--tls-cert', file('cert.pem', leaf.cert), '--tls-key', file('key.pem', leaf.key), '--audit-file', auditFile, '--audit-topic', 'audit',
    '--oauth-jwks', jwks.url, '--oauth-issuer', jwks.issuer, '--oauth-audience', jwks.audience, '--oauth-ca', file('jwks-ca.pem', jwks.ca),
    '--shutdown-grace', '0'
  ], { env: { ...env, ...secrets, BARNABAS_ADMIN: admin }, stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = once(child, 'close')
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
    rmSync(folder, { recursive: true, force: true })
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => { output.stderr += text })
  await new Promise<void>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output.stdout += text
      if (output.stdout.includes('\nthen ')) resolve()
    })
    child.once('exit', code => reject(new Error(`ended with ${code}: ${output.stderr}`)))
  })
  const portOf = (door: string): number => Number(new RegExp(`^${door} .*:(\\d+)$`, 'm').exec(output.stdout)![1])
  const ports = { kafka: portOf('kafka'), http: portOf('http') }

  const heard: Place[] = []
  const hear = (name: string, bytes: string | Buffer): void => { heard.push({ name, bytes: Buffer.from(bytes as string) }) }
  // Each caller comes from an address of its own: failures are held back by address.
  let callers = 1
  const from = (): { host: string, localAddress: string, ca: string } => {
    callers++
    return { host: '127.0.0.1', localAddress: `127.1.${callers >> 8}.${callers & 255}`, ca: authority.cert }
  }

  return {
    leaf,
    jwks,
    heard,
    async ask (path, { method = 'GET', headers = {}, body, unheard = false } = {}) {
      const options: RequestOptions = { ...from(), port: ports.http, method, path, headers, agent: false }
      const sent = request(options).end(body)
      const [response] = await once(sent, 'response') as [import('node:http').IncomingMessage]
      const chunks: Buffer[] = []
      for await (const chunk of response) chunks.push(chunk as Buffer)
      const text = Buffer.concat(chunks)
      const name = `the answer to ${method} ${path.slice(0, 40)}`
      if (!unheard) hear(name, Buffer.concat([Buffer.from(response.rawHeaders.join('\n')), text]))
      return { status: response.statusCode!, body: text.toString() }
    },
    async sendRaw (door, bytes, encrypted = true) {
      const place = { ...from(), port: ports[door] }
      const socket = encrypted ? connect(place) : (await import('node:net')).connect(place)
      socket.on('error', () => {})
      const chunks: Buffer[] = []
      socket.on('data', (chunk: Buffer) => chunks.push(chunk))
      const closed = once(socket, 'close')
      socket.write(bytes)
      await closed
      hear(`the answer to bytes at the ${door} door`, Buffer.concat(chunks))
    },
    async openKafka () {
      const wire = await Wire.openTls({ ...from(), port: ports.kafka } as Parameters<typeof Wire.openTls>[0])
      t.teardown(() => wire.socket.destroy())
      wire.socket.on('data', (chunk: Buffer) => hear('an answer at the kafka door', chunk))
      return wire
    },
    async talk (name, { protocols = ['barnabas.v1+json'], path = '/ws' }, messages, until) {
      const options: ClientOptions = from()
      const socket = new WebSocket(`wss://127.0.0.1:${ports.http}${path}`, protocols, options)
      t.teardown(() => socket.terminate())
      socket.on('upgrade', response => hear(`the upgrade of ${name}`, response.rawHeaders.join('\n')))
      await new Promise<void>(resolve => {
        socket.on('error', () => resolve())
        socket.on('unexpected-response', (_request, response) => {
          hear(`the refusal of ${name}`, response.rawHeaders.join('\n'))
          response.on('data', (chunk: Buffer) => hear(`the refusal of ${name}`, chunk)).on('end', resolve)
        })
        socket.on('open', () => { for (const message of messages) socket.send(message) })
        socket.on('message', (message: Buffer) => {
          hear(`a message to ${name}`, message)
          // Whoever has something to say at the end says it now.
          if (until.test(message.toString())) socket.close()
        })
        socket.on('close', (_code, reason) => {
          hear(`the end of ${name}`, reason)
          resolve()
        })
      })
      socket.terminate()
    },
    async runCommand (argv, user, stdin) {
      const url = `https://127.0.0.1:${ports.http}`
      const command = spawn(process.execPath, [MAIN, ...argv, '--url', url, '--ca', file('ca.pem', authority.cert)],
        { env: { ...env, BARNABAS_CLI_USER: user }, stdio: 'pipe' })
      for (const stream of [command.stdout, command.stderr]) stream.on('data', (chunk: Buffer) => hear(`what ${argv.slice(0, 2).join(' ')} printed`, chunk))
      command.stdin.end(stdin)
      await once(command, 'close')
    },
    reload: () => { child.kill('SIGHUP') },
    async end () {
      const line = readFileSync(`/proc/${child.pid}/cmdline`)
      child.kill('SIGTERM')
      await ended
      const files = readdirSync(data, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
        .map(({ parentPath, name }) => join(parentPath, name))
      return [
        { name: 'the command line', bytes: line },
        { name: 'standard output', bytes: Buffer.from(output.stdout) },
        { name: 'standard error', bytes: Buffer.from(output.stderr) },
        { name: 'the audit file', bytes: readFileSync(auditFile) },
        ...files.map(path => ({ name: `the data folder: ${path.slice(data.length + 1)}`, bytes: readFileSync(path) })),
        ...heard
      ]
    }
  }
}
