/**
 * In which set-ups the clients are run, and which files speak of what is behind the doors at all.
 */

export interface Setup {
  readonly name: string
  /** What test/interop/support/against.ts reads. */
  readonly environment: Readonly<Record<string, string>>
  readonly nodes: number
}

export const ownSetup: Setup = { name: 'own log', environment: {}, nodes: 0 }

const NODES = new Map([['1', 'upstream'], ['3', 'upstream3']])
const VERSIONS = ['4.3.1', '3.9.1', '2.8.2']

/** Throws an Error where there is no such set-up. */
export function setups (nodes: readonly string[], versions: readonly string[]): Setup[] {
  return versions.flatMap(version => nodes.map(count => {
    const against = NODES.get(count)
    if (against === undefined) throw new Error(`--nodes ${count}: expected ${[...NODES.keys()].join(' or ')}`)
    if (!VERSIONS.includes(version)) throw new Error(`--kafka ${version}: expected ${VERSIONS.join(', ')}`)
    return {
      name: `${version} x${count}`, environment: { INTEROP_AGAINST: against, INTEROP_KAFKA: version }, nodes: Number(count)
    }
  }))
}

/** The same whatever the log is: they test our code against Kafka's, or the log of our own. */
const WITHOUT_LOG: readonly RegExp[] = [
  /^test\/crash\//,
  /^test\/docs\/security\.test\.ts$/,
  /^test\/interop\/(authorize|avro|check-protocol|engine-suite|java-records)\.test\.ts$/
]

/** They start a cluster by themselves. */
const WITH_CLUSTER = /^test\/interop\/upstream-/

export function suiteFiles (files: readonly string[], { nodes }: Setup): string[] {
  if (nodes === 0) return [...files]
  // Those that start a cluster choose how large it is, and want to be run once for each version.
  return files.filter(file => !WITHOUT_LOG.some(pattern => pattern.test(file)) && (nodes > 1 || !WITH_CLUSTER.test(file)))
}
