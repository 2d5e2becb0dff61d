import { AsyncBatchProcessingEngine } from '@sluice/core'
import { postgresJobBackend } from '@sluice/core/jobs-postgres'
import pg from 'pg'

/** Adds and runs a task, and stops working without closing anything: the process must exit on its own. */
const [, , url, schema = ''] = process.argv
const pool = new pg.Pool({ connectionString: url, allowExitOnIdle: true })
const jobs = new AsyncBatchProcessingEngine({ backend: postgresJobBackend({ pool, schema }) })
const done = new Promise((resolve) => {
  jobs.registerProcessor('default', resolve)
})
jobs.start()
await jobs.enqueueTask(1)
await done
await jobs.drain()
process.stdout.write('drained')
