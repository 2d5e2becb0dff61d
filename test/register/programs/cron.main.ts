// Tasks of croner and node-cron that query, as ES modules or as CommonJS. Prints their results.
import { createRequire } from 'node:module'
import * as croner from 'croner'
import cron, * as nodeCron from 'node-cron'
import { endWork, readInLoop } from './job-work.ts'

const require = createRequire(import.meta.url)
const isCommonJs = process.env.APP_MODULES === 'commonjs'
const { Cron }: typeof croner = isCommonJs ? require('croner') : croner
const { createTask }: typeof nodeCron = isCommonJs ? require('node-cron') : nodeCron
const { schedule }: typeof cron = isCommonJs ? require('node-cron').default : cron

async function work(): Promise<void> {
  console.log((await readInLoop()).length)
}

const failingWork = async () => {
  await work()
  throw new Error('The task fails.')
}
for (const job of [
  new Cron('0 3 * * *', { paused: true }, work),
  new Cron('0 4 * * *', { paused: true, name: 'nightly' }, work),
  new Cron('0 4 * * *', { paused: true, name: 'failing' }, failingWork),
]) {
  await job.trigger().catch(({ message }) => console.log(message))
  job.stop()
}
const tasks = [createTask('0 5 * * *', work, { name: 'weekly' }), schedule('0 6 * * *', work)]
for (const task of tasks) {
  await task.execute()
  await task.destroy()
}
await endWork()
