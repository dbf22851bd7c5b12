/**
 * Compares our message definitions with Kafka's, field by field, in every version that ours cover.
 */
import { apis } from '../../protocol/apis.ts'
import { requestHeader } from '../../protocol/frame.ts'
import { ConsumerProtocolAssignment, ConsumerProtocolSubscription } from '../../protocol/messages/consumer-protocol.ts'
import { GroupMetadataKey, GroupMetadataValue, OffsetCommitKey, OffsetCommitValue } from '../../protocol/messages/group-log.ts'
import type { Api, Fields, Payload } from '../../protocol/schema.ts'
import { ourLines, type Line, type Range } from './lines.ts'
import { isWithin, officialLines, parseVersions, type Definition, type Definitions } from './official.ts'

/** Something of ours that Kafka defines as well. */
interface Message {
  /** How it is called in what we print: `Fetch v12 request`. */
  readonly title: (version: number) => string
  readonly versions: Range
  readonly flexible: number
  readonly fields: Fields
  /** Kafka's name for it in a version, and the version that Kafka's definition calls by that number. */
  readonly official: (version: number) => { readonly name: string, readonly version: number }
  /** Lengths in it are never compact, whatever its version. */
  readonly neverCompact?: boolean
}

export interface Comparison {
  /** One readable line for each difference. */
  readonly differences: readonly string[]
  /** What Kafka has beyond ours: `Fetch 18`. */
  readonly behind: readonly string[]
  /** How many versions of how many messages were compared. */
  readonly versions: number
  readonly messages: number
}

export const payloads: readonly Payload[] = [
  ConsumerProtocolSubscription, ConsumerProtocolAssignment, OffsetCommitKey, OffsetCommitValue, GroupMetadataKey, GroupMetadataValue
]

/** Every message that `definitions` could define: payloads that it lacks are left out, since they lie in other jars. */
export function compareAll (definitions: Definitions, ours: readonly Api[] = apis): Comparison {
  const isRpc = [...definitions.values()].some(({ type }) => type === 'request')
  const messages = [
    ...isRpc ? [headerMessage, ...ours.flatMap(apiMessages)] : [],
    ...payloads.map(payloadMessage).filter(message => definitions.has(message.official(message.versions[1]).name))
  ]
  return {
    differences: messages.flatMap(message => compareMessage(message, definitions)),
    behind: isRpc ? ours.flatMap(api => newerThan(api, definitions)) : [],
    versions: messages.reduce((sum, { versions: [min, max] }) => sum + max - min + 1, 0),
    messages: messages.length
  }
}

/** Requests that Kafka has and we do not. */
export function notOurs (definitions: Definitions, ours: readonly Api[] = apis): string[] {
  const keys = new Set(ours.map(api => api.key))
  return [...definitions.values()]
    .filter(({ type, apiKey, validVersions }) => type === 'request' && !keys.has(apiKey!) && validVersions !== 'none')
    .sort((a, b) => a.apiKey! - b.apiKey!)
    .map(({ name }) => name.replace(/Request$/, ''))
}

function apiMessages (api: Api): Message[] {
  return (['request', 'response'] as const).map(side => ({
    title: version => `${api.name} v${version} ${side}`,
    versions: api.versions,
    flexible: api.flexible,
    fields: api[side],
    official: version => ({ name: `${api.name}${side === 'request' ? 'Request' : 'Response'}`, version })
  }))
}

// KIP-482: version 2 only adds tagged fields at its end; the client id stays as it was.
const headerMessage: Message = {
  title: version => `RequestHeader v${version}`,
  versions: [1, 2],
  flexible: 2,
  fields: requestHeader,
  official: version => ({ name: 'RequestHeader', version }),
  neverCompact: true
}

/**
 * In the group log the int16 before a key says what the record is about: Kafka has a definition for each such number,
 * all at version 0.
 */
function payloadMessage ({ name, versions, flexible, fields }: Payload): Message {
  const isKey = name.endsWith('Key')
  return {
    title: version => `${name} v${version}`,
    versions,
    flexible,
    fields,
    official: version => ({ name: name === 'OffsetCommitKey' && version === 0 ? `Legacy${name}` : name, version: isKey ? 0 : version })
  }
}

function compareMessage (message: Message, definitions: Definitions): string[] {
  const found: string[] = []
  for (let version = message.versions[0]; version <= message.versions[1]; version++) {
    const title = message.title(version)
    const official = message.official(version)
    const definition = definitions.get(official.name)
    if (definition === undefined || !isWithin(definition.validVersions, official.version)) {
      found.push(`${title}: ours alone, Kafka's definitions have ${definition?.validVersions ?? 'none'}`)
      continue
    }
    found.push(...compareVersion(title, message, version, definition, official.version))
  }
  return found
}

function compareVersion (title: string, message: Message, version: number, definition: Definition, theirVersion: number): string[] {
  const flexible = version >= message.flexible
  const found: string[] = []
  if (flexible !== isWithin(definition.flexibleVersions, theirVersion)) {
    found.push(`${title}: ours ${flexible ? 'flexible' : 'not flexible'}, Kafka's flexible in ${definition.flexibleVersions}`)
  }
  const range: Range = theirVersion === version ? message.versions : [theirVersion, theirVersion]
  const ours = ourLines(message.fields, version, flexible && message.neverCompact !== true, message.versions)
  return [...found, ...diff(title, ours, officialLines(definition, theirVersion, range))]
}

/** Lines that differ, lines that one side lacks, and the order of what both have. */
export function diff (title: string, ours: readonly Line[], theirs: readonly Line[]): string[] {
  const found: string[] = []
  const byPath = new Map(theirs.map(line => [line.path, line.text]))
  for (const { path, text } of ours) {
    const other = byPath.get(path)
    if (other !== text) found.push(`${title} ${path}: ours ${text}, Kafka's ${other ?? 'missing'}`)
    byPath.delete(path)
  }
  for (const [path, text] of byPath) found.push(`${title} ${path}: ours missing, Kafka's ${text}`)

  const ourOrder = orderOf(ours, theirs)
  const theirOrder = orderOf(theirs, ours)
  const moved = ourOrder.findIndex((path, i) => path !== theirOrder[i])
  if (moved >= 0) found.push(`${title}: order, ours has ${ourOrder[moved]} where Kafka's has ${theirOrder[moved]}`)
  return found
}

/** The paths of fields on the wire that the other side has there too. */
function orderOf (lines: readonly Line[], others: readonly Line[]): string[] {
  const shared = new Set(others.filter(line => line.place === 'wire').map(line => line.path))
  return lines.filter(line => line.place === 'wire' && shared.has(line.path)).map(line => line.path)
}

function newerThan (api: Api, definitions: Definitions): string[] {
  const definition = definitions.get(`${api.name}Request`)
  if (definition === undefined) return []
  const [min, max] = parseVersions(definition.validVersions)
  const versions: string[] = []
  if (min < api.versions[0]) versions.push(`${min} to ${api.versions[0] - 1}`)
  for (let version = api.versions[1] + 1; version <= max; version++) {
    versions.push(version === max && definition.latestVersionUnstable === true ? `${version} (not stable)` : `${version}`)
  }
  return versions.length === 0 ? [] : [`${api.name} ${versions.join(', ')}`]
}
