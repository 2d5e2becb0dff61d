import { connect, isIP, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import {
  isInstance,
  MAX_TIMER_MS,
  setLongInterval,
  setLongTimeout,
  TIMEOUT_TICKS,
} from '@sluice/core/siblings'
import { backoffMs, FirstLink, StoreUnavailableError } from '@sluice/core/stores'
import { type MetaReply, ReplyFormatError, ReplyParser } from './reply-parser.ts'

interface Greeting {
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
async function greet(
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

export interface ServerAddress {
  readonly host: string
  readonly port: number
}

export interface MetaClientOptions {
  readonly address: ServerAddress
  readonly timeoutMs: number
  /** `undefined`: no encryption. */
  readonly tls: ConnectionOptions | undefined
  readonly auth: Greeting['auth']
  /** Called for each new connection, before other calls use it. */
  readonly onLink?: () => void
}

interface Call {
  readonly count: number
  readonly replies: MetaReply[]
  /** The tick of the timer in which it was sent. */
  readonly tick: number
  resolve(replies: readonly MetaReply[]): void
  reject(error: Error): void
}

const CONFUSION: ReadonlySet<string> = new Set(['ERROR', 'CLIENT_ERROR'])

/** No reply came in time, or the connection was lost: the commands may have been executed. */
class ConnectionLostError extends Error {}

/**
 * One connection to a Memcached server, by its meta commands. Calls are pipelined, and replies are assigned
 * in their order. While there is no connection, calls are rejected: nothing is queued, and nothing is sent
 * twice. Because replies have no ids, a reply that is late ends the connection.
 */
export class MetaClient {
  readonly #first: FirstLink
  readonly #calls: Call[] = []
  #socket: Socket | undefined
  #isReady = false
  /** Counts connections. */
  #link = 0
  /** Why the server cannot be used at all, such as its version. */
  #refusal: StoreUnavailableError | undefined
  #attempt = 0
  #retry: NodeJS.Timeout | undefined
  #ticks = 0
  #timer: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(private readonly options: MetaClientOptions) {
    this.#first = new FirstLink('Memcached', options.timeoutMs)
    this.#connect()
  }

  get isReady(): boolean {
    return this.#isReady
  }

  /** Whether the last attempt to connect failed, or the connection was lost. */
  get isLost(): boolean {
    return this.#attempt > 0
  }

  /** Number of the current connection: what was read on an earlier one proves nothing about it. */
  get link(): number {
    return this.#link
  }

  /**
   * Resolves when there was a connection, or rejects if there is none in time. `undefined`: there was one.
   */
  connected(): Promise<void> | undefined {
    return this.#first.wait()
  }

  /**
   * Sends commands in one write.
   *
   * @param parts - The commands, each with its line break.
   * @param count - Number of their replies.
   * @param link - The only connection on which they may be sent.
   * @throws Error if there is no such connection, or it ends before the last reply.
   */
  send(parts: readonly (string | Buffer)[], count: number, link?: number): Promise<readonly MetaReply[]> {
    const socket = this.#socket
    if (!this.#isReady || socket === undefined || (link !== undefined && link !== this.#link))
      return Promise.reject(this.#refusal ?? new Error(`${this.#name} is not connected.`))
    return this.#write(socket, parts, count)
  }

  /** Closes the connection, which may be dead, and opens a new one. */
  reconnect(): void {
    if (this.#socket !== undefined && this.#isReady)
      this.#drop(this.#socket, new ConnectionLostError(`The connection to ${this.#name} was given up.`))
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#retry)
    if (this.#socket !== undefined) this.#drop(this.#socket, new Error('The cache store is closed.'))
  }

  get #name(): string {
    const { host, port } = this.options.address
    return `${host}:${port}`
  }

  #connect(): void {
    const { address, tls, auth, onLink } = this.options
    const socket =
      tls === undefined
        ? connect({ ...address, noDelay: true })
        : connectTls({ ...(isIP(address.host) === 0 && { servername: address.host }), ...tls, ...address })
    this.#socket = socket
    socket.setTimeout(Math.min(MAX_TIMER_MS, Math.max(2_000, 2 * this.options.timeoutMs)), () =>
      this.#drop(socket, new Error(`No connection to ${this.#name} in time.`)),
    )
    let cause: Error | undefined
    socket.on('error', (error) => {
      cause = error
    })
    socket.on('close', () =>
      this.#drop(socket, cause ?? new ConnectionLostError(`The connection to ${this.#name} was lost.`)),
    )
    const parser = new ReplyParser((reply) => this.#answer(socket, reply))
    socket.on('data', (chunk) => this.#read(socket, parser, chunk))
    socket.once(tls === undefined ? 'connect' : 'secureConnect', () => {
      socket.setTimeout(0)
      greet((text, count) => this.#write(socket, [text], count), { name: this.#name, auth }).then(
        () => {
          if (this.#socket !== socket) return
          this.#link += 1
          this.#isReady = true
          this.#attempt = 0
          this.#refusal = undefined
          // An idle connection does not keep the process alive; the timer of a call that waits does.
          socket.unref()
          this.#first.arrived()
          onLink?.()
        },
        (error: Error) => this.#drop(socket, error),
      )
    })
  }

  #write(socket: Socket, parts: readonly (string | Buffer)[], count: number): Promise<readonly MetaReply[]> {
    return new Promise((resolve, reject) => {
      // Calls of one tick leave with one system call.
      if (socket.writableCorked === 0) {
        socket.cork()
        process.nextTick(() => socket.uncork())
      }
      for (const part of parts) socket.write(part)
      this.#calls.push({ count, replies: [], tick: this.#ticks, resolve, reject })
      this.#timer ??= this.#startTimer()
    })
  }

  /**
   * A period in which the event loop is blocked counts as one tick at most, and replies that arrived
   * meanwhile are read first.
   */
  #startTimer(): NodeJS.Timeout {
    return setLongInterval(
      () =>
        setImmediate(() => {
          this.#ticks += 1
          const [oldest] = this.#calls
          if (oldest === undefined) {
            clearInterval(this.#timer)
            this.#timer = undefined
          } else if (this.#socket !== undefined && this.#ticks - oldest.tick > TIMEOUT_TICKS) {
            const message = `No reply from ${this.#name} within ${this.options.timeoutMs} ms.`
            this.#drop(this.#socket, new ConnectionLostError(message))
          }
        }),
      this.options.timeoutMs / TIMEOUT_TICKS,
    )
  }

  #read(socket: Socket, parser: ReplyParser, chunk: Buffer): void {
    if (this.#socket !== socket) return
    try {
      // Nothing is buffered that no call waits for.
      if (this.#calls.length === 0) throw new ReplyFormatError('bytes that no command has requested')
      parser.read(chunk)
    } catch (error) {
      if (!(error instanceof ReplyFormatError)) throw error
      this.#drop(socket, new ConnectionLostError(`${this.#name} sent ${error.message}.`))
    }
  }

  #answer(socket: Socket, reply: MetaReply): void {
    if (this.#socket !== socket) return
    const [call] = this.#calls
    // A reply that was not requested, or an error that does not show how many commands it is for.
    if (call === undefined || (this.#isReady && CONFUSION.has(reply.code))) {
      this.#drop(socket, new ConnectionLostError(`${this.#name} replied ${reply.text}`))
      return
    }
    call.replies.push(reply)
    if (call.replies.length < call.count) return
    this.#calls.shift()
    call.resolve(call.replies)
  }

  #drop(socket: Socket, error: Error): void {
    if (this.#socket !== socket) return
    this.#socket = undefined
    this.#isReady = false
    this.#refusal = isInstance(error, StoreUnavailableError) ? error : undefined
    this.#first.failed(error)
    socket.destroy()
    for (const call of this.#calls.splice(0)) call.reject(error)
    clearInterval(this.#timer)
    this.#timer = undefined
    if (this.#isClosed) return
    this.#retry = setLongTimeout(() => this.#connect(), backoffMs(this.#attempt))
    this.#retry.unref()
    this.#attempt += 1
  }
}
