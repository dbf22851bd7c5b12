import t from 'tap'
import { banner } from '../../src/banner.ts'
import { loadConfig } from '../../src/config.ts'
import { version } from '../../src/version.ts'

const kafka = [{ host: '127.0.0.1', port: 9092 }]
const http = { host: '127.0.0.1', port: 8082 }

t.test('it says version, places, durability, safety and what to try, on plain lines', async t => {
  const text = banner(loadConfig(['--data', '/srv/log'], {}), kafka, http, false)
  t.same(text.split('\n'), [
    `Barnabas ${version}  (node ${process.versions.node})`,
    'kafka      127.0.0.1:9092',
    'http       http://127.0.0.1:8082',
    'data       /srv/log',
    'durability fsync (acks=all is answered once the records are on the disk)',
    'safety     no authentication; only this machine can connect',
    'try        curl -d hello http://127.0.0.1:8082/topics/greetings',
    'then       curl \'http://127.0.0.1:8082/topics/greetings/records?from=earliest\'',
    ''
  ])
})

t.test('the places are the real ones, where other ports were asked for', async t => {
  const config = loadConfig(['--kafka', '127.0.0.1:0', '--http', '[::1]:0'], {})
  const text = banner(config, [{ host: '127.0.0.1', port: 40001 }], { host: '::1', port: 40002 }, false)
  t.match(text, '\nkafka      127.0.0.1:40001\nhttp       http://[::1]:40002\n')
  t.match(text, 'curl -d hello http://[::1]:40002/')
})

t.test('an open door is called what it is, and the command to try still works', async t => {
  const config = loadConfig(['--insecure', '--http', '0.0.0.0:8082', '--durability', 'os'], {})
  const text = banner(config, kafka, { host: '0.0.0.0', port: 8082 }, false)
  t.match(text, '\nhttp       http://0.0.0.0:8082\n')
  t.match(text, '\nsafety     NOT SAFE on an open network')
  t.match(text, 'curl -d hello http://127.0.0.1:8082/')
  t.match(text, '\ndurability os (')
})

t.test('colours change nothing but colours', async t => {
  const config = loadConfig([], {})
  const colored = banner(config, kafka, http, true)
  t.match(colored, '\u001b[')
  // eslint-disable-next-line no-control-regex
  t.equal(colored.replace(/\u001b\[\d+m/g, ''), banner(config, kafka, http, false))
})

t.test('with an administrator it says who that is and how to log in, at every door', async t => {
  const config = loadConfig(['--kafka', '127.0.0.1:9092,PLAINTEXT://127.0.0.1:9093,127.0.0.1:9094?mechanisms=SCRAM-SHA-512'], { BARNABAS_ADMIN: 'root:hunter2' })
  const places = [9092, 9093, 9094].map(port => ({ host: '127.0.0.1', port }))
  const text = banner(config, places, http, false)
  t.match(text, '\nkafka      127.0.0.1:9092\nkafka      127.0.0.1:9093\nkafka      127.0.0.1:9094\nhttp       http://127.0.0.1:8082\n')
  t.match(text, '\nsafety     authentication is on; root may do everything\n' +
    'login      SASL_PLAINTEXT at 127.0.0.1:9092: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512\n' +
    'login      PLAINTEXT at 127.0.0.1:9093: no passwords\n' +
    'login      SASL_PLAINTEXT at 127.0.0.1:9094: SCRAM-SHA-512\n' +
    'login      http: Basic, tickets\n')
  t.match(text, '\ntry        curl -u root -d hello http://127.0.0.1:8082/topics/greetings\n')
  t.notMatch(text, 'hunter2')
})

t.test('TLS, client certificates and tokens are named', async t => {
  const files = t.testdir({ 'cert.pem': '', 'key.pem': '', 'ca.pem': '' })
  const config = loadConfig([
    '--kafka', 'SSL://127.0.0.1:9092?client-auth=required', '--tls-cert', `${files}/cert.pem`, '--tls-key', `${files}/key.pem`, '--tls-ca', `${files}/ca.pem`,
    '--authentication', 'required', '--oauth-jwks', 'https://id.example/keys', '--oauth-issuer', 'https://id.example', '--oauth-audience', 'log'
  ], {})
  const text = banner(config, kafka, http, false)
  t.match(text, '\nhttp       https://127.0.0.1:8082\n')
  t.match(text, '\nsafety     authentication is on\n' +
    'login      SSL at 127.0.0.1:9092: no passwords, client certificates required\n' +
    'login      https: Basic, Bearer, tickets\n')
  t.match(text, 'curl -u NAME -d hello https://127.0.0.1:8082/')
})

t.test('what --insecure leaves open is said with authentication as well', async t => {
  const config = loadConfig(['--insecure', '--kafka', '0.0.0.0:9092'], { BARNABAS_ADMIN: 'root:hunter2' })
  t.match(banner(config, [{ host: '0.0.0.0', port: 9092 }], http, false), '\nsafety     authentication is on; root may do everything; NOT SAFE where secrets')
})
