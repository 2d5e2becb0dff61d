import { realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { titleOf } from '@sluice/core/siblings'
import {
  type Command,
  colorOf,
  colorOptions,
  EXIT,
  InputError,
  type Output,
  oneOf,
  separated,
  UsageError,
} from '../command.ts'
import { installCommand } from '../project/install-command.ts'
import { paintWith, usesColor } from '../report/cells.ts'
import { runReport } from '../report/run-report.ts'
import { readRun } from '../run/run-findings.ts'
import { runToEnd } from '../run/start-command.ts'
import { makeTemporaryFolder, removeTemporaryFolder } from '../scratch/temporary-folder.ts'

const MODES = ['observe', 'shadow', 'optimize'] as const
const CODES = ['N_PLUS_ONE', 'REPEATED_QUERY', 'QUERY_BUDGET'] as const
const FAILURES = CODES.map((code) => titleOf(code).toLowerCase())

const help = `sluice run [options] -- <command>…

Runs a command, such as npm run dev, with Sluice in all its Node processes, without a change to the code of your
app. When the command ends, prints a summary of all findings to stderr.

  <command>…            the command and its arguments. SIGINT and SIGTERM are forwarded to it
  --mode <mode>         ${MODES.join(', ')} (SLUICE_MODE, observe)
  --fail-on <what>      exits with code 1 if the command succeeds with findings: ${FAILURES.join(', ')}
  --color, --no-color   forces or disables colors. Default: by NO_COLOR, FORCE_COLOR and the terminal
  --help                prints this help

Exit codes: that of the command, 128 plus the number of a signal that ended it, 1 --fail-on matched, 2 invalid
arguments, or the command cannot be started.
`

const options = {
  mode: { type: 'string' },
  'fail-on': { type: 'string', multiple: true },
  ...colorOptions,
} as const

/** `sluice run` */
export const run: Command = {
  summary: 'run a command with Sluice, and summarize its N+1 queries',
  help,
  optionsIn: (args) => split(args).own,
  async run(args: readonly string[], output: Output): Promise<number> {
    const { own, command } = split(args)
    const { values } = parseArgs({ args: [...own], options, allowPositionals: false })
    const mode = values.mode === undefined ? undefined : oneOf('--mode', MODES, values.mode)
    const failOn = separated(values['fail-on']).map((name) => oneOf('--fail-on', FAILURES, name))
    if (command.length === 0) throw new UsageError('expected a command: npx sluice run -- npm run dev')
    const folder = makeTemporaryFolder('sluice-run-')
    try {
      const code = await runToEnd(command, environmentOf(process.env, folder, mode), output)
      const result = readRun(folder)
      const paint = paintWith(usesColor(colorOf(values), output.isErrTerminal === true))
      output.err(runReport(result, { paint, width: output.columns ?? 100 }))
      if (code !== EXIT.ok) return code
      const isFailure = result.findings.some((finding) =>
        failOn.includes(titleOf(finding.code).toLowerCase()),
      )
      return isFailure ? EXIT.failed : EXIT.ok
    } finally {
      removeTemporaryFolder(folder)
    }
  },
}

interface SplitArguments {
  readonly own: readonly string[]
  readonly command: readonly string[]
}

/**
 * The command begins after `--`, or with the first argument that is not an option, because PowerShell removes
 * `--`.
 */
function split(args: readonly string[]): SplitArguments {
  const { tokens } = parseArgs({
    args: [...args],
    options,
    allowPositionals: true,
    strict: false,
    tokens: true,
  })
  const start = tokens.find(({ kind }) => kind !== 'option')
  if (start === undefined) return { own: args, command: [] }
  return {
    own: args.slice(0, start.index),
    command: args.slice(start.kind === 'positional' ? start.index : start.index + 1),
  }
}

/**
 * `NODE_OPTIONS` reaches all Node processes that the command starts. With `--import`, Node would load their
 * main modules as ES modules, and hooks of `require`, as of ts-node, would not see them.
 */
function environmentOf(env: NodeJS.ProcessEnv, folder: string, mode: string | undefined): NodeJS.ProcessEnv {
  const { NODE_OPTIONS = '' } = env
  return {
    ...env,
    NODE_OPTIONS: `${NODE_OPTIONS} --require ${JSON.stringify(registerFile())}`.trimStart(),
    SLUICE_RUN: folder,
    ...(mode === undefined ? {} : { SLUICE_MODE: mode }),
  }
}

/**
 * The file of `sluice/register`: of the package `sluice` if it runs this command, otherwise of the app.
 *
 * @throws InputError if there is none.
 */
function registerFile(): string {
  const [, script = ''] = process.argv
  for (const from of [() => realpathSync(script), () => join(process.cwd(), 'package.json')]) {
    try {
      return createRequire(from()).resolve('sluice/register')
    } catch {
      // The next one can have it.
    }
  }
  const install = installCommand('sluice', { isDev: true })
  throw new InputError(`cannot find the package sluice. Install it: ${install}`)
}
