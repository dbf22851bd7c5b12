/**
 * Makes `dist/`, the package (`npm pack ./dist`): Node does not strip types from files under node_modules. From a clone
 * nothing needs to be built.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = new URL('..', import.meta.url).pathname
const dist = join(root, 'dist')

rmSync(dist, { recursive: true, force: true })
execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' })

// What the program reads beside its code, at the same place relative to it.
const assets = globSync('{protocol,storage,src,routes,ui}/**/*', { cwd: root, withFileTypes: true })
  .filter(entry => entry.isFile() && !entry.name.endsWith('.ts'))
  .map(entry => join(entry.parentPath, entry.name))
const documents = ['openapi.yaml', 'README.md', 'CHANGELOG.md', 'LICENSE'].map(name => join(root, name))
for (const file of [...assets, ...documents]) cpSync(file, file.replace(root, `${dist}/`))

// Of package.json, what concerns those who install it.
const { name, version, description, license, type, bin, engines, dependencies } =
  JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<string, unknown>
writeFileSync(join(dist, 'package.json'), `${JSON.stringify({ name, version, description, license, type, bin, engines, dependencies }, null, 2)}\n`)

// The command is JavaScript already; only what it imports has another name now.
mkdirSync(join(dist, 'bin'))
for (const name of globSync('*.js', { cwd: join(root, 'bin') })) {
  const source = readFileSync(join(root, 'bin', name), 'utf8')
  writeFileSync(join(dist, 'bin', name), source.replaceAll(/(?<=')(\.\.?\/[^']+)\.ts(?=')/g, '$1.js'), { mode: 0o755 })
}
