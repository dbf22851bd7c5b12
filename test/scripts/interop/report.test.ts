/** What a run says of itself is read as it is meant: nothing that failed, or tested nothing, is a success. */
import t from 'tap'
import { outcomeOf, table } from '../../../scripts/interop/report.ts'

const passed = `TAP version 14
    ok 1 - listed # SKIP a Kafka broker has no HTTP
    ok 2 - read
ok 1 - test/interop/x.test.ts
# { total: 2, pass: 1, skip: 1 }
`
const failed = `TAP version 14
    not ok 1 - listed
      ---
      diff: one
      ...
    ok 2 - read
not ok 1 - test/interop/x.test.ts
# { total: 2, pass: 1, fail: 1 }
`

t.test('a success, with why some were skipped', async t => {
  t.match(outcomeOf(passed, 0, 3.4), { isFailed: false, text: 'ok 1 (1 skipped) 3 s', failures: [], skipped: ['a Kafka broker has no HTTP'] })
})

t.test('a failure, with what failed', async t => {
  t.match(outcomeOf(failed, 1, 3), {
    isFailed: true,
    text: 'FAILED 1 of 2 3 s',
    failures: ['    not ok 1 - listed', '      ---', '      diff: one', '      ...', 'not ok 1 - test/interop/x.test.ts']
  })
})

t.test('a file that ended before its first test, with what it wrote', async t => {
  t.match(outcomeOf('TAP version 14\nError: no port\nnot ok 1 - test/interop/x.test.ts\n  ---\n  exitCode: 1\n', 1, 3), {
    failures: ['TAP version 14', 'Error: no port', 'not ok 1 - test/interop/x.test.ts', '  ---', '  exitCode: 1']
  })
})

t.test('a runner that ends badly, or is killed, is a failure whatever it said', async t => {
  t.ok(outcomeOf(passed, 1, 1).isFailed)
  t.ok(outcomeOf(passed, null, 1).isFailed)
})

t.test('nothing tested is a failure, unless it says why', async t => {
  t.ok(outcomeOf('TAP version 14\n1..0\n', 0, 1).isFailed)
  t.notOk(outcomeOf('TAP version 14\nok 1 - x # SKIP no HTTP\n', 0, 1).isFailed)
})

t.test('a table has a cell for each file and set-up', async t => {
  const outcome = outcomeOf(passed, 0, 3)
  t.equal(table(new Map([['test/interop/x.test.ts', new Map([['4.3.1 x3', outcome]])]]), ['4.3.1 x1', '4.3.1 x3']), [
    'file      | 4.3.1 x1 | 4.3.1 x3',
    '----------|----------|---------------------',
    'interop/x | -        | ok 1 (1 skipped) 3 s'
  ].join('\n'))
})
