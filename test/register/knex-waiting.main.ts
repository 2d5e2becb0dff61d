// A script that continues until a signal ends it.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import './knex-script.main.ts'

const { SLUICE_RUN = '', APP_SIGNAL } = process.env

process.on('SIGTERM', () => {
  console.log('SIGTERM')
  setTimeout(() => process.exit(7), 50)
})

/** Whether Sluice has reported a finding of this process. */
function isReported(): boolean {
  const files = readdirSync(SLUICE_RUN).filter((name) => name.endsWith('.json'))
  return files.some((name) => readFileSync(join(SLUICE_RUN, name), 'utf8').includes('N_PLUS_ONE'))
}

// Nothing else ends it if a finding is missing.
setTimeout(() => process.exit(1), 60_000)

setInterval(() => {
  if (!isReported()) return
  if (APP_SIGNAL === undefined) console.log('ready')
  else process.kill(process.pid, APP_SIGNAL)
}, 20)
