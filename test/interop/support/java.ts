/**
 * Kafka's own programs, as main classes from its released jars.
 */
import { delimiter, join } from 'node:path'
import type { Test } from 'tap'
import { KAFKA_VERSION, kafkaAppLibs, kafkaLibs, type KafkaVersion } from './cache.ts'
import { Background, run, succeed, type Finished, type RunOptions } from './run.ts'

/** Small heaps, and a compiler that gives up early: these processes live for seconds, many on one machine. */
const JVM = ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-Dfile.encoding=UTF-8']

async function argumentsOf (mainClass: string, args: readonly string[]): Promise<string[]> {
  return [...JVM, '-cp', join(await kafkaLibs(), '*'), mainClass, ...args]
}

/** `org.apache.kafka.tools.TopicCommand` by its short name. */
const tool = (name: string): string => `org.apache.kafka.tools.${name}`

/** Runs one of Kafka's tools, which must succeed, and gives its standard output. */
export async function kafkaTool (name: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  return succeed('java', await argumentsOf(tool(name), args), options)
}

/** Runs one of Kafka's tools to whatever end. */
export async function tryKafkaTool (name: string, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  return run('java', await argumentsOf(tool(name), args), options)
}

/** Starts one of Kafka's tools in the background. */
export async function startKafkaTool (t: Test, name: string, args: readonly string[]): Promise<Background> {
  return new Background(t, 'java', await argumentsOf(tool(name), args))
}

/** Runs a Java source file of ours against Kafka's classes. */
export async function javaProgram (file: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  return succeed('java', await argumentsOf(file, args), options)
}

/** Runs a Java source file of ours against the Kafka client and the classes in a folder. */
export async function javaProgramWith (libs: string, file: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const client = join(await kafkaLibs(), `kafka-clients-${KAFKA_VERSION}.jar`)
  return succeed('java', [...JVM, '-cp', [client, join(libs, '*')].join(delimiter), file, ...args], options)
}

/** Starts a program of Kafka Streams or Kafka Connect in the background: a class, or a source file of ours. */
export async function startKafkaApp (t: Test, main: string, args: readonly string[]): Promise<Background> {
  const libs = [await kafkaLibs(), await kafkaAppLibs()].map(folder => join(folder, '*')).join(delimiter)
  return new Background(t, 'java', [...JVM, '-cp', libs, main, ...args])
}

/** The arguments with which `java` runs a source file of ours against Kafka's classes, beside other options of its own. */
export async function javaCommand (file: string, ...options: readonly string[]): Promise<string[]> {
  return [...options, ...await argumentsOf(file, [])]
}

/** The command that runs a class of a server of that version. */
export async function serverCommand (version: KafkaVersion, mainClass: string, args: readonly string[], options: readonly string[]): Promise<string[]> {
  return ['-Xmx512m', ...options, '-cp', join(await kafkaLibs(version), '*'), mainClass, ...args]
}
