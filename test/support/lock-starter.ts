/**
 * A process of its own that takes the lock of a folder when it is told to; for the tests of the lock.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { acquireLock } from '../../storage/embedded/lock.ts'

process.on('message', async word => {
  if (word === 'collect') {
    setFlagsFromString('--expose-gc')
    runInNewContext('gc')()
    process.send!('collected')
    return
  }
  try {
    await acquireLock(process.argv[2]!)
    process.send!({ held: true })
  } catch (error) {
    const { name, message } = error as Error
    process.send!({ held: false, name, message })
  }
})

process.send!('ready')
