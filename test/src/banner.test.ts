import t from 'tap'
import { banner } from '../../src/banner.ts'
import { loadConfig } from '../../src/config.ts'
import { version } from '../../src/version.ts'

const kafka = { host: '127.0.0.1', port: 9092 }
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
  const text = banner(config, { host: '127.0.0.1', port: 40001 }, { host: '::1', port: 40002 }, false)
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
