import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const STOP_MS = 1_000

interface Phase {
  readonly own: number
  readonly wall: number
}

it('ownNow() counts waits and work, and not the time in which the process is suspended', async () => {
  const child = spawn(process.execPath, [
    '--import',
    'tsx',
    fileURLToPath(new URL('own-clock.main.ts', import.meta.url)),
  ])
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  expect((await lines.next()).value).toBe('stop me')
  child.kill('SIGSTOP')
  await new Promise((resolve) => setTimeout(resolve, STOP_MS))
  child.kill('SIGCONT')
  child.stdin.write('go\n')
  const { waited, stopped, busy } = JSON.parse((await lines.next()).value) as Record<
    'waited' | 'stopped' | 'busy',
    Phase
  >
  for (const { own, wall } of [waited, stopped, busy]) expect(own).toBeLessThanOrEqual(wall + 20)
  expect(waited.own).toBeGreaterThan(200)
  expect(stopped.wall - stopped.own).toBeGreaterThan(STOP_MS - 100)
  expect(busy.own).toBeGreaterThan(0)
})
