/**
 * No bad record gets in: what a topic asks of its records (`src/schemas/settings.ts`) is asked of every record, at every door.
 *
 * A record that does not pass takes its batch with it, as in Kafka: INVALID_RECORD, with the records at fault and the reason
 * for each (KIP-467). The other partitions of the request are appended. Nothing of a refused batch is in the log, so the
 * sequence of an idempotent producer does not move on: what it has sent behind that batch is refused for its sequence
 * number until the producer has begun a new epoch, which clients do by themselves (KIP-360).
 */
import { setImmediate as othersTurn } from 'node:timers/promises'
import { batchSizeAt, RecordBatch } from '../../protocol/batch.ts'
import { complete } from '../../protocol/defaults.ts'
import { KafkaError } from '../../protocol/errors.ts'
import { Produce } from '../../protocol/messages/00-produce.ts'
import { internalPrincipal, type Context, type Dispatch, type Policy } from '../../protocol/rpc.ts'
import type { Chunks, Request, Response } from '../../protocol/schema.ts'
import type { Catalog } from '../schemas/catalog.ts'
import { isChecking, type SettingsConfigs } from '../schemas/settings.ts'
import { TopicNames } from './topic-names.ts'
import { keepDeadLetters, without } from './validate-dead-letter.ts'
import { Examination, MAX_NAMED } from './validate-examination.ts'
import { TopicRules, type Fault, type RulesOf } from './validate-rules.ts'
import type { Outcome, ValidationStats } from './validate-stats.ts'
import type { ValidationTable } from './validation-table.ts'

export interface ValidateOptions {
  readonly table: ValidationTable
  readonly catalog: Catalog
  readonly stats: ValidationStats
  /** What else a schema asks of values that fit it. */
  readonly rulesOf?: RulesOf
  /** A record was let in that does not pass: for the log, as often as that happens. */
  readonly onLetIn?: (topic: string, partition: number, fault: Fault, count: number) => void
}

type ProduceRequest = Request<typeof Produce>
type TopicData = ProduceRequest['topicData'][number]
type PartitionData = TopicData['partitionData'][number]
type PartitionResponse = Response<typeof Produce>['responses'][number]['partitionResponses'][number]

/** What becomes of one batch. */
type Verdict =
  | { readonly kind: 'pass' }
  | { readonly kind: 'refuse', readonly response: PartitionResponse }
  /** What is left of it is appended; null if nothing is. */
  | { readonly kind: 'shorten', readonly bytes: Buffer | null }

const pass: Verdict = { kind: 'pass' }

export function validate (options: ValidateOptions): Policy {
  return next => {
    const validator = new Validator(options, next)
    return (api, request, context) => api.key !== Produce.key || context.principal === internalPrincipal || validator.isIdle
      ? next(api, request, context)
      : validator.produce(request as ProduceRequest, context) as ReturnType<typeof next<typeof api>>
  }
}

class Validator {
  readonly #options: ValidateOptions
  readonly #next: Dispatch
  readonly #names = new TopicNames()
  readonly #rules = new WeakMap<SettingsConfigs, TopicRules>()

  constructor (options: ValidateOptions, next: Dispatch) {
    this.#options = options
    this.#next = next
  }

  get isIdle (): boolean {
    const { table } = this.#options
    return table.isOpen && table.isEmpty
  }

  async produce (request: ProduceRequest, context: Context): Promise<Response<typeof Produce>> {
    const { table } = this.#options
    if (!table.isOpen) await table.opening
    const unknown = request.topicData.filter(({ name, topicId }) => name === '' && this.#names.get(topicId) === undefined)
    if (unknown.length > 0) await this.#names.learn(unknown.map(({ topicId }) => topicId), this.#next, context)
    const rules = request.topicData.map(topic => this.#rulesOf(topic))
    if (rules.every(one => one === null)) return await this.#next(Produce, request, context)
    return await this.#judged(request, rules, context)
  }

  /** Null if the topic asks for nothing. */
  #rulesOf ({ name, topicId }: TopicData): TopicRules | null {
    const { table, catalog, stats, rulesOf = () => null } = this.#options
    const topic = name === '' ? this.#names.get(topicId) : name
    const settings = topic === undefined ? undefined : table.settings(topic)
    if (settings === undefined || !isChecking(settings)) return null
    const configs = table.configs(topic!)
    let rules = this.#rules.get(configs)
    if (rules === undefined) this.#rules.set(configs, rules = new TopicRules(topic!, settings, catalog, stats, rulesOf))
    return rules
  }

  async #judged (request: ProduceRequest, rules: ReadonlyArray<TopicRules | null>, context: Context): Promise<Response<typeof Produce>> {
    const { catalog } = this.#options
    // Reading it on is the first thing that is asked for where nothing has been read yet.
    if (!catalog.isOpen) await catalog.refresh().catch(() => {}) // whatever is unknown then is asked for again, and that error is told
    const { revision } = catalog
    const examinations = request.topicData.map(({ partitionData }, t) =>
      rules[t] === null ? null : partitionData.map(({ records }) => this.#examine(records, rules[t]!, context)))
    const all = examinations.flatMap(ofTopic => ofTopic ?? []).filter(one => one instanceof Examination)
    for (const one of all) await finished(one)
    const error = await this.#askAgain(all, revision)
    for (const one of all) one.finish()

    const verdicts: Array<readonly Verdict[] | null> = []
    for (let t = 0; t < examinations.length; t++) {
      const ofTopic = examinations[t]!
      if (ofTopic === null) {
        verdicts.push(null)
        continue
      }
      const told: Verdict[] = []
      for (let p = 0; p < ofTopic.length; p++) {
        const { index } = request.topicData[t]!.partitionData[p]!
        told.push(await this.#verdict(ofTopic[p]!, rules[t]!, index, context, error))
      }
      verdicts.push(told)
    }
    return await this.#forward(request, verdicts, context)
  }

  #examine (records: Chunks | null, rules: TopicRules, { door }: Context): Examination | KafkaError {
    const bytes = records?.length === 1 ? records[0]! : Buffer.concat(records ?? [])
    // What cannot be looked into does not get in; the engine would say the same.
    if (bytes.length <= 16 || bytes[16] !== 2 || batchSizeAt(bytes, 0) !== bytes.length) {
      return new KafkaError('INVALID_RECORD', 'A partition must get exactly one record batch of format 2 (Kafka 0.11 and later).')
    }
    return new Examination(new RecordBatch(bytes), rules, this.#options.stats, door !== 'kafka')
  }

  /**
   * Whether a schema that nobody knew at `revision` has been registered meanwhile. Gives the error if that cannot be found
   * out.
   */
  async #askAgain (all: readonly Examination[], revision: number): Promise<KafkaError | null> {
    const { catalog, stats } = this.#options
    const behind = all.filter(({ isBehind }) => isBehind)
    if (behind.length === 0) return null
    stats.refreshes++
    try {
      await catalog.refresh()
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      // Every client comes back after this one.
      return new KafkaError('LEADER_NOT_AVAILABLE', `The schemas cannot be read just now, so nothing that names a new one is let in: ${error.message}`)
    }
    for (const one of behind) {
      one.asked()
      if (catalog.revision === revision) continue
      one.restart()
      await finished(one)
    }
    return null
  }

  async #verdict (
    examined: Examination | KafkaError, { topic, settings }: TopicRules, index: number, context: Context, unavailable: KafkaError | null
  ): Promise<Verdict> {
    const { stats, onLetIn } = this.#options
    const failed = examined instanceof KafkaError ? examined : examined.error
    if (failed !== null) {
      stats.faulty(topic, 'rejected', 'unreadable')
      return refuse(index, failed)
    }
    const { found, faulty } = examined as Examination
    if (faulty === 0) return pass
    if (settings.action === 'shadow') {
      this.#count(examined as Examination, 'let-in')
      onLetIn?.(topic, index, found[0]!.fault, faulty)
      return pass
    }
    if (unavailable !== null && (examined as Examination).isBehind) {
      stats.faulty(topic, 'rejected', 'unavailable')
      return refuse(index, unavailable)
    }
    if (settings.action === 'dead-letter') return await this.#deadLetter(examined as Examination, index, context)
    this.#count(examined as Examination, 'rejected')
    return refuseRecords(index, examined as Examination, context)
  }

  #count ({ reasons, rules: { topic } }: Examination, outcome: Outcome): void {
    for (const [reason, count] of reasons) this.#options.stats.faulty(topic, outcome, reason, count)
  }

  /**
   * The records at fault are kept elsewhere, and the rest is appended without them, where that can be told: a producer that
   * counts its records (idempotent), or asks what became of each (HTTP), hears which they are instead, as with `reject`.
   */
  async #deadLetter (examined: Examination, index: number, context: Context): Promise<Verdict> {
    const { batch, found, isCutShort, rules: { topic, settings } } = examined
    const place = settings.deadLetterTopic!
    if (isCutShort) return this.#notKept(examined, index, context, `These are too many at once to be put into ${place}.`)
    try {
      await keepDeadLetters(this.#next, place, batch, found, { topic, partition: index, context })
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      return this.#notKept(examined, index, context, `It is not kept either: ${error.message}`)
    }
    this.#count(examined, 'dead-lettered')
    if (context.door !== 'kafka' || batch.producerId >= 0 || batch.isTransactional) {
      return refuseRecords(index, examined, context, ` It is kept in the topic ${place}.`)
    }
    return { kind: 'shorten', bytes: without(batch, found) }
  }

  #notKept (examined: Examination, index: number, context: Context, sentence: string): Verdict {
    this.#count(examined, 'rejected')
    return refuseRecords(index, examined, context, ` ${sentence}`)
  }

  /** What passes goes on; the answers are put together in the order of the request. */
  async #forward (request: ProduceRequest, verdicts: ReadonlyArray<readonly Verdict[] | null>, context: Context): Promise<Response<typeof Produce>> {
    if (verdicts.every(ofTopic => ofTopic === null || ofTopic.every(({ kind }) => kind === 'pass'))) return await this.#next(Produce, request, context)
    const topicData: TopicData[] = []
    request.topicData.forEach((topic, t) => {
      const ofTopic = verdicts[t]!
      const partitionData = ofTopic === null ? topic.partitionData : topic.partitionData.flatMap((partition, p) => passed(partition, ofTopic[p]!))
      if (partitionData.length > 0) topicData.push({ ...topic, partitionData })
    })
    const response = topicData.length > 0
      ? await this.#next(Produce, { ...request, topicData }, context)
      : complete(Produce.response, { responses: [] }) as Response<typeof Produce>
    const answers = new Map<string, PartitionResponse[]>()
    for (const { name, topicId, partitionResponses } of response.responses) {
      for (const one of partitionResponses) {
        const key = `${name === '' ? topicId : name} ${one.index}`
        const waiting = answers.get(key)
        if (waiting === undefined) answers.set(key, [one])
        else waiting.push(one)
      }
    }
    const responses = request.topicData.map(({ name, topicId, partitionData }, t) => ({
      name,
      topicId,
      partitionResponses: partitionData.flatMap(({ index }, p) => {
        const verdict = verdicts[t]?.[p] ?? pass
        // Nobody waits for an answer to acks=0, and an error would cost the connection: it is counted, and that is all.
        if (verdict.kind === 'refuse') return request.acks === 0 ? [] : [verdict.response]
        if (verdict.kind === 'shorten' && verdict.bytes === null) return [empty(index)]
        const answer = answers.get(`${name === '' ? topicId : name} ${index}`)?.shift()
        if (answer === undefined) return []
        // Which offset each record has cannot be told any more: -1 is "unknown" to every client.
        return [verdict.kind === 'shorten' ? { ...answer, baseOffset: -1 } : answer]
      })
    }))
    return { ...response, responses }
  }
}

async function finished (examination: Examination): Promise<void> {
  while (!examination.run()) await othersTurn()
}

function passed (partition: PartitionData, verdict: Verdict): PartitionData[] {
  switch (verdict.kind) {
    case 'pass': return [partition]
    case 'refuse': return []
    case 'shorten': return verdict.bytes === null ? [] : [{ ...partition, records: [verdict.bytes] }]
  }
}

function refuse (index: number, { errorCode, message }: KafkaError, recordErrors: PartitionResponse['recordErrors'] = []): Verdict {
  return { kind: 'refuse', response: { ...empty(index), errorCode, errorMessage: message, recordErrors } }
}

function refuseRecords (index: number, { batch, found, faulty, isCutShort }: Examination, { door }: Context, more = ''): Verdict {
  const named = door === 'kafka' ? found.slice(0, MAX_NAMED) : found
  const count = `${isCutShort ? 'At least ' : ''}${faulty} of ${batch.recordCount} records ${faulty === 1 ? 'was' : 'were'} refused`
  const message = `${count}: ${named[0]!.fault.message}${more}`
  return refuse(index, new KafkaError('INVALID_RECORD', message), named.map(({ batchIndex, fault }) => ({
    batchIndex, batchIndexErrorMessage: `${fault.message}${more}`
  })))
}

const empty = (index: number): PartitionResponse => ({
  index,
  errorCode: 0,
  baseOffset: -1,
  logAppendTimeMs: -1,
  logStartOffset: -1,
  recordErrors: [],
  errorMessage: null,
  currentLeader: { leaderId: -1, leaderEpoch: -1 }
})
