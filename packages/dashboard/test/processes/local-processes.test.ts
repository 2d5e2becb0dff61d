import {
  chmod,
  link as hardLink,
  mkdir,
  mkdtemp,
  readdir,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { InvalidOptionError } from '@sluice/core'
import type { ProcessLink } from '@sluice/core/siblings'
import { describe, expect, it, onTestFinished } from 'vitest'
import { SOON } from '../../../../test/support/patience.ts'
import { localProcesses, PeerUnavailableError } from '../../src/index.ts'

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'sl-'))
  onTestFinished(() => rm(made, { recursive: true, force: true }))
  return made
}

async function opened(
  directory: string,
  id: string,
  answer: (question: string) => Promise<string> = async () => id,
  group = 'g',
): Promise<ProcessLink> {
  const link = localProcesses({ directory, group })
  await link.open(id, answer)
  onTestFinished(() => link.close())
  return link
}

const soon = () => AbortSignal.timeout(SOON.timeout)

describe.skipIf(process.platform === 'win32')('local processes', () => {
  it('find and answer each other within a group', async () => {
    const directory = await folder()
    const [a, b] = [
      await opened(directory, 'a'),
      await opened(directory, 'b', async (question) => `${question}!`),
    ]
    await opened(directory, 'c', async () => 'c', 'another')
    expect(await a.others()).toEqual(['b'])
    expect(await b.others()).toEqual(['a'])
    const long = 'ü'.repeat(20_000)
    expect(await a.request('b', long, soon())).toBe(`${long}!`)
    await b.close()
    await b.close()
    expect(await a.others()).toEqual([])
    await expect(a.request('b', 'there?', soon())).rejects.toThrow()
  })

  it('forget a process that ended without closing', async () => {
    const directory = await folder()
    const a = await opened(directory, 'a')
    const [group] = await readdir(directory)
    // If a process is killed, the file of its socket remains.
    const path = join(directory, group as string, 'dead.sock')
    const dead = createServer()
    await new Promise<void>((resolve) => dead.listen(path, resolve))
    const kept = join(directory, group as string, 'kept')
    await hardLink(path, kept)
    await new Promise((resolve) => dead.close(resolve))
    await rename(kept, path)
    expect(await a.others()).toEqual(['dead'])
    await expect(a.request('dead', 'there?', soon())).rejects.toThrow('ECONNREFUSED')
    expect(await a.others()).toEqual([])
  })

  it('time out if a process does not respond', async () => {
    const directory = await folder()
    const a = await opened(directory, 'a')
    await opened(directory, 'b', () => new Promise(() => {}))
    await expect(a.request('b', 'there?', AbortSignal.timeout(50))).rejects.toThrow()
  })

  it('reject a question that is too long', async () => {
    const directory = await folder()
    const a = await opened(directory, 'a')
    await opened(directory, 'b')
    await expect(a.request('b', 'x'.repeat(1_100_000), soon())).rejects.toThrow()
    expect(await a.request('b', 'there?', soon())).toBe('b')
  })

  it('reject an insecure directory', async () => {
    const directory = await folder()
    const open = join(directory, 'open')
    await mkdir(open)
    await chmod(open, 0o755)
    await expect(localProcesses({ directory: open }).open('a', async () => '')).rejects.toThrow(
      PeerUnavailableError,
    )
    const led = join(directory, 'led')
    await symlink(directory, led)
    await expect(localProcesses({ directory: led }).open('a', async () => '')).rejects.toThrow(
      /Insecure directory/,
    )
    const file = join(directory, 'file')
    await writeFile(file, '')
    await expect(localProcesses({ directory: file }).open('a', async () => '')).rejects.toThrow()
  })

  it('reject invalid options', async () => {
    expect(() => localProcesses({ group: '' })).toThrow(InvalidOptionError)
    expect(() => localProcesses({ place: '/tmp' } as never)).toThrow(InvalidOptionError)
    const long = join(await folder(), 'x'.repeat(100))
    await expect(localProcesses({ directory: long }).open('a', async () => '')).rejects.toThrow(
      /at most 103 bytes/,
    )
  })
})
