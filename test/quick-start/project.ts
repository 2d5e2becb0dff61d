import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Sqlite from 'better-sqlite3'
import { env } from '../prisma/generate-parts.mjs'
import { freePort } from '../services/free-port.ts'
import { SOON } from '../support/patience.ts'

const tests = join(import.meta.dirname, '..')
const require = createRequire(import.meta.url)
const LISTENING = /http:\/\/localhost:3000\/books/

/** The responses and the output of a server. */
export interface Served {
  readonly bodies: readonly string[]
  /** Queries of each response, by its `Server-Timing`. */
  readonly queries: readonly number[]
  readonly printed: string
}

/** Waits until a program has printed something. */
async function untilPrinted(pattern: RegExp, printed: () => string): Promise<void> {
  const deadline = Date.now() + SOON.timeout
  while (!pattern.test(printed())) {
    if (Date.now() > deadline) throw new Error(`Expected ${pattern} in:\n${printed()}`)
    await sleep(SOON.interval)
  }
}

/** A folder with the files of a quick start. Uses the built packages of this repository. */
export class Project {
  readonly folder: string
  /** That of a developer. */
  readonly #environment: NodeJS.ProcessEnv

  /** @param variables - Additional environment variables. */
  constructor(variables: NodeJS.ProcessEnv = {}) {
    this.#environment = { ...env, NODE_ENV: 'development', ...variables }
    const parent = join(tests, 'generated')
    mkdirSync(parent, { recursive: true })
    this.folder = mkdtempSync(join(parent, 'quick-start-'))
    this.write('package.json', '{ "type": "module" }')
  }

  write(path: string, code: string): void {
    const file = join(this.folder, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, code)
  }

  /** @throws Error with the output of the script if the script fails. */
  run(script: string, ...args: readonly string[]): void {
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], {
      cwd: this.folder,
      env: this.#environment,
      encoding: 'utf8',
    })
    if (status !== 0) throw new Error(`${script} ${args.join(' ')} ended with ${status}:\n${stdout}${stderr}`)
  }

  /** Runs a script on a SQLite database of the folder. */
  exec(name: string, script: string): void {
    const database = new Sqlite(join(this.folder, name))
    database.exec(script)
    database.close()
  }

  typecheck(): void {
    this.run(require.resolve('typescript/bin/tsc'))
  }

  generate(): void {
    this.run(join(dirname(require.resolve('prisma/package.json')), 'build/index.js'), 'generate')
  }

  seed(): void {
    this.run(require.resolve('tsx/cli'), 'src/seed.ts')
  }

  /**
   * Starts the server, requests its page so many times, and ends it.
   *
   * @param last - The last line of output to wait for. Default: the message that it listens.
   * @param variables - Additional environment variables.
   */
  async serve(
    code: string,
    requests: number,
    last: RegExp = LISTENING,
    variables: NodeJS.ProcessEnv = {},
  ): Promise<Served> {
    const port = await freePort()
    this.write(
      'src/server.ts',
      code.replace('listen(3000', `listen(${port}, '127.0.0.1'`).replace('port: 3000', `port: ${port}`),
    )
    const args = ['--import', require.resolve('tsx'), 'src/server.ts']
    const child = spawn(process.execPath, args, {
      cwd: this.folder,
      env: { ...this.#environment, ...variables },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const exited = once(child, 'exit')
    let printed = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        printed += text
      })
    }
    try {
      await untilPrinted(LISTENING, () => printed)
      const bodies: string[] = []
      const queries: number[] = []
      for (let at = 0; at < requests; at += 1) {
        const response = await fetch(`http://127.0.0.1:${port}/books`)
        bodies.push(await response.text())
        queries.push(Number(/desc="(\d+) queries"/.exec(response.headers.get('server-timing') ?? '')?.[1]))
      }
      await untilPrinted(last, () => printed)
      return { bodies, queries, printed }
    } finally {
      child.kill()
      await exited
    }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true })
  }
}
