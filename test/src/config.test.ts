import { join, resolve } from 'node:path'
import t from 'tap'
import { formatAddress, isWildcard, parseAddress } from '../../src/config/address.ts'
import { fileKeyOf, optionKeys, options, variableOf, type OptionKey } from '../../src/config/options.ts'
import { commandOf, isLoopback, loadConfig, UsageError, type Config } from '../../src/config.ts'

/** The sentences that a configuration is refused with. */
function problemsOf (argv: readonly string[], env: NodeJS.ProcessEnv = {}): readonly string[] {
  try {
    loadConfig(argv, env)
  } catch (error) {
    if (error instanceof UsageError) return error.problems
    throw error
  }
  return []
}

t.test('without anything given, the defaults are those of the fixed surface', async t => {
  t.match(loadConfig([], {}), {
    data: resolve('data'),
    kafka: [{ name: 'PLAINTEXT', protocol: 'PLAINTEXT', host: '127.0.0.1', port: 9092, advertised: null, mechanisms: [], clientAuth: 'none' }],
    http: { scheme: 'http', host: '127.0.0.1', port: 8082, clientAuth: 'none' },
    security: { required: false },
    admin: null,
    tls: null,
    oauth: null,
    superUsers: [],
    anonymous: false,
    allowWithoutAcl: false,
    publicMetrics: false,
    maxReauthMs: 0,
    maxConnections: 10_000,
    maxConnectionsPerAddress: 1000,
    maxConnectionsPerPrincipal: 1000,
    connectionRate: 500,
    memoryInFlightPerPrincipalBytes: 32 * 2 ** 20,
    auditFile: null,
    auditTopic: null,
    durability: 'fsync',
    advertised: null,
    insecure: false,
    allowedOrigins: [],
    partitions: 1,
    autoCreate: true,
    retentionMs: 7 * 86_400_000,
    segmentBytes: 2 ** 30,
    maxBodyBytes: 64 * 2 ** 20,
    maxRequestBytes: 100 * 2 ** 20,
    tailMemoryBytes: 32 * 2 ** 20,
    groupInitialDelayMs: 500,
    shutdownGraceMs: 10_000,
    logLevel: 'info',
    logFormat: 'auto',
    config: null,
    color: true
  })
  t.equal(loadConfig([], {}).upstream, null)
  t.equal(loadConfig([], { NO_COLOR: '1' }).color, false)
})

/** For every option that stands in the configuration as it was given: a value that is not the default, and what it becomes. */
const samples = {
  data: ['/var/lib/barnabas', '/var/lib/barnabas'],
  durability: ['os', 'os'],
  advertised: ['log.example.com:443', { host: 'log.example.com', port: 443 }],
  insecure: ['true', true],
  allowedOrigins: ['https://a.example,http://localhost:3000', ['https://a.example', 'http://localhost:3000']],
  partitions: ['12', 12],
  autoCreate: ['false', false],
  retentionMs: ['-1', -1],
  segmentBytes: ['512MiB', 512 * 2 ** 20],
  maxBodyBytes: ['10MB', 10_000_000],
  maxRequestBytes: ['1048576', 1_048_576],
  tailMemoryBytes: ['0', 0],
  groupInitialDelayMs: ['3s', 3000],
  shutdownGraceMs: ['1.5m', 90_000],
  superUsers: ['User:a;b', ['User:a', 'User:b']],
  anonymous: ['true', true],
  allowWithoutAcl: ['true', true],
  publicMetrics: ['true', true],
  maxReauthMs: ['1h', 3_600_000],
  maxConnections: ['20', 20],
  maxConnectionsPerAddress: ['21', 21],
  maxConnectionsPerPrincipal: ['22', 22],
  connectionRate: ['23', 23],
  memoryInFlightBytes: ['1GiB', 2 ** 30],
  memoryInFlightPerPrincipalBytes: ['64MiB', 2 ** 26],
  auditFile: ['/var/log/audit.ndjson', '/var/log/audit.ndjson'],
  auditTopic: ['audit', 'audit'],
  logLevel: ['debug', 'debug'],
  logFormat: ['json', 'json']
} satisfies { readonly [K in OptionKey & keyof Config]?: readonly [text: string, value: unknown] }

const required = { BARNABAS_AUTHENTICATION: 'required' }

for (const key of Object.keys(samples) as Array<keyof typeof samples>) {
  const [text, value] = samples[key]
  t.test(`--${options[key].flag} is the same as a flag, a variable and a key of the file`, async t => {
    const directory = t.testdir({ 'barnabas.yaml': `${fileKeyOf(key)}: "${text}"\n` })
    const isSwitch = options[key].value.placeholder === ''
    const flag = isSwitch ? [text === 'true' ? `--${options[key].flag}` : `--no-${options[key].flag}`] : [`--${options[key].flag}`, text]
    t.same(loadConfig(flag, required)[key], value)
    t.same(loadConfig([`--${options[key].flag}=${text}`], required)[key], value)
    t.same(loadConfig(['serve'], { ...required, [variableOf(key)]: text })[key], value)
    t.same(loadConfig(['--config', join(directory, 'barnabas.yaml')], required)[key], value)
  })
}

t.test('a flag goes before a variable, a variable before the file, the file before the default', async t => {
  const directory = t.testdir({ 'c.yaml': 'partitions: 2\nkafka: 127.0.0.1:1\nhttp: 127.0.0.1:2\nlogLevel: debug' })
  const env = { BARNABAS_CONFIG: join(directory, 'c.yaml'), BARNABAS_PARTITIONS: '3', BARNABAS_KAFKA: '127.0.0.1:4', BARNABAS_DATA: '' }
  const config = loadConfig(['--partitions', '5'], env)
  t.match(config, { partitions: 5, kafka: [{ port: 4 }], http: { port: 2 }, logLevel: 'debug', durability: 'fsync' })
  t.equal(config.data, resolve('data'), 'a variable that is set to nothing is not set')
})

t.test('the file takes YAML\'s own kinds of values', async t => {
  const directory = t.testdir({
    'c.yaml': '# comment\npartitions: 3\nautoCreate: false\nretention: -1\nmaxBody: 65536\nhttp: "[::1]:8082"\n' +
      'allowedOrigins:\n  - https://a.example\n  - "*"\n',
    'empty.yaml': '# nothing\n'
  })
  t.match(loadConfig(['--config', join(directory, 'c.yaml')], {}), {
    partitions: 3, autoCreate: false, retentionMs: -1, maxBodyBytes: 65536, http: { host: '::1' }, allowedOrigins: ['https://a.example', '*']
  })
  t.equal(loadConfig(['--config', join(directory, 'empty.yaml')], {}).partitions, 1)
})

t.test('what is not known is refused, with what may have been meant', async t => {
  t.same(problemsOf(['--dta', './x']), ['There is no option --dta. Did you mean --data?'])
  t.same(problemsOf(['--logLevel=debug']), ['There is no option --logLevel. Did you mean --log-level?'])
  t.same(problemsOf(['--zookeeper', 'x']), ['There is no option --zookeeper.'])
  t.same(problemsOf(['srve']), ['There is no command "srve". Did you mean serve?'])
  t.same(problemsOf(['serve', 'serve']), ['There is no command "serve". Did you mean serve?'])
  t.same(problemsOf(['--__proto__', '--constructor=1']).length, 2)
  t.same(problemsOf([], { BARNABAS_LOGLEVEL: 'x' }), ['There is no option for the variable BARNABAS_LOGLEVEL. Did you mean BARNABAS_LOG_LEVEL?'])
  t.same(problemsOf([], { BARNABAS_HTTP_PORT: '8082' }), ['There is no option for the variable BARNABAS_HTTP_PORT. Did you mean BARNABAS_HTTP?'])
  const file = join(t.testdir({ 'c.yaml': 'partitions: 1\nlog-level: debug\nconfig: other.yaml\n' }), 'c.yaml')
  t.same(problemsOf(['--config', file]), [
    `${file} line 2: there is no option "log-level". Did you mean logLevel?`,
    `${file} line 3: there is no option "config".`
  ])
})

t.test('variables that Kubernetes sets for a service called barnabas are none of ours', async t => {
  t.same(problemsOf([], {
    BARNABAS_SERVICE_HOST: '10.0.0.1',
    BARNABAS_SERVICE_PORT: '9092',
    BARNABAS_SERVICE_PORT_KAFKA: '9092',
    BARNABAS_PORT: 'tcp://10.0.0.1:9092',
    BARNABAS_PORT_9092_TCP: 'tcp://10.0.0.1:9092',
    BARNABAS_PORT_9092_TCP_ADDR: '10.0.0.1',
    BARNABAS_HTTP_PORT: 'tcp://10.0.0.1:8082'
  }), [])
})

t.test('a value out of range is refused with its source, itself and what was expected', async t => {
  t.same(problemsOf(['--partitions', '0']), ['--partitions: "0" is not allowed; expected a whole number from 1 to 10000.'])
  t.same(problemsOf([], { BARNABAS_DURABILITY: 'fsnyc' }),
    ['BARNABAS_DURABILITY: "fsnyc" is not allowed; expected one of fsync, os. Did you mean fsync?'])
  t.match(problemsOf(['--kafka', '9092']), [/^--kafka: "9092" is not allowed; expected a list, .*HOST:PORT, .* Did you mean 127\.0\.0\.1:9092\?$/])
  t.match(problemsOf(['--kafka', '::1:9092']), [/Did you mean \[::1\]:9092\?$/])
  t.match(problemsOf(['--max-body', '64M']), [/Did you mean 64MiB\?$/])
  t.match(problemsOf(['--shutdown-grace', '500']), [/Did you mean 500ms\?$/])
  t.match(problemsOf(['--retention', '5']), [/or -1 for ever\.$/], 'no suggestion that would be refused as well')
  t.match(problemsOf(['--allowed-origins', 'https://a.example/app']), [/Did you mean https:\/\/a\.example\?$/])
  t.match(problemsOf(['--advertised', ':9092']), [/a host and a port that clients can connect to/])
  t.match(problemsOf(['--advertised', 'log:0']), [/a host and a port that clients can connect to/])
  const file = join(t.testdir({ 'c.yaml': '\npartitions: many\nkafka:\n  host: x\nhttp:\n' }), 'c.yaml')
  t.match(problemsOf(['--config', file]), [
    `${file} line 3, kafka: has no value that could be read; expected a list`,
    `${file} line 5, http: has no value that could be read`,
    `${file} line 2, partitions: "many" is not allowed`
  ])
})

t.test('a wrong value is an error even where another overrides it, and all are told at once', async t => {
  t.equal(problemsOf(['--partitions', '4', '--bogus'], { BARNABAS_PARTITIONS: 'x', BARNABAS_BOGUS: '1' }).length, 3)
})

t.test('a flag is given once, and with a value', async t => {
  t.same(problemsOf(['--http', '127.0.0.1:1', '--http', '127.0.0.1:2']), ['--http is given twice.'])
  t.same(problemsOf(['--data']), ['--data needs a value: --data DIR.'])
  t.same(problemsOf(['--data=']), ['--data needs a value: --data DIR.'])
  t.same(problemsOf(['--data', '--insecure']), ['--data needs a value: --data DIR.'])
  t.match(problemsOf(['--insecure=maybe']), [/expected true or false/])
})

t.test('a file that cannot be used is named', async t => {
  const directory = t.testdir({ 'bad.yaml': 'kafka: [1, 2\n', 'list.yaml': '- a\n', 'twice.yaml': 'http: :1\nhttp: :2\n' })
  t.match(problemsOf(['--config', join(directory, 'none.yaml')]), [/none\.yaml cannot be read: ENOENT/])
  t.match(problemsOf(['--config', join(directory, 'bad.yaml')]), [/bad\.yaml line \d is not YAML/])
  t.match(problemsOf(['--config', join(directory, 'list.yaml')]), [/must hold one option a line/])
  t.match(problemsOf(['--config', join(directory, 'twice.yaml')]), [/line 2 is not YAML: .*unique/])
})

t.test('beyond this machine nothing listens without --insecure', async t => {
  for (const address of ['0.0.0.0:9092', ':9092', '[::]:9092', '192.168.0.7:9092', 'log.example.com:9092']) {
    const sentence = /^--kafka: .* can be reached from other machines, .*Use 127\.0\.0\.1:9092, name an administrator .*, or add --insecure/
    t.match(problemsOf(['--kafka', address]), [sentence], address)
    t.same(problemsOf(['--kafka', address, '--insecure']), [], address)
  }
  t.match(problemsOf([], { BARNABAS_HTTP: '0.0.0.0:80' }), [/^BARNABAS_HTTP: 0\.0\.0\.0:80 can be reached/])
  t.same(problemsOf([], { BARNABAS_HTTP: '0.0.0.0:80', BARNABAS_INSECURE: 'true' }), [])
  t.equal(problemsOf(['--kafka', ':1', '--http', ':2']).length, 2)
})

t.test('the doors need two ports', async t => {
  t.match(problemsOf(['--kafka', '127.0.0.1:7', '--http', '127.0.0.1:7']), [/both 127\.0\.0\.1:7/])
  t.same(problemsOf(['--kafka', '127.0.0.1:0', '--http', '127.0.0.1:0']), [])
})

t.test('HOST:PORT', async t => {
  t.same(parseAddress('localhost:9092'), { host: 'localhost', port: 9092 })
  t.same(parseAddress('[::1]:9092'), { host: '::1', port: 9092 })
  t.same(parseAddress('[fe80::1%eth0]:1'), { host: 'fe80::1%eth0', port: 1 })
  t.same(parseAddress(':9092'), { host: '::', port: 9092 })
  t.same(parseAddress('127.0.0.1:0'), { host: '127.0.0.1', port: 0 })
  for (const wrong of [
    '', 'localhost', 'localhost:', ':', '9092', 'a:65536', 'a:-1', 'a: 1', '::1:9092', '[::1]', '[x]:1', '1.2.3:1', '300.0.0.1:1', 'a/b:1', 'a:1:2'
  ]) {
    t.equal(parseAddress(wrong), null, wrong)
  }
  t.equal(formatAddress({ host: '::1', port: 1 }), '[::1]:1')
  t.equal(formatAddress({ host: 'a', port: 1 }), 'a:1')
  for (const host of ['0.0.0.0', '::', '0:0:0:0:0:0:0:0']) t.ok(isWildcard(host), host)
  for (const host of ['127.0.0.1', '::1', 'a', '10.0.0.0']) t.notOk(isWildcard(host), host)
})

t.test('which hosts stay on this machine', async t => {
  for (const host of ['localhost', 'LOCALHOST', 'a.localhost', '127.0.0.1', '127.9.9.9', '::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1']) {
    t.ok(isLoopback(host), host)
  }
  for (const host of ['0.0.0.0', '::', '10.0.0.1', 'example.com', 'localhost.example.com', '::ffff:10.0.0.1', '128.0.0.1', '']) {
    t.notOk(isLoopback(host), host)
  }
})

t.test('sizes and times', async t => {
  const read = (flag: string, key: 'maxBodyBytes' | 'retentionMs', text: string): number | null =>
    problemsOf([flag, text]).length > 0 ? null : loadConfig([flag, text], {})[key]

  const body = (text: string): number | null => read('--max-body', 'maxBodyBytes', text)
  const sizes = [['1024', 1024], ['1KiB', 1024], ['1kib', 1024], ['1.5 MiB', 1_572_864], ['2kB', 2000], ['4096B', 4096], ['1GiB', 2 ** 30]] as const
  for (const [text, value] of sizes) {
    t.equal(body(text), value, text)
  }
  for (const text of ['', '1023', '1.1GiB', '-1', '1e6', '1 K', 'MiB', '0x400', '1024.5', '1constructor', 'Infinity']) t.equal(body(text), null, text)

  const time = (text: string): number | null => read('--retention', 'retentionMs', text)
  for (const [text, value] of [['1s', 1000], ['1500ms', 1500], ['1m', 60_000], ['2H', 7_200_000], ['30d', 2_592_000_000], ['-1', -1]] as const) {
    t.equal(time(text), value, text)
  }
  for (const text of ['7', '999ms', '-2', '1w', '40000d', '0']) t.equal(time(text), null, text)
})

t.test('help and version are asked for anywhere on the line', async t => {
  t.equal(commandOf([]), 'serve')
  t.equal(commandOf(['serve', '--data', 'x']), 'serve')
  t.equal(commandOf(['--bogus', '--help']), 'help')
  t.equal(commandOf(['-h']), 'help')
  t.equal(commandOf(['serve', '--version']), 'version')
})

t.test('every option has a flag, a variable and a key of its own', async t => {
  for (const nameOf of [(key: OptionKey) => options[key].flag, variableOf, fileKeyOf]) {
    t.equal(new Set(optionKeys.map(nameOf)).size, optionKeys.length)
  }
})
