/**
 * Every attack that we know of has a test, under the title that the table says, or a reason why it needs none.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { attacks, cves } from './attacks.ts'

/** The titles in a file, as they stand there: `${...}` at the end of one stands for what it is filled with. */
function titlesOf (file: string): string[] {
  const text = readFileSync(join(import.meta.dirname, '..', file), 'utf8')
  return Array.from(text.matchAll(/\bt\.test ?\((['`])((?:\\.|(?!\1).)*)\1/g), ([, , title]) => title!.replaceAll('\\\'', '\''))
}

for (const [name, rows] of Object.entries({ attacks, cves })) {
  t.test(name, async t => {
    for (const { what, proofs, because } of rows) {
      t.ok(proofs.length > 0 || because !== undefined, `${what}: proved, or not needed`)
      for (const { file, title } of proofs) t.ok(titlesOf(file).some(one => one.replace(/: \$\{.*$/, '') === title), `${what}: ${file} has "${title}"`)
    }
    t.equal(new Set(rows.map(({ what }) => what)).size, rows.length, 'each once')
  })
}

t.test('a title that is not there is noticed', async t => {
  t.ok(titlesOf('attacks/table.test.ts').includes('a title that is not there is noticed'))
  t.notOk(titlesOf('attacks/table.test.ts').includes('a title'))
})
