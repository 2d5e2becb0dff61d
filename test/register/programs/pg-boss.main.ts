// A worker of pg-boss whose jobs query. Prints their results.
import PgBoss from 'pg-boss'
import { endWork, readInLoop } from './job-work.ts'

const boss = new PgBoss({ connectionString: process.env.DATABASE_URL ?? '', supervise: false })
boss.on('error', (error) => console.log('error', error.message))
await boss.start()
const results: unknown[] = []

for (const queue of ['digest', 'broken', 'batch']) await boss.createQueue(queue)
await boss.work('digest', { pollingIntervalSeconds: 0.5 }, async ([job]) => {
  results.push(job?.name, (await readInLoop()).length)
})
await boss.work('broken', { pollingIntervalSeconds: 0.5 }, async ([job]) => {
  await readInLoop()
  results.push(job?.name)
  throw new Error('The job fails.')
})
await boss.work<{ at: number }>('batch', { batchSize: 2, pollingIntervalSeconds: 0.5 }, async (jobs) => {
  await readInLoop()
  results.push(jobs.map(({ data }) => data.at).sort())
  return 'done'
})
await boss.insert([1, 2].map((at) => ({ name: 'batch', data: { at } })))
const digest = await boss.send('digest', {})
const broken = await boss.send('broken', {}, { retryLimit: 0 })

async function stateOf(queue: string, id: string | null): Promise<string | undefined> {
  if (id === null) throw new Error(`The queue ${queue} has no job.`)
  for (;;) {
    const state = (await boss.getJobById(queue, id))?.state
    if (state === 'completed' || state === 'failed') return state
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
console.log(await stateOf('digest', digest), await stateOf('broken', broken))
while (results.length < 4) await new Promise((resolve) => setTimeout(resolve, 50))
console.log(results.map(String).sort().join(' '))
await boss.stop({ graceful: true })
await endWork()
