import { chownSync } from 'node:fs'
import pg from 'pg'
import { freePort } from '../free-port.ts'
import type { OwnProcesses } from '../own-processes.ts'
import { PostgresServer } from './postgres-server.ts'
import { serverUser } from './server-user.ts'

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

/** @param binaries - The folder of PostgreSQL's programs. */
export async function startPostgresPair(own: OwnProcesses, binaries: string): Promise<PostgresPair> {
  const user = serverUser()
  if (user !== undefined) chownSync(own.folder, user.uid, user.gid)
  const port = await freePort()
  const primary = new PostgresServer({ ...{ own, binaries, user, port }, name: 'primary' })
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
  await primary.start()
  const replica = new PostgresServer({ ...{ own, binaries, user }, port: await freePort(), name: 'replica' })
  const connection = `host=127.0.0.1 port=${port} user=atlas`
  await replica.run('pg_basebackup', [
    '-D',
    replica.data,
    '-R',
    '-X',
    'stream',
    '--checkpoint=fast',
    '--no-sync',
    '-d',
    connection,
  ])
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
