import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { findBinary, versionedFolders } from './find-binary.ts'
import { freePort } from './free-port.ts'
import { onPostgres } from './postgres.ts'
import { type PairReplica, type ReplicaPair, startReplicaServer } from './replica-server.ts'
import { superviseServer } from './supervise.ts'
import { unprivilegedUser } from './unprivileged-user.ts'

const BINARIES = ['initdb', 'postgres', 'pg_basebackup']

/**
 * The folder of a PostgreSQL on this machine that supports replication, or a string with the reason why there
 * is none.
 */
export function findPostgresReplication(): { readonly folder: string } | string {
  const folders = versionedFolders('/usr/lib/postgresql', 'bin')
  const folder = folders.find((one) => BINARIES.every((name) => existsSync(join(one, name))))
  if (folder !== undefined) return { folder }
  const missing = BINARIES.filter((name) => findBinary(name, folders) === undefined)
  return `No PostgreSQL with ${(missing.length === 0 ? BINARIES : missing).join(', ')} in /usr/lib/postgresql.`
}

/** Starts a primary, and replicas that are created from it. */
export async function startPostgresPair(folder: string, replicaCount = 1): Promise<ReplicaPair> {
  const user = unprivilegedUser(['postgres'])
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '100',
    fsync: 'off',
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const stops: (() => Promise<void>)[] = []
  const stop = async () => {
    for (const one of stops.splice(0).reverse()) await one()
  }
  try {
    const port = await freePort()
    const server = await superviseServer({
      commands: (place) => {
        const data = join(place, 'data')
        return [
          [
            join(folder, 'initdb'),
            '-D',
            data,
            '-U',
            'sluice',
            '--auth=trust',
            '--no-sync',
            '--encoding=UTF8',
            '--locale=C',
          ],
          [
            join(folder, 'postgres'),
            '-D',
            data,
            '-p',
            String(port),
            ...flags,
            '-c',
            'wal_level=replica',
            '-c',
            'max_wal_senders=10',
          ],
        ]
      },
      ready: /ready to accept connections/,
      stopSignal: 'INT',
      user,
    })
    stops.push(server.stop)
    const primary = `postgresql://sluice@127.0.0.1:${port}/postgres`
    const replicas: PairReplica[] = []
    for (let i = 0; i < replicaCount; i += 1)
      replicas.push(await startReplica(folder, port, flags, user, stops))
    return { primary, replicas, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function startReplica(
  folder: string,
  primaryPort: number,
  flags: readonly string[],
  user: ReturnType<typeof unprivilegedUser>,
  stops: (() => Promise<void>)[],
): Promise<PairReplica> {
  const port = await freePort()
  const url = `postgresql://sluice@127.0.0.1:${port}/postgres`
  const source = `host=127.0.0.1 port=${primaryPort} user=sluice`
  const { stop, ...server } = await startReplicaServer({
    setUp: (place) => [
      [
        join(folder, 'pg_basebackup'),
        '-D',
        join(place, 'data'),
        '-R',
        '-X',
        'stream',
        '--checkpoint=fast',
        '--no-sync',
        '-d',
        source,
      ],
    ],
    server: (place) => [join(folder, 'postgres'), '-D', join(place, 'data'), '-p', String(port), ...flags],
    pidFile: 'data/postmaster.pid',
    ready: /ready to accept read-only connections/,
    user,
    ping: () => onPostgres(url, 'SELECT 1'),
  })
  stops.push(stop)
  return {
    ...server,
    url,
    pauseReplay: async () => void (await onPostgres(url, 'SELECT pg_wal_replay_pause()')),
    resumeReplay: async () => void (await onPostgres(url, 'SELECT pg_wal_replay_resume()')),
  }
}
