/**
 * What the interop tests fetch from public registries, kept in `.cache/` between runs: the jars of Kafka and its tools from
 * Maven Central, Python packages from PyPI, Go and its modules from Go's own proxy, crates from crates.io.
 */
import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { access, copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { arch } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { run, succeed } from './run.ts'

const CACHE = new URL('../../../.cache/interop/', import.meta.url).pathname

/** The tools are pinned: a change in one of them is not ours to find out about in passing. */
export const KAFKA_VERSION = '4.3.1'
/** Brokers that are still about, and what the newest clients say to them. */
export type KafkaVersion = typeof KAFKA_VERSION | '3.9.1' | '2.8.2'
/** They log through the first log4j. */
const RELOAD4J_VERSION = '1.2.25'
const SLF4J_RELOAD4J_VERSION = '1.7.36'
const LOG4J_VERSION = '2.24.3'
const AVRO_VERSION = '1.12.1'
const KAFKA_PYTHON_VERSION = '3.0.12'
const CONFLUENT_KAFKA_VERSION = '2.16.1'
const CONFLUENT_REGISTRY_VERSION = '2.16.0'
const APICURIO_VERSION = '3.1.7'
const PINOT_VERSION = '1.5.0'
const NODE_REGISTRY_CLIENTS = { '@confluentinc/schemaregistry': '1.10.1', '@kafkajs/confluent-schema-registry': '4.1.0' }
/** What `go/go.mod` asks for. */
const GO_VERSION = '1.26.6'

const FETCH_TIMEOUT_MS = 600_000

const exists = (path: string): Promise<boolean> => access(path).then(() => true, () => false)

/** A folder that `fill` has filled, now or in an earlier run. One that it left half-filled is filled anew. */
async function cached (name: string, fill: (folder: string) => Promise<unknown>): Promise<string> {
  const folder = join(CACHE, name)
  const done = join(folder, '.complete')
  if (await exists(done)) return folder
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  await fill(folder)
  await writeFile(done, '')
  return folder
}

/** The folder with the jars of Kafka's broker, clients and tools; of an older version, of the broker and its ZooKeeper alone. */
export async function kafkaLibs (version: KafkaVersion = KAFKA_VERSION): Promise<string> {
  return join(await cached(`kafka-${version}`, async folder => {
    await writeFile(join(folder, 'pom.xml'), pom([
      ['org.apache.kafka', 'kafka_2.13', version],
      ...version === KAFKA_VERSION
        ? [
            ['org.apache.kafka', 'kafka-tools', version],
            ['org.apache.logging.log4j', 'log4j-core', LOG4J_VERSION],
            ['org.apache.logging.log4j', 'log4j-slf4j-impl', LOG4J_VERSION]
          ] as const
        : [
            ['ch.qos.reload4j', 'reload4j', RELOAD4J_VERSION],
            ['org.slf4j', 'slf4j-reload4j', SLF4J_RELOAD4J_VERSION]
          ] as const
    ]))
    await succeed('mvn', ['-q', '-B', 'dependency:copy-dependencies', '-DoutputDirectory=libs'], { cwd: folder, timeoutMs: FETCH_TIMEOUT_MS })
  }), 'libs')
}

/** The folder with the jars of Kafka Streams and Kafka Connect, beside those of kafkaLibs, which they need. */
export async function kafkaAppLibs (): Promise<string> {
  return join(await cached(`kafka-apps-${KAFKA_VERSION}`, async folder => {
    await writeFile(join(folder, 'pom.xml'), pom(['kafka-streams', 'connect-runtime', 'connect-file'].map(name => ['org.apache.kafka', name, KAFKA_VERSION])))
    await succeed('mvn', ['-q', '-B', 'dependency:copy-dependencies', '-DoutputDirectory=libs'], { cwd: folder, timeoutMs: FETCH_TIMEOUT_MS })
  }), 'libs')
}

/** The folder with the jars of Apache Avro and what it needs. */
export async function avroLibs (): Promise<string> {
  return join(await cached(`avro-${AVRO_VERSION}`, async folder => {
    await writeFile(join(folder, 'pom.xml'), pom([['org.apache.avro', 'avro', AVRO_VERSION]]))
    await succeed('mvn', ['-q', '-B', 'dependency:copy-dependencies', '-DoutputDirectory=libs'], { cwd: folder, timeoutMs: FETCH_TIMEOUT_MS })
  }), 'libs')
}

/**
 * The folder with the jars of Apicurio's serdes, and of Confluent's registry client with its serdes for Avro. Confluent's are not
 * on Maven Central by themselves; Apache Pinot has its release 7.9.5 in a jar of its own there, under their own names.
 */
export async function registryLibs (): Promise<string> {
  return join(await cached(`registry-java-${APICURIO_VERSION}-${PINOT_VERSION}`, async folder => {
    await writeFile(join(folder, 'pom.xml'), pom(['avro', 'jsonschema', 'protobuf'].map(format =>
      ['io.apicurio', `apicurio-registry-${format}-serde-kafka`, APICURIO_VERSION])))
    // The Kafka client is the one of kafkaLibs.
    await succeed('mvn', ['-q', '-B', 'dependency:copy-dependencies', '-DoutputDirectory=libs', '-DexcludeArtifactIds=kafka-clients'],
      { cwd: folder, timeoutMs: FETCH_TIMEOUT_MS })
    await succeed('mvn', ['-q', '-B', 'dependency:copy', `-Dartifact=org.apache.pinot:pinot-confluent-avro:${PINOT_VERSION}:jar:shaded`,
      '-DoutputDirectory=libs'], { cwd: folder, timeoutMs: FETCH_TIMEOUT_MS })
  }), 'libs')
}

function pom (dependencies: readonly (readonly [group: string, artifact: string, version: string])[]): string {
  const rows = dependencies.map(([group, artifact, version]) =>
    `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`)
  return `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>barnabas</groupId><artifactId>interop</artifactId><version>1</version>
<dependencies>
${rows.join('\n')}
</dependencies></project>
`
}

/** The newest released jar of an artifact of Kafka, by Maven's metadata; asked for at every call. Gives the folder it lies in. */
export async function newestKafkaJar (artifact: string): Promise<string> {
  const folder = join(CACHE, `newest-${artifact}`)
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  await succeed('mvn', ['-q', '-B', '-U', 'dependency:copy', `-Dartifact=org.apache.kafka:${artifact}:RELEASE`, '-Dmdep.useBaseVersion=true',
    `-DoutputDirectory=${folder}`], { cwd: folder, timeoutMs: FETCH_TIMEOUT_MS })
  return folder
}

/** A Python interpreter that has kafka-python. */
export async function python (): Promise<string> {
  return pythonWith(`python-${KAFKA_PYTHON_VERSION}`, `kafka-python==${KAFKA_PYTHON_VERSION}`, 'lz4', 'zstandard', 'python-snappy')
}

/** A Python interpreter that has confluent-kafka, which brings a librdkafka of its own. */
export async function confluentPython (): Promise<string> {
  return pythonWith(`confluent-kafka-${CONFLUENT_KAFKA_VERSION}`, `confluent-kafka==${CONFLUENT_KAFKA_VERSION}`)
}

/** The same with its schema registry client and serdes. The next version asks for a newer certifi than there may be. */
export async function registryPython (): Promise<string> {
  return pythonWith(`confluent-kafka-registry-${CONFLUENT_REGISTRY_VERSION}`,
    `confluent-kafka[avro,json,protobuf,schemaregistry]==${CONFLUENT_REGISTRY_VERSION}`)
}

async function pythonWith (name: string, ...packages: readonly string[]): Promise<string> {
  return join(await cached(name, async folder => {
    await succeed('python3', ['-m', 'venv', folder], { timeoutMs: FETCH_TIMEOUT_MS })
    await succeed(join(folder, 'bin/pip'), ['install', '--quiet', ...packages], { timeoutMs: FETCH_TIMEOUT_MS })
  }), 'bin/python')
}

/**
 * The folder of a package that has the schema registry clients from npm. They are no development dependencies: with the clients of
 * three clouds that one of them brings they weigh 170 MB.
 */
export async function nodeRegistryClients (): Promise<string> {
  return cached(`node-registry-${Object.values(NODE_REGISTRY_CLIENTS).join('-')}`, async folder => {
    await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies: NODE_REGISTRY_CLIENTS }))
    await succeed('npm', ['install', '--silent', '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: folder, timeoutMs: FETCH_TIMEOUT_MS })
  })
}

/** franz-go in a program of ours, built from `go/`, whose `go.mod` pins it. */
export async function goProgram (): Promise<string> {
  return goBuild('go')
}

/** Registry clients of Go, franz-go's and Confluent's, built from `go-registry/`. The latter contains a librdkafka, so that a C compiler is needed. */
export async function goRegistryProgram (): Promise<string> {
  return goBuild('go-registry')
}

async function goBuild (name: string): Promise<string> {
  const source = new URL(`${name}/`, import.meta.url).pathname
  return join(await cached(`${name}-${await digestOf(source)}`, async folder => {
    await succeed(await goCommand(), ['build', '-o', join(folder, 'client'), '.'], { cwd: source, timeoutMs: FETCH_TIMEOUT_MS })
  }), 'client')
}

/** schema_registry_converter in a program of ours, built from `rust/`, whose `Cargo.lock` pins it. Rust 1.88 or later is needed. */
export async function rustProgram (): Promise<string> {
  const source = new URL('rust/', import.meta.url).pathname
  return join(await cached(`rust-${await digestOf(source)}`, async folder => {
    // Outlives the folder: crates take minutes, and cargo lets one build at a time into it.
    const target = join(CACHE, 'rust-target')
    await succeed('cargo', ['build', '--quiet', '--locked', '--target-dir', target], { cwd: source, timeoutMs: 2 * FETCH_TIMEOUT_MS })
    await copyFile(join(target, 'debug/interop'), join(folder, 'client'))
  }), 'client')
}

/** Of the names and contents of all files. */
async function digestOf (source: string): Promise<string> {
  const digest = createHash('sha256')
  for (const name of (await readdir(source)).sort()) digest.update(name).update(await readFile(join(source, name)))
  return digest.digest('hex').slice(0, 16)
}

/** The first one that the environment names, as Go itself reads it. */
const goProxy = (): string => /^https?:[^,|]+/.exec(process.env['GOPROXY'] ?? '')?.[0].replace(/\/$/, '') ?? 'https://proxy.golang.org'

/** The Go that is installed if it is new enough; otherwise the pinned one, from where Go itself fetches newer toolchains. */
async function goCommand (): Promise<string> {
  const installed = await run('go', ['version'], { cwd: CACHE }).catch(() => null)
  const [, minor] = /go1\.(\d+)/.exec(installed?.stdout ?? '') ?? []
  if (Number(minor ?? 0) >= Number(GO_VERSION.split('.')[1])) return 'go'
  return join(await cached(`go-${GO_VERSION}`, async folder => {
    const archive = join(folder, 'go.zip')
    const name = `v0.0.1-go${GO_VERSION}.linux-${arch() === 'arm64' ? 'arm64' : 'amd64'}`
    const response = await fetch(`${goProxy()}/golang.org/toolchain/@v/${name}.zip`)
    if (!response.ok) throw new Error(`Go ${GO_VERSION}: ${response.url} answers ${response.status}`)
    await pipeline(Readable.fromWeb(response.body as never), createWriteStream(archive))
    await succeed('python3', ['-m', 'zipfile', '-e', archive, folder], { timeoutMs: FETCH_TIMEOUT_MS })
    await rm(archive)
    await rename(join(folder, `golang.org/toolchain@${name}`), join(folder, 'go'))
    // Python's unzip does not keep what may be run.
    await succeed('chmod', ['-R', '+x', join(folder, 'go/bin'), join(folder, 'go/pkg/tool')])
  }), 'go/bin/go')
}
