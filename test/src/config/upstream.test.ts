import { inspect } from 'node:util'
import t from 'tap'
import { loadConfig, UsageError, type UpstreamConfig } from '../../../src/config.ts'
import type { UpstreamSecurityOptions } from '../../../storage/cluster/security/options.ts'
import { createUpstreamSecurity } from '../../../storage/cluster/security/security.ts'
import { createAuthority } from '../../support/certificates.ts'

const SECRET = 'secret-canary'
const { cert: ca, client } = await createAuthority()
const files = t.testdir({ ca, ...await client(), password: `${SECRET}\n`, two: 'a\nb', empty: '', token: 'abc', mapping: '' })
const to = ['--upstream', 'kafka1.example:9092,127.0.0.1:9093']
const here = ['--upstream', '127.0.0.1:9092']
const password = { BARNABAS_UPSTREAM_PASSWORD: SECRET }
const client2 = { BARNABAS_UPSTREAM_OAUTH_CLIENT_SECRET: SECRET }
const as = (mechanism: string): string[] => ['--upstream-mechanism', mechanism, '--upstream-username', 'gateway']
const endpoint = ['--upstream-mechanism', 'OAUTHBEARER', '--upstream-token-endpoint', 'https://id.example/token', '--upstream-oauth-client-id', 'gateway']

function problemsOf (argv: readonly string[], env: NodeJS.ProcessEnv = {}): readonly string[] {
  try {
    loadConfig(argv, env)
  } catch (error) {
    if (error instanceof UsageError) return error.problems
    throw error
  }
  return []
}

const upstreamOf = (argv: readonly string[], env: NodeJS.ProcessEnv = {}): UpstreamConfig => loadConfig(argv, env).upstream!

t.test('a cluster behind, and nothing else', async t => {
  t.same(upstreamOf(to), {
    bootstrap: [{ host: 'kafka1.example', port: 9092 }, { host: '127.0.0.1', port: 9093 }],
    nodeId: 0,
    passAdministration: false,
    tls: null,
    sasl: null,
    credentials: null,
    planned: null,
    insecure: false
  })
  t.match(upstreamOf([...to, '--node-id', '3', '--upstream-pass-administration', '--insecure']), { nodeId: 3, passAdministration: true, insecure: true })
  t.equal(upstreamOf([...to, '--upstream-planned', '4.1']).planned, '4.1')
  t.match(problemsOf([...to, '--upstream-planned', '3.9']), [/^--upstream-planned: "3\.9" is not allowed; expected one of 4\.0, 4\.1/])
  t.match(problemsOf(['--upstream-planned', '4.1']), [/^--upstream-planned means nothing while the log is in the data folder/])
  t.equal(loadConfig([], {}).upstream, null)
  t.strictSame(Object.keys(loadConfig(to, {})).filter(key => /^upstream.|^nodeId/.test(key)), [], 'the options themselves are not in the configuration')
  t.match(problemsOf(['--upstream', 'kafka1.example']), [/expected a list/])
  t.match(problemsOf(['--upstream', ':9092']), [/expected a list/])
  t.match(problemsOf(['--upstream', ',']), ['--upstream: names no broker; expected a list, separated by commas, of HOST:PORT'])
  const { config } = { config: t.testdir({ 'c.yaml': 'upstream:\n  - a:1\n  - b:2\nupstreamTls: true\nnodeId: 2\n' }) }
  t.match(loadConfig(['--config', `${config}/c.yaml`], {}).upstream, { bootstrap: [{ host: 'a' }, { host: 'b' }], nodeId: 2, tls: { ca: null } })
})

t.test('TLS, by itself or because something is said about it', async t => {
  const none = { ca: null, cert: null, key: null }
  t.same(upstreamOf([...to, '--upstream-tls']).tls, none)
  t.same(upstreamOf([...to, '--upstream-ca', `${files}/ca`]).tls, { ...none, ca: `${files}/ca` })
  t.same(upstreamOf([...to, '--upstream-cert', `${files}/cert`, '--upstream-key', `${files}/key`]).tls, { ...none, cert: `${files}/cert`, key: `${files}/key` })
  for (const [argv, problem] of [
    [['--upstream-cert', `${files}/cert`], /^--upstream-cert: a certificate needs its private key\. Add --upstream-key FILE\.$/],
    [['--upstream-key', `${files}/key`], /^--upstream-key: a private key needs its certificate\. Add --upstream-cert FILE\.$/],
    [['--upstream-ca', `${files}/none`], /^--upstream-ca: \S+none cannot be read: ENOENT/],
    [['--no-upstream-tls', '--upstream-ca', `${files}/ca`], /^--no-upstream-tls turns TLS to the cluster off, and --upstream-ca is about TLS\. /]
  ] as const) t.match(problemsOf([...to, ...argv]), [problem])
})

t.test('a name and a password', async t => {
  const given = upstreamOf([...to, ...as('SCRAM-SHA-512')], password)
  t.match(given.sasl, { mechanism: 'SCRAM-SHA-512', username: 'gateway' })
  t.equal(given.sasl?.mechanism === 'SCRAM-SHA-512' && 'reveal' in given.sasl.password && given.sasl.password.reveal(), SECRET)
  t.notMatch(inspect(given, { depth: 9 }) + JSON.stringify(given), SECRET)
  t.same(upstreamOf([...to, ...as('SCRAM-SHA-256'), '--upstream-password-file', `${files}/password`]).sasl,
    { mechanism: 'SCRAM-SHA-256', username: 'gateway', password: { file: `${files}/password` } })
  for (const [argv, env, problem] of [
    [['--upstream-mechanism', 'SCRAM-SHA-256'], {}, /proves a name and a password\. Add --upstream-username and BARNABAS_UPSTREAM_PASSWORD \(or/],
    [as('SCRAM-SHA-256'), {}, /^--upstream-mechanism: SCRAM-SHA-256 proves a name and a password\. Add BARNABAS_UPSTREAM_PASSWORD/],
    [['--upstream-mechanism', 'scram-sha-256'], {}, /Did you mean SCRAM-SHA-256\?/],
    [['--upstream-mechanism', 'GSSAPI'], {}, /expected one of PLAIN/],
    [[...as('SCRAM-SHA-256'), '--upstream-password', SECRET], password, /^--upstream-password is not taken from the command line/],
    [[...as('SCRAM-SHA-256'), '--upstream-password-file', `${files}/password`], password, /^BARNABAS_UPSTREAM_PASSWORD and --upstream-password-file both/],
    [[...as('SCRAM-SHA-256'), '--upstream-password-file', `${files}/two`], {}, /two does not hold one line with/],
    [[...as('SCRAM-SHA-256'), '--upstream-password-file', `${files}/empty`], {}, /empty does not hold one line with/],
    [[...as('SCRAM-SHA-256'), '--upstream-password-file', `${files}/none`], {}, /^--upstream-password-file: \S+none cannot be read: ENOENT/],
    [['--upstream-username', 'gateway'], {}, /^--upstream-username means nothing while nothing says how .* Add --upstream-mechanism, or leave it out\.$/],
    [[], password, /^BARNABAS_UPSTREAM_PASSWORD means nothing while/],
    [[...as('SCRAM-SHA-256'), '--upstream-token-file', `${files}/token`], password, /^--upstream-token-file means nothing with SCRAM-SHA-256/]
  ] as readonly (readonly [string[], NodeJS.ProcessEnv, RegExp])[]) {
    const problems = problemsOf([...to, ...argv], env)
    t.match(problems, [problem])
    t.equal(problems.length, 1, problems.join('\n'))
    t.notMatch(problems.join(), SECRET)
  }
})

t.test('names hold nothing that ends what they are sent in', async t => {
  for (const flag of ['--upstream-username', '--upstream-oauth-client-id', '--upstream-oauth-scope']) {
    t.match(problemsOf([...here, flag, 'a\0b']), [new RegExp(`^${flag}: "a.*b" is not allowed; expected an? .* without control characters`)])
  }
})

t.test('a token', async t => {
  t.same(upstreamOf([...here, '--upstream-mechanism', 'OAUTHBEARER', '--upstream-token-file', `${files}/token`]).sasl,
    { mechanism: 'OAUTHBEARER', token: { file: `${files}/token` } })
  const given = upstreamOf([...here, ...endpoint, '--upstream-oauth-scope', 'kafka', '--upstream-oauth-ca', `${files}/ca`], client2)
  t.match(given.sasl, { mechanism: 'OAUTHBEARER', token: { endpoint: 'https://id.example/token', clientId: 'gateway', scope: 'kafka', ca: `${files}/ca` } })
  t.notMatch(inspect(given, { depth: 9 }) + JSON.stringify(given), SECRET)
  t.match(upstreamOf([...here, ...endpoint, '--upstream-oauth-client-secret-file', `${files}/password`]).sasl,
    { token: { clientSecret: { file: `${files}/password` }, scope: null, ca: null } })
  const local = [...endpoint.with(3, 'http://localhost:1/token'), '--upstream-oauth-client-secret-file', `${files}/password`]
  t.match(upstreamOf([...here, ...local]).sasl, { token: { endpoint: 'http://localhost:1/token' } })
  t.match(upstreamOf([...here, ...local.with(3, 'http://[::1]:1/token')]).sasl, { token: { endpoint: 'http://[::1]:1/token' } })
  for (const [argv, env, problem] of [
    [['--upstream-mechanism', 'OAUTHBEARER'], {}, /OAUTHBEARER shows a token\. Say where it comes from/],
    [endpoint, {}, /^--upstream-token-endpoint: tokens are given for a client's id and secret\. Add BARNABAS_UPSTREAM_OAUTH_CLIENT_SECRET \(or/],
    [endpoint.slice(0, 4), client2, /Add --upstream-oauth-client-id\.$/],
    [[...endpoint, '--upstream-token-file', `${files}/token`], client2, /both say where tokens come from/],
    [endpoint.with(3, 'http://id.example/token'), client2, /expected a URL that begins with https:\/\/ .* Did you mean https:\/\/id\.example\/token\?$/],
    [endpoint.with(3, 'http://localhost.example/token'), client2, /expected a URL/],
    [endpoint.with(3, 'https://a:b@id.example/token'), client2, /expected a URL/],
    [[...local, '--upstream-oauth-ca', `${files}/ca`], {}, /^--upstream-oauth-ca means nothing for an endpoint without TLS/],
    [['--upstream-mechanism', 'OAUTHBEARER', '--upstream-token-file', `${files}/token`, '--upstream-oauth-scope', 'x'], {},
      /^--upstream-oauth-scope means nothing without an endpoint/],
    [['--upstream-mechanism', 'OAUTHBEARER', '--upstream-token-file', `${files}/token`, '--upstream-username', 'x'], {},
      /^--upstream-username means nothing with OAUTHBEARER/],
    [['--upstream-oauth-client-id', 'x'], {}, /means nothing while nothing says how/]
  ] as readonly (readonly [string[], NodeJS.ProcessEnv, RegExp])[]) {
    const problems = problemsOf([...here, ...argv], env)
    t.match(problems.find(one => problem.test(one)), problem, problems.join('\n'))
    t.notMatch(problems.join(), SECRET)
  }
})

t.test('secrets do not leave this machine unencrypted, unless that is wanted', async t => {
  const sentence = /^--upstream: kafka1\.example:9092 is another machine, and PLAIN would send a password there unencrypted\. Use TLS \(--upstream-tls/
  t.match(problemsOf([...to, ...as('PLAIN')], password), [sentence])
  t.match(problemsOf([...to, ...endpoint], client2), [/and OAUTHBEARER would send a token there unencrypted/])
  for (const argv of [
    [...to, ...as('PLAIN'), '--upstream-tls'], [...to, ...as('PLAIN'), '--insecure'], [...here, ...as('PLAIN')], [...to, ...as('SCRAM-SHA-256')]
  ]) t.same(problemsOf(argv, password), [])
})

t.test('as whom others go there', async t => {
  const mapping = ['--upstream-credentials', `${files}/mapping`]
  t.equal(upstreamOf([...here, ...as('PLAIN'), ...mapping], password).credentials, `${files}/mapping`)
  t.match(problemsOf([...here, ...mapping]), [/^--upstream-credentials: the process itself goes to the cluster, too\. Say as whom: --upstream-mechanism/])
  t.match(problemsOf([...here, ...as('PLAIN'), '--upstream-credentials', `${files}/none`], password), [/none cannot be read: ENOENT/])
})

t.test('what means nothing without a cluster is refused, and so is what means nothing with one', async t => {
  for (const [argv, env] of [
    [['--node-id', '1'], {}], [['--upstream-tls'], {}], [['--upstream-ca', `${files}/ca`], {}], [as('PLAIN').slice(0, 2), {}], [[], password],
    [['--upstream-pass-administration'], {}], [['--upstream-credentials', `${files}/mapping`], {}]
  ] as readonly (readonly [string[], NodeJS.ProcessEnv])[]) {
    const problems = problemsOf(argv, env)
    t.match(problems, [/^(--|BARNABAS_)\S+ means nothing while the log is in the data folder\. Name a cluster with --upstream HOST:PORT, or leave it out\.$/])
    t.equal(problems.length, 1)
  }
  for (const argv of [
    ['--data', 'x'], ['--durability', 'os'], ['--partitions', '3'], ['--no-auto-create'], ['--retention', '1d'], ['--segment-bytes', '1MiB'],
    ['--tail-memory', '0'], ['--group-initial-delay', '0']
  ]) {
    t.match(problemsOf([...to, ...argv]),
      [`${argv[0]} means nothing while the log is in a cluster (--upstream), which has settings of its own for that. Leave it out.`])
  }
  t.match(problemsOf(to, { BARNABAS_DATA: '/data' }), [/^BARNABAS_DATA means nothing while/])
})

t.test('what it says is what storage/cluster takes', async t => {
  for (const config of [
    upstreamOf(to), upstreamOf([...here, ...as('PLAIN'), '--upstream-ca', `${files}/ca`], password), upstreamOf([...here, ...endpoint], client2)
  ]) {
    const options: UpstreamSecurityOptions = config
    t.ok(createUpstreamSecurity(options))
  }
})
