import { hash } from 'node:crypto'
import { lstat, mkdir, readdir, rm } from 'node:fs/promises'
import {
  Agent,
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { InvalidOptionError, SluiceError } from '@sluice/core'
import { checkOptions, markOwnServer, type OptionRule, type ProcessLink } from '@sluice/core/siblings'
import { appName } from './process-identity.ts'

/** The processes of an app cannot be connected. The message contains the reason. */
export class PeerUnavailableError extends SluiceError {
  constructor(message: string) {
    super('SLUICE_PEER_UNAVAILABLE', message)
  }
}

const SUFFIX = '.sock'
const MAX_QUESTION = 1_048_576
/** Maximum length of a socket path on macOS. Other systems allow a little more. */
const MAX_PATH = 103

export interface LocalProcessesOptions {
  /**
   * Name of the group. Processes of one user with the same name are connected. 1 to 200 characters.
   * @defaultValue the name in the package.json of the working directory
   */
  readonly group?: string
  /**
   * Directory of the sockets, which only the current user can read. It is created if it does not exist.
   * @defaultValue a directory of the user in the system's directory for temporary files
   */
  readonly directory?: string
}

const text: OptionRule = {
  expected: '1 to 200 characters',
  accepts: (value) => typeof value === 'string' && value !== '' && value.length <= 200,
}
const rules: Readonly<Record<keyof LocalProcessesOptions, OptionRule>> = { group: text, directory: text }

/**
 * Connects the processes of one user on one machine: workers of `node:cluster` or pm2, or processes that were
 * started manually. Each has a Unix socket in a directory that only this user can read. Not available on
 * Windows.
 *
 * @throws InvalidOptionError; when the link opens, ProcessLinkError on Windows, or if another user owns the
 * directory or can read it.
 * @example
 * ```ts
 * const dashboard = createDashboard(sluice, { processes: localProcesses({ group: 'shop' }) })
 * ```
 */
export function localProcesses(options: LocalProcessesOptions = {}): ProcessLink {
  checkOptions(options, rules)
  return new LocalProcesses(options.group ?? appName(), options.directory)
}

class LocalProcesses implements ProcessLink {
  readonly #directory: string
  readonly #group: string
  /** Keeps connections open between questions, without keeping the process alive. */
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 4 })
  #server: Server | undefined
  #self = ''

  constructor(name: string, directory: string | undefined) {
    this.#directory = directory ?? join(tmpdir(), `sluice-${process.getuid?.() ?? 'user'}`)
    this.#group = join(this.#directory, hash('sha256', name).slice(0, 8))
  }

  async open(self: string, answer: (question: string) => Promise<string>): Promise<void> {
    if (process.platform === 'win32')
      throw new PeerUnavailableError(
        'localProcesses is not available on Windows, because it uses Unix sockets. Use redisProcesses, or set processes to false.',
      )
    const path = this.#pathOf(self)
    if (Buffer.byteLength(path) > MAX_PATH)
      throw new InvalidOptionError(
        'directory',
        `a shorter path, so that ${path} has at most ${MAX_PATH} bytes`,
        this.#directory,
      )
    await ownDirectory(this.#directory)
    await mkdir(this.#group, { mode: 0o700, recursive: true })
    const server = markOwnServer(
      createServer((incoming, response) => void respond(incoming, response, answer)),
    )
    this.#self = self
    this.#server = server
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      // The primary of a cluster would share the socket between all workers.
      server.listen({ path, exclusive: true }, resolve)
    })
    server.on('error', () => undefined)
    // Open connections of other processes must not keep this process alive.
    server.on('connection', (socket) => socket.unref())
    server.unref()
  }

  async others(): Promise<readonly string[]> {
    const files = await readdir(this.#group)
    return files.flatMap((file) => {
      const process = file.endsWith(SUFFIX) ? file.slice(0, -SUFFIX.length) : this.#self
      return process === this.#self ? [] : [process]
    })
  }

  async request(process: string, question: string, signal: AbortSignal): Promise<string> {
    const socketPath = this.#pathOf(process)
    try {
      return await post(socketPath, question, this.#agent, signal)
    } catch (error) {
      // The process that owned the socket ended without removing it.
      if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') await rm(socketPath, { force: true })
      throw error
    }
  }

  async close(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    this.#agent.destroy()
    if (server === undefined) return
    await new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  }

  #pathOf(process: string): string {
    return join(this.#group, `${process}${SUFFIX}`)
  }
}

/** @throws ProcessLinkError if other users can read or write the directory. */
async function ownDirectory(directory: string): Promise<void> {
  await mkdir(directory, { mode: 0o700, recursive: true })
  const stats = await lstat(directory)
  const isOwn = process.getuid === undefined || stats.uid === process.getuid()
  if (stats.isDirectory() && isOwn && (stats.mode & 0o077) === 0) return
  throw new PeerUnavailableError(
    `Insecure directory ${directory}: it must belong to the current user, and no other user may read or write it. Fix its owner and permissions (0700), or set the option directory.`,
  )
}

async function respond(
  incoming: IncomingMessage,
  response: ServerResponse,
  answer: (question: string) => Promise<string>,
): Promise<void> {
  try {
    let question = ''
    for await (const chunk of incoming.setEncoding('utf8')) {
      question += chunk
      if (question.length > MAX_QUESTION) throw new Error('The question exceeds the maximum size.')
    }
    response.end(await answer(question))
  } catch {
    response.destroy()
  }
}

function post(socketPath: string, question: string, agent: Agent, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath, agent, signal, method: 'POST', path: '/' }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.once('end', () =>
        response.complete
          ? resolve(text)
          : reject(new Error('The connection closed before the end of the response.')),
      )
      response.once('error', reject)
    })
    outgoing.once('error', reject)
    outgoing.end(question)
  })
}
