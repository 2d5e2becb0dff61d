import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { TEST_MS } from '../support/patience.ts'
import { FLAGS } from '../support/typescript-process.ts'

const main = fileURLToPath(new URL('scaling-cluster.main.ts', import.meta.url))

/** Runs a scenario in a process that exits on its own, which shows that nothing keeps it alive. */
async function tell(story: string): Promise<unknown> {
  const args = [...FLAGS, main, story]
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    timeout: TEST_MS,
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  return JSON.parse(stdout)
}

describe('clusterTarget with real workers', { timeout: TEST_MS }, () => {
  it('fails no request while it scales up and down', async () => {
    expect(await tell('load')).toEqual({
      failed: [],
      counts: [3, 3, 1, 1, 2, 2, 1, 1],
      answersAll: true,
      processes: 4,
      alive: [],
    })
  })

  it('replaces a worker that dies while the others respond', async () => {
    expect(await tell('death')).toEqual({
      before: 2,
      meanwhile: 1,
      after: 2,
      stayed: 1,
      alive: [],
      problems: ['The worker PID ended with code 5. It is being replaced.'],
    })
  })

  it('restarts workers with increasing delays when they die immediately', async () => {
    expect(await tell('loop')).toEqual({
      first: ['SLUICE_SCALING_FAILED', 'The worker PID ended with code 3 before it was up.'],
      second: 'Workers died during start-up. Next attempt in N ms.',
      isSlow: true,
      after: 0,
      left: 0,
    })
  })

  it('ends a worker that is not up in time', async () => {
    expect(await tell('never')).toEqual({ error: 'A worker did not come up within 1500 ms.', left: 0 })
  })

  it('kills a worker that ignores signals', async () => {
    expect(await tell('deaf')).toEqual({ wasAlive: true, isAlive: false })
  })

  it('starts no more workers than fit into memory', async () => {
    expect(await tell('memory')).toEqual({
      admitted: 2,
      reason: expect.stringMatching(
        /^Not enough memory: \d+ MB are free, of which 0 MB are reserved, and a worker needs \d+ MB\.$/,
      ),
      error: 'SLUICE_SCALING_FAILED',
      started: 2,
      fewer: { count: 1 },
      full: 0,
      none: { count: 0 },
    })
  })

  it('uses the newest number when calls overlap', async () => {
    expect(await tell('newest')).toEqual({
      told: 'another',
      current: 0,
      answering: 1,
      closed: 'SLUICE_CLOSED',
    })
  })
})
