/** Our definitions against those of the newest Kafka that is released. */
import t from 'tap'
import { newestKafkaJar } from './support/cache.ts'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { run } from './support/run.ts'

for (const artifact of ['kafka-clients', 'kafka-group-coordinator']) {
  t.test(`nothing differs from the definitions in the newest ${artifact}`, async t => {
    const folder = await newestKafkaJar(artifact)
    const jar = readdirSync(folder).find(name => name.endsWith('.jar'))!
    const { code, stdout, stderr } = await run(process.execPath, ['scripts/check-protocol.ts', join(folder, jar)])
    t.comment(`${jar}: ${stdout.split('\n').filter(line => line.startsWith('behind')).join(', ')}`)
    t.equal(code, 0, stdout + stderr)
    t.match(stdout, /^[1-9]\d* messages in \d+ versions compared, 0 differences\.$/m)
  })
}
