// A worker of BullMQ whose jobs query. Prints their results.
import { type Job, Queue, QueueEvents, Worker } from 'bullmq'
import { endWork, lazyRead, readInLoop, readTogether } from './job-work.ts'

const connection = { host: '127.0.0.1', port: Number(process.env.REDIS_PORT) }

async function work({ name }: Job): Promise<unknown> {
  if (name === 'digest') return await readInLoop()
  if (name === 'together') return await readTogether()
  await readInLoop()
  throw new Error('The job fails.')
}

const queue = new Queue('mail', { connection })
const events = new QueueEvents('mail', { connection })
const worker = new Worker(
  'mail',
  (job) => (job.name === 'lazy' ? lazyRead() : work(job)) as Promise<unknown>,
  {
    connection,
    concurrency: 2,
  },
)

async function outcome(name: string): Promise<unknown> {
  const job = await queue.add(name, {}, { attempts: 1 })
  return await job.waitUntilFinished(events).catch((error: Error) => error.message)
}

for (const name of ['lazy', 'digest', 'broken']) console.log(name, await outcome(name))
for (let round = 0; round < 4; round += 1) {
  console.log(await outcome('together'))
  // The catalog is read after the first job.
  await new Promise((resolve) => setTimeout(resolve, 100))
}
console.log(await Promise.all(['digest', 'together'].map(outcome)))
for (const one of [worker, events, queue]) await one.close()
await endWork()
