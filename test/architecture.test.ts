/**
 * The rules of the house, enforced: who may import whom, and what no file may do. Each rule is also shown to fail on a
 * house that breaks it.
 */
import t from 'tap'
import ts from 'typescript'
import { globSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join, posix } from 'node:path'
import { apis } from '../protocol/apis.ts'
import type { Api } from '../protocol/schema.ts'
import { fileNameOf } from '../scripts/protocol/names.ts'

/** Source text by path from the root of the repository. */
type House = ReadonlyMap<string, string>

const SHIPPED = ['protocol', 'storage', 'src', 'routes', 'ui']
const OTHERS = ['test', 'bench', 'scripts', 'examples']
const MAX_LINES = 400

const ENVIRONMENT = /\bprocess\s*(\.\s*env\b|\[\s*['"`]env)|\benv\b[^}\n]*\}\s*from\s*'(node:)?process'/

const isShipped = (file: string): boolean => SHIPPED.some(root => file.startsWith(`${root}/`))

/** Who may import what: the first row that a file matches. Nothing outside its row, and no row is no permission. */
const rows: readonly (readonly [from: RegExp, to: RegExp])[] = [
  [/^protocol\//, /^protocol\//],
  // The records side of protocol: bytes and batches, no requests. (The schema says what the bytes of a records field are.)
  [/^storage\/log\//, /^storage\/log\/|^protocol\/(batch|records|compression|crc32c|reader|errors|schema)\.ts$/],
  [/^storage\/engine\.ts$/, /^protocol\//],
  [/^storage\/embedded\//, /^storage\/(embedded\/|log\/|engine\.ts$)|^protocol\//],
  [/^storage\/cluster\//, /^storage\/(cluster\/|log\/|engine\.ts$)|^protocol\//],
  // The two that wire.
  [/^src\/(app|main)\.ts$/, /^(protocol|storage|src|routes|ui)\//],
  // State of ours in a topic; who may do what is known in src/access; proofs of identity, the rules and the native door build on it.
  ...[
    ['state'], ['access', 'state'], ['gateways', 'state'], ['auth', 'access'], ['kafka', 'auth', 'access'],
    ['policies', 'access', 'schemas', 'gateways'], ['client', 'access'], ['schemas', 'state']
  ].map(([room, ...others]) => [
    new RegExp(`^src/${room}/`),
    new RegExp(`^src/(${[room, ...others].map(name => `${name}/`).join('|')}|logger\\.ts$|histogram\\.ts$)|^protocol/|^storage/engine\\.ts$`)
  ] as const),
  // Configuration, metrics and commands: they know of every room in src, but of no door's routes and no engine.
  [/^src\/(config\/|metrics\/|cli\/|[^/]+\.ts$)/, /^src\/|^protocol\/|^storage\/engine\.ts$/],
  [/^routes\//, /^routes\/|^src\/(client|auth|access|schemas)\/|^protocol\//],
  [/^ui\//, /^ui\//],
  [/^(test|bench|scripts|examples)\//, /./]
]

interface Import {
  readonly specifier: string
  /** The file it means, from the root; null for packages. */
  readonly file: string | null
}

function importsOf (file: string, source: string): Import[] {
  return ts.preProcessFile(source, true, true).importedFiles.map(({ fileName: specifier }) => ({
    specifier,
    file: specifier.startsWith('.') ? posix.join(posix.dirname(file), specifier) : null
  }))
}

const rules = {
  'a file imports only what its room may': house => perFile(house, (file, source) => {
    const row = rows.find(([from]) => from.test(file))
    if (row === undefined) return [`${file} is in no room: give it one in the table of this test`]
    return importsOf(file, source)
      .filter(one => one.file !== null && !row[1].test(one.file))
      .map(one => `${file} imports ${one.file}`)
  }),
  'nothing that ships imports what does not': house => perFile(house, (file, source) => importsOf(file, source)
    .filter(one => isShipped(file) && OTHERS.some(root => one.file?.startsWith(`${root}/`)))
    .map(one => `${file} imports ${one.file}`)),
  'only src/app.ts and src/main.ts import an engine': house => perFile(house, (file, source) => importsOf(file, source)
    .filter(one => /^storage\/(embedded|cluster)\//.test(one.file ?? '') && isShipped(file) && !/^(storage\/|src\/(app|main)\.ts$)/.test(file))
    .map(one => `${file} imports ${one.file}`)),
  'an import is a file with its extension, node:something or a dependency that is installed with us': house => {
    const { dependencies, devDependencies } = JSON.parse(house.get('package.json')!) as Record<string, Record<string, string>>
    const shipped = Object.keys(dependencies ?? {})
    const all = [...shipped, ...Object.keys(devDependencies ?? {})]
    return perFile(house, (file, source) => importsOf(file, source)
      .filter(({ specifier }) => !isAllowed(specifier, isShipped(file) ? shipped : all))
      .map(({ specifier }) => `${file} imports "${specifier}"`))
  },
  'only src/config.ts reads the environment, which src/main.ts hands to it': house => perFile(house, (file, source) => {
    if (!isShipped(file) || file === 'src/config.ts') return []
    const code = withoutComments(source).replace(file === 'src/main.ts' ? 'loadConfig(argv, process.env)' : '', '')
    return ENVIRONMENT.test(code) ? [`${file} reads process.env`] : []
  }),
  'no file is a barrel': house => perFile(house, (file, source) =>
    isShipped(file) && isBarrel(source) ? [`${file} only re-exports`] : []),
  [`no file is longer than ${MAX_LINES} lines`]: house => perFile(house, (file, source) => {
    const lines = source.trimEnd().split('\n').length
    return lines > MAX_LINES ? [`${file} has ${lines} lines`] : []
  })
} satisfies Record<string, (house: House) => string[]>

function perFile (house: House, rule: (file: string, source: string) => string[]): string[] {
  return [...house].filter(([file]) => /\.[cm]?[tj]s$/.test(file)).flatMap(([file, source]) => rule(file, source))
}

function isAllowed (specifier: string, packages: readonly string[]): boolean {
  if (specifier.startsWith('.')) return /\.(ts|js|json)$/.test(specifier)
  if (specifier.startsWith('node:')) return isBuiltin(specifier)
  return packages.some(name => specifier === name || specifier.startsWith(`${name}/`))
}

const withoutComments = (source: string): string => source.replaceAll(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, '')

function isBarrel (source: string): boolean {
  const { statements } = ts.createSourceFile('x.ts', source, ts.ScriptTarget.Latest)
  return statements.length > 0 && statements.every(one => ts.isExportDeclaration(one) && one.moduleSpecifier !== undefined)
}

// ---- this house

const root = new URL('..', import.meta.url).pathname
/** Programs of their own, which run where their packages are. */
const CLIENTS = /^test\/interop\/support\/.*\.mjs$/
const files = globSync([...SHIPPED, ...OTHERS].map(name => `${name}/**/*.{ts,js,mjs}`), { cwd: root }).filter(file => !CLIENTS.test(file))
const house: House = new Map([...files, 'package.json'].map(file => [file, readFileSync(join(root, file), 'utf8')]))

for (const [title, rule] of Object.entries(rules)) t.test(title, async t => t.strictSame(rule(house), []))

t.test('every api has a file of its key and name, and every such file is in the registry', async t => {
  const messages = files.filter(file => /^protocol\/messages\/\d/.test(file)).map(file => posix.basename(file, '.ts')).sort()
  t.strictSame(messages, apis.map(fileNameOf).sort())
  for (const api of apis) {
    const module = await import(`../protocol/messages/${fileNameOf(api)}.ts`) as { readonly [name: string]: Api }
    t.equal(module[api.name], api, `${fileNameOf(api)} exports ${api.name}`)
  }
  t.strictSame(apis.map(api => api.key), apis.map(api => api.key).toSorted((a, b) => a - b), 'and the registry is in order')
})

t.test('every handler of the embedded engine is in a file of its api\'s name', async t => {
  const names = new Set(apis.map(fileNameOf))
  const handlers = files.filter(file => file.startsWith('storage/embedded/handlers/')).map(file => posix.basename(file, '.ts'))
  t.strictSame(handlers.filter(name => /^\d/.test(name) && !names.has(name)), [])
})

// ---- houses that break a rule

const packageJson = ['package.json', JSON.stringify({ dependencies: { fastify: '5' }, devDependencies: { tap: '21' } })] as const
const breaks: readonly (readonly [rule: keyof typeof rules, file: string, source: string])[] = [
  ['a file imports only what its room may', 'protocol/a.ts', "import { x } from '../storage/engine.ts'"],
  ['a file imports only what its room may', 'protocol/a.ts', "import { type X } from '../src/config.ts'"],
  ['a file imports only what its room may', 'storage/log/a.ts', "import { rpc } from '../../protocol/rpc.ts'"],
  ['a file imports only what its room may', 'storage/log/a.ts', "import { x } from '../engine.ts'"],
  ['a file imports only what its room may', 'storage/engine.ts', "import { x } from './log/log.ts'"],
  ['a file imports only what its room may', 'storage/embedded/a.ts', "import { x } from '../cluster/engine.ts'"],
  ['a file imports only what its room may', 'storage/cluster/a.ts', "export { x } from '../embedded/engine.ts'"],
  ['a file imports only what its room may', 'src/kafka/a.ts', "import { x } from '../policies/quota.ts'"],
  ['a file imports only what its room may', 'src/client/a.ts', "const { x } = await import('../../storage/log/log.ts')"],
  ['a file imports only what its room may', 'src/config.ts', "import { x } from '../routes/ws.ts'"],
  ['a file imports only what its room may', 'routes/a.ts', "import { x } from '../src/kafka/listener.ts'"],
  ['a file imports only what its room may', 'routes/a.ts', "import { x } from '../storage/engine.ts'"],
  ['a file imports only what its room may', 'ui/a.ts', "import { x } from '../protocol/errors.ts'"],
  ['a file imports only what its room may', 'elsewhere/a.ts', ''],
  ['nothing that ships imports what does not', 'protocol/a.ts', "import '../test/protocol/support/values.ts'"],
  ['only src/app.ts and src/main.ts import an engine', 'src/metrics.ts', "import { x } from '../storage/embedded/engine.ts'"],
  ['an import is a file with its extension, node:something or a dependency that is installed with us', 'src/a.ts', "import t from 'tap'"],
  ['an import is a file with its extension, node:something or a dependency that is installed with us', 'src/a.ts', "import fs from 'fs'"],
  ['an import is a file with its extension, node:something or a dependency that is installed with us', 'src/a.ts', "import { x } from './b'"],
  ['an import is a file with its extension, node:something or a dependency that is installed with us', 'src/a.ts', "import { x } from '#b'"],
  ['only src/config.ts reads the environment, which src/main.ts hands to it', 'src/main.ts', 'loadConfig(argv, process.env)\nprocess.env.HOME'],
  ['only src/config.ts reads the environment, which src/main.ts hands to it', 'src/logger.ts', 'export const level = process.env.LEVEL'],
  ['only src/config.ts reads the environment, which src/main.ts hands to it', 'routes/a.ts', "export const level = process['env'].LEVEL"],
  ['only src/config.ts reads the environment, which src/main.ts hands to it', 'storage/log/a.ts', "import { argv, env } from 'node:process'"],
  ['no file is a barrel', 'protocol/index.ts', "export * from './reader.ts'\n// and\nexport { Writer } from './writer.ts'"],
  ['no file is longer than 400 lines', 'test/a.test.ts', 'x\n'.repeat(401)]
]

t.test('each rule fails on a house that breaks it', async t => {
  for (const [rule, file, source] of breaks) t.equal(rules[rule]!(new Map([packageJson, [file, source]])).length, 1, `${file}: ${source.slice(0, 60)}`)
  t.strictSame(Object.keys(rules).filter(rule => !breaks.some(([broken]) => broken === rule)), [], 'there is such a house for each')
})

t.test('and passes a house that keeps it', async t => {
  const kept: House = new Map([
    packageJson,
    ['src/config.ts', "// process.env\nimport fs from 'node:fs'\nexport const level = process.env.LEVEL"],
    ['src/app.ts', "import fastify from 'fastify'\nimport { x } from '../storage/embedded/engine.ts'\nimport { y } from '../routes/ws.ts'"],
    ['src/main.ts', "import { loadConfig } from './config.ts'\nloadConfig(argv, process.env)"],
    ['src/kafka/listener.ts', [
      '// process.env', "import { type LogEngine } from '../../storage/engine.ts'", "export { z } from './connection.ts'", 'export const a = 1'
    ].join('\n')],
    ['storage/log/log.ts', "import { RecordBatch } from '../../protocol/batch.ts'"],
    ['test/a.test.ts', `import t from 'tap'\nimport { x } from '../src/app.ts'\n${'x\n'.repeat(398)}`]
  ])
  for (const [title, rule] of Object.entries(rules)) t.strictSame(rule(kept), [], title)
})
