/**
 * `format`, asserted in every draft: whoever asks for validation means it. Those of ajv-formats that take linear time; `url`,
 * which is none of JSON Schema's and takes cubic time, is asked of the URL parser. Unknown formats assert nothing (7.2).
 */
import { fullFormats } from 'ajv-formats/dist/formats.js'
import type { Format } from 'ajv'

const NAMES = [
  'date', 'time', 'date-time', 'iso-time', 'iso-date-time', 'duration', 'uri', 'uri-reference', 'uri-template', 'email', 'hostname', 'ipv4',
  'ipv6', 'regex', 'uuid', 'json-pointer', 'json-pointer-uri-fragment', 'relative-json-pointer', 'byte', 'int32', 'int64', 'float', 'double'
] as const

export const FORMATS: ReadonlyMap<string, Format> = new Map<string, Format>([
  ...NAMES.map(name => [name, fullFormats[name]] as [string, Format]),
  ['url', (text: string) => URL.canParse(text) && /^(?:https?|ftp):\/\//i.test(text)]
])

/** What looking at a character takes, as a multiple of what counting it takes: measured. A regular expression has to be compiled. */
export const weightOf = (format: string): number => format === 'regex' ? 64 : 8
