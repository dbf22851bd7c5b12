/**
 * What the interop tests fetch from public registries, kept in `.cache/` between runs: the jars of Kafka and its tools from
 * Maven Central, Python packages from PyPI.
 */
import { access, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { succeed } from './run.ts'

const CACHE = new URL('../../../.cache/interop/', import.meta.url).pathname

/** The tools are pinned: a change in one of them is not ours to find out about in passing. */
export const KAFKA_VERSION = '4.3.1'
const LOG4J_VERSION = '2.24.3'
const KAFKA_PYTHON_VERSION = '3.0.12'

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

/** The folder with the jars of Kafka's broker, clients and tools. */
export async function kafkaLibs (): Promise<string> {
  return join(await cached(`kafka-${KAFKA_VERSION}`, async folder => {
    await writeFile(join(folder, 'pom.xml'), pom([
      ['org.apache.kafka', 'kafka_2.13', KAFKA_VERSION],
      ['org.apache.kafka', 'kafka-tools', KAFKA_VERSION],
      ['org.apache.logging.log4j', 'log4j-core', LOG4J_VERSION],
      ['org.apache.logging.log4j', 'log4j-slf4j-impl', LOG4J_VERSION]
    ]))
    await succeed('mvn', ['-q', '-B', 'dependency:copy-dependencies', '-DoutputDirectory=libs'], { cwd: folder, timeoutMs: FETCH_TIMEOUT_MS })
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
  return join(await cached(`python-${KAFKA_PYTHON_VERSION}`, async folder => {
    await succeed('python3', ['-m', 'venv', folder], { timeoutMs: FETCH_TIMEOUT_MS })
    await succeed(join(folder, 'bin/pip'), ['install', '--quiet', `kafka-python==${KAFKA_PYTHON_VERSION}`, 'lz4', 'zstandard', 'python-snappy'],
      { timeoutMs: FETCH_TIMEOUT_MS })
  }), 'bin/python')
}
