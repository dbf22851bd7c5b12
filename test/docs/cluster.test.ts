/**
 * docs/cluster.md is run as it stands, in front of a real Kafka: files that it shows are written, gateways that it starts are
 * started and stopped where it says so, and each command is to print what the page says, where `…` is whatever it likes. Only
 * the ports are other ones.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { apis } from '../../protocol/apis.ts'
import { ApiVersions } from '../../protocol/messages/18-api-versions.ts'
import { oldestServed } from '../../src/policies/planned-versions.ts'
import { optionKeys, options } from '../../src/config/options.ts'
import { Connection } from '../engine/connection.ts'
import { issueCertificates } from '../interop/support/certificate-files.ts'
import { kafkaLibs } from '../interop/support/cache.ts'
import { formattedBroker, testProperties } from '../interop/support/kafka-broker.ts'
import { freePort, temporaryFolder } from '../interop/support/ports.ts'

const root = join(import.meta.dirname, '../..')
const page = readFileSync(join(root, 'docs/cluster.md'), 'utf8')
const main = join(root, 'bin/barnabas.js')

interface Block { readonly kind: 'run' | 'start' | 'stop' | 'file', readonly name: string, readonly text: string }
interface Step { readonly command: string, readonly expected: string }

const blocks: Block[] = Array.from(page.matchAll(/<!-- (?:(run|start|file) ?(\S*) -->\n```\w*\n([^]*?)```|stop (\S+) -->)/g),
  ([, kind = 'stop', name, text = '', stopped]) => ({ kind: kind as Block['kind'], name: name ?? stopped!, text }))

/** Ports in the page, and those that are free instead. */
const ports = new Map<string, number>()
for (const port of new Set(Array.from(page.matchAll(/(?:localhost|127\.0\.0\.1):(\d+)/g), ([, port]) => port!))) ports.set(port, await freePort())
const moved = (text: string): string => text.replace(/(?<=(?:localhost|127\.0\.0\.1):)\d+/g, port => String(ports.get(port)))
const at = (port: string): number => ports.get(port)!

function stepsOf (text: string): Step[] {
  const steps: Array<{ command: string, expected: string }> = []
  for (const line of text.split('\n').slice(0, -1)) {
    if (line.startsWith('$ ')) steps.push({ command: line.slice(2), expected: '' })
    else steps.at(-1)!.expected += `${line}\n`
  }
  return steps
}

const matches = (actual: string, expected: string): boolean =>
  new RegExp(`^${expected.trimEnd().split('…').map(part => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('[^]*?')}$`).test(actual.trimEnd())

/** A broker for everybody: without credentials for who administers it, with TLS and SCRAM for the others, and with ACLs. */
async function startKafka (t: Test, folder: string, certificate: { readonly both: string }): Promise<void> {
  const [open, secure] = [at('19092'), at('19093')]
  const broker = await formattedBroker(t, folder, {
    listeners: [`PLAINTEXT://127.0.0.1:${open}`, `SASL_SSL://127.0.0.1:${secure}`],
    properties: [
      'listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL',
      'inter.broker.listener.name=PLAINTEXT',
      'authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'super.users=User:ANONYMOUS',
      'sasl.enabled.mechanisms=SCRAM-SHA-512',
      'listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;',
      'ssl.keystore.type=PEM',
      `ssl.keystore.location=${certificate.both}`,
      ...testProperties()
    ],
    listens: [['127.0.0.1', open], ['127.0.0.1', secure]]
  })
  await broker.start()
}

/** What stands before the gateways: connections go to each of them in turn. */
async function startBalancer (t: Test, targets: readonly number[]): Promise<void> {
  let next = 0
  const server = createServer(socket => {
    const onward = connect(targets[next++ % targets.length]!, '127.0.0.1')
    socket.pipe(onward).pipe(socket)
    for (const [one, other] of [[socket, onward], [onward, socket]] as const) one.on('error', () => other.destroy()).on('close', () => other.destroy())
    t.teardown(() => socket.destroy())
  }).listen(at('9100'), '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
}

/** Kafka's tools by the names that people know, and Barnabas, which listens elsewhere than where it would by default. */
async function writeCommands (folder: string): Promise<void> {
  const script = (name: string, text: string): void => {
    writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`)
    chmodSync(join(folder, name), 0o755)
  }
  const java = `exec java -Xmx256m -XX:TieredStopAtLevel=1 -cp '${join(await kafkaLibs(), '*')}'`
  script('kafka-acls', `${java} org.apache.kafka.tools.AclCommand "$@"`)
  script('kafka-configs', `${java} kafka.admin.ConfigCommand "$@"`)
  script('barnabas', [
    'case "$*" in *--kafka*|*--config*|users*|acls*) ;;',
    `*) set -- "$@" --kafka 127.0.0.1:${at('9092')} --http 127.0.0.1:${at('8082')};; esac`,
    `exec "${process.execPath}" "${main}" "$@"`
  ].join('\n'))
}

interface Finished { readonly code: number | null, readonly stdout: string, readonly stderr: string }

/** Not at a stroke: the balancer works in the meantime. */
async function shell (script: string, cwd: string, env: NodeJS.ProcessEnv): Promise<Finished> {
  const child = spawn('bash', ['-c', script], { cwd, env, timeout: 60_000 })
  const said = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => { said.stdout += text })
  child.stderr.setEncoding('utf8').on('data', (text: string) => { said.stderr += text })
  const [code] = await once(child, 'close') as [number | null]
  return { code, ...said }
}

/** Resolves when the process says that it is there; rejects with what it said if it ends before. */
async function started (child: ChildProcess): Promise<string> {
  let said = ''
  let logged = ''
  child.stderr!.setEncoding('utf8').on('data', (text: string) => { logged += text })
  return await new Promise((resolve, reject) => {
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      said += text
      if (said.includes('\nthen ')) resolve(said)
    })
    child.once('exit', code => reject(new Error(`ended with ${code}: ${said}${logged}`)))
  })
}

async function stop (child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null) return child.exitCode
  const end = once(child, 'exit') as Promise<[number | null]>
  child.kill('SIGTERM')
  return (await end)[0]
}

t.test('the commands of the page do what it says', async t => {
  t.same(blocks.filter(({ kind }) => kind === 'start').map(({ name }) => name), blocks.filter(({ kind }) => kind === 'stop').map(({ name }) => name))
  t.ok(blocks.filter(({ kind }) => kind === 'run').length >= 7)
  const folder = temporaryFolder(t)
  const files = await issueCertificates(folder)
  // Who has signed what is no matter of the page.
  for (const [from, name] of [[files.ca, 'brokers-ca.pem'], [files.server.certificate, 'cert.pem'], [files.server.key, 'key.pem']] as const) {
    copyFileSync(from, join(folder, name))
  }
  await startKafka(t, temporaryFolder(t), files.server)
  await startBalancer(t, [at('9094'), at('9095')])
  await writeCommands(folder)
  const env: NodeJS.ProcessEnv = { PATH: `${folder}:${process.env['PATH']}`, HOME: folder }
  const gateways = new Map<string, ChildProcess>()

  for (const { kind, name, text } of blocks) {
    if (kind === 'file') {
      writeFileSync(join(folder, name), moved(text))
    } else if (kind === 'stop') {
      t.equal(await stop(gateways.get(name)!), 0, `${name} stops`)
    } else if (kind === 'start') {
      const [{ command, expected }] = stepsOf(moved(text)) as [Step]
      const child = spawn('bash', ['-c', `exec ${command}`], { cwd: folder, env })
      gateways.set(name, child)
      t.teardown(() => stop(child))
      const said = await started(child)
      t.ok(matches(said, `${expected.trimEnd()}…`), `${command}: ${said}`)
    } else {
      for (const { command, expected } of stepsOf(moved(text))) {
        const shown = command.slice(0, 100)
        // A shell each: what it exports is kept for the next.
        const script = `${command}\nstatus=$?; env -0 > env.out; exit $status`
        const { code, stdout, stderr } = await shell(script, folder, env)
        t.equal(code, 0, `${shown}: ${stdout}${stderr}`)
        if (expected !== '') t.ok(matches(stdout, expected), `${shown}: ${stdout}`)
        for (const pair of readFileSync(join(folder, 'env.out'), 'utf8').split('\0')) {
          const [, key, value] = /^(BARNABAS_\w+)=(.*)$/s.exec(pair) ?? []
          if (key !== undefined) env[key] = value
        }
      }
    }
  }

  // What --upstream-planned is measured by, and this is the newest release.
  const connection = await Connection.open(at('19092'), '127.0.0.1')
  const { apiKeys } = await connection.send(ApiVersions, 3, { clientSoftwareName: 'test', clientSoftwareVersion: '1' })
  connection.destroy()
  const oldest = oldestServed('4.3')
  for (const { apiKey, minVersion } of apiKeys) {
    const api = apis.find(({ key }) => key === apiKey)
    if (api !== undefined && api.name !== 'Produce') t.equal(minVersion, oldest.get(api.name) ?? 0, `${api.name} is served from v${minVersion}`)
  }
})

t.test('what it names is there', async t => {
  const flags = new Set(optionKeys.map(key => options[key].flag as string))
  const others = [
    'bootstrap-server', 'alter', 'entity-type', 'entity-name', 'add-config', 'add', 'allow-principal', 'resource-pattern-type', 'topic', 'operation',
    'profile', 'build', 'principal', 'url', 'ca', 'cacert', 'replication-factor'
  ]
  for (const [, flag] of page.matchAll(/--([a-z][a-z-]+)\b/g)) t.ok(flags.has(flag!) || others.includes(flag!), `--${flag}`)
  const operations = readFileSync(join(root, 'docs/operations.md'), 'utf8')
  for (const [metric] of page.matchAll(/\bbarnabas_[a-z_]+[a-z]\b/g)) {
    if (metric !== 'barnabas_gateways') t.ok(operations.includes(`\`${metric}`), metric)
  }
  for (const [, file] of page.matchAll(/\]\(([a-z-]+\.md)/g)) t.ok(readFileSync(join(root, 'docs', file!), 'utf8').length > 0, file!)
})
