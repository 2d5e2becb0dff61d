import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CLI } from './typescript-process.ts'

interface CliResult {
  readonly code: number | null
  readonly out: string
  /** Stderr without progress, which depends on the speed of the machine. */
  readonly err: string
}

/** Runs the command line in an empty project, with a separate folder for temporary files. */
export interface CliProject {
  readonly folder: string
  start(
    args: readonly string[],
    env?: Readonly<Record<string, string>>,
  ): { readonly child: ChildProcess; readonly ended: Promise<CliResult> }
  run(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<CliResult>
  /** Current temporary files of the processes. */
  temporaryFiles(): string[]
  remove(): void
}

export function cliProject(): CliProject {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-cli-'))
  const temporary = join(folder, 'tmp')
  mkdirSync(temporary)
  const start: CliProject['start'] = (args, env = {}) => {
    const child = spawn(process.execPath, [...CLI, ...args], {
      cwd: folder,
      env: { ...process.env, DATABASE_URL: '', REDIS_URL: '', ...env, TMPDIR: temporary },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let out = ''
    let err = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text
    })
    return {
      child,
      ended: new Promise((resolve) =>
        child.once('close', (code) =>
          resolve({ code, out, err: err.replaceAll(/^.*(?: …| {2}\d+%)\n/gm, '') }),
        ),
      ),
    }
  }
  return {
    folder,
    start,
    run: (args, env) => start(args, env).ended,
    temporaryFiles: () => readdirSync(temporary).filter((name) => name.startsWith('sluice')),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
