// biome-ignore-all lint/style/noDefaultExport: that is how a processor is handed over
import { setTimeout as sleep } from 'node:timers/promises'
import { threadId } from 'node:worker_threads'

/** Performs the action in its data. */
export default async function work(data, context) {
  switch (data.do) {
    case 'double':
      context.log('I double.')
      context.progress(50)
      return {
        doubled: data.value * 2,
        threadId,
        ...context,
        signal: undefined,
        progress: undefined,
        log: undefined,
        failItem: undefined,
      }
    case 'throw':
      context.log('About to throw.')
      throw new RangeError('Out of it.')
    case 'throw for good':
      throw Object.assign(new Error('Never again.'), { code: 'SLUICE_UNRETRYABLE' })
    case 'return a function':
      return () => {}
    case 'spin':
      for (;;);
    case 'end the thread':
      process.exit(3)
      break
    case 'heed': {
      await new Promise((resolve) => {
        if (context.signal.aborted) resolve()
        else context.signal.addEventListener('abort', resolve, { once: true })
      })
      context.log(`Told: ${context.signal.reason.name}.`)
      throw context.signal.reason
    }
    case 'sleep':
      await sleep(data.ms)
      return threadId
    case 'beat':
      for (;;) {
        await sleep(5)
        Atomics.add(data.beats, 0, 1)
      }
    case 'fill the memory': {
      const kept = []
      for (;;) kept.push(new Array(100_000).fill(Math.random()))
    }
  }
  if (Array.isArray(data)) {
    for (const [index, item] of data.entries())
      if (item % 2 === 1) context.failItem(index, new Error(`${item} is odd`))
  }
  return undefined
}
