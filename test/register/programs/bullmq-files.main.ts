// A worker of BullMQ whose processor is a file. Prints the results of its jobs.
import { Queue, QueueEvents, Worker } from 'bullmq'

const connection = { host: '127.0.0.1', port: Number(process.env.REDIS_PORT) }
const queue = new Queue('files', { connection })
const events = new QueueEvents('files', { connection })
const worker = new Worker('files', new URL('bullmq-processor.main.ts', import.meta.url), { connection })
for (const name of ['digest', 'broken']) {
  const job = await queue.add(name, {}, { attempts: 1 })
  console.log(name, await job.waitUntilFinished(events).catch((error: Error) => error.message))
}
for (const one of [worker, events, queue]) await one.close()
