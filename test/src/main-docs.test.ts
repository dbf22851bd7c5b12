/**
 * docs/operations.md says what the code says: its tables are compared with the tables they describe.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { usageOf } from '../../src/config/help.ts'
import type { Value } from '../../src/config/values.ts'
import { fileKeyOf, optionKeys, options, variableOf } from '../../src/config/options.ts'
import { families } from '../../src/metrics/families.ts'
import { PREFIX } from '../../src/metrics/family.ts'

const root = join(import.meta.dirname, '../..')
const page = readFileSync(join(root, 'docs/operations.md'), 'utf8')

const code = (text: string): string => text === '' ? '' : `\`${text.replaceAll('|', '\\|')}\``

/** The table that stands between two markers. To mend the page, put what was expected there. */
function tableOf (marker: string): string {
  const [, table] = page.split(new RegExp(`<!-- /?${marker} -->\n`))
  return table ?? ''
}

t.test('the options', async t => {
  t.equal(tableOf('options'), [
    '| flag | variable | key | default | meaning |',
    '|---|---|---|---|---|',
    ...optionKeys.map(key => {
      const { fallback, help } = options[key]
      const value: Value<unknown> = options[key].value
      const flag = value.isSecret === true ? '' : usageOf(key)
      return `| ${code(flag)} | ${code(variableOf(key))} | ${key === 'config' ? '' : code(fileKeyOf(key))} | ${code(fallback ?? '')} | ${help} |`
    }),
    ''
  ].join('\n'))
})

t.test('the metrics', async t => {
  t.equal(tableOf('metrics'), [
    '| metric | type | labels | meaning |',
    '|---|---|---|---|',
    ...families.map(({ name, type, labels, help }) => `| ${code(PREFIX + name)} | ${type} | ${labels.map(code).join(' ')} | ${help} |`),
    ''
  ].join('\n'))
})

t.test('metrics in alerts exist', async t => {
  const names = new Set(families.flatMap(({ name, type }) =>
    type === 'histogram' ? ['', '_bucket', '_sum', '_count'].map(suffix => PREFIX + name + suffix) : [PREFIX + name]))
  const used = Array.from(page.matchAll(/\bbarnabas_[a-z_]+\b/g), match => match[0])
  t.ok(used.length > families.length)
  for (const name of used) t.ok(names.has(name), name)
})

t.test('the log lines', async t => {
  const sources = ['src', 'routes', 'storage'].flatMap(folder => readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts')).map(name => readFileSync(join(root, folder, name), 'utf8')))
  const [, table] = page.split(/^\| `msg` \|.*$\n/m)
  const lines = Array.from(table!.matchAll(/^\| `([^`]+)` \| (\w+) \|/gm), ([, msg, level]) => ({ msg: msg!, level: level! }))
  t.ok(lines.length >= 12)
  for (const { msg, level } of lines) {
    const written = new RegExp(`\\.(?:${level}\\(|write\\('${level}', )(?:.*, )?'${msg.replace(/[.*+?^$()[\]]/g, '\\$&')}`)
    t.ok(sources.some(source => written.test(source)), `${level}: ${msg}`)
  }
})
