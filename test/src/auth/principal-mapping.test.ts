/**
 * Kafka's mapping rules, with its own examples (KIP-371, SslPrincipalMapper), and what Java makes of a replacement.
 */
import t from 'tap'
import { parsePrincipalMapping } from '../../../src/auth/principal-mapping.ts'

const map = (rules: string, name: string): string | null => parsePrincipalMapping(rules)(name)

t.test('KIP-371: its rules, and the principals that they make', async t => {
  const rules = [
    'RULE:^CN=(.*?),OU=ServiceUsers.*$/$1/',
    'RULE:^CN=(.*?),OU=(.*?),O=(.*?),L=(.*?),ST=(.*?),C=(.*?)$/$1@$2/L',
    'RULE:^.*[Cc][Nn]=([a-zA-Z0-9.]*).*$/$1/L',
    'DEFAULT'
  ].join(',')
  t.equal(map(rules, 'CN=serviceuser,OU=ServiceUsers,O=Unknown,L=Unknown,ST=Unknown,C=Unknown'), 'serviceuser')
  t.equal(map(rules, 'CN=adminUser,OU=Admin,O=Unknown,L=Unknown,ST=Unknown,C=Unknown'), 'adminuser@admin')
})

t.test('the same as Kafka makes of its other examples', async t => {
  const rules = [
    'RULE:^CN=(.*?),OU=ServiceUsers.*$/$1/L',
    'RULE:^CN=(.*?),OU=(.*?),O=(.*?),L=(.*?),ST=(.*?),C=(.*?)$/$1@$2/L',
    'RULE:^cn=(.*?),ou=(.*?),dc=(.*?),dc=(.*?)$/$1@$2/U',
    'RULE:^.*[Cc][Nn]=([a-zA-Z0-9.]*).*$/$1/U',
    'DEFAULT'
  ].join(', ')
  t.equal(map(rules, 'CN=Duke,OU=ServiceUsers,O=Org,C=US'), 'duke')
  t.equal(map(rules, 'CN=Duke,OU=SME,O=mycp,L=Fulton,ST=MD,C=US'), 'duke@sme')
  t.equal(map(rules, 'cn=duke,ou=sme,dc=mycp,dc=com'), 'DUKE@SME')
  t.equal(map(rules, 'cN=duke,OU=JavaSoft,O=Sun Microsystems'), 'DUKE')
  t.equal(map(rules, 'OU=JavaSoft,O=Sun Microsystems,C=US'), 'OU=JavaSoft,O=Sun Microsystems,C=US')
  t.equal(map('RULE:^CN=((\\\\, *|\\w)+)(,.*|$)/$1/,DEFAULT', 'CN=Tkac\\, Adam,OU=ITZ,DC=geodis,DC=cz'), 'Tkac\\, Adam')
})

t.test('lists of rules', async t => {
  for (const [rules, name, expected] of [
    ['DEFAULT', 'CN=a', 'CN=a'],
    [' DEFAULT ', 'CN=a', 'CN=a'],
    ['RULE:CN=b/x/ , , DEFAULT,', 'CN=a', 'CN=a'],
    ['RULE:CN=a/x/L,RULE:CN=b/y/U', 'CN=b', 'Y'],
    ['RULE:CN=a/first/,RULE:CN=a/second/', 'CN=a', 'first'],
    ['RULE:CN=a/x/', 'CN=b', null],
    ['RULE:N=a/x/', 'CN=a', null],
    ['RULE:CN=a/x/', 'CN=a,O=b', null],
    ['RULE:CN=(.*),O=.*/$1/', 'CN=a,O=b', 'a'],
    ['RULE:CN=(a\\/b)/$1/', 'CN=a/b', 'a/b'],
    ['RULE:CN=(a)/x\\/$1/', 'CN=a', 'x/a'],
    ['RULE:CN=(a),O=(b)/$2,$1/,DEFAULT', 'CN=a,O=b', 'b,a'],
    ['RULE:.+//', 'CN=a', '']
  ] as const) t.equal(map(rules, name), expected, `${rules} of ${name}`)
})

t.test('a replacement means what it means to Java', async t => {
  for (const [pattern, replacement, name, expected] of [
    ['.*', 'x', 'abc', 'xx'],
    ['(a|ab)(c|bcd)(d*)', '$1-$2-$3', 'abcd', 'a-bcd-'],
    ['(?<n>a)b', '${n}!', 'ab', 'a!'], // eslint-disable-line no-template-curly-in-string
    ['(x)?(a)', '[$1$2]', 'a', '[a]'],
    ['^CN=(.*?),.*$', '$1\\$\\q', 'CN=a,b', 'a$q'],
    ['(a)(b)', '$0$12', 'ab', 'aba2'],
    ['(a)(b)', '$1@$4', 'ab', 'a@$4'],
    ['(a)(b)', '$2$99', 'ab', 'b$99'],
    ['a(b)', 'é🔑$1', 'ab', 'é🔑b']
  ] as const) t.equal(map(`RULE:${pattern}/${replacement}/`, name), expected, `${pattern} ${replacement} ${name}`)
})

t.test('what is not a rule', async t => {
  for (const rules of [
    'default', 'DEFAUL', 'DEFAULT/L', 'DEFAULT/U', 'DEFAULTS', 'RULE:CN=(.*?),OU=ServiceUsers.*/$1', 'rule:^CN=(.*?),OU=ServiceUsers.*$/$1/',
    'RULE:^CN=(.*?),OU=ServiceUsers.*$/$1/L/U', 'RULE:^CN=(.*?),OU=ServiceUsers.*$/L', 'RULE:^CN=(.*?),OU=ServiceUsers.*$/U',
    'RULE:^CN=(.*?),OU=ServiceUsers.*$/LU', 'RULE:a/b/l', 'RULE:(/x/', 'RULE:a/${n}/', // eslint-disable-line no-template-curly-in-string
    'RULE:a/$/', 'RULE:(a)\\1/x/', 'RULE:(?=a)a/x/', 'DEFAULT,RULE:', 'DEFAULT RULE:a/b/'
  ]) t.throws(() => parsePrincipalMapping(rules), /^The principal mapping rule ".*" is not valid: /, rules)
  for (const rules of ['', '  ', ',', ' , ']) t.throws(() => parsePrincipalMapping(rules), /nobody could log in/, rules)
})

t.test('no pattern and no certificate takes long', async t => {
  for (const bomb of ['(a+)+$', '(a|aa)+$', '(a|a?)+$', '(.*a){20}$', '([a-zA-Z]+)*$']) {
    const mapping = parsePrincipalMapping(`RULE:${bomb}/x/`)
    const start = process.cpuUsage()
    t.equal(mapping(`${'a'.repeat(4000)}!`), null, bomb)
    const { user } = process.cpuUsage(start)
    t.ok(user < 5_000_000, `${user} us, where backtracking would take for ever`)
  }
  t.equal(map('RULE:.*/x/,DEFAULT', 'a'.repeat(4097)), null, 'a name that is too long is nobody\'s')
})
