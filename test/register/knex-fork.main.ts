// Runs a script in this process and in a child process.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

await once(fork(join(import.meta.dirname, 'knex-script.main.ts')), 'exit')
await import('./knex-script.main.ts')
