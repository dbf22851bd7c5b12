import t from 'tap'
import assert from 'node:assert'
import { loadConfig } from '../../src/config.ts'
import { explain } from '../../src/failure.ts'

const DATA = '/srv/barnabas'
const config = loadConfig(['--data', DATA, '--kafka', '127.0.0.1:9092', '--http', '127.0.0.1:8082'], {})

const failed = (fields: object, message = 'no'): Error => Object.assign(new Error(message), fields)
const listening = (code: string, port: number, address = '127.0.0.1'): Error => failed({ code, syscall: 'listen', address, port }, `listen ${code}`)
const onFile = (code: string, path: string): Error => failed({ code, syscall: 'open', path }, `${code}: no, open`)

t.test('a port that is taken is named, with who has it and another one to choose', async t => {
  const kafka = explain(listening('EADDRINUSE', 9092), config)
  t.match(kafka, /^127\.0\.0\.1:9092 is taken by another process \(".*9092.*" tells which\)\. .* --kafka 127\.0\.0\.1:19092\.$/)
  t.match(explain(listening('EADDRINUSE', 8082), config), '--http 127.0.0.1:18082.')
  t.match(explain(listening('EADDRINUSE', 60_000), loadConfig(['--http', '[::1]:60000'], {})), '--http 127.0.0.1:50000.', 'one that there is')
})

t.test('a port that needs privileges, an address that is another machine\'s, and one of the wrong family', async t => {
  const low = loadConfig(['--kafka', '[::1]:92'], {})
  t.match(explain(listening('EACCES', 92, '::1'), low), /^\[::1\]:92 may not be used .* below 1024 .* --kafka \[::1\]:8092\.$/)
  t.match(explain(listening('EADDRNOTAVAIL', 9092, '10.1.2.3'), config), /^10\.1\.2\.3 is not an address of this machine\. .* --kafka 127\.0\.0\.1:9092\.$/)
  t.match(explain(listening('EAFNOSUPPORT', 8082, '::'), config), /^:: cannot be listened on, .* no IPv6\. .* --http 0\.0\.0\.0:8082\.$/)
})

t.test('a name that cannot be resolved is the one of its flag', async t => {
  const named = loadConfig(['--http', 'logs.localhost:8082'], {})
  for (const code of ['ENOTFOUND', 'EAI_AGAIN']) {
    const text = explain(failed({ code, syscall: 'getaddrinfo', hostname: 'logs.localhost' }), named)
    t.match(text, `The name logs.localhost of --http could not be resolved (${code}). Use an address: --http 127.0.0.1:8082.`)
  }
})

t.test('any other reason not to listen is told as it is, with place and flag', async t => {
  t.equal(explain(listening('EMFILE', 8082), config), '127.0.0.1:8082 (--http) cannot be listened on: listen EMFILE.')
  const unnamed = explain(failed({ code: 'EINVAL', syscall: 'bind' }), config)
  t.equal(unnamed, '127.0.0.1:9092 (--kafka) cannot be listened on: no.', 'the first door where nothing is said')
})

t.test('where both doors have the same port, the host tells which one it is', async t => {
  const same = loadConfig(['--kafka', '127.0.0.1:9000', '--http', '127.0.0.2:9000'], {})
  t.match(explain(listening('EADDRINUSE', 9000, '127.0.0.2'), same), '--http 127.0.0.2:19000.')
  t.match(explain(listening('EADDRINUSE', 9000), same), '--kafka 127.0.0.1:19000.')
})

const files: { readonly [code: string]: string } = {
  EACCES: 'may not be written by this user',
  EPERM: 'may not be written by this user',
  EROFS: 'mounted read-only',
  ENOSPC: 'a disk that is full',
  EDQUOT: 'a disk that is full',
  ENOTDIR: 'is not a folder',
  EEXIST: 'is not a folder',
  ENOENT: 'cannot be made there',
  EMFILE: 'ulimit -n',
  ENFILE: 'ulimit -n'
}

t.test('what is wrong with the folder is said of the folder, with a way out', async t => {
  for (const [code, reason] of Object.entries(files)) {
    const text = explain(onFile(code, DATA), config)!
    t.ok(text.startsWith(`The data folder ${DATA} `) && text.includes(reason), `${code}: ${text}`)
    t.match(text, reason === 'ulimit -n' ? /Raise the limit .*\.$/ : /hoose another .*--data\.$/, code)
  }
  t.match(explain(onFile('EACCES', DATA), config), process.getuid === undefined ? 'user' : `(uid ${process.getuid()})`)
})

t.test('what is wrong with a file in it names both', async t => {
  for (const [code, reason] of Object.entries(files)) {
    const text = explain(onFile(code, `${DATA}/meta.properties`), config)!
    t.ok(text.startsWith(`${DATA}/meta.properties (the data folder is ${DATA}) `) && text.includes(reason), `${code}: ${text}`)
  }
  t.equal(explain(onFile('ELOOP', DATA), config), `The data folder ${DATA} cannot be used: ELOOP: no, open.`)
})

t.test('what fails on a file that is open is said of the folder', async t => {
  t.match(explain(failed({ code: 'ENOSPC', syscall: 'write' }), config), `The data folder ${DATA} is on a disk that is full.`)
  t.match(explain(failed({ code: 'EIO', syscall: 'fdatasync' }), config), `The data folder ${DATA} cannot be used`)
})

t.test('an error of ours is its own sentence, with a full stop', async t => {
  t.equal(explain(new Error('The log was written by a newer version. Start that one'), config), 'The log was written by a newer version. Start that one.')
  for (const text of ['Stop it first.', 'Really?', 'No!']) t.equal(explain(new Error(text), config), text)
  t.equal(explain(failed({ code: 'KAFKA_STORAGE_ERROR' }, 'The disk failed'), config), 'The disk failed.')
  t.equal(explain(failed({ code: 'ERR_SQLITE_ERROR' }, 'database is locked'), config), 'database is locked.')
})

t.test('a fault of the program is nobody\'s to mend, and gets no sentence', async t => {
  const faults: unknown[] = [
    new TypeError('x is not a function'), new ReferenceError('x is not defined'), new RangeError('Invalid array length'), new SyntaxError('Unexpected token'),
    new assert.AssertionError({ message: 'no' }), failed({ code: 'ERR_INVALID_ARG_TYPE' }), 'a text', null, undefined, { message: 'no error' }
  ]
  for (const fault of faults) t.equal(explain(fault, config), null, String(fault))
})
