/**
 * compose.yaml, as far as it can be told without Docker: Barnabas takes the options of every service, with what the image sets;
 * gateways are told apart, and found where they say.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { loadConfig, type Config } from '../src/config.ts'

const root = join(import.meta.dirname, '..')

interface Service {
  readonly build?: string
  readonly command?: readonly string[]
  readonly profiles?: readonly string[]
  readonly ports?: readonly string[]
  readonly volumes?: readonly string[]
  readonly environment?: Readonly<Record<string, string | number>>
  readonly healthcheck?: { readonly test: readonly string[] }
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
}

const { services, volumes } = parse(readFileSync(join(root, 'compose.yaml'), 'utf8'), { merge: true }) as {
  readonly services: Readonly<Record<string, Service>>
  readonly volumes: Readonly<Record<string, unknown>>
}

/** What the image sets: the values of its ENV. */
const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8')
const image = Object.fromEntries(Array.from(dockerfile.matchAll(/\b(BARNABAS_\w+)=(\S+)/g), ([, name, value]) => [name!, value!]))

function configOf ({ command = [], environment = {} }: Service): Config {
  // As Compose fills a variable in that is not set: with what stands behind `:-`.
  const given = Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, String(value).replace(/^\$\{\w+:-(.*)\}$/, '$1')]))
  return loadConfig(command, { ...image, ...given })
}

const ours = Object.entries(services).filter(([, { build }]) => build !== undefined)

t.test('Barnabas starts with these options', async t => {
  t.strictSame(ours.map(([name]) => name), ['barnabas', 'gateway-1', 'gateway-2'])
  t.match(image, { BARNABAS_KAFKA: '0.0.0.0:9092', BARNABAS_HTTP: '0.0.0.0:8082' })
  for (const [name, service] of ours) {
    const { kafka, http, upstream } = configOf(service)
    const outside = new Map(service.ports!.map(port => { const [host, out, into] = port.split(':'); return [Number(into), { host, port: Number(out) }] }))
    t.equal(outside.size, 2, name)
    for (const { host } of outside.values()) t.equal(host, '127.0.0.1', `${name}: on this machine only`)
    t.ok(outside.has(http.port), name)
    t.same(kafka.map(({ advertised }) => advertised), [{ host: 'localhost', port: outside.get(kafka[0]!.port)!.port }], `${name} is where clients are told`)
    t.equal(upstream !== null, name.startsWith('gateway'))
  }
})

t.test('two gateways in front of one broker', async t => {
  const gateways = ours.filter(([name]) => name.startsWith('gateway')).map(([, service]) => service)
  t.same(gateways.map(service => configOf(service).upstream?.nodeId), [1, 2])
  t.equal(new Set(gateways.flatMap(({ ports }) => ports)).size, 4, 'their ports are different ones')
  const { kafka } = services as { readonly kafka: Service }
  for (const service of gateways) {
    t.same(configOf(service).upstream?.bootstrap, [{ host: 'kafka', port: 9092 }])
    t.same(service.depends_on, { kafka: { condition: 'service_healthy' } })
    t.match(service.healthcheck!.test.join(' '), '/readyz')
    t.same(service.profiles, ['cluster'])
  }
  t.same(kafka.profiles, ['cluster'])
  t.match(kafka.environment, { KAFKA_ADVERTISED_LISTENERS: 'PLAINTEXT://kafka:9092' })
  t.equal(kafka.ports, undefined, 'nobody but the gateways reaches it')
})

t.test('volumes are declared', async t => {
  const used = Object.values(services).flatMap(({ volumes = [] }) => volumes.map(volume => volume.split(':')[0]!))
  t.strictSame(used.sort(), Object.keys(volumes).sort())
})
