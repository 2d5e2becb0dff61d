import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { SOON } from '../../../test/support/patience.ts'
import { FLAGS } from '../../../test/support/typescript-process.ts'
import { OwnProcesses } from '../src/own-processes.ts'

const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

describe('OwnProcesses', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)(
    'ends them, and removes their folder, when their owner ends by %s',
    async (signal) => {
      const owner: ChildProcess = fork(join(import.meta.dirname, 'own-processes.main.ts'), {
        execArgv: [...FLAGS],
      })
      const [{ folder, pid }] = (await once(owner, 'message')) as [{ folder: string; pid: number }]
      expect([existsSync(folder), isAlive(pid)]).toEqual([true, true])
      owner.kill(signal)
      await expect.poll(() => [existsSync(folder), isAlive(pid)], SOON).toEqual([false, false])
    },
  )

  it('ends a suspended process, and one that ignores signals', async () => {
    const own = new OwnProcesses()
    const stopped = own.spawn('sleep', ['600'], { stdio: 'ignore' }, 'SIGTERM')
    const deaf = own.spawn(
      '/bin/sh',
      ['-c', 'trap "" TERM; while :; do sleep 0.1; done'],
      { stdio: 'ignore' },
      'SIGTERM',
    )
    const pids = [stopped.pid, deaf.pid] as [number, number]
    stopped.kill('SIGSTOP')
    await own.close()
    await expect.poll(() => pids.map(isAlive), SOON).toEqual([false, false])
    expect(existsSync(own.folder)).toBe(false)
    await own.close()
  })

  it('does not signal a process that ended before', async () => {
    const own = new OwnProcesses()
    const child = own.spawn('true', [], { stdio: 'ignore' }, 'SIGTERM')
    const file = join(own.folder, 'pids', String(child.pid))
    expect(existsSync(file)).toBe(true)
    await once(child, 'exit')
    expect(existsSync(file)).toBe(false)
    await own.close()
  })
})
