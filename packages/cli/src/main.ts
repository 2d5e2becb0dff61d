import { InvalidOptionError, SluiceError } from '@sluice/core'
import { closest, errorForLog, plainLine, redact } from '@sluice/core/siblings'
import {
  type Command,
  EXIT,
  InputError,
  isParseError,
  type Output,
  ownVersion,
  UsageError,
} from './command.ts'
import { analyze } from './commands/analyze.ts'
import { bench } from './commands/bench.ts'
import { doctor } from './commands/doctor.ts'
import { explain } from './commands/explain.ts'
import { ignore } from './commands/ignore.ts'
import { mcp } from './commands/mcp.ts'
import { relay } from './commands/relay.ts'
import { run } from './commands/run.ts'
import { top } from './commands/top.ts'
import { triggers } from './commands/triggers.ts'
import { yieldCommand } from './commands/yield.ts'
import { ConnectError, isDisconnect } from './connect/open-connection.ts'

const commands: Readonly<Record<string, Command>> = {
  run,
  analyze,
  explain,
  top,
  yield: yieldCommand,
  bench,
  ignore,
  doctor,
  triggers,
  relay,
  mcp,
}

const help = `sluice <command> [options]

${Object.entries(commands)
  .map(([name, { summary }]) => `  ${name.padEnd(10)}${summary}`)
  .join('\n')}

Run npx sluice <command> --help to list its options, and npx sluice --version to print the version.
`

/**
 * Runs the command line.
 *
 * @returns An exit code of `EXIT`.
 */
export async function main(args: readonly string[], output: Output): Promise<number> {
  const [name, ...rest] = args
  if (name === '--help' || name === '-h' || name === 'help') {
    const [of] = rest
    if (of !== undefined && !of.startsWith('-')) return main([of, '--help'], output)
    output.out(help)
    return EXIT.ok
  }
  if (name === '--version' || name === '-v' || name === 'version') {
    output.out(`${ownVersion()}\n`)
    return EXIT.ok
  }
  const command = name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined
  if (command === undefined) {
    output.err(name === undefined ? help : unknownCommand(name))
    return EXIT.usage
  }
  const options = command.optionsIn?.(rest) ?? rest
  if (options.includes('--help') || options.includes('-h')) {
    output.out(command.help)
    return EXIT.ok
  }
  try {
    return await command.run(rest, output)
  } catch (error) {
    const code = exitCodeOf(error)
    // Node prints the fields of an error. Those of a Redis client contain the password.
    if (code === undefined) throw errorForLog(error)
    const isMisused = code === EXIT.usage && !(error instanceof InputError)
    const hint = isMisused ? `See npx sluice ${name} --help\n` : ''
    const message = redact(messageOf(error as Error, command))
      .split('\n')
      .map(plainLine)
      .join('\n')
    output.err(`sluice ${name}: ${message}\n${hint}`)
    return code
  }
}

function unknownCommand(name: string): string {
  const names = Object.keys(commands)
  const similar = closest(name, names)
  const hint = similar === undefined ? `Expected ${names.join(', ')} or --help` : `Did you mean ${similar}?`
  return `sluice: unknown command "${plainLine(redact(name))}". ${hint}\n`
}

/** The message of an error; for an unknown option, with the most similar one of the command. */
function messageOf(error: Error, { help }: Command): string {
  const typed = /^Unknown option '(-[^']*)'/.exec(isParseError(error) ? error.message : '')?.[1]
  if (typed === undefined) return error.message
  const similar = closest(typed, help.match(/--[a-z][a-z-]*/g) ?? [])
  return `Unknown option '${typed}'.${similar === undefined ? '' : ` Did you mean ${similar}?`}`
}

/** Exit code of an error that is reported without a stack trace. */
function exitCodeOf(error: unknown): number | undefined {
  if (error instanceof UsageError || error instanceof InvalidOptionError || isParseError(error))
    return EXIT.usage
  if (error instanceof ConnectError || isDisconnect(error)) return EXIT.unreachable
  return error instanceof SluiceError ? EXIT.failed : undefined
}
