import { spawnSync } from 'node:child_process'
import { chownSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import pg from 'pg'
import { freePort } from '../free-port.ts'
import type { OwnProcesses } from '../own-processes.ts'
import { PostgresServer } from './postgres-server.ts'
import { type ServerUser, serverUser } from './server-user.ts'

const RESTART_WITHIN_MS = 20_000

/** A primary, and a replica that streams from it. */
export interface PostgresPair {
  readonly primaryUrl: string
  readonly replicaUrl: string
  /** The replica keeps receiving, but does not replay. */
  pauseReplay(): Promise<void>
  resumeReplay(): Promise<void>
  /** Ends the replica without warning. */
  killReplica(): Promise<void>
  restartReplica(): Promise<void>
}

/** @param folder - The folder of PostgreSQL's programs. */
export async function startPostgresPair(own: OwnProcesses, folder: string): Promise<PostgresPair> {
  const user = serverUser()
  if (user !== undefined) chownSync(own.folder, user.uid, user.gid)
  const binaries = await accessible(folder, own, user)
  const port = await freePort()
  const primary = new PostgresServer({ own, binaries, user, port, name: 'primary' })
  await primary.run('initdb', [
    '-D',
    primary.data,
    '-U',
    'atlas',
    '--auth=trust',
    '--no-sync',
    '--encoding=UTF8',
    '--locale=C',
  ])
  const replica = new PostgresServer({ own, binaries, user, port: await freePort(), name: 'replica' })
  await replica.follow(primary)
  await primary.start()
  await replica.start()
  return {
    primaryUrl: primary.url,
    replicaUrl: replica.url,
    pauseReplay: () => query(replica.url, 'SELECT pg_wal_replay_pause()'),
    resumeReplay: () => query(replica.url, 'SELECT pg_wal_replay_resume()'),
    killReplica: () => replica.kill(),
    restartReplica: () => restart(replica),
  }
}

/** The folder of the programs, or that of a copy if the server's user cannot access them. */
async function accessible(folder: string, own: OwnProcesses, user: ServerUser | undefined): Promise<string> {
  if (user === undefined) return folder
  const { status } = spawnSync(join(folder, 'postgres'), ['--version'], { cwd: '/', ...user })
  if (status === 0) return folder
  const copy = join(own.folder, 'postgresql')
  await cp(dirname(folder), copy, { recursive: true, verbatimSymlinks: true })
  return join(copy, basename(folder))
}

/** Remaining processes of the killed server can block the start for a moment. */
async function restart(server: PostgresServer): Promise<void> {
  const until = performance.now() + RESTART_WITHIN_MS
  for (;;) {
    try {
      return await server.start()
    } catch (error) {
      if (performance.now() > until) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

/** Runs one statement on a separate connection. */
export async function query(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}
