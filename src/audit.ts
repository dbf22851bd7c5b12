/**
 * Who did what, for those who have to know it later: logins, denials, changes of users, ACLs and quotas, limits that were
 * hit. One JSON object a line, in the log of the process, and in a file and a topic of its own where they are wished for.
 *
 * What repeats itself within ten seconds is one line when it begins and one with a count for the rest; whoever would write
 * lines without end by inventing names gets one with a count as well. Nothing here is waited for.
 */
import { formatPrincipal, type Dispatch, type Principal } from '../protocol/rpc.ts'
import { AuditFile } from './audit-file.ts'
import { AuditTopic } from './audit-topic.ts'
import type { Logger } from './logger.ts'

export const auditEvents = ['login', 'denial', 'change', 'limit'] as const
export type AuditEventName = typeof auditEvents[number]

export interface LoginEvent {
  readonly outcome: 'success' | 'failure'
  readonly method: string
  /** Who it is, or whom the stranger claimed to be; null if it did not come to that. */
  readonly principal: string | null
  readonly address: string
  /** Of a failure, without any secret. */
  readonly reason: string | null
  readonly door?: string | undefined
  /** The id of a delegation token. */
  readonly token?: string
}

export interface DenialEvent {
  readonly principal: Principal
  readonly door: string
  readonly address: string
  readonly api: string
  readonly operation: string
  readonly resourceType: string
  readonly resourceName: string
}

export interface ChangeEvent {
  readonly principal: Principal
  readonly door: string
  readonly address: string
  /** `acl-created`, `credential-set`, `quota-deleted`, ... */
  readonly action: string
  readonly subject: { readonly [name: string]: unknown }
}

export interface LimitEvent {
  /** Which: `connections_per_address`, ... */
  readonly limit: string
  readonly principal?: string
  readonly address?: string
  readonly door?: string
}

export interface AuditStats {
  /** Events, before what repeats itself is put together. */
  readonly events: Readonly<Record<AuditEventName, number>>
  /** Lines that are missing in the file and in the topic. */
  readonly dropped: { readonly file: number, readonly topic: number }
}

export interface AuditOptions {
  readonly logger: Logger
  readonly file?: string | null
  readonly topic?: { readonly name: string, readonly dispatch: Dispatch } | null
  /** How long repetitions are put together. */
  readonly foldMs?: number
}

type Fields = Readonly<Record<string, unknown>>

interface Folded { readonly event: AuditEventName, readonly fields: Fields, count: number }

const FOLD_MS = 10_000
/** So many different ones in one window; the rest of a kind is one line. */
const MAX_KEYS = 1000
const MAX_LENGTH = 256
const MAX_ITEMS = 32
const MAX_DEPTH = 3

export class Audit {
  readonly #logger: Logger
  readonly #file: AuditFile | null
  readonly #topic: AuditTopic | null
  readonly #timer: NodeJS.Timeout
  readonly #events = Object.fromEntries(auditEvents.map(name => [name, 0])) as Record<AuditEventName, number>
  #folded = new Map<string, Folded>()
  /** How many keys of the map are not shared. */
  #keys = 0

  private constructor ({ logger, topic, foldMs = FOLD_MS }: AuditOptions, file: AuditFile | null) {
    this.#logger = logger
    this.#file = file
    this.#topic = topic == null ? null : new AuditTopic(topic.name, topic.dispatch, logger)
    this.#timer = setInterval(() => this.flush(), foldMs).unref()
  }

  /** Rejects with a sentence if the file cannot be opened. */
  static async open (options: AuditOptions): Promise<Audit> {
    return new Audit(options, options.file == null ? null : await AuditFile.open(options.file, options.logger))
  }

  get stats (): AuditStats {
    return { events: this.#events, dropped: { file: this.#file?.dropped ?? 0, topic: this.#topic?.dropped ?? 0 } }
  }

  login ({ outcome, method, principal, address, reason, door, token }: LoginEvent): void {
    const failed = outcome === 'failure' ? { reason } : {}
    const by = { method, ...token === undefined ? {} : { token } }
    this.#fold('login', outcome, { outcome, principal, ...by, ...door === undefined ? {} : { door }, address, ...failed })
  }

  denied ({ principal, door, address, api, operation, resourceType, resourceName }: DenialEvent): void {
    this.#fold('denial', '', { principal: formatPrincipal(principal), door, address, api, operation, resourceType, resourceName })
  }

  /** Whoever it was: a principal, or only an address. */
  limited ({ limit, ...who }: LimitEvent): void {
    this.#fold('limit', limit, { limit, ...who })
  }

  /** Each change is a line of its own. */
  changed ({ principal, door, address, action, subject }: ChangeEvent): void {
    this.#events.change++
    this.#write('change', cleaned({ principal: formatPrincipal(principal), door, address, action, subject }, 0) as Fields, 1)
  }

  /** Goes on in a new file of the same name. */
  reopen (): void {
    this.#file?.reopen()
  }

  /** Writes the counts of what has repeated itself. */
  flush (): void {
    const folded = this.#folded
    this.#folded = new Map()
    this.#keys = 0
    for (const { event, fields, count } of folded.values()) if (count > 0) this.#write(event, fields, count)
  }

  /** Resolves when what was written has reached the file, and the topic if the log takes it. */
  async close (): Promise<void> {
    clearInterval(this.#timer)
    this.flush()
    await Promise.all([this.#file?.close(), this.#topic?.close()])
  }

  #fold (event: AuditEventName, kind: string, given: Fields): void {
    this.#events[event]++
    const fields = cleaned(given, 0) as Fields
    const key = JSON.stringify([event, ...Object.values(fields)])
    const known = this.#folded.get(key)
    if (known !== undefined) {
      known.count++
    } else if (this.#keys < MAX_KEYS) {
      this.#keys++
      this.#folded.set(key, { event, fields, count: 0 })
      this.#write(event, fields, 1)
    } else {
      const shared = `${event} ${kind}`
      const rest = this.#folded.get(shared)
      if (rest !== undefined) rest.count++
      else this.#folded.set(shared, { event, fields: { ...common[event](fields), various: true }, count: 1 })
    }
  }

  #write (event: AuditEventName, fields: Fields, count: number): void {
    const timeMs = Date.now()
    const entry = { event, ...fields, ...count === 1 ? {} : { count } }
    this.#logger.info({ audit: entry }, 'audit')
    if (this.#file === null && this.#topic === null) return
    const line = JSON.stringify({ time: new Date(timeMs).toISOString(), ...entry })
    this.#file?.append(line)
    this.#topic?.append(String(fields['principal'] ?? ''), line, timeMs)
  }
}

/** What stays of an event that stands for many different ones. */
const common: Readonly<Record<AuditEventName, (fields: Fields) => Fields>> = {
  login: ({ outcome }) => ({ outcome }),
  denial: () => ({}),
  change: () => ({}),
  limit: ({ limit }) => ({ limit })
}

/** A copy that is safe to print and bounded: what is in it may come from a stranger. */
function cleaned (value: unknown, depth: number): unknown {
  if (typeof value === 'string') return printable(value)
  if (typeof value !== 'object' || value === null) return typeof value === 'bigint' ? String(value) : value
  if (depth > MAX_DEPTH) return '...'
  if (Array.isArray(value)) return value.slice(0, MAX_ITEMS).map(item => cleaned(item, depth + 1))
  return Object.fromEntries(Object.entries(value).slice(0, MAX_ITEMS).map(([name, item]) => [printable(name), cleaned(item, depth + 1)]))
}

/** Control characters, and those that turn the direction of text or cannot be seen, are written as what they are. */
const unseen = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

function printable (text: string): string {
  const short = text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH - 3)}...` : text
  const safe = short.replace(unseen, character => `\\u{${character.codePointAt(0)!.toString(16)}}`)
  return safe.length > MAX_LENGTH ? `${safe.slice(0, MAX_LENGTH - 3)}...` : safe
}
