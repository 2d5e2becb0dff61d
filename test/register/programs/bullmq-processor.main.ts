// A processor of BullMQ in a separate file.
import type { Job } from 'bullmq'
import { readInLoop } from './job-work.ts'

// biome-ignore lint/style/noDefaultExport: BullMQ imports it
export default async ({ name }: Job): Promise<unknown> => {
  const names = await readInLoop()
  if (name === 'broken') throw new Error('The job fails.')
  return names.length
}
