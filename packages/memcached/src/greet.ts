import { StoreUnavailableError } from '@sluice/core/stores'
import type { MetaReply } from './reply-parser.ts'

export interface Greeting {
  /** The server's address, for messages. */
  readonly name: string
  /** `undefined`: the server requires no authentication. */
  readonly auth: { readonly username: string; readonly password: string } | undefined
}

/** The first version whose `ms` creates a missing item when it appends. */
const LEAST = [1, 6, 20] as const

/**
 * Authenticates a new connection, and checks that the server has the meta commands that the store needs. The
 * server has then replied: a connection that only the kernel of its machine has accepted is not used.
 *
 * @throws StoreUnavailableError if the server rejects the password, or its version is not supported.
 */
export async function greet(
  send: (text: string, count: number) => Promise<readonly MetaReply[]>,
  { name, auth }: Greeting,
): Promise<void> {
  if (auth !== undefined) {
    const secret = `${auth.username} ${auth.password}`
    const [reply] = await send(`set auth 0 0 ${Buffer.byteLength(secret)}\r\n${secret}\r\n`, 1)
    if (reply?.code !== 'STORED')
      throw new StoreUnavailableError(
        'Memcached',
        `${name} rejected the username and password (${reply?.text}). Check \`auth\`.`,
      )
  }
  const [version] = await send('version\r\n', 1)
  if (version?.code === 'CLIENT_ERROR')
    throw new StoreUnavailableError('Memcached', `${name} requires a username and password. Set \`auth\`.`)
  const [, ...parts] = /^VERSION (\d+)\.(\d+)\.(\d+)/.exec(version?.text ?? '') ?? []
  const isSupported = parts.length > 0 && isAtLeast(parts.map(Number))
  if (isSupported && (await send('mn\r\n', 1))[0]?.code === 'MN') return
  throw new StoreUnavailableError(
    'Memcached',
    `${name} replied "${version?.text}". Expected Memcached ${LEAST.join('.')} or later, addressed directly. ` +
      'Upgrade the server, or bypass its proxy.',
  )
}

function isAtLeast(parts: readonly number[]): boolean {
  for (const [at, least] of LEAST.entries()) {
    const part = parts[at] ?? 0
    if (part !== least) return part > least
  }
  return true
}
