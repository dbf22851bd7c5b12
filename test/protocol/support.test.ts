import t from 'tap'
import { readFileSync } from 'node:fs'
import { handlers } from '../../storage/embedded/handlers/list.ts'
import { supportDocument } from '../../scripts/protocol/support.ts'

t.test('docs/protocol-support.md is up to date', async t => {
  const committed = readFileSync(new URL('../../docs/protocol-support.md', import.meta.url), 'utf8')
  t.equal(committed, supportDocument(), 'run "npm run docs:protocol" and commit what it wrote')
})

t.test('it lists what every handler answers', async t => {
  const text = supportDocument()
  for (const { api: { key, name }, versions: [min, max] } of handlers) {
    if (name !== 'Produce') t.match(text, new RegExp(`^\\| ${key} \\| \\[${name}\\]\\([^)]*\\) \\| v${min} to v${max} \\|`, 'm'), name)
  }
})
