import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { InputError, type Output } from '../command.ts'

/**
 * Runs a command to its end, with the input and output of this process. Signals are forwarded to it: it
 * decides how to react.
 *
 * @returns Its exit code: 128 plus the number of the signal that ended it.
 * @throws InputError if it cannot be started.
 */
export function runToEnd(
  command: readonly string[],
  env: NodeJS.ProcessEnv,
  { onSignal }: Pick<Output, 'onSignal'>,
): Promise<number> {
  const { file, args, isVerbatim } = processOf(command, process.platform, env)
  const child = spawn(file, [...args], { stdio: 'inherit', env, windowsVerbatimArguments: isVerbatim })
  onSignal?.((signal) => {
    // A terminal sends these signals to the command, too.
    if (signal === 'SIGTERM' || process.stdin.isTTY !== true) child.kill(signal)
  })
  return new Promise((resolve, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) =>
      reject(new InputError(`cannot start "${command[0]}": ${reasonOf(error)}`)),
    )
    child.once('exit', (code, signal) =>
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])),
    )
  })
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such program. Expected a program in PATH, or a path',
  EACCES: 'permission denied. Expected a file that can be executed',
}

function reasonOf({ code = 'unknown error' }: NodeJS.ErrnoException): string {
  return REASONS[code] ?? code
}

interface ProcessArguments {
  readonly file: string
  readonly args: readonly string[]
  /** Whether the arguments are already quoted. */
  readonly isVerbatim: boolean
}

/** On Windows, `npm` and other commands are scripts, which only its shell finds and starts. */
export function processOf(
  [file = '', ...args]: readonly string[],
  platform: NodeJS.Platform,
  { ComSpec = 'cmd.exe' }: NodeJS.ProcessEnv,
): ProcessArguments {
  if (platform !== 'win32') return { file, args, isVerbatim: false }
  const line = [file, ...args].map(quoted).join(' ')
  return { file: ComSpec, args: ['/d', '/s', '/c', `"${line}"`], isVerbatim: true }
}

function quoted(text: string): string {
  return /^[\w./:\\@=+-]+$/.test(text) ? text : `"${text.replaceAll('"', '""')}"`
}
