import t from 'tap'
import { registryPath, withoutContext } from '../../../routes/registry/context-path.ts'

t.test('a context in front of a path goes where the registry looks for it', async t => {
  for (const [url, expected] of [
    ['/contexts/.team/subjects', '/subjects?subjectPrefix=:.team:'],
    ['/contexts/.team/subjects?deleted=true', '/subjects?deleted=true&subjectPrefix=:.team:'],
    ['/contexts/.team/subjects?subjectPrefix=or&deleted=true', '/subjects?subjectPrefix=:.team:or&deleted=true'],
    ['/contexts/.team/subjects?subjectPrefix=%3A.other%3A', '/subjects?subjectPrefix=%3A.other%3A'],
    ['/contexts/team/subjects/orders-value/versions', '/subjects/:.team:orders-value/versions'],
    ['/contexts/%2Eteam/subjects/a%2Fb%25/versions/latest?format=resolved', '/subjects/:%2Eteam:a%2Fb%25/versions/latest?format=resolved'],
    ['/contexts/.team/subjects/%3A.other%3Aorders-value', '/subjects/%3A.other%3Aorders-value'],
    ['/contexts/.team/subjects/:.other:orders-value', '/subjects/:.other:orders-value'],
    ['/contexts/.team/compatibility/subjects/orders-value/versions/1', '/compatibility/subjects/:.team:orders-value/versions/1'],
    ['/contexts/.team/config', '/config/:.team:'],
    ['/contexts/.team/config/orders-value?defaultToGlobal=true', '/config/:.team:orders-value?defaultToGlobal=true'],
    ['/contexts/.team/mode', '/mode/:.team:'],
    ['/contexts/.team/mode/orders-value', '/mode/:.team:orders-value'],
    ['/contexts/.team/schemas', '/schemas?subjectPrefix=:.team:'],
    ['/contexts/.team/schemas/ids/1', '/schemas/ids/1?subject=:.team:'],
    ['/contexts/.team/schemas/ids/1?subject=orders-value', '/schemas/ids/1?subject=:.team:orders-value'],
    ['/contexts/.team/schemas/types', '/schemas/types?subject=:.team:'],
    ['/contexts/.team/contexts', '/contexts'],
    ['/contexts/.team/v1/metadata/id', '/v1/metadata/id'],
    ['/contexts/.team/v1/elsewhere', '/contexts/.team/v1/elsewhere'],
    ['/contexts/.team/topics', '/contexts/.team/topics'],
    ['/contexts/.team/topics/orders/records?limit=1', '/contexts/.team/topics/orders/records?limit=1'],
    ['/contexts/.team/metrics', '/contexts/.team/metrics'],
    ['/contexts/.team/contexts/.team/topics', '/contexts/.team/topics'],
    ['/contexts/.team/', '/'],
    ['/contexts/.team', '/contexts/.team'],
    ['/contexts', '/contexts'],
    ['/contexts/?a=/b', '/contexts/?a=/b'],
    ['/contexts/.team?a=/b', '/contexts/.team?a=/b'],
    ['/topics/contexts/.team/subjects', '/topics/contexts/.team/subjects']
  ] as const) t.equal(withoutContext(url), expected, url)
})

t.test('a slash behind the versions of a subject says nothing, as in JAX-RS', async t => {
  for (const [url, expected] of [
    ['/compatibility/subjects/a%2Fb/versions/?normalize=false&verbose=true', '/compatibility/subjects/a%2Fb/versions?normalize=false&verbose=true'],
    ['/contexts/.team/compatibility/subjects/a/versions/', '/compatibility/subjects/:.team:a/versions'],
    ['/subjects/a/versions/', '/subjects/a/versions'],
    ['/subjects/a/versions/1', '/subjects/a/versions/1'],
    ['/subjects/a/versions//', '/subjects/a/versions//'],
    ['/subjects/versions/', '/subjects/versions/'],
    ['/topics/subjects/a/versions/', '/topics/subjects/a/versions/'],
    ['/subjects?subjectPrefix=/subjects/a/versions/', '/subjects?subjectPrefix=/subjects/a/versions/']
  ] as const) t.equal(registryPath(url), expected, url)
})

t.test('whatever stands there, it is no error, and takes no time', async t => {
  for (const url of [
    '/contexts/%/subjects/%zz', '/contexts//subjects', '/contexts/\u0000/config', `/contexts/${'/'.repeat(10_000)}`,
    `/contexts/.a/subjects?${'&'.repeat(10_000)}`
  ]) {
    t.type(withoutContext(url), 'string')
  }
})
