/**
 * The embedded formats: what keys and values look like inside the JSON of a consumer instance's answers. An instance has one,
 * from its creation on.
 */
import { isUtf8 } from 'node:buffer'
import type { Header } from '../../protocol/records.ts'

/** A key or a value as JSON text. Throws Poison where its bytes are nothing that the form can show. */
export type Show = (bytes: Buffer, headers: readonly Header[], topic: string) => string

export interface RecordForm {
  /** What answers are, and what `Accept` has to ask for. */
  readonly mediaType: string
  /** Other names of the same. */
  readonly aliases: readonly string[]
  readonly key: Show
  readonly value: Show
  /** Learns what was not known when a record could not be shown. Rejects with KafkaError. */
  readonly refresh?: () => Promise<void>
}

/** The forms that an instance can be created with, by the `format` of the request. */
export type RecordForms = ReadonlyMap<string, RecordForm>

/** A record whose bytes are not what the form takes them for. `message` ends a sentence that begins with "The value" or "The key". */
export class Poison extends Error {
  override readonly name = 'Poison'
  /** Whether it may be shown once the form has learnt what there is to know. */
  readonly mayPass: boolean

  constructor (message: string, mayPass = false) {
    super(message)
    this.mayPass = mayPass
  }
}

const base64: Show = bytes => `"${bytes.toString('base64')}"`

export const binaryForm: RecordForm = {
  mediaType: 'application/vnd.kafka.binary.v2+json',
  aliases: ['application/vnd.kafka.v2+json'],
  key: base64,
  value: base64
}

/** JSON stands as it was written, byte for byte, so that no number loses digits. A key that is not JSON is the text that it is. */
export const jsonForm: RecordForm = {
  mediaType: 'application/vnd.kafka.json.v2+json',
  aliases: [],
  key (bytes) {
    if (!isUtf8(bytes)) throw new Poison('is not JSON, nor text')
    const text = bytes.toString()
    return isJson(text) ? text : JSON.stringify(text)
  },
  value (bytes) {
    const text = isUtf8(bytes) ? bytes.toString() : ''
    if (!isJson(text)) throw new Poison('is not JSON')
    return text
  }
}

function isJson (text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
