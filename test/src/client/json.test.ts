import t from 'tap'
import { recordJson, timestampJson } from '../../../src/client/json.ts'
import type { LogRecord } from '../../../protocol/records.ts'

const record = (fields: Partial<LogRecord>): LogRecord =>
  ({ offset: 3, timestampMs: Date.UTC(2026, 10, 21, 8), key: null, value: null, headers: [], ...fields })

const bytes = (text: string): Buffer => Buffer.from(text)
const json = (fields: Partial<LogRecord>): string => recordJson('"t"', 1, record(fields))

t.test('a record has one shape', async t => {
  const line = json({ key: bytes('k'), value: bytes('v'), headers: [{ key: 'h', value: bytes('x') }] })
  t.equal(line, '{"topic":"t","partition":1,"offset":3,"timestamp":"2026-11-21T08:00:00.000Z","key":"k","value":"v","headers":[{"name":"h","value":"x"}]}')
})

t.test('a value that is JSON stands as it was written, to the last digit', async t => {
  for (const text of ['{"a":[1,2]}', '12345678901234567890.10', 'true', 'null', '"text"', ' {"a" : 1} ']) {
    t.match(json({ value: bytes(text) }), `,"value":${text},"headers"`)
  }
})

t.test('line breaks in JSON become spaces: a record is a line', async t => {
  t.match(json({ value: bytes('{\r\n  "a": "x\\ny"\n}') }), ',"value":{   "a": "x\\ny" },"headers"')
})

t.test('text that only looks like JSON is a string', async t => {
  for (const text of ['{a:1}', 'truest', '[1,', '-', 'NaN', '', '\ufeff{}', '1 2']) {
    t.equal((JSON.parse(json({ value: bytes(text) })) as { value: unknown }).value, text)
  }
})

t.test('text with line breaks, quotes and every control character is one line', async t => {
  const text = Array.from({ length: 32 }, (_, i) => String.fromCharCode(i)).join('') + '"\\\u2028'
  const line = json({ value: bytes(text), key: bytes(text) })
  t.notMatch(line, /[\r\n]/)
  t.match(JSON.parse(line), { key: text, value: text })
})

t.test('bytes that are no text are base64 and marked so', async t => {
  const odd = Buffer.from([0xff, 0xfe, 0x00])
  const parsed = JSON.parse(json({ key: odd, value: odd, headers: [{ key: 'h', value: odd }, { key: 'h', value: null }] })) as object
  t.match(parsed, {
    key: '//4A',
    keyEncoding: 'base64',
    value: '//4A',
    valueEncoding: 'base64',
    headers: [{ name: 'h', value: '//4A', encoding: 'base64' }, { name: 'h', value: null }]
  })
})

t.test('null, empty and the JSON null can be told apart from text', async t => {
  t.match(json({ value: null }), '"value":null,')
  t.match(json({ value: bytes('') }), '"value":"",')
  t.match(json({ key: bytes('') }), '"key":"",')
  t.match(json({ key: bytes('{"a":1}') }), '"key":"{\\"a\\":1}"', 'a key is never embedded')
})

t.test('a time that is none is null', async t => {
  t.equal(timestampJson(-1), 'null')
  t.equal(timestampJson(8.64e15 + 1), 'null')
  t.equal(timestampJson(0), '"1970-01-01T00:00:00.000Z"')
})
