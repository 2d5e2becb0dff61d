import { join } from 'node:path'
import { findBinary } from './find-binary.ts'
import { freePort } from './free-port.ts'
import { onMariadb } from './mariadb.ts'
import { type PairReplica, type ReplicaPair, startReplicaServer } from './replica-server.ts'
import { superviseServer } from './supervise.ts'
import { unprivilegedUser } from './unprivileged-user.ts'

interface Binaries {
  readonly server: string
  readonly install: string
}

const folders = ['/usr/sbin', '/usr/bin']
const DATABASE = 'app'

/** The MariaDB binaries of this machine, or a string that names the missing ones. */
export function findMariadbReplication(): Binaries | string {
  const [server, install] = ['mariadbd', 'mariadb-install-db'].map((name) => findBinary(name, folders))
  return server === undefined || install === undefined
    ? 'No mariadbd and mariadb-install-db on PATH or in /usr/sbin.'
    : { server, install }
}

/**
 * Starts a primary, and replicas that replay its writes by global transaction ids. The URLs are those of an
 * app's user, whose only privileges are on its database; `asRoot` returns those of the administrator.
 */
export async function startMariadbPair(binaries: Binaries, replicaCount = 1): Promise<ReplicaPair> {
  const user = unprivilegedUser(['mysql'])
  const stops: (() => Promise<void>)[] = []
  const stop = async () => {
    for (const one of stops.splice(0).reverse()) await one()
  }
  try {
    const port = await freePort()
    const server = await superviseServer({
      commands: (place) => [
        installation(binaries, place),
        [...command(binaries, place, port), '--server-id=1', `--log-bin=${join(place, 'log')}`],
      ],
      ready: /ready for connections/,
      stopSignal: 'KILL',
      user,
    })
    stops.push(server.stop)
    const primary = `mysql://app@127.0.0.1:${port}/${DATABASE}`
    const root = asRoot(primary, 'mysql')
    for (const statement of [
      `CREATE DATABASE ${DATABASE} CHARACTER SET utf8mb4`,
      "CREATE USER app@'127.0.0.1'",
      `GRANT ALL ON ${DATABASE}.* TO app@'127.0.0.1'`,
      "CREATE USER replica@'127.0.0.1'",
      "GRANT REPLICATION SLAVE ON *.* TO replica@'127.0.0.1'",
    ])
      await onMariadb(root, statement)
    const replicas: PairReplica[] = []
    for (let i = 0; i < replicaCount; i += 1)
      replicas.push(await startReplica(binaries, primary, i, user, stops))
    return { primary, replicas, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** The same URL for the administrator. */
export function asRoot(url: string, database?: string): string {
  const address = new URL(url)
  address.username = 'root'
  if (database !== undefined) address.pathname = `/${database}`
  return address.href
}

/** Settles when a replica has replayed all earlier writes of its primary. */
export async function replayedOnMariadb(primary: string, replica: string): Promise<void> {
  const [{ position } = {}] = await onMariadb(
    asRoot(primary, 'mysql'),
    'SELECT @@gtid_binlog_pos AS position',
  )
  const [waited] = await onMariadb(
    asRoot(replica, 'mysql'),
    `SELECT MASTER_GTID_WAIT('${position}', 30) AS failed`,
  )
  if (Number(waited?.failed) !== 0) throw new Error('The replica does not catch up.')
}

async function startReplica(
  binaries: Binaries,
  primary: string,
  index: number,
  user: ReturnType<typeof unprivilegedUser>,
  stops: (() => Promise<void>)[],
): Promise<PairReplica> {
  const port = await freePort()
  const url = `mysql://app@127.0.0.1:${port}/${DATABASE}`
  const root = asRoot(url, 'mysql')
  const { stop, ...server } = await startReplicaServer({
    setUp: (place) => [installation(binaries, place)],
    server: (place) => [...command(binaries, place, port), `--server-id=${index + 2}`, '--read-only'],
    pidFile: 'pid',
    ready: /ready for connections/,
    user,
    ping: () => onMariadb(root, 'SELECT 1'),
  })
  stops.push(stop)
  await onMariadb(
    root,
    `CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = ${new URL(primary).port}, MASTER_USER = 'replica', MASTER_USE_GTID = slave_pos, MASTER_CONNECT_RETRY = 1`,
  )
  await onMariadb(root, 'START SLAVE')
  await replayedOnMariadb(primary, url)
  return {
    ...server,
    url,
    pauseReplay: async () => void (await onMariadb(root, 'STOP SLAVE SQL_THREAD')),
    resumeReplay: async () => void (await onMariadb(root, 'START SLAVE SQL_THREAD')),
  }
}

function installation({ install }: Binaries, place: string): readonly string[] {
  const data = `--datadir=${join(place, 'data')}`
  return [
    install,
    '--no-defaults',
    data,
    `--tmpdir=${place}`,
    '--auth-root-authentication-method=normal',
    '--skip-test-db',
  ]
}

function command({ server }: Binaries, place: string, port: number): readonly string[] {
  return [
    server,
    '--no-defaults',
    `--datadir=${join(place, 'data')}`,
    `--tmpdir=${place}`,
    `--socket=${join(place, 'socket')}`,
    `--pid-file=${join(place, 'pid')}`,
    `--port=${port}`,
    '--bind-address=127.0.0.1',
    '--max-connections=200',
    '--character-set-server=utf8mb4',
    '--debug-no-sync',
    '--innodb-flush-log-at-trx-commit=0',
    // The app's user creates functions too.
    '--log-bin-trust-function-creators=1',
  ]
}
