import { once } from 'node:events'
import { keepBusy } from './keep-busy.ts'
import { ownNow } from './own-clock.ts'

/** Measures a phase by both clocks. The parent suspends this process in the second phase. */
async function measure(work: () => unknown): Promise<{ readonly own: number; readonly wall: number }> {
  const [own, wall] = [ownNow(), performance.now()]
  await work()
  return { own: ownNow() - own, wall: performance.now() - wall }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const waited = await measure(async () => {
  for (let at = 0; at < 30; at += 1) await pause(10)
})
const stopped = await measure(() => {
  process.stdout.write('stop me\n')
  return once(process.stdin, 'data')
})
const busy = await measure(() => keepBusy(300))
process.stdout.write(`${JSON.stringify({ waited, stopped, busy })}\n`)
process.stdin.destroy()
