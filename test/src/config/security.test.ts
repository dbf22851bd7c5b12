import { chmodSync } from 'node:fs'
import { inspect } from 'node:util'
import t from 'tap'
import { optionKeys, options } from '../../../src/config/options.ts'
import { Secret } from '../../../src/config/secret.ts'
import { commandUser, loadConfig, UsageError, type Config } from '../../../src/config.ts'

const PASSWORD = 'correct:horse battery'
const admin = { BARNABAS_ADMIN: `root:${PASSWORD}` }
const pem = t.testdir({ 'cert.pem': 'c', 'key.pem': 'k', 'ca.pem': 'a' })
const tls = ['--tls-cert', `${pem}/cert.pem`, '--tls-key', `${pem}/key.pem`]
const ca = ['--tls-ca', `${pem}/ca.pem`]
const oauth = ['--oauth-jwks', 'https://id.example/keys', '--oauth-issuer', 'https://id.example', '--oauth-audience', 'log']

function problemsOf (argv: readonly string[], env: NodeJS.ProcessEnv = {}): readonly string[] {
  try {
    loadConfig(argv, env)
  } catch (error) {
    if (error instanceof UsageError) return error.problems
    throw error
  }
  return []
}

const protocolsOf = ({ kafka }: Config): string[] => kafka.map(({ protocol }) => protocol)

t.test('an administrator turns authentication on, and nothing else is needed', async t => {
  const config = loadConfig([], admin)
  t.same(config.security, { required: true })
  t.match(config, {
    kafka: [{ name: 'SASL_PLAINTEXT', protocol: 'SASL_PLAINTEXT', host: '127.0.0.1', mechanisms: ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] }],
    http: { scheme: 'http', port: 8082 },
    admin: { name: 'root' }
  })
  t.equal(config.admin!.password.reveal(), PASSWORD, 'what is behind the first colon, colons included')
  t.same(loadConfig(['--authentication', 'required'], {}).security, { required: true })
  t.equal(loadConfig(['--authentication', 'required'], {}).admin, null)
})

t.test('the administrator of a file, with and without the end of its line', async t => {
  const directory = t.testdir({ lf: 'root:a\n', crlf: 'root:a\r\n', bare: 'root:a', empty: '', two: 'root:a\nroot:b\n', long: `root:${'x'.repeat(5000)}` })
  for (const name of ['lf', 'crlf', 'bare']) t.equal(loadConfig(['--admin-file', `${directory}/${name}`], {}).admin?.password.reveal(), 'a', name)
  for (const name of ['empty', 'two']) {
    t.match(problemsOf([`--admin-file=${directory}/${name}`]), [/^--admin-file: \S+ does not hold one line with NAME:PASSWORD/])
  }
  t.match(problemsOf(['--admin-file', `${directory}/long`]), [/^--admin-file: \S+ is longer than one line/])
  t.match(problemsOf([], { BARNABAS_ADMIN_FILE: `${directory}/none` }), [/^BARNABAS_ADMIN_FILE: \S+ cannot be read: ENOENT/])
  t.match(problemsOf(['--admin-file', `${directory}/lf`], admin), [/^BARNABAS_ADMIN and --admin-file both name the administrator\. Leave one of them out\.$/])
  const file = t.testdir({ 'c.yaml': 'admin: root:from-yaml\n' })
  t.equal(loadConfig(['--config', `${file}/c.yaml`], {}).admin?.password.reveal(), 'from-yaml')
})

t.test('a password is not taken from the command line, and shown nowhere', async t => {
  for (const argv of [['--admin', `root:${PASSWORD}`], [`--admin=root:${PASSWORD}`], ['--admin']]) {
    const problems = problemsOf(argv)
    t.match(problems, [/^--admin is not taken from the command line, which others on this machine can read: set BARNABAS_ADMIN, .* --admin-file FILE\.$/])
  }
  for (const wrong of ['rootonly', 'root:', ':secret-canary', 'ro ot:secret-canary', 'ANONYMOUS:secret-canary', 'a/b:secret-canary', 'root:secret-canary\n']) {
    const [problem, ...more] = problemsOf([], { BARNABAS_ADMIN: wrong })
    t.match(problem, /^BARNABAS_ADMIN is not allowed as it is; expected NAME:PASSWORD, /)
    t.notMatch(problem, wrong)
    t.notMatch(problem, 'secret-canary')
    t.same(more, [])
  }
  const file = t.testdir({ 'c.yaml': 'admin: { name: root, password: secret-canary }\n', 'lost.yaml': 'partitions: 1\n"admin:secret-canary": x\n' })
  for (const name of ['c', 'lost']) t.notMatch(problemsOf(['--config', `${file}/${name}.yaml`]).join(), 'secret-canary')
  const config = loadConfig([], admin)
  for (const text of [JSON.stringify(config), inspect(config, { depth: 9 }), String(config.admin!.password), `${config.admin!.password}`]) {
    t.notMatch(text, PASSWORD)
  }
  t.match(JSON.stringify(config), '"password":"[secret]"')
  t.equal(inspect(new Secret('x')), '[secret]')
  t.same(Object.keys(new Secret('x')), [])
})

t.test('what a listener does not say follows from TLS and authentication', async t => {
  const auth = ['--authentication', 'required']
  const cases: ReadonlyArray<readonly [argv: readonly string[], protocol: string, scheme: string]> = [
    [[], 'PLAINTEXT', 'http'], [tls, 'SSL', 'https'], [auth, 'SASL_PLAINTEXT', 'http'], [[...auth, ...tls], 'SASL_SSL', 'https']
  ]
  for (const [argv, protocol, scheme] of cases) {
    const config = loadConfig(argv, {})
    t.same(protocolsOf(config), [protocol])
    t.equal(config.http.scheme, scheme)
  }
  t.equal(loadConfig([...tls, '--http', 'http://127.0.0.1:8082'], {}).http.scheme, 'http', 'unless it says otherwise')
  t.same(loadConfig([...tls, ...ca, '--tls-client-auth', 'requested'], {}).tls,
    { cert: `${pem}/cert.pem`, key: `${pem}/key.pem`, ca: `${pem}/ca.pem`, principalRules: 'DEFAULT' })
})

t.test('listeners are written like URLs, in a flag, a variable and the file', async t => {
  const text = 'sasl_ssl://127.0.0.1:9093?advertised=log.example.com:443&mechanisms=PLAIN+scram-sha-256&client-auth=requested'
  const expected = [
    { name: 'SASL_PLAINTEXT', protocol: 'SASL_PLAINTEXT', host: '127.0.0.1', port: 9092, advertised: { host: 'kafka.example.com', port: 9092 } },
    {
      name: 'SASL_SSL',
      protocol: 'SASL_SSL',
      port: 9093,
      advertised: { host: 'log.example.com', port: 443 },
      mechanisms: ['PLAIN', 'SCRAM-SHA-256'],
      clientAuth: 'requested'
    },
    { name: 'SASL_SSL-2', protocol: 'SASL_SSL', host: '::1', port: 9094, clientAuth: 'none' }
  ]
  const listeners = ['SASL_PLAINTEXT://127.0.0.1:9092', text, '[::1]:9094']
  const more = [...tls, ...ca, '--advertised', 'kafka.example.com:9092']
  t.match(loadConfig(['--kafka', listeners.join(','), ...more], admin).kafka, expected)
  t.match(loadConfig(more, { ...admin, BARNABAS_KAFKA: listeners.join(', ') }).kafka, expected)
  const file = t.testdir({ 'c.yaml': `kafka:\n${listeners.map(one => `  - "${one}"\n`).join('')}` })
  t.match(loadConfig(['--config', `${file}/c.yaml`, ...more], admin).kafka, expected)
  for (const wrong of [
    'SASL://127.0.0.1:1', 'http://127.0.0.1:1', '127.0.0.1:1?', '127.0.0.1:1?x=1', '127.0.0.1:1?mechanisms=', '127.0.0.1:1?mechanisms=PLAIN+NTLM',
    '127.0.0.1:1?client-auth=maybe', '127.0.0.1:1?advertised=:9', '127.0.0.1:1/', '127.0.0.1:1?client-auth=none&client-auth=none', '://127.0.0.1:1'
  ]) {
    const problems = problemsOf(['--kafka', wrong], admin)
    if (wrong.endsWith('?')) t.same(problems, [], wrong)
    else t.match(problems, [/^--kafka: ".*" is not allowed; expected a list, separated by commas, of HOST:PORT/], wrong)
  }
  t.match(problemsOf(['--kafka', 'SASL_SSL://9092'], admin), [/Did you mean SASL_SSL:\/\/127\.0\.0\.1:9092\?$/])
  t.match(problemsOf(['--kafka', ','], {}), [/names no listener/])
  t.match(problemsOf(['--http', 'ftp://127.0.0.1:1']), [/^--http: .* is not allowed; expected HOST:PORT/])
})

t.test('beyond this machine, credentials are asked for and do not travel unencrypted', async t => {
  const remote = (text: string): string[] => ['--kafka', text]
  const naked = /^--kafka: 0\.0\.0\.0:9092 can be reached from other machines, and PLAIN would send secrets there unencrypted\. .*SCRAM alone.*--insecure/
  const open = /^--kafka: 0\.0\.0\.0:9092 can be reached from other machines, and nothing asks them for credentials\..*--insecure/
  const clear = /^--http: 0\.0\.0\.0:8082 can be reached from other machines, and passwords and tokens would travel there unencrypted\..*--insecure/
  const refused: ReadonlyArray<readonly [argv: readonly string[], env: NodeJS.ProcessEnv, sentence: RegExp]> = [
    [remote('0.0.0.0:9092'), {}, open],
    [[...remote('0.0.0.0:9092'), ...tls], {}, open],
    [[...remote('SSL://0.0.0.0:9092?client-auth=requested'), ...tls, ...ca], {}, open],
    [remote('PLAINTEXT://0.0.0.0:9092'), admin, open],
    [[...remote('SSL://0.0.0.0:9092'), ...tls], admin, open],
    [remote('0.0.0.0:9092'), admin, naked],
    [remote('0.0.0.0:9092?mechanisms=SCRAM-SHA-256+PLAIN'), admin, naked],
    [[...remote('0.0.0.0:9092?mechanisms=OAUTHBEARER'), ...oauth], admin, /^--kafka: .* and OAUTHBEARER would send secrets/],
    [['--http', '0.0.0.0:8082'], {}, /^--http: .* nothing asks them for credentials/],
    [['--http', '0.0.0.0:8082'], admin, clear],
    [['--http', 'http://0.0.0.0:8082', ...tls], admin, /^--http: .* unencrypted\. Write https:\/\/ instead of http:\/\//]
  ]
  for (const [argv, env, sentence] of refused) {
    t.match(problemsOf(argv, env), [sentence], argv.join(' '))
    t.same(problemsOf([...argv, '--insecure'], env), [], `${argv.join(' ')} --insecure`)
  }
  const kept: ReadonlyArray<readonly [argv: readonly string[], env?: NodeJS.ProcessEnv]> = [
    [[...remote('0.0.0.0:9092'), '--http', '0.0.0.0:8082', ...tls], admin],
    [remote('0.0.0.0:9092?mechanisms=SCRAM-SHA-256+SCRAM-SHA-512'), admin],
    [[...remote('0.0.0.0:9092'), '--http', '0.0.0.0:8082', ...tls, ...ca, '--tls-client-auth', 'required']],
    [[...remote('SSL://0.0.0.0:9092?client-auth=required'), ...tls, ...ca], admin],
    [remote('PLAINTEXT://127.0.0.1:9092'), admin]
  ]
  for (const [argv, env] of kept) t.same(problemsOf(argv, env), [], argv.join(' '))
})

t.test('TLS needs a certificate and its key, both readable, and somebody who uses them', async t => {
  const needs = /needs a certificate and its key\. Add --tls-cert FILE and --tls-key FILE\.$/
  t.match(problemsOf(['--kafka', 'SSL://127.0.0.1:1']), [needs])
  t.match(problemsOf(['--kafka', 'SASL_SSL://127.0.0.1:1'], admin), [needs])
  t.match(problemsOf(['--http', 'https://127.0.0.1:1']), [/^--http: https at 127\.0\.0\.1:1 needs a certificate/])
  t.match(problemsOf(tls.slice(0, 2)), [/^--tls-cert: a certificate needs its private key\. Add --tls-key FILE\.$/])
  t.match(problemsOf(tls.slice(2)), [/^--tls-key: a private key needs its certificate\. Add --tls-cert FILE\.$/])
  t.match(problemsOf([...tls, '--kafka', 'PLAINTEXT://127.0.0.1:1', '--http', 'http://127.0.0.1:2']), [/^--tls-cert: no listener speaks TLS\./])
  const unknown = /^--tls-client-auth: certificates of clients are checked by the authority .* --tls-ca FILE\.$/
  t.match(problemsOf([...tls, '--tls-client-auth', 'required']), [unknown])
  t.match(problemsOf(['--tls-client-auth', 'required', ...ca]), [needs])
  t.match(problemsOf([...tls, '--kafka', 'SSL://127.0.0.1:1?client-auth=required']), [/--tls-ca FILE/])
  t.match(problemsOf([...tls, ...ca]), [/^--tls-ca means nothing while no listener asks clients for a certificate/])
  t.match(problemsOf([...tls, '--tls-principal-rules', 'RULE:x/y/']), [/^--tls-principal-rules means nothing/])
  t.match(problemsOf(['--kafka', '127.0.0.1:1?client-auth=required'], admin), [/--tls-ca FILE/, /has no TLS, so that no client can show a certificate/])
  t.match(problemsOf(['--tls-cert', `${pem}/none.pem`, '--tls-key', `${pem}/key.pem`]), [/^--tls-cert: \S+none\.pem cannot be read: ENOENT/])
  if (process.getuid?.() !== 0) {
    chmodSync(`${pem}/key.pem`, 0)
    t.match(problemsOf(tls), [/^--tls-key: \S+key\.pem cannot be read: EACCES/])
  }
})

t.test('tokens are checked by keys, issuer and audience, over https', async t => {
  t.match(loadConfig(oauth, admin), {
    oauth: { jwks: 'https://id.example/keys', issuer: 'https://id.example', audience: 'log', principalClaim: 'sub', ca: null },
    kafka: [{ mechanisms: ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'] }]
  })
  t.match(problemsOf(oauth.slice(0, 2), admin), [/^--oauth-jwks: tokens are checked by .* Add --oauth-issuer and --oauth-audience, or leave all three out\.$/])
  t.match(problemsOf(oauth.slice(2), admin), [/^--oauth-issuer and --oauth-audience: .* Add --oauth-jwks,/])
  t.match(problemsOf(['--kafka', '127.0.0.1:1?mechanisms=OAUTHBEARER'], admin), [/^OAUTHBEARER at 127\.0\.0\.1:1: nothing says how tokens are checked/])
  t.match(problemsOf(['--sasl-mechanisms', 'PLAIN,OAUTHBEARER'], admin), [/^OAUTHBEARER at/])
  t.match(problemsOf(['--oauth-ca', `${pem}/ca.pem`], admin), [/^--oauth-ca means nothing without --oauth-jwks/])
  for (const url of ['http://id.example/keys', 'file:///etc/passwd', 'https://user:secret@id.example/', 'id.example', 'https://id.example/#x']) {
    t.match(problemsOf(['--oauth-jwks', url, ...oauth.slice(2)], admin)[0], /^--oauth-jwks: .* expected a URL that begins with https:/, url)
  }
  t.match(problemsOf(['--oauth-jwks', 'http://id.example/keys', ...oauth.slice(2)], admin), [/Did you mean https:\/\/id\.example\/keys\?/, /./])
})

t.test('what can mean nothing is not accepted and ignored', async t => {
  for (const flag of ['--anonymous', '--allow-without-acl', '--public-metrics', '--super-users=a', '--sasl-mechanisms=PLAIN', '--max-reauth=1h']) {
    t.match(problemsOf([flag]), [/^--\S+ means nothing while nothing asks for credentials\. Name an administrator/], flag)
    t.same(problemsOf([flag], admin), [], flag)
  }
  t.match(problemsOf(oauth), [/^--oauth-jwks means nothing while/])
  t.match(problemsOf(['--authentication', 'none'], admin), [/^--authentication: none, although BARNABAS_ADMIN names an administrator/])
  t.match(problemsOf(['--kafka', 'SASL_PLAINTEXT://127.0.0.1:1']), [/asks for credentials, but authentication is off/])
  t.match(problemsOf(['--kafka', 'PLAINTEXT://127.0.0.1:1?mechanisms=PLAIN'], admin), [/has no mechanisms\. Use SASL_PLAINTEXT/])
})

t.test('super users are separated by semicolons, because names of certificates hold commas', async t => {
  const of = (text: string): readonly string[] => loadConfig(['--super-users', text], admin).superUsers
  t.same(of('alice,User:bob'), ['User:alice', 'User:bob'])
  t.same(of('User:alice; bob'), ['User:alice', 'User:bob'])
  t.same(of('User:CN=alice,OU=a,O=b'), ['User:CN=alice,OU=a,O=b'])
  const file = t.testdir({ 'c.yaml': 'superUsers:\n  - User:CN=alice,OU=a\n  - bob\n' })
  t.same(loadConfig(['--config', `${file}/c.yaml`], admin).superUsers, ['User:CN=alice,OU=a', 'User:bob'])
  t.match(problemsOf(['--super-users', 'Group:x'], admin), [/expected a list of User:NAME/])
})

t.test('two listeners need two ports', async t => {
  t.match(problemsOf(['--kafka', '127.0.0.1:7,127.0.0.1:7']), ['--kafka names 127.0.0.1:7 twice: each listener needs a port of its own.'])
  t.match(problemsOf(['--kafka', '127.0.0.1:6,127.0.0.1:7', '--http', '127.0.0.1:7']),
    ['--kafka and --http are both 127.0.0.1:7: each needs a port of its own.'])
  t.same(problemsOf(['--kafka', '127.0.0.1:0,127.0.0.1:0']), [])
})

t.test('memory in flight is a quarter of what there is, unless it is said', async t => {
  const { memoryInFlightBytes } = loadConfig([], {})
  t.ok(Number.isSafeInteger(memoryInFlightBytes) && memoryInFlightBytes >= 2 ** 24)
})

t.test('who runs a command is said by a variable of its own, or by that of the administrator', async t => {
  t.equal(commandUser({}), null)
  t.equal(commandUser(admin)?.name, 'root')
  t.equal(commandUser({ ...admin, BARNABAS_CLI_USER: 'alice:x' })?.name, 'alice')
  t.throws(() => commandUser({ BARNABAS_CLI_USER: 'secret-canary' }), { message: /^BARNABAS_CLI_USER is not NAME:PASSWORD, / })
  t.same(problemsOf([], { BARNABAS_CLI_USER: 'alice:x' }), [], 'and does not keep a process from serving')
})

t.test('no secret has a flag in the help', async t => {
  for (const key of optionKeys) {
    const value: { readonly isSecret?: boolean } = options[key].value
    if (value.isSecret === true) t.match(options[key].help, 'Not a flag')
  }
})

t.test('the secret of delegation tokens, of the environment or of a file', async t => {
  const SECRET = 'secret-canary-of-tokens'
  const directory = t.testdir({ good: `${SECRET}\n`, short: 'secret-canary', two: `${SECRET}\n${SECRET}` })
  const fromEnv = { ...admin, BARNABAS_DELEGATION_TOKEN_SECRET: SECRET }
  const config = loadConfig([], fromEnv)
  t.equal(config.delegationTokenSecret?.reveal(), SECRET)
  t.notMatch(inspect(config, { depth: 9 }) + JSON.stringify(config), SECRET)
  t.match(config, { delegationTokenMaxLifetimeMs: 7 * 86_400_000, delegationTokenExpiryMs: 86_400_000 })
  t.equal(loadConfig([], admin).delegationTokenSecret, null)
  t.equal(loadConfig(['--delegation-token-secret-file', `${directory}/good`], admin).delegationTokenSecret?.reveal(), SECRET)

  const wrong: readonly (readonly [argv: readonly string[], env: NodeJS.ProcessEnv, problem: RegExp])[] = [
    [['--delegation-token-secret', SECRET], admin, /^--delegation-token-secret is not taken from the command line/],
    [[], { ...admin, BARNABAS_DELEGATION_TOKEN_SECRET: 'secret-canary' },
      /^BARNABAS_DELEGATION_TOKEN_SECRET is not allowed as it is; expected 16 to 4096 characters/],
    [['--delegation-token-secret-file', `${directory}/short`], admin, /^--delegation-token-secret-file: \S+ does not hold one line with 16 to 4096 characters/],
    [['--delegation-token-secret-file', `${directory}/two`], admin, /does not hold one line/],
    [['--delegation-token-secret-file', `${directory}/none`], admin, /cannot be read: ENOENT/],
    [['--delegation-token-secret-file', `${directory}/good`], fromEnv, /^BARNABAS_DELEGATION_TOKEN_SECRET and --delegation-token-secret-file both say/],
    [[], { BARNABAS_DELEGATION_TOKEN_SECRET: SECRET },
      /^BARNABAS_DELEGATION_TOKEN_SECRET means nothing while nothing asks for credentials\. Name an administrator/],
    [['--delegation-token-expiry', '1h'], admin,
      /^--delegation-token-expiry means nothing without a secret for delegation tokens\. Set BARNABAS_DELEGATION_TOKEN_SECRET/],
    [['--sasl-mechanisms', 'PLAIN'], fromEnv, /^BARNABAS_DELEGATION_TOKEN_SECRET: delegation tokens log in with SCRAM, which no listener offers/]
  ]
  for (const [argv, env, problem] of wrong) {
    const problems = problemsOf(argv, env)
    t.match(problems, [problem])
    t.equal(problems.length, 1)
    t.notMatch(problems.join(), /secret-canary/)
  }
})
