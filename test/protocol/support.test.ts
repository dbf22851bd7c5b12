import t from 'tap'
import { readFileSync } from 'node:fs'
import { handlers } from '../../storage/embedded/handlers/list.ts'
import { apis } from '../../protocol/apis.ts'
import { administered } from '../../src/policies/administer.ts'
import { supportDocument } from '../../scripts/protocol/support.ts'

t.test('docs/protocol-support.md is up to date', async t => {
  const committed = readFileSync(new URL('../../docs/protocol-support.md', import.meta.url), 'utf8')
  t.equal(committed, supportDocument(), 'run "npm run docs:protocol" and commit what it wrote')
})

t.test('it lists what every handler and the policies answer', async t => {
  const text = supportDocument()
  const answered = [
    ...handlers.map(({ api: { key, name }, versions }) => ({ key, name, versions })),
    ...Array.from(administered, ([key, versions]) => ({ key, name: apis.find(api => api.key === key)!.name, versions }))
  ]
  for (const { key, name, versions: [min, max] } of answered) {
    const range = min === max ? `v${min}` : `v${min} to v${max}`
    if (name !== 'Produce') t.match(text, new RegExp(`^\\| ${key} \\| \\[${name}\\]\\([^)]*\\) \\| ${range} \\|`, 'm'), name)
  }
})
